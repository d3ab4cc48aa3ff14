// The large inputs of a pass over activations, as texels: a CPU driver fetches a texel with one
// vector load, but loops over the lanes for a buffer load. c is single precision in any case.

@group(0) @binding(1) var a: Texels;
@group(0) @binding(2) var b: Texels;
@group(0) @binding(20) var c: texture_storage_2d<rgba32float, read>;

fn a_quad(at: u32) -> vec4<f32> {
    return textureLoad(a, texel(at));
}

fn b_quad(at: u32) -> vec4<f32> {
    return textureLoad(b, texel(at));
}

fn c_quad(at: u32) -> vec4<f32> {
    return textureLoad(c, texel(at));
}
