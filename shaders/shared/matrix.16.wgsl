// Blocks that matrix units multiply: 16 x 16, half precision and sums of single.

alias Left = coop_mat16x16<f16, A>;
alias Right = coop_mat16x16<f16, B>;
alias Sum = coop_mat16x16<f32, C>;

const SIDE = 16u;
const LOADS = 8u; // rows that an invocation loads at the most
