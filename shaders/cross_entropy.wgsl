// Cross-entropy against the labels of pictures and its gradient, one workgroup a row (v, b) of the logits.
//
//   loss[row]    = -weight log softmax(logits / T)[label b]
//   dlogits[row] = weight (softmax(logits / T) - [k = label b]) / T
//
// V crops, B pictures, T temperature; all crops of a picture have its label. The weight is the caller's: with
// 1 / (rows with a label) the loss is their mean. A row without a label has no loss and no gradient.
// Of DeepCluster-v2 and SeLa-v2 (arXiv 2006.09882, appendix D), and of supervised training with T = 1.
// Twin: src/ops/cross_entropy.rs.

struct Params {
    rows: u32,        // V * B
    batch: u32,       // B
    prototypes: u32,  // K: clusters, prototypes or classes
    quads: u32,
    accumulate: u32,  // 1: added to the losses that are there
    temperature: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<vec4<f32>>; // [V * B][quads]
@group(0) @binding(2) var<storage, read> labels: array<u32>;       // [B]: K or more means none
@group(0) @binding(3) var<storage, read> share: array<f32>;        // the weight of a row, read on the device
@group(0) @binding(4) var<storage, read_write> dlogits: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> losses: array<vec4<f32>>; // [V * B]: loss, weight where the label is best

// Four truth values as numbers, to be added up.
fn counts(truths: vec4<bool>) -> vec4<f32> {
    return select(vec4<f32>(), vec4(1.0), truths);
}

@compute @workgroup_size(LANES)
fn forward_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let row = group_number(group, groups);
    if row >= params.rows {
        return;
    }
    let label = labels[row % params.batch];
    let labelled = label < params.prototypes;
    let weight = select(0.0, share[0], labelled);
    let first = row * params.quads;
    // A row without a label looks at class 0, and nothing comes of it.
    let at = select(0u, label, labelled);
    let own = logits[first + at / 4u][at % 4u];
    var tail = empty_tail();
    for (var quad = index; quad < params.quads; quad += LANES) {
        let value = select(vec4(LOWEST), logits[first + quad] / params.temperature, real(quad));
        tail = join(tail, Tail(value, vec4(1.0)));
    }
    let total = join_workgroup(tail, index);
    let scale = weight / params.temperature;
    // Classes that the label's is ahead of; of equal ones the first counts, as in PyTorch's arg-max. Counting
    // these, and not those ahead of the label, makes a row of NaN wrong.
    var behind = 0.0;
    for (var quad = index; quad < params.quads; quad += LANES) {
        let k = vec4(quad * 4u) + vec4(0u, 1u, 2u, 3u);
        let logit = logits[first + quad];
        // Subtract the maximum first: the difference is exact where it matters.
        let probability = exp(logit / params.temperature - total.x - total.y);
        let gradient = (probability - counts(k == vec4(label))) * scale;
        // Neither padding nor an unlabelled row takes part, whatever its logits are.
        let counted = k < vec4(select(0u, params.prototypes, labelled));
        dlogits[first + quad] = select(vec4<f32>(), gradient, counted);
        let level = select(vec4<f32>(), counts(k >= vec4(label)), logit == vec4(own));
        let ahead = select(level, vec4(1.0), vec4(own) > logit);
        behind += dot(select(vec4<f32>(), ahead, counted), vec4(1.0));
    }
    let beaten = add_workgroup(behind, index);
    if index == 0u {
        let loss = -weight * (own / params.temperature - total.x - total.y);
        let right = select(0.0, weight, beaten == f32(params.prototypes));
        var sum = select(vec4<f32>(), vec4(loss, right, 0.0, 0.0), labelled);
        if params.accumulate == 1u {
            sum += losses[row];
        }
        losses[row] = sum;
    }
}
