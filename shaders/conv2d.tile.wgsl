// Convolution as an implicit matrix product with tiles in workgroup memory, for GPUs.
//
//   gather_multiply:  y[m, n] (+)= sum_{tap, c} x[source(m, tap), c] * w[tap, c, n]
//   backward_weight:  partial[s, tap, c, n] = sum_{m in slice s} x[source(m, tap), c] * dy[m, n]
//
// m output pixels, tap the window, c channels of x, n channels of the result. Weights are panels
// [N / WIDTH][taps * C][WIDTH]; a workgroup makes one panel's columns of TILE rows, 16 terms of the
// sum at a time. Each of the 128 invocations keeps 4 rows x 1 column quad in registers.
// x, y and dy are activations (shared/quads.*.wgsl). Twin: src/ops/conv2d.rs; the window is in
// shared/window.wgsl.

override WIDTH: u32 = 32u; // columns of a panel: 32 or 16; TILE is then 64 or 128 rows

@group(0) @binding(1) var<storage, read> x: array<Quad>;
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<Quad>;
@group(0) @binding(4) var<storage, read> dy: array<Quad>;
@group(0) @binding(5) var<storage, read_write> partial: array<vec4<f32>>;

var<workgroup> left: array<vec4<f32>, 512>;  // [term][4 rows]: 16 x 32
var<workgroup> right: array<vec4<f32>, 128>; // [term][column quad]: 16 x 8

fn x_quad(source: u32, quad: u32) -> vec4<f32> {
    let inside = source != OUTSIDE && quad < params.source_quads;
    return select(vec4<f32>(), wide(x[select(0u, source + quad, inside)]), inside);
}

fn write_row(value: vec4<f32>, row: u32, column: u32) {
    if row != OUTSIDE && column < params.out_quads {
        let at = row * params.out_quads + column;
        if params.accumulate == 1u {
            y[at] = narrow(wide(y[at]) + value);
        } else {
            y[at] = narrow(value);
        }
    }
}

// Adds 16 terms of the sum from workgroup memory.
fn multiply(c: ptr<function, array<vec4<f32>, 4>>, rows: u32, column: u32, stride: u32) {
    for (var term = 0u; term < 16u; term++) {
        let a = left[term * stride + rows];
        let b = right[term * (WIDTH / 4u) + column];
        (*c)[0] += a.x * b;
        (*c)[1] += a.y * b;
        (*c)[2] += a.z * b;
        (*c)[3] += a.w * b;
    }
}

@compute @workgroup_size(128)
fn gather_multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let panel_quads = WIDTH / 4u;
    let row_groups = 128u / panel_quads; // of four rows
    let classes = select(1u, params.stride * params.stride, params.backward == 1u);
    let lattice = lattice_of(group.z % classes);
    let panel = group.z / classes;
    let tile = group_number(group, groups) * row_groups * 4u;
    // What this invocation loads: four rows of one of the four quads of a 16-term step.
    let load_rows = index / 4u;
    let loads = load_rows < row_groups;
    let p0 = pixel_at(lattice, tile + load_rows * 4u);
    let p1 = pixel_at(lattice, tile + load_rows * 4u + 1u);
    let p2 = pixel_at(lattice, tile + load_rows * 4u + 2u);
    let p3 = pixel_at(lattice, tile + load_rows * 4u + 3u);
    // What it computes: four rows of one column quad.
    let rows = index / panel_quads;
    let column = index % panel_quads;
    var c = array<vec4<f32>, 4>();
    let steps = (params.source_quads + 3u) / 4u;
    var row_offset = 0;
    for (var ky = lattice.tap.x; ky < params.kernel; ky += lattice.tap_step) {
        var column_offset = 0;
        for (var kx = lattice.tap.y; kx < params.kernel; kx += lattice.tap_step) {
            let offset = vec2(row_offset, column_offset);
            let s0 = source_of(lattice, p0, offset);
            let s1 = source_of(lattice, p1, offset);
            let s2 = source_of(lattice, p2, offset);
            let s3 = source_of(lattice, p3, offset);
            let tap = (panel * params.kernel + ky) * params.kernel + kx;
            for (var step = 0u; step < steps; step++) {
                if loads {
                    let quad = step * 4u + index % 4u;
                    let t = transpose(mat4x4(x_quad(s0, quad), x_quad(s1, quad), x_quad(s2, quad), x_quad(s3, quad)));
                    let at = (index % 4u) * 4u * row_groups + load_rows;
                    left[at] = t[0];
                    left[at + row_groups] = t[1];
                    left[at + 2u * row_groups] = t[2];
                    left[at + 3u * row_groups] = t[3];
                }
                let depth = params.source_quads * 4u;
                let term = step * 16u + index / panel_quads;
                if index < 16u * panel_quads {
                    right[index] = select(vec4<f32>(), w[(tap * depth + min(term, depth - 1u)) * panel_quads + column], term < depth);
                }
                workgroupBarrier();
                multiply(&c, rows, column, row_groups);
                workgroupBarrier();
            }
            column_offset += lattice.direction;
        }
        row_offset += lattice.direction;
    }
    let first = tile + rows * 4u;
    let out_column = panel * panel_quads + column;
    write_row(c[0], output_row(lattice, pixel_at(lattice, first)), out_column);
    write_row(c[1], output_row(lattice, pixel_at(lattice, first + 1u)), out_column);
    write_row(c[2], output_row(lattice, pixel_at(lattice, first + 2u)), out_column);
    write_row(c[3], output_row(lattice, pixel_at(lattice, first + 3u)), out_column);
}

// Here the terms are pixels and the rows are channels of x, so both tiles are plain copies.
@compute @workgroup_size(128)
fn backward_weight(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let panel_quads = WIDTH / 4u;
    let tile_quads = 128u / panel_quads; // channel quads of x in the tile
    let taps = params.kernel * params.kernel;
    let tap = group.z % taps;
    let slice = group.z / taps;
    let lattice = lattice_of(0u);
    let offset = vec2(i32(tap / params.kernel), i32(tap % params.kernel));
    let end = min((slice + 1u) * params.slice, params.images * params.out_height * params.out_width);
    let rows = index / panel_quads;
    let column = index % panel_quads;
    let out_column = group.x * panel_quads + column;
    var c = array<vec4<f32>, 4>();
    for (var m = slice * params.slice; m < end; m += 16u) {
        for (var at = index; at < 16u * tile_quads; at += 128u) {
            let pixel = m + at / tile_quads;
            let source = select(OUTSIDE, source_of(lattice, pixel_at(lattice, pixel), offset), pixel < end);
            left[at] = x_quad(source, group.y * tile_quads + at % tile_quads);
        }
        if index < 16u * panel_quads {
            let pixel = m + index / panel_quads;
            let inside = pixel < end && out_column < params.out_quads;
            right[index] = select(vec4<f32>(), wide(dy[select(0u, pixel * params.out_quads + out_column, inside)]), inside);
        }
        workgroupBarrier();
        multiply(&c, rows, column, tile_quads);
        workgroupBarrier();
    }
    let quad = group.y * tile_quads + rows;
    if quad < params.source_quads {
        let row = (((slice * groups.x + group.x) * taps + tap) * params.source_quads + quad) * 4u;
        for (var i = 0u; i < 4u; i++) {
            partial[(row + i) * panel_quads + column] = c[i];
        }
    }
}
