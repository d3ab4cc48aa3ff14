//! The real program as a shell sees it: exit codes, what it prints, what it leaves on the disk.
//!
//! | module | what it checks |
//! |---|---|
//! | `same_bits` | same seed, same bits, whatever the number of loader threads |
//! | `stopping` | killed, interrupted or out of time: resumed is as if never stopped |
//! | `time` | how long a run takes: told before it, and given in place of a length |
//! | `settings` | settings, flags and files that make no sense are refused in one sentence |
//! | `pictures` | folders and picture files that cannot be used |
//! | `sources` | every other source is trained on, and refused where it is damaged |
//! | `data` | what is told of pictures, and settings that suit them |
//! | `checkpoints` | run folders and checkpoints that cannot be used, and a full disk |
//! | `run_folder` | what a complete run leaves behind, and that the documentation says so |
//! | `printed` | help, presets, adapters, plan and profile |
//! | `plans` | a plan checks and says what a run would |
//! | `bare` | environments of almost nothing: the program's own words and no others |
//! | `selftest` | the table of kernels, as text and as JSON |
//! | `using` | what is done with a trained network: eval, embed, search, sort, export, report, `--init` |
//! | `duplicates` | pictures that stand twice |
//! | `methods` | the methods that SwAV is compared with: whole runs, killed ones, and what each refuses |
//! | `compare` | methods beside each other at equal compute |
//! | `earlier` | a run of an earlier version goes on |
//! | `passes` | Ctrl-C in everything that looks at pictures, and runs that were stopped there |
//! | `crops` | contact sheets of crops, with and without a network |
//! | `channels` | pictures of other than three channels |
//! | `ranks` | runs of several processes, with the feature `mpi` |
//! | `bench` | the measurement of a step, and its end by Ctrl-C |
//! | `tune` | the autotune, what it keeps, and that a run keeps its kernels |
//!
//! Every test has a folder of its own with a few small pictures and runs a network of a few thousand
//! weights, so that a run is a second or two.

#![expect(clippy::unwrap_used, reason = "a panic in a helper is a failed test, as in the tests themselves")]

mod bare;
mod bench;
mod channels;
mod checkpoints;
mod compare;
mod crops;
mod data;
mod duplicates;
mod earlier;
mod methods;
mod passes;
mod pictures;
mod plans;
mod printed;
#[cfg(feature = "mpi")]
mod ranks;
mod run_folder;
mod same_bits;
mod selftest;
mod settings;
mod sources;
mod stopping;
mod time;
mod tune;
mod using;

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};
use serde_json::Value;
use swav_wgpu::runs::checkpoint::Checkpoint;

/// Pictures in `pics`: five batches of eight an epoch, and four that are left over.
const PICTURES: usize = 44;

/// A small network on small crops, with everything in it that a run can have: two resolutions, frozen
/// prototypes at first, a queue that is in use from step 8 on, evaluations, checkpoints on the way.
const BASE: &str = r#"
arch = "resnet18"
width = 4
blocks = [1, 1, 1, 1]
stem = "stride2"
hidden = 8
embedding = 8
prototypes = 10
batch = 8
crops = "2x16@0.4-1,1x8@0.2-0.4"
eval_size = 16
eval_resize = 16
epochs = 4
optimizer = "larc"
warmup = 1
start_lr = 0
lr = 0.1
final_lr = 0
freeze_prototypes = 2
queue = 16
queue_start = 1
report_every = 1
checkpoint_every = 4
eval_every = 3
workers = 1
"#;

/// The folder of one test, in which its commands run.
struct Desk(tempfile::TempDir);

impl Desk {
    /// A folder with `base.toml` and two classes of pictures in `pics`.
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.write("base.toml", BASE);
        for index in 0..PICTURES {
            desk.picture(&format!("pics/{}/{index:02}.png", ["dark", "light"][index % 2]), index as u32);
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// A small picture of noise that is brighter where `seed` is odd.
    fn picture(&self, name: &str, seed: u32) {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 25) as u8 + 100 * (seed % 2) as u8
        };
        let picture = RgbImage::from_fn(16, 16, |_, _| Rgb([next(), next(), next()]));
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        picture.save(path).unwrap();
    }

    /// The program with the words of `line` as arguments.
    fn command(&self, line: &str) -> Command {
        let mut command = self.prepared(env!("CARGO_BIN_EXE_swav-wgpu"));
        command.args(line.split_whitespace());
        command
    }

    /// The program with the words of `line` as arguments, after a command of the shell such as a limit.
    fn limited(&self, limit: &str, line: &str) -> Ended {
        let script = format!("{limit}; exec {} {line}", env!("CARGO_BIN_EXE_swav-wgpu"));
        Ended::of(&script, &self.prepared("sh").args(["-c", &script]).output().unwrap())
    }

    /// A command that runs in this folder and sees nothing of the user.
    fn prepared(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.0.path()).stdin(Stdio::null());
        // Whoever runs the tests may have tuned: kernels kept for them are not those of the test.
        command.env("XDG_CACHE_HOME", self.path("cache")).env("HOME", self.path("home"));
        // But what Mesa compiled for one test is good for the next.
        command.env("MESA_SHADER_CACHE_DIR", env!("CARGO_TARGET_TMPDIR"));
        // As ssh and containers have it: no desktop, and no folder for one.
        for desktop in ["XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY"] {
            command.env_remove(desktop);
        }
        command
    }

    /// Runs the program to its end.
    fn run(&self, line: &str) -> Ended {
        Ended::of(line, &self.command(line).output().unwrap())
    }

    /// Trains with the settings of `base.toml` on `pics`.
    fn train(&self, line: &str) -> Ended {
        self.run(&format!("train pics --config base.toml {line}"))
    }

    /// Starts the program and returns once `run` has reports of so many steps.
    fn start_until(&self, line: &str, run: &str, steps: usize) -> Child {
        let mut command = self.command(line);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (metrics, start) = (self.path(run).join("metrics.jsonl"), Instant::now());
        while std::fs::read_to_string(&metrics).unwrap_or_default().lines().count() < steps {
            if child.try_wait().unwrap().is_some() {
                let ended = Ended::of(line, &child.wait_with_output().unwrap());
                panic!("the run ended before step {steps}: {ended:?}");
            }
            assert!(start.elapsed() < Duration::from_secs(600), "no {steps} steps in ten minutes");
            std::thread::sleep(Duration::from_millis(4));
        }
        child
    }

    /// Kills a run whose last checkpoint is of a step before `to`, once it has reports of `from` steps. It begins again where
    /// the run came further than that before this process had its turn.
    fn kill_between(&self, line: &str, run: &str, from: usize, to: u64) {
        for _ in 0..5 {
            let mut child = self.start_until(line, run, from);
            child.kill().unwrap();
            let status = child.wait().unwrap();
            assert!(status.success() || status.signal() == Some(9), "{line}: {status}");
            if !status.success() && self.checkpoint(run).meta.step < to {
                return;
            }
            std::fs::remove_dir_all(self.path(run)).unwrap();
        }
        panic!("{line}: five times past step {to} before it was killed");
    }

    fn checkpoint(&self, run: &str) -> Checkpoint {
        Checkpoint::load(&self.path(run)).unwrap().checkpoint
    }

    /// The lines of `metrics.jsonl` without what depends on the clock.
    fn metrics(&self, run: &str) -> Vec<Value> {
        let text = self.read(&format!("{run}/metrics.jsonl"));
        let line = |line: &str| timeless(serde_json::from_str(line).unwrap());
        text.lines().map(line).collect()
    }

    /// `summary.json` without what depends on the clock or on the folder's name.
    fn summary(&self, run: &str) -> Value {
        timeless(serde_json::from_str(&self.read(&format!("{run}/summary.json"))).unwrap())
    }

    /// The file names in a folder, in order.
    fn names(&self, folder: &str) -> Vec<String> {
        let entries =
            std::fs::read_dir(self.path(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn timeless(mut object: Value) -> Value {
    for key in ["images_per_s", "wait_share", "seconds", "run_folder", "gallery"] {
        object.as_object_mut().unwrap().remove(key);
    }
    object
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    /// What was run; shown when an expectation fails.
    #[expect(dead_code, reason = "only shown")]
    line: String,
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    fn of(line: &str, output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        Self { line: line.to_owned(), code: output.status.code(), out, err }
    }

    /// It ended with this code, and nothing panicked.
    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(!self.err.contains("panicked") && !self.err.contains("RUST_BACKTRACE"), "{self:#?}");
        self
    }

    /// It failed with this code and one error message, at the end, that has all of `words`. A word such as
    /// `` `max_time` `` stands for the setting, which is called `--max-time` where it was typed.
    #[track_caller]
    fn refused(self, code: i32, words: &[&str]) -> Self {
        let ended = self.expect(code);
        let errors = ended.err.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(errors, 1, "one error message is wanted: {ended:#?}");
        let message = &ended.err[ended.err.find("error: ").unwrap()..];
        for word in words {
            let flag = word.replacen('`', "`--", 1).replace('_', "-");
            assert!(message.contains(word) || message.contains(&flag), "`{word}` is not said: {ended:#?}");
        }
        ended
    }
}

/// Two runs computed the same, to the last bit, and reported every step once and in order.
#[track_caller]
fn assert_same_run(desk: &Desk, left: &str, right: &str, steps: u64) {
    let [a, b] = [left, right].map(|run| desk.checkpoint(run));
    assert_eq!(a.meta.step, steps);
    let place =
        |c: &Checkpoint| (c.meta.step, c.meta.epoch, c.meta.batch_in_epoch, c.meta.state["position"].clone());
    assert_eq!(place(&a), place(&b));
    assert!(a.tensors.keys().eq(b.tensors.keys()), "the checkpoints hold different tensors");
    for (name, tensor) in &a.tensors {
        assert_eq!(tensor.shape, b.tensors[name].shape, "{name}");
        assert!(bits(&tensor.data).eq(bits(&b.tensors[name].data)), "{name} differs");
    }
    let [a, b] = [left, right].map(|run| desk.metrics(run));
    assert_eq!(a, b, "the metrics differ");
    let seen: Vec<u64> = a.iter().map(|line| line["step"].as_u64().unwrap()).collect();
    assert_eq!(seen, (1..=steps).collect::<Vec<_>>());
    assert_eq!(desk.summary(left), desk.summary(right), "the summaries differ");
}

fn bits(values: &[f32]) -> impl Iterator<Item = u32> {
    values.iter().map(|value| value.to_bits())
}

/// The arguments of a command that was printed, which begins with the program as it is found here: by its name, or by
/// the path by which the test started it.
fn arguments(command: &str) -> &str {
    command.split_once("swav-wgpu ").unwrap_or_else(|| panic!("{command}")).1
}

/// A file of this repository.
fn repository(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}
