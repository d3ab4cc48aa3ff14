// The large inputs of a pass over activations, as buffers (GPUs). c is single precision in any case.

@group(0) @binding(1) var<storage, read> a: array<Quad>;
@group(0) @binding(2) var<storage, read> b: array<Quad>;
@group(0) @binding(20) var<storage, read> c: array<vec4<f32>>;

fn a_quad(at: u32) -> vec4<f32> {
    return wide(a[at]);
}

fn b_quad(at: u32) -> vec4<f32> {
    return wide(b[at]);
}

fn c_quad(at: u32) -> vec4<f32> {
    return c[at];
}
