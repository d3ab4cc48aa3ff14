// The loss scale and what a step needs to know of those before it (loss_scale.wgsl).

struct ScaleState {
    scale: f32,         // of the next step
    good_steps: f32,    // since it changed
    skipped_steps: f32, // in all
    skipped: f32,       // 1: this step moves nothing
    current: f32,       // scale of this step
    unused0: f32,
    unused1: f32,
    unused2: f32,
    power1: f32,        // beta1^t over the steps taken (AdamW)
    power2: f32,
    late_power1: f32,   // the same over those in which prototypes move
    late_power2: f32,
}
