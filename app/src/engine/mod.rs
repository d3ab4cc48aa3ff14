//! A run on its own thread, with its own device: the window only sends orders and reads messages.

pub mod control;
pub mod digest;
mod guard;
mod pacer;
pub mod unfold;

use crate::words;
use control::{Control, Turn};
use digest::{Digest, Map};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use swav_wgpu::error::Error;
use swav_wgpu::train::{Event, Preview, PreviewRequest, Summary, TrainOptions, train};
use swav_wgpu::tune::{self, Taken};

/// What the engine's thread tells the window.
#[derive(Debug)]
pub enum Message {
    /// Something happened in the run.
    Event(Event),
    /// What was asked for can be drawn.
    Digest(Box<Digest>),
    /// How far the unfolding of a look is, from 0 to 1.
    Unfolding(f32),
    /// The pictures are gone, or back: the run waits.
    Pictures {
        /// Whether they are there.
        there: bool,
    },
    /// A look was unfolded.
    Unfolded(Arc<Map>),
    /// The run is over, one way or the other.
    Ended(Result<Box<Summary>, Failure>),
}

/// Why something ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The setting that is wrong, where it is one.
    pub field: Option<String>,
    /// What happened, in a sentence.
    pub text: String,
    /// Whether it only was told to stop while there was nothing to keep.
    pub stopped: bool,
    /// What helps, where a button can do it.
    pub way_out: Option<WayOut>,
}

/// What a person can do about a failure with one click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayOut {
    /// The same once more: there was no room, or the device went away.
    Again,
    /// Say where the pictures lie now.
    Locate,
    /// Copies in place of links.
    Copies,
}

impl Failure {
    /// An error in the words of the window.
    #[must_use]
    pub fn told(error: &Error) -> Self {
        let field = match error {
            Error::Config { field, .. } => Some(field.clone()),
            _ => None,
        };
        let stopped = matches!(error, Error::Stopped);
        Self { field, text: words::told(error), stopped, way_out: words::way_out(error) }
    }

    /// A sentence of the window's own.
    #[must_use]
    pub fn saying(text: &str) -> Self {
        Self { field: None, text: text.to_owned(), stopped: false, way_out: None }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::told(&error)
    }
}

/// Has the window drawn again.
struct Painter {
    repaint: Box<dyn Fn(bool) + Send + Sync>,
    /// Whether the run's device is the processor: then there is no other to draw the window.
    software: AtomicBool,
}

impl Painter {
    fn soon(&self) {
        (self.repaint)(self.software.load(Ordering::Relaxed));
    }
}

/// A run under way.
#[derive(Debug)]
pub struct Engine {
    control: Arc<Control>,
    inbox: Receiver<Message>,
    thread: JoinHandle<()>,
    ended: bool,
}

impl Engine {
    /// Starts a run, with the kernels that were tuned for this user below the folder `cache`, if any.
    /// `repaint` is called when something new is to be drawn, with whether the run's device is the processor.
    #[must_use]
    pub fn start(
        mut options: TrainOptions,
        cache: Option<PathBuf>,
        paused: bool,
        repaint: impl Fn(bool) + Send + Sync + 'static,
    ) -> Self {
        let control = Arc::new(Control::default());
        control.pause(paused);
        let (sender, inbox) = channel();
        let orders = Arc::clone(&control);
        let painter = Arc::new(Painter { repaint: Box::new(repaint), software: AtomicBool::new(false) });
        let awake = Arc::clone(&painter);
        guard::start(options.config.data.clone(), &control, sender.clone(), move || awake.soon());
        // A thread that panics drops its sender, which `poll` notices.
        let thread = std::thread::spawn(move || {
            let previews = digester(sender.clone(), Arc::clone(&painter));
            let mut turn = Turn::default();
            if let Some(notice) = cache.and_then(|cache| tuned(&mut options, &cache)) {
                let _ = sender.send(Message::Event(Event::Notice(notice)));
            }
            let ended = train(options, &mut |event| {
                let flow_of = match event {
                    Event::Preview(preview) => {
                        // Only what the pacer needs stays behind.
                        let note = head(&preview);
                        let _ = previews.send(preview);
                        Event::Preview(Box::new(note))
                    }
                    event => {
                        if let Event::Started(started) = &event {
                            painter.software.store(started.software, Ordering::Relaxed);
                        }
                        let _ = sender.send(Message::Event(event.clone()));
                        painter.soon();
                        event
                    }
                };
                orders.answer(&flow_of, &mut turn)
            });
            let _ = sender.send(Message::Ended(ended.map(Box::new).map_err(Failure::from)));
            painter.soon();
        });
        Self { control, inbox, thread, ended: false }
    }

    /// The orders.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// What has happened since the last call.
    pub fn poll(&mut self) -> Vec<Message> {
        let mut news = Vec::new();
        loop {
            // Asked first: what the thread said before it ended is then in the inbox. The guard holds a sender too.
            let over = self.thread.is_finished() && !self.ended;
            match self.inbox.try_recv() {
                Ok(message) => {
                    self.ended |= matches!(message, Message::Ended(_));
                    news.push(message);
                }
                Err(TryRecvError::Empty) if !over => return news,
                Err(_) => {
                    if !std::mem::replace(&mut self.ended, true) {
                        let text = "The training thread ended without a word, which is a bug of this program. The \
                                    last checkpoint is in the run folder: the run can be resumed.";
                        news.push(Message::Ended(Err(Failure::saying(text))));
                    }
                    return news;
                }
            }
        }
    }

    /// Waits for the thread of a run that was told to stop. A panic in it was told by [`Engine::poll`].
    pub fn join(self) {
        let _ = self.thread.join();
    }

    /// Whether the run is over and its thread gone.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ended
    }
}

/// Takes tuned kernels into the settings of a fresh run; a resumed one keeps those that it began with.
fn tuned(options: &mut TrainOptions, cache: &Path) -> Option<String> {
    if options.resume.is_some() {
        return None;
    }
    match tune::take(&mut options.config, cache) {
        Ok(Taken { kept, units }) => {
            let kept = kept.map(|file| format!("kernels as tuned for this adapter ({})", file.display()));
            kept.or(units.map(|units| units.sentence()))
        }
        Err(error) => Some(format!("{error}; the usual kernels are taken")),
    }
}

/// A preview without its contents.
fn head(preview: &Preview) -> Preview {
    Preview {
        request: PreviewRequest::default(),
        step: preview.step,
        crops: Vec::new(),
        sample: None,
        seconds: preview.seconds,
    }
}

/// A thread that turns previews into what is drawn, in order.
fn digester(sender: Sender<Message>, painter: Arc<Painter>) -> Sender<Box<Preview>> {
    let (previews, inbox) = channel::<Box<Preview>>();
    std::thread::spawn(move || {
        let mut plane = None;
        for preview in inbox {
            let digest = Digest::of(*preview, &mut plane);
            if sender.send(Message::Digest(Box::new(digest))).is_err() {
                return;
            }
            painter.soon();
        }
    });
    previews
}
