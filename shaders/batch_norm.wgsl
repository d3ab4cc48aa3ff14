// Batch normalisation over rows (pixels of all pictures, or rows of a matrix), per channel.
//
//   y = (x - mean) * scale + bias, scale = weight / sqrt(variance + eps), then + residual, ReLU if asked
//   dx = scale * (g - mean(g) - xhat * mean(g * xhat)), xhat = (x - mean) / sqrt(variance + eps)
//   dweight = sum(g * xhat), dbias = sum(g), g = dy (where y > 0, if ReLU; recomputed from x)
//
// Variance is biased for normalising and unbiased in the running estimate (PyTorch BatchNorm2d).
// Statistics are taken of x - x[0], so that a mean far from zero costs no digits, in two stages:
// sums of row chunks, then one pass over the chunks. Inputs: a = x; b = residual or dy; c = coefficients, with the
// terms below them in backward_input. Rows of coefficients: mean, 1/sqrt(variance + eps), scale, bias; terms:
// mean(g), mean(g * xhat). Twin: src/ops/batch_norm.rs.

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
@group(0) @binding(10) var<storage, read_write> out: array<Quad>;
@group(0) @binding(11) var<storage, read_write> dweight: array<vec4<f32>>;
@group(0) @binding(12) var<storage, read_write> dbias: array<vec4<f32>>;
@group(0) @binding(13) var<storage, read_write> terms: array<vec4<f32>>; // [6][quads]: coefficients and terms
@group(0) @binding(16) var<storage, read> saved_mean: array<vec4<f32>>;  // running estimates, read only
@group(0) @binding(17) var<storage, read> saved_var: array<vec4<f32>>;
@group(0) @binding(18) var<storage, read> sums: array<vec4<f32>>;        // partial, read only

override SHARES: u32 = 1u; // invocations that add up the chunks of one column quad; a divisor of 64

var<workgroup> shared_a: array<vec4<f32>, 64>;
var<workgroup> shared_b: array<vec4<f32>, 64>;

// An invocation's share: one column quad of one chunk of rows, so that what belongs to the channel
// stays in registers.
struct Share {
    chunk: u32,
    quad: u32,
    first: u32, // rows first .. end
    end: u32,
}

fn share(at: u32) -> Share {
    let chunk = at / params.quads; // the rest is cheaper so than as a second division
    return Share(chunk, at - chunk * params.quads, chunk * params.chunk, min((chunk + 1u) * params.chunk, params.rows));
}

fn store_sums(s: Share, a: vec4<f32>, b: vec4<f32>) {
    if s.chunk < params.chunks {
        partial[s.chunk * 2u * params.quads + s.quad] = a;
        partial[(s.chunk * 2u + 1u) * params.quads + s.quad] = b;
    }
}

struct Sums {
    a: vec4<f32>,
    b: vec4<f32>,
}

// The sums over all chunks. Of several invocations each adds up a share of the chunks, and then all add up the shares, in
// their order.
fn total(at: u32, index: u32) -> Sums {
    let quad = min(at / SHARES, params.quads - 1u);
    // What lies beyond the last quad has nothing to add: a processor that runs a workgroup one vector after another would
    // otherwise walk down the chunks for each.
    let end = select(0u, params.chunks, at / SHARES < params.quads);
    var result = Sums();
    for (var chunk = at % SHARES; chunk < end; chunk += SHARES) {
        result.a += sums[chunk * 2u * params.quads + quad];
        result.b += sums[(chunk * 2u + 1u) * params.quads + quad];
    }
    if SHARES > 1u {
        shared_a[index] = result.a;
        shared_b[index] = result.b;
        workgroupBarrier();
        result = Sums();
        let first = index / SHARES * SHARES;
        for (var i = 0u; i < SHARES; i++) {
            result.a += shared_a[first + i];
            result.b += shared_b[first + i];
        }
    }
    return result;
}

// What normalising needs of a channel quad.
struct Channel {
    mean: vec4<f32>,
    inverse: vec4<f32>, // 1 / sqrt(variance + eps)
    scale: vec4<f32>,   // weight * inverse
    bias: vec4<f32>,
}

fn channel(quad: u32) -> Channel {
    return Channel(c_quad(quad), c_quad(params.quads + quad), c_quad(2u * params.quads + quad), c_quad(3u * params.quads + quad));
}

fn store_channel(quad: u32, mean: vec4<f32>, variance: vec4<f32>) {
    let inverse = 1.0 / sqrt(variance + params.eps);
    coefficients[quad] = mean;
    coefficients[params.quads + quad] = inverse;
    coefficients[2u * params.quads + quad] = weight[quad] * inverse;
    coefficients[3u * params.quads + quad] = bias[quad];
}

@compute @workgroup_size(64)
fn statistics(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let s = share(invocation(group, groups, index));
    let origin = a_quad(s.quad);
    var sum = vec4<f32>();
    var square = vec4<f32>();
    var row = s.first;
    for (; row + 4u <= s.end; row += 4u) {
        // Four loads are under way before the first is waited for.
        let at = row * params.quads + s.quad;
        let p = a_quad(at) - origin;
        let q = a_quad(at + params.quads) - origin;
        let r = a_quad(at + 2u * params.quads) - origin;
        let t = a_quad(at + 3u * params.quads) - origin;
        sum += (p + q) + (r + t);
        square += (p * p + q * q) + (r * r + t * t);
    }
    for (; row < s.end; row++) {
        let d = a_quad(row * params.quads + s.quad) - origin;
        sum += d;
        square += d * d;
    }
    store_sums(s, sum, square);
}

// The sums of all chunks as those of one, [2][quads], and below them what statistics are taken around: for whoever adds
// those of several devices.
@compute @workgroup_size(64)
fn gather_sums(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let all = total(at, index);
    let quad = at / SHARES;
    if quad >= params.quads || at % SHARES > 0u {
        return;
    }
    partial[quad] = all.a;
    partial[params.quads + quad] = all.b;
    partial[2u * params.quads + quad] = a_quad(quad);
}

@compute @workgroup_size(64)
fn finish_statistics(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let all = total(at, index);
    let quad = at / SHARES;
    if quad >= params.quads || at % SHARES > 0u {
        return;
    }
    let n = f32(params.rows);
    let shifted = all.a / n;
    let variance = max(all.b / n - shifted * shifted, vec4<f32>());
    let mean = a_quad(quad) + shifted;
    store_channel(quad, mean, variance);
    let unbiased = variance * (n / max(n - 1.0, 1.0));
    running_mean[quad] += params.momentum * (mean - running_mean[quad]);
    running_var[quad] += params.momentum * (unbiased - running_var[quad]);
}

@compute @workgroup_size(64)
fn evaluation_coefficients(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let quad = invocation(group, groups, index);
    if quad < params.quads {
        store_channel(quad, saved_mean[quad], saved_var[quad]);
    }
}

fn activated(value: vec4<f32>) -> vec4<f32> {
    return select(value, max(value, vec4<f32>()), params.relu == 1u);
}

@compute @workgroup_size(64)
fn normalize(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let s = share(invocation(group, groups, index));
    let c = channel(s.quad);
    for (var row = s.first; row < s.end; row++) {
        let at = row * params.quads + s.quad;
        out[at] = narrow(activated((a_quad(at) - c.mean) * c.scale + c.bias));
    }
}

@compute @workgroup_size(64)
fn normalize_add(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let s = share(invocation(group, groups, index));
    let c = channel(s.quad);
    for (var row = s.first; row < s.end; row++) {
        let at = row * params.quads + s.quad;
        out[at] = narrow(activated((a_quad(at) - c.mean) * c.scale + c.bias + b_quad(at)));
    }
}

struct Backward {
    g: vec4<f32>,
    xhat: vec4<f32>,
}

fn backward_at(at: u32, c: Channel) -> Backward {
    let d = a_quad(at) - c.mean;
    let dy = b_quad(at);
    let open = vec4(params.relu == 0u) | (d * c.scale + c.bias > vec4<f32>());
    return Backward(select(vec4<f32>(), dy, open), d * c.inverse);
}

@compute @workgroup_size(64)
fn backward_statistics(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let s = share(invocation(group, groups, index));
    let c = channel(s.quad);
    var sum = vec4<f32>();
    var product = vec4<f32>();
    var row = s.first;
    for (; row + 4u <= s.end; row += 4u) {
        let at = row * params.quads + s.quad;
        let p = backward_at(at, c);
        let q = backward_at(at + params.quads, c);
        let r = backward_at(at + 2u * params.quads, c);
        let t = backward_at(at + 3u * params.quads, c);
        sum += (p.g + q.g) + (r.g + t.g);
        product += (p.g * p.xhat + q.g * q.xhat) + (r.g * r.xhat + t.g * t.xhat);
    }
    for (; row < s.end; row++) {
        let v = backward_at(row * params.quads + s.quad, c);
        sum += v.g;
        product += v.g * v.xhat;
    }
    store_sums(s, sum, product);
}

@compute @workgroup_size(64)
fn finish_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let all = total(at, index);
    let quad = at / SHARES;
    if quad >= params.quads || at % SHARES > 0u {
        return;
    }
    dweight[quad] += all.b;
    dbias[quad] += all.a;
    let c = channel(quad);
    terms[quad] = c.mean;
    terms[params.quads + quad] = c.inverse;
    terms[2u * params.quads + quad] = c.scale;
    terms[3u * params.quads + quad] = c.bias;
    terms[4u * params.quads + quad] = all.a / f32(params.rows);
    terms[5u * params.quads + quad] = all.b / f32(params.rows);
}

@compute @workgroup_size(64)
fn backward_input(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let s = share(invocation(group, groups, index));
    let c = channel(s.quad);
    let mean_g = c_quad(4u * params.quads + s.quad);
    let mean_gx = c_quad(5u * params.quads + s.quad);
    for (var row = s.first; row < s.end; row++) {
        let at = row * params.quads + s.quad;
        let v = backward_at(at, c);
        out[at] = narrow(c.scale * (v.g - mean_g - v.xhat * mean_gx));
    }
}
