// Four channels of an activation in memory: half precision (half.wgsl), one word of 64 bits (pairs.wgsl).

alias Quad = u64;
alias Texels = texture_storage_2d<rgba16float, read>;

fn wide(quad: Quad) -> vec4<f32> {
    return unpacked(from_word(quad));
}

fn narrow(value: vec4<f32>) -> Quad {
    return to_word(packed(value));
}
