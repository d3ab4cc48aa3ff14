// Where Winograd's 2x2 tiles of y and their 4x4 patches of x lie in a picture, and how a patch's line
// is transformed: shared by the kernel families of winograd.

struct Params {
    first: u32,        // image of a pass
    images: u32,       // before which it ends
    height: u32,
    width: u32,
    source_quads: u32, // channels of x / 4
    out_quads: u32,    // channels of the result / 4
    accumulate: u32,   // 1: add to what y holds
    panels: u32,
    slice: u32,        // backward_weight: tiles a slice, or the number of the pass
    blocks: u32,       // of eight tiles in a pass
    stride: u32,       // blocks from position to position: odd, or all positions would meet in a few sets of a cache
}

@group(0) @binding(0) var<uniform> params: Params;

const OUTSIDE = 0xffffffffu;
const SIDE = 2u; // of a tile of y

// The first pixel of a tile of y.
struct Tile {
    image: u32,
    row: u32,
    column: u32,
}

// Four positions of a patch, or pixels of y.
struct Line {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
}

fn tile_at(t: u32) -> Tile {
    let extent = (vec2(params.height, params.width) + SIDE - 1u) / SIDE;
    let line = t / extent.y;
    let image = line / extent.x;
    return Tile(params.first + image, (line - image * extent.x) * SIDE, (t - line * extent.y) * SIDE);
}

// First quads of line i of a tile's patch, or OUTSIDE the picture.
fn sources(tile: Tile, i: i32) -> vec4<u32> {
    let row = i32(tile.row) + i - 1;
    let column = vec4(i32(tile.column)) + vec4(-1, 0, 1, 2);
    let line = tile.image < params.images && row >= 0 && row < i32(params.height);
    let inside = vec4(line) & (column >= vec4(0)) & (column < vec4(i32(params.width)));
    let first = (i32(tile.image * params.height) + row) * i32(params.width);
    return select(vec4(OUTSIDE), vec4<u32>(column + first) * params.source_quads, inside);
}

// The tile's four rows of y, or OUTSIDE.
fn results(tile: Tile) -> vec4<u32> {
    let row = vec4(tile.row) + vec4(0u, 0u, 1u, 1u);
    let column = vec4(tile.column) + vec4(0u, 1u, 0u, 1u);
    let inside = vec4(tile.image < params.images) & (row < vec4(params.height)) & (column < vec4(params.width));
    return select(vec4(OUTSIDE), (row + tile.image * params.height) * params.width + column, inside);
}

// d B for one line of a patch.
fn line(source: vec4<u32>, quad: u32) -> Line {
    let a = x_quad(source.x, quad);
    let b = x_quad(source.y, quad);
    let c = x_quad(source.z, quad);
    let d = x_quad(source.w, quad);
    return Line(a - c, b + c, c - b, b - d);
}

fn plus(p: Line, q: Line) -> Line {
    return Line(p.a + q.a, p.b + q.b, p.c + q.c, p.d + q.d);
}

fn minus(p: Line, q: Line) -> Line {
    return Line(p.a - q.a, p.b - q.b, p.c - q.c, p.d - q.d);
}
