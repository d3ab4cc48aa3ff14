//! Pages and sheets to look at, to be kept or sent on: nothing here computes what it shows.
//!
//! | file | what |
//! |---|---|
//! | [`html`] | what surrounds a page, and pictures inside it |
//! | [`page`] | one page that needs nothing beside it: headings, tables and charts |
//! | [`gallery`] | clusters of pictures as a page and a sheet; contact sheets of crops |
//! | [`confusion`] | which classes are taken for which |

pub mod confusion;
pub mod gallery;
pub mod html;
pub mod page;
