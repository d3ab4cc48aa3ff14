// Layout work on convolution weights, panels [N / WIDTH][taps * C][WIDTH] (see conv2d).
//
//   transpose:     wt[tap, n, c] = a[tap, c, n], as panels over c: what the gradient of the input reads
//   reduce_slices: dw += sum_s a[s], in the order of the slices, so that the sum is repeatable
//
// and on those of Winograd's 3x3 convolutions, panels [N / WIDTH][16][C][WIDTH] (see winograd):
//
//   transform_windows: wt = G a G', the window a turned by 180 degrees where asked
//   reduce_windows:    dw += G' (sum_s a[s]) G
//
// Twin: src/ops/weights.rs.

struct Params {
    taps: u32,
    rows: u32,      // channels of x, padded to quads where there are several panels
    columns: u32,   // channels of the result, padded to quads
    width: u32,     // columns of a panel of w
    out_width: u32, // columns of a panel of wt
    quads: u32,     // reduce_slices: quads of dw; windows: those of one tap
    slices: u32,
    turn: u32,      // transform_windows: 1 to turn the window
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read_write> wt: array<Quad>;
@group(0) @binding(4) var<storage, read_write> dw: array<Quad>;

// Row `i` of a block whose first quad is `first`, or nothing beyond the `left` rows that there are.
fn row_of_block(first: u32, i: u32, left: u32) -> vec4<f32> {
    return select(vec4<f32>(), a_quad(first + min(i, left - 1u) * (params.width / 4u)), i < left);
}

// An invocation turns a block of four channels by four columns.
@compute @workgroup_size(64)
fn transpose_panels(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let out_quads = params.out_width / 4u;
    let c_quads = (params.rows + params.out_width - 1u) / params.out_width * out_quads;
    let n_quads = params.columns / 4u;
    let c = at % c_quads;
    let n = at / c_quads % n_quads;
    let tap = at / c_quads / n_quads;
    if tap >= params.taps {
        return;
    }
    let w_quads = params.width / 4u;
    var block = mat4x4<f32>();
    if c * 4u < params.rows { // else padding of the last panel, which is zero
        let left = params.rows - c * 4u;
        let first = ((n / w_quads * params.taps + tap) * params.rows + c * 4u) * w_quads + n % w_quads;
        block = transpose(mat4x4(a_quad(first), row_of_block(first, 1u, left), row_of_block(first, 2u, left), row_of_block(first, 3u, left)));
    }
    let to = ((c / out_quads * params.taps + tap) * params.columns + n * 4u) * out_quads + c % out_quads;
    wt[to] = narrow(block[0]);
    wt[to + out_quads] = narrow(block[1]);
    wt[to + 2u * out_quads] = narrow(block[2]);
    wt[to + 3u * out_quads] = narrow(block[3]);
}

@compute @workgroup_size(64)
fn reduce_slices(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    if at >= params.quads {
        return;
    }
    var sum = wide(dw[at]);
    for (var s = 0u; s < params.slices; s++) {
        sum += a_quad(s * params.quads + at);
    }
    dw[at] = narrow(sum);
}

// Where an invocation's column quad of one channel stands: in w and dw, and in transformed panels.
struct Column {
    row: u32,      // first tap's quad
    taps: u32,     // quads from tap to tap, and from position to position
    position: u32, // first position's quad
}

fn column_at(at: u32) -> Column {
    let panel_quads = params.width / 4u;
    let taps = params.rows * panel_quads;
    let panel = at / taps;
    let within = at - panel * taps;
    return Column(panel * 9u * taps + within, taps, panel * 16u * taps + within);
}

// Four positions of a line of a transformed window.
struct Line {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
}

// G g of three taps.
fn transformed(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>) -> Line {
    return Line(a, 0.5 * (a + b + c), 0.5 * (a - b + c), c);
}

// The quads of a column of taps.
fn tap_of(at: Column, i: u32) -> vec3<u32> {
    return select(vec3(i, i + 3u, i + 6u), vec3(8u - i, 5u - i, 2u - i), params.turn == 1u) * at.taps + at.row;
}

fn window_column(at: Column, i: u32) -> Line {
    let tap = tap_of(at, i);
    return transformed(a_quad(tap.x), a_quad(tap.y), a_quad(tap.z));
}

fn store_line(at: Column, i: u32, u: Line) {
    let first = at.position + 4u * i * at.taps;
    wt[first] = narrow(u.a);
    wt[first + at.taps] = narrow(u.b);
    wt[first + 2u * at.taps] = narrow(u.c);
    wt[first + 3u * at.taps] = narrow(u.d);
}

@compute @workgroup_size(64)
fn transform_windows(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let quad = invocation(group, groups, index);
    if quad >= params.quads {
        return;
    }
    let at = column_at(quad);
    let c0 = window_column(at, 0u);
    let c1 = window_column(at, 1u);
    let c2 = window_column(at, 2u);
    store_line(at, 0u, transformed(c0.a, c1.a, c2.a));
    store_line(at, 1u, transformed(c0.b, c1.b, c2.b));
    store_line(at, 2u, transformed(c0.c, c1.c, c2.c));
    store_line(at, 3u, transformed(c0.d, c1.d, c2.d));
}

// G' of four positions: three taps.
fn taps_of(u: Line) -> Line {
    let half = 0.5 * (u.b + u.c);
    return Line(u.a + half, 0.5 * (u.b - u.c), half + u.d, vec4<f32>());
}

// A line of positions, over all slices, then its three taps.
fn line_sum(column: Column, i: u32) -> Line {
    var sum = Line();
    let step = column.taps;
    var at = column.position + 4u * i * step;
    for (var s = 0u; s < params.slices; s++) {
        sum.a += a_quad(at);
        sum.b += a_quad(at + step);
        sum.c += a_quad(at + 2u * step);
        sum.d += a_quad(at + 3u * step);
        at += params.quads * 16u;
    }
    return taps_of(sum);
}

fn add(at: u32, value: vec4<f32>) {
    dw[at] = narrow(wide(dw[at]) + value);
}

fn add_column(at: Column, i: u32, taps: Line) {
    let first = at.row + i * at.taps;
    add(first, taps.a);
    add(first + 3u * at.taps, taps.b);
    add(first + 6u * at.taps, taps.c);
}

@compute @workgroup_size(64)
fn reduce_windows(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let quad = invocation(group, groups, index);
    if quad >= params.quads {
        return;
    }
    let at = column_at(quad);
    let l0 = line_sum(at, 0u);
    let l1 = line_sum(at, 1u);
    let l2 = line_sum(at, 2u);
    let l3 = line_sum(at, 3u);
    add_column(at, 0u, taps_of(Line(l0.a, l1.a, l2.a, l3.a)));
    add_column(at, 1u, taps_of(Line(l0.b, l1.b, l2.b, l3.b)));
    add_column(at, 2u, taps_of(Line(l0.c, l1.c, l2.c, l3.c)));
}
