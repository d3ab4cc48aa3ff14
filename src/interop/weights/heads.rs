//! What stands on a trunk under other trainers' names, in the words of this program: the way back from the names that
//! `swav-wgpu export --names` gives.
//!
//! | here, as in SwAV's official code | MoCo's | lightly | solo-learn |
//! |---|---|---|---|
//! | `projection_head.N` | `fc.N` | `projection_head.layers.N` | `projector.N` |
//! | `predictor.N` | | `prediction_head.layers.N` | `predictor.N` |
//! | `prototypes.weight` | | `prototypes.heads.0.weight` | `prototypes.weight_g` and `_v` |
//! | `prototypes.prototypesN.weight` | | `prototypes.heads.N.weight` | `prototypes.N.weight` |
//! | `fc` (torchvision's) | | | `classifier` |

use super::super::{HostTensor, Shapes};
use std::collections::BTreeMap;

/// A perceptron with at most one hidden layer, and the paths that trainers give it.
struct Part {
    ours: &'static str,
    theirs: &'static [&'static str],
}

/// MoCo's `fc` is none of them, as elsewhere that is a classifier.
const HEAD: Part =
    Part { ours: "projection_head", theirs: &["projection_head.layers", "projection_head", "projector"] };
const PREDICTOR: Part = Part { ours: "predictor", theirs: &["prediction_head.layers", "predictor"] };

/// The networks of MoCo's official code, whose `fc` makes embeddings.
const MOCO: [&str; 2] = ["encoder_q", "encoder_k"];

/// The words that are part of a trunk's name where a head's name takes their place: `momentum_backbone` goes with
/// `momentum_projector`.
const TRUNKS: [&str; 2] = ["backbone", "encoder"];

/// Where the linear layers of a perceptron and its batch norm stand in a sequential container.
const FORMS: [(&[&str], Option<&str>); 4] =
    [(&["0.", "3."], Some("1.")), (&["0.", "2."], None), (&[""], None), (&["0."], None)];

/// The tensors of a batch norm; readers pass over its counter.
const NORM: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];

/// A trunk among the tensors of a file.
pub(super) struct Trunk<'a> {
    /// What stands before its names, the last dot included.
    pub(super) prefix: &'a str,
    /// Length of its features.
    pub(super) features: usize,
    /// Whether what stands under a path with a plain name belongs to it, and not to another network there.
    pub(super) owns: &'a dyn Fn(&str) -> bool,
}

type Names = BTreeMap<String, String>;

impl Trunk<'_> {
    /// The names in the file of all that stands on the trunk, with those of this program. A head or predictor of
    /// another form than ours keeps its names, so that the trunk alone can still be used.
    pub(super) fn heads(&self, shapes: &Shapes) -> Names {
        let mut names = self.part(&HEAD, Some(self.features), shapes);
        if names.is_empty() && MOCO.contains(&self.word()) {
            let path = format!("{}fc.", self.prefix);
            names = perceptron(shapes, &path, HEAD.ours, Some(self.features)).unwrap_or_default();
        }
        names.extend(self.part(&PREDICTOR, None, shapes));
        names.extend(self.prototypes(shapes));
        names.extend(self.classifier(shapes));
        names
    }

    /// The last word of its path.
    fn word(&self) -> &str {
        let path = self.prefix.strip_suffix('.').unwrap_or_default();
        path.rsplit('.').next().unwrap_or_default()
    }

    /// Its own path and those above it, the deepest first: what a network holds goes before what stands beside it.
    fn paths(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.prefix), |path| {
            let inner = path.strip_suffix('.')?;
            Some(&path[..inner.rfind('.').map_or(0, |dot| dot + 1)])
        })
    }

    fn part(&self, part: &Part, inputs: Option<usize>, shapes: &Shapes) -> Names {
        let word = self.word();
        let around = TRUNKS.iter().find_map(|trunk| word.split_once(trunk)).unwrap_or_default();
        for path in self.paths() {
            for theirs in part.theirs {
                let (base, layers) = theirs.split_once('.').unwrap_or((theirs, ""));
                let layers = if layers.is_empty() { String::new() } else { format!("{layers}.") };
                let called = format!("{}{base}{}", around.0, around.1);
                if called != base {
                    let found = perceptron(shapes, &format!("{path}{called}.{layers}"), part.ours, inputs);
                    if let Some(found) = found {
                        return found;
                    }
                }
                if !(self.owns)(path) {
                    continue;
                }
                let place = format!("{path}{base}.{layers}");
                let found = if *theirs == part.ours {
                    // Names as they are here are never others': what is wrong with them is told where they are used.
                    Some(under(shapes, &place, |rest| format!("{}.{rest}", part.ours)))
                } else {
                    perceptron(shapes, &place, part.ours, inputs)
                };
                if let Some(found) = found.filter(|found| !found.is_empty()) {
                    return found;
                }
            }
        }
        Names::new()
    }

    fn prototypes(&self, shapes: &Shapes) -> Names {
        let at = |path: &str| {
            let place = format!("{path}prototypes.");
            let is_set = |name: &String| {
                name.strip_prefix(&place)
                    .is_some_and(|rest| rest.starts_with("heads.") && rest.ends_with(".weight"))
            };
            let several = shapes.keys().filter(|name| is_set(name)).count() > 1;
            under(shapes, &place, |rest| format!("prototypes.{}", prototypes(rest, several)))
        };
        self.paths().map(at).find(|found| !found.is_empty()).unwrap_or_default()
    }

    /// solo-learn's linear layer from features to classes.
    fn classifier(&self, shapes: &Shapes) -> Names {
        let at = |path: &str| {
            let fits = shapes.get(&format!("{path}classifier.weight")).map(Vec::as_slice);
            matches!(fits, Some(&[_, inputs]) if inputs == self.features)
                .then(|| under(shapes, &format!("{path}classifier."), |rest| format!("fc.{rest}")))
        };
        if self.word() == "backbone" { self.paths().find_map(at).unwrap_or_default() } else { Names::new() }
    }
}

/// The tensors under a path, with new names by what follows the path.
fn under(shapes: &Shapes, path: &str, new: impl Fn(&str) -> String) -> Names {
    let name = |name: &String| Some((name.clone(), new(name.strip_prefix(path)?)));
    shapes.keys().filter_map(name).collect()
}

/// What follows `prototypes.`, in the words of this program.
fn prototypes(rest: &str, several: bool) -> String {
    let (rest, is_set) = match rest.strip_prefix("heads.") {
        Some(rest) => (rest, several),
        None => (rest.strip_prefix("layers.").unwrap_or(rest), true),
    };
    match rest.split_once('.') {
        Some((set, what)) if set.bytes().all(|byte| byte.is_ascii_digit()) => {
            if is_set {
                format!("prototypes{set}.{what}")
            } else {
                what.to_owned()
            }
        }
        _ => rest.to_owned(),
    }
}

/// The names of a perceptron under a path, where it is one of [`FORMS`] and nothing else, and reads `inputs` values.
fn perceptron(shapes: &Shapes, path: &str, ours: &str, inputs: Option<usize>) -> Option<Names> {
    let found: BTreeMap<&str, &[usize]> = shapes
        .iter()
        .filter_map(|(name, shape)| Some((name.strip_prefix(path)?, shape.as_slice())))
        .filter(|(rest, _)| !rest.ends_with("num_batches_tracked"))
        .collect();
    let (linears, _) = FORMS.iter().find(|(linears, norm)| is_form(&found, linears, *norm, inputs))?;
    // A container with a single layer is that layer.
    let single = if *linears == ["0."] { "0." } else { "" };
    Some(under(shapes, path, |rest| format!("{ours}.{}", rest.strip_prefix(single).unwrap_or(rest))))
}

fn is_form(
    found: &BTreeMap<&str, &[usize]>,
    linears: &[&str],
    norm: Option<&str>,
    mut inputs: Option<usize>,
) -> bool {
    let shape = |name: String| found.get(name.as_str()).copied();
    let mut known = 0;
    for (at, linear) in linears.iter().enumerate() {
        let Some(&[outputs, width]) = shape(format!("{linear}weight")) else { return false };
        let bias = shape(format!("{linear}bias"));
        if inputs.is_some_and(|inputs| inputs != width) || bias.is_some_and(|bias| bias != [outputs]) {
            return false;
        }
        known += 1 + usize::from(bias.is_some());
        if let (0, Some(norm)) = (at, norm) {
            let fits = |what: &&str| shape(format!("{norm}{what}")).is_some_and(|shape| shape == [outputs]);
            if !NORM.iter().all(fits) {
                return false;
            }
            known += NORM.len();
        }
        inputs = Some(outputs);
    }
    known == found.len()
}

/// Adds what other trainers leave out and this program has, none of which changes what a network computes: prototypes
/// of a length and a direction become rows, and a linear layer without a bias gets one of zeros. Prototypes have no bias
/// here, so one of zeros goes.
pub(super) fn complete(tensors: &mut BTreeMap<String, HostTensor>) {
    if let (Some(length), Some(direction)) =
        (tensors.get("prototypes.weight_g"), tensors.get("prototypes.weight_v"))
        && let Some(rows) = scaled(length, direction)
    {
        tensors.insert("prototypes.weight".to_owned(), rows);
        tensors.remove("prototypes.weight_g");
        tensors.remove("prototypes.weight_v");
    }
    let shapes: Shapes = tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape.clone())).collect();
    for part in [HEAD.ours, PREDICTOR.ours] {
        // Of another form, a head must not become one of ours by being added to.
        if perceptron(&shapes, &format!("{part}."), part, None).is_none() {
            continue;
        }
        for linear in ["", ".0", ".2", ".3"] {
            if let Some([outputs, _]) = shapes.get(&format!("{part}{linear}.weight")).map(Vec::as_slice) {
                let zeros = || HostTensor::new([*outputs], vec![0.0; *outputs]);
                tensors.entry(format!("{part}{linear}.bias")).or_insert_with(zeros);
            }
        }
    }
    let idle = |name: &str, tensor: &HostTensor| {
        name.starts_with("prototypes.")
            && name.ends_with("bias")
            && tensor.data.iter().all(|&value| value == 0.0)
    };
    tensors.retain(|name, tensor| !idle(name, tensor));
}

/// Rows of the lengths `[K, 1]` and directions `[K, D]` of PyTorch's `weight_norm`.
fn scaled(length: &HostTensor, direction: &HostTensor) -> Option<HostTensor> {
    let &[rows, columns] = direction.shape.as_slice() else { return None };
    if length.data.len() != rows || columns == 0 {
        return None;
    }
    let row = |(row, &wanted): (&[f32], &f32)| {
        let norm = row_length(row);
        // Of the length that it has already, to the precision of the file: the same bits.
        let factor = if norm as f32 == wanted { 1.0 } else { f64::from(wanted) / norm };
        row.iter().map(move |&value| (f64::from(value) * factor) as f32).collect::<Vec<_>>()
    };
    let data = direction.data.chunks_exact(columns).zip(&length.data).flat_map(row).collect();
    Some(HostTensor::new([rows, columns], data))
}

/// The Euclidean length of a row.
#[must_use]
pub fn row_length(row: &[f32]) -> f64 {
    row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_length_and_a_direction_are_weights() {
        let direction = HostTensor::new([3, 2], vec![3.0, 4.0, 0.0, 0.5, 6.0, 8.0]);
        let rows = scaled(&HostTensor::new([3, 1], vec![10.0, 2.0, 10.0]), &direction).unwrap();
        assert_eq!((rows.shape, rows.data), (vec![3, 2], vec![6.0, 8.0, 0.0, 2.0, 6.0, 8.0]));
        assert!(scaled(&HostTensor::new([2, 1], vec![1.0, 1.0]), &direction).is_none());
    }

    #[test]
    fn a_bias_is_added_where_one_is_due_and_only_there() {
        let tensor = |shape: &[usize], value: f32| {
            HostTensor::new(shape.to_vec(), vec![value; shape.iter().product()])
        };
        let mut tensors: BTreeMap<String, HostTensor> = [
            ("projection_head.0.weight", tensor(&[4, 6], 1.0)),
            ("projection_head.1.weight", tensor(&[4], 1.0)),
            ("projection_head.1.bias", tensor(&[4], 1.0)),
            ("projection_head.1.running_mean", tensor(&[4], 1.0)),
            ("projection_head.1.running_var", tensor(&[4], 1.0)),
            ("projection_head.3.weight", tensor(&[2, 4], 1.0)),
            ("projection_head.3.bias", tensor(&[2], 7.0)),
            ("predictor.0.weight", tensor(&[4, 2], 1.0)),
            ("predictor.2.weight", tensor(&[4, 4], 1.0)),
            ("predictor.4.weight", tensor(&[2, 4], 1.0)),
            ("prototypes.weight", tensor(&[5, 2], 1.0)),
            ("prototypes.bias", tensor(&[5], 0.0)),
            ("prototypes.prototypes1.bias", tensor(&[5], 0.5)),
        ]
        .into_iter()
        .map(|(name, tensor)| (name.to_owned(), tensor))
        .collect();
        complete(&mut tensors);
        assert_eq!(tensors["projection_head.0.bias"], tensor(&[4], 0.0));
        assert_eq!(tensors["projection_head.3.bias"].data, [7.0, 7.0]);
        assert!(!tensors.contains_key("prototypes.bias"));
        assert!(!tensors.contains_key("predictor.0.bias"), "of another form than ours");
        assert!(tensors.contains_key("prototypes.prototypes1.bias"), "it says something");
    }
}
