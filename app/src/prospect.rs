//! What a run would be, before it is started: settings that suit the pictures, and how long it takes on this device.
//! Both are worked out on a thread of its own, the newest question first.

use crate::recipes::{self, Crops};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use swav_wgpu::config::{Advice, Config, Facts, Preset, advise};
use swav_wgpu::data::{configured, spread};
use swav_wgpu::error::{Error, Result};
use swav_wgpu::measure::{Extent, Machine, Work, machine, suggest};
use swav_wgpu::pass::{self, Progress};
use swav_wgpu::train::plan;

/// Pictures that sizes and colours are told by.
const SAMPLE: usize = 256;

/// Something to work out.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Settings for the pictures of these settings.
    Settings(Box<Config>),
    /// What recipes make of a picture of these settings.
    Crops(Box<Config>),
    /// How long recipes take on the pictures and the adapter of these settings.
    Seconds(Box<Config>),
    /// What a run of these settings takes, or one of them that is to take so long.
    Cost(Box<Config>, Option<Duration>),
}

/// Names of pictures that cannot be read, with the reasons.
pub type Unreadable = Vec<(String, String)>;

/// What was worked out.
#[derive(Clone, Debug)]
pub enum Told {
    /// Settings for the pictures at a place, and how many of those that were looked at cannot be read.
    Settings(PathBuf, Vec<Advice>, Unreadable),
    /// The crops of recipes, of a picture at a place.
    Crops(Option<PathBuf>, Vec<(Preset, Crops)>),
    /// How long recipes take on the pictures at a place. Nothing where that was not worked out because the device was needed.
    Seconds(Option<PathBuf>, Option<Vec<(Preset, f64)>>),
    /// What a run of these settings, or one of them that is to take so long, takes. Nothing where it was not worked out
    /// because the device was needed.
    Cost(Box<Config>, Option<Duration>, Option<Result<Cost, String>>),
}

/// What a run takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Steps in all.
    pub steps: u64,
    /// Seconds of training in all by the measured speed of the adapter, evaluations left out.
    pub seconds: f64,
    /// Device memory, bytes.
    pub memory: u64,
    /// The adapter.
    pub adapter: String,
    /// The network that suits the time, where one is given and the pictures have been looked at.
    pub suited: Option<Suited>,
}

/// A network that suits a time on an adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct Suited {
    /// What it is called.
    pub name: String,
    /// How often a run of that time sees every picture.
    pub epochs: f64,
    /// Why this one.
    pub rule: String,
    /// Its settings.
    pub values: Vec<(&'static str, String)>,
}

impl Suited {
    fn of(facts: &Facts, machine: &Machine, time: Duration) -> Option<Self> {
        let found = suggest(facts, machine.gflop_per_s, time.as_secs_f64()).ok().flatten()?;
        let rule = found.network.first()?.rule.clone();
        let values = found.network.into_iter().map(|advice| (advice.key, advice.value)).collect();
        Some(Self { name: found.name.to_owned(), epochs: found.epochs, rule, values })
    }

    /// Whether settings have this network.
    #[must_use]
    pub fn is_in(&self, config: &Config) -> bool {
        let mut with = config.clone();
        self.values.iter().all(|(key, value)| with.set(key, value).is_ok()) && with == *config
    }
}

impl Cost {
    /// Of a run on so many pictures (an epoch has whole batches of them), or of one that is to take `within`.
    pub(crate) fn of(
        config: &Config,
        within: Option<Duration>,
        extent: (usize, usize),
        machine: Machine,
        memory: u64,
    ) -> Self {
        let (pictures, classes) = extent;
        let per_epoch = (pictures / config.batch.max(1)) as u64;
        let work = Work::of(config, &Extent { pictures: per_epoch as usize * config.batch, classes });
        let fitting = |time: Duration| work.steps_within(machine.flop_within(time.as_secs_f64()), per_epoch);
        let steps = within.map_or_else(|| config.length(per_epoch).total, fitting);
        let seconds = machine.seconds(work.total(steps, per_epoch));
        Self { steps, seconds, memory, adapter: machine.adapter, suited: None }
    }
}

/// The thread, and its answers.
#[derive(Debug)]
pub struct Prospect {
    asks: Sender<Ask>,
    told: Receiver<Told>,
    waiting: usize,
    /// Whether the device is needed for something else.
    rests: Arc<AtomicBool>,
}

impl Prospect {
    /// Starts the thread, which finds the speed of adapters below the folder `cache` or measures it. `repaint` is called
    /// when something was worked out.
    #[must_use]
    pub fn start(cache: Option<PathBuf>, repaint: impl Fn() + Send + 'static) -> Self {
        let (asks, inbox) = channel::<Ask>();
        let (sender, told) = channel();
        let rests = Arc::new(AtomicBool::new(false));
        let told_to = Arc::clone(&rests);
        std::thread::spawn(move || {
            let mut known = None;
            for ask in inbox {
                // Nobody listens any more once the window has gone.
                let _ = sender.send(work(ask, &mut known, cache.as_deref(), &told_to));
                repaint();
            }
        });
        Self { asks, told, waiting: 0, rests }
    }

    /// Has something worked out.
    pub fn ask(&mut self, ask: Ask) {
        if self.asks.send(ask).is_ok() {
            self.waiting += 1;
        }
    }

    /// Leaves the device to a run, or takes it again: a speed that is measured beside a run is none.
    pub fn rest(&self, rests: bool) {
        self.rests.store(rests, Ordering::Relaxed);
    }

    /// Whether nothing is being worked out: the device is free.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting == 0
    }

    /// What was worked out since the last call.
    pub fn poll(&mut self) -> Vec<Told> {
        let told: Vec<Told> = self.told.try_iter().collect();
        self.waiting -= told.len();
        told
    }
}

/// What is known of the pictures at a place.
type Known = Option<(PathBuf, Facts)>;

fn work(ask: Ask, known: &mut Known, cache: Option<&Path>, rests: &AtomicBool) -> Told {
    match ask {
        Ask::Settings(config) => {
            let place = config.data.clone().unwrap_or_default();
            // What cannot be opened is told where the pictures would stand.
            let (facts, advice, unreadable) = settings(&config).unwrap_or_default();
            *known = facts.map(|facts| (place.clone(), facts));
            Told::Settings(place, advice, unreadable)
        }
        Ask::Crops(config) => {
            let dataset = configured::open(&config, &mut pass::unwatched);
            let crops = dataset.map(|dataset| recipes::crops(&config, &dataset)).unwrap_or_default();
            Told::Crops(config.data, crops)
        }
        Ask::Seconds(config) => {
            let times = match speed(&config, cache, rests) {
                Err(Error::Stopped) => None,
                known => Some(
                    known.map_or_else(|_| Vec::new(), |(extent, machine)| recipes::seconds(extent, &machine)),
                ),
            };
            Told::Seconds(config.data, times)
        }
        Ask::Cost(config, within) => {
            let facts = known.as_ref().filter(|(place, _)| Some(place) == config.data.as_ref());
            let cost = match cost(&config, within, facts.map(|(_, facts)| facts), cache, rests) {
                Err(Error::Stopped) => None,
                known => Some(known.map_err(|error| crate::words::told(&error))),
            };
            Told::Cost(config, within, cost)
        }
    }
}

/// What pictures are like, settings for them, and those of a sample that cannot be read.
fn settings(config: &Config) -> Result<(Option<Facts>, Vec<Advice>, Unreadable)> {
    let config = Config { reduce: false, ..config.clone() };
    let dataset = configured::open(&config, &mut pass::unwatched)?;
    let sample = spread::some_of(dataset.pretrain(), SAMPLE);
    let survey = configured::survey(&dataset, &sample, &mut pass::unwatched)?;
    let named = survey.unreadable.iter().map(|(picture, why)| (dataset.picture_name(*picture), why.clone()));
    let facts = configured::facts(&dataset, &survey);
    let advice = facts.as_ref().map_or(Ok(Vec::new()), advise)?;
    Ok((facts, advice, named.collect()))
}

/// How many pictures and classes there are, and the adapter with its speed.
fn speed(config: &Config, cache: Option<&Path>, rests: &AtomicBool) -> Result<((usize, usize), Machine)> {
    let mut watch = |_: &Progress| {
        if rests.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let dataset = configured::open(config, &mut watch)?;
    let machine = machine(config.adapter.as_deref(), cache, &mut watch)?;
    let machine = machine.ok_or_else(|| Error::config("adapter", "no step of it could be timed"))?;
    Ok((configured::extent(&dataset), machine))
}

fn cost(
    config: &Config,
    within: Option<Duration>,
    facts: Option<&Facts>,
    cache: Option<&Path>,
    rests: &AtomicBool,
) -> Result<Cost> {
    // Whoever cannot train is told why.
    let planned = plan(config)?;
    let (extent, machine) = speed(config, cache, rests)?;
    let suited = within.zip(facts).and_then(|(time, facts)| Suited::of(facts, &machine, time));
    Ok(Cost { suited, ..Cost::of(config, within, extent, machine, planned.memory.peak()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};
    use swav_wgpu::measure::flop_per_step;

    #[test]
    fn settings_follow_the_pictures() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..40 {
            let picture = RgbImage::from_pixel(90, 60, Rgb([number * 6, 90, 200 - number]));
            picture.save(folder.path().join(format!("{number}.png"))).unwrap();
        }
        std::fs::write(folder.path().join("broken.png"), "nothing").unwrap();
        let config = Config { data: Some(folder.path().to_owned()), ..Config::default() };
        let awake = AtomicBool::new(false);
        let mut known = None;
        let told = work(Ask::Settings(Box::new(config)), &mut known, None, &awake);
        let Told::Settings(place, advice, unreadable) = told else { panic!() };
        // A slow adapter is offered a small network for a short time, and a fast one a larger one.
        let (at, facts) = known.as_ref().unwrap();
        assert_eq!((at.as_path(), facts.pictures), (folder.path(), 41), "the broken one is listed too");
        let of = |gflop_per_s| {
            let machine = Machine { adapter: "a".into(), gflop_per_s };
            Suited::of(facts, &machine, Duration::from_secs(300))
        };
        assert!(of(1.0).is_some_and(|suited| suited.name.contains("width 16")), "{:?}", of(1.0));
        assert_ne!(of(200.0), of(1.0));
        assert_eq!((place.as_path(), unreadable.len(), &*unreadable[0].0), (folder.path(), 1, "broken.png"));
        let of = |key| advice.iter().find(|advice| advice.key == key).map(|advice| advice.value.as_str());
        assert_eq!((of("preset"), of("batch")), (Some("photos"), Some("4")));
        assert!(of("epochs").is_some() && advice.iter().all(|advice| !advice.rule.is_empty()));
        let nowhere = Config { data: Some("/no/where".into()), ..Config::default() };
        let told = work(Ask::Settings(Box::new(nowhere)), &mut known, None, &awake);
        assert!(matches!(told, Told::Settings(_, none, _) if none.is_empty()) && known.is_none());
    }

    #[test]
    fn a_run_takes_its_operations_by_the_speed_of_the_adapter() {
        let config = Config::from_preset(Preset::Demo).unwrap();
        let of = |gflop_per_s, within| {
            let machine = Machine { adapter: "a".into(), gflop_per_s };
            Cost::of(&config, within, (2781, 0), machine, 1)
        };
        let (slow, fast) = (of(20.0, None), of(2000.0, None));
        assert_eq!((slow.steps, fast.steps), (1892, 1892));
        let flop = flop_per_step(&config) as f64 * 1892.0;
        assert!((slow.seconds * 20e9 / flop - 1.0).abs() < 1e-9, "{slow:?}");
        assert!((slow.seconds / fast.seconds - 100.0).abs() < 1e-6);
        // A time is filled with steps, and not one more than fits.
        let half = of(20.0, Some(Duration::from_secs_f64(slow.seconds / 2.0)));
        assert!((945..=946).contains(&half.steps) && half.seconds <= slow.seconds / 2.0, "{half:?}");
    }

    /// The adapter of this machine, measured, and nothing of it while a run has the device.
    #[test]
    fn the_speed_of_the_adapter_is_measured_once_and_not_beside_a_run() {
        let cache = tempfile::tempdir().unwrap();
        let kept = cache.path().join("swav-wgpu/speed.json");
        let config = Box::new(Config::from_preset(Preset::Demo).unwrap());
        let (awake, rests) = (AtomicBool::new(false), AtomicBool::new(true));
        let told = work(Ask::Cost(config.clone(), None), &mut None, Some(cache.path()), &rests);
        assert!(matches!(told, Told::Cost(_, None, None)) && !kept.exists(), "{told:?}");
        let told = work(Ask::Cost(config.clone(), None), &mut None, Some(cache.path()), &awake);
        let Told::Cost(_, None, Some(Ok(first))) = told else { panic!("{told:?}") };
        assert!(kept.exists() && first.seconds > 0.0);
        let told = work(Ask::Cost(config, None), &mut None, Some(cache.path()), &awake);
        let Told::Cost(_, None, Some(Ok(again))) = &told else { panic!("{told:?}") };
        // A file of numbers may lose their last bit.
        assert!(
            (again.seconds / first.seconds - 1.0).abs() < 1e-12 && again.steps == first.steps,
            "{told:?}"
        );
    }
}
