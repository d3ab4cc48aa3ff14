//! The gallery is written, looked at as data: sizes, order, escapes, hostile input.

use super::*;

fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn plain(id: u32) -> Result<RgbImage> {
    Ok(RgbImage::from_pixel(40 + id, 64, Rgb([id as u8, 100, 200])))
}

#[test]
fn rows_come_by_size_and_pictures_by_similarity() {
    let best = [(2, 0.5), (0, 0.9), (2, 0.7), (2, f32::NAN), (1, 0.1), (9, 1.0)];
    let names = named(&["cat", "<dog>"]);
    let labels = Labels { of: &[1, 0, 1, 7, 0], names: &names };
    let gallery = Gallery { title: "A & B", prototypes: 4, best: &best, labels: Some(labels), figures: &[] };
    let clusters = clusters(&gallery);
    let shape: Vec<(u32, &[u32])> = clusters.iter().map(|c| (c.prototype, &c.members[..])).collect();
    assert_eq!(shape, [(2, &[3, 2, 0][..]), (0, &[1]), (1, &[4])]);
    let dominant = clusters[0].dominant.as_ref().unwrap();
    assert_eq!((dominant.class, dominant.share), (1, 1.0));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gallery");
    let broken = |id: u32| if id == 4 { Err(Error::config("picture", "broken")) } else { plain(id) };
    let written = write(&path, &gallery, &Pass::default(), broken).unwrap();
    assert_eq!(written, Written { used: 3, thumbnails: 5, unreadable: 1 });
    let page = std::fs::read_to_string(path.join("index.html")).unwrap();
    assert!(page.contains("A &amp; B") && page.contains("&lt;dog&gt;</b> 100 %") && !page.contains("<dog>"));
    assert!(page.contains("3 of 4 prototypes") && !page.contains("http"));
    assert_eq!(page.matches("<article").count(), 3);
    let sprites = image::open(path.join("sprites.png")).unwrap().to_rgb8();
    assert_eq!(sprites.dimensions(), (2048, 64));
    // The second thumbnail is picture 2, the fifth the grey tile of the broken picture.
    assert_eq!((sprites[(64 + 32, 32)].0, sprites[(4 * 64 + 32, 32)].0), ([2, 100, 200], [128; 3]));
    assert!(image::open(path.join("gallery.png")).unwrap().height() > 3 * TILE);
    // Written over an older one without complaint.
    write(&path, &gallery, &Pass::default(), plain).unwrap();
}

#[test]
fn many_prototypes_are_cut_and_said() {
    let best: Vec<(u32, f32)> = (0..310).map(|i| (i, 0.5)).collect();
    let figures: Vec<(String, String)> = (0..9).map(|i| (format!("figure {i}"), "x".repeat(200))).collect();
    let gallery =
        Gallery { title: &"long ".repeat(90), prototypes: 310, best: &best, labels: None, figures: &figures };
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), &gallery, &Pass::default(), |_| Ok(RgbImage::new(3, 5))).unwrap();
    assert_eq!(written, Written { used: 310, thumbnails: ON_PAGE, unreadable: 0 });
    let page = std::fs::read_to_string(folder.path().join("index.html")).unwrap();
    assert!(page.contains("10 smaller prototypes") && !page.contains("id=\"q\""));
}

#[test]
fn nothing_at_all_is_still_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let labels = Labels { of: &[], names: &[] };
    let gallery = Gallery { title: "", prototypes: 0, best: &[(0, 1.0)], labels: Some(labels), figures: &[] };
    assert_eq!(write(folder.path(), &gallery, &Pass::default(), plain).unwrap().thumbnails, 0);
    let one = Gallery { prototypes: 1, ..gallery };
    assert_eq!(
        write(folder.path(), &one, &Pass::default(), |_| Ok(RgbImage::new(0, 0))).unwrap().unreadable,
        1
    );
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    assert!(matches!(write(&file, &one, &Pass::default(), plain).unwrap_err(), Error::Io { .. }));
}

#[test]
fn the_middle_square_is_shown() {
    let wide =
        RgbImage::from_fn(300, 100, |x, _| if (100..200).contains(&x) { Rgb([9; 3]) } else { Rgb([200; 3]) });
    let tile = tile(&wide).unwrap();
    assert_eq!(tile.dimensions(), (TILE, TILE));
    assert!(tile.pixels().all(|pixel| pixel.0 == [9; 3]));
}
