// Layout work on convolution weights, panels [N / WIDTH][taps * C][WIDTH] (see conv2d).
//
//   transpose:     wt[tap, n, c] = a[tap, c, n], as panels over c: what the gradient of the input reads
//   reduce_slices: dw += sum_s a[s], in the order of the slices, so that the sum is repeatable
//
// Twin: src/ops/weights.rs.

struct Params {
    taps: u32,
    rows: u32,      // channels of x, padded to quads
    columns: u32,   // channels of the result, padded to quads
    width: u32,     // columns of a panel of w
    out_width: u32, // columns of a panel of wt
    quads: u32,     // reduce_slices: quads of dw
    slices: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read_write> wt: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> dw: array<vec4<f32>>;

// An invocation turns a block of four channels by four columns.
@compute @workgroup_size(64)
fn transpose_panels(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let out_quads = params.out_width / 4u;
    let c_quads = (params.rows + params.out_width - 1u) / params.out_width * out_quads;
    let n_quads = params.columns / 4u;
    let c = at % c_quads;
    let n = at / c_quads % n_quads;
    let tap = at / c_quads / n_quads;
    if tap >= params.taps {
        return;
    }
    let w_quads = params.width / 4u;
    var block = mat4x4<f32>();
    if c * 4u < params.rows { // else padding of the last panel, which is zero
        let first = ((n / w_quads * params.taps + tap) * params.rows + c * 4u) * w_quads + n % w_quads;
        block = transpose(mat4x4(a_quad(first), a_quad(first + w_quads), a_quad(first + 2u * w_quads), a_quad(first + 3u * w_quads)));
    }
    let to = ((c / out_quads * params.taps + tap) * params.columns + n * 4u) * out_quads + c % out_quads;
    wt[to] = block[0];
    wt[to + out_quads] = block[1];
    wt[to + 2u * out_quads] = block[2];
    wt[to + 3u * out_quads] = block[3];
}

@compute @workgroup_size(64)
fn reduce_slices(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    if at >= params.quads {
        return;
    }
    var sum = dw[at];
    for (var s = 0u; s < params.slices; s++) {
        sum += a_quad(s * params.quads + at);
    }
    dw[at] = sum;
}
