// A grid of more than 65,535 workgroups is folded into x and y (gpu::Grid), and so are texels into rows.

// Number of a workgroup.
fn group_number(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return group.y * groups.x + group.x;
}

// Number of an invocation, workgroups being of 64.
fn invocation(group: vec3<u32>, groups: vec3<u32>, index: u32) -> u32 {
    return group_number(group, groups) * 64u + index;
}

// Where quad `at` of a tensor lies that was staged as texels, 4096 a row (gpu::Plan::stage).
fn texel(at: u32) -> vec2<u32> {
    return vec2(at & 4095u, at >> 12u);
}
