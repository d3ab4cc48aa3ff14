//! What turns crops into a loss. Beside `swav` comparisons can stand that share trunk and head; `linear`,
//! `finetune` and `neighbours` judge networks on the device; `clusters` and `balance` label a whole bank of features on
//! it.

pub mod balance;
pub mod clusters;
pub mod finetune;
pub mod linear;
pub mod neighbours;
pub mod swav;
