// Operands and results of matrix units in workgroup memory, as single values: Metal loads and stores blocks of nothing else.
// Whoever includes it says how many quads there are.

const UNIT = 4u; // values of the arrays in a quad

var<workgroup> left: array<f16, 4u * LEFT_QUADS>;
var<workgroup> right: array<f16, 4u * RIGHT_QUADS>;
var<workgroup> scratch: array<f32, 4u * SCRATCH_QUADS>; // sums on their way to memory

fn put_left(quad: u32, value: vec4<f16>) {
    left[4u * quad] = value.x;
    left[4u * quad + 1u] = value.y;
    left[4u * quad + 2u] = value.z;
    left[4u * quad + 3u] = value.w;
}

fn put_right(quad: u32, value: vec4<f16>) {
    right[4u * quad] = value.x;
    right[4u * quad + 1u] = value.y;
    right[4u * quad + 2u] = value.z;
    right[4u * quad + 3u] = value.w;
}

fn scratch_quad(quad: u32) -> vec4<f32> {
    return vec4(scratch[4u * quad], scratch[4u * quad + 1u], scratch[4u * quad + 2u], scratch[4u * quad + 3u]);
}
