//! Sheets of awkward pictures are written, and looked at as data.

use super::*;
use crate::data::{Augment, CropGroup, FIRST_BANDS};
use image::{Rgb, RgbImage};

fn entry(width: u32, height: u32, sizes: &[usize], codes: bool) -> Entry {
    let crops = sizes.iter().map(|&size| CropGroup { count: 2, size, scale: [0.1, 1.0] }).collect();
    let augment = Augment { crops, jitter: 1.0, blur: 1.0, ..Augment::default() };
    let picture = RgbImage::from_fn(width, height, |x, y| Rgb([(x * 3) as u8, (y * 5) as u8, 120]));
    let shown = Showcase::new(picture.into(), FIRST_BANDS, &augment, 31, 0, width).unwrap();
    let codes =
        if codes { vec![vec![(7, 0.62), (1234, 0.2), (0, 1e-9)]; shown.views.len()] } else { Vec::new() };
    Entry {
        name: format!("<{width}>·\"x\".png"),
        class: codes.is_empty().then(|| "a & b".into()),
        shown,
        codes,
    }
}

#[test]
fn a_sheet_holds_every_box_and_crop_and_asks_for_no_other_file() {
    let pictures =
        [entry(300, 200, &[64, 24], false), entry(1, 1, &[16, 9], true), entry(3, 900, &[224, 96], true)];
    let folder = tempfile::tempdir().unwrap();
    let contact = Contact { title: "A < B", lead: "some & more", pictures: &pictures };
    let [png, html] = write(&folder.path().join("a.b"), &contact).unwrap();
    assert!(png.ends_with("a.b.png") && html.ends_with("a.b.html"));
    let page = std::fs::read_to_string(html).unwrap();
    assert_eq!(page.matches("<article>").count(), 3);
    assert_eq!(page.matches("<figure").count(), 12);
    assert_eq!(page.matches("<i class=\"b").count(), 12);
    assert_eq!(page.matches("src=\"data:image/").count(), 15);
    assert!(!page.contains("http") && !page.contains("url(") && !page.contains("<script"));
    assert!(
        page.contains("A &lt; B")
            && page.contains("&lt;300&gt;·&quot;x&quot;.png")
            && page.contains("a &amp; b")
    );
    assert_eq!(page.matches("#1234<em>20 %</em>").count(), 8);
    // Every adjustment of every crop is told.
    assert_eq!(page.matches("<li>hue <span>").count(), 12);
    let sheet = image::open(png).unwrap().to_rgb8();
    assert!(sheet.width() > 700 && sheet.width() <= 1400 && sheet.height() > 500, "{:?}", sheet.dimensions());
}

/// The frame of the first crop has the colour of the first box.
#[test]
fn boxes_and_crops_share_their_colours() {
    let pictures = [entry(200, 200, &[32], false)];
    let sheet = paint::draw(&Contact { title: "", lead: "", pictures: &pictures });
    let strong = crate::pages::gallery::shapes::colour(view_hue(0), 0.45);
    let left = sheet.enumerate_pixels().filter(|(x, _, p)| *x < 270 && **p == strong).count();
    let right = sheet.enumerate_pixels().filter(|(x, _, p)| *x > 280 && **p == strong).count();
    assert!(left > 100 && right > 100, "{left} {right}");
}

#[test]
fn very_many_crops_go_on_in_a_new_line_and_none_at_all_is_a_sheet_too() {
    let few = paint::draw(&Contact { title: "t", lead: "l", pictures: &[entry(60, 40, &[32, 20], false)] });
    let many = entry(60, 40, &[32, 20, 32, 20, 32, 20, 32, 20], false);
    let many = paint::draw(&Contact { title: "t", lead: "l", pictures: &[many] });
    assert!(many.width() <= 1400 && many.height() > few.height() + 100);
    let none = paint::draw(&Contact { title: "t", lead: "", pictures: &[] });
    assert!(none.height() > 30);
    assert!(page::html(&Contact { title: "t", lead: "", pictures: &[] }).contains("</html>"));
}

#[test]
fn factors_are_short() {
    assert_eq!(
        [1.307, 0.71, -0.08, 0.999, 0.0, -0.5].map(short),
        ["1.3", ".71", "−.08", "1.0", ".00", "−.50"]
    );
}
