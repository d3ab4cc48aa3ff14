//! No store goes to a place in a vector or matrix that is known only while the shader runs: the older DirectX
//! compiler refuses such a store, or unrolls every loop around it for minutes.

use super::{Ready, each_entry, entry_points, sketch};
use naga::valid::FunctionInfo;
use naga::{Block, Expression, Function, Handle, Module, Statement, TypeInner};

/// A function with what the validator found out about it.
struct Known<'a> {
    module: &'a Module,
    function: &'a Function,
    info: &'a FunctionInfo,
}

impl Known<'_> {
    /// Whether the pointer goes through an index that is no constant into a vector or matrix.
    fn is_dynamic(&self, pointer: Handle<Expression>) -> bool {
        match self.function.expressions[pointer] {
            Expression::Access { base, .. } => self.is_vector(base) || self.is_dynamic(base),
            Expression::AccessIndex { base, .. } => self.is_dynamic(base),
            _ => false,
        }
    }

    /// Whether this points to a vector, a matrix or a column of one.
    fn is_vector(&self, pointer: Handle<Expression>) -> bool {
        match self.info[pointer].ty.inner_with(&self.module.types) {
            TypeInner::Pointer { base, .. } => {
                matches!(self.module.types[*base].inner, TypeInner::Vector { .. } | TypeInner::Matrix { .. })
            }
            TypeInner::ValuePointer { size, .. } => size.is_some(),
            _ => false,
        }
    }
}

/// The pointers that a block stores through, those of the blocks inside it too.
fn stores(block: &Block, found: &mut Vec<Handle<Expression>>) {
    for statement in block {
        match statement {
            Statement::Store { pointer, .. } => found.push(*pointer),
            Statement::Block(inner) => stores(inner, found),
            Statement::If { accept, reject, .. } => {
                [accept, reject].into_iter().for_each(|b| stores(b, found));
            }
            Statement::Switch { cases, .. } => cases.iter().for_each(|case| stores(&case.body, found)),
            Statement::Loop { body, continuing, .. } => {
                [body, continuing].into_iter().for_each(|b| stores(b, found));
            }
            _ => {}
        }
    }
}

/// How many such stores an entry point and the functions of its module have.
fn dynamic_stores(ready: &Ready) -> usize {
    let Ready { module, info } = ready;
    let called = module.functions.iter().map(|(handle, function)| (function, &info[handle]));
    let all = called.chain([(&ready.entry().function, info.get_entry_point(0))]);
    let count = |(function, info): (&Function, &FunctionInfo)| {
        let (known, mut pointers) = (Known { module, function, info }, Vec::new());
        stores(&function.body, &mut pointers);
        pointers.into_iter().filter(|&pointer| known.is_dynamic(pointer)).count()
    };
    all.map(count).sum()
}

#[test]
fn no_store_goes_to_a_variable_place_of_a_vector() {
    each_entry(|_, ready| match dynamic_stores(ready) {
        0 => Ok(()),
        count => Err(format!("{count} stores by a variable index into a vector or matrix")),
    });
}

#[test]
fn such_stores_are_seen() {
    let body = |text: &str| {
        format!(
            "@group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>;
             @compute @workgroup_size(4) fn f(@builtin(local_invocation_index) i: u32) {{ {text} }}"
        )
    };
    let helper = "var<private> p: vec4<f32>; fn g(i: u32) { p[i] = 1.0; }";
    let entries = entry_points(&sketch(format!("{helper} {}", body("g(i); y[0] = p;")), true));
    assert_eq!(dynamic_stores(&entries.expect("the sketch is valid")[0].1), 1);
    for (text, wanted) in [
        ("y[i].x = 1.0; y[i][2] = 2.0; y[i] = vec4(3.0);", 0),
        ("var v = vec4<f32>(); v[i] = 1.0; y[0] = v;", 1),
        ("y[i][i] = 1.0;", 1),
        ("var m = mat4x4<f32>(); m[i] = vec4(1.0); m[1][i] = 2.0; m[1][2] = 3.0; y[0] = m[0];", 2),
        ("var a = array<f32, 4>(); a[i] = 1.0; y[0].x = a[0];", 0),
        ("if i > 1u { loop { var v = vec2<f32>(); v[i] += 1.0; y[0].x = v.x; break; } }", 1),
    ] {
        let entries = entry_points(&sketch(body(text), true)).expect("the sketch is valid");
        assert_eq!(dynamic_stores(&entries[0].1), wanted, "{text}");
    }
}
