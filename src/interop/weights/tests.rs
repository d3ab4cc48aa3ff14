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

/// The trunk under a prefix, and tensors beside it by name and shape; features have 4 values.
fn with(prefix: &str, beside: &[(&str, &[usize])]) -> Shapes {
    let mut found = shapes(under(prefix).filter(|name| !name.contains("projection_head")));
    found.extend(beside.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec())));
    found
}

/// Names of what stands on the trunk, by the names in the file.
fn on_top(found: &Shapes, key: Option<&str>) -> Vec<(String, String)> {
    let is_trunk = |name: &str| ["conv1", "bn1", "layer1"].iter().any(|part| name.starts_with(part));
    let names = choose(found, key).unwrap().0;
    names.into_iter().filter(|(_, new)| !is_trunk(new)).collect()
}

/// A head's two linear layers and the norm between them, in the words of three trainers.
const NORMED: [(&str, &[usize]); 7] = [
    ("0.weight", &[8, 4]),
    ("1.weight", &[8]),
    ("1.bias", &[8]),
    ("1.running_mean", &[8]),
    ("1.running_var", &[8]),
    ("3.weight", &[2, 8]),
    ("3.bias", &[2]),
];

#[test]
fn heads_of_other_trainers_get_our_names() {
    for (prefix, head) in [
        ("backbone.", "projection_head.layers."),
        ("state_dict.backbone.", "state_dict.projector."),
        ("state_dict.module.encoder_q.", "state_dict.module.encoder_q.fc."),
        ("query_backbone.", "query_projection_head.layers."),
        ("encoder.", "projector."),
        ("", "projector."),
    ] {
        let names = NORMED.map(|(rest, _)| format!("{head}{rest}"));
        let beside: Vec<_> = names.iter().map(String::as_str).zip(NORMED.map(|(_, shape)| shape)).collect();
        let got = on_top(&with(prefix, &beside), None);
        let mut want: Vec<_> =
            names.iter().cloned().zip(NORMED.map(|(rest, _)| format!("projection_head.{rest}"))).collect();
        want.sort();
        assert_eq!(got, want, "{prefix}");
    }
    // MoCo v2 without a norm, and v1 of one layer.
    let v2: [(&str, &[usize]); 4] = [
        ("module.encoder_q.fc.0.bias", &[4]),
        ("module.encoder_q.fc.0.weight", &[4, 4]),
        ("module.encoder_q.fc.2.bias", &[2]),
        ("module.encoder_q.fc.2.weight", &[2, 4]),
    ];
    let news: Vec<String> =
        on_top(&with("module.encoder_q.", &v2), None).into_iter().map(|(_, new)| new).collect();
    assert_eq!(
        news,
        [
            "projection_head.0.bias",
            "projection_head.0.weight",
            "projection_head.2.bias",
            "projection_head.2.weight"
        ]
    );
    let v1 = on_top(&with("module.encoder_q.", &[("module.encoder_q.fc.weight", &[2, 4])]), None);
    assert_eq!(v1[0].1, "projection_head.weight");
    // lightly's container of one layer is a layer.
    let one = on_top(&with("backbone.", &[("projection_head.layers.0.weight", &[2, 4])]), None);
    assert_eq!(one[0].1, "projection_head.weight");
}

#[test]
fn heads_of_another_form_keep_their_names() {
    // Three layers; an input of another length; a classifier.
    let third: (&str, &[usize]) = ("projector.6.weight", &[2, 2]);
    let three: Vec<(String, &[usize])> =
        NORMED.iter().map(|(rest, shape)| (format!("projector.{rest}"), *shape)).collect();
    let mut beside: Vec<_> = three.iter().map(|(name, shape)| (name.as_str(), *shape)).collect();
    assert_eq!(on_top(&with("backbone.", &beside), None).len(), NORMED.len());
    beside.push(third);
    assert!(on_top(&with("backbone.", &beside), None).is_empty());
    assert!(on_top(&with("backbone.", &[("projector.weight", &[2, 9])]), None).is_empty());
    let classes =
        on_top(&with("module.", &[("module.fc.weight", &[10, 4]), ("module.fc.bias", &[10])]), None);
    assert_eq!(classes[1], ("module.fc.weight".to_owned(), "fc.weight".to_owned()));
}

#[test]
fn a_slow_copy_has_its_own_head() {
    for [fast, slow, head, copy] in [
        ["backbone.", "momentum_backbone.", "projector.weight", "momentum_projector.weight"],
        [
            "backbone.",
            "backbone_momentum.",
            "projection_head.layers.0.weight",
            "projection_head_momentum.layers.0.weight",
        ],
    ] {
        let beside: Vec<String> = under(slow).filter(|name| !name.contains("projection_head")).collect();
        let mut found = with(fast, &[(head, &[2, 4]), (copy, &[2, 4]), ("predictor.weight", &[2, 2])]);
        found.extend(shapes(&beside));
        let heads = |key: &str| -> Vec<String> {
            on_top(&found, Some(key)).into_iter().map(|(name, _)| name).collect()
        };
        let mut trained = vec!["predictor.weight".to_owned(), head.to_owned()];
        trained.sort();
        assert_eq!(heads(fast), trained);
        assert_eq!(heads(slow), [copy]);
    }
}

#[test]
fn prototypes_and_classifiers_of_other_trainers_get_our_names() {
    for (theirs, ours) in [
        (&["prototypes.weight"][..], &["prototypes.weight"][..]),
        (
            &["prototypes.heads.0.bias", "prototypes.heads.0.weight"],
            &["prototypes.bias", "prototypes.weight"],
        ),
        (&["prototypes.layers.weight"], &["prototypes.weight"]),
        (&["prototypes.weight_g", "prototypes.weight_v"], &["prototypes.weight_g", "prototypes.weight_v"]),
        (
            &["prototypes.heads.0.weight", "prototypes.heads.1.weight"],
            &["prototypes.prototypes0.weight", "prototypes.prototypes1.weight"],
        ),
        (&["prototypes.0.weight"], &["prototypes.prototypes0.weight"]),
        (&["prototypes.prototypes0.weight"], &["prototypes.prototypes0.weight"]),
        (&["classifier.weight"], &["fc.weight"]),
    ] {
        let beside: Vec<(&str, &[usize])> = theirs.iter().map(|name| (*name, &[9, 4][..])).collect();
        let got = on_top(&with("backbone.", &beside), None);
        let want: Vec<_> =
            theirs.iter().zip(ours).map(|(name, new)| ((*name).to_owned(), (*new).to_owned())).collect();
        assert_eq!(got, want);
    }
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
