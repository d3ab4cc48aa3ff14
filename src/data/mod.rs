//! From files to batches of crops: sources of pictures, decoding, the multi-crop augmentation, and
//! the worker threads that do all of it while the device computes.
//!
//! Why apart: nothing here knows a device or a setting's name, so a batch can be made, tested and
//! looked at without a GPU, and it depends on nothing but the pictures and the seed. Every crop
//! draws from its own counter-based stream, so the number of threads and a restart change no bit.
//!
//! | file | what |
//! |---|---|
//! | `dataset` | [`Dataset`]: pictures, labels where there are any, splits for evaluation; the trait that a source implements |
//! | `embedded`, `folder` | one file a source: the pictures compiled in, a folder of picture files |
//! | `layout` | what the folders of a folder mean: classes, train and test |
//! | `decode` | bytes to 8-bit RGB, with limits |
//! | `augment` | [`Augment`]: how crops are drawn; [`CropParams`]: what was drawn for one crop |
//! | `crop` | the box of a random resized crop |
//! | `resize`, `colour`, `blur` | the steps of rendering, each on planes of `f32` |
//! | `view` | [`render`] and [`evaluation_view`]: the whole way from picture to normalised pixels |
//! | `showcase` | [`Showcase`]: all crops of one picture with what was drawn, to look at |
//! | `order` | which picture stands where in an epoch, and what replaces an unreadable one |
//! | `loader` | [`Loader`]: batches in order, from worker threads, in bounded memory |
//!
//! To add a source: one file that makes a `Listing` (names, labels, splits, and something that
//! decodes picture `i`), and one arm in [`Dataset::open`].

mod augment;
mod blur;
mod colour;
mod crop;
mod dataset;
mod decode;
mod embedded;
mod folder;
mod layout;
mod loader;
mod order;
mod resize;
mod showcase;
#[cfg(test)]
mod testing;
mod view;

pub use augment::{Adjustment, Augment, CropGroup, CropParams};
pub use crop::CropBox;
pub use dataset::{Dataset, Split};
pub use decode::from_file as decode_file;
pub use embedded::ATTRIBUTION;
pub use loader::{Batch, Loader, LoaderSpec};
pub use showcase::{Showcase, View};
pub use view::{evaluation_view, render};
