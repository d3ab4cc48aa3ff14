// Dynamic loss scaling: where activations are half precision, their gradients are multiplied by a scale, so
// that small ones do not vanish, and the gradients of the weights are divided by it again.
//
//   unscale: g = g / scale, in single precision, for the parameters that the scale has reached
//   adjust:  the verdict on a step, once all norms are known
//     a gradient is not finite:  skip the step, halve the scale (not below the floor)
//     all are:                   after `patience` good steps in a row double it (not above the ceiling)
//
// The scale is a power of two, so that it rounds nothing. State and verdict stay on the device: no step waits
// for the CPU to look at the one before.
//
// The state: shared/scale.state.wgsl; its readers: shared/scale.dynamic.wgsl. Twin: src/ops/loss_scale.rs.

struct Params {
    chunks: u32,
    parameters: u32,
    patience: u32,
    floor: f32,
    ceiling: f32,
    beta1: f32,
    beta2: f32,
}

override LANES: u32 = 64u; // invocations that share a chunk; a CPU driver runs them one after another

const SCALED = 4u; // flag of a parameter: its gradient comes through half precision

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> chunks: array<vec4<u32>>;     // parameter, first quad, quads, 0
@group(0) @binding(2) var<storage, read> parameters: array<vec4<u32>>; // first chunk, chunks, flags, 0
@group(0) @binding(3) var<storage, read_write> gradient: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> norms: array<vec4<f32>>; // [parameter]: |p|, |g|, non-finite, ratio
@group(0) @binding(5) var<storage, read_write> state: ScaleState;
@group(0) @binding(6) var<storage, read> current: ScaleState; // state, read only

var<workgroup> counts: array<f32, 64>;

@compute @workgroup_size(LANES)
fn unscale(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = group_number(group, groups);
    if at >= params.chunks {
        return;
    }
    let chunk = chunks[at];
    if (parameters[chunk.x].z & SCALED) == 0u {
        return;
    }
    let inverse = 1.0 / current.scale;
    for (var quad = index; quad < chunk.z; quad += LANES) {
        gradient[chunk.y + quad] *= inverse;
    }
}

@compute @workgroup_size(64)
fn adjust(@builtin(local_invocation_index) index: u32) {
    var own = 0.0;
    for (var p = index; p < params.parameters; p += 64u) {
        own += norms[p].z;
    }
    counts[index] = own;
    workgroupBarrier();
    if index > 0u {
        return;
    }
    var bad = 0.0;
    for (var i = 0u; i < 64u; i++) {
        bad += counts[i];
    }
    let scale = state.scale;
    state.current = scale;
    state.skipped = f32(bad > 0.0);
    if bad > 0.0 {
        state.scale = max(scale * 0.5, params.floor);
        state.good_steps = 0.0;
        state.skipped_steps += 1.0;
        return;
    }
    let good = min(state.good_steps + 1.0, f32(params.patience));
    let grows = good == f32(params.patience) && scale < params.ceiling;
    state.scale = select(scale, scale * 2.0, grows);
    state.good_steps = select(good, 0.0, grows);
    state.power1 *= params.beta1;
    state.power2 *= params.beta2;
    if step.frozen == 0u {
        state.late_power1 *= params.beta1;
        state.late_power2 *= params.beta2;
    }
}
