// The large inputs of a pass over activations, as buffers (GPUs).

@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<f32>>;

fn a_quad(at: u32) -> vec4<f32> {
    return a[at];
}

fn b_quad(at: u32) -> vec4<f32> {
    return b[at];
}
