//! How the tensors of a file and a network go together.

use std::collections::BTreeMap;
use std::fmt;

use super::NetworkSpec;
use crate::interop::HostTensor;

/// Shapes of tensors by name.
type Shapes = BTreeMap<String, Vec<usize>>;

/// How a file's tensors and those of a network go together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fit {
    /// Tensors that are there in the right shape.
    pub fitting: usize,
    /// Tensors that the network wants and the file has not.
    pub missing: Vec<String>,
    /// Tensors of another shape, with both.
    pub unfitting: Vec<String>,
    /// Tensors that the network has no use for.
    pub unused: Vec<String>,
}

impl Fit {
    /// Whether the network has all that it wants.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.unfitting.is_empty()
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (what, names) in
            [("missing", &self.missing), ("of another shape", &self.unfitting), ("not used", &self.unused)]
        {
            if !names.is_empty() {
                parts.push(format!("{what}: {}", names.join(", ")));
            }
        }
        write!(
            f,
            "{} tensors fit{}{}",
            self.fitting,
            if parts.is_empty() { "" } else { "; " },
            parts.join("; ")
        )
    }
}

impl NetworkSpec {
    /// How the tensors of a file differ from those that this network wants.
    #[must_use]
    pub fn compare(&self, found: &BTreeMap<String, HostTensor>) -> Fit {
        let wanted: Shapes = self.tensors().into_iter().collect();
        let mut fit = Fit::default();
        for (name, shape) in &wanted {
            match found.get(name) {
                None => fit.missing.push(name.clone()),
                Some(tensor) if tensor.shape != *shape => {
                    fit.unfitting.push(format!("{name} ({:?}, wanted {shape:?})", tensor.shape));
                }
                Some(_) => fit.fitting += 1,
            }
        }
        // PyTorch's counters serve nothing here.
        let strange = |name: &&String| !wanted.contains_key(*name) && !name.ends_with("num_batches_tracked");
        fit.unused = found.keys().filter(strange).cloned().collect();
        fit
    }
}
