enable f16;
enable wgpu_cooperative_matrix;
diagnostic(off, derivative_uniformity); // so the compiler calls that operations on matrices stand in a branch
// Convolution as an implicit matrix product on matrix units: operands of half precision, sums of single.
//
//   gather_multiply:  y[m, n] (+)= sum_{tap, c} x[source(m, tap), c] * w[tap, c, n]
//   gather_slices:    partial[s, m, n] = the same over the steps of slice s, where workgroups are too few otherwise
//   backward_weight:  partial[s, tap, c, n] = sum_{m in slice s} x[source(m, tap), c] * dy[m, n]
//
// The letters are those of conv2d.tile.wgsl, and operands reach workgroup memory in the same way. A workgroup makes
// ROWS rows and COLUMNS columns. Each of its first four subgroups, whatever their size, makes a quarter as 4 x 2 blocks
// of SIDE x SIDE (shared/matrix.*.wgsl); if there are more, they help to load and store. Tails are loaded as zeros and
// not stored, so the loop has no branch for them. Weights are single precision in memory and rounded on their way;
// x and dy are half precision already. Twin: src/ops/conv2d.rs.

override WIDTH: u32 = 32u;        // columns of a panel: 32 or 16
override INVOCATIONS: u32 = 128u; // four times the largest subgroup of the adapter

const ROWS = 8u * SIDE;
const COLUMNS = 4u * SIDE;
const DEPTH = 32u; // terms in workgroup memory
const PARTS = 4u;

// Quads between rows of an operand in workgroup memory. Two more than there are: so that neighbouring rows begin at
// different banks, at multiples of 16 bytes.
const TERM_QUADS = DEPTH / 4u + 2u;
const ROW_QUADS = ROWS / 4u + 2u;
const COLUMN_QUADS = COLUMNS / 4u + 2u;
const LEFT_QUADS = max(ROWS * TERM_QUADS, DEPTH * ROW_QUADS);
const RIGHT_QUADS = DEPTH * COLUMN_QUADS;

@group(0) @binding(1) var<storage, read> x: array<vec4<f16>>;
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<Quad>;
@group(0) @binding(4) var<storage, read> dy: array<vec4<f16>>;
@group(0) @binding(5) var<storage, read_write> partial: array<vec4<f32>>;

// A line of blocks of each part on its way to memory, two blocks side by side: quads between its rows, and of all parts.
const SCRATCH_ROW = SIDE / 2u + 2u;
const SCRATCH_QUADS = PARTS * SIDE * SCRATCH_ROW;

fn x_quad(source: u32, quad: u32) -> vec4<f16> {
    let inside = source != OUTSIDE;
    return select(vec4<f16>(), x[select(0u, source + quad, inside)], inside);
}

fn w_quad(at: u32, inside: bool) -> vec4<f16> {
    return select(vec4<f16>(), vec4<f16>(w[select(0u, at, inside)]), inside);
}

fn dy_quad(m: u32, end: u32, column: u32) -> vec4<f16> {
    let inside = m < end && column < params.out_quads;
    return select(vec4<f16>(), dy[select(0u, m * params.out_quads + column, inside)], inside);
}

// The blocks of a subgroup's part, line after line.
struct Sums {
    a0: Sum, b0: Sum,
    a1: Sum, b1: Sum,
    a2: Sum, b2: Sum,
    a3: Sum, b3: Sum,
}

// First row and column of a part.
fn part_row(part: u32) -> u32 {
    return part % 2u * 4u * SIDE;
}

fn part_column(part: u32) -> u32 {
    return part / 2u * 2u * SIDE;
}

fn multiply_add(c: ptr<function, Sums>, l0: Left, l1: Left, l2: Left, l3: Left, r0: Right, r1: Right) {
    (*c).a0 = coopMultiplyAdd(l0, r0, (*c).a0);
    (*c).b0 = coopMultiplyAdd(l0, r1, (*c).b0);
    (*c).a1 = coopMultiplyAdd(l1, r0, (*c).a1);
    (*c).b1 = coopMultiplyAdd(l1, r1, (*c).b1);
    (*c).a2 = coopMultiplyAdd(l2, r0, (*c).a2);
    (*c).b2 = coopMultiplyAdd(l2, r1, (*c).b2);
    (*c).a3 = coopMultiplyAdd(l3, r0, (*c).a3);
    (*c).b3 = coopMultiplyAdd(l3, r1, (*c).b3);
}

// Where block `line` of a part lies in `left`, and its columns in `right`, in quads.
fn left_at(part: u32, line: u32, k: u32) -> u32 {
    return (part_row(part) + line * SIDE) * TERM_QUADS + k / 4u;
}

fn turned_at(part: u32, line: u32, k: u32) -> u32 {
    return k * ROW_QUADS + (part_row(part) + line * SIDE) / 4u;
}

fn right_at(part: u32, block: u32, k: u32) -> u32 {
    return k * COLUMN_QUADS + (part_column(part) + block * SIDE) / 4u;
}

// Where neighbouring invocations put and read quads: without a bank of workgroup memory in common (the shader checks count).

// Row `i` of an array where rows that follow each other share banks, and rows `distance` apart do not: 2 or 4.
fn spaced(i: u32, distance: u32) -> u32 {
    return i / (2u * distance) * (2u * distance) + i % 2u * distance + i % (2u * distance) / 2u;
}

// The i-th row that is gathered, and where its quads lie.
fn gathered_row(i: u32) -> u32 {
    return spaced(i, 4u);
}

fn left_place(row: u32, quad: u32) -> u32 {
    return row * TERM_QUADS + quad;
}

// Which of the four rows of weights of a quad of terms is the i-th: each pair of invocations begins with another one.
fn gathered_term(lane: u32, i: u32) -> u32 {
    return (i / (COLUMNS / 4u) + lane / 2u) % 4u;
}

// The term of the i-th quad of the gradient of y.
fn loaded_term(i: u32) -> u32 {
    return spaced(i / (COLUMNS / 4u), 4u);
}

fn right_place(term: u32, quad: u32) -> u32 {
    return term * COLUMN_QUADS + quad;
}

fn turned_place(term: u32, quad: u32) -> u32 {
    return term * ROW_QUADS + quad;
}

// Of a line of blocks the row of the i-th quad, and where that lies.
fn scratch_row(i: u32) -> u32 {
    return spaced(i / (SIDE / 2u) % SIDE, 2u);
}

fn scratch_place(i: u32) -> u32 {
    return (i / (SIDE * SIDE / 2u) * SIDE + scratch_row(i)) * SCRATCH_ROW + i % (SIDE / 2u);
}

// The sums of a tile over some steps, from the first one to before the end.
fn gather(c: ptr<function, Sums>, lattice: Lattice, panel: u32, tile: u32, begin: u32, end: u32, index: u32, part: u32) {
    let panel_quads = WIDTH / 4u;
    let quads = DEPTH / 4u;
    // What this invocation loads: one quad of terms of `loads` rows that lie `apart`.
    let lane = index % quads;
    let first = index / quads;
    let apart = INVOCATIONS / quads;
    let loads = ROWS / apart;
    var pixels = array<Pixel, LOADS>();
    for (var i = 0u; i < loads; i++) {
        pixels[i] = pixel_at(lattice, tile + gathered_row(first + i * apart));
    }
    var sources = array<u32, LOADS>();
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
            put_left(left_place(gathered_row(first + i * apart), lane), x_quad(sources[i], term.quad));
        }
        let w_row = row_of(lattice, term);
        for (var i = first; i < COLUMNS; i += apart) {
            // Four rows of weights, a quad of terms, of COLUMNS / 4 quads each.
            let quad = i % (COLUMNS / 4u);
            let row = gathered_term(lane, i);
            let at = ((panel + quad / panel_quads) * params.kernel * params.kernel * params.source_quads + w_row) * WIDTH + row * panel_quads + quad % panel_quads;
            put_right(right_place(lane * 4u + row, quad), w_quad(at, tap.x < lattice.taps.x && panel * panel_quads + quad < params.out_quads));
        }
        workgroupBarrier();
        if part < PARTS {
            for (var k = 0u; k < DEPTH; k += SIDE) {
                let l0 = coopLoadT<Left>(&left[left_at(part, 0u, k) * UNIT], TERM_QUADS * UNIT);
                let l1 = coopLoadT<Left>(&left[left_at(part, 1u, k) * UNIT], TERM_QUADS * UNIT);
                let l2 = coopLoadT<Left>(&left[left_at(part, 2u, k) * UNIT], TERM_QUADS * UNIT);
                let l3 = coopLoadT<Left>(&left[left_at(part, 3u, k) * UNIT], TERM_QUADS * UNIT);
                let r0 = coopLoadT<Right>(&right[right_at(part, 0u, k) * UNIT], COLUMN_QUADS * UNIT);
                let r1 = coopLoadT<Right>(&right[right_at(part, 1u, k) * UNIT], COLUMN_QUADS * UNIT);
                multiply_add(c, l0, l1, l2, l3, r0, r1);
            }
        }
        workgroupBarrier();
        term = term_after(lattice, term, quads);
    }
}

@compute @workgroup_size(INVOCATIONS)
fn gather_multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32, @builtin(subgroup_id) part: u32) {
    let classes = select(1u, params.stride * params.stride, params.backward == 1u);
    let lattice = lattice_of(group.z % classes);
    let panel = group.z / classes * (COLUMNS / WIDTH);
    let tile = group_number(group, groups) * ROWS;
    var c = Sums();
    gather(&c, lattice, panel, tile, 0u, steps_of(lattice, DEPTH / 4u), index, part);
    for (var line = 0u; line < 4u; line++) {
        put_line(&c, part, line);
        workgroupBarrier();
        for (var i = index; i < PARTS * SIDE * SIDE / 2u; i += INVOCATIONS) {
            let at = place_of(i);
            let m = tile + at.row + line * SIDE;
            store_row(scratch_quad(at.scratch), output_row(lattice, pixel_at(lattice, m)), panel * WIDTH / 4u + at.column);
        }
        workgroupBarrier();
    }
}

@compute @workgroup_size(INVOCATIONS)
fn gather_slices(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32, @builtin(subgroup_id) part: u32) {
    let classes = select(1u, params.stride * params.stride, params.backward == 1u);
    let lattice = lattice_of(group.z % classes);
    let slice = group.z / classes % params.slices;
    let panel = group.z / classes / params.slices * (COLUMNS / WIDTH);
    let tile = group_number(group, groups) * ROWS;
    let begin = slice * params.slice;
    var c = Sums();
    gather(&c, lattice, panel, tile, begin, min(begin + params.slice, steps_of(lattice, DEPTH / 4u)), index, part);
    let rows = params.images * params.out_height * params.out_width;
    for (var line = 0u; line < 4u; line++) {
        put_line(&c, part, line);
        workgroupBarrier();
        for (var i = index; i < PARTS * SIDE * SIDE / 2u; i += INVOCATIONS) {
            let at = place_of(i);
            let row = output_row(lattice, pixel_at(lattice, tile + at.row + line * SIDE));
            let column = panel * WIDTH / 4u + at.column;
            if row != OUTSIDE && column < params.out_quads {
                partial[(slice * rows + row) * params.out_quads + column] = scratch_quad(at.scratch);
            }
        }
        workgroupBarrier();
    }
}

// Here the terms are pixels and the rows are channels of all taps.
@compute @workgroup_size(INVOCATIONS)
fn backward_weight(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32, @builtin(subgroup_id) part: u32) {
    let panel_quads = WIDTH / 4u;
    let rows = ROWS / 4u; // quads of the tile: 16 or 32
    let apart = max(INVOCATIONS / rows, 1u); // pixels between two loads of an invocation
    let lattice = lattice_of(0u);
    let loaded = term_after(lattice, Term(), group.y * rows + index % rows);
    let offset = vec2<i32>(loaded.tap);
    let inside = loaded.tap.x < params.kernel;
    let begin = group.z * params.slice;
    let end = min(begin + params.slice, params.images * params.out_height * params.out_width);
    let step = pixel_at(lattice, apart);
    var pixel = pixel_at(lattice, begin + index / rows);
    var c = Sums();
    for (var m = begin; m < end; m += DEPTH) {
        for (var i = index / rows; i < DEPTH; i += apart) {
            put_left(turned_place(i, index % rows), x_quad(select(OUTSIDE, source_of(lattice, pixel, offset), inside && m + i < end), loaded.quad));
            pixel = advance(lattice, step, pixel);
        }
        for (var i = index; i < DEPTH * COLUMNS / 4u; i += INVOCATIONS) {
            let quad = i % (COLUMNS / 4u);
            let term = loaded_term(i);
            put_right(right_place(term, quad), dy_quad(m + term, end, group.x * COLUMNS / 4u + quad));
        }
        workgroupBarrier();
        if part < PARTS {
            for (var k = 0u; k < DEPTH; k += SIDE) {
                let l0 = coopLoad<Left>(&left[turned_at(part, 0u, k) * UNIT], ROW_QUADS * UNIT);
                let l1 = coopLoad<Left>(&left[turned_at(part, 1u, k) * UNIT], ROW_QUADS * UNIT);
                let l2 = coopLoad<Left>(&left[turned_at(part, 2u, k) * UNIT], ROW_QUADS * UNIT);
                let l3 = coopLoad<Left>(&left[turned_at(part, 3u, k) * UNIT], ROW_QUADS * UNIT);
                let r0 = coopLoadT<Right>(&right[right_at(part, 0u, k) * UNIT], COLUMN_QUADS * UNIT);
                let r1 = coopLoadT<Right>(&right[right_at(part, 1u, k) * UNIT], COLUMN_QUADS * UNIT);
                multiply_add(&c, l0, l1, l2, l3, r0, r1);
            }
        }
        workgroupBarrier();
    }
    let all_rows = params.kernel * params.kernel * params.source_quads * 4u;
    for (var line = 0u; line < 4u; line++) {
        put_line(&c, part, line);
        workgroupBarrier();
        for (var i = index; i < PARTS * SIDE * SIDE / 2u; i += INVOCATIONS) {
            let at = place_of(i);
            let row = group.y * ROWS + at.row + line * SIDE;
            let panels = (params.out_quads + panel_quads - 1u) / panel_quads;
            let panel = group.x * (COLUMNS / WIDTH) + at.column / panel_quads;
            if row < all_rows && panel < panels {
                partial[((group.z * panels + panel) * all_rows + row) * panel_quads + at.column % panel_quads] = scratch_quad(at.scratch);
            }
        }
        workgroupBarrier();
    }
}

// A quad of a line of blocks: where it lies in scratch, and in the first line of the tile.
struct Place {
    scratch: u32,
    row: u32,
    column: u32, // in quads
}

fn place_of(i: u32) -> Place {
    let quads = SIDE / 2u; // of a row of two blocks
    let part = i / (SIDE * quads);
    return Place(scratch_place(i), part_row(part) + scratch_row(i), part_column(part) / 4u + i % quads);
}

// A line of a part's blocks into scratch. Which one is decided by branches, so that sums keep their registers.
fn put_line(c: ptr<function, Sums>, part: u32, line: u32) {
    if part < PARTS {
        let at = part * SIDE * SCRATCH_ROW;
        if line == 0u {
            coopStoreT((*c).a0, &scratch[at * UNIT], SCRATCH_ROW * UNIT);
            coopStoreT((*c).b0, &scratch[(at + SIDE / 4u) * UNIT], SCRATCH_ROW * UNIT);
        } else if line == 1u {
            coopStoreT((*c).a1, &scratch[at * UNIT], SCRATCH_ROW * UNIT);
            coopStoreT((*c).b1, &scratch[(at + SIDE / 4u) * UNIT], SCRATCH_ROW * UNIT);
        } else if line == 2u {
            coopStoreT((*c).a2, &scratch[at * UNIT], SCRATCH_ROW * UNIT);
            coopStoreT((*c).b2, &scratch[(at + SIDE / 4u) * UNIT], SCRATCH_ROW * UNIT);
        } else {
            coopStoreT((*c).a3, &scratch[at * UNIT], SCRATCH_ROW * UNIT);
            coopStoreT((*c).b3, &scratch[(at + SIDE / 4u) * UNIT], SCRATCH_ROW * UNIT);
        }
    }
}
