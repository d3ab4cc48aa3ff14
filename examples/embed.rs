//! Uses a trained network in one's own program: embeds pictures and asks for their prototypes.
//!
//! ```sh
//! cargo run --release --example embed -- runs/demo-1 cat.jpg dog.jpg
//! ```
//! The first argument is a run folder or a file of weights: of this program, of the official code, or a
//! torchvision ResNet.

use std::path::Path;
use swav_wgpu::Model;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [weights, pictures @ ..] = arguments.as_slice() else {
        return Err("usage: embed RUN|FILE PICTURE…".into());
    };
    let model = Model::load(Path::new(weights))?;
    println!("{}", model.describe());
    let mut first: Option<Vec<f32>> = None;
    for picture in pictures {
        let seen = model.embed(&image::open(picture)?.into_rgb8().into())?;
        let first = first.get_or_insert_with(|| seen.features.clone());
        println!("{picture}: cosine to the first picture {:.3}", cosine(first, &seen.features));
        if let Some((prototype, similarity)) = seen.prototype {
            println!("  prototype {prototype} of {} (cosine {similarity:.3})", model.prototype_count());
        }
    }
    Ok(())
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-12)
}
