// 3x3 convolution with stride 1 and padding 1 by Winograd's F(2x2, 3x3): 16 products for 4 pixels, not 36.
//
//   multiply: y = A'[(G g G') . (B' d B)]A  for each 2x2 tile of y and 4x4 patch d of x (Lavin & Gray 2015)
//
// The workgroup-memory twin of winograd.subgroup.wgsl, for GPUs. A workgroup makes 32 tiles of one panel.
// Of every quad of channels, half of its 256 invocations transform the patches and the other half fetch
// the weights G g G', panels [N / WIDTH][16][C][WIDTH]; then 16 invocations for each of the 16
// positions multiply them, 8 tiles by WIDTH / 16 column quads an invocation. At the end the positions
// meet in the same memory, 64 quads of y at a time. x and y are activations
// (shared/quads.*.wgsl). Twin: src/ops/winograd.rs; what the families share is in
// shared/tiles.wgsl.

override WIDTH: u32 = 32u; // columns of a panel: 32 or 16

@group(0) @binding(1) var<storage, read> x: array<Quad>;
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<Quad>;

const TILES = 32u;
const WEIGHTS = 512u; // where the weights begin

// First [position][tile] of patches, swizzled, and [position][channel of 4][column quad] of weights, then
// [position][quad of y].
var<workgroup> memory: array<vec4<f32>, 1024>;

// Entry i is tile i of the first column quad, entry 8 + i tile i of the second; constant indices.
alias Sums = array<vec4<f32>, 16>;

fn x_quad(source: u32, quad: u32) -> vec4<f32> {
    let inside = source != OUTSIDE;
    return select(vec4<f32>(), wide(x[select(0u, source + quad, inside)]), inside);
}

fn w_quad(at: u32) -> vec4<f32> {
    return w[at];
}

// Where a patch's value at a position lies, so that neighbouring invocations, which transform the lines of a tile, write
// to different banks.
fn patch_at(position: u32, tile: u32) -> u32 {
    return position * TILES + (tile ^ (position / 4u * 2u));
}

// Line i of B' d B has two lines of the patch in it: 0 - 2, 1 + 2, 2 - 1, 1 - 3.
fn transform(i: u32, tile: u32, a: vec4<u32>, b: vec4<u32>, quad: u32) {
    let p = line(a, quad);
    let q = line(b, quad);
    let sign = select(-1.0, 1.0, i == 1u);
    let at = patch_at(4u * i, tile);
    memory[at] = p.a + sign * q.a;
    memory[at + TILES] = p.b + sign * q.b;
    memory[at + 2u * TILES] = p.c + sign * q.c;
    memory[at + 3u * TILES] = p.d + sign * q.d;
}

fn weights_at(at: u32) -> mat4x4<f32> {
    return mat4x4(memory[at], memory[at + WIDTH / 4u], memory[at + WIDTH / 2u], memory[at + WIDTH / 4u * 3u]);
}

fn add_tile(c: ptr<function, Sums>, i: u32, a: vec4<f32>, b: mat4x4<f32>, second: mat4x4<f32>) {
    (*c)[i] = added((*c)[i], b, a);
    if WIDTH == 32u {
        (*c)[8u + i] = added((*c)[8u + i], second, a);
    }
}

// Four sums of every invocation change hands: each then makes one pixel of y from those of 16 positions.
fn exchange(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>, index: u32, first_tile: u32, first_column: u32) {
    workgroupBarrier();
    let at = index / 16u * 64u + index % 16u;
    memory[at] = a;
    memory[at + 16u] = b;
    memory[at + 32u] = c;
    memory[at + 48u] = d;
    workgroupBarrier();
    let item = index % 64u;
    let pixel = index / 64u;
    let top = item + pixel / 2u * 256u;
    let down = select(1.0, -1.0, pixel / 2u == 1u);
    let right = select(1.0, -1.0, pixel % 2u == 1u);
    let left = top + pixel % 2u * 64u;
    let value = column_of(left, down) + right * (column_of(left + 64u, down) + column_of(left + 128u, down));
    let tile = first_tile + item % 16u / 4u + item / 16u * 4u;
    store_row(value, results(tile_at(tile))[pixel], first_column + item % 4u);
}

// A' m of one column of positions.
fn column_of(at: u32, sign: f32) -> vec4<f32> {
    return memory[at] + sign * (memory[at + 256u] + memory[at + 512u]);
}

@compute @workgroup_size(256)
fn multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let first = group_number(group, groups) * TILES;
    // What the first half transforms: one line of positions of a tile.
    let line = index % 4u;
    let tile = index % 128u / 4u;
    let corner = tile_at(first + tile);
    let a = sources(corner, vec4(0, 1, 2, 1)[line]);
    let b = sources(corner, vec4(2, 2, 1, 3)[line]);
    // What it multiplies.
    let position = index / 16u;
    let own = index % 16u / 4u; // tile
    let columns = WEIGHTS + position * WIDTH + index % 4u;
    var c = Sums();
    for (var quad = 0u; quad < params.source_quads; quad++) {
        if index < 128u {
            transform(line, tile, a, b, quad);
        } else {
            for (var i = index - 128u; i < 16u * WIDTH; i += 128u) {
                let row = (group.z * 16u + i / WIDTH) * params.source_quads + quad;
                memory[WEIGHTS + i] = w_quad(row * WIDTH + i % WIDTH);
            }
        }
        workgroupBarrier();
        let u = weights_at(columns);
        var second = mat4x4<f32>();
        if WIDTH == 32u {
            second = weights_at(columns + 4u);
        }
        add_tile(&c, 0u, memory[patch_at(position, own)], u, second);
        add_tile(&c, 1u, memory[patch_at(position, own + 4u)], u, second);
        add_tile(&c, 2u, memory[patch_at(position, own + 8u)], u, second);
        add_tile(&c, 3u, memory[patch_at(position, own + 12u)], u, second);
        add_tile(&c, 4u, memory[patch_at(position, own + 16u)], u, second);
        add_tile(&c, 5u, memory[patch_at(position, own + 20u)], u, second);
        add_tile(&c, 6u, memory[patch_at(position, own + 24u)], u, second);
        add_tile(&c, 7u, memory[patch_at(position, own + 28u)], u, second);
        workgroupBarrier();
    }
    let column = group.z * WIDTH / 4u;
    exchange(c[0], c[1], c[2], c[3], index, first, column);
    exchange(c[4], c[5], c[6], c[7], index, first + 16u, column);
    if WIDTH == 32u {
        exchange(c[8], c[9], c[10], c[11], index, first, column + 4u);
        exchange(c[12], c[13], c[14], c[15], index, first + 16u, column + 4u);
    }
}
