// Linear classifiers on fixed features, several learning rates at once.
//
//   loss_gradient: dlogits[r, g, c] = (softmax over c of logits[r, g] - [c = label r]) / rows with a label
//   update:        v = momentum v + dw + decay w;  w -= rate[g] v
//
// r row of the batch, g classifier (one for each rate), c class. The classifiers stand side by side as
// the columns of one linear layer, `group` columns each, so one product trains them all. Weights are
// panels [N / width][depth][width] (ops/conv2d).
// Twin: src/ops/probe.rs.

struct Params {
    rows: u32,
    classes: u32,
    group: u32,  // columns of a classifier, at least `classes`
    groups: u32,
    stride: u32, // floats in a row of logits
    depth: u32,  // rows of a panel
    width: u32,
    total: u32,  // floats of all panels
    momentum: f32,
    decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;       // [rows][stride]
@group(0) @binding(2) var<storage, read> labels: array<u32>;       // a row without a label has NONE
@group(0) @binding(3) var<storage, read_write> dlogits: array<f32>;
@group(0) @binding(4) var<storage, read> rates: array<f32>;        // [groups]; then 1 / rows with a label
@group(0) @binding(5) var<storage, read> dw: array<f32>;
@group(0) @binding(6) var<storage, read_write> momentum: array<f32>;
@group(0) @binding(7) var<storage, read_write> w: array<f32>;

const NONE = 0xffffffffu;

// One invocation a row and classifier; the last classifier's also clears what is behind it.
@compute @workgroup_size(64)
fn loss_gradient(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let row = at / params.groups;
    if row >= params.rows {
        return;
    }
    let member = at % params.groups;
    let label = labels[row];
    let first = row * params.stride + member * params.group;
    var top = logits[first];
    for (var c = 1u; c < params.classes; c++) {
        top = max(top, logits[first + c]);
    }
    var sum = 0.0;
    for (var c = 0u; c < params.classes; c++) {
        sum += exp(logits[first + c] - top);
    }
    let weight = select(rates[params.groups], 0.0, label == NONE);
    for (var c = 0u; c < params.classes; c++) {
        let wanted = select(0.0, 1.0, c == label);
        dlogits[first + c] = (exp(logits[first + c] - top) / sum - wanted) * weight;
    }
    let end = select(first + params.group, (row + 1u) * params.stride, member == params.groups - 1u);
    for (var i = first + params.classes; i < end; i++) {
        dlogits[i] = 0.0;
    }
}

@compute @workgroup_size(64)
fn update(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    if at >= params.total {
        return;
    }
    let column = at / (params.depth * params.width) * params.width + at % params.width;
    let rate = rates[min(column / params.group, params.groups - 1u)];
    let v = params.momentum * momentum[at] + dw[at] + params.decay * w[at];
    momentum[at] = v;
    w[at] -= rate * v;
}
