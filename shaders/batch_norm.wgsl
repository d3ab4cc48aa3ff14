// Batch normalisation over rows (pixels of all pictures, or rows of a matrix), per channel.
//
//   y = (x - mean) * scale + bias, scale = weight / sqrt(variance + eps), then + residual, ReLU if asked
//   dx = scale * (g - mean(g) - xhat * mean(g * xhat)), xhat = (x - mean) / sqrt(variance + eps)
//   dweight = sum(g * xhat), dbias = sum(g), g = dy (where y > 0, if ReLU; recomputed from x)
//
// Variance is biased for normalising and unbiased in the running estimate (PyTorch BatchNorm2d).
// Statistics are taken of x - x[0], so that a mean far from zero costs no digits, in two stages:
// sums of row chunks, then one pass over the chunks. Inputs: a = x; b = residual or dy.
// coefficients rows: mean, 1/sqrt(variance + eps), scale, bias. Twin: src/ops/batch_norm.rs.

struct Params {
    rows: u32,
    quads: u32,  // channels / 4
    chunk: u32,  // rows a chunk
    chunks: u32,
    relu: u32,
    eps: f32,
    momentum: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read_write> partial: array<vec4<f32>>; // [chunk][2][quads]
@group(0) @binding(4) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> running_mean: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> running_var: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> coefficients: array<vec4<f32>>; // [4][quads]
@group(0) @binding(10) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(11) var<storage, read_write> dweight: array<vec4<f32>>;
@group(0) @binding(12) var<storage, read_write> dbias: array<vec4<f32>>;
@group(0) @binding(13) var<storage, read_write> terms: array<vec4<f32>>; // [2][quads]: mean(g), mean(g * xhat)
@group(0) @binding(14) var<storage, read> fixed: array<vec4<f32>>;       // coefficients, read only
@group(0) @binding(15) var<storage, read> means: array<vec4<f32>>;       // terms, read only
@group(0) @binding(16) var<storage, read> saved_mean: array<vec4<f32>>;  // running estimates, read only
@group(0) @binding(17) var<storage, read> saved_var: array<vec4<f32>>;
@group(0) @binding(18) var<storage, read> sums: array<vec4<f32>>;        // partial, read only

fn position(group: vec3<u32>, groups: vec3<u32>, index: u32) -> u32 {
    return (group.y * groups.x + group.x) * 64u + index;
}

@compute @workgroup_size(64)
fn statistics(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = position(group, groups, index);
    let chunk = at / params.quads;
    let quad = at % params.quads;
    if chunk >= params.chunks {
        return;
    }
    let origin = a_quad(quad);
    var sum = vec4<f32>();
    var square = vec4<f32>();
    let end = min((chunk + 1u) * params.chunk, params.rows);
    for (var row = chunk * params.chunk; row < end; row++) {
        let d = a_quad(row * params.quads + quad) - origin;
        sum += d;
        square += d * d;
    }
    partial[chunk * 2u * params.quads + quad] = sum;
    partial[(chunk * 2u + 1u) * params.quads + quad] = square;
}

@compute @workgroup_size(64)
fn finish_statistics(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let quad = position(group, groups, index);
    if quad >= params.quads {
        return;
    }
    var sum = vec4<f32>();
    var square = vec4<f32>();
    for (var chunk = 0u; chunk < params.chunks; chunk++) {
        sum += sums[chunk * 2u * params.quads + quad];
        square += sums[(chunk * 2u + 1u) * params.quads + quad];
    }
    let n = f32(params.rows);
    let shifted = sum / n;
    let variance = max(square / n - shifted * shifted, vec4<f32>());
    let mean = a_quad(quad) + shifted;
    let inverse = 1.0 / sqrt(variance + params.eps);
    coefficients[quad] = mean;
    coefficients[params.quads + quad] = inverse;
    coefficients[2u * params.quads + quad] = weight[quad] * inverse;
    coefficients[3u * params.quads + quad] = bias[quad];
    let unbiased = variance * (n / max(n - 1.0, 1.0));
    running_mean[quad] += params.momentum * (mean - running_mean[quad]);
    running_var[quad] += params.momentum * (unbiased - running_var[quad]);
}

@compute @workgroup_size(64)
fn evaluation_coefficients(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let quad = position(group, groups, index);
    if quad >= params.quads {
        return;
    }
    let inverse = 1.0 / sqrt(saved_var[quad] + params.eps);
    coefficients[quad] = saved_mean[quad];
    coefficients[params.quads + quad] = inverse;
    coefficients[2u * params.quads + quad] = weight[quad] * inverse;
    coefficients[3u * params.quads + quad] = bias[quad];
}

fn activated(value: vec4<f32>) -> vec4<f32> {
    return select(value, max(value, vec4<f32>()), params.relu == 1u);
}

// An invocation walks down one column quad of a chunk, so the coefficients stay in registers.
@compute @workgroup_size(64)
fn normalize(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let first = position(group, groups, index);
    let quad = first % params.quads;
    let mean = fixed[quad];
    let scale = fixed[2u * params.quads + quad];
    let shift = fixed[3u * params.quads + quad];
    let end = min((first / params.quads + 1u) * params.chunk, params.rows);
    for (var row = first / params.quads * params.chunk; row < end; row++) {
        let at = row * params.quads + quad;
        out[at] = activated((a_quad(at) - mean) * scale + shift);
    }
}

@compute @workgroup_size(64)
fn normalize_add(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let first = position(group, groups, index);
    let quad = first % params.quads;
    let mean = fixed[quad];
    let scale = fixed[2u * params.quads + quad];
    let shift = fixed[3u * params.quads + quad];
    let end = min((first / params.quads + 1u) * params.chunk, params.rows);
    for (var row = first / params.quads * params.chunk; row < end; row++) {
        let at = row * params.quads + quad;
        out[at] = activated((a_quad(at) - mean) * scale + shift + b_quad(at));
    }
}

struct Backward {
    g: vec4<f32>,
    xhat: vec4<f32>,
}

fn backward_at(at: u32, mean: vec4<f32>, inverse: vec4<f32>, scale: vec4<f32>, shift: vec4<f32>) -> Backward {
    let d = a_quad(at) - mean;
    let dy = b_quad(at);
    let open = vec4(params.relu == 0u) | (d * scale + shift > vec4<f32>());
    return Backward(select(vec4<f32>(), dy, open), d * inverse);
}

@compute @workgroup_size(64)
fn backward_statistics(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = position(group, groups, index);
    let chunk = at / params.quads;
    let quad = at % params.quads;
    if chunk >= params.chunks {
        return;
    }
    let mean = fixed[quad];
    let inverse = fixed[params.quads + quad];
    let scale = fixed[2u * params.quads + quad];
    let shift = fixed[3u * params.quads + quad];
    var sum = vec4<f32>();
    var product = vec4<f32>();
    let end = min((chunk + 1u) * params.chunk, params.rows);
    for (var row = chunk * params.chunk; row < end; row++) {
        let v = backward_at(row * params.quads + quad, mean, inverse, scale, shift);
        sum += v.g;
        product += v.g * v.xhat;
    }
    partial[chunk * 2u * params.quads + quad] = sum;
    partial[(chunk * 2u + 1u) * params.quads + quad] = product;
}

@compute @workgroup_size(64)
fn finish_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let quad = position(group, groups, index);
    if quad >= params.quads {
        return;
    }
    var sum = vec4<f32>();
    var product = vec4<f32>();
    for (var chunk = 0u; chunk < params.chunks; chunk++) {
        sum += sums[chunk * 2u * params.quads + quad];
        product += sums[(chunk * 2u + 1u) * params.quads + quad];
    }
    dweight[quad] += product;
    dbias[quad] += sum;
    terms[quad] = sum / f32(params.rows);
    terms[params.quads + quad] = product / f32(params.rows);
}

@compute @workgroup_size(64)
fn backward_input(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let first = position(group, groups, index);
    let quad = first % params.quads;
    let mean = fixed[quad];
    let inverse = fixed[params.quads + quad];
    let scale = fixed[2u * params.quads + quad];
    let shift = fixed[3u * params.quads + quad];
    let mean_g = means[quad];
    let mean_gx = means[params.quads + quad];
    let end = min((first / params.quads + 1u) * params.chunk, params.rows);
    for (var row = first / params.quads * params.chunk; row < end; row++) {
        let at = row * params.quads + quad;
        let v = backward_at(at, mean, inverse, scale, shift);
        out[at] = scale * (v.g - mean_g - v.xhat * mean_gx);
    }
}
