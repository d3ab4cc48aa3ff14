//! Broken shaders are refused with file, entry point and the thing that is wrong; no device is needed.

use super::*;

shader_params! {
    struct Params { rows: u32, eps: f32 }
}

const BODY: &str = "
    @group(0) @binding(0) var<uniform> params: Params;
    @group(0) @binding(1) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(WIDTH) fn scale() { y[params.rows] *= params.eps; }
    @compute @workgroup_size(1) fn clear() { y[0] = 0.0; }
";

/// The body after these declarations.
fn shader(declarations: &str) -> Shader {
    let text = format!("override WIDTH: u32 = 8u;\n{declarations}\n{BODY}").leak();
    Shader { file: "broken.wgsl", text, shared: &[], portable: true }
}

/// What is said when the kernel is made.
fn refusal(shader: &Shader, entry: &str, constants: &[(&str, f64)]) -> String {
    checked::<Params>(shader, entry, constants).expect_err("it is broken").to_string()
}

#[test]
fn a_sound_shader_is_reflected() {
    let sound = shader("struct Params { rows: u32, eps: f32 }");
    let found = checked::<Params>(&sound, "scale", &[("WIDTH", 16.0)]).unwrap();
    let kinds: Vec<_> = found.bindings.iter().map(|b| (b.index, b.kind, b.moves, b.name.as_str())).collect();
    assert_eq!(kinds, [(0, BindingKind::Uniform, 1, "params"), (1, BindingKind::ReadWrite, 2, "y")]);
    // Bindings that an entry point does not use are not asked for.
    let found = checked::<Params>(&sound, "clear", &[]).unwrap();
    // What is written only is not counted as read.
    assert_eq!(found.bindings.iter().map(|b| b.moves).collect::<Vec<_>>(), [1]);
}

#[test]
fn params_that_differ_are_refused_by_field() {
    for (declarations, wanted) in [
        ("struct Params { rows: u32, eps: f32, more: u32 }", "`more` is missing in Rust"),
        ("struct Params { rows: u32, eps: i32 }", "`eps: i32` at byte 4 in WGSL, `eps: f32` at 4"),
        ("struct Params { eps: f32, rows: u32 }", "`eps: f32` at byte 0 in WGSL, `rows: u32` at 0"),
        ("struct Params { rows: u32, epsilon: f32, eps: f32 }", "`epsilon: f32` at byte 4 in WGSL"),
        (
            "struct Params { rows: u32, @align(16) eps: f32 }",
            "`eps: f32` at byte 16 in WGSL, `eps: f32` at 4",
        ),
    ] {
        let broken = shader(declarations);
        // The body multiplies by `eps`; of another type it is converted.
        let broken = Shader { text: broken.text.replace("params.eps", "f32(params.eps)").leak(), ..broken };
        let message = refusal(&broken, "scale", &[]);
        assert!(message.contains("broken.wgsl") && message.contains("`scale`"), "{message}");
        assert!(message.contains(wanted), "{message}, not {wanted}");
    }
}

#[test]
fn a_field_that_wgsl_lacks_is_named() {
    let broken = Shader {
        text: "struct Params { rows: u32 }
            @group(0) @binding(0) var<uniform> params: Params;
            @group(0) @binding(1) var<storage, read_write> y: array<f32>;
            @compute @workgroup_size(1) fn scale() { y[params.rows] = 0.0; }",
        ..shader("")
    };
    let message = refusal(&broken, "scale", &[]);
    assert!(message.contains("broken.wgsl") && message.contains("`eps` is missing in WGSL"), "{message}");
    let bare = Shader { text: broken.text.replace("params: Params", "params: u32").leak(), ..broken };
    let bare = Shader { text: bare.text.replace("params.rows", "params").leak(), ..bare };
    let message = refusal(&bare, "scale", &[]);
    assert!(message.contains("`params` is not a struct"), "{message}");
}

#[test]
fn entry_points_and_constants_must_exist() {
    let sound = shader("struct Params { rows: u32, eps: f32 }");
    let message = refusal(&sound, "scail", &[]);
    assert!(message.contains("broken.wgsl") && message.contains("`scail`"), "{message}");
    let message = refusal(&sound, "scale", &[("WIDHT", 16.0)]);
    assert!(message.contains("broken.wgsl") && message.contains("`WIDHT`"), "{message}");
}

#[test]
fn errors_of_syntax_and_type_name_the_line() {
    for (declarations, wanted) in [
        ("struct Params { rows: u32, eps: f32 }\nfn broken( {}", "broken.wgsl:3:"),
        ("struct Params { rows: u32, eps: f32 }\nfn broken() -> u32 { return 1.5; }", "broken.wgsl:3:"),
        ("struct Params { rows: u32 }", "eps"),
    ] {
        let message = refusal(&shader(declarations), "scale", &[]);
        assert!(message.contains("`scale`") && message.contains(wanted), "{message}, not {wanted}");
    }
}
