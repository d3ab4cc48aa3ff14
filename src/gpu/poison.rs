//! Workgroup memory full of NaN, for tests: a kernel that reads what it has not written gives NaN then, on any driver,
//! and not only on those that leave there what was there before.

use std::cell::Cell;

use naga::{AddressSpace, ArraySize, GlobalVariable, Module, TypeInner};

use super::kernel::is_zeroed;

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

/// Adds to every entry point that sees workgroup memory a first line that fills all of it.
fn poison(source: &str) -> String {
    if is_zeroed(source) {
        return source.to_owned();
    }
    let module = naga::front::wgsl::parse_str(source).expect("the shader is right");
    let shared = |variable: &&GlobalVariable| variable.space == AddressSpace::WorkGroup;
    let mut text = source.to_owned();
    for entry in &module.entry_points {
        let variables = module.global_variables.iter().map(|(_, variable)| variable).filter(shared);
        // A size that a constant decides is not known here.
        let step = entry.workgroup_size.iter().product::<u32>().max(1);
        let step = if entry.workgroup_size_overrides.is_some() { 1 } else { step };
        let fills: String = variables.map(|variable| fill(&module, variable, step)).collect();
        if fills.is_empty() {
            continue;
        }
        // Entry points that see none of the memory have no index either.
        let head = text.find(&format!("fn {}(", entry.name)).expect("it is in the text");
        let body = head + text[head..].find('{').expect("it has a body") + 1;
        if text[head..body].contains("local_invocation_index) index") {
            text.insert_str(
                body,
                &format!(" var nan = bitcast<f32>(0x7f800000u | (index + 1u)); {fills} workgroupBarrier();"),
            );
        }
    }
    text
}

/// Fills an array of floats.
fn fill(module: &Module, variable: &GlobalVariable, step: u32) -> String {
    let name = variable.name.as_deref().unwrap_or_default();
    let TypeInner::Array { base, size, .. } = &module.types[variable.ty].inner else {
        panic!("{name} is no array: say how it is to be filled");
    };
    let value = match &module.types[*base].inner {
        TypeInner::Vector { scalar, .. } if scalar.width == 2 => "vec4<f16>(f16(nan))",
        TypeInner::Vector { .. } => "vec4(nan)",
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
