// Layout work on convolution weights, panels [N / WIDTH][taps * C][WIDTH] (see conv2d).
//
//   transpose:     wt[tap, n, c] = w[tap, c, n], as panels over c: what the gradient of the input reads
//   reduce_slices: dw += sum_s partial[s], in the order of the slices, so that the sum is repeatable
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
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> wt: array<f32>;
@group(0) @binding(3) var<storage, read> partial: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> dw: array<vec4<f32>>;

@compute @workgroup_size(64)
fn transpose_panels(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let depth = params.taps * params.columns;
    let panels = (params.rows + params.out_width - 1u) / params.out_width;
    if at >= panels * depth * params.out_width {
        return;
    }
    let row = at / params.out_width;
    let c = row / depth * params.out_width + at % params.out_width;
    let tap = row % depth / params.columns;
    let n = row % params.columns;
    let source = ((n / params.width * params.taps + tap) * params.rows + c) * params.width + n % params.width;
    wt[at] = select(0.0, w[select(0u, source, c < params.rows)], c < params.rows);
}

@compute @workgroup_size(64)
fn reduce_slices(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    if at >= params.quads {
        return;
    }
    var sum = dw[at];
    for (var s = 0u; s < params.slices; s++) {
        sum += partial[s * params.quads + at];
    }
    dw[at] = sum;
}
