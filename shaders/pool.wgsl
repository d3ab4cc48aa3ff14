// Pooling over NHWC pictures.
//
//   max_forward:      y = max over a 3x3 window, stride 2, padding 1 (padding never wins)
//   max_backward:     dx = sum of dy over the windows that x won; on ties the first of the window wins
//   average_forward:  y[n, c] = mean of x[n, :, :, c]
//   average_backward: dx[n, :, :, c] = dy[n, c] * scale / (height * width)
//
// Pooled rows are single precision, whatever the pictures are: here gradients enter the trunk, and where it
// has half precision they are scaled (shared/scale.*.wgsl). Inputs: a = x; b = dy; c = dy of average_backward.
// Twin: src/ops/pool.rs.

struct Params {
    images: u32,
    height: u32,
    width: u32,
    out_height: u32,
    out_width: u32,
    quads: u32,
    first_row: u32, // average: row of the pooled matrix that belongs to picture 0
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read_write> out: array<Quad>;
@group(0) @binding(4) var<storage, read_write> means: array<vec4<f32>>; // [rows][quads]

struct Site {
    image: u32,
    row: u32,
    column: u32,
    quad: u32,
}

fn site(at: u32, height: u32, width: u32) -> Site {
    let pixel = at / params.quads;
    let line = pixel / width;
    return Site(line / height, line % height, pixel % width, at % params.quads);
}

fn source(image: u32, row: u32, column: u32, quad: u32) -> u32 {
    return ((image * params.height + row) * params.width + column) * params.quads + quad;
}

@compute @workgroup_size(64)
fn max_forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let s = site(at, params.out_height, params.out_width);
    if s.image >= params.images {
        return;
    }
    var best = vec4(-3.4e38);
    for (var i = 0u; i < 3u; i++) {
        for (var j = 0u; j < 3u; j++) {
            let row = s.row * 2u + i;
            let column = s.column * 2u + j;
            if row >= 1u && row <= params.height && column >= 1u && column <= params.width {
                best = max(best, a_quad(source(s.image, row - 1u, column - 1u, s.quad)));
            }
        }
    }
    out[at] = narrow(best);
}

// 1 for the channels in which the pixel at (row, column) is the first maximum of window (wy, wx).
fn wins(s: Site, wy: u32, wx: u32) -> vec4<f32> {
    let own = a_quad(source(s.image, s.row, s.column, s.quad));
    var won = vec4(true);
    for (var i = 0u; i < 3u; i++) {
        for (var j = 0u; j < 3u; j++) {
            let row = wy * 2u + i;
            let column = wx * 2u + j;
            if row >= 1u && row <= params.height && column >= 1u && column <= params.width {
                let other = a_quad(source(s.image, row - 1u, column - 1u, s.quad));
                let earlier = row - 1u < s.row || (row - 1u == s.row && column - 1u < s.column);
                won = won & (other <= own) & (vec4(!earlier) | (other < own));
            }
        }
    }
    return select(vec4<f32>(), vec4(1.0), won);
}

@compute @workgroup_size(64)
fn max_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let s = site(at, params.height, params.width);
    if s.image >= params.images {
        return;
    }
    // Pixel r lies in windows r/2 and, if r is odd, also (r + 1)/2.
    var sum = vec4<f32>();
    for (var wy = s.row / 2u; wy <= (s.row + 1u) / 2u; wy++) {
        for (var wx = s.column / 2u; wx <= (s.column + 1u) / 2u; wx++) {
            if wy < params.out_height && wx < params.out_width {
                let dy = b_quad(((s.image * params.out_height + wy) * params.out_width + wx) * params.quads + s.quad);
                sum += wins(s, wy, wx) * dy;
            }
        }
    }
    out[at] = narrow(sum);
}

@compute @workgroup_size(64)
fn average_forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let image = at / params.quads;
    if image >= params.images {
        return;
    }
    let pixels = params.height * params.width;
    var sum = vec4<f32>();
    for (var pixel = 0u; pixel < pixels; pixel++) {
        sum += a_quad((image * pixels + pixel) * params.quads + at % params.quads);
    }
    means[params.first_row * params.quads + at] = sum / f32(pixels);
}

@compute @workgroup_size(64)
fn average_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let pixels = params.height * params.width;
    let image = at / params.quads / pixels;
    if image >= params.images {
        return;
    }
    let dy = c_quad((params.first_row + image) * params.quads + at % params.quads);
    out[at] = narrow(dy * loss_scale() / f32(pixels));
}
