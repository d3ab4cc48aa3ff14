// Codes by Sinkhorn-Knopp in the log domain, for every assignment crop (grid z) at once.
//
//   l[r, k] = score / epsilon, rows r: queue rows, then the batch; R of them are in use
//   repeat:  u[k] = -ln sum_r exp(l[r, k] + v[r]) - ln K     (prototypes)
//            v[r] = -ln sum_k exp(l[r, k] + u[k]) - ln R     (samples, last: rows of q sum to 1)
//   q[b, k] = R exp(l + u + v) for the rows of the batch
//
// The official code divides raw exponentials, which overflow for epsilon < 0.0113; potentials do not.
// Prototype sums go in two stages: (maximum, sum) of row chunks, then one pass over the chunks.
// The first row in use comes from `step`: an empty queue is skipped. Inputs: a = scores, then l; b = queue scores;
// c = u or v, v padded to whole quads. Twin: src/ops/sinkhorn.rs.

struct Params {
    rows: u32,       // queue rows + batch
    queue: u32,      // queue rows
    batch: u32,
    prototypes: u32, // K
    quads: u32,      // K / 4, rounded up
    chunk: u32,      // rows a chunk
    chunks: u32,
    first: u32,      // 1: the first iteration, v is 0
    crops: u32,      // bit i: crop i is an assignment crop
    epsilon: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read_write> logits: array<Quad>;       // [A][rows][quads]
@group(0) @binding(5) var<storage, read_write> partial: array<vec4<f32>>; // [A][chunk][2][quads]
@group(0) @binding(6) var<storage, read> parts: array<vec4<f32>>;         // partial, read only
@group(0) @binding(7) var<storage, read_write> prototype_potential: array<vec4<f32>>; // u [A][quads]
@group(0) @binding(8) var<storage, read_write> sample_potential: array<f32>;          // v [A][row quads * 4]
@group(0) @binding(11) var<storage, read> v: array<f32>;
@group(0) @binding(12) var<storage, read_write> codes_out: array<Quad>;      // q [A * batch][quads]
@group(0) @binding(13) var<storage, read_write> figures: array<vec4<f32>>;   // [A * batch]: entropy, best prototype

@compute @workgroup_size(64)
fn gather_scores(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let row = at / params.quads;
    let quad = at % params.quads;
    if row >= params.rows {
        return;
    }
    var score = vec4<f32>();
    if row < params.queue {
        score = b_quad((group.z * params.queue + row) * params.quads + quad);
    } else {
        score = a_quad((assignment_crop(params.crops, group.z) * params.batch + row - params.queue) * params.quads + quad);
    }
    logits[group.z * params.rows * params.quads + at] = narrow(score / params.epsilon);
}

// Quads that hold a value for each row of a crop.
fn row_quads() -> u32 {
    return (params.rows + 3u) / 4u;
}

// Rows first .. end.
struct Rows {
    first: u32,
    end: u32,
}

fn logit(crop: u32, row: u32, quad: u32) -> vec4<f32> {
    return a_quad((crop * params.rows + row) * params.quads + quad);
}

// l + v of a prototype quad, or nothing for a row that is not among these.
fn weighted(row: u32, rows: Rows, crop: u32, quad: u32, potential: f32) -> vec4<f32> {
    let inside = row >= rows.first && row < rows.end;
    return select(vec4(LOWEST), logit(crop, min(row, params.rows - 1u), quad) + potential, inside);
}

@compute @workgroup_size(64)
fn prototype_chunks(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let chunk = at / params.quads;
    let quad = at % params.quads;
    if chunk >= params.chunks {
        return;
    }
    var tail = empty_tail();
    let rows = Rows(max(chunk * params.chunk, step.first_row), min((chunk + 1u) * params.chunk, params.rows));
    for (var row = rows.first & ~3u; row < rows.end; row += 4u) {
        let potential = select(c_quad(group.z * row_quads() + row / 4u), vec4<f32>(), params.first == 1u);
        tail = join_four(
            tail,
            weighted(row, rows, group.z, quad, potential.x),
            weighted(row + 1u, rows, group.z, quad, potential.y),
            weighted(row + 2u, rows, group.z, quad, potential.z),
            weighted(row + 3u, rows, group.z, quad, potential.w),
        );
    }
    let out = (group.z * params.chunks + chunk) * 2u * params.quads + quad;
    partial[out] = tail.top;
    partial[out + params.quads] = tail.sum;
}

@compute @workgroup_size(64)
fn finish_prototypes(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let quad = invocation(group, groups, index);
    if quad >= params.quads {
        return;
    }
    var tail = empty_tail();
    for (var chunk = 0u; chunk < params.chunks; chunk++) {
        let at = (group.z * params.chunks + chunk) * 2u * params.quads + quad;
        tail = join(tail, Tail(parts[at], parts[at + params.quads]));
    }
    prototype_potential[group.z * params.quads + quad] = -(tail.top + log(tail.sum)) - log(f32(params.prototypes));
}

// l + u of a row's prototype quad, or nothing beyond the last prototype.
fn shifted(crop: u32, row: u32, quad: u32) -> vec4<f32> {
    let at = min(quad, params.quads - 1u);
    return select(vec4(LOWEST), logit(crop, row, at) + c_quad(crop * params.quads + at), real(quad));
}

@compute @workgroup_size(LANES)
fn samples(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let row = group_number(group, groups);
    if row >= params.rows || row < step.first_row {
        return;
    }
    var tail = empty_tail();
    for (var quad = index; quad < params.quads; quad += 4u * LANES) {
        tail = join_four(
            tail,
            shifted(group.z, row, quad),
            shifted(group.z, row, quad + LANES),
            shifted(group.z, row, quad + 2u * LANES),
            shifted(group.z, row, quad + 3u * LANES),
        );
    }
    let total = join_workgroup(tail, index);
    if index == 0u {
        sample_potential[group.z * row_quads() * 4u + row] = -(total.x + total.y) - log(f32(params.rows - step.first_row));
    }
}

// Codes of the batch, with the entropy of each row and its best prototype.
@compute @workgroup_size(LANES)
fn codes(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let row = group_number(group, groups);
    if row >= params.batch {
        return;
    }
    let potential = v[group.z * row_quads() * 4u + params.queue + row] + log(f32(params.rows - step.first_row));
    let out = group.z * params.batch + row;
    var entropy = 0.0;
    var best = LOWEST;
    var best_at = 0.0;
    for (var quad = index; quad < params.quads; quad += LANES) {
        let value = logit(group.z, params.queue + row, quad) + c_quad(group.z * params.quads + quad) + potential;
        let q = select(vec4<f32>(), exp(value), real(quad));
        codes_out[out * params.quads + quad] = narrow(q);
        entropy -= dot(q, select(vec4<f32>(), max(value, vec4(-100.0)), real(quad)));
        for (var i = 0u; i < 4u; i++) {
            if q[i] > best {
                best = q[i];
                best_at = f32(quad * 4u + i);
            }
        }
    }
    maxima[index] = best;
    sums[index] = best_at;
    workgroupBarrier();
    if index == 0u {
        for (var i = 1u; i < LANES; i++) {
            if maxima[i] > best {
                best = maxima[i];
                best_at = sums[i];
            }
        }
    }
    let total = add_workgroup(entropy, index);
    if index == 0u {
        figures[out] = vec4(total, best_at, 0.0, 0.0);
    }
}
