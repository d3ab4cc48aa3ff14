// How a convolution's window meets the picture: shared by the kernel families of conv2d.
//
// Output pixels m are numbered (image, row, column), NHWC. Forward, pixel (a, b) at tap (i, j) reads
// source (a * stride + i - pad, b * stride + j - pad). The gradient of the input walks the window
// backwards over dy; with a stride its pixels are visited by parity class, because within a class
// the taps that meet the grid of dy are the same for every pixel, and no product with zero is made.

override LINE: u32 = 0u; // 1: windows of one pixel, which see all pixels as one line (src/ops/conv2d.rs)

struct Params {
    images: u32,
    out_height: u32,
    out_width: u32,
    source_height: u32,
    source_width: u32,
    source_quads: u32, // channels of the gathered picture / 4
    out_quads: u32,    // channels of the result / 4
    kernel: u32,       // window side
    stride: u32,
    pad: u32,
    backward: u32,     // 1: the gathered picture is dy
    accumulate: u32,   // 1: add to what y holds
    slice: u32,        // output pixels (backward_weight) or steps of a sum (gather_slices) a slice
    slices: u32,       // gather_slices: how many
}

@group(0) @binding(0) var<uniform> params: Params;

const OUTSIDE = 0xffffffffu;

struct Lattice {
    step: u32,         // distance of neighbouring pixels of the class
    first: vec2<u32>,
    extent: vec2<u32>, // rows and columns of the class
    tap: vec2<u32>,    // first tap
    tap_step: u32,
    taps: vec2<u32>,   // rows and columns of taps, none where the window misses the class
    base: vec2<i32>,   // source of pixel (0, 0) at the first tap
    scale: i32,        // source distance of neighbouring pixels
    direction: i32,    // source distance of neighbouring taps
}

struct Pixel {
    image: u32,
    row: u32, // within the class
    column: u32,
}

fn lattice_of(parity: u32) -> Lattice {
    let size = vec2(params.out_height, params.out_width);
    if params.backward == 0u {
        return Lattice(1u, vec2(0u), size, vec2(0u), 1u, vec2(params.kernel), vec2(-i32(params.pad)), i32(params.stride), 1);
    }
    let s = params.stride;
    let first = vec2(parity / s, parity % s);
    let extent = (size + vec2(s - 1u) - min(first, size)) / s;
    let tap = (first + vec2(params.pad)) % s;
    let taps = (vec2(params.kernel + s - 1u) - min(tap, vec2(params.kernel))) / s;
    return Lattice(s, first, extent, tap, s, taps, vec2<i32>((first + vec2(params.pad) - tap) / s), 1, -1);
}

fn pixel_at(lattice: Lattice, m: u32) -> Pixel {
    if LINE == 1u {
        return Pixel(select(0u, 1u, m >= lattice.extent.y), 0u, m);
    }
    let line = m / max(lattice.extent.y, 1u);
    let image = line / max(lattice.extent.x, 1u);
    return Pixel(image, line - image * lattice.extent.x, m - line * lattice.extent.y);
}

// A class is empty where the picture is narrower than the stride.
fn is_pixel(lattice: Lattice, p: Pixel) -> bool {
    return p.image < params.images && all(lattice.extent > vec2(0u));
}

// Row of the result that belongs to a pixel, or OUTSIDE.
fn output_row(lattice: Lattice, p: Pixel) -> u32 {
    let row = p.image * params.out_height + lattice.first.x + p.row * lattice.step;
    return select(OUTSIDE, row * params.out_width + lattice.first.y + p.column * lattice.step, is_pixel(lattice, p));
}

// First channel quad of a pixel's source at a tap, or OUTSIDE the picture.
fn source_of(lattice: Lattice, p: Pixel, offset: vec2<i32>) -> u32 {
    let at = vec2(i32(p.row), i32(p.column)) * lattice.scale + lattice.base + offset;
    let inside = is_pixel(lattice, p) && at.x >= 0 && at.x < i32(params.source_height) && at.y >= 0 && at.y < i32(params.source_width);
    return select(OUTSIDE, ((p.image * params.source_height + u32(at.x)) * params.source_width + u32(at.y)) * params.source_quads, inside);
}

// A quad of channels at a tap: a step along the sum, in which taps and channels are one axis.
struct Term {
    tap: vec2<u32>, // within the class
    quad: u32,
}

// The term some quads further. Past the end its row is lattice.taps.x or more.
fn term_after(lattice: Lattice, term: Term, quads: u32) -> Term {
    var next = Term(term.tap, term.quad + quads);
    while next.quad >= params.source_quads {
        next.quad -= params.source_quads;
        next.tap.y += 1u;
        if next.tap.y >= lattice.taps.y {
            next.tap = vec2(next.tap.x + 1u, 0u);
        }
    }
    return next;
}

// Steps of a sum, each of so many quads of terms.
fn steps_of(lattice: Lattice, quads: u32) -> u32 {
    return (lattice.taps.x * lattice.taps.y * params.source_quads + quads - 1u) / quads;
}

// Row of a term's weights, in quads of rows of a panel.
fn row_of(lattice: Lattice, term: Term) -> u32 {
    let tap = lattice.tap + term.tap * lattice.tap_step;
    return (tap.x * params.kernel + tap.y) * params.source_quads + term.quad;
}

// The pixel that lies as far from p as `by` from the first one. Carrying is cheaper than dividing.
fn advance(lattice: Lattice, by: Pixel, p: Pixel) -> Pixel {
    let column = p.column + by.column;
    let wrap = column >= lattice.extent.y;
    let row = p.row + by.row + select(0u, 1u, wrap);
    let turn = row >= lattice.extent.x;
    return Pixel(p.image + by.image + select(0u, 1u, turn), select(row, row - lattice.extent.x, turn), select(column, column - lattice.extent.y, wrap));
}
