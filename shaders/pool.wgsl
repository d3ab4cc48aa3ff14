// Pooling over NHWC pictures.
//
//   max_forward:      y = max over a 3x3 window, stride 2, padding 1 (padding never wins)
//   max_backward:     dx = sum of dy over the windows that x won; on ties the first of the window wins. Forward
//                     notes the winners: places 0 .. 9 of their windows, a byte a channel
//   average_forward:  y[n, i, j, c] = mean of x[n, rows, columns, c] over the cell (i, j) of a grid, whose edges are those of
//                     PyTorch's adaptive_avg_pool2d; a grid of one cell is the global average
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
    first_row: u32, // average: row of the pooled matrix that belongs to the first cell of picture 0
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read_write> out: array<Quad>;
@group(0) @binding(4) var<storage, read_write> means: array<vec4<f32>>; // [rows][quads]
@group(0) @binding(5) var<storage, read_write> winners: array<u32>;     // [pixels of the result][quads]
@group(0) @binding(6) var<storage, read> won_by: array<u32>;            // winners, read only

// An invocation's share: one column quad along a line of a picture. Dividing costs a CPU driver more than a pixel.
struct Line {
    image: u32,
    row: u32,
    quad: u32,
}

fn line_at(at: u32, height: u32) -> Line {
    let line = at / params.quads;
    return Line(line / height, line % height, at % params.quads);
}

fn pixel(line: Line, row: u32, column: u32, height: u32, width: u32) -> u32 {
    return ((line.image * height + row) * width + column) * params.quads + line.quad;
}

const SHIFTS = vec4(0u, 8u, 16u, 24u);

@compute @workgroup_size(64)
fn max_forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let line = line_at(invocation(group, groups, index), params.out_height);
    if line.image >= params.images {
        return;
    }
    for (var out_column = 0u; out_column < params.out_width; out_column++) {
        var best = vec4(-3.4e38);
        var place = vec4(0u);
        for (var i = 0u; i < 3u; i++) {
            for (var j = 0u; j < 3u; j++) {
                let row = line.row * 2u + i;
                let column = out_column * 2u + j;
                if row >= 1u && row <= params.height && column >= 1u && column <= params.width {
                    let value = a_quad(pixel(line, row - 1u, column - 1u, params.height, params.width));
                    let more = value > best;
                    best = select(best, value, more);
                    place = select(place, vec4(i * 3u + j), more);
                }
            }
        }
        let at = pixel(line, line.row, out_column, params.out_height, params.out_width);
        out[at] = narrow(best);
        let bits = place << SHIFTS;
        winners[at] = bits.x | bits.y | bits.z | bits.w;
    }
}

@compute @workgroup_size(64)
fn max_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let line = line_at(invocation(group, groups, index), params.height);
    if line.image >= params.images {
        return;
    }
    for (var column = 0u; column < params.width; column++) {
        // Pixel r lies in windows r/2 and, if r is odd, also (r + 1)/2.
        var sum = vec4<f32>();
        for (var wy = line.row / 2u; wy <= (line.row + 1u) / 2u; wy++) {
            for (var wx = column / 2u; wx <= (column + 1u) / 2u; wx++) {
                if wy < params.out_height && wx < params.out_width {
                    let at = pixel(line, wy, wx, params.out_height, params.out_width);
                    let place = (line.row + 1u - wy * 2u) * 3u + column + 1u - wx * 2u;
                    let won = ((vec4(won_by[at]) >> SHIFTS) & vec4(255u)) == vec4(place);
                    sum += select(vec4<f32>(), b_quad(at), won);
                }
            }
        }
        out[pixel(line, line.row, column, params.height, params.width)] = narrow(sum);
    }
}

@compute @workgroup_size(64)
fn average_forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let cells = params.out_height * params.out_width;
    let image = at / params.quads / cells;
    if image >= params.images {
        return;
    }
    let cell = at / params.quads % cells;
    let rows = edges(cell / params.out_width, params.height, params.out_height);
    let columns = edges(cell % params.out_width, params.width, params.out_width);
    var sum = vec4<f32>();
    for (var row = rows.x; row < rows.y; row++) {
        for (var column = columns.x; column < columns.y; column++) {
            sum += a_quad(((image * params.height + row) * params.width + column) * params.quads + at % params.quads);
        }
    }
    means[params.first_row * params.quads + at] = sum / f32((rows.y - rows.x) * (columns.y - columns.x));
}

// First pixel of one of `cells` along `pixels`, and the one behind its last.
fn edges(cell: u32, pixels: u32, cells: u32) -> vec2<u32> {
    return vec2(cell * pixels / cells, ((cell + 1u) * pixels + cells - 1u) / cells);
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
