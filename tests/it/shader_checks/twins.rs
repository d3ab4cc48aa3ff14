//! Every shader has one Rust owner, which declares the same `Params`, and none is forgotten.

use super::parsed;
use crate::source_checks::tree::{files, is_test, read, shown};
use crate::source_checks::words::{Token, library_code, tokens};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use swav_wgpu::gpu::ShaderParams;
use swav_wgpu::ops::loss_scale::ScaleState;
use swav_wgpu::ops::report::Report;
use swav_wgpu::ops::{SHADERS, Step};

/// `conv2d` of `shaders/conv2d.tile.wgsl` and of `src/ops/conv2d.rs`.
fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.split('.').next().unwrap_or(file)
}

/// The code of a file of the library, without its unit tests.
fn library(path: &Path) -> Vec<Token> {
    library_code(&tokens(&read(path)))
}

#[test]
fn every_shader_has_one_rust_owner() {
    let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in files("src", ".rs").iter().filter(|path| !is_test(path)) {
        for token in library(path).iter().filter(|t| t.is_text() && t.text.ends_with(".wgsl")) {
            owners.entry(token.text.clone()).or_default().insert(shown(path));
        }
    }
    let mut failures = Vec::new();
    for path in files("shaders", ".wgsl").iter().map(|path| shown(path)) {
        let found = owners.get(path.rsplit('/').next().unwrap_or(&path)).cloned().unwrap_or_default();
        let twin = BTreeSet::from([format!("src/ops/{}.rs", stem(&path))]);
        let right = if path.starts_with("shaders/shared/") { !found.is_empty() } else { found == twin };
        if !right {
            failures.push(format!("{path} is named by {found:?}, not by {twin:?}"));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn every_operation_has_a_shader() {
    let shaders: BTreeSet<String> = SHADERS.iter().map(|s| stem(s.file).to_owned()).collect();
    let rust = files("src/ops", ".rs");
    let twins: BTreeSet<String> = rust
        .iter()
        .filter(|path| !is_test(path))
        .map(|path| stem(&shown(path)).to_owned())
        .filter(|name| name != "mod")
        .collect();
    assert_eq!(shaders, twins, "shaders/*.wgsl (left) and src/ops/*.rs (right) must be twins");
}

#[test]
fn the_list_holds_every_shader_and_every_helper() {
    let listed: BTreeSet<String> = SHADERS
        .iter()
        .flat_map(|s| {
            let helpers = s.shared.iter().map(|(file, _)| format!("shaders/shared/{file}"));
            helpers.chain([format!("shaders/{}", s.file)])
        })
        .collect();
    let there: BTreeSet<String> = files("shaders", ".wgsl").iter().map(|path| shown(path)).collect();
    assert_eq!(listed, there, "ops::SHADERS (left) must use every file of shaders/ (right)");

    // A variant of a file with other helpers is a shader of its own.
    let names: BTreeSet<String> = SHADERS.iter().map(|s| s.name()).collect();
    assert_eq!(names.len(), SHADERS.len(), "a shader is listed twice");
    let declared: BTreeSet<String> =
        files("src/ops", ".rs").iter().flat_map(|path| declared_shaders(&library(path))).collect();
    assert_eq!(names, declared, "ops::SHADERS (left) must list what src/ops declares (right)");
}

/// The names of what `shader!("file" + "helper", …)` declares, and `forms!` with either precision.
fn declared_shaders(code: &[Token]) -> Vec<String> {
    let calls = |at: usize, word: &str| {
        [word, "!", "("].iter().enumerate().all(|(i, word)| code.get(at + i).is_some_and(|t| t.is(word)))
    };
    let name = |at: usize| {
        let arguments = code[at..].iter().take_while(|t| !t.is(")"));
        arguments.filter(|t| t.is_text()).map(|t| t.text.as_str()).collect::<Vec<_>>().join("+")
    };
    let declared = (0..code.len()).flat_map(|at| {
        if calls(at, "forms") {
            let portable = code[at..].iter().take_while(|t| !t.is(")")).any(|t| t.is("true"));
            let forms = if portable {
                ["quads.f32.wgsl", "quads.f16.wgsl+half.wgsl"]
            } else {
                ["quads.f32.pairs.wgsl+pairs.wgsl", "quads.f16.pairs.wgsl+pairs.wgsl+half.wgsl"]
            };
            return forms.map(|form| format!("{}+{form}", name(at))).to_vec();
        }
        if calls(at, "shader") { vec![name(at)] } else { Vec::new() }
    });
    // The definition of `forms!` names no file of its own.
    declared.filter(|name| !name.is_empty() && !name.starts_with("quads")).collect()
}

/// The fields of what `shader_params! { struct Params { … } }` declares.
fn declared_params(code: &[Token]) -> Option<Vec<(String, String)>> {
    let start = code.windows(2).position(|pair| pair[0].is("shader_params") && pair[1].is("!"))?;
    let body = start + code[start..].iter().position(|t| t.is("Params"))?;
    let fields = code[body + 2..].split(|t| t.is("}")).next()?;
    let field = |f: &[Token]| match f {
        [name, colon, ty] if colon.is(":") => Some((name.text.clone(), ty.text.clone())),
        _ => None,
    };
    fields.split(|t| t.is(",")).filter(|f| !f.is_empty()).map(field).collect()
}

#[test]
fn rust_and_wgsl_declare_the_same_params() {
    for shader in SHADERS {
        let path = format!("src/ops/{}.rs", stem(shader.file));
        let code = library(&files("src/ops", &format!("/{}.rs", stem(shader.file)))[0]);
        let rust = declared_params(&code).unwrap_or_else(|| panic!("{path}: no Params of plain fields"));
        let (module, _) = parsed(shader).unwrap_or_else(|e| panic!("{e}"));
        let params = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some("Params"));
        let Some((_, naga::Type { inner: naga::TypeInner::Struct { members, .. }, .. })) = params else {
            panic!("{}: no struct Params", shader.name())
        };
        let kind = |ty: naga::Handle<naga::Type>| match module.types[ty].inner {
            naga::TypeInner::Scalar(naga::Scalar::U32) => "u32",
            naga::TypeInner::Scalar(naga::Scalar::I32) => "i32",
            naga::TypeInner::Scalar(naga::Scalar::F32) => "f32",
            _ => "something that is not u32, i32 or f32",
        };
        let wgsl: Vec<_> =
            members.iter().map(|m| (m.name.clone().unwrap_or_default(), kind(m.ty).to_owned())).collect();
        assert_eq!(rust, wgsl, "{path} (left) and {} (right)", shader.name());
    }
}

/// What kernels bind beside their `Params` and rows of numbers: a struct that Rust declares too.
#[test]
fn every_other_struct_is_one_that_rust_declares() {
    let declared = BTreeMap::from([
        ("Step", (Step::FIELDS, 0)),
        ("ScaleState", (ScaleState::FIELDS, 0)),
        ("Report", (Report::FIELDS, 0)),
    ]);
    let mut seen = declared.clone();
    for shader in SHADERS {
        let (module, _) = parsed(shader).unwrap_or_else(|e| panic!("{e}"));
        for (_, variable) in module.global_variables.iter() {
            let ty = &module.types[variable.ty];
            let naga::TypeInner::Struct { members, .. } = &ty.inner else {
                let uniform = variable.space == naga::AddressSpace::Uniform;
                assert!(!uniform, "{}: a uniform that is no struct", shader.name());
                continue;
            };
            if variable.name.as_deref() == Some("params") {
                continue;
            }
            let name = ty.name.as_deref().unwrap_or_default();
            let (fields, times) = seen.get_mut(name).unwrap_or_else(|| panic!("{}: {name}", shader.name()));
            let scalar = |ty: naga::Handle<naga::Type>| match module.types[ty].inner {
                naga::TypeInner::Scalar(naga::Scalar::U32) => "u32",
                naga::TypeInner::Scalar(naga::Scalar::F32) => "f32",
                _ => "something else",
            };
            let is_row = |ty| matches!(module.types[ty].inner, naga::TypeInner::Array { .. });
            // Rows may follow at the end, where the fields of Rust end.
            let (rows, members): (Vec<_>, Vec<_>) = members.iter().partition(|member| is_row(member.ty));
            let wgsl: Vec<_> =
                members.iter().map(|m| (m.name.as_deref().unwrap_or_default(), scalar(m.ty))).collect();
            assert_eq!(wgsl, *fields, "{name} of {} (left) and of Rust (right)", shader.name());
            assert!(rows.iter().all(|row| row.offset as usize == 4 * fields.len()), "{}", shader.name());
            *times += 1;
        }
    }
    assert!(seen.values().all(|(_, times)| *times > 0), "structs are seen: {seen:?}");
}

#[test]
fn the_scans_see_what_they_should() {
    let text = r#"
        // shader!("a.wgsl", true)
        let no = "shader!(\"b.wgsl\", true)";
        const ONE: Shader = shader!("c.wgsl" + "d.wgsl" /* + "e.wgsl" */, true);
        shader_params! { /// What.
            pub struct Params { rows: u32, eps: f32, // more: u32,
            } }
        #[cfg(test)]
        mod tests { const TWO: Shader = shader!("f.wgsl", true); }
    "#;
    let code = library_code(&tokens(text));
    assert_eq!(declared_shaders(&code), ["c.wgsl+d.wgsl"]);
    let field = |name: &str, ty: &str| (name.to_owned(), ty.to_owned());
    assert_eq!(declared_params(&code), Some(vec![field("rows", "u32"), field("eps", "f32")]));
}
