// The k largest similarities of each query so far, over a bank that passes by in blocks.
//
//   keep_best:   list[q] = the k best of list[q] and similarity[q, columns of this block]
//
// Better is larger; of equal ones the earlier row of the bank, so the result does not depend on how
// the work is shared. One workgroup a query: values above the k-th best wait behind the list in workgroup
// memory, and are sorted into it (bitonic) when half of the room is taken. Most values never wait: about
// k (1 + ln(N / k)) of N do, so ever more columns are looked at in one go, and looked at again, few at a time, where
// there was no room for what they held. Not a number is never better. Lists are as short as k allows, because
// sorting takes time.
// Input: a = similarities. Twin: src/ops/nearest.rs.

override LANES: u32 = 64u;   // invocations of a workgroup; a CPU driver runs them one after another
override LENGTH: u32 = 256u; // of the list: a power of two, k or more; as many can wait

struct Params {
    queries: u32,
    quads: u32,  // in a row of similarities
    k: u32,      // at most 256
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(5) var<storage, read> block: array<vec4<u32>>;    // first row of the bank, rows, 0, 0
@group(0) @binding(3) var<storage, read_write> best: array<f32>;     // [queries][256], falling
@group(0) @binding(4) var<storage, read_write> best_row: array<u32>; // [queries][256]

const LIST = 256u;
const LOWEST = -3.0e38;
const NONE = 0xffffffffu;
const MOST = 1024u; // quads that are looked at in one go

var<workgroup> value: array<f32, 512>; // the list, then those that wait; all of it where LENGTH is the most
var<workgroup> row: array<u32, 512>;
var<workgroup> waiting: atomic<u32>;
var<workgroup> seen: u32; // `waiting`, the same for all

fn is_worse(a: u32, b: u32) -> bool {
    return value[a] < value[b] || (value[a] == value[b] && row[a] > row[b]);
}

// Sorts the `count` that wait, rising, and merges them with the list, which is falling; nothing waits afterwards.
fn merge(index: u32, count: u32) {
    for (var i = LENGTH + count + index; i < 2u * LENGTH; i += LANES) {
        value[i] = LOWEST;
        row[i] = NONE;
    }
    workgroupBarrier();
    for (var size = 2u; size <= 2u * LENGTH; size *= 2u) {
        for (var step = size / 2u; step > 0u; step /= 2u) {
            for (var pair = select(LENGTH / 2u, 0u, size > LENGTH) + index; pair < LENGTH; pair += LANES) {
                let low = 2u * pair - (pair & (step - 1u));
                let high = low + step;
                if is_worse(low, high) == ((low & size) == 0u) {
                    let held = value[low];
                    value[low] = value[high];
                    value[high] = held;
                    let held_row = row[low];
                    row[low] = row[high];
                    row[high] = held_row;
                }
            }
            workgroupBarrier();
        }
    }
    if index == 0u {
        atomicStore(&waiting, 0u);
    }
    workgroupBarrier();
}

// A similarity waits where it is better than the k-th best. Where there is no room it is only counted.
fn offer(found: f32, least: f32, column: u32, columns: u32) {
    if found > least && column < columns {
        let slot = atomicAdd(&waiting, 1u);
        if slot < LENGTH {
            value[LENGTH + slot] = found;
            row[LENGTH + slot] = block[0].x + column;
        }
    }
}

// How many wait, the same for all invocations.
fn count_waiting(index: u32) -> u32 {
    if index == 0u {
        seen = atomicLoad(&waiting);
    }
    return workgroupUniformLoad(&seen);
}

@compute @workgroup_size(LANES)
fn keep_best(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let query = group_number(group, groups);
    if query >= params.queries {
        return;
    }
    for (var i = index; i < LENGTH; i += LANES) {
        value[i] = best[query * LIST + i];
        row[i] = best_row[query * LIST + i];
    }
    if index == 0u {
        atomicStore(&waiting, 0u);
    }
    workgroupBarrier();
    let columns = block[0].y;
    let end = (columns + 3u) / 4u;
    let few = LENGTH / 4u; // quads that there is always room for
    var first = 0u;
    var turn = few;
    var waited = 0u;
    while first < end {
        let least = value[params.k - 1u];
        for (var quad = first + index; quad < min(first + turn, end); quad += LANES) {
            let found = a_quad(query * params.quads + quad);
            if any(found > vec4(least)) {
                offer(found.x, least, quad * 4u, columns);
                offer(found.y, least, quad * 4u + 1u, columns);
                offer(found.z, least, quad * 4u + 2u, columns);
                offer(found.w, least, quad * 4u + 3u, columns);
            }
        }
        workgroupBarrier();
        let count = count_waiting(index);
        if count > LENGTH {
            merge(index, waited);
            waited = 0u;
            turn = few;
            continue;
        }
        first += turn;
        // As many again would be a quarter of the room at most.
        turn = select(few, min(turn * 2u, MOST), (count - waited) * 8u < LENGTH);
        waited = count;
        if count * 2u > LENGTH {
            merge(index, count);
            waited = 0u;
        }
    }
    let count = count_waiting(index);
    if count > 0u {
        merge(index, count);
    }
    for (var i = index; i < LENGTH; i += LANES) {
        best[query * LIST + i] = value[i];
        best_row[query * LIST + i] = row[i];
    }
}
