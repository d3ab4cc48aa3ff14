//! House rules of the source tree: which module may name which, what the library never does, and how
//! long a file may be.
//!
//! | file | what |
//! |---|---|
//! | `tree` | the files of the repository |
//! | `words` | Rust text as tokens: comments are gone, and a string is not code |
//! | `paths` | the paths that code names, with `use` groups and `super` resolved |
//! | `boundaries` | the rules between modules |
//! | `tidy` | the length of files |
//! | `links` | the documentation leads to files that are there |
//! | `tables` | the tables of files in module docs name every module |

mod boundaries;
mod links;
mod paths;
mod tables;
mod tidy;
pub(crate) mod tree;
pub(crate) mod words;
