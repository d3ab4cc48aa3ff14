//! What is done with a trained network.
//!
//! | file | what |
//! |---|---|
//! | [`embed`] | features of pictures, to files |
//! | [`sort`] | pictures into folders of look-alikes |
//! | [`duplicates`] | pictures that are the same, or nearly |
//! | [`export`] | weights for other programs |
//! | [`contact`] | pictures with their crops, and what a network says of each, for a contact sheet |
//! | [`report`] | a run on one page |
//! | [`references`] | curves of recipes that were run to their end, to hold one's own beside |

pub mod contact;
pub mod duplicates;
pub mod embed;
pub mod export;
pub mod references;
pub mod report;
pub mod sort;
