// The figures of a step, gathered into one small tensor that the CPU reads a step late.
//
// A method without codes has no rows of them, and `figures` is then any tensor. One workgroup. Twin: src/ops/report.rs.

struct Params {
    loss_rows: u32,
    code_rows: u32,
    parameters: u32,
    batch: u32,
    embedding_quads: u32,
}

struct Report {
    loss: f32,
    code_entropy: f32,  // mean over the rows of codes, nats
    gradient_norm: f32,
    non_finite: f32,    // gradient values that are not finite
    first_bad: f32,     // index of the first parameter with one, -1: none
    scale: f32,         // the loss scale, 0: none
    skipped: f32,       // 1 where the step was skipped
    skipped_steps: f32, // in all
    answers: f32,       // the sum of the second channel of `loss`, of which some methods make an accuracy
    unused0: f32,
    unused1: f32,
    unused2: f32,
    // Best prototype of each row of codes, four to a quad; then the mean embedding of crop 0, D / 4 quads.
    rows: array<vec4<f32>>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> loss: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> figures: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> norms: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> z: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> report: Report;

var<workgroup> parts: array<vec4<f32>, 64>;
var<workgroup> first_bad: array<f32, 64>;
var<workgroup> right: array<f32, 64>;

// The best prototype of a row of codes; rows beyond the last fill up the quad.
fn best(row: u32) -> f32 {
    return figures[min(row, params.code_rows - 1u)].y;
}

@compute @workgroup_size(64)
fn summarize(@builtin(local_invocation_index) index: u32) {
    var sum = vec4<f32>(); // loss, entropy, |g|^2, non-finite
    var answers = 0.0;
    for (var row = index; row < params.loss_rows; row += 64u) {
        sum.x += loss[row].x;
        answers += loss[row].y;
    }
    for (var row = index; row < params.code_rows; row += 64u) {
        sum.y += figures[row].x;
    }
    var bad = 1e9;
    for (var p = index; p < params.parameters; p += 64u) {
        sum.z += norms[p].y * norms[p].y;
        sum.w += norms[p].z;
        if norms[p].z > 0.0 {
            bad = min(bad, f32(p));
        }
    }
    parts[index] = sum;
    first_bad[index] = bad;
    right[index] = answers;
    let code_quads = (params.code_rows + 3u) / 4u;
    for (var quad = index; quad < code_quads; quad += 64u) {
        let row = quad * 4u;
        report.rows[quad] = vec4(best(row), best(row + 1u), best(row + 2u), best(row + 3u));
    }
    for (var quad = index; quad < params.embedding_quads; quad += 64u) {
        var mean = vec4<f32>();
        for (var row = 0u; row < params.batch; row++) {
            mean += z[row * params.embedding_quads + quad];
        }
        report.rows[code_quads + quad] = mean / f32(params.batch);
    }
    workgroupBarrier();
    if index == 0u {
        var total = vec4<f32>();
        answers = 0.0;
        for (var i = 0u; i < 64u; i++) {
            total += parts[i];
            answers += right[i];
            bad = min(bad, first_bad[i]);
        }
        report.loss = total.x;
        report.code_entropy = total.y / f32(max(params.code_rows, 1u));
        report.gradient_norm = sqrt(total.z);
        report.non_finite = total.w;
        report.first_bad = select(bad, -1.0, bad > 1e8);
        let of_scale = scaling();
        report.scale = of_scale.x;
        report.skipped = of_scale.y;
        report.skipped_steps = of_scale.z;
        report.answers = answers;
    }
}
