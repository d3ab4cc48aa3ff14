//! What a run keeps on disk, never half written.
//!
//! | file | what |
//! |---|---|
//! | [`run_folder`] | the folder of a run: which files are in it, and who has it |
//! | [`checkpoint`] | everything that a run goes on from |

pub mod checkpoint;
pub mod run_folder;
