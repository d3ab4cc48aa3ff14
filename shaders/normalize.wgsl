// L2 normalisation of rows.
//
//   forward:  y = x / max(|x|, 1e-12)
//   backward: dx = (dy - y (y . dy)) / |x|; a row of zeros gets 0 (its true gradient does not exist)
//   in_place: the prototypes, at the start of every step; rows of panels [N / width][C][width]
//
// Twin: src/ops/normalize.rs.

struct Params {
    rows: u32,
    quads: u32,
    width: u32, // in_place: columns of a panel
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> w: array<f32>;

const TINY = 1e-12;

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let row = invocation(group, groups, index);
    if row >= params.rows {
        return;
    }
    let first = row * params.quads;
    var square = 0.0;
    for (var q = 0u; q < params.quads; q++) {
        square += dot(x[first + q], x[first + q]);
    }
    let norm = max(sqrt(square), TINY);
    for (var q = 0u; q < params.quads; q++) {
        out[first + q] = x[first + q] / norm;
    }
}

@compute @workgroup_size(64)
fn backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let row = invocation(group, groups, index);
    if row >= params.rows {
        return;
    }
    let first = row * params.quads;
    var square = 0.0;
    var along = 0.0;
    for (var q = 0u; q < params.quads; q++) {
        square += dot(x[first + q], x[first + q]);
        along += dot(x[first + q], dy[first + q]);
    }
    let norm = sqrt(square);
    let live = norm > TINY;
    let inverse = select(0.0, 1.0 / norm, live);
    let share = along * inverse * inverse;
    for (var q = 0u; q < params.quads; q++) {
        out[first + q] = (dy[first + q] - x[first + q] * share) * inverse;
    }
}

@compute @workgroup_size(64)
fn in_place(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let row = invocation(group, groups, index);
    if row >= params.rows {
        return;
    }
    let depth = params.quads * 4u;
    let first = row / params.width * depth * params.width + row % params.width;
    var square = 0.0;
    for (var c = 0u; c < depth; c++) {
        let value = w[first + c * params.width];
        square += value * value;
    }
    let norm = max(sqrt(square), TINY);
    for (var c = 0u; c < depth; c++) {
        w[first + c * params.width] /= norm;
    }
}
