// How a subgroup of 8 lanes multiplies one position of eight tiles by weights: shared by the kernels of
// winograd for subgroups, whose sums are [position][tile of 8, or column quad of 4].

alias Rows = array<vec4<f32>, 8>;

fn w_quad(at: u32) -> vec4<f32> {
    return textureLoad(w, vec2(at & 4095u, at >> 12u));
}

// Four channels of eight tiles, times those channels' rows of weights.
fn multiply_position(p: u32, a: vec4<f32>, at: u32) {
    let b0 = w_quad(at);
    let b1 = w_quad(at + 8u);
    if WIDTH == 32u {
        let b2 = w_quad(at + 16u);
        let b3 = w_quad(at + 24u);
        sums[p][0] += subgroupBroadcast(a.x, 0u) * b0 + subgroupBroadcast(a.y, 0u) * b1 + subgroupBroadcast(a.z, 0u) * b2 + subgroupBroadcast(a.w, 0u) * b3;
        sums[p][1] += subgroupBroadcast(a.x, 1u) * b0 + subgroupBroadcast(a.y, 1u) * b1 + subgroupBroadcast(a.z, 1u) * b2 + subgroupBroadcast(a.w, 1u) * b3;
        sums[p][2] += subgroupBroadcast(a.x, 2u) * b0 + subgroupBroadcast(a.y, 2u) * b1 + subgroupBroadcast(a.z, 2u) * b2 + subgroupBroadcast(a.w, 2u) * b3;
        sums[p][3] += subgroupBroadcast(a.x, 3u) * b0 + subgroupBroadcast(a.y, 3u) * b1 + subgroupBroadcast(a.z, 3u) * b2 + subgroupBroadcast(a.w, 3u) * b3;
        sums[p][4] += subgroupBroadcast(a.x, 4u) * b0 + subgroupBroadcast(a.y, 4u) * b1 + subgroupBroadcast(a.z, 4u) * b2 + subgroupBroadcast(a.w, 4u) * b3;
        sums[p][5] += subgroupBroadcast(a.x, 5u) * b0 + subgroupBroadcast(a.y, 5u) * b1 + subgroupBroadcast(a.z, 5u) * b2 + subgroupBroadcast(a.w, 5u) * b3;
        sums[p][6] += subgroupBroadcast(a.x, 6u) * b0 + subgroupBroadcast(a.y, 6u) * b1 + subgroupBroadcast(a.z, 6u) * b2 + subgroupBroadcast(a.w, 6u) * b3;
        sums[p][7] += subgroupBroadcast(a.x, 7u) * b0 + subgroupBroadcast(a.y, 7u) * b1 + subgroupBroadcast(a.z, 7u) * b2 + subgroupBroadcast(a.w, 7u) * b3;
    } else {
        // b0 and b1 hold two channels' rows each; the lanes are tiles, and weights are spread.
        sums[p][0] += a.x * subgroupBroadcast(b0, 0u) + a.y * subgroupBroadcast(b0, 4u) + a.z * subgroupBroadcast(b1, 0u) + a.w * subgroupBroadcast(b1, 4u);
        sums[p][1] += a.x * subgroupBroadcast(b0, 1u) + a.y * subgroupBroadcast(b0, 5u) + a.z * subgroupBroadcast(b1, 1u) + a.w * subgroupBroadcast(b1, 5u);
        sums[p][2] += a.x * subgroupBroadcast(b0, 2u) + a.y * subgroupBroadcast(b0, 6u) + a.z * subgroupBroadcast(b1, 2u) + a.w * subgroupBroadcast(b1, 6u);
        sums[p][3] += a.x * subgroupBroadcast(b0, 3u) + a.y * subgroupBroadcast(b0, 7u) + a.z * subgroupBroadcast(b1, 3u) + a.w * subgroupBroadcast(b1, 7u);
    }
}
