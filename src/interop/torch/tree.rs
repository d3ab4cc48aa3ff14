//! The tensors of a pickle, wherever in its dicts and modules they stand.
//!
//! Every trainer nests the weights in words of its own (`state_dict`, `student`, `classy_state_dict.base_model.model`,
//! `net`, …), and so nothing here knows such words: each tensor is named by the path of keys to it.

use crate::pickle::Item;

/// Keys on the way to a tensor, at most: real files have up to ten.
const DEEPEST: usize = 24;
/// Objects that are looked at, at most; a file that shares its parts can name the same ones without end.
const MOST_LOOKS: usize = 1 << 20;

/// The parts of a pickled `nn.Module` that hold tensors or other modules. None of them is in the names of a state dict.
const MODULE: [&str; 3] = ["_parameters", "_buffers", "_modules"];

/// Every tensor below `root` by the path to it, keys joined by dots.
pub(super) fn tensors<'p>(root: Item<'p>, is_tensor: impl Fn(Item<'p>) -> bool) -> Vec<(String, Item<'p>)> {
    let mut walk = Walk { is_tensor, found: Vec::new(), looks: 0 };
    walk.visit(root, "", 0);
    walk.found
}

struct Walk<'p, F> {
    is_tensor: F,
    found: Vec<(String, Item<'p>)>,
    looks: usize,
}

impl<'p, F: Fn(Item<'p>) -> bool> Walk<'p, F> {
    fn visit(&mut self, item: Item<'p>, path: &str, depth: usize) {
        self.looks += 1;
        if depth > DEEPEST || self.looks > MOST_LOOKS {
            return;
        }
        if (self.is_tensor)(item) {
            self.found.push((path.to_owned(), item));
        } else if let Some(entries) = item.entries() {
            for (key, value) in entries {
                let key =
                    key.text().map(str::to_owned).or_else(|| key.int().map(|number| number.to_string()));
                let Some(key) = key else { continue };
                let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                self.visit(value, &path, depth + 1);
            }
        } else if let Some(state) = item.state() {
            for part in MODULE.iter().filter_map(|part| state.get(part)) {
                self.visit(part, path, depth + 1);
            }
        }
    }
}
