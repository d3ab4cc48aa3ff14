// The swapped prediction loss and its gradient, one workgroup a row (v, b) of the scores.
//
//   target[v, b] = sum over assignment crops c != v of codes[c, b] / (A (V - 1) B)
//   loss = sum over rows of -sum_k target log_softmax(scores / T), dscores = (softmax sum(target) - target) / T
//
// V crops, B pictures, A assignment crops, T temperature; no gradient flows through the codes
// (paper section 3.1; RECIPE "One step"). Twin: src/ops/loss.rs.

struct Params {
    crops: u32,       // V
    batch: u32,       // B
    prototypes: u32,  // K
    quads: u32,
    assigned: u32,    // bit i: crop i is an assignment crop
    temperature: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scores: array<vec4<f32>>; // [V * B][quads]
@group(0) @binding(2) var<storage, read> codes: array<vec4<f32>>;  // [A * B][quads]
@group(0) @binding(3) var<storage, read_write> dscores: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> loss: array<vec4<f32>>; // [V * B]: x is the row's loss

const LOWEST = -3.0e38;

var<workgroup> maxima: array<f32, 64>;
var<workgroup> sums: array<f32, 64>;

fn real(quad: u32) -> vec4<bool> {
    return vec4(quad * 4u) + vec4(0u, 1u, 2u, 3u) < vec4(params.prototypes);
}

// Sum of the codes that crop `crop` of picture `picture` must predict.
fn target_at(crop: u32, picture: u32, quad: u32) -> vec4<f32> {
    var sum = vec4<f32>();
    var index = 0u;
    for (var rest = params.assigned; rest != 0u; rest &= rest - 1u) {
        if firstTrailingBit(rest) != crop {
            sum += codes[(index * params.batch + picture) * params.quads + quad];
        }
        index++;
    }
    return sum;
}

@compute @workgroup_size(64)
fn forward_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let row = group.y * groups.x + group.x;
    if row >= params.crops * params.batch {
        return;
    }
    let crop = row / params.batch;
    let picture = row % params.batch;
    var top = vec4(LOWEST);
    var sum = vec4<f32>();
    for (var quad = index; quad < params.quads; quad += 64u) {
        let value = select(vec4(LOWEST), scores[row * params.quads + quad] / params.temperature, real(quad));
        let higher = max(top, value);
        sum = sum * exp(top - higher) + exp(value - higher);
        top = higher;
    }
    let best = max(max(top.x, top.y), max(top.z, top.w));
    maxima[index] = best;
    sums[index] = dot(sum, exp(top - vec4(best)));
    workgroupBarrier();
    var all_top = LOWEST;
    for (var i = 0u; i < 64u; i++) {
        all_top = max(all_top, maxima[i]);
    }
    var all_sum = 0.0;
    for (var i = 0u; i < 64u; i++) {
        all_sum += sums[i] * exp(maxima[i] - all_top);
    }
    let log_sum = log(all_sum);
    let assigned = countOneBits(params.assigned);
    let own = (params.assigned >> crop) & 1u;
    let weight = 1.0 / f32(assigned * (params.crops - 1u) * params.batch);
    let mass = f32(assigned - own) * weight; // each row of codes sums to 1
    var row_loss = 0.0;
    for (var quad = index; quad < params.quads; quad += 64u) {
        // Subtract the maximum first: the difference is exact where it matters.
        let value = scores[row * params.quads + quad] / params.temperature - all_top - log_sum;
        let wanted = target_at(crop, picture, quad) * weight;
        let gradient = (exp(value) * mass - wanted) / params.temperature;
        dscores[row * params.quads + quad] = select(vec4<f32>(), gradient, real(quad));
        row_loss -= dot(wanted, select(vec4<f32>(), value, real(quad)));
    }
    workgroupBarrier();
    sums[index] = row_loss;
    workgroupBarrier();
    if index == 0u {
        var total = 0.0;
        for (var i = 0u; i < 64u; i++) {
            total += sums[i];
        }
        loss[row] = vec4(total, 0.0, 0.0, 0.0);
    }
}
