//! Neighbouring invocations use different banks of workgroup memory.
//!
//! The memory of a GPU's workgroup lies in 32 banks of one word, each of which serves one address at a time. As many
//! invocations are served together as make 128 bytes: eight that access quads of words go at full speed where their places
//! differ modulo 8, or are the same. The places come from the shaders' own functions, which a small interpreter evaluates
//! here.

use super::{parsed, settings};
use naga::back::pipeline_constants::process_overrides;
use naga::{
    BinaryOperator, Expression, Function, Handle, Literal, MathFunction, Module, ShaderStage, Statement,
};
use std::collections::BTreeSet;
use swav_wgpu::gpu::Shader;
use swav_wgpu::ops::SHADERS;

const BANKS: u32 = 32;
const WORD: u32 = 4;

/// The value of a function of whole numbers without branches.
pub(super) fn call(module: &Module, name: &str, arguments: &[u32]) -> u32 {
    let function = module.functions.iter().map(|(_, f)| f).find(|f| f.name.as_deref() == Some(name));
    returned(module, function.unwrap_or_else(|| panic!("there is no function {name}")), arguments)
}

fn returned(module: &Module, function: &Function, arguments: &[u32]) -> u32 {
    let returned = function.body.iter().find_map(|statement| match statement {
        Statement::Return { value } => *value,
        Statement::Emit(_) | Statement::Call { .. } => None,
        other => panic!("{:?} is more than one expression: {other:?}", function.name),
    });
    value(module, function, arguments, returned.expect("it returns something"))
}

fn value(module: &Module, function: &Function, arguments: &[u32], at: Handle<Expression>) -> u32 {
    let of = |at: Handle<Expression>| value(module, function, arguments, at);
    match function.expressions[at] {
        Expression::Literal(Literal::U32(literal)) => literal,
        Expression::Constant(constant) => match module.global_expressions[module.constants[constant].init] {
            Expression::Literal(Literal::U32(literal)) => literal,
            ref other => panic!("no constant of u32: {other:?}"),
        },
        Expression::FunctionArgument(index) => arguments[index as usize],
        Expression::Binary { op, left, right } => match op {
            BinaryOperator::Add => of(left) + of(right),
            BinaryOperator::Multiply => of(left) * of(right),
            BinaryOperator::Divide => of(left) / of(right),
            BinaryOperator::Modulo => of(left) % of(right),
            BinaryOperator::ExclusiveOr => of(left) ^ of(right),
            other => panic!("say how to evaluate {other:?}"),
        },
        Expression::Math { fun: MathFunction::Min, arg, arg1: Some(other), .. } => of(arg).min(of(other)),
        Expression::CallResult(_) => {
            let called = function.body.iter().find_map(|statement| match statement {
                Statement::Call { function, arguments, result } if *result == Some(at) => {
                    Some((&module.functions[*function], arguments))
                }
                _ => None,
            });
            let (callee, arguments) = called.expect("what gives the result is called");
            returned(module, callee, &arguments.iter().map(|&argument| of(argument)).collect::<Vec<_>>())
        }
        ref other => panic!("say how to evaluate {other:?}"),
    }
}

/// How many turns the slowest of the invocations that are served together take, each of which accesses so many bytes from
/// its place on: words with a bank in common.
pub(super) fn turns_of(bytes: u32, invocations: u32, place: impl Fn(u32) -> Option<u32>) -> usize {
    let together = BANKS * WORD / bytes.max(WORD);
    let of_group = |first: u32| {
        let places = (first..invocations.min(first + together)).filter_map(&place);
        let words: BTreeSet<u32> =
            places.flat_map(|place| place / WORD..(place + bytes).div_ceil(WORD)).collect();
        let in_bank = |bank: u32| words.iter().filter(|&&word| word % BANKS == bank).count();
        (0..BANKS).map(in_bank).max().unwrap_or(0)
    };
    (0..invocations).step_by(together as usize).map(of_group).max().unwrap_or(0)
}

/// The same for quads of words.
fn turns(invocations: u32, place: impl Fn(u32) -> Option<u32>) -> usize {
    turns_of(4 * WORD, invocations, |index| place(index).map(|place| 4 * WORD * place))
}

/// The first shader of a file with its constants, for each setting of them.
fn each_setting(file: &str, entry: &str, check: impl Fn(&Module, &dyn Fn(&str) -> u32)) {
    let shader = SHADERS.iter().find(|shader| shader.file == file).expect("the shader is listed");
    each_setting_of(shader, entry, check);
}

/// A shader with its constants, for each setting of them.
pub(super) fn each_setting_of(shader: &Shader, entry: &str, check: impl Fn(&Module, &dyn Fn(&str) -> u32)) {
    let (module, info) = parsed(shader).expect("it is valid");
    for constants in settings(&module).expect("its constants are known") {
        let (module, _) = process_overrides(&module, &info, Some((ShaderStage::Compute, entry)), &constants)
            .expect("the constants are possible");
        check(&module, &|name| constants[name] as u32);
    }
}

#[test]
fn tiles_are_stored_and_loaded_without_bank_conflicts() {
    each_setting("conv2d.tile.wgsl", "gather_multiply", |module, constant| {
        let [width, rows, panels, depth] = ["WIDTH", "ROWS", "PANELS", "DEPTH"].map(constant);
        let (panel_quads, quads) = (width / 4, depth / 4);
        let (columns, distance, apart) = (panel_quads * panels, 128 / panel_quads, 128 / quads);
        let left = |quad, row| call(module, "left_at", &[quad, row]);
        let right = |term, quad| call(module, "right_at", &[term, quad]);
        let label = format!("{width} columns, {rows} rows, {panels} panels, {depth} terms");
        for load in 0..distance * rows / apart {
            let stored = turns(128, |index| Some(left(index % quads, index / quads + load * apart)));
            assert_eq!(stored, 1, "{label}: storing rows");
        }
        for turn in 0..(4 * columns).div_ceil(apart) {
            let stored = turns(128, |index| {
                let i = index / quads + turn * apart;
                (i < 4 * columns).then(|| right(index % quads * 4 + i / columns, i % columns))
            });
            // A narrow panel has four quads a row, and two rows of them in all banks.
            assert!(
                stored <= if width == 16 { 2 } else { 1 },
                "{label}: storing columns takes {stored} turns"
            );
        }
        for quad in 0..quads {
            let rows = turns(128, |index| Some(left(quad, index / panel_quads)));
            let columns = turns(128, |index| Some(right(4 * quad, index % panel_quads)));
            assert_eq!([rows, columns], [1, 1], "{label}: loading");
        }
        let places: BTreeSet<u32> =
            (0..depth).flat_map(|term| (0..columns).map(move |quad| right(term, quad))).collect();
        let all = depth * columns;
        assert!(
            places.len() as u32 == all && places.iter().all(|&place| place < all),
            "{label}: each its place"
        );
    });
}

#[test]
fn winograds_patches_are_stored_and_loaded_without_bank_conflicts() {
    each_setting("winograd.tile.wgsl", "multiply", |module, _| {
        let patch = |position, tile| call(module, "patch_at", &[position, tile]);
        for k in 0..4 {
            // The first half of the workgroup transforms: a line of a tile each.
            let stored = turns(128, |index| Some(patch(4 * (index % 4) + k, index % 128 / 4)));
            assert_eq!(stored, 1, "storing position {k} of a line");
        }
        for tile in 0..8 {
            let loaded = turns(256, |index| Some(patch(index / 16, index % 16 / 4 + 4 * tile)));
            assert_eq!(loaded, 1, "loading tile {tile}");
        }
        let places: BTreeSet<u32> =
            (0..16).flat_map(|position| (0..32).map(move |tile| patch(position, tile))).collect();
        assert!(places.len() == 512 && places.iter().all(|&place| place < 512), "each its place");
    });
}

#[test]
fn conflicts_are_counted() {
    assert_eq!(turns(8, Some), 1);
    assert_eq!(turns(8, |_| Some(5)), 1, "one address is served at once");
    assert_eq!(turns(8, |index| Some(index * 2)), 2);
    assert_eq!(turns(16, |index| Some(if index < 8 { index } else { index * 64 })), 8);
    assert_eq!(turns(8, |_| None), 0);
    assert_eq!([turns_of(4, 64, |index| Some(4 * index)), turns_of(4, 64, |index| Some(8 * index))], [1, 2]);
    assert_eq!(turns_of(2, 32, |index| Some(2 * index)), 1, "two halves of a word are served at once");
    assert_eq!([turns_of(8, 16, |index| Some(8 * index)), turns_of(8, 16, |index| Some(16 * index))], [1, 2]);
}
