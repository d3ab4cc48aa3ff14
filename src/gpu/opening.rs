//! A device as the settings of a run say.

use super::{AdapterFacts, Choices, Family, Gpu, adapters, find};
use crate::config::{Config, Kernels, Tuned};
use crate::error::{Error, Result};
use std::sync::Arc;
use std::time::Duration;

/// Opens the adapter and kernels of the settings.
pub fn open(config: &Config) -> Result<Arc<Gpu>> {
    open_seat(config, 0)
}

/// The same for one of several processes of this machine, which take its adapters in turn where the settings name none.
pub fn open_seat(config: &Config, seat: usize) -> Result<Arc<Gpu>> {
    let adapter = match (&config.adapter, seat) {
        (None, 1..) => Some(at_seat(&adapters(), find(None)?.index, seat).to_string()),
        (adapter, _) => adapter.clone(),
    };
    let gpu = open_adapter(adapter.as_deref(), config.kernels, &config.tuned)?;
    Ok(gpu.with_submission(Duration::from_millis(config.submission_ms)))
}

/// Opens an adapter by its name or index, with a kernel family or what a tuning chose.
pub fn open_adapter(adapter: Option<&str>, kernels: Kernels, tuned: &Tuned) -> Result<Arc<Gpu>> {
    let choices = match (kernels, tuned) {
        (Kernels::Auto, Tuned::Choices(text)) => {
            Some(text.parse().map_err(|reason: String| Error::config("tuned", reason))?)
        }
        // Whether something is kept for this adapter is for whoever may read the user's files to find out.
        (Kernels::Auto, Tuned::Auto | Tuned::Off) => None,
        (Kernels::Subgroup, _) => Some(Choices::usual(Family::Subgroup)),
        (Kernels::Tile, _) => Some(Choices::usual(Family::Tile)),
        (Kernels::Direct, _) => Some(Choices::usual(Family::Direct)),
        (Kernels::Matrix, _) => Some(Choices::usual(Family::Matrix)),
    };
    Gpu::open_with(adapter, choices)
}

/// How many ranks of a machine with `seats` of them compute on the adapter of the first, at the most.
pub fn ranks_on_one(config: &Config, seats: usize) -> usize {
    if config.adapter.is_some() || seats < 2 {
        return seats;
    }
    let usual = find(None).map_or(0, |facts| facts.index);
    at_usual(&adapters(), usual, seats)
}

/// How many of `seats` processes take the usual adapter. It comes first, so no other has more.
fn at_usual(all: &[AdapterFacts], usual: usize, seats: usize) -> usize {
    (0..seats).filter(|&seat| at_seat(all, usual, seat) == usual).count()
}

/// The index of the adapter that process `seat` of this machine takes: those that are like the usual one in turn.
fn at_seat(all: &[AdapterFacts], usual: usize, seat: usize) -> usize {
    let kind = |facts: &AdapterFacts| (facts.kind.clone(), facts.backend.clone());
    let Some(first) = all.iter().find(|facts| facts.index == usual) else { return usual };
    let alike: Vec<usize> =
        all.iter().filter(|facts| kind(facts) == kind(first)).map(|facts| facts.index).collect();
    let place = alike.iter().position(|&index| index == usual).unwrap_or(0);
    alike[(place + seat) % alike.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(index: usize, kind: &str, backend: &str) -> AdapterFacts {
        AdapterFacts {
            index,
            name: "a".into(),
            kind: kind.into(),
            backend: backend.into(),
            driver: String::new(),
            compiler: None,
            software: false,
            max_buffer_bytes: 0,
            max_binding_bytes: 0,
            subgroup: None,
            int64: false,
            f16: false,
            matrix: None,
            timestamps: false,
        }
    }

    #[test]
    fn processes_of_a_machine_take_its_adapters_in_turn() {
        let all = [
            adapter(0, "integrated GPU", "Vulkan"),
            adapter(1, "discrete GPU", "Vulkan"),
            adapter(2, "discrete GPU", "DX12"),
            adapter(3, "discrete GPU", "Vulkan"),
        ];
        let seats: Vec<usize> = (0..4).map(|seat| at_seat(&all, 1, seat)).collect();
        assert_eq!(seats, [1, 3, 1, 3]);
        assert_eq!(at_seat(&all[..1], 0, 5), 0);
        let most = [1, 2, 3, 4, 5].map(|seats| at_usual(&all, 1, seats));
        assert_eq!(most, [1, 1, 2, 2, 3]);
        assert_eq!(at_usual(&all[..1], 0, 5), 5);
    }
}
