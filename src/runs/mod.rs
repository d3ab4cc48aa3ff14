//! What a run keeps on disk, never half written.
//!
//! | file | what |
//! |---|---|
//! | [`run_folder`] | the folder of a run: which files are in it, and who has it |
//! | `place` | whether a folder can be made or written at a place |
//! | [`checkpoint`] | everything that a run goes on from |

pub mod checkpoint;
pub(crate) mod place;
pub mod run_folder;
