// The sums of an invocation of conv2d's tile and direct kernels: ROWS (4 or 8) rows of the result by
// PANELS (1 or 2) column quads. Entry i is row i of the first quad, entry 8 + i row i of the second.
// Every index is a constant, so that drivers keep the array in registers.

alias Sums = array<vec4<f32>, 16>;

// Four terms of four rows: a is a row's four values, b the terms' rows of the right matrix.
fn add_products(c: ptr<function, Sums>, a0: vec4<f32>, a1: vec4<f32>, a2: vec4<f32>, a3: vec4<f32>, b: mat4x4<f32>, second: mat4x4<f32>) {
    (*c)[0] = added((*c)[0], b, a0);
    (*c)[1] = added((*c)[1], b, a1);
    (*c)[2] = added((*c)[2], b, a2);
    (*c)[3] = added((*c)[3], b, a3);
    if PANELS == 2u {
        (*c)[8] = added((*c)[8], second, a0);
        (*c)[9] = added((*c)[9], second, a1);
        (*c)[10] = added((*c)[10], second, a2);
        (*c)[11] = added((*c)[11], second, a3);
    }
}

// The same for rows 4 .. 8.
fn add_more_products(c: ptr<function, Sums>, a0: vec4<f32>, a1: vec4<f32>, a2: vec4<f32>, a3: vec4<f32>, b: mat4x4<f32>, second: mat4x4<f32>) {
    (*c)[4] = added((*c)[4], b, a0);
    (*c)[5] = added((*c)[5], b, a1);
    (*c)[6] = added((*c)[6], b, a2);
    (*c)[7] = added((*c)[7], b, a3);
    if PANELS == 2u {
        (*c)[12] = added((*c)[12], second, a0);
        (*c)[13] = added((*c)[13], second, a1);
        (*c)[14] = added((*c)[14], second, a2);
        (*c)[15] = added((*c)[15], second, a3);
    }
}

// One term: a quad of rows (two with ROWS = 8) against a column quad (two with PANELS = 2).
fn add_outer(c: ptr<function, Sums>, a: vec4<f32>, more: vec4<f32>, b: vec4<f32>, second: vec4<f32>) {
    (*c)[0] += a.x * b;
    (*c)[1] += a.y * b;
    (*c)[2] += a.z * b;
    (*c)[3] += a.w * b;
    if ROWS == 8u {
        (*c)[4] += more.x * b;
        (*c)[5] += more.y * b;
        (*c)[6] += more.z * b;
        (*c)[7] += more.w * b;
    }
    if PANELS == 2u {
        (*c)[8] += a.x * second;
        (*c)[9] += a.y * second;
        (*c)[10] += a.z * second;
        (*c)[11] += a.w * second;
        if ROWS == 8u {
            (*c)[12] += more.x * second;
            (*c)[13] += more.y * second;
            (*c)[14] += more.z * second;
            (*c)[15] += more.w * second;
        }
    }
}

// Row i of the result, at pixel m.
fn store_both(lattice: Lattice, m: u32, value: vec4<f32>, second: vec4<f32>, column: u32) {
    let row = output_row(lattice, pixel_at(lattice, m));
    store_row(value, row, column);
    if PANELS == 2u {
        store_row(second, row, column + WIDTH / 4u);
    }
}

// Rows of the result that lie `distance` pixels apart, the first at pixel m.
fn store_sums(c: ptr<function, Sums>, lattice: Lattice, m: u32, distance: u32, column: u32) {
    store_both(lattice, m, (*c)[0], (*c)[8], column);
    store_both(lattice, m + distance, (*c)[1], (*c)[9], column);
    store_both(lattice, m + 2u * distance, (*c)[2], (*c)[10], column);
    store_both(lattice, m + 3u * distance, (*c)[3], (*c)[11], column);
    if ROWS == 8u {
        store_both(lattice, m + 4u * distance, (*c)[4], (*c)[12], column);
        store_both(lattice, m + 5u * distance, (*c)[5], (*c)[13], column);
        store_both(lattice, m + 6u * distance, (*c)[6], (*c)[14], column);
        store_both(lattice, m + 7u * distance, (*c)[7], (*c)[15], column);
    }
}

// The same of a slice of the sums, which `vector.wgsl` joins.
fn keep_both(slice: u32, lattice: Lattice, m: u32, value: vec4<f32>, second: vec4<f32>, column: u32) {
    let row = output_row(lattice, pixel_at(lattice, m));
    keep_row(slice, value, row, column);
    if PANELS == 2u {
        keep_row(slice, second, row, column + WIDTH / 4u);
    }
}

fn keep_row(slice: u32, value: vec4<f32>, row: u32, column: u32) {
    if row != OUTSIDE && column < params.out_quads {
        let rows = params.images * params.out_height * params.out_width;
        partial[(slice * rows + row) * params.out_quads + column] = value;
    }
}

fn keep_sums(c: ptr<function, Sums>, slice: u32, lattice: Lattice, m: u32, distance: u32, column: u32) {
    keep_both(slice, lattice, m, (*c)[0], (*c)[8], column);
    keep_both(slice, lattice, m + distance, (*c)[1], (*c)[9], column);
    keep_both(slice, lattice, m + 2u * distance, (*c)[2], (*c)[10], column);
    keep_both(slice, lattice, m + 3u * distance, (*c)[3], (*c)[11], column);
    if ROWS == 8u {
        keep_both(slice, lattice, m + 4u * distance, (*c)[4], (*c)[12], column);
        keep_both(slice, lattice, m + 5u * distance, (*c)[5], (*c)[13], column);
        keep_both(slice, lattice, m + 6u * distance, (*c)[6], (*c)[14], column);
        keep_both(slice, lattice, m + 7u * distance, (*c)[7], (*c)[15], column);
    }
}

// A quad of rows of the gradient of the weights; `row` counts quads of channels over all taps.
fn store_quad(slice: u32, panel: u32, row: u32, column: u32, a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) {
    let panel_quads = WIDTH / 4u;
    let rows = params.kernel * params.kernel * params.source_quads;
    let panels = (params.out_quads + panel_quads - 1u) / panel_quads;
    if row < rows && panel < panels {
        let at = ((slice * panels + panel) * rows + row) * WIDTH + column;
        partial[at] = a;
        partial[at + panel_quads] = b;
        partial[at + 2u * panel_quads] = c;
        partial[at + 3u * panel_quads] = d;
    }
}

// What an invocation has of it: quads `row` and `row + distance` of panels `panel` and `panel + 1`.
fn store_partial(c: ptr<function, Sums>, slice: u32, panel: u32, row: u32, distance: u32, column: u32) {
    store_quad(slice, panel, row, column, (*c)[0], (*c)[1], (*c)[2], (*c)[3]);
    if ROWS == 8u {
        store_quad(slice, panel, row + distance, column, (*c)[4], (*c)[5], (*c)[6], (*c)[7]);
    }
    if PANELS == 2u {
        store_quad(slice, panel + 1u, row, column, (*c)[8], (*c)[9], (*c)[10], (*c)[11]);
        if ROWS == 8u {
            store_quad(slice, panel + 1u, row + distance, column, (*c)[12], (*c)[13], (*c)[14], (*c)[15]);
        }
    }
}
