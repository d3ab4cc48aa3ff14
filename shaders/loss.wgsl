// The swapped prediction loss and its gradient, one workgroup a row (v, b) of the scores.
//
//   target[v, b] = sum over assignment crops c != v of codes[c, b] / (A (V - 1) B)
//   loss = sum over rows of -sum_k target log_softmax(scores / T), dscores = (softmax sum(target) - target) / T
//
// V crops, B pictures, A assignment crops, T temperature; no gradient flows through the codes
// (section 3.1 of arXiv 2006.09882). Codes: shared/targets.wgsl. Twin: src/ops/loss.rs.

struct Params {
    crops: u32,       // V
    batch: u32,       // B
    prototypes: u32,  // K
    quads: u32,
    assigned: u32,    // bit i: crop i is an assignment crop
    temperature: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scores: array<vec4<f32>>; // [V * B][quads]
@group(0) @binding(3) var<storage, read_write> dscores: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> loss: array<vec4<f32>>; // [V * B]: x is the row's loss

@compute @workgroup_size(LANES)
fn forward_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let row = group_number(group, groups);
    if row >= params.crops * params.batch {
        return;
    }
    let crop = row / params.batch;
    let picture = row % params.batch;
    var tail = empty_tail();
    for (var quad = index; quad < params.quads; quad += LANES) {
        let value = select(vec4(LOWEST), scores[row * params.quads + quad] / params.temperature, real(quad));
        tail = join(tail, Tail(value, vec4(1.0)));
    }
    let total = join_workgroup(tail, index);
    let assigned = countOneBits(params.assigned);
    let own = (params.assigned >> crop) & 1u;
    let weight = 1.0 / f32(assigned * (params.crops - 1u) * params.batch);
    let mass = f32(assigned - own) * weight; // each row of codes sums to 1
    var row_loss = 0.0;
    for (var quad = index; quad < params.quads; quad += LANES) {
        // Subtract the maximum first: the difference is exact where it matters.
        let value = scores[row * params.quads + quad] / params.temperature - total.x - total.y;
        let wanted = target_at(crop, picture, quad) * weight;
        let gradient = (exp(value) * mass - wanted) / params.temperature;
        dscores[row * params.quads + quad] = select(vec4<f32>(), gradient, real(quad));
        row_loss -= dot(wanted, select(vec4<f32>(), value, real(quad)));
    }
    let sum = add_workgroup(row_loss, index);
    if index == 0u {
        loss[row] = vec4(sum, 0.0, 0.0, 0.0);
    }
}
