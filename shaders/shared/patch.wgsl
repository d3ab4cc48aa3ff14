// Where the 4x4 patches of Winograd's 2x2 tiles lie in a picture, and the transformation of a patch's
// line: shared by the kernel families of winograd.

const SIDE = 2u; // of a tile of y

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
