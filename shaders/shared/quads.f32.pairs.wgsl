// Four channels of an activation in memory: single precision, as pairs (pairs.wgsl).

alias Quad = Pairs;
alias Texels = texture_storage_2d<rgba32float, read>;

fn wide(quad: Quad) -> vec4<f32> {
    return from_pairs(quad);
}

fn narrow(value: vec4<f32>) -> Quad {
    return to_pairs(value);
}
