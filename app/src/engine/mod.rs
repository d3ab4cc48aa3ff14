//! A run on its own thread, with its own device: the window only sends orders and reads messages.

pub mod control;
pub mod digest;
pub mod unfold;

use control::{Control, Turn};
use digest::{Digest, Map};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use swav_wgpu::error::Error;
use swav_wgpu::train::{Event, Preview, PreviewRequest, Summary, TrainOptions, train};

/// The window need not be drawn for every step.
const REPAINT: Duration = Duration::from_millis(66);

/// What the engine's thread tells the window.
#[derive(Debug)]
pub enum Message {
    /// Something happened in the run.
    Event(Event),
    /// What was asked for can be drawn.
    Digest(Box<Digest>),
    /// How far the unfolding of a look is, from 0 to 1.
    Unfolding(f32),
    /// A look was unfolded.
    Unfolded(Arc<Map>),
    /// The run is over, one way or the other.
    Ended(Result<Box<Summary>, Failure>),
}

/// Why a run ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The setting that is wrong, where it is one.
    pub field: Option<String>,
    /// What happened, in a sentence.
    pub text: String,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Config { field, .. } => Self { field: Some(field), text },
            _ => Self { field: None, text },
        }
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
    /// Starts a run. `repaint` is called when there is something new to draw.
    #[must_use]
    pub fn start(options: TrainOptions, paused: bool, repaint: impl Fn() + Send + Sync + 'static) -> Self {
        let control = Arc::new(Control::default());
        control.pause(paused);
        let (sender, inbox) = channel();
        let (orders, repaint) = (Arc::clone(&control), Arc::new(repaint));
        // A thread that panics drops its sender, which `poll` notices.
        let thread = std::thread::spawn(move || {
            let previews = digester(sender.clone(), Arc::clone(&repaint));
            let mut painted = Instant::now();
            let mut turn = Turn::default();
            let ended = train(options, &mut |event| {
                let flow_of = match event {
                    Event::Preview(preview) => {
                        // Only what the pacer needs stays behind.
                        let note = head(&preview);
                        let _ = previews.send(preview);
                        Event::Preview(Box::new(note))
                    }
                    event => {
                        let often = matches!(event, Event::Step { .. });
                        let _ = sender.send(Message::Event(event.clone()));
                        if !often || painted.elapsed() > REPAINT {
                            painted = Instant::now();
                            repaint();
                        }
                        event
                    }
                };
                orders.answer(&flow_of, &mut turn)
            });
            let _ = sender.send(Message::Ended(ended.map(Box::new).map_err(Failure::from)));
            repaint();
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
            match self.inbox.try_recv() {
                Ok(message) => {
                    self.ended |= matches!(message, Message::Ended(_));
                    news.push(message);
                }
                Err(TryRecvError::Empty) => return news,
                Err(TryRecvError::Disconnected) => {
                    if !std::mem::replace(&mut self.ended, true) {
                        let text = "The training thread ended without a word, which is a bug of this program. The \
                                    last checkpoint is in the run folder: the run can be resumed.";
                        news.push(Message::Ended(Err(Failure { field: None, text: text.to_owned() })));
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
fn digester(
    sender: Sender<Message>,
    repaint: Arc<impl Fn() + Send + Sync + 'static>,
) -> Sender<Box<Preview>> {
    let (previews, inbox) = channel::<Box<Preview>>();
    std::thread::spawn(move || {
        let mut plane = None;
        for preview in inbox {
            let digest = Digest::of(*preview, &mut plane);
            if sender.send(Message::Digest(Box::new(digest))).is_err() {
                return;
            }
            repaint();
        }
    });
    previews
}
