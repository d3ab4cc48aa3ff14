// A grid of more than 65,535 workgroups is folded into x and y (gpu::Grid).

// Number of a workgroup.
fn group_number(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return group.y * groups.x + group.x;
}

// Number of an invocation, workgroups being of 64.
fn invocation(group: vec3<u32>, groups: vec3<u32>, index: u32) -> u32 {
    return group_number(group, groups) * 64u + index;
}
