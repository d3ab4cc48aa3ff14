//! From files to batches of crops: sources of pictures, decoding, the multi-crop augmentation, and
//! the worker threads that do all of it while the device computes.
//!
//! Why apart: nothing here knows a device, so a batch can be made, tested and looked at without a GPU, and it
//! depends on nothing but the pictures and the seed; only `configured` knows settings by name. Every crop
//! draws from its own counter-based stream, so the number of threads and a restart change no bit.
//!
//! | file | what |
//! |---|---|
//! | [`configured`] | pictures and crops as the settings of a run say |
//! | `dataset` | [`Dataset`]: pictures, labels where there are any, splits for evaluation |
//! | `split` | [`Split`]: which labelled pictures vote and which ask |
//! | `content` | what a source gives of a picture; the trait that a source implements |
//! | `source` | [`Source`]: one file a kind, and which one a path holds; [`LabelFile`]: labels to judge by |
//! | `decode` | [`Reading`]: bytes to 8-bit RGB, with limits; one file for each format that needs it |
//! | `pages` | some pictures of a source, or each page of its files |
//! | `guard` | readers of strangers' files, which may panic |
//! | `fingerprint` | [`Looks`], [`contents()`]: whether two pictures are the same |
//! | `picture` | [`Picture`]: decoded samples of any number of channels, and how a person is shown them |
//! | `scan` | [`Survey`]: sizes, channels, means and deviations, and what cannot be read |
//! | `augment` | [`Augment`]: how crops are drawn; [`CropParams`]: what was drawn for one crop |
//! | `crop` | the box of a random resized crop |
//! | `resize`, `colour`, `blur` | the steps of rendering, each on planes of `f32` |
//! | `view` | [`render`] and [`evaluation_view`]: the whole way from picture to normalised pixels |
//! | `showcase` | [`Showcase`]: all crops of one picture with what was drawn, to look at |
//! | `packed` | [`Packed`]: pictures as bytes with the draws of their crops, for a renderer elsewhere |
//! | [`spread`] | some of many pictures, evenly |
//! | `simd` | loops for the widest vectors of the processor |
//! | `trial` | [`Trial`]: a batch of a few pictures again and again, to time who makes crops |
//! | `order` | which picture stands where in an epoch, and what replaces an unreadable one |
//! | `loader` | [`Loader`]: batches in order, from worker threads, in bounded memory; `make` makes one |
//!
//! To add a source: one file that makes a `Table` (labels, parts of the set, and something that gives the
//! bytes of picture `i`), and one arm each in `source::open` and `source::look`.

mod augment;
mod blur;
mod colour;
pub mod configured;
mod content;
mod crop;
mod dataset;
mod decode;
mod fingerprint;
mod guard;
mod loader;
mod order;
mod packed;
mod pages;
mod picture;
mod resize;
mod scan;
mod showcase;
mod simd;
mod source;
mod split;
pub mod spread;
#[cfg(test)]
mod testing;
mod trial;
mod view;

pub use augment::{Adjustment, Augment, CropGroup, CropParams};
pub use crop::CropBox;
pub use dataset::{Dataset, Original, Split};
pub use decode::{Decoded, Detail, Reading, decode_file};
pub use fingerprint::{Contents, Look, Looks, contents};
pub use guard::hush_guarded_panics;
pub use loader::{Batch, Loader, LoaderSpec};
pub use packed::{Packed, PackedCrop, Part, Rendered, Room};
pub use picture::{FIRST_BANDS, Picture, Shown};
pub use scan::Survey;
pub use showcase::{Showcase, View};
pub use source::{LabelFile, Selection, Source, embedded::ATTRIBUTION, is_there};
pub use trial::Trial;
pub use view::{evaluation_view, padded, render};
