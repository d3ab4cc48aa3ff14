//! Two train the same step in turns, ours first: whatever else the machine does hits both. A peer that
//! cannot train the same step says how many operations its own has, and is compared by their rate.

use super::peers;
use std::error::Error;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use swav_wgpu::measure::{Figures, Meter, Spread};

const TORCH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/torch_step.py");

/// The configurations of ResNet-50 on pictures of 224 pixels.
const RESNET_50: [&str; 2] = ["C3", "C5"];

/// Ratios of pairs that differ by more than this say something of the machine, not of the programs.
const DISTURBED: f64 = 1.5;

/// Who trains against us.
pub(crate) enum Peer {
    /// `benches/peers/torch_step.py`.
    Torch { python: PathBuf, device: String, mode: String },
    /// `benches/peers/burn`.
    Burn { program: PathBuf, backend: String },
    /// `benches/peers/meganeura`.
    Meganeura { program: PathBuf },
    /// This program with other settings.
    Ourselves { meter: Box<Meter>, settings: String },
}

/// What a turn of a peer found, in seconds of a step.
struct Turn {
    median: f64,
    min: f64,
    max: f64,
    /// The peer as it describes itself.
    who: String,
    /// Where it is other work than ours.
    work: Option<Work>,
}

/// A step of a peer that trains something else.
struct Work {
    flop: f64,
    what: String,
}

impl Work {
    fn of(printed: &serde_json::Value) -> Option<Self> {
        let what = printed["config"].as_str().unwrap_or_default().to_owned();
        printed["flop"].as_f64().map(|flop| Self { flop, what })
    }
}

/// What a race consists of.
pub(crate) struct Plan {
    pub(crate) case: &'static str,
    /// Pictures of a step, for peers that are other programs.
    pub(crate) batch: usize,
    /// Steps of a turn.
    pub(crate) steps: usize,
    /// Turns of each.
    pub(crate) pairs: usize,
}

impl Peer {
    /// Whether it is installed and trains such a network; if not, what to do, in a sentence.
    pub(crate) fn find(&self, case: &str) -> Result<(), String> {
        match self {
            Self::Torch { python, .. } => {
                let mut asked = Command::new(python);
                let asked = asked.args(["-c", "import torch"]).stdout(Stdio::null()).stderr(Stdio::null());
                if asked.status().is_ok_and(|status| status.success()) {
                    return Ok(());
                }
                Err(format!(
                    "No race: {} has no PyTorch; install it with `python3 -m venv torch && torch/bin/pip \
                     install torch` and pass --python torch/bin/python.",
                    python.display()
                ))
            }
            Self::Burn { program, .. } if program.is_file() => Ok(()),
            Self::Burn { program, .. } => Err(format!(
                "No race: {} does not exist; `cargo build --release` in benches/peers/burn makes it in an \
                 hour or more, and --burn PATH names one from elsewhere.",
                program.display()
            )),
            Self::Meganeura { .. } if !RESNET_50.contains(&case) => Err(format!(
                "No race: {case} is another network than meganeura's, which is ResNet-50 on pictures of 224 \
                 pixels; name one of {}.",
                RESNET_50.join(", ")
            )),
            Self::Meganeura { program } if program.is_file() => Ok(()),
            Self::Meganeura { program } => Err(format!(
                "No race: {} does not exist; `cargo build --release` in benches/peers/meganeura makes it in \
                 minutes, and --meganeura PATH names one from elsewhere.",
                program.display()
            )),
            Self::Ourselves { .. } => Ok(()),
        }
    }

    fn turn(&mut self, plan: &Plan) -> Result<Turn, Box<dyn Error>> {
        let [steps, batch] = [plan.steps, plan.batch].map(|number| number.to_string());
        let mut command = match self {
            Self::Torch { python, device, mode } => {
                let mut command = peers::script(python, TORCH);
                command.args(["--config", plan.case, "--steps", &steps, "--batch", &batch]);
                command.args(["--device", device, "--mode", mode]);
                command
            }
            Self::Burn { program, backend } => {
                let mut command = Command::new(program);
                command.args([backend, plan.case, "--steps", &steps, "--batch", &batch]);
                command
            }
            Self::Meganeura { program } => {
                let mut command = Command::new(program);
                command.args(["--steps", &steps, "--batch", &batch]);
                command
            }
            Self::Ourselves { meter, settings } => {
                let Spread { median, min, max } = ours(meter, plan)?;
                return Ok(Turn { median, min, max, who: settings.clone(), work: None });
            }
        };
        result(&mut command)
    }
}

/// A turn of ours.
fn ours(meter: &mut Meter, plan: &Plan) -> Result<Spread, Box<dyn Error>> {
    let seconds = (0..plan.steps).map(|_| meter.step()).collect::<Result<Vec<_>, _>>()?;
    Ok(Spread::of(&seconds))
}

/// A turn of another program.
fn result(command: &mut Command) -> Result<Turn, Box<dyn Error>> {
    let found = peers::answer(command)?;
    let median = found["s_step"].as_f64().ok_or("the peer did not print `s_step`")?;
    let [min, max] = ["s_min", "s_max"].map(|key| found[key].as_f64().unwrap_or(median));
    Ok(Turn { median, min, max, who: who(&found), work: Work::of(&found) })
}

/// Runs the race and prints every pair, and the median of the ratios.
pub(crate) fn run(mut meter: Meter, mut peer: Peer, plan: &Plan) -> Result<(), Box<dyn Error>> {
    let Plan { case, steps, pairs, .. } = plan;
    for _ in 0..Meter::WARM_UP {
        meter.step()?;
        if let Peer::Ourselves { meter, .. } = &mut peer {
            meter.step()?;
        }
    }
    let flop = meter.figures().roofline.flop as f64;
    let (mut all_ours, mut all_theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut unit = "speed";
    for pair in 1..=*pairs {
        let ours = ours(&mut meter, plan)?;
        let theirs = peer.turn(plan)?;
        if pair == 1 {
            println!("{case} on {} against {}, {steps} steps a turn:", meter.adapter().name, theirs.who);
        }
        let mut ratio = theirs.median / ours.median;
        if let Some(work) = &theirs.work {
            if pair == 1 {
                println!("{}", other_work(flop, work));
            }
            (unit, ratio) = ("GF/s", ratio * flop / work.flop);
        }
        println!(
            "  pair {pair}: ours {:.3} s [{:.3} {:.3}], theirs {:.3} s [{:.3} {:.3}]: {ratio:.3} of their {unit}",
            ours.median, ours.min, ours.max, theirs.median, theirs.min, theirs.max,
        );
        all_ours.push(ours.median);
        all_theirs.push(theirs.median);
        ratios.push(ratio);
    }
    let (ours, theirs, ratio) = (Spread::of(&all_ours), Spread::of(&all_theirs), Spread::of(&ratios));
    println!(
        "  median: ours {:.3} s, theirs {:.3} s: {:.3} of their {unit} [{:.3} {:.3}]",
        ours.median, theirs.median, ratio.median, ratio.min, ratio.max
    );
    if let Peer::Ourselves { meter: other, .. } = &peer {
        let [ours, theirs] = [meter.figures(), other.figures()];
        let times = |of: fn(&Figures) -> f64| of(&theirs) / of(&ours);
        println!(
            "  theirs has {:.2} times our operations and {:.2} times our memory",
            times(|figures| figures.roofline.flop as f64),
            times(|figures| figures.memory_bytes as f64)
        );
    }
    if ratio.max > DISTURBED * ratio.min {
        println!("  The pairs disagree: something else ran meanwhile. Repeat this on a quiet machine.");
    }
    Ok(())
}

/// What is compared with a peer whose step is not ours.
fn other_work(flop: f64, theirs: &Work) -> String {
    format!(
        "  Their step is other work ({}): {:.1} GFLOP where ours has {:.1}. So operations a second are compared.",
        theirs.what,
        theirs.flop * 1e-9,
        flop * 1e-9,
    )
}

/// The peer as it describes itself.
fn who(printed: &serde_json::Value) -> String {
    let words = ["peer", "mode", "device"].iter().filter_map(|key| printed[*key].as_str());
    let mut text = words.collect::<Vec<_>>().join(", ");
    if let Some(threads) = printed["threads"].as_u64() {
        text += &format!(", {threads} threads");
    }
    text
}
