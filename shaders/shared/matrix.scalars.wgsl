// Operands of matrix units in workgroup memory, as single values: Metal loads blocks from nothing else. Whoever includes it
// says how many quads there are.

const UNIT = 4u; // values of the arrays in a quad

var<workgroup> left: array<f16, 4u * LEFT_QUADS>;
var<workgroup> right: array<f16, 4u * RIGHT_QUADS>;

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
