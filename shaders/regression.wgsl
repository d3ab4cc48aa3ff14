// BYOL's regression and its gradient: crops predict the rows that a target network gives other crops.
//
//   loss = sum over assignment crops a and crops v != a of mean over b of (2 - 2 z[v, b] . t[a, b])
//
// Predictions z and targets t are of unit length, so the dot products are cosines and 2 - 2 cos is the squared
// distance; no gradient flows through the targets. The official code adds the pairs up, as here, and does not take
// their mean (equation 2 of arXiv 2006.07733; deepmind-research/byol/byol_experiment.py).
// Through the lengths of the rows goes normalize.wgsl. Twin: src/ops/regression.rs.

struct Params {
    crops: u32,    // V
    batch: u32,    // B
    quads: u32,
    assigned: u32, // bit i: the target network has seen crop i
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> z: array<vec4<f32>>; // [V * B][quads]
@group(0) @binding(3) var<storage, read_write> dz: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> losses: array<vec4<f32>>; // [V * B]: the row's loss, its share of the mean cosine

@compute @workgroup_size(64)
fn forward_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let row = invocation(group, groups, index);
    if row >= params.crops * params.batch {
        return;
    }
    let crop = row / params.batch;
    let picture = row % params.batch;
    let slope = 2.0 / f32(params.batch);
    var cosines = 0.0;
    for (var quad = 0u; quad < params.quads; quad++) {
        let wanted = target_at(crop, picture, quad);
        cosines += dot(z[row * params.quads + quad], wanted);
        dz[row * params.quads + quad] = -slope * wanted;
    }
    let assigned = countOneBits(params.assigned);
    let own = (params.assigned >> crop) & 1u;
    let pairs = f32(assigned * (params.crops - 1u) * params.batch); // of all rows
    losses[row] = vec4(slope * (f32(assigned - own) - cosines), cosines / pairs, 0.0, 0.0);
}
