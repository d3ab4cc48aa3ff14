// The queue of past embeddings: a ring for each assignment crop, newest batch at the cursor.
//
//   push:        queue[a, (cursor + r) mod L] = z[crop a, r]
//
// Rows are scored where they lie: the order of rows does not matter to Sinkhorn.
// Twin: src/ops/queue.rs.

struct Params {
    length: u32, // L, a multiple of the batch
    batch: u32,
    quads: u32,  // embedding / 4
    crops: u32,  // bit i: crop i is an assignment crop
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> z: array<vec4<f32>>;         // [V * batch][quads]
@group(0) @binding(2) var<storage, read_write> queue: array<vec4<f32>>; // [A * L][quads]

@compute @workgroup_size(64)
fn push(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let row = at / params.quads;
    if row >= params.batch {
        return;
    }
    let crop = assignment_crop(params.crops, group.z);
    let to = group.z * params.length + (step.queue_cursor + row) % params.length;
    queue[to * params.quads + at % params.quads] = z[crop * params.batch * params.quads + at];
}
