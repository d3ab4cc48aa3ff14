//! The golden files: inputs and expected outputs made with PyTorch, read by their manifest.
//!
//! The manifest alone says which files, cases, tensors and tolerances there are, so the same tests run on any
//! folder of this format: set `SWAV_GOLDEN` to use another one than `tests/golden`.

mod compare;

use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

/// A shape and its values. Integer tensors are widened: `f32` holds all that the files store.
pub(crate) type Values = (Vec<usize>, Vec<f32>);

#[derive(Deserialize)]
struct Manifest {
    files: BTreeMap<String, FileSpec>,
}

#[derive(Deserialize)]
struct FileSpec {
    cases: BTreeMap<String, CaseSpec>,
}

#[derive(Deserialize)]
struct CaseSpec {
    #[serde(default)]
    attrs: Value,
    tensors: BTreeMap<String, TensorSpec>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Input,
    Expected,
    Informative,
}

/// What the manifest says of one tensor.
#[derive(Deserialize)]
pub(crate) struct TensorSpec {
    /// The shape as stored; of a sampled tensor that is the sample's.
    pub(crate) shape: Vec<usize>,
    pub(crate) role: Role,
    atol: Option<f64>,
    #[serde(default)]
    rtol: f64,
    #[serde(default)]
    exact: bool,
    /// Every `flat_stride`-th element of the full tensor is stored.
    #[serde(default)]
    sampled: bool,
    flat_stride: Option<usize>,
    full_shape: Option<Vec<usize>>,
    /// For 8-bit images: the largest difference in levels, and the largest mean one.
    max_level_diff: Option<f64>,
    mean_level_diff: Option<f64>,
}

pub(crate) struct Golden {
    folder: PathBuf,
    manifest: Manifest,
    bytes: BTreeMap<String, OnceLock<Vec<u8>>>,
}

impl Golden {
    /// Reads the manifest; the tensors are read when first asked for.
    pub(crate) fn open() -> Self {
        let folder = std::env::var_os("SWAV_GOLDEN")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden"), PathBuf::from);
        let path = folder.join("manifest.json");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let manifest: Manifest =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let bytes = manifest.files.keys().map(|f| (f.clone(), OnceLock::new())).collect();
        Self { folder, manifest, bytes }
    }

    /// All cases of the files whose name starts with `group`, in the order of their names. A group without any
    /// is an error: a test that compares nothing must not pass.
    pub(crate) fn cases(&self, group: &str) -> Vec<Case<'_>> {
        let files = self.manifest.files.iter().filter(|(file, _)| file.starts_with(group));
        let cases: Vec<_> = files
            .flat_map(|(file, spec)| spec.cases.iter().map(|(name, case)| self.make_case(file, name, case)))
            .collect();
        assert!(!cases.is_empty(), "{} has no case in group {group}", self.folder.display());
        cases
    }

    fn make_case<'g>(&'g self, file: &'g str, name: &'g str, spec: &'g CaseSpec) -> Case<'g> {
        Case { golden: self, file, name, attrs: &spec.attrs, tensors: &spec.tensors }
    }

    /// Every tensor of every case in `files`, by tensor name: how a run's weights and crops are stored.
    pub(crate) fn gather(&self, files: &[&str]) -> BTreeMap<String, Values> {
        let of_file =
            |file: &&str| self.cases(file).into_iter().filter(|c| c.file == *file).collect::<Vec<_>>();
        let cases: Vec<_> = files.iter().flat_map(of_file).collect();
        cases.iter().flat_map(|c| c.tensors.keys().map(|t| (t.clone(), c.input(t)))).collect()
    }

    fn load(&self, file: &str) -> SafeTensors<'_> {
        let path = self.folder.join(file);
        let read = || std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        SafeTensors::deserialize(self.bytes[file].get_or_init(read))
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }
}

/// One case: a named set of inputs and expected outputs.
#[derive(Clone, Copy)]
pub(crate) struct Case<'g> {
    golden: &'g Golden,
    pub(crate) file: &'g str,
    pub(crate) name: &'g str,
    pub(crate) attrs: &'g Value,
    pub(crate) tensors: &'g BTreeMap<String, TensorSpec>,
}

impl<'g> Case<'g> {
    fn spec(&self, tensor: &str) -> &'g TensorSpec {
        self.tensors.get(tensor).unwrap_or_else(|| panic!("{} has no tensor {tensor}", self.label()))
    }

    pub(crate) fn label(&self) -> String {
        format!("{}: {}", self.file, self.name)
    }

    pub(crate) fn has(&self, tensor: &str) -> bool {
        self.tensors.contains_key(tensor)
    }

    /// The stored values, whatever the role.
    pub(crate) fn input(&self, tensor: &str) -> Values {
        let (file, key) = (self.golden.load(self.file), format!("{}/{tensor}", self.name));
        let view = file.tensor(&key).unwrap_or_else(|e| panic!("{}: {key}: {e}", self.file));
        assert_eq!(view.shape(), self.spec(tensor).shape, "{}: {key}: manifest and file disagree", self.file);
        let data = match view.dtype() {
            Dtype::F32 => view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Dtype::I32 => view.data().as_chunks().0.iter().map(|b| i32::from_le_bytes(*b) as f32).collect(),
            Dtype::U8 => view.data().iter().map(|&b| f32::from(b)).collect(),
            other => panic!("{}: {key}: no reader for {other:?}", self.file),
        };
        (view.shape().to_vec(), data)
    }

    /// An input that may be stored as all NaN, which means that it is absent (a gradient that is `None`).
    pub(crate) fn optional_input(&self, tensor: &str) -> Option<Values> {
        let values = self.input(tensor);
        (!values.1.iter().all(|v| v.is_nan())).then_some(values)
    }

    /// The names of what the case expects. The `#sum_l2` companions are left out: the comparison of the tensor
    /// that they belong to looks at them.
    pub(crate) fn expected(&self) -> impl Iterator<Item = &'g str> + use<'g> {
        let wanted =
            |(name, spec): &(&String, &TensorSpec)| spec.role == Role::Expected && !name.contains('#');
        self.tensors.iter().filter(wanted).map(|(name, _)| name.as_str())
    }

    /// Another case of the same file.
    pub(crate) fn sibling(&self, name: &str) -> Option<Case<'g>> {
        let (name, spec) = self.golden.manifest.files[self.file].cases.get_key_value(name)?;
        Some(self.golden.make_case(self.file, name, spec))
    }

    /// A case of a file that shares this one's name up to the last `_` (a run's parts are spread over files).
    pub(crate) fn relative(&self, name: &str) -> Option<Case<'g>> {
        let stem = self.file.rfind('_').map_or(self.file, |end| &self.file[..=end]);
        let golden: &'g Golden = self.golden;
        golden.cases(stem).into_iter().find(|case| case.name == name)
    }

    fn attr(&self, name: &str) -> &'g Value {
        let pointer = format!("/{}", name.replace('.', "/"));
        self.attrs.pointer(&pointer).unwrap_or_else(|| panic!("{} has no attribute {name}", self.label()))
    }

    /// A number among the attributes; a dot goes one level down (`hyper.eps`).
    pub(crate) fn number(&self, name: &str) -> f64 {
        self.attr(name).as_f64().unwrap_or_else(|| panic!("{}: {name} is not a number", self.label()))
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.attr(name).as_u64().unwrap_or_else(|| panic!("{}: {name} is not a count", self.label())) as usize
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.attr(name).as_bool().unwrap_or_else(|| panic!("{}: {name} is not a truth value", self.label()))
    }

    pub(crate) fn text(&self, name: &str) -> &'g str {
        self.attr(name).as_str().unwrap_or_else(|| panic!("{}: {name} is not a text", self.label()))
    }

    fn list(&self, name: &str) -> &'g [Value] {
        self.attr(name).as_array().unwrap_or_else(|| panic!("{}: {name} is not a list", self.label()))
    }

    pub(crate) fn numbers(&self, name: &str) -> Vec<f64> {
        self.list(name).iter().filter_map(Value::as_f64).collect()
    }

    pub(crate) fn counts(&self, name: &str) -> Vec<usize> {
        self.list(name).iter().filter_map(Value::as_u64).map(|v| v as usize).collect()
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<&'g str> {
        self.list(name).iter().filter_map(Value::as_str).collect()
    }
}
