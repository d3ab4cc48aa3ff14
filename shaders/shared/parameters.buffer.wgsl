// Gradients, weights and moments of all parameters, as buffers (GPUs). Read only where only norms are taken.

@group(0) @binding(3) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> value: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> moment: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> second: array<vec4<f32>>;
@group(0) @binding(11) var<storage, read> weights: array<vec4<f32>>; // value, read only
@group(0) @binding(15) var<storage, read> followed: array<vec4<f32>>; // value of another network

fn gradient_quad(at: u32) -> vec4<f32> {
    return gradient[at];
}

fn weight_quad(at: u32) -> vec4<f32> {
    return weights[at];
}

fn value_quad(at: u32) -> vec4<f32> {
    return value[at];
}

fn moment_quad(at: u32) -> vec4<f32> {
    return moment[at];
}

fn second_quad(at: u32) -> vec4<f32> {
    return second[at];
}

fn followed_quad(at: u32) -> vec4<f32> {
    return followed[at];
}

fn stored(value: vec4<f32>) -> vec4<f32> {
    return value;
}
