// Rows of a part of a batch, to and from their places among the rows of the whole, and sums of what parts gave.
//
//   place: whole[v * B + p + i] = part[v * N + i]
//   take:  part[v * N + i] = whole[v * B + p + i]
//   add:   sum[i] = sum[i] + part[i]
//   sum:   sum[i] = ((0 + parts[0, i]) + parts[1, i]) + …
//   weigh: out[i] = weight * part[i]
//
// Rows are view-major: v view, i picture of the part, N pictures of the part, B pictures of the batch, p the first picture of
// the part. Both sums run in the order of parts, so `sum` over parts that lie one after another has the bits of `add` part by
// part on zeros. What is weighed is not added at once, so that no driver makes one rounding of the two.
// Twin: src/ops/parts.rs.

struct Params {
    rows: u32,  // of the part: V * N; add, sum and weigh: quads
    size: u32,  // N; sum: how many parts
    batch: u32, // B
    quads: u32, // of a row
    weight: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows_in: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> rows_out: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> first: array<u32>; // [1]: p

// The quad among those of the whole that quad `at` of the part is.
fn of_whole(at: u32) -> u32 {
    let row = at / params.quads;
    let whole = row / params.size * params.batch + first[0] + row % params.size;
    return whole * params.quads + at % params.quads;
}

@compute @workgroup_size(64)
fn place(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    if at < params.rows * params.quads {
        rows_out[of_whole(at)] = rows_in[at];
    }
}

@compute @workgroup_size(64)
fn take(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    if at < params.rows * params.quads {
        rows_out[at] = rows_in[of_whole(at)];
    }
}

@compute @workgroup_size(64)
fn add(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    if at < params.rows {
        rows_out[at] = rows_out[at] + rows_in[at];
    }
}

@compute @workgroup_size(64)
fn sum(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    if at < params.rows {
        var total = vec4<f32>(0.0);
        for (var part = 0u; part < params.size; part++) {
            total = total + rows_in[part * params.rows + at];
        }
        rows_out[at] = total;
    }
}

@compute @workgroup_size(64)
fn weigh(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    if at < params.rows {
        rows_out[at] = params.weight * rows_in[at];
    }
}
