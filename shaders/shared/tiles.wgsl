// Where Winograd's tiles lie in a picture and how their pixels are stored: shared by all kernels of
// winograd, which say the SIDE of a tile.

struct Params {
    images: u32,
    height: u32,
    width: u32,
    source_quads: u32, // channels of x / 4
    out_quads: u32,    // channels of the result / 4
    accumulate: u32,   // 1: add to what y holds
    panels: u32,
    slice: u32,        // backward_weight: tiles a slice
}

@group(0) @binding(0) var<uniform> params: Params;

const OUTSIDE = 0xffffffffu;

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
    return Tile(image, (line - image * extent.x) * SIDE, (t - line * extent.y) * SIDE);
}

fn store_row(value: vec4<f32>, row: u32, column: u32) {
    if row != OUTSIDE && column < params.out_quads {
        let at = row * params.out_quads + column;
        var total = value;
        if params.accumulate == 1u {
            total += wide(y[at]);
        }
        y[at] = narrow(total);
    }
}
