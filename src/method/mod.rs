//! What turns crops into a loss. Beside `swav` comparisons can stand that share trunk and head; `linear`,
//! `finetune` and `neighbours` judge networks on the device.

pub mod finetune;
pub mod linear;
pub mod neighbours;
pub mod swav;
