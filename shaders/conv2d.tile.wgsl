// Convolution as an implicit matrix product with tiles in workgroup memory, for GPUs.
//
//   gather_multiply:  y[m, n] (+)= sum_{tap, c} x[source(m, tap), c] * w[tap, c, n]
//   gather_slices:    partial[s, m, n] = the same over the steps of slice s, where workgroups are too few otherwise
//   backward_weight:  partial[s, tap, c, n] = sum_{m in slice s} x[source(m, tap), c] * dy[m, n]
//
// m output pixels, tap the window, c channels of x, n channels of the result. Weights are panels
// [N / WIDTH][taps * C][WIDTH]. Taps and channels are one axis, walked in quads of channels: a step
// of DEPTH terms may span several taps, so three input channels waste nothing of it, and a 1x1
// window never leaves its first tap. A workgroup makes TILE rows of PANELS panels; each of its 128
// invocations keeps ROWS rows, TILE / ROWS apart, of one column quad of each panel in registers.
// x, y and dy are activations (shared/quads.*.wgsl). Twin: src/ops/conv2d.rs; the window is in
// shared/window.wgsl, the sums in shared/sums.wgsl.

override WIDTH: u32 = 32u; // columns of a panel: 32 or 16
override ROWS: u32 = 4u;   // 4 or 8; TILE is ROWS * 512 / WIDTH
override PANELS: u32 = 1u; // 1 or 2
override DEPTH: u32 = 16u; // terms in workgroup memory: 16, or 32 where TILE is 64 and PANELS 1

@group(0) @binding(1) var<storage, read> x: array<Quad>;
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<Quad>;
@group(0) @binding(4) var<storage, read> dy: array<Quad>;
@group(0) @binding(5) var<storage, read_write> partial: array<vec4<f32>>;

const INVOCATIONS = 128u;

// Rows are padded so that four (or eight) neighbouring invocations write to different banks.
var<workgroup> left: array<vec4<f32>, 520>;  // [quad of terms][row], or [term][quad of rows]
var<workgroup> right: array<vec4<f32>, 256>; // [term][column quad], swizzled

fn x_quad(source: u32, quad: u32) -> vec4<f32> {
    let inside = source != OUTSIDE;
    return select(vec4<f32>(), wide(x[select(0u, source + quad, inside)]), inside);
}

fn w_quad(at: u32, inside: bool) -> vec4<f32> {
    return select(vec4<f32>(), w[select(0u, at, inside)], inside);
}

fn dy_quad(m: u32, end: u32, column: u32) -> vec4<f32> {
    let inside = m < end && column < params.out_quads;
    return select(vec4<f32>(), wide(dy[select(0u, m * params.out_quads + column, inside)]), inside);
}

// Where terms' column quads lie, so that neighbouring invocations, which store quads of terms, write to different banks.
fn right_at(term: u32, quad: u32) -> u32 {
    let columns = WIDTH / 4u * PANELS;
    return term * columns + (quad ^ (term / 4u * (32u / DEPTH) % min(columns, 8u)));
}

fn left_at(term_quad: u32, row: u32) -> u32 {
    let quads = DEPTH / 4u;
    return term_quad * (INVOCATIONS / (WIDTH / 4u) * ROWS + 8u / quads) + row;
}

// Four terms of a column quad.
fn right_rows(term: u32, quad: u32) -> mat4x4<f32> {
    let at = right_at(term, quad);
    let columns = WIDTH / 4u * PANELS;
    return mat4x4(right[at], right[at + columns], right[at + 2u * columns], right[at + 3u * columns]);
}

// The sums of a tile over some steps, from the first one to before the end.
fn gather(c: ptr<function, Sums>, lattice: Lattice, panel: u32, tile: u32, begin: u32, end: u32, index: u32) {
    let panel_quads = WIDTH / 4u;
    let columns = panel_quads * PANELS;
    let distance = INVOCATIONS / panel_quads; // of the rows of an invocation
    let quads = DEPTH / 4u;
    // What this invocation loads: one quad of terms of `loads` rows that lie `apart`.
    let lane = index % quads;
    let first = index / quads;
    let apart = INVOCATIONS / quads;
    let loads = distance * ROWS / apart; // 2 or 4
    var pixels = array<Pixel, 4>();
    for (var i = 0u; i < loads; i++) {
        pixels[i] = pixel_at(lattice, tile + first + i * apart);
    }
    // What it computes.
    let row = index / panel_quads;
    let column = index % panel_quads;
    var sources = array<u32, 4>();
    var term = term_after(lattice, Term(), begin * quads + lane);
    var tap = vec2(OUTSIDE);
    for (var step = begin; step < end; step++) {
        if any(tap != term.tap) {
            tap = term.tap;
            for (var i = 0u; i < loads; i++) {
                sources[i] = select(OUTSIDE, source_of(lattice, pixels[i], vec2<i32>(tap) * lattice.direction), tap.x < lattice.taps.x);
            }
        }
        for (var i = 0u; i < loads; i++) {
            left[left_at(lane, first + i * apart)] = x_quad(sources[i], term.quad);
        }
        let w_row = row_of(lattice, term);
        for (var i = first; i < 4u * columns; i += apart) {
            let quad = i % columns;
            let at = ((panel + quad / panel_quads) * params.kernel * params.kernel * params.source_quads + w_row) * WIDTH + i / columns * panel_quads + quad % panel_quads;
            right[right_at(lane * 4u + i / columns, quad)] = w_quad(at, tap.x < lattice.taps.x && panel * panel_quads + quad < params.out_quads);
        }
        workgroupBarrier();
        for (var quad = 0u; quad < quads; quad++) {
            let at = left_at(quad, row);
            let b = right_rows(quad * 4u, column);
            var second = mat4x4<f32>();
            if PANELS == 2u {
                second = right_rows(quad * 4u, column + panel_quads);
            }
            add_products(c, left[at], left[at + distance], left[at + 2u * distance], left[at + 3u * distance], b, second);
            if ROWS == 8u {
                add_more_products(c, left[at + 4u * distance], left[at + 5u * distance], left[at + 6u * distance], left[at + 7u * distance], b, second);
            }
        }
        workgroupBarrier();
        term = term_after(lattice, term, quads);
    }
}

@compute @workgroup_size(128)
fn gather_multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let panel_quads = WIDTH / 4u;
    let distance = INVOCATIONS / panel_quads;
    let classes = select(1u, params.stride * params.stride, params.backward == 1u);
    let lattice = lattice_of(group.z % classes);
    let panel = group.z / classes * PANELS;
    let tile = group_number(group, groups) * distance * ROWS;
    var c = Sums();
    gather(&c, lattice, panel, tile, 0u, steps_of(lattice, DEPTH / 4u), index);
    store_sums(&c, lattice, tile + index / panel_quads, distance, panel * panel_quads + index % panel_quads);
}

@compute @workgroup_size(128)
fn gather_slices(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let panel_quads = WIDTH / 4u;
    let distance = INVOCATIONS / panel_quads;
    let classes = select(1u, params.stride * params.stride, params.backward == 1u);
    let lattice = lattice_of(group.z % classes);
    let slice = group.z / classes % params.slices;
    let panel = group.z / classes / params.slices * PANELS;
    let tile = group_number(group, groups) * distance * ROWS;
    let begin = slice * params.slice;
    var c = Sums();
    gather(&c, lattice, panel, tile, begin, min(begin + params.slice, steps_of(lattice, DEPTH / 4u)), index);
    keep_sums(&c, slice, lattice, tile + index / panel_quads, distance, panel * panel_quads + index % panel_quads);
}

// Here the terms are pixels and the rows are quads of channels of all taps.
@compute @workgroup_size(128)
fn backward_weight(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let panel_quads = WIDTH / 4u;
    let columns = panel_quads * PANELS;
    let distance = INVOCATIONS / panel_quads;
    let rows = distance * ROWS / 4u; // quads of the tile: 16 or 32
    let apart = INVOCATIONS / rows;  // pixels between two loads of an invocation
    let lattice = lattice_of(0u);
    let loaded = term_after(lattice, Term(), group.y * rows + index % rows);
    let offset = vec2<i32>(loaded.tap);
    let inside = loaded.tap.x < params.kernel;
    let begin = group.z * params.slice;
    let end = min(begin + params.slice, params.images * params.out_height * params.out_width);
    let step = pixel_at(lattice, apart);
    var pixel = pixel_at(lattice, begin + index / rows);
    let row = index / panel_quads;
    let column = index % panel_quads;
    var c = Sums();
    for (var m = begin; m < end; m += DEPTH) {
        for (var i = index / rows; i < DEPTH; i += apart) {
            left[i * rows + index % rows] = x_quad(select(OUTSIDE, source_of(lattice, pixel, offset), inside && m + i < end), loaded.quad);
            pixel = advance(lattice, step, pixel);
        }
        for (var i = index; i < DEPTH * columns; i += INVOCATIONS) {
            right[i] = dy_quad(m + i / columns, end, group.x * columns + i % columns);
        }
        workgroupBarrier();
        for (var i = 0u; i < DEPTH; i++) {
            var more = vec4<f32>();
            var second = vec4<f32>();
            if ROWS == 8u {
                more = left[i * rows + row + distance];
            }
            if PANELS == 2u {
                second = right[i * columns + column + panel_quads];
            }
            add_outer(&c, left[i * rows + row], more, right[i * columns + column], second);
        }
        workgroupBarrier();
    }
    store_partial(&c, group.z, group.x * PANELS, group.y * rows + row, distance, column);
}
