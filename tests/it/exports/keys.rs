//! The keys that other trainers' own code gives its state dicts, each with its source.

use swav_wgpu::config::Method;

/// The keys of torchvision's ResNet with one basic block in each stage and no `fc`, as `state_dict()` gives them.
pub(super) fn trunk(prefix: &str, children: [&str; 6]) -> Vec<String> {
    let [conv1, bn1, stages @ ..] = children;
    let norm = |name: String| {
        ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
            .map(|what| format!("{name}.{what}"))
    };
    let mut keys = vec![format!("{conv1}.weight")];
    keys.extend(norm(bn1.to_owned()));
    for (stage, name) in stages.iter().enumerate() {
        for unit in ["1", "2"] {
            keys.push(format!("{name}.0.conv{unit}.weight"));
            keys.extend(norm(format!("{name}.0.bn{unit}")));
        }
        if stage > 0 {
            keys.push(format!("{name}.0.downsample.0.weight"));
            keys.extend(norm(format!("{name}.0.downsample.1")));
        }
    }
    keys.into_iter().map(|key| format!("{prefix}{key}")).collect()
}

pub(super) const TORCHVISION: [&str; 6] = ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4"];
/// `nn.Sequential(*list(resnet.children())[:-1])` of lightly's examples.
const CHILDREN: [&str; 6] = ["0", "1", "4", "5", "6", "7"];

/// The keys of a perceptron: what is wanted of each of its children.
fn keys(path: &str, children: &[(&str, &[&str])]) -> Vec<String> {
    children
        .iter()
        .flat_map(|(child, parts)| parts.iter().map(move |part| format!("{path}{child}.{part}")))
        .collect()
}

const LINEAR: &[&str] = &["weight", "bias"];
const NORM: &[&str] = &["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
/// Linear, batch norm, ReLU, linear.
const NORMED: &[(&str, &[&str])] = &[("0", LINEAR), ("1", NORM), ("3", LINEAR)];
/// The same as lightly's `ProjectionHead` builds it: no bias before a batch norm.
const UNBIASED: &[(&str, &[&str])] = &[("0", &["weight"]), ("1", NORM), ("3", LINEAR)];
/// Linear, ReLU, linear.
const PLAIN: &[(&str, &[&str])] = &[("0", LINEAR), ("2", LINEAR)];

fn one(name: &str) -> Vec<String> {
    vec![name.to_owned()]
}

/// lightly: `models/modules/heads.py` (`ProjectionHead`, `BYOLPredictionHead`, `SwaVPrototypes`) in the modules of
/// `examples/pytorch/{swav,byol,moco}.py`.
pub(super) fn of_lightly(method: Method) -> Vec<String> {
    let backbone = |name: &str| trunk(&format!("{name}."), CHILDREN);
    match method {
        Method::Swav => [
            backbone("backbone"),
            keys("projection_head.layers.", UNBIASED),
            keys("prototypes.heads.", &[("0", LINEAR)]),
        ]
        .concat(),
        Method::Byol => [
            backbone("backbone"),
            keys("projection_head.layers.", UNBIASED),
            keys("prediction_head.layers.", UNBIASED),
            backbone("backbone_momentum"),
            keys("projection_head_momentum.layers.", UNBIASED),
        ]
        .concat(),
        _ => [
            backbone("backbone"),
            keys("projection_head.layers.", PLAIN),
            backbone("backbone_momentum"),
            keys("projection_head_momentum.layers.", PLAIN),
        ]
        .concat(),
    }
}

/// solo-learn: `methods/{swav,byol,mocov2plus,deepclusterv2,linear}.py`, without the linear classifier that its methods
/// train on the side, and without the two queues of MoCo v2+.
pub(super) fn of_solo_learn(method: Method) -> Vec<String> {
    let backbone = |name: &str| trunk(&format!("{name}."), TORCHVISION);
    match method {
        Method::Swav => [
            backbone("backbone"),
            keys("projector.", NORMED),
            one("prototypes.weight_g"),
            one("prototypes.weight_v"),
        ]
        .concat(),
        Method::Byol => [
            backbone("backbone"),
            keys("projector.", NORMED),
            keys("predictor.", NORMED),
            backbone("momentum_backbone"),
            keys("momentum_projector.", NORMED),
        ]
        .concat(),
        Method::MocoV2 => [
            backbone("backbone"),
            keys("projector.", PLAIN),
            backbone("momentum_backbone"),
            keys("momentum_projector.", PLAIN),
        ]
        .concat(),
        Method::Supervised => [backbone("backbone"), keys("", &[("classifier", LINEAR)])].concat(),
        _ => [
            backbone("backbone"),
            keys("projector.", NORMED),
            one("prototypes.0.weight"),
            one("prototypes.1.weight"),
        ]
        .concat(),
    }
}

/// facebookresearch/moco: `moco/builder.py` with `mlp=True`, inside `DistributedDataParallel`.
pub(super) fn of_moco() -> Vec<String> {
    let encoder = |name: &str| {
        let path = format!("module.{name}.");
        [trunk(&path, TORCHVISION), keys(&format!("{path}fc."), PLAIN)].concat()
    };
    [encoder("encoder_q"), encoder("encoder_k"), one("module.queue"), one("module.queue_ptr")].concat()
}

/// facebookresearch/swav: `src/resnet50.py` (`MultiPrototypes` for several sets); torchvision's `fc`.
pub(super) fn of_swav(method: Method) -> Vec<String> {
    let bare = trunk("", TORCHVISION);
    match method {
        Method::Supervised => [bare, keys("", &[("fc", LINEAR)])].concat(),
        Method::Swav => [bare, keys("projection_head.", NORMED), one("prototypes.weight")].concat(),
        Method::DeepclusterV2 | Method::SelaV2 => {
            let sets = keys("prototypes.", &[("prototypes0", &["weight"]), ("prototypes1", &["weight"])]);
            [bare, keys("projection_head.", NORMED), sets].concat()
        }
        _ => [bare, keys("projection_head.", NORMED)].concat(),
    }
}
