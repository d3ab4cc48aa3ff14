//! The box of a random resized crop, as torchvision draws it.
//!
//! Up to ten tries: area = U(scale) of the picture, aspect = exp(U(log 3/4, log 4/3)), sides rounded
//! half to even; the first that fits is placed uniformly. Else the largest centred box whose aspect
//! is within 3/4…4/3. Source: torchvision `RandomResizedCrop.get_params` (BSD), checked in tests.

const TRIES: usize = 10;
const RATIO: [f64; 2] = [3.0 / 4.0, 4.0 / 3.0];

/// A part of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CropBox {
    /// First column.
    pub left: u32,
    /// First row.
    pub top: u32,
    /// Columns, at least 1.
    pub width: u32,
    /// Rows, at least 1.
    pub height: u32,
}

impl CropBox {
    /// Draws a box in a `width`×`height` picture; `uniform` gives numbers in [0, 1): two a try
    /// (area, aspect), then two for the place (top, left).
    pub(super) fn draw(mut uniform: impl FnMut() -> f64, scale: [f64; 2], width: u32, height: u32) -> Self {
        let (w, h) = (f64::from(width), f64::from(height));
        let [low, high] = RATIO.map(f64::ln);
        for _ in 0..TRIES {
            let area = w * h * (scale[0] + (scale[1] - scale[0]) * uniform());
            let aspect = (low + (high - low) * uniform()).exp();
            let (cw, ch) =
                ((area * aspect).sqrt().round_ties_even(), (area / aspect).sqrt().round_ties_even());
            if 0.0 < cw && cw <= w && 0.0 < ch && ch <= h {
                let mut place = |room: f64| (uniform() * (room + 1.0)).min(room) as u32;
                let (top, left) = (place(h - ch), place(w - cw));
                return Self { left, top, width: cw as u32, height: ch as u32 };
            }
        }
        let (mut cw, mut ch) = (w, h);
        if w / h < RATIO[0] {
            ch = (w / RATIO[0]).round_ties_even();
        } else if w / h > RATIO[1] {
            cw = (h * RATIO[1]).round_ties_even();
        }
        let (cw, ch) = (cw.clamp(1.0, w.max(1.0)) as u32, ch.clamp(1.0, h.max(1.0)) as u32);
        Self { left: width.saturating_sub(cw) / 2, top: height.saturating_sub(ch) / 2, width: cw, height: ch }
    }

    /// The same box, made to lie inside a picture.
    pub(super) fn within(self, width: u32, height: u32) -> Self {
        let (left, top) = (self.left.min(width.saturating_sub(1)), self.top.min(height.saturating_sub(1)));
        Self {
            left,
            top,
            width: self.width.clamp(1, width - left),
            height: self.height.clamp(1, height - top),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::{golden_json, moments};
    use crate::rng::{Purpose, Stream};

    #[test]
    fn given_uniforms_give_the_official_boxes() {
        let stats = golden_json("09_aug_stats.json");
        let cases = stats["get_params_deterministic"]["cases"].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let number = |key: &str| case[key].as_u64().unwrap() as u32;
            let tries = case["u"].as_array().unwrap().iter().flat_map(|pair| pair.as_array().unwrap());
            let picks = case["pick_u"].as_array().unwrap().iter();
            let mut uniforms = tries.chain(picks).map(|u| u.as_f64().unwrap());
            let scale = [case["scale"][0].as_f64().unwrap(), case["scale"][1].as_f64().unwrap()];
            let got = CropBox::draw(|| uniforms.next().unwrap(), scale, number("W"), number("H"));
            let want =
                CropBox { left: number("left"), top: number("top"), width: number("w"), height: number("h") };
            assert_eq!(got, want, "{case}");
        }
    }

    #[test]
    fn boxes_have_the_official_distribution() {
        let stats = golden_json("09_aug_stats.json");
        for (table, case) in stats["random_resized_crop"].as_array().unwrap().iter().enumerate() {
            let number = |key: &str| case[key].as_f64().unwrap();
            let (w, h) = (number("W"), number("H"));
            let scale = [case["scale"][0].as_f64().unwrap(), case["scale"][1].as_f64().unwrap()];
            let n = 50_000;
            let boxes: Vec<CropBox> = (0..n)
                .map(|i| {
                    let mut stream = Stream::new(5, Purpose::Test, &[table as u64, i]);
                    CropBox::draw(|| stream.uniform(), scale, w as u32, h as u32)
                })
                .collect();
            let of = |f: &dyn Fn(f64, f64, f64, f64) -> f64| -> Vec<f64> {
                let value = |b: &CropBox| f(b.left.into(), b.top.into(), b.width.into(), b.height.into());
                boxes.iter().map(value).collect()
            };
            // The table has its own sampling error beside ours.
            let spread = |key: &str| 5.0 * number(key) * (1.0 + number("n") / n as f64).sqrt();
            let mut area = of(&|_, _, cw, ch| cw * ch / (w * h));
            assert!((moments(&area).0 - number("area_frac_mean")).abs() < spread("area_frac_se"), "{case}");
            let (mean, std) = moments(&of(&|_, _, cw, ch| (cw / ch).ln()));
            assert!((mean - number("aspect_log_mean")).abs() < spread("aspect_log_se"), "{case}");
            assert!((std - number("aspect_log_std")).abs() < 0.005, "{case}");
            let mut aspect = of(&|_, _, cw, ch| cw / ch);
            area.sort_by(f64::total_cmp);
            aspect.sort_by(f64::total_cmp);
            for (i, q) in case["q"].as_array().unwrap().iter().enumerate() {
                let at = (q.as_f64().unwrap() * n as f64) as usize;
                assert!(
                    (area[at] - case["area_frac_q"][i].as_f64().unwrap()).abs() < 0.01,
                    "{case}: area {q}"
                );
                assert!(
                    (aspect[at] - case["aspect_q"][i].as_f64().unwrap()).abs() < 0.02,
                    "{case}: aspect {q}"
                );
            }
            let (_, across) = moments(&of(&|left, _, cw, _| (left + cw / 2.0) / w));
            assert!((across - number("center_x_std_over_W")).abs() < 0.005, "{case}");
            let whole = of(&|_, _, cw, ch| f64::from(u8::from(cw == w && ch == h)));
            assert!((moments(&whole).0 - number("whole_image_frac")).abs() < 0.002, "{case}");
        }
    }

    #[test]
    fn a_box_always_lies_inside() {
        for (w, h) in [(1, 1), (1, 500), (500, 1), (2, 3), (64, 64)] {
            for i in 0..500 {
                let mut stream = Stream::new(1, Purpose::Test, &[u64::from(w), u64::from(h), i]);
                let b = CropBox::draw(|| stream.uniform(), [0.01, 1.0], w, h);
                assert!(
                    b.width > 0 && b.height > 0 && b.left + b.width <= w && b.top + b.height <= h,
                    "{b:?}"
                );
                assert_eq!(b, b.within(w, h));
            }
        }
    }
}
