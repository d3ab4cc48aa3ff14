// 3x3 convolution with stride 1 and padding 1 by Winograd's F(2x2, 3x3): 16 products for 4 pixels, not 36.
//
//   multiply:        y = A'[(G g G') . (B' d B)]A  for each 2x2 tile of y and 4x4 patch d of x (Lavin & Gray 2015)
//   backward_weight: partial[s, c, p, n] = sum over the tiles of slice s of (B' d B)[p, c] * (A dy A')[p, n]
//
// p one of the 16 positions of a transformed patch, c channels of x, n channels of the result. Nothing
// transformed but the weights goes to memory: a workgroup keeps the 16 sums of 8 tiles, or of two quads of
// channels, so that gradients are expanded once for twice as many products. Weights G g G' (w) and partial
// are panels [N / WIDTH][16][C][WIDTH], made and summed up in weights.wgsl. How operands reach the
// lanes, and why as texels: conv2d.subgroup.wgsl; x, y and dy are activations (shared/quads.*.wgsl). Wide layers:
// winograd.passes.subgroup.wgsl.
// Twin: src/ops/winograd.rs.

override WIDTH: u32 = 32u; // columns of a panel: 32 or 16
override QUADS: u32 = 2u;  // of channels that a workgroup of backward_weight takes: 1 or 2

@group(0) @binding(1) var x: Texels;
@group(0) @binding(2) var w: texture_storage_2d<rgba32float, read>;
@group(0) @binding(3) var<storage, read_write> y: array<Quad>;
@group(0) @binding(4) var dy: Texels;
@group(0) @binding(5) var<storage, read_write> partial: array<Pairs>;

var<private> sums: array<Rows, 16>;      // [position][tile of 8, or channel of two quads]
var<private> gradients: array<Rows, 16>; // [position][tile]: A dy A'
var<private> made: array<Line, 8>;       // [tile]: four pixels of y, or of a column quad with 16 columns a panel

// Integer division costs a loop over the lanes; carrying does not.
fn advance(tile: Tile, eight: Tile) -> Tile {
    let extent = (vec2(params.height, params.width) + 1u) / 2u * 2u;
    let column = tile.column + eight.column;
    let wrap = column >= extent.y;
    let row = tile.row + eight.row + select(0u, 2u, wrap);
    let turn = row >= extent.x;
    return Tile(tile.image + eight.image + select(0u, 1u, turn), select(row, row - extent.x, turn), select(column, column - extent.y, wrap));
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

// `at` is the line's first row of weights, `step` their distance from position to position.
fn multiply_line(p: u32, v: Line, at: u32, step: u32) {
    multiply_position(p, v.a, at);
    multiply_position(p + 1u, v.b, at + step);
    multiply_position(p + 2u, v.c, at + 2u * step);
    multiply_position(p + 3u, v.d, at + 3u * step);
}

// A' m A of sum i of each position: a tile's four pixels.
fn finish_tile(i: u32) {
    let top = Line(sums[0][i] + sums[4][i] + sums[8][i], sums[1][i] + sums[5][i] + sums[9][i], sums[2][i] + sums[6][i] + sums[10][i], sums[3][i] + sums[7][i] + sums[11][i]);
    let low = Line(sums[4][i] - sums[8][i] - sums[12][i], sums[5][i] - sums[9][i] - sums[13][i], sums[6][i] - sums[10][i] - sums[14][i], sums[7][i] - sums[11][i] - sums[15][i]);
    made[i] = Line(top.a + top.b + top.c, top.b - top.c - top.d, low.a + low.b + low.c, low.b - low.c - low.d);
}

// Tile i: each place that stores is a loop over the lanes to a driver's compiler, so there are few of them, in a loop;
// and an index that is no constant would keep all of an array out of registers.
fn made_at(i: u32) -> Line {
    var found = made[0];
    if i == 1u { found = made[1]; }
    if i == 2u { found = made[2]; }
    if i == 3u { found = made[3]; }
    if i == 4u { found = made[4]; }
    if i == 5u { found = made[5]; }
    if i == 6u { found = made[6]; }
    if i == 7u { found = made[7]; }
    return found;
}

@compute @workgroup_size(8)
fn multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let lane = local.x;
    let panel = group.z;
    let tile = tile_at(group_number(group, groups) * 8u + lane);
    let s0 = sources(tile, 0);
    let s1 = sources(tile, 1);
    let s2 = sources(tile, 2);
    let s3 = sources(tile, 3);
    let step = params.source_quads * WIDTH;
    var at = panel * 16u * step + lane;
    for (var quad = 0u; quad < params.source_quads; quad++) {
        let d0 = line(s0, quad);
        let d1 = line(s1, quad);
        let d2 = line(s2, quad);
        let d3 = line(s3, quad);
        multiply_line(0u, minus(d0, d2), at, step);
        multiply_line(4u, plus(d1, d2), at + 4u * step, step);
        multiply_line(8u, minus(d2, d1), at + 8u * step, step);
        multiply_line(12u, minus(d1, d3), at + 12u * step, step);
        at += WIDTH;
    }
    finish_tile(0u);
    finish_tile(1u);
    finish_tile(2u);
    finish_tile(3u);
    if WIDTH == 32u {
        finish_tile(4u);
        finish_tile(5u);
        finish_tile(6u);
        finish_tile(7u);
    }
    let rows = results(tile);
    // WIDTH / 4, but not for a compiler, which would unroll it.
    for (var i = 0u; i < min(WIDTH / 4u, 8u * params.panels); i++) {
        let pixels = made_at(i);
        let at = select(rows, rows_at(rows, i), WIDTH == 32u);
        let column = panel * WIDTH / 4u + select(i, lane, WIDTH == 32u);
        store_row(pixels.a, at.x, column);
        store_row(pixels.b, at.y, column);
        store_row(pixels.c, at.z, column);
        store_row(pixels.d, at.w, column);
    }
}

// A dy A' of one tile. The last line and the last position of each are negated, as x's are below.
fn expand(i: u32, rows: vec4<u32>, column: u32) {
    let a = dy_quad(rows.x, column);
    let b = dy_quad(rows.y, column);
    let c = dy_quad(rows.z, column);
    let d = dy_quad(rows.w, column);
    expand_line(0u, i, a, b);
    expand_line(4u, i, a + c, b + d);
    expand_line(8u, i, a - c, b - d);
    expand_line(12u, i, c, d);
}

fn expand_line(p: u32, i: u32, a: vec4<f32>, b: vec4<f32>) {
    gradients[p][i] = a;
    gradients[p + 1u][i] = a + b;
    gradients[p + 2u][i] = a - b;
    gradients[p + 3u][i] = b;
}

// One channel of eight tiles against their gradients. With 16 columns a panel, the lower half of the
// lanes takes the even tiles, the upper half the odd ones.
fn dot_tiles(p: u32, a: f32, upper: bool) -> vec4<f32> {
    if WIDTH == 32u {
        return subgroupBroadcast(a, 0u) * gradients[p][0] + subgroupBroadcast(a, 1u) * gradients[p][1]
            + subgroupBroadcast(a, 2u) * gradients[p][2] + subgroupBroadcast(a, 3u) * gradients[p][3]
            + subgroupBroadcast(a, 4u) * gradients[p][4] + subgroupBroadcast(a, 5u) * gradients[p][5]
            + subgroupBroadcast(a, 6u) * gradients[p][6] + subgroupBroadcast(a, 7u) * gradients[p][7];
    }
    return select(subgroupBroadcast(a, 0u), subgroupBroadcast(a, 1u), upper) * gradients[p][0]
        + select(subgroupBroadcast(a, 2u), subgroupBroadcast(a, 3u), upper) * gradients[p][1]
        + select(subgroupBroadcast(a, 4u), subgroupBroadcast(a, 5u), upper) * gradients[p][2]
        + select(subgroupBroadcast(a, 6u), subgroupBroadcast(a, 7u), upper) * gradients[p][3];
}

// `first` is the place of the quad's sums: 0 or 4.
fn dot_position(p: u32, v: vec4<f32>, upper: bool, first: u32) {
    sums[p][first] += dot_tiles(p, v.x, upper);
    sums[p][first + 1u] += dot_tiles(p, v.y, upper);
    sums[p][first + 2u] += dot_tiles(p, v.z, upper);
    sums[p][first + 3u] += dot_tiles(p, v.w, upper);
}

fn dot_line(p: u32, v: Line, upper: bool, first: u32) {
    dot_position(p, v.a, upper, first);
    dot_position(p + 1u, v.b, upper, first);
    dot_position(p + 2u, v.c, upper, first);
    dot_position(p + 3u, -v.d, upper, first);
}

// A quad of channels of eight tiles against their gradients.
fn dot_patch(tile: Tile, quad: u32, upper: bool, first: u32) {
    let d0 = line(sources(tile, 0), quad);
    let d1 = line(sources(tile, 1), quad);
    let d2 = line(sources(tile, 2), quad);
    let d3 = line(sources(tile, 3), quad);
    dot_line(0u, minus(d0, d2), upper, first);
    dot_line(4u, plus(d1, d2), upper, first);
    dot_line(8u, minus(d2, d1), upper, first);
    dot_line(12u, minus(d3, d1), upper, first);
}

// The sums of position p, as `made_at`.
fn sum_at(p: u32, channel: u32) -> vec4<f32> {
    var found = sums[0][channel];
    found = select(found, sums[1][channel], p == 1u);
    found = select(found, sums[2][channel], p == 2u);
    found = select(found, sums[3][channel], p == 3u);
    found = select(found, sums[4][channel], p == 4u);
    found = select(found, sums[5][channel], p == 5u);
    found = select(found, sums[6][channel], p == 6u);
    found = select(found, sums[7][channel], p == 7u);
    found = select(found, sums[8][channel], p == 8u);
    found = select(found, sums[9][channel], p == 9u);
    found = select(found, sums[10][channel], p == 10u);
    found = select(found, sums[11][channel], p == 11u);
    found = select(found, sums[12][channel], p == 12u);
    found = select(found, sums[13][channel], p == 13u);
    found = select(found, sums[14][channel], p == 14u);
    found = select(found, sums[15][channel], p == 15u);
    return whole(found);
}

// `row`: of four channels, where the quad's first position stands.
fn store_quad(row: u32, lane: u32, first: u32) {
    for (var p = 0u; p < 16u; p++) {
        let r0 = sum_at(p, first);
        let r1 = sum_at(p, first + 1u);
        let r2 = sum_at(p, first + 2u);
        let r3 = sum_at(p, first + 3u);
        if lane < WIDTH / 4u {
            let at = (row + p * params.source_quads) * WIDTH + lane;
            partial[at] = to_pairs(r0);
            partial[at + WIDTH / 4u] = to_pairs(r1);
            partial[at + WIDTH / 2u] = to_pairs(r2);
            partial[at + WIDTH / 4u * 3u] = to_pairs(r3);
        }
    }
}

@compute @workgroup_size(8)
fn backward_weight(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let lane = local.x;
    let upper = lane >= 4u;
    let panel = group.x;
    let quad = group.y * QUADS; // a tile's gradients are expanded once for two quads of channels
    let slice = group.z;
    let eight = tile_at(8u);
    var tile = tile_at(slice * params.slice + lane);
    let end = (slice + 1u) * params.slice;
    for (var t = slice * params.slice; t < end; t += 8u) {
        let rows = results(tile);
        if WIDTH == 32u {
            let column = panel * 8u + lane;
            expand(0u, subgroupBroadcast(rows, 0u), column);
            expand(1u, subgroupBroadcast(rows, 1u), column);
            expand(2u, subgroupBroadcast(rows, 2u), column);
            expand(3u, subgroupBroadcast(rows, 3u), column);
            expand(4u, subgroupBroadcast(rows, 4u), column);
            expand(5u, subgroupBroadcast(rows, 5u), column);
            expand(6u, subgroupBroadcast(rows, 6u), column);
            expand(7u, subgroupBroadcast(rows, 7u), column);
        } else {
            let column = panel * 4u + (lane & 3u);
            expand(0u, select(subgroupBroadcast(rows, 0u), subgroupBroadcast(rows, 1u), upper), column);
            expand(1u, select(subgroupBroadcast(rows, 2u), subgroupBroadcast(rows, 3u), upper), column);
            expand(2u, select(subgroupBroadcast(rows, 4u), subgroupBroadcast(rows, 5u), upper), column);
            expand(3u, select(subgroupBroadcast(rows, 6u), subgroupBroadcast(rows, 7u), upper), column);
        }
        dot_patch(tile, quad, upper, 0u);
        if QUADS == 2u {
            dot_patch(tile, quad + 1u, upper, 4u);
        }
        tile = advance(tile, eight);
    }
    let row = (slice * params.panels + panel) * 16u * params.source_quads + quad;
    store_quad(row, lane, 0u);
    if QUADS == 2u && quad + 1u < params.source_quads {
        store_quad(row + 1u, lane, 4u);
    }
}
