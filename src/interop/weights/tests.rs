use super::*;

/// The tensors that make a ResNet, with a head beside them.
const PLAIN: [&str; 6] = [
    "bn1.running_mean",
    "bn1.weight",
    "conv1.weight",
    "layer1.0.bn1.weight",
    "layer1.0.conv1.weight",
    "projection_head.0.weight",
];

fn shapes<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Shapes {
    let shape =
        |name: &str| if name.contains("conv") || name.ends_with("0.weight") { vec![4; 4] } else { vec![4] };
    names.into_iter().map(|name| (name.as_ref().to_owned(), shape(name.as_ref()))).collect()
}

fn under<'a>(prefix: &'a str) -> impl Iterator<Item = String> + 'a {
    PLAIN.iter().map(move |name| format!("{prefix}{name}"))
}

fn named(found: &Shapes, key: Option<&str>) -> Result<Vec<String>, String> {
    choose(found, key).map(|(names, _)| {
        let mut names: Vec<String> = names.into_values().collect();
        names.sort();
        names
    })
}

#[test]
fn prefixes_go_and_the_rest_stays() {
    let prefixes = [
        "",
        "module.",
        "state_dict.module.",
        "encoder.",
        "classy_state_dict.base_model.model.trunk._feature_blocks.",
        "student.backbone.",
        "net.",
        "model_state.",
        "weights.",
    ];
    for prefix in prefixes {
        assert_eq!(named(&shapes(under(prefix)), None).unwrap(), PLAIN, "{prefix}");
        assert!(choose(&shapes(under(prefix)), None).unwrap().1.is_none());
    }
    // The official head stands beside a trunk that another trainer has wrapped.
    let apart = shapes(
        under("model.module.backbone.")
            .chain(["model.module.prototypes.weight", "epoch.weight"].map(str::to_owned)),
    );
    assert!(named(&apart, None).unwrap().contains(&"prototypes.weight".to_owned()));
    // What a checkpoint of this program has beside the network.
    let mine = under("").chain(["optimizer.momentum.conv1.weight", "queue"].map(str::to_owned));
    assert_eq!(named(&shapes(mine), None).unwrap(), PLAIN);
}

#[test]
fn one_of_several_networks_is_taken_by_rule_or_by_name() {
    for (prefixes, taken) in [
        (["state_dict.encoder_q.", "state_dict.encoder_k."], "state_dict.encoder_q"),
        (["student.", "teacher."], "teacher"),
        (["model.", "model_ema."], "model_ema"),
        (["online_network.", "target_network."], "online_network"),
        (["backbone.", "momentum_backbone."], "backbone"),
        (["a.", "b."], "a"),
    ] {
        let found = shapes(prefixes.iter().flat_map(|prefix| under(prefix)));
        let (names, told) = choose(&found, None).unwrap();
        assert_eq!(names.len(), PLAIN.len());
        assert!(names.keys().all(|name| name.starts_with(&format!("{taken}."))), "{taken}: {names:?}");
        let told = told.unwrap();
        assert!(told.contains(&format!("{taken} is taken")) && told.contains("--weights-key"), "{told}");
        for prefix in prefixes {
            let names = choose(&found, Some(prefix.trim_end_matches('.'))).unwrap().0;
            assert!(names.keys().all(|name| name.starts_with(prefix)), "{prefix}: {names:?}");
        }
        let error = choose(&found, Some("nobody")).unwrap_err();
        assert!(error.contains("`nobody`") && error.contains(taken), "{error}");
    }
    // A word of the path will do, and a part of a word will not.
    let found = shapes(under("state_dict.encoder_q.").chain(under("state_dict.encoder_k.")));
    assert!(choose(&found, Some("encoder_k")).is_ok());
    assert!(choose(&found, Some("encoder")).is_err());
    // A network at the top does not own the others' tensors.
    let found = shapes(under("").chain(under("teacher.")));
    assert!(
        named(&found, None).unwrap() == PLAIN
            && choose(&found, None).unwrap().0.contains_key("teacher.conv1.weight")
    );
}

#[test]
fn children_of_a_sequential_container_are_found() {
    let children = ["0.weight", "1.running_mean", "1.weight"].into_iter().map(str::to_owned);
    let stages = (4..8).map(|stage| format!("{stage}.0.conv1.weight"));
    let names: Vec<String> = children.chain(stages).map(|name| format!("backbone.{name}")).collect();
    let found = named(&shapes(&names), None).unwrap();
    assert!(
        found.contains(&"conv1.weight".to_owned()) && found.contains(&"layer4.0.conv1.weight".to_owned())
    );
    // A head is a sequential container as well, and no network.
    assert!(named(&shapes(&names[..3]), None).is_err());
}

#[test]
fn a_file_without_a_resnet_says_what_it_holds() {
    let error = named(&shapes(["features.0.weight", "features.1.weight"]), None).unwrap_err();
    assert!(error.contains("`features.0.weight` [4, 4, 4, 4]") && error.contains("layer1.0"), "{error}");
    let error = named(&shapes(["blocks.0.attn.qkv.weight", "cls_token"]), None).unwrap_err();
    assert!(error.contains("vision transformer"), "{error}");
}

#[test]
fn other_files_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";
    for (bytes, word) in [
        (&b"hello"[..], "neither"),
        (b"", "neither"),
        (b"PK\x03\x04zip", "zip archive"),
        (pointer, "git lfs pull"),
        (b"\x89HDF\r\n\x1a\n", "Keras"),
        (b"\n<!DOCTYPE html><html>", "download probably failed"),
    ] {
        let path = folder.path().join("a.pth");
        std::fs::write(&path, bytes).unwrap();
        let error = read(&path, None).unwrap_err().to_string();
        assert!(error.contains(word) && error.contains("a.pth"), "{error}");
    }
    assert!(read(folder.path(), None).unwrap_err().to_string().contains("run folder"));
    assert!(matches!(read(&folder.path().join("none.pth"), None), Err(Error::Io { .. })));
}

#[test]
fn doubles_beyond_single_precision_are_refused_by_name() {
    use ::safetensors::tensor::{Dtype, TensorView};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let save = |value: f64| {
        let bytes: Vec<u8> =
            [1.0, value, 1.0, 1.0].iter().flat_map(|value: &f64| value.to_le_bytes()).collect();
        let shape = |name: &str| {
            if name.contains("conv") || name.ends_with("0.weight") { vec![4, 1, 1, 1] } else { vec![4] }
        };
        let views = PLAIN.map(|name| (name, TensorView::new(Dtype::F64, shape(name), &bytes).unwrap()));
        std::fs::write(&path, ::safetensors::serialize(views, None).unwrap()).unwrap();
        read(&path, None)
    };
    assert_eq!(save(2.0).unwrap().tensors["conv1.weight"].data, [1.0, 2.0, 1.0, 1.0]);
    let error = save(1e300).unwrap_err().to_string();
    assert!(error.contains("`bn1.running_mean`") && error.contains("single precision"), "{error}");
}
