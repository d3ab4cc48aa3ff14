// Winograd's 3x3 convolution, stride 1, padding 1, with 36 products for 16 pixels where the direct sum
// takes 144.
//
//   multiply: y = A'[(G g G') . (B' d B)]A  for each 4x4 tile of y and 6x6 patch d of x (Lavin & Gray 2015)
//
// The five points are 0, -1, 1, 2, -1/2: the usual 0, -1, 1, -2, 2 make B and A larger and lose four times
// as much to rounding (Barabasz et al. 2020). A workgroup keeps the 36 sums of 8 tiles. Weights G g G' (w)
// are panels [N / WIDTH][C / 4][36][4][WIDTH], made in weights.wgsl. How operands reach the lanes, and why
// as texels: conv2d.subgroup.wgsl; x and y are activations (shared/quads.*.wgsl).
// Twin: src/ops/winograd.rs.

override WIDTH: u32 = 32u; // columns of a panel: 32 or 16

@group(0) @binding(1) var x: Texels;
@group(0) @binding(2) var w: texture_storage_2d<rgba32float, read>;
@group(0) @binding(3) var<storage, read_write> y: array<Quad>;

const SIDE = 4u; // of a tile of y

var<private> sums: array<Rows, 36>; // [position][tile of 8, or column quad of 4]

var<private> pixels: array<vec4<f32>, 16>; // of a tile of y

// Six positions of a patch.
struct Six {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
    e: vec4<f32>,
    f: vec4<f32>,
}

fn x_quad(source: i32, quad: u32, inside: bool) -> vec4<f32> {
    let at = select(0u, u32(source) * params.source_quads + quad, inside);
    return select(vec4<f32>(), textureLoad(x, vec2(at & 4095u, at >> 12u)), inside);
}

// B' of a line: its positions.
fn patch_line(l: Six) -> Six {
    let t = l.e - l.c;
    let u = l.b - l.d;
    let v = l.c - l.d;
    let s = l.c + l.d;
    return Six(
        l.a - l.c + t + 1.5 * u, t + u + 1.5 * v, t - u - 1.5 * s,
        t - 0.5 * u, t + 2.0 * u, l.f - l.d + u - 1.5 * t,
    );
}

// d B for line i of a tile's patch.
fn line(tile: Tile, i: i32, quad: u32) -> Six {
    let row = i32(tile.row) + i - 1;
    let lies = tile.image < params.images && row >= 0 && row < i32(params.height);
    let first = (i32(tile.image * params.height) + row) * i32(params.width) + i32(tile.column);
    let c = i32(tile.column);
    let end = i32(params.width);
    return patch_line(Six(
        x_quad(first - 1, quad, lies && c > 0),
        x_quad(first, quad, lies),
        x_quad(first + 1, quad, lies && c + 1 < end),
        x_quad(first + 2, quad, lies && c + 2 < end),
        x_quad(first + 3, quad, lies && c + 3 < end),
        x_quad(first + 4, quad, lies && c + 4 < end),
    ));
}

// One column of positions, from a column of d B.
fn multiply_column(p: u32, l: Six, at: u32) {
    let v = patch_line(l);
    multiply_position(p, v.a, at + p * WIDTH);
    multiply_position(p + 6u, v.b, at + (p + 6u) * WIDTH);
    multiply_position(p + 12u, v.c, at + (p + 12u) * WIDTH);
    multiply_position(p + 18u, v.d, at + (p + 18u) * WIDTH);
    multiply_position(p + 24u, v.e, at + (p + 24u) * WIDTH);
    multiply_position(p + 30u, v.f, at + (p + 30u) * WIDTH);
}

// A' of six positions: four pixels.
fn pixels_of(m: Six) -> Line {
    let plus = m.b + m.c;
    let minus = m.c - m.b;
    return Line(
        m.a + plus + m.d + m.e, minus + 2.0 * m.d - 0.5 * m.e,
        plus + 4.0 * m.d + 0.25 * m.e, minus + 8.0 * m.d - 0.125 * m.e + m.f,
    );
}

fn column_of_sums(p: u32, i: u32) -> Line {
    return pixels_of(Six(sums[p][i], sums[p + 6u][i], sums[p + 12u][i], sums[p + 18u][i], sums[p + 24u][i], sums[p + 30u][i]));
}

fn keep_line(l: Six, i: u32) {
    let v = pixels_of(l);
    pixels[i] = v.a;
    pixels[i + 1u] = v.b;
    pixels[i + 2u] = v.c;
    pixels[i + 3u] = v.d;
}

// A' m A of sum i of each position: a tile's 16 pixels. They are stored in a loop, because each place that
// stores is a loop over the lanes for every channel to such a driver, and 128 places took its compiler 20 s.
fn store_tile(i: u32, tile: Tile, column: u32) {
    let a = column_of_sums(0u, i);
    let b = column_of_sums(1u, i);
    let c = column_of_sums(2u, i);
    let d = column_of_sums(3u, i);
    let e = column_of_sums(4u, i);
    let f = column_of_sums(5u, i);
    keep_line(Six(a.a, b.a, c.a, d.a, e.a, f.a), 0u);
    keep_line(Six(a.b, b.b, c.b, d.b, e.b, f.b), 4u);
    keep_line(Six(a.c, b.c, c.c, d.c, e.c, f.c), 8u);
    keep_line(Six(a.d, b.d, c.d, d.d, e.d, f.d), 12u);
    // min(SIDE, height - row), from which the compiler would know that it may unroll the loop.
    let lines = SIDE - (max(tile.row + SIDE, params.height) - params.height);
    let end = select(0u, SIDE * lines, tile.image < params.images);
    let first = (tile.image * params.height + tile.row) * params.width + tile.column;
    for (var i = 0u; i < end; i++) {
        let across = i % SIDE;
        let row = first + i / SIDE * params.width + across;
        store_row(pixels[i], select(OUTSIDE, row, tile.column + across < params.width), column);
    }
}

@compute @workgroup_size(8)
fn multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let lane = local.x;
    let panel = group.z;
    let tile = tile_at(group_number(group, groups) * 8u + lane);
    var at = panel * params.source_quads * 36u * WIDTH + lane;
    for (var quad = 0u; quad < params.source_quads; quad++) {
        let d0 = line(tile, 0, quad);
        let d1 = line(tile, 1, quad);
        let d2 = line(tile, 2, quad);
        let d3 = line(tile, 3, quad);
        let d4 = line(tile, 4, quad);
        let d5 = line(tile, 5, quad);
        multiply_column(0u, Six(d0.a, d1.a, d2.a, d3.a, d4.a, d5.a), at);
        multiply_column(1u, Six(d0.b, d1.b, d2.b, d3.b, d4.b, d5.b), at);
        multiply_column(2u, Six(d0.c, d1.c, d2.c, d3.c, d4.c, d5.c), at);
        multiply_column(3u, Six(d0.d, d1.d, d2.d, d3.d, d4.d, d5.d), at);
        multiply_column(4u, Six(d0.e, d1.e, d2.e, d3.e, d4.e, d5.e), at);
        multiply_column(5u, Six(d0.f, d1.f, d2.f, d3.f, d4.f, d5.f), at);
        at += 36u * WIDTH;
    }
    let first = panel * WIDTH / 4u;
    if WIDTH == 32u {
        store_tile(0u, Tile(subgroupBroadcast(tile.image, 0u), subgroupBroadcast(tile.row, 0u), subgroupBroadcast(tile.column, 0u)), first + lane);
        store_tile(1u, Tile(subgroupBroadcast(tile.image, 1u), subgroupBroadcast(tile.row, 1u), subgroupBroadcast(tile.column, 1u)), first + lane);
        store_tile(2u, Tile(subgroupBroadcast(tile.image, 2u), subgroupBroadcast(tile.row, 2u), subgroupBroadcast(tile.column, 2u)), first + lane);
        store_tile(3u, Tile(subgroupBroadcast(tile.image, 3u), subgroupBroadcast(tile.row, 3u), subgroupBroadcast(tile.column, 3u)), first + lane);
        store_tile(4u, Tile(subgroupBroadcast(tile.image, 4u), subgroupBroadcast(tile.row, 4u), subgroupBroadcast(tile.column, 4u)), first + lane);
        store_tile(5u, Tile(subgroupBroadcast(tile.image, 5u), subgroupBroadcast(tile.row, 5u), subgroupBroadcast(tile.column, 5u)), first + lane);
        store_tile(6u, Tile(subgroupBroadcast(tile.image, 6u), subgroupBroadcast(tile.row, 6u), subgroupBroadcast(tile.column, 6u)), first + lane);
        store_tile(7u, Tile(subgroupBroadcast(tile.image, 7u), subgroupBroadcast(tile.row, 7u), subgroupBroadcast(tile.column, 7u)), first + lane);
    } else {
        store_tile(0u, tile, first);
        store_tile(1u, tile, first + 1u);
        store_tile(2u, tile, first + 2u);
        store_tile(3u, tile, first + 3u);
    }
}
