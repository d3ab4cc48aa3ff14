// Convolution as an implicit matrix product without workgroup memory: the portable middle, for drivers
// that emulate workgroup memory or have subgroups of an unusual width.
//
//   gather_multiply:  y[m, n] (+)= sum_{tap, c} x[source(m, tap), c] * w[tap, c, n]
//   backward_weight:  partial[s, tap, c, n] = sum_{m in slice s} x[source(m, tap), c] * dy[m, n]
//
// m output pixels, tap the window, c channels of x, n channels of the result. Weights are panels
// [N / WIDTH][taps * C][WIDTH]. Every operand is read as quads straight into registers; neighbouring
// invocations read the same rows of x and neighbouring quads of w, which the caches serve. Each of the
// 64 invocations of a workgroup keeps ROWS rows of one column quad of each of PANELS panels.
// Twin: src/ops/conv2d.rs; the window is in shared/window.wgsl, the sums in shared/sums.wgsl.

override WIDTH: u32 = 32u; // columns of a panel: 32 or 16
override ROWS: u32 = 4u;   // 4 or 8
override PANELS: u32 = 1u; // 1 or 2

@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> partial: array<vec4<f32>>;

const INVOCATIONS = 64u;

fn x_quad(source: u32, quad: u32) -> vec4<f32> {
    let inside = source != OUTSIDE;
    return select(vec4<f32>(), x[select(0u, source + quad, inside)], inside);
}

fn w_rows(at: u32) -> mat4x4<f32> {
    return mat4x4(w[at], w[at + WIDTH / 4u], w[at + WIDTH / 2u], w[at + WIDTH / 4u * 3u]);
}

fn dy_quad(m: u32, column: u32) -> vec4<f32> {
    let inside = column < params.out_quads;
    return select(vec4<f32>(), dy[select(0u, m * params.out_quads + column, inside)], inside);
}

@compute @workgroup_size(64)
fn gather_multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let panel_quads = WIDTH / 4u;
    let distance = INVOCATIONS / panel_quads; // of the rows of an invocation
    let classes = select(1u, params.stride * params.stride, params.backward == 1u);
    let lattice = lattice_of(group.z % classes);
    let panel = group.z / classes * PANELS;
    let first = group_number(group, groups) * distance * ROWS + index / panel_quads;
    let column = index % panel_quads;
    let panel_rows = params.kernel * params.kernel * params.source_quads; // quads of rows of a panel
    // After the last panel there is none: the same one again gives columns that nobody stores.
    let next = select(0u, panel_rows * WIDTH, (panel + 1u) * panel_quads < params.out_quads);
    var pixels = array<Pixel, 8>();
    for (var i = 0u; i < ROWS; i++) {
        pixels[i] = pixel_at(lattice, first + i * distance);
    }
    var c = Sums();
    var s = array<u32, 8>();
    for (var row = 0u; row < lattice.taps.x; row++) {
        for (var line = 0u; line < lattice.taps.y; line++) {
            let tap = vec2(row, line);
            for (var i = 0u; i < ROWS; i++) {
                s[i] = source_of(lattice, pixels[i], vec2<i32>(tap) * lattice.direction);
            }
            var at = (panel * panel_rows + row_of(lattice, Term(tap, 0u))) * WIDTH + column;
            for (var quad = 0u; quad < params.source_quads; quad++) {
                let b = w_rows(at);
                var second = mat4x4<f32>();
                if PANELS == 2u {
                    second = w_rows(at + next);
                }
                add_products(&c, x_quad(s[0], quad), x_quad(s[1], quad), x_quad(s[2], quad), x_quad(s[3], quad), b, second);
                if ROWS == 8u {
                    add_more_products(&c, x_quad(s[4], quad), x_quad(s[5], quad), x_quad(s[6], quad), x_quad(s[7], quad), b, second);
                }
                at += WIDTH;
            }
        }
    }
    store_sums(&c, lattice, first, distance, panel * panel_quads + column);
}

// Here the terms are pixels and the rows are quads of channels of all taps.
@compute @workgroup_size(64)
fn backward_weight(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let panel_quads = WIDTH / 4u;
    let distance = INVOCATIONS / panel_quads;
    let row = group.y * distance * ROWS / 4u + index / panel_quads;
    let column = index % panel_quads;
    let lattice = lattice_of(0u);
    let term = term_after(lattice, Term(), row);
    let other = term_after(lattice, Term(), row + distance);
    let begin = group.z * params.slice;
    let end = min(begin + params.slice, params.images * params.out_height * params.out_width);
    let one = pixel_at(lattice, 1u);
    var pixel = pixel_at(lattice, begin);
    var c = Sums();
    for (var m = begin; m < end; m++) {
        let source = source_of(lattice, pixel, vec2<i32>(term.tap));
        let a = x_quad(select(OUTSIDE, source, term.tap.x < params.kernel), term.quad);
        let out_column = group.x * PANELS * panel_quads + column;
        var more = vec4<f32>();
        var second = vec4<f32>();
        if ROWS == 8u {
            let source = source_of(lattice, pixel, vec2<i32>(other.tap));
            more = x_quad(select(OUTSIDE, source, other.tap.x < params.kernel), other.quad);
        }
        if PANELS == 2u {
            second = dy_quad(m, out_column + panel_quads);
        }
        add_outer(&c, a, more, dy_quad(m, out_column), second);
        pixel = advance(lattice, one, pixel);
    }
    store_partial(&c, group.z, group.x * PANELS, row, distance, column);
}
