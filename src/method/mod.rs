//! What turns crops into a loss. Beside `swav` comparisons can stand that share trunk and head.

pub mod swav;
