// Convolution as an implicit matrix product, for drivers that compute on the CPU with 8-wide subgroups.
//
//   gather_multiply:  y[m, n] (+)= sum_{tap, c} x[source(m, tap), c] * w[tap, c, n]
//   backward_weight:  partial[s, tap, c, n] = sum_{m in slice s} x[source(m, tap), c] * dy[m, n]
//
// m output pixels, tap the window, c channels of x, n channels of the result. Weights are panels
// [N / WIDTH][taps * C][WIDTH]. A buffer or workgroup load whose address differs between lanes
// costs such a driver a loop over the lanes; a texel fetch is one vector load. So operands are texels
// (a quad each, 4096 a row; storage textures, because a sampled fetch works out a mip level for each
// lane), every float is fetched once a tile, four to a lane, and spread to the other lanes by
// subgroupBroadcast. 32 columns fill the lanes with column quads, and pixels are spread; 16 columns
// would leave half of them idle, so there the lanes are pixels, and weights are spread.
// x, y and dy are activations (shared/quads.*.wgsl). Twin: src/ops/conv2d.rs; the window is in
// shared/window.wgsl.

override WIDTH: u32 = 32u;  // columns of a panel: 32 or 16
override ONE_TAP: u32 = 0u; // 1: every four quads of channels are of one tap, as with a multiple of 16 channels

@group(0) @binding(1) var x: Texels;
@group(0) @binding(2) var w: texture_storage_2d<rgba32float, read>;
@group(0) @binding(3) var<storage, read_write> y: array<Quad>;
@group(0) @binding(4) var dy: Texels;
@group(0) @binding(5) var<storage, read_write> partial: array<Pairs>;

fn x_quad(source: u32, quad: u32) -> vec4<f32> {
    let inside = source != OUTSIDE && quad < params.source_quads;
    let at = select(0u, source + quad, inside);
    return select(vec4<f32>(), textureLoad(x, texel(at)), inside);
}

fn w_quad(at: u32) -> vec4<f32> {
    return textureLoad(w, texel(at));
}

fn dy_quad(m: u32, end: u32, column: u32) -> vec4<f32> {
    let inside = m < end && column < params.out_quads;
    let at = select(0u, m * params.out_quads + column, inside);
    return select(vec4<f32>(), textureLoad(dy, texel(at)), inside);
}

// `row` belongs to this lane's pixel, `first` is the panel's first column quad.
fn store(c: ptr<function, Rows>, row: u32, first: u32, lane: u32) {
    if WIDTH == 32u {
        let column = first + lane;
        store_row((*c)[0], subgroupBroadcast(row, 0u), column);
        store_row((*c)[1], subgroupBroadcast(row, 1u), column);
        store_row((*c)[2], subgroupBroadcast(row, 2u), column);
        store_row((*c)[3], subgroupBroadcast(row, 3u), column);
        store_row((*c)[4], subgroupBroadcast(row, 4u), column);
        store_row((*c)[5], subgroupBroadcast(row, 5u), column);
        store_row((*c)[6], subgroupBroadcast(row, 6u), column);
        store_row((*c)[7], subgroupBroadcast(row, 7u), column);
    } else {
        store_row((*c)[0], row, first + 0u);
        store_row((*c)[1], row, first + 1u);
        store_row((*c)[2], row, first + 2u);
        store_row((*c)[3], row, first + 3u);
    }
}

@compute @workgroup_size(8)
fn gather_multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let lane = local.x;
    let classes = select(1u, params.stride * params.stride, params.backward == 1u);
    let lattice = lattice_of(group.z % classes);
    let panel = group.z / classes;
    let eight = pixel_at(lattice, 8u);
    let p0 = pixel_at(lattice, group_number(group, groups) * 32u + lane);
    let p1 = advance(lattice, eight, p0);
    let p2 = advance(lattice, eight, p1);
    let p3 = advance(lattice, eight, p2);
    var c0 = Rows();
    var c1 = Rows();
    var c2 = Rows();
    var c3 = Rows();
    let panel_quads = WIDTH / 4u;
    let depth = params.source_quads * 4u;
    var row = 0;
    for (var ky = lattice.tap.x; ky < params.kernel; ky += lattice.tap_step) {
        var column = 0;
        for (var kx = lattice.tap.y; kx < params.kernel; kx += lattice.tap_step) {
            let s0 = source_of(lattice, p0, vec2(row, column));
            let s1 = source_of(lattice, p1, vec2(row, column));
            let s2 = source_of(lattice, p2, vec2(row, column));
            let s3 = source_of(lattice, p3, vec2(row, column));
            let tap = (panel * params.kernel + ky) * params.kernel + kx;
            var b = tap * depth * panel_quads + lane;
            for (var quad = 0u; quad < params.source_quads; quad++) {
                let b0 = w_quad(b);
                let b1 = w_quad(b + 8u);
                if WIDTH == 32u {
                    let b2 = w_quad(b + 16u);
                    let b3 = w_quad(b + 24u);
                    multiply_wide(&c0, x_quad(s0, quad), b0, b1, b2, b3);
                    multiply_wide(&c1, x_quad(s1, quad), b0, b1, b2, b3);
                    multiply_wide(&c2, x_quad(s2, quad), b0, b1, b2, b3);
                    multiply_wide(&c3, x_quad(s3, quad), b0, b1, b2, b3);
                    b += 32u;
                } else {
                    multiply_narrow(&c0, x_quad(s0, quad), b0, b1);
                    multiply_narrow(&c1, x_quad(s1, quad), b0, b1);
                    multiply_narrow(&c2, x_quad(s2, quad), b0, b1);
                    multiply_narrow(&c3, x_quad(s3, quad), b0, b1);
                    b += 16u;
                }
            }
            column += lattice.direction;
        }
        row += lattice.direction;
    }
    let first = panel * panel_quads;
    store(&c0, output_row(lattice, p0), first, lane);
    store(&c1, output_row(lattice, p1), first, lane);
    store(&c2, output_row(lattice, p2), first, lane);
    store(&c3, output_row(lattice, p3), first, lane);
}

fn store_quad(c: ptr<function, array<vec4<f32>, 4>>, row: u32, quad: u32, lane: u32) {
    let panel_quads = WIDTH / 4u;
    let r0 = whole((*c)[0]);
    let r1 = whole((*c)[1]);
    let r2 = whole((*c)[2]);
    let r3 = whole((*c)[3]);
    if quad < params.kernel * params.kernel * params.source_quads && lane < panel_quads {
        let at = (row + quad * 4u) * panel_quads + lane;
        partial[at] = to_pairs(r0);
        partial[at + panel_quads] = to_pairs(r1);
        partial[at + 2u * panel_quads] = to_pairs(r2);
        partial[at + 3u * panel_quads] = to_pairs(r3);
    }
}

// Source of a pixel at a term's tap, or OUTSIDE.
fn term_source(lattice: Lattice, pixel: Pixel, term: Term) -> u32 {
    return select(OUTSIDE, source_of(lattice, pixel, vec2<i32>(term.tap)), term.tap.x < params.kernel);
}

@compute @workgroup_size(8)
fn backward_weight(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let lane = local.x;
    let upper = lane >= 4u;
    let slice = group.z;
    let lattice = lattice_of(0u);
    let quad = group.y * 4u; // the tile: four quads of channels of all taps of x against panel x of dy
    let t0 = term_after(lattice, Term(), quad);
    let t1 = term_after(lattice, t0, 1u);
    let t2 = term_after(lattice, t1, 1u);
    let t3 = term_after(lattice, t2, 1u);
    let end = min((slice + 1u) * params.slice, params.images * params.out_height * params.out_width);
    let eight = pixel_at(lattice, 8u);
    var pixel = pixel_at(lattice, slice * params.slice + lane);
    var c0 = array<vec4<f32>, 4>();
    var c1 = array<vec4<f32>, 4>();
    var c2 = array<vec4<f32>, 4>();
    var c3 = array<vec4<f32>, 4>();
    for (var m = slice * params.slice; m < end; m += 8u) {
        let s0 = term_source(lattice, pixel, t0);
        var s1 = s0;
        var s2 = s0;
        var s3 = s0;
        if ONE_TAP == 0u {
            s1 = term_source(lattice, pixel, t1);
            s2 = term_source(lattice, pixel, t2);
            s3 = term_source(lattice, pixel, t3);
        }
        var d = Rows();
        if WIDTH == 32u {
            let column = group.x * 8u + lane;
            d = Rows(
                dy_quad(m, end, column), dy_quad(m + 1u, end, column), dy_quad(m + 2u, end, column), dy_quad(m + 3u, end, column),
                dy_quad(m + 4u, end, column), dy_quad(m + 5u, end, column), dy_quad(m + 6u, end, column), dy_quad(m + 7u, end, column),
            );
        } else {
            let column = group.x * 4u + (lane & 3u);
            let n = m + (lane >> 2u);
            d[0] = dy_quad(n, end, column);
            d[1] = dy_quad(n + 2u, end, column);
            d[2] = dy_quad(n + 4u, end, column);
            d[3] = dy_quad(n + 6u, end, column);
        }
        add_quad(&c0, x_quad(s0, t0.quad), upper, &d);
        add_quad(&c1, x_quad(s1, t1.quad), upper, &d);
        add_quad(&c2, x_quad(s2, t2.quad), upper, &d);
        add_quad(&c3, x_quad(s3, t3.quad), upper, &d);
        pixel = advance(lattice, eight, pixel);
    }
    let row = (slice * groups.x + group.x) * params.kernel * params.kernel * params.source_quads * 4u;
    store_quad(&c0, row, quad, lane);
    store_quad(&c1, row, quad + 1u, lane);
    store_quad(&c2, row, quad + 2u, lane);
    store_quad(&c3, row, quad + 3u, lane);
}
