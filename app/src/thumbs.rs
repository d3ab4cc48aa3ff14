//! Thumbnails of the pictures of a run: decoded on a thread of their own, as sharp as they are drawn, kept in a few large
//! textures.
//!
//! Asking for one never waits: until it has been decoded, a view draws a less sharp one or a grey tile. The same thread
//! opens the data set, which takes a while for a large folder, and says what the pictures are called.

mod asked;
mod pages;

use asked::Asker;
use eframe::egui::{Color32, ColorImage, Context, Painter, Rect};
use pages::{Pages, side_for};
use std::collections::HashSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use swav_wgpu::config::Config;
use swav_wgpu::data::configured;
use swav_wgpu::pass;

/// What is known of the pictures beside their pixels.
#[derive(Debug, Default)]
pub struct Names {
    /// What the set is called.
    pub set: String,
    /// The classes, where there are labels.
    pub classes: Vec<String>,
    /// The class of each picture.
    pub labels: Vec<Option<u32>>,
    /// The pictures to train on.
    pub pretrain: Vec<u32>,
    /// What the file of each picture is called, below the folder that was opened.
    pub files: Vec<String>,
    /// What was left out when the set was listed, and why.
    pub notices: Vec<String>,
}

enum News {
    Opened(Box<Names>),
    Failed(String),
    Tile(u32, Option<Box<ColorImage>>),
}

/// The thumbnails of one data set.
pub struct Thumbs {
    names: Names,
    problem: Option<String>,
    pages: Pages,
    /// Pictures that cannot be read.
    broken: HashSet<u32>,
    asker: Asker,
    inbox: Option<Receiver<News>>,
}

impl Names {
    /// What a picture shows, where that is known.
    #[must_use]
    pub fn class(&self, picture: u32) -> Option<&str> {
        let label = self.labels.get(picture as usize).copied().flatten()?;
        self.classes.get(label as usize).map(String::as_str)
    }

    /// What a picture is called: its file, or where it has none its number and its class.
    #[must_use]
    pub fn told(&self, picture: u32) -> String {
        match self.files.get(picture as usize).filter(|file| !file.is_empty()) {
            Some(file) => file.clone(),
            None => format!("{} #{picture}", self.class(picture).unwrap_or("picture")),
        }
    }

    /// The same, short enough to stand below a picture: without the folders.
    #[must_use]
    pub fn short(&self, picture: u32) -> String {
        let told = self.told(picture);
        told.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// The number of a picture's class.
    #[must_use]
    pub fn label(&self, picture: u32) -> Option<u32> {
        self.labels.get(picture as usize).copied().flatten()
    }
}

impl Thumbs {
    /// No pictures.
    #[must_use]
    pub fn none() -> Self {
        Self {
            names: Names::default(),
            problem: None,
            pages: Pages::default(),
            broken: HashSet::new(),
            asker: Asker::default(),
            inbox: None,
        }
    }

    /// The pictures that the settings name, decoded as they say. `repaint` is called when there is more to draw.
    #[must_use]
    pub fn open(mut config: Config, repaint: impl Fn() + Send + 'static) -> Self {
        // Large photographs are decoded at a part of their size: one that is enough for the largest thumbnail.
        config.eval_resize = config.eval_resize.max(pages::LARGEST as u32);
        let asker = Asker::default();
        let asked = asker.other();
        let (news, inbox) = channel();
        std::thread::spawn(move || {
            let dataset = match configured::open(&config, &mut pass::unwatched) {
                Ok(dataset) => dataset,
                Err(error) => {
                    // Nobody listens any more where the window has gone on to other pictures.
                    let _ = news.send(News::Failed(crate::words::told(&error)));
                    return repaint();
                }
            };
            let names = Names {
                set: dataset.name().to_owned(),
                classes: dataset.classes().to_vec(),
                labels: (0..dataset.len() as u32).map(|picture| dataset.label(picture)).collect(),
                pretrain: dataset.pretrain().to_vec(),
                files: (0..dataset.len() as u32).map(|picture| dataset.picture_name(picture)).collect(),
                notices: dataset.notices().to_vec(),
            };
            if news.send(News::Opened(Box::new(names))).is_err() {
                return;
            }
            repaint();
            while let Some((picture, side)) = asked.next() {
                let tile = dataset.show(picture).ok().map(|picture| Box::new(tile(&picture, side)));
                if news.send(News::Tile(picture, tile)).is_err() {
                    return;
                }
                if !asked.is_awaited() {
                    repaint();
                }
            }
        });
        Self { asker, inbox: Some(inbox), ..Self::none() }
    }

    /// What is known of the pictures.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Why there are no pictures, where they cannot be opened.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Takes in what has been decoded since the last call. Whether there was something.
    pub fn poll(&mut self, ctx: &Context) -> bool {
        let mut more = false;
        while let Some(Ok(news)) = self.inbox.as_ref().map(Receiver::try_recv) {
            self.take(ctx, news);
            more = true;
        }
        more
    }

    /// Waits until everything that was asked for is there: for renders that must not depend on time.
    pub fn wait(&mut self, ctx: &Context) {
        let is_opened = |this: &Self| !this.names.set.is_empty() || this.problem.is_some();
        self.gather(ctx, |this| is_opened(this) && this.asker.is_idle());
    }

    /// The frame that begins waits for its thumbnails by [`Thumbs::catch_up`]: until then nothing has it drawn again.
    pub(crate) fn expect(&self) {
        self.asker.awaits(true);
    }

    /// Waits at most so long for what the frame at hand asked for. Whether there is more to draw than there was.
    pub(crate) fn catch_up(&mut self, ctx: &Context, most: Duration) -> bool {
        let began = Instant::now();
        let more = self.gather(ctx, |this| this.asker.is_idle() || began.elapsed() >= most);
        self.asker.awaits(false);
        // What came since was told to nobody.
        self.poll(ctx) || more
    }

    /// Takes in what is decoded until it is enough. Whether there was something.
    fn gather(&mut self, ctx: &Context, enough: impl Fn(&Self) -> bool) -> bool {
        const MOMENT: Duration = Duration::from_millis(5);
        let mut more = false;
        loop {
            // Asked first: what was answered before is then in the inbox.
            let enough = enough(self);
            more |= self.poll(ctx);
            if enough {
                return more;
            }
            match self.inbox.as_ref().map(|inbox| inbox.recv_timeout(MOMENT)) {
                Some(Ok(news)) => {
                    self.take(ctx, news);
                    more = true;
                }
                Some(Err(RecvTimeoutError::Timeout)) => {}
                _ => return more,
            }
        }
    }

    fn take(&mut self, ctx: &Context, news: News) {
        match news {
            News::Opened(names) => self.names = *names,
            News::Failed(problem) => self.problem = Some(problem),
            News::Tile(picture, Some(tile)) => self.pages.put(ctx, picture, *tile),
            News::Tile(picture, None) => {
                self.broken.insert(picture);
            }
        }
    }

    /// Draws a picture's thumbnail, and asks for a sharper one where it is drawn larger than it is.
    pub fn paint(&mut self, painter: &Painter, rect: Rect, picture: u32, blank: Color32) {
        let (frame, scale) = (painter.ctx().cumulative_frame_nr(), painter.ctx().pixels_per_point());
        let side = side_for(rect.width().max(rect.height()) * scale);
        let found = self.pages.get(picture, side, frame);
        if found.is_none_or(|(.., there)| there < side)
            && self.inbox.is_some()
            && !self.broken.contains(&picture)
        {
            self.asker.ask(frame, (picture, side));
        }
        match found {
            Some((texture, uv, _)) => {
                painter.image(texture, rect, uv, Color32::WHITE);
            }
            None => {
                painter.rect_filled(rect, 2.0, blank);
            }
        }
    }
}

/// The middle square of a picture, so many pixels wide.
pub(crate) fn tile(picture: &image::RgbImage, side: usize) -> ColorImage {
    let (width, height) = picture.dimensions();
    let whole = width.min(height);
    let square = image::imageops::crop_imm(picture, (width - whole) / 2, (height - whole) / 2, whole, whole);
    let size = side as u32;
    let small =
        image::imageops::resize(&square.to_image(), size, size, image::imageops::FilterType::Triangle);
    ColorImage::from_rgb([side; 2], small.as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_frame_that_waits_has_its_thumbnails_and_is_not_drawn_again_for_them() {
        let (ctx, told) = (Context::default(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&told);
        let repaint = move || {
            count.fetch_add(1, Ordering::SeqCst);
        };
        let mut thumbs = Thumbs::open(Config::default(), repaint);
        thumbs.wait(&ctx);
        let pictures: Vec<u32> = thumbs.names().pretrain.iter().copied().take(20).collect();
        // That the set is open is told after it was sent.
        while told.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        let before = told.load(Ordering::SeqCst);
        thumbs.expect();
        pictures.iter().for_each(|&picture| thumbs.asker.ask(1, (picture, 64)));
        let there = |thumbs: &mut Thumbs| {
            pictures.iter().filter(|&&picture| thumbs.pages.get(picture, 64, 1).is_some()).count()
        };
        assert!(thumbs.catch_up(&ctx, Duration::from_secs(60)));
        assert_eq!((there(&mut thumbs), told.load(Ordering::SeqCst)), (pictures.len(), before));
        assert!(!thumbs.catch_up(&ctx, Duration::from_secs(60)), "nothing more was asked for");
        // A frame that does not wait is told of what it asked for.
        thumbs.asker.ask(2, (pictures[0], 128));
        thumbs.wait(&ctx);
        while told.load(Ordering::SeqCst) == before {
            std::thread::yield_now();
        }
    }
}
