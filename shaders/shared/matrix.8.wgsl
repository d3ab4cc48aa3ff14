// Blocks that matrix units multiply: 8 x 8, half precision and sums of single. Workgroup memory is in quads.

alias Left = coop_mat8x8<f16, A>;
alias Right = coop_mat8x8<f16, B>;
alias Sum = coop_mat8x8<f32, C>;

const SIDE = 8u;
const LOADS = 16u; // rows that an invocation loads at the most
const UNIT = 1u;   // values of the arrays in a quad

var<workgroup> left: array<vec4<f16>, LEFT_QUADS>;
var<workgroup> right: array<vec4<f16>, RIGHT_QUADS>;

fn put_left(quad: u32, value: vec4<f16>) {
    left[quad] = value;
}

fn put_right(quad: u32, value: vec4<f16>) {
    right[quad] = value;
}
