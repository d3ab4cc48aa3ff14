// Log-sum-exp that cannot overflow: the sum is kept relative to the largest value met so far.
// Four prototypes at a time; a workgroup joins its shares of one row.

override LANES: u32 = 64u; // invocations that share a row; a CPU driver runs them one after another

const LOWEST = -3.0e38;

struct Tail {
    top: vec4<f32>, // largest value so far
    sum: vec4<f32>, // sum of exp(value - top)
}

var<workgroup> maxima: array<f32, 64>;
var<workgroup> sums: array<f32, 64>;

fn empty_tail() -> Tail {
    return Tail(vec4(LOWEST), vec4<f32>());
}

// Joins two sums over different values; one value is Tail(value, vec4(1.0)).
fn join(a: Tail, b: Tail) -> Tail {
    let top = max(a.top, b.top);
    return Tail(top, a.sum * exp(a.top - top) + b.sum * exp(b.top - top));
}

// Joins four values a lane to a sum: five exponentials, where one after another takes eight.
fn join_four(tail: Tail, a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) -> Tail {
    let top = max(tail.top, max(max(a, b), max(c, d)));
    return Tail(top, tail.sum * exp(tail.top - top) + exp(a - top) + exp(b - top) + exp(c - top) + exp(d - top));
}

// Which lanes of a quad are prototypes: the last quad may be padding.
fn real(quad: u32) -> vec4<bool> {
    return vec4(quad * 4u) + vec4(0u, 1u, 2u, 3u) < vec4(params.prototypes);
}

// The largest value of all shares, and the logarithm of the sum of exp(value - largest).
fn join_workgroup(own: Tail, index: u32) -> vec2<f32> {
    let best = max(max(own.top.x, own.top.y), max(own.top.z, own.top.w));
    maxima[index] = best;
    sums[index] = dot(own.sum, exp(own.top - vec4(best)));
    workgroupBarrier();
    var top = LOWEST;
    for (var i = 0u; i < LANES; i++) {
        top = max(top, maxima[i]);
    }
    var sum = 0.0;
    for (var i = 0u; i < LANES; i++) {
        sum += sums[i] * exp(maxima[i] - top);
    }
    return vec2(top, log(sum));
}

// The sum of one value of each invocation, in their order; right for index 0 only.
fn add_workgroup(own: f32, index: u32) -> f32 {
    workgroupBarrier();
    sums[index] = own;
    workgroupBarrier();
    var total = 0.0;
    if index == 0u {
        for (var i = 0u; i < LANES; i++) {
            total += sums[i];
        }
    }
    return total;
}
