// Operands and results of matrix units in workgroup memory, as quads (Vulkan). Whoever includes it says how many there are.

const UNIT = 1u; // values of the arrays in a quad

var<workgroup> left: array<vec4<f16>, LEFT_QUADS>;
var<workgroup> right: array<vec4<f16>, RIGHT_QUADS>;
var<workgroup> scratch: array<vec4<f32>, SCRATCH_QUADS>; // sums on their way to memory

fn put_left(quad: u32, value: vec4<f16>) {
    left[quad] = value;
}

fn put_right(quad: u32, value: vec4<f16>) {
    right[quad] = value;
}

fn scratch_quad(quad: u32) -> vec4<f32> {
    return scratch[quad];
}
