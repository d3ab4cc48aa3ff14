// Gradients are scaled while they are half precision (loss_scale.wgsl).

@group(0) @binding(21) var<storage, read> scale_state: ScaleState;

// What this step multiplies by; kernels that run before the verdict ask.
fn loss_scale() -> f32 {
    return scale_state.scale;
}

// Whether this step moves nothing; kernels that run after the verdict ask.
fn is_skipped() -> bool {
    return scale_state.skipped == 1.0;
}

// AdamW's corrections 1 - beta^t: the steps that were skipped do not count.
fn corrections(usual: vec2<f32>, late: bool) -> vec2<f32> {
    let powers = vec2(scale_state.power1, scale_state.power2);
    return 1.0 - select(powers, vec2(scale_state.late_power1, scale_state.late_power2), late);
}

// This step's scale, whether it is skipped, and skipped steps in all; after the verdict.
fn scaling() -> vec3<f32> {
    return vec3(scale_state.current, scale_state.skipped, scale_state.skipped_steps);
}
