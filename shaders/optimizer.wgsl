// One update of all parameters of a shard, in a few dispatches whatever their number.
//
//   norms:         per chunk of 1024 quads: |p|^2, |g|^2, non-finite values of g, |g + wd p|^2
//   finish_norms:  per parameter: |p|, |g|, non-finite values, ratio of LARC or LARS
//   update_sgd:    g' = (g + wd p) ratio; v = momentum v + g'; p -= lr v
//                  ratio = trust |p| / (|g| + wd |p| + 1e-8) (LARC), or 1 (trust 0: plain SGD);
//                  if |p| or |g| is 0, g' = g: no scaling and no decay (NVIDIA apex's LARC)
//                  ratio = trust |p| / |g + wd p| (LARS of SimCLR's and BYOL's code), or 1 where one of them is 0
//   update_adamw:  p -= lr wd p; m, v moments; p -= lr (m / c1) / (sqrt(v / c2) + 1e-8)
//   follow:        t = m t + (1 - m) p, where t is the shard and p the same shard of another network
//
// Layout of weights does not matter here, and padding is zero and stays zero. A step that the loss scale has
// judged to be skipped (shared/scale.*.wgsl) moves nothing. How parameters are read: shared/parameters.*.wgsl.
// Twin: src/ops/optimizer.rs.

struct Params {
    parameters: u32,
    chunks: u32,
    weight_decay: f32,
    trust: f32,
    momentum: f32,
    beta1: f32,
    beta2: f32,
    clip: u32,    // LARC: ratio = min(ratio / lr, 1)
    lars: u32,    // 1: LARS in place of LARC
    exclude: u32, // 1: biases and batch norms are neither scaled nor decayed
}

override LANES: u32 = 64u; // invocations that share a chunk; a CPU driver runs them one after another

const PROTOTYPES = 1u; // flags of a parameter
const VECTOR = 2u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> chunks: array<vec4<u32>>;     // parameter, first quad, quads, 0
@group(0) @binding(2) var<storage, read> parameters: array<vec4<u32>>; // first chunk, chunks, flags, 0
@group(0) @binding(7) var<storage, read_write> partial: array<vec4<f32>>; // [chunk]
@group(0) @binding(8) var<storage, read_write> norms_out: array<vec4<f32>>; // [parameter]: |p|, |g|, non-finite, ratio
@group(0) @binding(10) var<storage, read> norms_in: array<vec4<f32>>;
@group(0) @binding(12) var<storage, read> sums: array<vec4<f32>>;    // partial, read only
@group(0) @binding(16) var<storage, read> rate: array<f32>;          // follow: m

var<workgroup> shared_sums: array<vec4<f32>, 64>;

// Counts by exponent bits: a comparison may be folded away under fast mathematics.
fn non_finite(x: vec4<f32>) -> f32 {
    let bits = bitcast<vec4<u32>>(x) & vec4(0x7f800000u);
    return dot(select(vec4<f32>(), vec4(1.0), bits == vec4(0x7f800000u)), vec4(1.0));
}

@compute @workgroup_size(LANES)
fn norms(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = group_number(group, groups);
    if at >= params.chunks {
        return;
    }
    let chunk = chunks[at];
    var sum = vec4<f32>();
    for (var quad = index; quad < chunk.z; quad += LANES) {
        let p = weight_quad(chunk.y + quad);
        let g = gradient_quad(chunk.y + quad);
        let decayed = g + params.weight_decay * p;
        sum += vec4(dot(p, p), dot(g, g), non_finite(g), dot(decayed, decayed));
    }
    shared_sums[index] = sum;
    workgroupBarrier();
    if index == 0u {
        for (var i = 1u; i < LANES; i++) {
            sum += shared_sums[i];
        }
        partial[at] = sum;
    }
}

@compute @workgroup_size(64)
fn finish_norms(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    if at >= params.parameters {
        return;
    }
    let parameter = parameters[at];
    var sum = vec4<f32>();
    for (var i = 0u; i < parameter.y; i++) {
        sum += sums[parameter.x + i];
    }
    let p = sqrt(sum.x);
    let g = sqrt(sum.y);
    let decayed = sqrt(sum.w);
    let excluded = params.exclude == 1u && (parameter.z & VECTOR) != 0u;
    var ratio = 1.0;
    let scaled = params.trust > 0.0 && p != 0.0 && !excluded;
    if scaled && params.lars == 1u && decayed != 0.0 {
        ratio = params.trust * p / decayed;
    }
    if scaled && params.lars == 0u && g != 0.0 {
        ratio = params.trust * p / (g + p * params.weight_decay + 1e-8);
        if params.clip == 1u {
            ratio = min(ratio / step.learning_rate, 1.0);
        }
    }
    norms_out[at] = vec4(p, g, sum.z, ratio);
}

@compute @workgroup_size(LANES)
fn update_sgd(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = group_number(group, groups);
    if at >= params.chunks {
        return;
    }
    let chunk = chunks[at];
    let flags = parameters[chunk.x].z;
    if is_skipped() || (step.frozen == 1u && (flags & PROTOTYPES) != 0u) {
        return;
    }
    let norm = norms_in[chunk.x];
    let excluded = params.exclude == 1u && (flags & VECTOR) != 0u;
    let still = params.trust > 0.0 && params.lars == 0u && (norm.x == 0.0 || norm.y == 0.0);
    let decay = select(params.weight_decay, 0.0, excluded || still);
    for (var quad = index; quad < chunk.z; quad += LANES) {
        let i = chunk.y + quad;
        let p = value_quad(i);
        let g = (gradient_quad(i) + decay * p) * norm.w;
        let v = params.momentum * moment_quad(i) + g;
        moment[i] = stored(v);
        value[i] = stored(p - step.learning_rate * v);
    }
}

@compute @workgroup_size(LANES)
fn update_adamw(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = group_number(group, groups);
    if at >= params.chunks {
        return;
    }
    let chunk = chunks[at];
    let flags = parameters[chunk.x].z;
    let late = (flags & PROTOTYPES) != 0u;
    if is_skipped() || (step.frozen == 1u && late) {
        return;
    }
    let excluded = params.exclude == 1u && (flags & VECTOR) != 0u;
    let decay = select(params.weight_decay, 0.0, excluded);
    let usual = vec2(step.correction1, step.correction2);
    let c = corrections(select(usual, vec2(step.late_correction1, step.late_correction2), late), late);
    for (var quad = index; quad < chunk.z; quad += LANES) {
        let i = chunk.y + quad;
        let p = value_quad(i) * (1.0 - step.learning_rate * decay);
        let g = gradient_quad(i);
        let m = params.beta1 * moment_quad(i) + (1.0 - params.beta1) * g;
        let v = params.beta2 * second_quad(i) + (1.0 - params.beta2) * g * g;
        moment[i] = stored(m);
        second[i] = stored(v);
        value[i] = stored(p - step.learning_rate * (m / c.x) / (sqrt(v / c.y) + 1e-8));
    }
}

@compute @workgroup_size(LANES)
fn follow(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = group_number(group, groups);
    let m = rate[0];
    // Products by 0 and 1 would do but for signs of zeros and for what is no number.
    if at >= params.chunks || m == 1.0 {
        return;
    }
    let chunk = chunks[at];
    for (var quad = index; quad < chunk.z; quad += LANES) {
        let i = chunk.y + quad;
        let p = followed_quad(i);
        // 1 - m is exact for m of 1/2 or more, so that both shares make up one whole.
        value[i] = stored(select(m * value_quad(i) + (1.0 - m) * p, p, m == 0.0));
    }
}
