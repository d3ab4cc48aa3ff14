//! The features of a look unfolded on a plane so that neighbours stay neighbours (t-SNE), on demand: a thread
//! of its own works on it for seconds while the window goes on.

use super::Message;
use super::digest::Map;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use swav_wgpu::eval::Features;
use swav_wgpu::eval::tsne::{ROUNDS, Tsne};

/// Pictures that are unfolded, at most: the work grows with their square.
pub const MOST: usize = 2048;
/// Rounds between two words of how far it is.
const OFTEN: usize = 10;

/// A look that can be unfolded.
#[derive(Clone, Debug)]
pub struct Folded {
    /// The look.
    pub map: Arc<Map>,
    /// Features of its first pictures.
    pub features: Features,
}

/// Keeps what unfolding needs.
#[must_use]
pub fn fold(map: Arc<Map>, features: &Features) -> Folded {
    let rows = features.rows.min(MOST);
    let data = features.data[..rows * features.dim].to_vec();
    Folded { map, features: Features { rows, dim: features.dim, data } }
}

/// Starts a thread that unfolds a look and tells how far it is, and what comes out. It ends early where
/// nobody listens any more.
pub fn start(folded: Arc<Folded>, news: Sender<Message>, repaint: impl Fn() + Send + 'static) {
    std::thread::spawn(move || {
        let tell = |message: Message| {
            let told = news.send(message).ok();
            repaint();
            told
        };
        // The window has gone on to another run: there is nobody to tell.
        let _ = unfold(&folded, |share| tell(Message::Unfolding(share)))
            .and_then(|map| tell(Message::Unfolded(Arc::new(map))));
    });
}

/// The look with its first pictures in their new places; equal for equal features. `None` where there is
/// nobody to tell.
fn unfold(folded: &Folded, tell: impl Fn(f32) -> Option<()>) -> Option<Map> {
    let Folded { map, features } = folded;
    let n = features.rows;
    let mut tsne = Tsne::new(features, &map.points[..n]);
    let mut round = 0;
    while tsne.step() {
        round += 1;
        if round % OFTEN == 0 {
            tell(round as f32 / ROUNDS as f32)?;
        }
    }
    Some(Map {
        step: map.step,
        pictures: map.pictures[..n].to_vec(),
        points: tsne.places(),
        best: map.best[..n].to_vec(),
        cosine: map.cosine[..n].to_vec(),
        loss: map.loss[..n].to_vec(),
        explained: map.explained,
        prototypes: map.prototypes.clone(),
        still: map.still,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    fn folded() -> Arc<Folded> {
        let map = Arc::new(crate::samples::map(7, 40, 10));
        let data = (0..80).map(|i| (i as f32 * 1.7).sin()).collect();
        Arc::new(fold(map, &Features::new(40, 2, data).unwrap()))
    }

    #[test]
    fn a_look_is_unfolded_and_told() {
        let (news, inbox) = channel();
        start(folded(), news, || {});
        let mut shares = Vec::new();
        let map = loop {
            match inbox.recv_timeout(Duration::from_secs(60)).unwrap() {
                Message::Unfolding(share) => shares.push(share),
                Message::Unfolded(map) => break map,
                other => panic!("{other:?}"),
            }
        };
        assert!(shares.is_sorted() && shares.len() == ROUNDS / OFTEN && *shares.last().unwrap() == 1.0);
        let before = folded();
        assert_eq!((map.step, &map.pictures, &map.loss), (7, &before.map.pictures, &before.map.loss));
        assert!(map.points != before.map.points && map.points.iter().flatten().all(|v| v.is_finite()));
    }

    #[test]
    fn nobody_is_worked_for() {
        let (news, inbox) = channel();
        drop(inbox);
        assert!(unfold(&folded(), |share| news.send(Message::Unfolding(share)).ok()).is_none());
    }
}
