// What changes from step to step, written by the CPU before each submission.

struct Step {
    learning_rate: f32,
    frozen: u32,            // 1: prototypes are not updated
    first_row: u32,         // first row of the Sinkhorn problem in use (queue rows come first)
    queue_cursor: u32,      // queue row of the newest entry
    correction1: f32,       // AdamW: 1 - beta1^t
    correction2: f32,
    late_correction1: f32,  // the same for parameters that were frozen at first
    late_correction2: f32,
}

@group(0) @binding(9) var<uniform> step: Step;
