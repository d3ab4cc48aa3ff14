//! The devices that the tests run on.

use std::sync::{Arc, OnceLock};
use swav_wgpu::gpu::Gpu;

/// One device for each family that the best adapter runs, the same for all that ask.
pub(crate) fn shared_devices() -> &'static [Arc<Gpu>] {
    static DEVICES: OnceLock<Vec<Arc<Gpu>>> = OnceLock::new();
    DEVICES.get_or_init(devices)
}

/// One device for each family that the best adapter runs.
pub(crate) fn devices() -> Vec<Arc<Gpu>> {
    let usual = Gpu::open(None, None).expect("an adapter; `make test` installs one");
    let families = usual.facts().families().into_iter();
    families.map(|family| Gpu::open(None, Some(family)).expect("the adapter runs this family")).collect()
}
