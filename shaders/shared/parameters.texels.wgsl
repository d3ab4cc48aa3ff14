// Gradients, weights and moments of all parameters: what is read as texels, copied before, and what is
// written as pairs (CPU drivers; inputs.texels.wgsl and pairs.wgsl say why).

@group(0) @binding(3) var gradient: texture_storage_2d<rgba32float, read>;
@group(0) @binding(4) var<storage, read_write> value: array<Pairs>;
@group(0) @binding(5) var<storage, read_write> moment: array<Pairs>;
@group(0) @binding(6) var<storage, read_write> second: array<Pairs>;
@group(0) @binding(11) var weights: texture_storage_2d<rgba32float, read>;
@group(0) @binding(13) var moments: texture_storage_2d<rgba32float, read>;
@group(0) @binding(14) var seconds: texture_storage_2d<rgba32float, read>;
@group(0) @binding(15) var followed: texture_storage_2d<rgba32float, read>; // value of another network

fn gradient_quad(at: u32) -> vec4<f32> {
    return textureLoad(gradient, texel(at));
}

fn weight_quad(at: u32) -> vec4<f32> {
    return textureLoad(weights, texel(at));
}

fn value_quad(at: u32) -> vec4<f32> {
    return weight_quad(at);
}

fn moment_quad(at: u32) -> vec4<f32> {
    return textureLoad(moments, texel(at));
}

fn second_quad(at: u32) -> vec4<f32> {
    return textureLoad(seconds, texel(at));
}

fn followed_quad(at: u32) -> vec4<f32> {
    return textureLoad(followed, texel(at));
}

fn stored(value: vec4<f32>) -> Pairs {
    return to_pairs(value);
}
