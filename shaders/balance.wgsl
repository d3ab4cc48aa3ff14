// Sinkhorn-Knopp over a bank whose scores are never stored as a whole: it passes by in blocks of rows.
//
//   l[i, j] = score / epsilon for row i of the bank and prototype j
//   an iteration, block after block:
//     f[i] = -ln sum_j exp(l[i, j] + g[j])    rows; 0 in the first iteration, which has no g yet
//     s[j] = ln sum_i exp(l[i, j] + f[i])     columns, joined to those of the blocks before as (maximum, sum)
//   then g[j] = ln(N / K) - s[j] (src/method/balance.rs), and at last labels[i] = arg max_j l[i, j] + g[j]
//
// These are the iterations of sinkhorn.wgsl, which keeps all scores of its few rows. Column sums go in two stages:
// (maximum, sum) of chunks of rows, then one pass over the chunks. Inputs: a = scores; c = g or f, padded to whole quads.
// Twin: src/ops/balance.rs.

struct Params {
    rows: u32,       // that a block has room for
    prototypes: u32, // K
    quads: u32,      // K / 4, rounded up
    chunk: u32,      // rows a chunk, a multiple of four
    chunks: u32,
    scale: f32,      // 1 / epsilon
}

struct Block {
    rows: u32,  // in use
    later: u32, // 0: the first block of an iteration, whose sums begin
    first: u32, // 1: the first iteration
    unused: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> block: array<Block>;
@group(0) @binding(4) var<storage, read_write> row_potential: array<f32>; // f [row quads * 4]
@group(0) @binding(5) var<storage, read_write> partial: array<vec4<f32>>; // [chunk][2][quads]
@group(0) @binding(6) var<storage, read> parts: array<vec4<f32>>;         // partial, read only
@group(0) @binding(7) var<storage, read_write> columns: array<vec4<f32>>; // [2][quads]: maximum, sum
@group(0) @binding(8) var<storage, read_write> label: array<u32>;         // [row quads * 4]

var<workgroup> places: array<u32, 64>;

fn logit(row: u32, quad: u32) -> vec4<f32> {
    return a_quad(row * params.quads + quad) * params.scale;
}

// l + g of a row's prototype quad, or nothing beyond the last prototype.
fn shifted(row: u32, quad: u32) -> vec4<f32> {
    let at = min(quad, params.quads - 1u);
    return select(vec4(LOWEST), logit(row, at) + c_quad(at), real(quad));
}

@compute @workgroup_size(LANES)
fn balance_rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let row = group_number(group, groups);
    if row >= block[0].rows {
        return;
    }
    if block[0].first == 1u {
        if index == 0u {
            row_potential[row] = 0.0;
        }
        return;
    }
    var tail = empty_tail();
    for (var quad = index; quad < params.quads; quad += 4u * LANES) {
        tail = join_four(
            tail,
            shifted(row, quad),
            shifted(row, quad + LANES),
            shifted(row, quad + 2u * LANES),
            shifted(row, quad + 3u * LANES),
        );
    }
    let total = join_workgroup(tail, index);
    if index == 0u {
        row_potential[row] = -(total.x + total.y);
    }
}

// l + f of a prototype quad, or nothing for a row that is not before `end`.
fn weighted(row: u32, end: u32, quad: u32, potential: f32) -> vec4<f32> {
    return select(vec4(LOWEST), logit(min(row, params.rows - 1u), quad) + potential, row < end);
}

@compute @workgroup_size(64)
fn balance_chunks(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let chunk = at / params.quads;
    let quad = at % params.quads;
    if chunk >= params.chunks {
        return;
    }
    var tail = empty_tail();
    let end = min((chunk + 1u) * params.chunk, block[0].rows);
    for (var row = chunk * params.chunk; row < end; row += 4u) {
        let potential = c_quad(row / 4u);
        tail = join_four(
            tail,
            weighted(row, end, quad, potential.x),
            weighted(row + 1u, end, quad, potential.y),
            weighted(row + 2u, end, quad, potential.z),
            weighted(row + 3u, end, quad, potential.w),
        );
    }
    let out = chunk * 2u * params.quads + quad;
    partial[out] = tail.top;
    partial[out + params.quads] = tail.sum;
}

@compute @workgroup_size(64)
fn join_chunks(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let quad = invocation(group, groups, index);
    if quad >= params.quads {
        return;
    }
    var tail = empty_tail();
    if block[0].later == 1u {
        tail = Tail(columns[quad], columns[params.quads + quad]);
    }
    for (var chunk = 0u; chunk < params.chunks; chunk++) {
        let at = chunk * 2u * params.quads + quad;
        tail = join(tail, Tail(parts[at], parts[at + params.quads]));
    }
    columns[quad] = select(vec4<f32>(), tail.top, real(quad));
    columns[params.quads + quad] = select(vec4<f32>(), tail.sum, real(quad));
}

struct Best {
    value: f32,
    at: u32,
}

// Of prototypes in their order, so of equal ones the first stays.
fn better(best: Best, value: f32, at: u32) -> Best {
    if value > best.value {
        return Best(value, at);
    }
    return best;
}

@compute @workgroup_size(LANES)
fn labels(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let row = group_number(group, groups);
    if row >= block[0].rows {
        return;
    }
    var best = Best(LOWEST, 0u);
    for (var quad = index; quad < params.quads; quad += LANES) {
        let value = shifted(row, quad);
        best = better(best, value.x, quad * 4u);
        best = better(best, value.y, quad * 4u + 1u);
        best = better(best, value.z, quad * 4u + 2u);
        best = better(best, value.w, quad * 4u + 3u);
    }
    maxima[index] = best.value;
    places[index] = best.at;
    workgroupBarrier();
    if index == 0u {
        for (var i = 1u; i < LANES; i++) {
            // Another invocation may have an earlier one of the same value.
            if maxima[i] > best.value || (maxima[i] == best.value && places[i] < best.at) {
                best = Best(maxima[i], places[i]);
            }
        }
        label[row] = best.at;
    }
}
