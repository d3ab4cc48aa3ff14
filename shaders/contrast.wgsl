// Contrastive losses: which of many rows belongs to a given one? They start from similarities of rows of unit length
// with others, s = x y' / T. Of a row i, the negatives n are known by L_i = log sum_n exp(s_in), and
//
//   loss_ip = -log(exp(s_ip) / (exp(s_ip) + sum_n exp(s_in))) = log(1 + exp(L_i - s_ip))
//   ds_ip = -m_ip, ds_in = m_ip exp(s_in - L_i)        m_ip = 1 / (1 + exp(s_ip - L_i))
//
// for each positive p: what has no exponential of a large number, whatever the temperature T.
//
// SimCLR (appendix A.8 of arXiv 2006.09882): V crops of B pictures with each other, row v B + b; positives are the other
// crops of a picture, negatives all crops of other pictures. The loss is the mean over rows and positives.
//
//   anchors: a row's L, the sum of its m, and its share of the loss
//   pairs:   the gradient of z z': ds + ds', since each row is at both ends. s is symmetric, so that ds_ji is made of
//            s_ij and what is known of row j
//
// MoCo (arXiv 1911.05722): queries with their key and with a queue of old keys, which are the negatives. The loss is the
// mean over the queries; keys get no gradient.
//
//   queries: the gradient of the similarities with the queue, the key's part of the gradient of the queries, the loss
//   push:    the newest keys in the queue, a ring whose rows lie as panels (conv2d)
//
// Input: a = x y', b = what `anchors` found. Twin: src/ops/contrast.rs.

struct Params {
    rows: u32,       // V B, or queries
    batch: u32,      // B: rows that are B apart belong to one picture
    prototypes: u32, // columns of a (log_sum_exp.wgsl): V B, or the length of the queue
    quads: u32,      // of a row of a
    depth: u32,      // quads of an embedding
    width: u32,      // push: columns of a panel
    temperature: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read_write> found: array<vec4<f32>>;  // [V B]: largest s_in, L minus it, sum of m / (V B (V - 1))
@group(0) @binding(4) var<storage, read_write> losses: array<vec4<f32>>; // [rows]: share of the loss, and of rows that are right
@group(0) @binding(5) var<storage, read_write> da: array<Quad>;          // gradient of a
@group(0) @binding(6) var<storage, read> queries_in: array<vec4<f32>>;   // [rows][depth]
@group(0) @binding(7) var<storage, read> keys: array<vec4<f32>>;         // [B][depth]
@group(0) @binding(8) var<storage, read_write> dq: array<vec4<f32>>;     // [rows][depth]
@group(0) @binding(10) var<storage, read_write> ring: array<f32>;        // panels [queue / width][depth * 4][width]

fn similarities(row: u32, quad: u32) -> vec4<f32> {
    return a_quad(row * params.quads + quad) / params.temperature;
}

fn columns_of(quad: u32) -> vec4<u32> {
    return vec4(quad * 4u) + vec4(0u, 1u, 2u, 3u);
}

// Columns that show the same picture as a row.
fn same_picture(row: u32, quad: u32) -> vec4<bool> {
    return columns_of(quad) % vec4(params.batch) == vec4(row % params.batch);
}

// 1 / (1 + exp(x)), how far a positive is from certain whose similarity is x above L.
fn missing(x: vec4<f32>) -> vec4<f32> {
    let small = exp(-abs(x));
    return select(small, vec4(1.0), x < vec4<f32>()) / (1.0 + small);
}

// log(1 + exp(-x)), its loss.
fn loss_of(x: f32) -> f32 {
    return max(-x, 0.0) + log(1.0 + exp(-abs(x)));
}

// Similarities with negatives, or nothing where there are none. With `crops`, those of the same picture are none.
fn negative(row: u32, quad: u32, crops: bool) -> vec4<f32> {
    let here = select(vec4(LOWEST), similarities(row, min(quad, params.quads - 1u)), real(quad));
    return select(here, vec4(LOWEST), same_picture(row, quad) & vec4(crops));
}

// L of a row, as the largest and what is missing to L: so their difference from a similarity is exact where it matters.
fn join_negatives(row: u32, index: u32, crops: bool) -> vec2<f32> {
    var tail = empty_tail();
    for (var quad = index; quad < params.quads; quad += 4u * LANES) {
        tail = join_four(
            tail,
            negative(row, quad, crops),
            negative(row, quad + LANES, crops),
            negative(row, quad + 2u * LANES, crops),
            negative(row, quad + 3u * LANES, crops),
        );
    }
    return join_workgroup(tail, index);
}

// The weight of a pair of a row and one of its positives.
fn pair_weight() -> f32 {
    return 1.0 / f32(params.rows * (params.rows / params.batch - 1u));
}

@compute @workgroup_size(LANES)
fn anchors(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let row = group_number(group, groups);
    if row >= params.rows {
        return;
    }
    let all = join_negatives(row, index, true);
    if index != 0u {
        return; // positives are few
    }
    var loss = 0.0;
    var missed = 0.0;
    var right = 0.0;
    for (var column = row % params.batch; column < params.rows; column += params.batch) {
        if column != row {
            let similarity = similarities(row, column / 4u)[column % 4u];
            let above = similarity - all.x - all.y;
            loss += loss_of(above);
            missed += missing(vec4(above)).x;
            right += f32(similarity > all.x);
        }
    }
    found[row] = vec4(all, missed * pair_weight(), 0.0);
    losses[row] = vec4(loss, right, 0.0, 0.0) * pair_weight();
}

@compute @workgroup_size(64)
fn pairs(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let row = at / params.quads;
    let quad = at % params.quads;
    if row >= params.rows {
        return;
    }
    let columns = columns_of(quad);
    let others = min(columns, vec4(params.rows - 1u));
    let own = b_quad(row);
    let other = transpose(mat4x4(b_quad(others.x), b_quad(others.y), b_quad(others.z), b_quad(others.w)));
    let similarity = similarities(row, quad);
    let above = similarity - own.x - own.y;
    let other_above = similarity - other[0] - other[1];
    // No negative is above L, only what the other branch is for.
    let apart = own.z * exp(min(above, vec4<f32>())) + other[2] * exp(min(other_above, vec4<f32>()));
    let together = -pair_weight() * (missing(above) + missing(other_above));
    let gradient = select(apart, together, same_picture(row, quad)) / params.temperature;
    da[at] = narrow(select(vec4<f32>(), gradient, real(quad) & (columns != vec4(row))));
}

// The sum of one value of each invocation, in their order, the same for all of them.
fn sum_for_all(own: f32, index: u32) -> f32 {
    sums[index] = own;
    workgroupBarrier();
    var total = 0.0;
    for (var i = 0u; i < LANES; i++) {
        total += sums[i];
    }
    workgroupBarrier();
    return total;
}

@compute @workgroup_size(LANES)
fn queries(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let row = group_number(group, groups);
    if row >= params.rows {
        return;
    }
    let first = row * params.depth;
    let key = row % params.batch * params.depth;
    var along = 0.0;
    for (var quad = index; quad < params.depth; quad += LANES) {
        along += dot(queries_in[first + quad], keys[key + quad]);
    }
    let similarity = sum_for_all(along, index) / params.temperature;
    let all = join_negatives(row, index, false);
    let above = similarity - all.x - all.y;
    let weight = 1.0 / f32(params.rows);
    let missed = missing(vec4(above)).x * weight / params.temperature;
    for (var quad = index; quad < params.quads; quad += LANES) {
        let share = exp(similarities(row, quad) - all.x - all.y);
        da[row * params.quads + quad] = narrow(select(vec4<f32>(), share * missed, real(quad)));
    }
    for (var quad = index; quad < params.depth; quad += LANES) {
        dq[first + quad] = -missed * keys[key + quad];
    }
    if index == 0u {
        losses[row] = vec4(loss_of(above), f32(similarity > all.x), 0.0, 0.0) * weight;
    }
}

// An invocation puts four channels of a key; neighbours have neighbouring columns of a panel.
@compute @workgroup_size(64)
fn push(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let row = at % params.batch;
    let quad = at / params.batch;
    if quad >= params.depth {
        return;
    }
    let column = (step.queue_cursor + row) % params.prototypes;
    let channel = (column / params.width * params.depth + quad) * 4u;
    let to = channel * params.width + column % params.width;
    let value = keys[row * params.depth + quad];
    ring[to] = value.x;
    ring[to + params.width] = value.y;
    ring[to + 2u * params.width] = value.z;
    ring[to + 3u * params.width] = value.w;
}
