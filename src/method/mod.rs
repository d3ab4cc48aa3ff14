//! What turns crops into a loss. Beside `swav` comparisons can stand that share trunk and head; `linear`
//! and `neighbours` judge features on the device.

pub mod linear;
pub mod neighbours;
pub mod swav;
