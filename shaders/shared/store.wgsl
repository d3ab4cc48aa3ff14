// How a row of results is stored: shared by all kernels of conv2d and winograd, which say OUTSIDE, y and Params.
// One place that loads and one that stores: each is a loop over the lanes to a CPU driver's compiler.

fn store_row(value: vec4<f32>, row: u32, column: u32) {
    if row != OUTSIDE && column < params.out_quads {
        let at = row * params.out_quads + column;
        var total = value;
        if params.accumulate == 1u {
            total += wide(y[at]);
        }
        y[at] = narrow(total);
    }
}
