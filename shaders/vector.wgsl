// Small passes over activations and vectors.
//
//   relu:        out = max(a, 0)
//   mask:        out = dy where y > 0, else 0 (the gradient of ReLU); a = y, b = dy
//   add_bias:    out[r, c] += bias[c]
//   column_sums: partial[chunk, c] = sum of a[r, c] over the rows of the chunk (the gradient of a bias)
//
//   join:        out = the sum of the slices of c, added to out with accumulate
//
// Twin: src/ops/vector.rs.

struct Params {
    rows: u32,
    quads: u32,
    chunk: u32, // rows a chunk
    chunks: u32,
    slices: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> out: array<Quad>;
@group(0) @binding(5) var<storage, read_write> partial: array<vec4<f32>>;

@compute @workgroup_size(64)
fn relu(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let first = invocation(group, groups, index) * 4u;
    let end = min(first + 4u, params.rows * params.quads);
    for (var at = first; at < end; at++) {
        out[at] = narrow(max(a_quad(at), vec4<f32>()));
    }
}

@compute @workgroup_size(64)
fn mask(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let first = invocation(group, groups, index) * 4u;
    let end = min(first + 4u, params.rows * params.quads);
    for (var at = first; at < end; at++) {
        out[at] = narrow(select(vec4<f32>(), b_quad(at), a_quad(at) > vec4<f32>()));
    }
}

@compute @workgroup_size(64)
fn add_bias(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    if at < params.rows * params.quads {
        out[at] = narrow(wide(out[at]) + bias[at % params.quads]);
    }
}

@compute @workgroup_size(64)
fn column_sums(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let chunk = at / params.quads;
    if chunk >= params.chunks {
        return;
    }
    var sum = vec4<f32>();
    let end = min((chunk + 1u) * params.chunk, params.rows);
    for (var row = chunk * params.chunk; row < end; row++) {
        sum += a_quad(row * params.quads + at % params.quads);
    }
    partial[at] = sum;
}

@compute @workgroup_size(64)
fn join(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let all = params.rows * params.quads;
    if at >= all {
        return;
    }
    var sum = c_quad(at);
    for (var slice = 1u; slice < params.slices; slice++) {
        sum += c_quad(slice * all + at);
    }
    if params.accumulate == 1u {
        sum += wide(out[at]);
    }
    out[at] = narrow(sum);
}
