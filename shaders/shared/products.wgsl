// sum + b * a, one term after another: compilers make a fused operation of each, where the product of a matrix and a
// vector becomes multiplications and sums of its own, and an addition of the whole to the sum.
fn added(sum: vec4<f32>, b: mat4x4<f32>, a: vec4<f32>) -> vec4<f32> {
    return sum + b[0] * a.x + b[1] * a.y + b[2] * a.z + b[3] * a.w;
}
