// Small matrix products of eight lanes, for the kernels of conv2d and winograd that spread operands by
// subgroupBroadcast. A row is a pixel or a tile. They say WIDTH, columns of a panel: 32 fill the lanes with
// column quads, and rows are spread; 16 would leave half of them idle, so there the lanes are rows, and weights
// are spread.

alias Rows = array<vec4<f32>, 8>;

// Four channels of eight rows, times those channels' rows of weights. Row after row, so that an
// accumulator is fetched once for four channels.
fn multiply_wide(c: ptr<function, Rows>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) {
    (*c)[0] += subgroupBroadcast(a.x, 0u) * b0 + subgroupBroadcast(a.y, 0u) * b1 + subgroupBroadcast(a.z, 0u) * b2 + subgroupBroadcast(a.w, 0u) * b3;
    (*c)[1] += subgroupBroadcast(a.x, 1u) * b0 + subgroupBroadcast(a.y, 1u) * b1 + subgroupBroadcast(a.z, 1u) * b2 + subgroupBroadcast(a.w, 1u) * b3;
    (*c)[2] += subgroupBroadcast(a.x, 2u) * b0 + subgroupBroadcast(a.y, 2u) * b1 + subgroupBroadcast(a.z, 2u) * b2 + subgroupBroadcast(a.w, 2u) * b3;
    (*c)[3] += subgroupBroadcast(a.x, 3u) * b0 + subgroupBroadcast(a.y, 3u) * b1 + subgroupBroadcast(a.z, 3u) * b2 + subgroupBroadcast(a.w, 3u) * b3;
    (*c)[4] += subgroupBroadcast(a.x, 4u) * b0 + subgroupBroadcast(a.y, 4u) * b1 + subgroupBroadcast(a.z, 4u) * b2 + subgroupBroadcast(a.w, 4u) * b3;
    (*c)[5] += subgroupBroadcast(a.x, 5u) * b0 + subgroupBroadcast(a.y, 5u) * b1 + subgroupBroadcast(a.z, 5u) * b2 + subgroupBroadcast(a.w, 5u) * b3;
    (*c)[6] += subgroupBroadcast(a.x, 6u) * b0 + subgroupBroadcast(a.y, 6u) * b1 + subgroupBroadcast(a.z, 6u) * b2 + subgroupBroadcast(a.w, 6u) * b3;
    (*c)[7] += subgroupBroadcast(a.x, 7u) * b0 + subgroupBroadcast(a.y, 7u) * b1 + subgroupBroadcast(a.z, 7u) * b2 + subgroupBroadcast(a.w, 7u) * b3;
}

// The same for a panel of 16 columns: b0 and b1 hold two channels' rows each, a lane keeps its own
// row, and the weights are spread instead. Accumulators 4 .. 8 stay unused.
fn multiply_narrow(c: ptr<function, Rows>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>) {
    (*c)[0] += a.x * subgroupBroadcast(b0, 0u) + a.y * subgroupBroadcast(b0, 4u) + a.z * subgroupBroadcast(b1, 0u) + a.w * subgroupBroadcast(b1, 4u);
    (*c)[1] += a.x * subgroupBroadcast(b0, 1u) + a.y * subgroupBroadcast(b0, 5u) + a.z * subgroupBroadcast(b1, 1u) + a.w * subgroupBroadcast(b1, 5u);
    (*c)[2] += a.x * subgroupBroadcast(b0, 2u) + a.y * subgroupBroadcast(b0, 6u) + a.z * subgroupBroadcast(b1, 2u) + a.w * subgroupBroadcast(b1, 6u);
    (*c)[3] += a.x * subgroupBroadcast(b0, 3u) + a.y * subgroupBroadcast(b0, 7u) + a.z * subgroupBroadcast(b1, 3u) + a.w * subgroupBroadcast(b1, 7u);
}

// One channel of eight rows against their rows of dy.
fn dot_wide(a: f32, d: ptr<function, Rows>) -> vec4<f32> {
    return subgroupBroadcast(a, 0u) * (*d)[0] + subgroupBroadcast(a, 1u) * (*d)[1]
        + subgroupBroadcast(a, 2u) * (*d)[2] + subgroupBroadcast(a, 3u) * (*d)[3]
        + subgroupBroadcast(a, 4u) * (*d)[4] + subgroupBroadcast(a, 5u) * (*d)[5]
        + subgroupBroadcast(a, 6u) * (*d)[6] + subgroupBroadcast(a, 7u) * (*d)[7];
}

// The same with even rows in the lower and odd rows in the upper half of the lanes.
fn dot_narrow(a: f32, upper: bool, d: ptr<function, Rows>) -> vec4<f32> {
    return select(subgroupBroadcast(a, 0u), subgroupBroadcast(a, 1u), upper) * (*d)[0]
        + select(subgroupBroadcast(a, 2u), subgroupBroadcast(a, 3u), upper) * (*d)[1]
        + select(subgroupBroadcast(a, 4u), subgroupBroadcast(a, 5u), upper) * (*d)[2]
        + select(subgroupBroadcast(a, 6u), subgroupBroadcast(a, 7u), upper) * (*d)[3];
}

fn add_quad(c: ptr<function, array<vec4<f32>, 4>>, a: vec4<f32>, upper: bool, d: ptr<function, Rows>) {
    if WIDTH == 32u {
        (*c)[0] += dot_wide(a.x, d);
        (*c)[1] += dot_wide(a.y, d);
        (*c)[2] += dot_wide(a.z, d);
        (*c)[3] += dot_wide(a.w, d);
    } else {
        (*c)[0] += dot_narrow(a.x, upper, d);
        (*c)[1] += dot_narrow(a.y, upper, d);
        (*c)[2] += dot_narrow(a.z, upper, d);
        (*c)[3] += dot_narrow(a.w, upper, d);
    }
}

// A panel of 16 columns leaves half of the lanes: they took the odd rows, the others the even ones.
fn whole(value: vec4<f32>) -> vec4<f32> {
    if WIDTH == 32u {
        return value;
    }
    return value + subgroupShuffleXor(value, 4u);
}

// What lane i holds, the same in all lanes.
fn rows_at(rows: vec4<u32>, i: u32) -> vec4<u32> {
    var found = subgroupBroadcast(rows, 0u);
    found = select(found, subgroupBroadcast(rows, 1u), i == 1u);
    found = select(found, subgroupBroadcast(rows, 2u), i == 2u);
    found = select(found, subgroupBroadcast(rows, 3u), i == 3u);
    found = select(found, subgroupBroadcast(rows, 4u), i == 4u);
    found = select(found, subgroupBroadcast(rows, 5u), i == 5u);
    found = select(found, subgroupBroadcast(rows, 6u), i == 6u);
    found = select(found, subgroupBroadcast(rows, 7u), i == 7u);
    return found;
}
