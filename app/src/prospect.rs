//! What a run would be, before it is started: settings that suit the pictures, and how long it takes on this device.
//! Both are worked out on a thread of its own, the newest question first.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use swav_wgpu::config::{Advice, Config, Facts, advise};
use swav_wgpu::data::configured;
use swav_wgpu::data::{Survey, spread};
use swav_wgpu::error::Result;
use swav_wgpu::pass;
use swav_wgpu::train::plan;

/// Pictures that sizes and colours are told by.
const SAMPLE: usize = 256;

/// Something to work out.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Settings for the pictures of these settings.
    Settings(Box<Config>),
    /// What a run of these settings takes.
    Cost(Box<Config>),
}

/// Names of pictures that cannot be read, with the reasons.
pub type Unreadable = Vec<(String, String)>;

/// What was worked out.
#[derive(Clone, Debug)]
pub enum Told {
    /// Settings for the pictures at a place, and how many of those that were looked at cannot be read.
    Settings(PathBuf, Vec<Advice>, Unreadable),
    /// What a run of these settings takes.
    Cost(Box<Config>, Result<Cost, String>),
}

/// What a run takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Steps in all.
    pub steps: u64,
    /// Seconds of a step, roughly.
    pub step_seconds: f64,
    /// Device memory, bytes.
    pub memory: u64,
    /// The adapter.
    pub adapter: String,
}

impl Cost {
    /// Seconds in all, evaluations left out.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.steps as f64 * self.step_seconds
    }

    /// So many steps take about so many minutes.
    #[must_use]
    pub fn steps_in(&self, minutes: u64) -> u64 {
        ((60 * minutes) as f64 / self.step_seconds.max(1e-6)).round().clamp(1.0, 1e12) as u64
    }
}

/// The thread, and its answers.
#[derive(Debug)]
pub struct Prospect {
    asks: Sender<Ask>,
    told: Receiver<Told>,
    waiting: usize,
}

impl Prospect {
    /// Starts the thread. `repaint` is called when something was worked out.
    #[must_use]
    pub fn start(repaint: impl Fn() + Send + 'static) -> Self {
        let (asks, inbox) = channel::<Ask>();
        let (sender, told) = channel();
        std::thread::spawn(move || {
            for ask in inbox {
                // Nobody listens any more once the window has gone.
                let _ = sender.send(work(ask));
                repaint();
            }
        });
        Self { asks, told, waiting: 0 }
    }

    /// Has something worked out.
    pub fn ask(&mut self, ask: Ask) {
        if self.asks.send(ask).is_ok() {
            self.waiting += 1;
        }
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

fn work(ask: Ask) -> Told {
    match ask {
        Ask::Settings(config) => {
            let place = config.data.clone().unwrap_or_default();
            // What cannot be opened is told where the pictures would stand.
            let (advice, unreadable) = settings(&config).unwrap_or_default();
            Told::Settings(place, advice, unreadable)
        }
        Ask::Cost(config) => {
            let cost = cost(&config).map_err(|error| crate::words::told(&error));
            Told::Cost(config, cost)
        }
    }
}

/// Settings for pictures, and those of a sample that cannot be read.
fn settings(config: &Config) -> Result<(Vec<Advice>, Unreadable)> {
    let config = Config { reduce: false, ..config.clone() };
    let dataset = configured::open(&config, &mut pass::unwatched)?;
    let all = dataset.pretrain();
    let sample: Vec<u32> = spread::firsts(all.len(), SAMPLE).map(|at| all[at]).collect();
    let survey =
        pass::run(("looking at pictures", "pictures"), sample.len(), &mut pass::unwatched, |pass| {
            Survey::of(&dataset, &sample, pass)
        })?;
    let unreadable = survey
        .unreadable
        .iter()
        .map(|(picture, why)| (dataset.picture_name(*picture), why.clone()))
        .collect();
    let facts = Facts {
        pictures: all.len(),
        classes: dataset.classes().len(),
        shorter_side: survey.shorter_side(),
        grey: survey.channels[2] + survey.channels[3] == 0,
        mean: survey.mean.clone(),
        std: survey.std.clone(),
    };
    // Of so few pictures, or such that cannot be read, nothing follows.
    let enough = facts.pictures >= 4 && !survey.sizes.is_empty();
    Ok((if enough { advise(&facts)? } else { Vec::new() }, unreadable))
}

fn cost(config: &Config) -> Result<Cost> {
    let planned = plan(config)?;
    let dataset = configured::open(config, &mut pass::unwatched)?;
    let steps_per_epoch = (dataset.pretrain().len() / config.batch.max(1)) as u64;
    Ok(Cost {
        steps: config.length(steps_per_epoch).total,
        step_seconds: planned.estimate.seconds,
        memory: planned.memory.peak(),
        adapter: planned.adapter,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    #[test]
    fn settings_follow_the_pictures_and_minutes_make_steps() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..40 {
            let picture = RgbImage::from_pixel(90, 60, Rgb([number * 6, 90, 200 - number]));
            picture.save(folder.path().join(format!("{number}.png"))).unwrap();
        }
        std::fs::write(folder.path().join("broken.png"), "nothing").unwrap();
        let config = Config { data: Some(folder.path().to_owned()), ..Config::default() };
        let Told::Settings(place, advice, unreadable) = work(Ask::Settings(Box::new(config))) else {
            panic!()
        };
        assert_eq!((place.as_path(), unreadable.len(), &*unreadable[0].0), (folder.path(), 1, "broken.png"));
        let of = |key| advice.iter().find(|advice| advice.key == key).map(|advice| advice.value.as_str());
        assert_eq!((of("preset"), of("batch")), (Some("photos"), Some("4")));
        assert!(of("epochs").is_some() && advice.iter().all(|advice| !advice.rule.is_empty()));
        let nowhere = Config { data: Some("/no/where".into()), ..Config::default() };
        let Told::Settings(_, none, _) = work(Ask::Settings(Box::new(nowhere))) else { panic!() };
        assert!(none.is_empty());
        let cost = Cost { steps: 400, step_seconds: 1.5, memory: 1, adapter: "a".into() };
        assert_eq!((cost.seconds(), cost.steps_in(10)), (600.0, 400));
    }
}
