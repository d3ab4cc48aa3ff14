// What crops must predict: a row of each assignment crop and picture (codes, or the rows of a target network).

@group(0) @binding(2) var<storage, read> targets: array<vec4<f32>>; // [A * B][quads]

// Sum of the targets that crop `crop` of picture `picture` must predict: those of all assignment crops but itself.
fn target_at(crop: u32, picture: u32, quad: u32) -> vec4<f32> {
    var sum = vec4<f32>();
    var index = 0u;
    for (var rest = params.assigned; rest != 0u; rest &= rest - 1u) {
        if firstTrailingBit(rest) != crop {
            sum += targets[(index * params.batch + picture) * params.quads + quad];
        }
        index++;
    }
    return sum;
}
