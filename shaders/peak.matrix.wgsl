enable f16;
enable wgpu_cooperative_matrix;
diagnostic(off, derivative_uniformity); // so the compiler calls that operations on matrices stand in a branch
// What the matrix units of an adapter can do at the most: blocks are multiplied that are in registers already.
//
//   multiply: a SIDE x SIDE block of the result a workgroup: the product of two blocks of source, added turns times
//
// Each of four subgroups multiplies into four blocks, and the sum of the first stands for all. Twin: src/ops/peak.rs.

override INVOCATIONS: u32 = 128u; // four times the largest subgroup of the adapter

struct Params {
    quads: u32,
    turns: u32,
    factor: f32,
    term: f32,
}

const LEFT_QUADS = SIDE * SIDE / 4u;
const RIGHT_QUADS = LEFT_QUADS;
const PARTS = 4u;
const SCRATCH_QUADS = PARTS * 4u * LEFT_QUADS; // four blocks of each part

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<vec4<f32>>; // two blocks
@group(0) @binding(2) var<storage, read_write> result: array<vec4<f32>>;

@compute @workgroup_size(INVOCATIONS)
fn multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32, @builtin(subgroup_id) part: u32) {
    for (var i = index; i < LEFT_QUADS; i += INVOCATIONS) {
        put_left(i, vec4<f16>(source[i]));
        put_right(i, vec4<f16>(source[LEFT_QUADS + i]));
    }
    workgroupBarrier();
    if part < PARTS {
        let l = coopLoadT<Left>(&left[0], SIDE / 4u * UNIT);
        let r = coopLoadT<Right>(&right[0], SIDE / 4u * UNIT);
        var a = Sum();
        var b = Sum();
        var c = Sum();
        var d = Sum();
        for (var turn = 0u; turn < params.turns; turn++) {
            a = coopMultiplyAdd(l, r, a);
            b = coopMultiplyAdd(l, r, b);
            c = coopMultiplyAdd(l, r, c);
            d = coopMultiplyAdd(l, r, d);
        }
        let at = part * 4u * LEFT_QUADS;
        coopStoreT(a, &scratch[at * UNIT], SIDE / 4u * UNIT);
        coopStoreT(b, &scratch[(at + LEFT_QUADS) * UNIT], SIDE / 4u * UNIT);
        coopStoreT(c, &scratch[(at + 2u * LEFT_QUADS) * UNIT], SIDE / 4u * UNIT);
        coopStoreT(d, &scratch[(at + 3u * LEFT_QUADS) * UNIT], SIDE / 4u * UNIT);
    }
    workgroupBarrier();
    let block = group_number(group, groups);
    for (var i = index; i < LEFT_QUADS; i += INVOCATIONS) {
        let own = scratch_quad(i);
        // All sixteen are the same: what is taken away of the last keeps the others from being left out.
        let other = scratch_quad((4u * PARTS - 1u) * LEFT_QUADS + i);
        if block * LEFT_QUADS + i < params.quads {
            result[block * LEFT_QUADS + i] = own + params.term * (own - other);
        }
    }
}
