//! Thumbnails of the pictures of a run: decoded on a thread of their own, kept in a few large textures.
//!
//! Asking for one never waits: until it has been decoded, a view draws a grey tile. The same thread opens
//! the data set, which takes a while for a large folder, and says what the pictures are called.

use eframe::egui::{
    Color32, ColorImage, Context, Painter, Rect, TextureHandle, TextureId, TextureOptions, pos2,
};
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use swav_wgpu::config::Config;
use swav_wgpu::data::configured;
use swav_wgpu::pass;

/// Pixels of a thumbnail, each way.
const TILE: usize = 64;
/// Thumbnails in a row of a page.
const ROW: usize = 16;
/// Pages that are kept, 4 MiB each; beyond them the oldest is given up.
const PAGES: usize = 24;

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

#[derive(Clone, Copy)]
enum Slot {
    Waiting,
    Broken,
    Ready(usize, usize),
}

/// The thumbnails of one data set.
pub struct Thumbs {
    names: Names,
    problem: Option<String>,
    slots: HashMap<u32, Slot>,
    pages: Vec<TextureHandle>,
    /// The page that is filled, and how many tiles it has.
    cursor: (usize, usize),
    waiting: usize,
    wanted: Option<Sender<u32>>,
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
            slots: HashMap::new(),
            pages: Vec::new(),
            cursor: (0, 0),
            waiting: 0,
            wanted: None,
            inbox: None,
        }
    }

    /// The pictures that the settings name, decoded as they say. `repaint` is called when there is more to draw.
    #[must_use]
    pub fn open(config: Config, repaint: impl Fn() + Send + 'static) -> Self {
        let (wanted, requests) = channel::<u32>();
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
            for picture in requests {
                let tile = dataset.show(picture).ok().map(|picture| Box::new(tile(&picture)));
                if news.send(News::Tile(picture, tile)).is_err() {
                    return;
                }
                repaint();
            }
        });
        Self { wanted: Some(wanted), inbox: Some(inbox), ..Self::none() }
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

    /// Takes in what has been decoded since the last call.
    pub fn poll(&mut self, ctx: &Context) {
        while let Some(inbox) = &self.inbox {
            match inbox.try_recv() {
                Ok(news) => self.take(ctx, news),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    /// Waits until everything that was asked for is there: for renders that must not depend on time.
    pub fn wait(&mut self, ctx: &Context) {
        while self.waiting > 0 || (self.names.set.is_empty() && self.problem.is_none()) {
            let Some(Ok(news)) = self.inbox.as_ref().map(Receiver::recv) else { return };
            self.take(ctx, news);
        }
    }

    fn take(&mut self, ctx: &Context, news: News) {
        match news {
            News::Opened(names) => self.names = *names,
            News::Failed(problem) => self.problem = Some(problem),
            News::Tile(picture, tile) => {
                self.waiting -= 1;
                let slot = tile.map_or(Slot::Broken, |tile| self.place(ctx, *tile));
                self.slots.insert(picture, slot);
            }
        }
    }

    /// Puts a tile into the page that is being filled.
    fn place(&mut self, ctx: &Context, tile: ColorImage) -> Slot {
        if self.cursor.1 == ROW * ROW {
            self.cursor = ((self.cursor.0 + 1) % PAGES, 0);
            let page = self.cursor.0;
            self.slots.retain(|_, slot| !matches!(slot, Slot::Ready(at, _) if *at == page));
        }
        let (page, at) = self.cursor;
        if page == self.pages.len() {
            let blank = ColorImage::filled([TILE * ROW; 2], Color32::TRANSPARENT);
            self.pages.push(ctx.load_texture(format!("thumbnails {page}"), blank, TextureOptions::LINEAR));
        }
        let corner = [at % ROW * TILE, at / ROW * TILE];
        self.pages[page].set_partial(corner, tile, TextureOptions::LINEAR);
        self.cursor.1 += 1;
        Slot::Ready(page, at)
    }

    /// Where a picture's thumbnail is, once it has been decoded.
    pub fn get(&mut self, picture: u32) -> Option<(TextureId, Rect)> {
        match self.slots.get(&picture) {
            Some(Slot::Ready(page, at)) => {
                let side = 1.0 / ROW as f32;
                // Half a pixel less, so that linear filtering takes nothing of the neighbours.
                let inset = 0.5 / (TILE * ROW) as f32;
                let (x, y) = ((at % ROW) as f32 * side, (at / ROW) as f32 * side);
                let uv = Rect::from_min_max(pos2(x, y), pos2(x + side, y + side)).shrink(inset);
                Some((self.pages[*page].id(), uv))
            }
            Some(_) => None,
            None => {
                if self.wanted.as_ref().is_some_and(|wanted| wanted.send(picture).is_ok()) {
                    self.waiting += 1;
                    self.slots.insert(picture, Slot::Waiting);
                }
                None
            }
        }
    }

    /// Draws a picture's thumbnail.
    pub fn paint(&mut self, painter: &Painter, rect: Rect, picture: u32, blank: Color32) {
        match self.get(picture) {
            Some((texture, uv)) => {
                painter.image(texture, rect, uv, Color32::WHITE);
            }
            None => {
                painter.rect_filled(rect, 2.0, blank);
            }
        }
    }
}

/// The middle square of a picture, at thumbnail size.
pub(crate) fn tile(picture: &image::RgbImage) -> ColorImage {
    let (width, height) = picture.dimensions();
    let side = width.min(height);
    let square = image::imageops::crop_imm(picture, (width - side) / 2, (height - side) / 2, side, side);
    let size = TILE as u32;
    let small =
        image::imageops::resize(&square.to_image(), size, size, image::imageops::FilterType::Triangle);
    ColorImage::from_rgb([TILE; 2], small.as_raw())
}
