// What an adapter can do at the most: bytes that are copied, and fused multiplications and additions.
//
//   copy:  target = source
//   fused: target[i] = the sum of eight quads that started from source[i] and went through c = c * factor + term
//
// Twin: src/ops/peak.rs; peak.matrix.wgsl does the same with matrix units.

struct Params {
    quads: u32,
    turns: u32,
    factor: f32,
    term: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> result: array<vec4<f32>>;

// Four quads an invocation, far apart, so that neighbours read and write neighbours.
@compute @workgroup_size(64)
fn copy(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let part = (params.quads + 3u) / 4u;
    let at = invocation(group, groups, index);
    if at >= part {
        return;
    }
    for (var i = at; i < params.quads; i += part) {
        result[i] = source[i];
    }
}

@compute @workgroup_size(64)
fn fused(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    if at >= params.quads {
        return;
    }
    let term = vec4(params.term);
    var a = source[at];
    var b = a + term;
    var c = b + term;
    var d = c + term;
    var e = d + term;
    var f = e + term;
    var g = f + term;
    var h = g + term;
    for (var turn = 0u; turn < params.turns; turn++) {
        a = a * params.factor + term;
        b = b * params.factor + term;
        c = c * params.factor + term;
        d = d * params.factor + term;
        e = e * params.factor + term;
        f = f * params.factor + term;
        g = g * params.factor + term;
        h = h * params.factor + term;
    }
    result[at] = ((a + b) + (c + d)) + ((e + f) + (g + h));
}
