//! Workgroup memory full of NaN, for tests: a kernel that reads what it has not written gives NaN then, on any driver,
//! and not only on those that leave there what was there before.

use std::cell::Cell;

use naga::valid::ModuleInfo;
use naga::{AddressSpace, ArraySize, GlobalVariable, Module, ScalarKind, TypeInner};

use super::kernel::is_zeroed;
use super::shader::{Shader, validated};

thread_local! {
    static POISONS: Cell<bool> = const { Cell::new(false) };
}

/// Lets `work` make kernels whose workgroup memory begins as NaN; those that are in a cache stay as they are.
pub(crate) fn poisoned<T>(work: impl FnOnce() -> T) -> T {
    POISONS.set(true);
    let result = work();
    POISONS.set(false);
    result
}

/// The text of a shader, poisoned where this thread wants that.
pub(super) fn text(source: String) -> String {
    if POISONS.get() { poison(&source) } else { source }
}

/// The kernels of a shader that must write workgroup memory before they read it: those that see some, unless it begins
/// as zeros.
pub(crate) fn kernels_with_shared_memory(shader: &Shader) -> Vec<String> {
    let (module, info) = parsed(&shader.source());
    if is_zeroed(&shader.source()) {
        return Vec::new();
    }
    let entries = (0..).zip(&module.entry_points);
    let seeing = entries.filter(|(at, _)| shared(&module, &info, *at).next().is_some());
    let name = |name: &str| shader.kernel_name(name, &shader.reflect(name).expect("the shader is right"));
    seeing.map(|(_, entry)| name(&entry.name)).collect()
}

fn parsed(source: &str) -> (Module, ModuleInfo) {
    let module = naga::front::wgsl::parse_str(source).expect("the shader is right");
    let info = validated(&module, source, "poisoned").expect("the shader is right");
    (module, info)
}

/// The workgroup memory that an entry point sees, by itself or through what it calls.
fn shared<'a>(
    module: &'a Module,
    info: &'a ModuleInfo,
    entry: usize,
) -> impl Iterator<Item = &'a GlobalVariable> {
    let uses = info.get_entry_point(entry);
    let variables = module.global_variables.iter();
    let seen = variables.filter(move |(handle, _)| !uses[*handle].is_empty());
    seen.map(|(_, variable)| variable).filter(|variable| variable.space == AddressSpace::WorkGroup)
}

/// Adds to every entry point that sees workgroup memory a first line that fills all of what it sees.
fn poison(source: &str) -> String {
    if is_zeroed(source) {
        return source.to_owned();
    }
    let (module, info) = parsed(source);
    let mut text = source.to_owned();
    for (at, entry) in module.entry_points.iter().enumerate() {
        // A size that a constant decides is not known here.
        let step = entry.workgroup_size.iter().product::<u32>().max(1);
        let step = if entry.workgroup_size_overrides.is_some() { 1 } else { step };
        let fills: String =
            shared(&module, &info, at).map(|variable| fill(&module, variable, step)).collect();
        if fills.is_empty() {
            continue;
        }
        let head = text.find(&format!("fn {}(", entry.name)).expect("it is in the text");
        let body = head + text[head..].find('{').expect("it has a body") + 1;
        let is_counted = text[head..body].contains("local_invocation_index) index");
        assert!(is_counted, "{}: call the number of the invocation `index`", entry.name);
        text.insert_str(
            body,
            &format!(" var nan = bitcast<f32>(0x7f800000u | (index + 1u)); {fills} workgroupBarrier();"),
        );
    }
    text
}

/// Fills an array of numbers; whole ones with the bits of NaN, which are no place of anything.
fn fill(module: &Module, variable: &GlobalVariable, step: u32) -> String {
    let name = variable.name.as_deref().unwrap_or_default();
    let TypeInner::Array { base, size, .. } = &module.types[variable.ty].inner else {
        panic!("{name} is no array: say how it is to be filled");
    };
    let value = match &module.types[*base].inner {
        TypeInner::Vector { scalar, .. } if scalar.width == 2 => "vec4<f16>(f16(nan))",
        TypeInner::Vector { .. } => "vec4(nan)",
        TypeInner::Scalar(scalar) if scalar.kind == ScalarKind::Uint => "bitcast<u32>(nan)",
        TypeInner::Scalar(scalar) if scalar.width == 2 => "f16(nan)",
        TypeInner::Scalar(_) => "nan",
        other => panic!("{name} holds {other:?}: say how it is to be filled"),
    };
    let count = match size {
        ArraySize::Constant(count) => count.to_string(),
        other => panic!("{name} has {other:?} places: say how it is to be filled"),
    };
    format!("for (var fill = index; fill < {count}u; fill += {step}u) {{ {name}[fill] = {value}; }}")
}
