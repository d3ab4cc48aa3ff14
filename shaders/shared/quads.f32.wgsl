// Four channels of an activation in memory: single precision.

alias Quad = vec4<f32>;
alias Texels = texture_storage_2d<rgba32float, read>;

fn wide(quad: Quad) -> vec4<f32> {
    return quad;
}

fn narrow(value: vec4<f32>) -> Quad {
    return value;
}
