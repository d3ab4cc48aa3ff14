//! The figures of a step in one small tensor. Twin of `report.wgsl`.

use super::{loss_scale, shader};
use crate::error::Result;
use crate::gpu::{Grid, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const SHADER: [Shader; 2] =
    [shader!("report.wgsl" + "scale.none.wgsl", true), shader!("report.wgsl" + "scale.dynamic.wgsl", true)];

shader_params! {
    struct Params { loss_rows: u32, code_rows: u32, parameters: u32, batch: u32, embedding_quads: u32 }
}

/// The report's layout, as numbers of floats.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Rows of codes; their best prototypes start at float [`Layout::BEST`].
    pub code_rows: usize,
    /// Length of an embedding; the mean embedding follows, at a multiple of four.
    pub embedding: usize,
}

impl Layout {
    /// The sum of the second channel of the losses.
    pub const ACCURACY: usize = 8;
    /// First float of the best prototypes.
    pub const BEST: usize = 12;

    /// First float of the mean embedding.
    #[must_use]
    pub fn mean_at(&self) -> usize {
        Self::BEST + self.code_rows.div_ceil(4) * 4
    }
}

/// Gathers loss rows, code figures where there are codes, parameter norms, the mean embedding of crop 0, and what
/// [`loss_scale::adjust`] left in `scale`.
///
/// # Errors
/// A shader or limit error.
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
    let kernel = plan.gpu().kernel(loss_scale::form(&SHADER, scale), "summarize", &[])?;
    let params = Params {
        loss_rows: loss.shape.rows(),
        code_rows,
        parameters: norms.shape.rows(),
        batch,
        embedding_quads: z.shape.quads(),
    };
    let tensors =
        [loss, figures.unwrap_or(loss), norms, z, &report].into_iter().chain(scale).collect::<Vec<_>>();
    plan.dispatch(&kernel, Grid([1, 1, 1]), params, &tensors)?;
    Ok((report, layout))
}
