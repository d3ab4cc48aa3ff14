// Gradients are scaled while they are half precision (loss_scale.wgsl).

@group(0) @binding(21) var<storage, read> scale_state: array<vec4<f32>>;

// What this step multiplies by; kernels that run before the verdict ask.
fn loss_scale() -> f32 {
    return scale_state[0].x;
}

// Whether this step moves nothing; kernels that run after the verdict ask.
fn is_skipped() -> bool {
    return scale_state[0].w == 1.0;
}

// AdamW's corrections 1 - beta^t: the steps that were skipped do not count.
fn corrections(usual: vec2<f32>, late: bool) -> vec2<f32> {
    return 1.0 - select(scale_state[2].xy, scale_state[2].zw, late);
}

// This step's scale, whether it is skipped, and skipped steps in all; after the verdict.
fn scaling() -> vec3<f32> {
    return vec3(scale_state[1].x, scale_state[0].w, scale_state[0].z);
}
