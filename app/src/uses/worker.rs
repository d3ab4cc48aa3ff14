//! A network on a thread of its own, with its own device: tasks go in, news come out, in order.

use super::task::{About, By, Choice, Kind, News, Query, Seen, Task};
use super::write;
use crate::engine::Failure;
use crate::engine::digest::Map;
use crate::engine::unfold;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use swav_wgpu::config::Config;
use swav_wgpu::data::configured;
use swav_wgpu::data::{self, Dataset};
use swav_wgpu::error::{Error, Result};
use swav_wgpu::eval::{Features, kmeans};
use swav_wgpu::judge::search;
use swav_wgpu::pass::{self, Progress};
use swav_wgpu::trained::{self, Model, ModelOptions};
use swav_wgpu::tune;
use swav_wgpu::uses::embed::{Embedded, What, embed};
use swav_wgpu::uses::sort::groups;

/// Where k-means starts, as of `swav-wgpu sort`.
const SEED: u64 = 31;
/// The longer side of a picture that is shown large, pixels.
const LARGE: u32 = 320;
/// How long a window that is closed waits for a task to end: a file may be being copied.
const PATIENCE: Duration = Duration::from_secs(5);

/// The window's end of it. Dropping it ends what goes on.
#[derive(Debug)]
pub struct Worker {
    tasks: Sender<(u64, Task)>,
    news: Receiver<News>,
    /// Tasks up to this number are to end.
    ended: Arc<AtomicU64>,
    given: u64,
    gone: bool,
    thread: JoinHandle<()>,
}

impl Worker {
    /// Loads a network from a run folder or a file of weights, with kernels that were tuned for this user below the
    /// folder `cache`, if any. `repaint` is called when there is news.
    #[must_use]
    pub fn start(network: PathBuf, cache: Option<PathBuf>, repaint: impl Fn() + Send + 'static) -> Self {
        let (tasks, inbox) = channel::<(u64, Task)>();
        let (sender, news) = channel();
        let ended = Arc::new(AtomicU64::new(0));
        let last = Arc::clone(&ended);
        let thread = std::thread::spawn(move || {
            let tell = |news: News| {
                // Nobody listens any more where the window has gone on.
                let _ = sender.send(news);
                repaint();
            };
            tell(News::Began(Kind::Open));
            let opened = open(&network, cache.as_deref());
            let failed = |error: &Error| Err(Failure::told(error));
            let mut bench = match opened {
                Ok(model) => {
                    tell(News::About(Box::new(about(&model))));
                    tell(News::Ended(Kind::Open, Ok(())));
                    Bench { network, model, set: None }
                }
                Err(error) => return tell(News::Ended(Kind::Open, failed(&error))),
            };
            for (number, task) in inbox {
                let kind = task.kind();
                tell(News::Began(kind));
                let mut watch = |progress: &Progress| {
                    tell(News::Progress(*progress));
                    let end = last.load(Ordering::Relaxed) >= number;
                    if end { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                };
                let done = bench.work(task, &mut watch, &tell);
                tell(News::Ended(kind, done.map_err(|error| Failure::told(&error))));
            }
        });
        Self { tasks, news, ended, given: 0, gone: false, thread }
    }

    /// Does something once all before it is done. `false`: never, as there is no network; that has been told.
    pub fn order(&mut self, task: Task) -> bool {
        self.given += 1;
        !self.gone && self.tasks.send((self.given, task)).is_ok()
    }

    /// Ends all that was ordered so far.
    pub fn cancel(&self) {
        self.ended.store(self.given, Ordering::Relaxed);
    }

    /// Ends all, and waits until it has ended, unless that takes too long.
    pub fn wait(&mut self) {
        self.ended.store(u64::MAX, Ordering::Relaxed);
        // Without its sender the thread finds no further task.
        self.tasks = channel().0;
        let start = Instant::now();
        while !self.thread.is_finished() && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What has happened since the last call.
    pub fn poll(&mut self) -> Vec<News> {
        let mut all = Vec::new();
        loop {
            match self.news.try_recv() {
                Ok(news) => {
                    self.gone |= matches!(&news, News::Ended(Kind::Open, Err(_)));
                    all.push(news);
                }
                Err(TryRecvError::Empty) => return all,
                Err(TryRecvError::Disconnected) => {
                    if !std::mem::replace(&mut self.gone, true) {
                        let text =
                            "The network's thread ended without a word, which is a bug of this program.";
                        all.push(News::Ended(Kind::Open, Err(Failure::saying(text))));
                    }
                    return all;
                }
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.ended.store(u64::MAX, Ordering::Relaxed);
    }
}

/// A network, and the pictures that it has looked at.
pub(super) struct Bench {
    pub(super) network: PathBuf,
    pub(super) model: Model,
    pub(super) set: Option<Set>,
}

/// Pictures, and what the network says of them.
pub(super) struct Set {
    pub(super) dataset: Dataset,
    pub(super) config: Config,
    pub(super) found: Embedded,
}

pub(super) type Watch<'a> = dyn FnMut(&Progress) -> ControlFlow<()> + 'a;

fn open(network: &Path, cache: Option<&Path>) -> Result<Model> {
    let mut device = Config::default();
    if let Some(cache) = cache {
        // What was tuned makes it faster, and its lack is told where it matters: by a run.
        let _ = tune::take(&mut device, cache);
    }
    let adapter = crate::recent::config(network).ok().and_then(|config| config.adapter);
    let options = ModelOptions {
        adapter,
        kernels: Some(device.kernels),
        tuned: Some(device.tuned),
        ..ModelOptions::default()
    };
    Model::open(network, &options)
}

fn about(model: &Model) -> About {
    About {
        network: model.describe(),
        adapter: model.adapter().name.clone(),
        software: model.adapter().software,
        prototypes: model.prototype_count(),
        embeds: model.embeds(),
        trained_on: model.config().map(|config| config.data.clone()),
        notice: model.notice().map(str::to_owned),
    }
}

impl Bench {
    fn work(&mut self, task: Task, watch: &mut Watch<'_>, tell: &dyn Fn(News)) -> Result<()> {
        match task {
            Task::Look(choice) => tell(News::Seen(Box::new(self.look(&choice, watch)?))),
            Task::Group(by, count) => {
                let (of, cosines) = self.group(by, count, watch)?;
                tell(News::Grouped(by, of, cosines));
            }
            Task::Find(query, count) => tell(self.find(query, count)?),
            Task::Sort(plan) => {
                let sorted = write::sort(self.set()?, &plan, watch)?;
                let whole = write::is_whole(&plan, &sorted);
                tell(News::Sorted(plan, sorted));
                // The library takes a sort that was stopped for one that made fewer files.
                return if whole { Ok(()) } else { Err(Error::Stopped) };
            }
            Task::Weights { format, trunk_only, out } => {
                let note = write::weights(&self.network, format, trunk_only, &out)?;
                tell(News::Wrote(out, note));
            }
            Task::Features(what, out) => {
                let note = write::features(&self.model, self.set()?, what, &out, watch)?;
                tell(News::Wrote(out, note));
            }
            Task::Page(out) => {
                let note = write::page(self, &out, watch)?;
                tell(News::Wrote(out, note));
            }
            Task::Judge { linear, limit, labels } => {
                let by = (labels.as_deref(), linear, limit);
                let (tables, labels) = write::judge(&self.model, self.set()?, by, watch)?;
                tell(News::Judged(tables, labels));
            }
        }
        Ok(())
    }

    /// The pictures that were looked at.
    pub(super) fn set(&self) -> Result<&Set> {
        self.set
            .as_ref()
            .ok_or_else(|| Error::config("data", "no pictures were looked at yet: choose some first"))
    }

    fn look(&mut self, choice: &Choice, watch: &mut Watch<'_>) -> Result<Seen> {
        let own = self.model.config().map(|config| config.data.clone());
        let path = match choice {
            Choice::At(path) => Some(path.clone()),
            Choice::BuiltIn => None,
            Choice::Own => own.ok_or_else(|| {
                Error::config("data", "this file does not say which pictures it was trained on: choose some")
            })?,
        };
        // What an earlier look found is of other pictures.
        self.set = None;
        let config = trained::settings_for(&self.model, path.as_deref());
        let dataset = configured::open(&config, watch)?;
        let found = embed(&self.model, &dataset, What::Features, usize::MAX, watch)?;
        if found.pictures.is_empty() {
            let reason = match found.unreadable.values().next() {
                Some(reason) => {
                    format!("none of its {} pictures can be read; the first: {reason}", dataset.len())
                }
                None => "there is no picture in it".to_owned(),
            };
            return Err(Error::Data { path: dataset.path().to_owned(), reason });
        }
        let map = Arc::new(self.map(&found, watch)?);
        let seen = Seen {
            place: path,
            pictures: found.pictures.clone(),
            names: found.pictures.iter().map(|&picture| dataset.picture_name(picture)).collect(),
            unreadable: found
                .unreadable
                .iter()
                .map(|(&at, why)| (dataset.picture_name(at), why.clone()))
                .collect(),
            notices: dataset.notices().to_vec(),
            files: dataset.path_of(0).is_some(),
            folded: Arc::new(unfold::fold(Arc::clone(&map), &found.rows)),
            map,
            config: config.clone(),
        };
        self.set = Some(Set { dataset, config, found });
        Ok(seen)
    }

    /// The pictures on a plane among the prototypes, or among as many clusters as there are tens of pictures.
    fn map(&self, found: &Embedded, watch: &mut Watch<'_>) -> Result<Map> {
        if let (Some(prototypes), Some(best)) = (self.model.prototypes(), &found.prototypes) {
            return Ok(Map::still(&found.pictures, &found.rows, best, prototypes));
        }
        let count = (found.pictures.len() / 10).clamp(1, 50);
        let clusters =
            pass::run(kmeans::FINDING, 0, watch, |pass| kmeans::clusters(&found.rows, count, SEED, pass))?;
        Ok(Map::still(&found.pictures, &found.rows, &clusters.best(&found.rows), &clusters.centres))
    }

    fn group(&self, by: By, count: usize, watch: &mut Watch<'_>) -> Result<(Vec<u32>, Vec<f32>)> {
        let found = &self.set()?.found;
        let count = count.clamp(1, found.pictures.len());
        let (of, best) = match (by, self.model.prototypes(), &found.prototypes) {
            (By::Prototypes, Some(prototypes), Some(best)) => {
                let of = groups(prototypes, Some(count));
                (best.iter().map(|&(prototype, _)| of[prototype as usize]).collect(), best.clone())
            }
            (By::Prototypes, ..) => {
                return Err(Error::config("prototypes", "this network has none: group by likeness instead"));
            }
            _ => {
                let clusters = pass::run(kmeans::FINDING, 0, watch, |pass| {
                    kmeans::clusters(&found.rows, count, SEED, pass)
                })?;
                let best = clusters.best(&found.rows);
                (best.iter().map(|&(cluster, _)| cluster).collect::<Vec<u32>>(), best)
            }
        };
        Ok((of, best.into_iter().map(|(_, cosine)| cosine).collect()))
    }

    fn find(&self, query: Query, count: usize) -> Result<News> {
        let Set { dataset, config, found } = self.set()?;
        let (features, image) = match &query {
            Query::Picture(picture) => {
                let row = found.pictures.binary_search(picture).map_err(|_| {
                    Error::config("picture", "it could not be read, so nothing is known of it")
                })?;
                (found.rows.row(row).to_vec(), dataset.show(*picture)?)
            }
            Query::File(path) => {
                let reading = configured::reading(config);
                let pixels = data::decode_file(path, &reading)?;
                (self.model.embed(&pixels)?.features, pixels.shown(reading.shown))
            }
        };
        let most = count.clamp(1, 256);
        let near = search(&self.model, &found.rows, &Features::new(1, found.rows.dim, features)?, most)?;
        let near = near.into_iter().flatten();
        let near = near.map(|near| (found.pictures[near.row as usize], near.similarity)).collect();
        let image = image::DynamicImage::from(image).thumbnail(LARGE, LARGE).into_rgb8();
        Ok(News::Found { query, image: Box::new(image), near })
    }
}
