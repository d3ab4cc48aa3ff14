//! WGSL files and what naga says of them.

use super::method::Family;
use super::tensor::Element;
use crate::error::{Error, Result};

/// One WGSL file. Helpers are appended after it, so that error lines stay those of the file.
#[derive(Clone, Copy, Debug)]
pub struct Shader {
    /// File name under `shaders/`.
    pub file: &'static str,
    /// Its text.
    pub text: &'static str,
    /// Shared helpers, appended in this order: file name under `shaders/shared/`, and text.
    pub shared: &'static [(&'static str, &'static str)],
    /// True where every adapter can run it: within WebGPU's default limits, no subgroup operations, no words of
    /// 64 bits.
    pub portable: bool,
}

impl Shader {
    /// The file and its helpers: the whole text that is compiled.
    #[must_use]
    pub fn source(&self) -> String {
        let mut source = self.text.to_owned();
        for (_, text) in self.shared {
            source.push('\n');
            source.push_str(text);
        }
        source
    }

    /// The file's name with those of its helpers; no two shaders have the same.
    #[must_use]
    pub fn name(&self) -> String {
        self.shared.iter().fold(self.file.to_owned(), |name, (helper, _)| name + "+" + helper)
    }

    /// The family that alone runs it, which its file's name says; `None` for what all of them run.
    #[must_use]
    pub fn family(&self) -> Option<Family> {
        self.file.split('.').find_map(|word| word.parse().ok())
    }

    /// The names of the entry points, in the order of the file.
    ///
    /// # Errors
    /// `Error::Shader` where the text is no WGSL.
    pub fn entry_points(&self) -> Result<Vec<String>> {
        let module = self.parse("-")?;
        Ok(module.entry_points.into_iter().map(|entry| entry.name).collect())
    }

    /// The names of its kernels: `file/entry point`, with `.f16` where it sees half precision. Those of a
    /// form for half precision that see none are the same as in the other form, and left out.
    ///
    /// # Errors
    /// `Error::Shader` where the text is no WGSL.
    pub fn kernels(&self) -> Result<Vec<String>> {
        let entries = self.entry_points()?;
        let all = entries.iter().map(|entry| Ok(self.kernel_name(entry, &self.reflect(entry)?)));
        let all = all.collect::<Result<Vec<_>>>()?;
        let half = Element::F16.suffix();
        let half: Vec<_> = all.iter().filter(|name| name.ends_with(half)).cloned().collect();
        Ok(if half.is_empty() { all } else { half })
    }

    /// The name of a kernel.
    pub(super) fn kernel_name(&self, entry: &str, reflection: &Reflection) -> String {
        let half = reflection.bindings.iter().any(|binding| binding.element == Some(Element::F16));
        let element = if half { Element::F16 } else { Element::F32 };
        format!("{}/{entry}{}", self.file, element.suffix())
    }

    fn parse(&self, entry: &str) -> Result<naga::Module> {
        let source = self.source();
        naga::front::wgsl::parse_str(&source)
            .map_err(|e| self.error(entry, e.emit_to_string_with_path(&source, self.file)))
    }

    pub(super) fn error(&self, entry: &str, reason: impl Into<String>) -> Error {
        Error::Shader { file: self.file.into(), entry: entry.into(), reason: reason.into() }
    }

    /// What one entry point binds and which `Params` it wants.
    pub(super) fn reflect(&self, entry: &str) -> Result<Reflection> {
        let source = self.source();
        let module = self.parse(entry)?;
        let info = validated(&module, &source, self.file).map_err(|reason| self.error(entry, reason))?;
        let index = module
            .entry_points
            .iter()
            .position(|e| e.name == entry)
            .ok_or_else(|| self.error(entry, "there is no such entry point"))?;
        let uses = info.get_entry_point(index);
        let overrides = module.overrides.iter().filter_map(|(_, o)| o.name.clone()).collect();
        let mut reflection = Reflection { bindings: Vec::new(), params: Vec::new(), overrides };
        for (handle, variable) in module.global_variables.iter() {
            let Some(binding) = &variable.binding else { continue };
            let used = uses[handle];
            if used.is_empty() {
                continue;
            }
            let ways = [naga::valid::GlobalUse::READ, naga::valid::GlobalUse::WRITE];
            let moves = ways.iter().filter(|way| used.contains(**way)).count() as u64;
            let name = variable.name.clone().unwrap_or_default();
            let kind = match variable.space {
                naga::AddressSpace::Uniform => BindingKind::Uniform,
                naga::AddressSpace::Storage { access } if access.contains(naga::StorageAccess::STORE) => {
                    BindingKind::ReadWrite
                }
                naga::AddressSpace::Storage { .. } => BindingKind::Read,
                naga::AddressSpace::Handle => BindingKind::Texels,
                _ => {
                    return Err(
                        self.error(entry, format!("binding `{name}` is of a kind that is not used here"))
                    );
                }
            };
            if name == "params" {
                reflection.params = param_fields(&module, variable.ty)
                    .ok_or_else(|| self.error(entry, "`params` is not a struct"))?;
            }
            let element = element(&module, variable.ty);
            reflection.bindings.push(Binding { index: binding.binding, kind, element, moves, name });
        }
        reflection.bindings.sort_by_key(|b| b.index);
        Ok(reflection)
    }
}

/// What naga finds out of a module, by everything that kernels here are written with, or what is wrong with it.
pub(super) fn validated(
    module: &naga::Module,
    source: &str,
    file: &str,
) -> Result<naga::valid::ModuleInfo, String> {
    let capabilities = naga::valid::Capabilities::SUBGROUP
        | naga::valid::Capabilities::SUBGROUP_BARRIER
        | naga::valid::Capabilities::SHADER_FLOAT16_IN_FLOAT32
        | naga::valid::Capabilities::SHADER_FLOAT16
        | naga::valid::Capabilities::COOPERATIVE_MATRIX
        | naga::valid::Capabilities::SHADER_INT64;
    let mut validator = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities);
    validator.validate(module).map_err(|error| error.emit_to_string_with_path(source, file))
}

/// How a binding is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BindingKind {
    Uniform,
    Read,
    ReadWrite,
    Texels,
}

#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub(super) index: u32,
    pub(super) kind: BindingKind,
    /// What tensors it takes; `None` for words and structs, which the caller vouches for.
    pub(super) element: Option<Element>,
    /// How often its bytes cross: 1 where they are read or written, 2 where both.
    pub(super) moves: u64,
    pub(super) name: String,
}

#[derive(Debug)]
pub(super) struct Reflection {
    /// Used by the entry point, in binding order; `params` is binding 0 where it is used.
    pub(super) bindings: Vec<Binding>,
    /// The fields of `Params`; empty where the entry point does not look at them.
    pub(super) params: Vec<Field>,
    /// Names of the override constants of the file.
    pub(super) overrides: Vec<String>,
}

/// The texels that hold a quad of such values.
pub(super) fn texel_format(element: Element) -> wgpu::TextureFormat {
    match element {
        Element::F32 => wgpu::TextureFormat::Rgba32Float,
        Element::F16 => wgpu::TextureFormat::Rgba16Float,
    }
}

/// How a binding of this type stores values: floats and two words of 64 bits are single precision, and half
/// precision is packed four values to 64 bits (`shared/quads.*.wgsl`).
fn element(module: &naga::Module, ty: naga::Handle<naga::Type>) -> Option<Element> {
    let base = match module.types[ty].inner {
        naga::TypeInner::Array { base, .. } => base,
        naga::TypeInner::Image { class: naga::ImageClass::Storage { format, .. }, .. } => {
            let half = format == naga::StorageFormat::Rgba16Float;
            return Some(if half { Element::F16 } else { Element::F32 });
        }
        _ => return None,
    };
    match module.types[base].inner {
        naga::TypeInner::Scalar(naga::Scalar::F32)
        | naga::TypeInner::Vector { scalar: naga::Scalar::F32, .. } => Some(Element::F32),
        naga::TypeInner::Vector { size: naga::VectorSize::Bi, scalar: naga::Scalar::U64 } => {
            Some(Element::F32)
        }
        naga::TypeInner::Vector { size: naga::VectorSize::Bi, scalar: naga::Scalar::U32 }
        | naga::TypeInner::Vector { scalar: naga::Scalar::F16, .. }
        | naga::TypeInner::Scalar(naga::Scalar::U64) => Some(Element::F16),
        _ => None,
    }
}

/// Name, byte offset and type of a field.
pub(super) type Field = (String, u32, String);

fn param_fields(module: &naga::Module, ty: naga::Handle<naga::Type>) -> Option<Vec<Field>> {
    let naga::TypeInner::Struct { members, .. } = &module.types[ty].inner else { return None };
    let field = |m: &naga::StructMember| {
        let ty = match &module.types[m.ty].inner {
            naga::TypeInner::Scalar(naga::Scalar::U32) => "u32".into(),
            naga::TypeInner::Scalar(naga::Scalar::I32) => "i32".into(),
            naga::TypeInner::Scalar(naga::Scalar::F32) => "f32".into(),
            other => format!("{other:?}"),
        };
        (m.name.clone().unwrap_or_default(), m.offset, ty)
    };
    Some(members.iter().map(field).collect())
}
