// Four channels of an activation in memory: half precision, two words (half.wgsl). Everything is computed in
// single precision.

alias Quad = vec2<u32>;
alias Texels = texture_storage_2d<rgba16float, read>;

fn wide(quad: Quad) -> vec4<f32> {
    return unpacked(quad);
}

fn narrow(value: vec4<f32>) -> Quad {
    return packed(value);
}
