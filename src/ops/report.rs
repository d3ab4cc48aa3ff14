//! The figures of a step in one small tensor. Twin of `report.wgsl`.

use super::{scaled, shader};
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const SHADER: [Shader; 2] = [
    shader!("report.wgsl" + "scale.none.wgsl", true),
    shader!("report.wgsl" + "scale.state.wgsl" + "scale.dynamic.wgsl", true),
];

shader_params! {
    struct Params { loss_rows: u32, code_rows: u32, parameters: u32, batch: u32, embedding_quads: u32 }
}

shader_params! {
    /// What a report begins with; rows of quads follow.
    pub struct Report {
        /// The loss, nats.
        loss: f32,
        /// Mean entropy of the codes, nats.
        code_entropy: f32,
        /// Norm of all gradients.
        gradient_norm: f32,
        /// Gradient values that are not finite.
        non_finite: f32,
        /// Index of the first parameter with one, -1 where there is none.
        first_bad: f32,
        /// The loss scale, 0 where there is none.
        scale: f32,
        /// 1 where the step was skipped.
        skipped: f32,
        /// Skipped steps in all.
        skipped_steps: f32,
        /// The sum of the second channel of the losses.
        answers: f32,
        /// Not used.
        unused0: f32,
        /// Not used.
        unused1: f32,
        /// Not used.
        unused2: f32,
    }
}

/// The rows of a report.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Rows of codes, whose best prototypes come first, as many floats.
    pub code_rows: usize,
    /// Length of an embedding; the mean embedding follows, at a multiple of four floats.
    pub embedding: usize,
}

impl Layout {
    /// First float of the best prototypes.
    pub const BEST: usize = size_of::<Report>() / size_of::<f32>();

    /// First float of the mean embedding.
    #[must_use]
    pub fn mean_at(&self) -> usize {
        Self::BEST + self.code_rows.div_ceil(4) * 4
    }

    /// The figures of a report.
    ///
    /// # Panics
    /// Where it is shorter than they are.
    #[must_use]
    pub fn figures(values: &[f32]) -> Report {
        bytemuck::pod_read_unaligned(bytemuck::cast_slice(&values[..Self::BEST]))
    }
}

/// Gathers loss rows, code figures where there are codes, parameter norms, the mean embedding of crop 0, and what
/// [`super::loss_scale::adjust`] left in `scale`.
pub fn summarize(
    plan: &mut Plan,
    loss: &Tensor,
    figures: Option<&Tensor>,
    norms: &Tensor,
    z: &Tensor,
    batch: u32,
    scale: Option<&Tensor>,
) -> Result<(Tensor, Layout)> {
    let code_rows = figures.map_or(0, |figures| figures.shape.rows());
    let layout = Layout { code_rows: code_rows as usize, embedding: z.shape.channels as usize };
    let floats = layout.mean_at() as u32 + z.shape.quads() * 4;
    let report = plan.lease(Shape::matrix(1, floats));
    let kernel = plan.gpu().kernel(scaled(&SHADER, scale), "summarize", &[])?;
    let params = Params {
        loss_rows: loss.shape.rows(),
        code_rows,
        parameters: norms.shape.rows(),
        batch,
        embedding_quads: z.shape.quads(),
    };
    let tensors =
        [loss, figures.unwrap_or(loss), norms, z, &report].into_iter().chain(scale).collect::<Vec<_>>();
    let embedding = u64::from(params.embedding_quads.div_ceil(64)) * u64::from(batch + 2);
    plan.loops(embedding + u64::from((params.loss_rows + code_rows + params.parameters).div_ceil(32)));
    plan.dispatch(&kernel, Grid([1, 1, 1]), params, &tensors)?;
    Ok((report, layout))
}
