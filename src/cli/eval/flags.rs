//! The flags of `swav-wgpu eval`.

use clap::{Arg, ArgAction, Command, value_parser};

use crate::cli::model;

/// The command with its four measures.
pub fn command() -> Command {
    Command::new("eval")
        .about("Judge the features of a run or of any file of weights")
        .long_about(
            "Judge the features of a run, or of any file of weights, on pictures with labels. The same is done \
             with the same network untrained and with raw pixels: what training gained is the difference.",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(shared(Command::new("knn")).about("The labels of the nearest pictures vote (cosine)").args([
            list("k", "20,200", "How many neighbours, at most 256"),
            number("temperature", "0.07", "A neighbour's weight is exp(cosine / this)"),
        ]))
        .subcommand(
            shared(Command::new("linear"))
                .about("A linear classifier on the frozen network")
                .long_about(
                    "A linear classifier on the frozen network: SGD with momentum 0.9, cosine, initial weights \
                     N(0, 0.01).\n\nWithout --recipe the features of plain views are computed once and several \
                     learning rates are tried at once; a fifth of the training pictures chooses, and the test \
                     pictures are looked at once. With --recipe every epoch sees fresh crops and flips at rate \
                     0.3, as the official code does.",
                )
                .args([
                    list("rates", "0.01,0.03,0.1,0.3,1,3,10", "Learning rates to choose from"),
                    count("epochs", "100", "Times that every picture is seen"),
                    count("batch", "256", "Pictures of a step"),
                    number("decay", "1e-6", "Weight decay"),
                    count("seed", "31", "Where initial weights, order and crops come from"),
                    Arg::new("recipe").long("recipe").action(ArgAction::SetTrue).help("Fresh crops in every epoch"),
                ]),
        )
        .subcommand(
            shared(Command::new("finetune"))
                .about("The whole network trained on a few labels")
                .long_about(
                    "Semi-supervised fine-tuning: of each class a few pictures keep their labels (at least one), and \
                     the whole network learns from them with a new linear classifier: SGD with momentum 0.9, no decay, \
                     fresh crops and flips, rates to a fifth at 60 % and 80 % of the epochs, as the official code does \
                     it. Beside it stand the same network from random weights, and a linear classifier on raw pixels \
                     with the same labels.",
                )
                .args([
                    number("labels", "10", "Percent of the labels that are used"),
                    count("epochs", "20", "Times that every picture is seen"),
                    count("batch", "256", "Pictures of a step, at most"),
                    number("rate", "", "Learning rate of the trunk [default: 0.01; below 3 % of labels 0.02]"),
                    number("head-rate", "", "Learning rate of the classifier [default: 0.2; below 3 % of labels 5]"),
                    count("seed", "31", "Which labels are used; where classifier, order and crops come from"),
                ]),
        )
        .subcommand(
            shared(Command::new("clusters")).about("What clusters say about the labels (NMI, ARI, purity)").args([
                count("clusters", "", "Clusters of k-means [default: the number of classes]"),
                count("seed", "31", "Where k-means starts"),
            ]),
        )
        .after_help(
            "Examples:\n  swav-wgpu eval knn runs/demo-1\n  swav-wgpu eval linear swav_800ep_pretrain.pth.tar \
             --data imagenette --limit 5000\n  swav-wgpu eval finetune runs/demo-1 --labels 1\n  swav-wgpu eval clusters runs/photos --data photos --json",
        )
}

fn shared(command: Command) -> Command {
    command
        .arg(model::source())
        .args(model::data(model::EMBEDDED))
        .arg(model::force())
        .arg(count("limit", "50000", "Pictures of each side of a split, at most, evenly spread"))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print everything as JSON"))
        .arg(
            Arg::new("classes").long("classes").action(ArgAction::SetTrue).help("Print a table by class too"),
        )
        .arg(
            Arg::new("confusion")
                .long("confusion")
                .value_name("FILE.html")
                .help("Write this network's confusion matrix as a page"),
        )
        .args(model::settings())
}

fn count(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    let arg =
        Arg::new(name).long(name).value_name("N").value_parser(value_parser!(u64).range(1..)).help(help);
    if default.is_empty() { arg } else { arg.default_value(default) }
}

fn number(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    let arg = Arg::new(name).long(name).value_name("X").value_parser(value_parser!(f64)).help(help);
    if default.is_empty() { arg } else { arg.default_value(default) }
}

fn list(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("LIST")
        .default_value(default)
        .value_delimiter(',')
        .value_parser(value_parser!(f64))
        .help(help)
}
