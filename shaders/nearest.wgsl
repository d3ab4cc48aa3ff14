// The k largest similarities of each query so far, over a bank that passes by in blocks.
//
//   keep_best:   list[q] = the k best of list[q] and similarity[q, columns of this block], in no order
//
// Better is larger; of equal ones the earlier row of the bank, so which k are kept does not depend on how the work is
// shared. One workgroup a query. What is better than the k-th best joins a pool in workgroup memory, which is cut to
// its k best when it has grown: not by sorting, but by searching for the k-th best a few bits at a time. Most values
// never join: about k (1 + ln(N / k)) of N do, so ever more columns are looked at in one go, and looked at again, few
// at a time, where there was no room for what they held. Not a number is never better.
// Input: a = similarities. Twin: src/ops/nearest.rs.

override LANES: u32 = 64u;   // invocations of a workgroup; a CPU driver runs them one after another
override LENGTH: u32 = 256u; // half of the pool: k or more

struct Params {
    queries: u32,
    quads: u32,  // in a row of similarities
    k: u32,      // at most 256
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> block: array<vec4<u32>>;    // first row of the bank, rows, 0, 0
@group(0) @binding(4) var<storage, read_write> best: array<f32>;     // [queries][256]
@group(0) @binding(5) var<storage, read_write> best_row: array<u32>; // [queries][256], NONE from the last one on

const LIST = 256u;
const ROOM = 512u;  // of the pool where LENGTH is the most
const LOWEST = -3.0e38;
const NONE = 0xffffffffu;
const MOST = 1024u; // quads that are looked at in one go
const BITS = 2u;    // of a word that are found in one turn
const TURNS = 16u;

// Similarities as words of the same order, and their rows. Each in two halves: the pool is cut from one to the other.
var<workgroup> word: array<u32, 1024>;
var<workgroup> row: array<u32, 1024>;
var<workgroup> joined: atomic<u32>;
var<workgroup> counts: array<atomic<u32>, 16>; // of a turn, three of ten bits
var<workgroup> shared_word: u32; // the same for all

// Larger floats have larger words. Both zeros have the same, as they are equal.
fn ordered(value: f32) -> u32 {
    let bits = select(bitcast<u32>(value), 0u, value == 0.0);
    return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}

fn unordered(word: u32) -> f32 {
    return bitcast<f32>(select(~word, word & 0x7fffffffu, word >= 0x80000000u));
}

// A value that one invocation knows, for all.
fn spread(index: u32, value: u32) -> u32 {
    if index == 0u {
        shared_word = value;
    }
    return workgroupUniformLoad(&shared_word);
}

struct Found {
    word: u32,
    count: u32, // of words that are as large or larger
}

// The `wanted`-th largest of `size` words.
fn search(index: u32, first: u32, size: u32, wanted: u32) -> Found {
    for (var i = index; i < TURNS; i += LANES) {
        atomicStore(&counts[i], 0u);
    }
    workgroupBarrier();
    var found = Found(0u, size);
    for (var turn = 0u; turn < TURNS; turn++) {
        let shift = 32u - BITS * (turn + 1u);
        let candidates = vec3(found.word) | (vec3(1u, 2u, 3u) << vec3(shift));
        var mine = vec3(0u);
        for (var i = index; i < size; i += LANES) {
            mine += select(vec3(0u), vec3(1u), vec3(word[first + i]) >= candidates);
        }
        atomicAdd(&counts[turn], mine.x | (mine.y << 10u) | (mine.z << 20u));
        workgroupBarrier();
        let all = (vec3(atomicLoad(&counts[turn])) >> vec3(0u, 10u, 20u)) & vec3(1023u);
        for (var i = 0u; i < 3u; i++) {
            if all[i] >= wanted {
                found = Found(candidates[i], all[i]);
            }
        }
    }
    return found;
}

struct Pool {
    at: u32,    // its half
    size: u32,
    least: f32, // of the k best; what is no better does not join
}

// Among those that equal the k-th best, the last row that there is room for, as its complement: larger is earlier.
fn search_rows(index: u32, pool: Pool, kth: Found) -> u32 {
    let to = ROOM - pool.at;
    if index == 0u {
        atomicStore(&joined, 0u);
    }
    workgroupBarrier();
    for (var i = index; i < pool.size; i += LANES) {
        let equal = word[pool.at + i] == kth.word;
        word[to + i] = select(0u, ~row[pool.at + i], equal);
        atomicAdd(&joined, u32(equal));
    }
    workgroupBarrier();
    let better = kth.count - atomicLoad(&joined);
    return search(index, to, pool.size, params.k - better).word;
}

// The pool without all but its k best.
fn cut(index: u32, pool: Pool) -> Pool {
    let to = ROOM - pool.at;
    let kth = search(index, pool.at, pool.size, params.k);
    var latest = 0u; // of equal ones at the end, the complement of the last row that is kept
    if spread(index, kth.count) > params.k {
        latest = search_rows(index, pool, kth);
    }
    if index == 0u {
        atomicStore(&joined, 0u);
    }
    workgroupBarrier();
    for (var i = index; i < pool.size; i += LANES) {
        let value = word[pool.at + i];
        let place = row[pool.at + i];
        if value > kth.word || (value == kth.word && ~place >= latest) {
            let slot = atomicAdd(&joined, 1u);
            word[to + slot] = value;
            row[to + slot] = place;
        }
    }
    workgroupBarrier();
    return Pool(to, params.k, unordered(kth.word));
}

// A similarity joins where it is better than the k-th best. Where there is no room it is only counted.
fn offer(found: f32, pool: Pool, column: u32, columns: u32) {
    if found > pool.least && column < columns {
        let slot = atomicAdd(&joined, 1u);
        if slot < 2u * LENGTH {
            word[pool.at + slot] = ordered(found);
            row[pool.at + slot] = block[0].x + column;
        }
    }
}

// What has been kept of the blocks before.
fn load(index: u32, query: u32) -> Pool {
    if index == 0u {
        atomicStore(&joined, 0u);
    }
    workgroupBarrier();
    for (var i = index; i < params.k; i += LANES) {
        let place = best_row[query * LIST + i];
        if place != NONE {
            let slot = atomicAdd(&joined, 1u);
            word[slot] = ordered(best[query * LIST + i]);
            row[slot] = place;
        }
    }
    workgroupBarrier();
    return Pool(0u, spread(index, atomicLoad(&joined)), LOWEST);
}

@compute @workgroup_size(LANES)
fn keep_best(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let query = group_number(group, groups);
    if query >= params.queries {
        return;
    }
    var pool = load(index, query);
    if pool.size == params.k {
        pool = cut(index, pool); // drops none, but finds the least
    }
    let columns = block[0].y;
    let end = (columns + 3u) / 4u;
    let few = LENGTH / 4u; // quads that there is always room for
    var first = 0u;
    var turn = few;
    while first < end {
        for (var quad = first + index; quad < min(first + turn, end); quad += LANES) {
            let found = a_quad(query * params.quads + quad);
            if any(found > vec4(pool.least)) {
                offer(found.x, pool, quad * 4u, columns);
                offer(found.y, pool, quad * 4u + 1u, columns);
                offer(found.z, pool, quad * 4u + 2u, columns);
                offer(found.w, pool, quad * 4u + 3u, columns);
            }
        }
        workgroupBarrier();
        let size = spread(index, atomicLoad(&joined));
        if size <= 2u * LENGTH {
            first += turn;
            // Where this look filled less than an eighth of LENGTH, the next one takes twice as many columns.
            turn = select(few, min(turn * 2u, MOST), (size - pool.size) * 8u < LENGTH);
            pool.size = size;
        } else {
            turn = few;
            if index == 0u {
                atomicStore(&joined, pool.size);
            }
            workgroupBarrier();
        }
        // Cut when the pool is half full of newcomers, or when newcomers no longer fit.
        if pool.size > params.k && (pool.size > params.k + LENGTH / 2u || size > 2u * LENGTH) {
            pool = cut(index, pool);
        }
    }
    if pool.size > params.k {
        pool = cut(index, pool);
    }
    for (var i = index; i < params.k; i += LANES) {
        let kept = i < pool.size;
        best[query * LIST + i] = select(LOWEST, unordered(word[pool.at + i]), kept);
        best_row[query * LIST + i] = select(NONE, row[pool.at + i], kept);
    }
}
