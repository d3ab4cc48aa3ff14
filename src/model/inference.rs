//! A network that is only used: weights and the evaluation plan, without gradients and optimiser.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::evaluation::{self, Looking};
use super::network::NetworkSpec;
use super::store::Store;
use crate::config::Readout;
use crate::error::{Error, Result};
use crate::eval::Features;
use crate::gpu::{Arena, Gpu, Plan, Replay, Session, Shape, Usage};
use crate::interop::HostTensor;

/// Views that go through the network together, at most, and pixels of them.
const VIEWS: u32 = 64;
const PIXELS: u32 = 16 * 224 * 224;

/// How many views of a size go through a network together.
#[must_use]
pub fn views_at_once(height: u32, width: u32) -> u32 {
    (PIXELS / (height * width).max(1)).clamp(1, VIEWS)
}

/// What a network says of views, a row each.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Features of the trunk, as the network's [`Readout`] says.
    pub features: Features,
    /// Embeddings of unit length, where there is a head.
    pub embeddings: Option<Features>,
    /// Dot products with the prototypes as they are stored, where there are some.
    pub similarities: Option<Features>,
}

/// A network on the device, in evaluation mode.
#[derive(Debug)]
pub struct Inference {
    session: Session,
    store: Store,
    replay: Replay,
    looking: Looking,
    spec: NetworkSpec,
    readout: Readout,
}

impl Inference {
    /// A network with the random weights of `seed`, for views of `[height, width]` pixels and the features of `readout`.
    ///
    /// # Errors
    /// A network that does not fit the adapter; what the driver reports.
    pub fn untrained(
        gpu: &Arc<Gpu>,
        spec: &NetworkSpec,
        view: [u32; 2],
        readout: Readout,
        seed: u64,
    ) -> Result<Self> {
        let this = Self::record(gpu, spec, view, readout)?;
        this.store.initialize(&this.session, seed)?;
        Ok(this)
    }

    /// Without weights yet.
    fn record(
        gpu: &Arc<Gpu>,
        spec: &NetworkSpec,
        [height, width]: [u32; 2],
        readout: Readout,
    ) -> Result<Self> {
        let facts = gpu.facts();
        let readout = spec.trunk.fitting(spec.stem, readout, height.min(width) as usize);
        let mut store = Store::new(facts.max_binding_bytes.min(facts.max_buffer_bytes));
        let (trunk, projection) = spec.declare(&mut store);
        let arena = Arc::new(Arena::default());
        store.lease(&arena, 0);
        let mut plan = Plan::new(gpu, &arena);
        let at_once = views_at_once(height, width);
        let views = Shape::pictures(at_once, height, width, spec.channels as u32);
        let views = arena.lease(views, Usage::Storage, "views");
        let looking = evaluation::record(&mut plan, &store, &trunk, projection.as_ref(), views, readout)?;
        let session = Session::allocate(gpu, &arena)?;
        let replay = session.bind(plan)?;
        Ok(Self { session, store, replay, looking, spec: *spec, readout })
    }

    /// A network with the weights of a file, all of which must be there.
    ///
    /// # Errors
    /// As [`Inference::untrained`]; weights that are missing or of another shape, listed. `path` is the file,
    /// for the message.
    pub fn new(
        gpu: &Arc<Gpu>,
        spec: &NetworkSpec,
        view: [u32; 2],
        readout: Readout,
        path: &Path,
        tensors: &BTreeMap<String, HostTensor>,
    ) -> Result<Self> {
        let fit = spec.compare(tensors);
        if !fit.is_complete() {
            let reason = format!("its weights are not those of a ResNet ({spec}): {fit}");
            return Err(Error::Checkpoint { path: path.to_owned(), reason });
        }
        let this = Self::record(gpu, spec, view, readout)?;
        this.store.import(&this.session, tensors)?;
        Ok(this)
    }

    /// What the network consists of.
    #[must_use]
    pub fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    /// What of the trunk the features are: what was asked for, as far as the network and these views have it.
    #[must_use]
    pub fn readout(&self) -> Readout {
        self.readout
    }

    /// The device that it runs on.
    #[must_use]
    pub fn gpu(&self) -> &Arc<Gpu> {
        self.session.gpu()
    }

    /// What the network says of `n` views, each `[height, width, 4·quads]` normalised pixels.
    pub fn look(&self, views: &[f32], n: usize) -> Result<Seen> {
        let Looking { views: into, features, embeddings, similarities } = &self.looking;
        let wanted: Vec<_> =
            [Some(features), embeddings.as_ref(), similarities.as_ref()].into_iter().flatten().collect();
        let mut found = evaluation::look(&self.session, &self.replay, into, views, n, &wanted)?.into_iter();
        Ok(Seen {
            features: found.next().unwrap_or_default(),
            embeddings: embeddings.as_ref().and_then(|_| found.next()),
            similarities: similarities.as_ref().and_then(|_| found.next()),
        })
    }

    /// The prototypes as they are stored, `[K, D]`.
    ///
    /// # Errors
    /// What the driver reports. `None` where there are none.
    pub fn prototypes(&self) -> Result<Option<Features>> {
        let found = self.store.export_one(&self.session, "prototypes.weight")?;
        found.map(|tensor| Features::new(tensor.shape[0], tensor.shape[1], tensor.data)).transpose()
    }

    /// All weights and running estimates, under torchvision's names.
    pub fn export(&self) -> Result<BTreeMap<String, HostTensor>> {
        self.store.export(&self.session)
    }
}
