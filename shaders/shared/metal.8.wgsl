// Blocks that matrix units multiply: 8 x 8, half precision and sums of single. Metal loads them from arrays of single
// values only.

alias Left = coop_mat8x8<f16, A>;
alias Right = coop_mat8x8<f16, B>;
alias Sum = coop_mat8x8<f32, C>;

const SIDE = 8u;
const LOADS = 16u; // rows that an invocation loads at the most
const UNIT = 4u;   // values of the arrays in a quad

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
