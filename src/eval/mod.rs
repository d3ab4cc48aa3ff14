//! Mathematics on features of the host: nearest neighbours, clusters, projections and scores.
//!
//! One rule for all that is compared: the same neighbours, votes and centring for the trained
//! network, the untrained one and raw pixels, because each of these choices moves the figures more
//! than training does on a small budget.

pub mod cluster;
pub mod codes;
pub mod kmeans;
pub mod knn;
pub mod likeness;
pub mod pixels;
pub mod projection;
pub mod score;
pub mod tsne;
mod vectors;

pub use knn::Near;
pub use vectors::Features;
