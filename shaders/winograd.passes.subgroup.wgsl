// 3x3 convolution with stride 1 and padding 1 by Winograd's F(2x2, 3x3), in passes: for wide layers on CPU drivers.
//
//   transform_patches:   patches[p, t, c] = (B' d B)[p]     for the 4x4 patch d of x of tile t (Lavin & Gray 2015)
//   multiply:            y = A' m A, m[p] = sum_c patches[p, t, c] * w[p, c, n], 2x2 pixels a tile
//   transform_gradients: gradients[p, t, n] = (A dy A')[p]
//   backward_weight:     partial[s, p, c, n] = sum_t patches[p, t, c] * gradients[p, t, n]
//
// p one of the 16 positions of a transformed patch, t a tile, c channels of x, n channels of the result, s a slice:
// the images of one pass. winograd.subgroup.wgsl transforms as it multiplies and keeps 16 sums, in a loop of 100 KB
// of machine code, more than a first-level cache holds; here transforms go to memory, and a loop multiplies one
// position only. With 128 channels and more a patch has so many products that this pays. Patches are quads
// [16][tiles / 8][C / 4][8], gradients [16][N / WIDTH][tiles][WIDTH / 4]: eight lanes fetch what lies side by side.
// Weights and partial are panels [N / WIDTH][16][C][WIDTH], made and summed up in weights.wgsl. How operands reach the
// lanes, and why as texels: conv2d.subgroup.wgsl; x, y and dy are activations (shared/quads.*.wgsl), all else is
// single precision. Twin: src/ops/winograd.rs.

const WIDTH = 32u; // columns of a panel

@group(0) @binding(1) var x: Texels;
@group(0) @binding(2) var dy: Texels;
@group(0) @binding(3) var<storage, read_write> made: array<Pairs>; // by a transform
@group(0) @binding(4) var patches: texture_storage_2d<rgba32float, read>;
@group(0) @binding(5) var w: texture_storage_2d<rgba32float, read>;
@group(0) @binding(6) var<storage, read_write> y: array<Quad>;
@group(0) @binding(7) var gradients: texture_storage_2d<rgba32float, read>;
@group(0) @binding(8) var<storage, read_write> partial: array<Pairs>;

fn store_line(at: u32, step: u32, v: Line) {
    made[at] = to_pairs(v.a);
    made[at + step] = to_pairs(v.b);
    made[at + 2u * step] = to_pairs(v.c);
    made[at + 3u * step] = to_pairs(v.d);
}

// A workgroup makes eight tiles; the last ones may lie after the last image, and are zero.
@compute @workgroup_size(8)
fn transform_patches(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let block = group_number(group, groups);
    let tile = tile_at(block * 8u + local.x);
    let s0 = sources(tile, 0);
    let s1 = sources(tile, 1);
    let s2 = sources(tile, 2);
    let s3 = sources(tile, 3);
    let step = params.stride * params.source_quads * 8u; // from position to position
    var at = block * params.source_quads * 8u + local.x;
    for (var quad = 0u; quad < params.source_quads; quad++) {
        let d0 = line(s0, quad);
        let d1 = line(s1, quad);
        let d2 = line(s2, quad);
        let d3 = line(s3, quad);
        store_line(at, step, minus(d0, d2));
        store_line(at + 4u * step, step, plus(d1, d2));
        store_line(at + 8u * step, step, minus(d2, d1));
        store_line(at + 12u * step, step, minus(d1, d3));
        at += 8u;
    }
}

fn patch_quad(at: u32) -> vec4<f32> {
    return textureLoad(patches, texel(at));
}

var<private> pixels: array<Line, 32>; // [tile]: of y

// Adds a position's sum to the four pixels of row i.
fn add_pixels(i: u32, sum: vec4<f32>, share: vec4<f32>) {
    pixels[i].a += share.x * sum;
    pixels[i].b += share.y * sum;
    pixels[i].c += share.z * sum;
    pixels[i].d += share.w * sum;
}

fn add_eight(first: u32, c: ptr<function, Rows>, share: vec4<f32>) {
    add_pixels(first, (*c)[0], share);
    add_pixels(first + 1u, (*c)[1], share);
    add_pixels(first + 2u, (*c)[2], share);
    add_pixels(first + 3u, (*c)[3], share);
    add_pixels(first + 4u, (*c)[4], share);
    add_pixels(first + 5u, (*c)[5], share);
    add_pixels(first + 6u, (*c)[6], share);
    add_pixels(first + 7u, (*c)[7], share);
}

// How position p counts in the pixels: the products of A's rows (1, 1, 1, 0) and (0, 1, -1, -1).
fn share_of(p: u32) -> vec4<f32> {
    let at = vec2(p / 4u, p % 4u);
    let first = select(vec2(1.0), vec2(0.0), at == vec2(3u));
    let second = select(select(vec2(-1.0), vec2(1.0), at == vec2(1u)), vec2(0.0), at == vec2(0u));
    return vec4(first.x * first.y, first.x * second.y, second.x * first.y, second.x * second.y);
}

// Tile i of eight: an index that is no constant would keep all of the array out of registers.
fn pixels_at(first: u32, i: u32) -> Line {
    var found = pixels[first];
    if i == 1u { found = pixels[first + 1u]; }
    if i == 2u { found = pixels[first + 2u]; }
    if i == 3u { found = pixels[first + 3u]; }
    if i == 4u { found = pixels[first + 4u]; }
    if i == 5u { found = pixels[first + 5u]; }
    if i == 6u { found = pixels[first + 6u]; }
    if i == 7u { found = pixels[first + 7u]; }
    return found;
}

// A number of turns that a compiler does not know, or it would unroll the loop.
fn eight() -> u32 {
    return min(8u, 8u * params.panels);
}

fn store_eight(first: u32, i: u32, rows: vec4<u32>, panel: u32, lane: u32) {
    let line = pixels_at(first, i);
    let at = rows_at(rows, i);
    let column = panel * 8u + lane;
    store_row(line.a, at.x, column);
    store_row(line.b, at.y, column);
    store_row(line.c, at.z, column);
    store_row(line.d, at.w, column);
}

// A workgroup makes 32 tiles of one panel of y, position after position.
@compute @workgroup_size(8)
fn multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let lane = local.x;
    let panel = group.z;
    let block = group_number(group, groups) * 4u;
    let step = params.source_quads * 8u; // from block to block
    for (var p = 0u; p < 16u; p++) {
        var c0 = Rows();
        var c1 = Rows();
        var c2 = Rows();
        var c3 = Rows();
        var a0 = (p * params.stride + block) * step + lane;
        var a1 = a0 + step;
        var a2 = a1 + step;
        var a3 = a2 + step;
        var b = (panel * 16u + p) * params.source_quads * WIDTH + lane;
        for (var quad = 0u; quad < params.source_quads; quad++) {
            let b0 = w_quad(b);
            let b1 = w_quad(b + 8u);
            let b2 = w_quad(b + 16u);
            let b3 = w_quad(b + 24u);
            multiply_wide(&c0, patch_quad(a0), b0, b1, b2, b3);
            multiply_wide(&c1, patch_quad(a1), b0, b1, b2, b3);
            multiply_wide(&c2, patch_quad(a2), b0, b1, b2, b3);
            multiply_wide(&c3, patch_quad(a3), b0, b1, b2, b3);
            a0 += 8u;
            a1 += 8u;
            a2 += 8u;
            a3 += 8u;
            b += WIDTH;
        }
        let share = share_of(p);
        add_eight(0u, &c0, share);
        add_eight(8u, &c1, share);
        add_eight(16u, &c2, share);
        add_eight(24u, &c3, share);
    }
    let r0 = results(tile_at(block * 8u + lane));
    let r1 = results(tile_at(block * 8u + 8u + lane));
    let r2 = results(tile_at(block * 8u + 16u + lane));
    let r3 = results(tile_at(block * 8u + 24u + lane));
    for (var i = 0u; i < eight(); i++) {
        store_eight(0u, i, r0, panel, lane);
        store_eight(8u, i, r1, panel, lane);
        store_eight(16u, i, r2, panel, lane);
        store_eight(24u, i, r3, panel, lane);
    }
}

// A' of a line of two pixels.
fn spread(a: vec4<f32>, b: vec4<f32>) -> Line {
    return Line(a, a + b, a - b, -b);
}

// A workgroup makes eight tiles of a panel.
@compute @workgroup_size(8)
fn transform_gradients(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let lane = local.x;
    let panel = group.z;
    let block = group_number(group, groups);
    let rows = results(tile_at(block * 8u + lane));
    let column = panel * 8u + lane;
    let step = params.panels * params.stride * 64u; // from position to position
    var at = (panel * params.stride + block) * 64u + lane;
    for (var i = 0u; i < eight(); i++) {
        let here = rows_at(rows, i);
        let a = dy_quad(here.x, column);
        let b = dy_quad(here.y, column);
        let c = dy_quad(here.z, column);
        let d = dy_quad(here.w, column);
        store_line(at, step, spread(a, b));
        store_line(at + 4u * step, step, spread(a + c, b + d));
        store_line(at + 8u * step, step, spread(a - c, b - d));
        store_line(at + 12u * step, step, spread(-c, -d));
        at += 8u;
    }
}

fn gradient_quad(at: u32) -> vec4<f32> {
    return textureLoad(gradients, texel(at));
}

// The panel's rows of a quad of channels.
fn store_quad(c: ptr<function, array<vec4<f32>, 4>>, row: u32, lane: u32) {
    let at = row * 8u + lane;
    partial[at] = to_pairs((*c)[0]);
    partial[at + 8u] = to_pairs((*c)[1]);
    partial[at + 16u] = to_pairs((*c)[2]);
    partial[at + 24u] = to_pairs((*c)[3]);
}

// A workgroup makes four quads of channels by one panel of one position.
@compute @workgroup_size(8)
fn backward_weight(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let lane = local.x;
    let panel = group.x;
    let quad = group.y * 4u;
    let p = group.z;
    var a = (p * params.stride * params.source_quads + quad) * 8u + lane;
    var b = (p * params.panels + panel) * params.stride * 64u + lane;
    var c0 = array<vec4<f32>, 4>();
    var c1 = array<vec4<f32>, 4>();
    var c2 = array<vec4<f32>, 4>();
    var c3 = array<vec4<f32>, 4>();
    for (var block = 0u; block < params.blocks; block++) {
        var d = Rows(
            gradient_quad(b), gradient_quad(b + 8u), gradient_quad(b + 16u), gradient_quad(b + 24u),
            gradient_quad(b + 32u), gradient_quad(b + 40u), gradient_quad(b + 48u), gradient_quad(b + 56u),
        );
        add_quad(&c0, patch_quad(a), false, &d);
        add_quad(&c1, patch_quad(a + 8u), false, &d);
        add_quad(&c2, patch_quad(a + 16u), false, &d);
        add_quad(&c3, patch_quad(a + 24u), false, &d);
        a += 8u * params.source_quads;
        b += 64u;
    }
    let row = (((params.slice * params.panels + panel) * 16u + p) * params.source_quads + quad) * 4u;
    store_quad(&c0, row, lane);
    store_quad(&c1, row + 4u, lane);
    store_quad(&c2, row + 8u, lane);
    store_quad(&c3, row + 12u, lane);
}
