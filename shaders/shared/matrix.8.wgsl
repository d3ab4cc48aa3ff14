// Blocks that matrix units multiply: 8 x 8, half precision and sums of single.

alias Left = coop_mat8x8<f16, A>;
alias Right = coop_mat8x8<f16, B>;
alias Sum = coop_mat8x8<f32, C>;

const SIDE = 8u;
const LOADS = 16u; // rows that an invocation loads at the most
