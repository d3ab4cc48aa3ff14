//! The pictures of a run by its settings: where they are, how they are decoded, normalised and cropped.

use super::{Augment, Dataset, Detail, Reading, Selection, Showcase, Survey, spread};
use crate::config::{Config, Depth, Facts, Normalize, Pages};
use crate::error::{Error, Result};
use crate::pass::{self, Watch};

/// Pictures that means and deviations are worked out from, at most: spread evenly over the set. The
/// third digit does not change from there on.
const SAMPLE: usize = 10_000;

/// Opens the pictures that the settings name, to be decoded as they say: a pass, which counts the files that are found.
///
/// # Errors
/// As of [`Dataset::open_watched`].
pub fn open(config: &Config, watch: &mut Watch<'_>) -> Result<Dataset> {
    let exclude = config.exclude.iter().flat_map(|text| text.split(',')).map(str::to_owned).collect();
    let selection = Selection { source: config.source, exclude, every_page: config.pages == Pages::All };
    pass::run(("listing the pictures", "files"), 0, watch, |pass| {
        Dataset::open_watched(config.data.as_deref(), &selection, reading(config), pass)
    })
}

/// How the settings say that pictures are decoded.
#[must_use]
pub fn reading(config: &Config) -> Reading {
    Reading {
        background: config.background.map(|value| (value * 255.0).round() as u8),
        max_pixels: config.max_megapixels as u64 * 1_000_000,
        detail: config.reduce.then(|| Detail::of(&config.crops, config.eval_resize)),
        depth: config.depth.range(),
        bands: config.bands.clone().unwrap_or_default(),
        channels: config.channels,
        shown: config.shown(),
    }
}

/// How the settings say that crops are made.
#[must_use]
pub fn augment(config: &Config) -> Augment {
    let [mean, std] = config.normalization();
    Augment {
        crops: config.crops.clone(),
        flip: config.flip,
        jitter: config.jitter,
        brightness: config.brightness,
        contrast: config.contrast,
        saturation: config.saturation,
        hue: config.hue,
        grey: config.grey,
        blur: config.blur,
        blur_radius: [config.blur_min, config.blur_max],
        mean,
        std,
    }
}

/// Picture `picture` of a data set with all the crops that a run with these settings makes of it in
/// epoch `epoch`, counted from 0. No device is needed.
///
/// # Errors
/// [`crate::error::Error::Data`] where the picture cannot be read; [`crate::error::Error::Config`]
/// where the settings make no sense.
pub fn showcase(config: &Config, dataset: &Dataset, picture: u32, epoch: u64) -> Result<Showcase> {
    let pixels = dataset.decode(picture)?;
    Showcase::new(pixels, dataset.reading().shown, &augment(config), config.seed, epoch, picture)
}

/// The fewest pictures that settings are suggested for.
const FEWEST: usize = 4;

/// Looks at some pictures of a set, told by their numbers, for what they are: a pass.
///
/// # Errors
/// [`Error::Stopped`] where the pass is; pictures that cannot be read are part of the survey.
pub fn survey(dataset: &Dataset, pictures: &[u32], watch: &mut Watch<'_>) -> Result<Survey> {
    pass::run(("looking at pictures", "pictures"), pictures.len(), watch, |pass| {
        Survey::of(dataset, pictures, pass)
    })
}

/// Pictures of each class, in the order of [`Dataset::classes`].
#[must_use]
pub fn class_counts(dataset: &Dataset) -> Vec<usize> {
    let mut counts = vec![0; dataset.classes().len()];
    for picture in 0..dataset.len() as u32 {
        if let Some(label) = dataset.label(picture) {
            counts[label as usize] += 1;
        }
    }
    counts
}

/// Pictures to train on and the classes that have a picture, as counts.
#[must_use]
pub fn extent(dataset: &Dataset) -> (usize, usize) {
    let classes = class_counts(dataset).into_iter().filter(|count| *count > 0).count();
    (dataset.pretrain().len(), classes)
}

/// What settings are suggested by. `None` where nothing follows from the pictures: there are fewer than four to train on,
/// or none of those that were looked at can be read.
#[must_use]
pub fn facts(dataset: &Dataset, survey: &Survey) -> Option<Facts> {
    let (pictures, classes) = extent(dataset);
    (pictures >= FEWEST && !survey.sizes.is_empty()).then(|| Facts {
        pictures,
        classes,
        shorter_side: survey.shorter_side(),
        grey: survey.channels[2] + survey.channels[3] == 0,
        mean: survey.mean.clone(),
        std: survey.std.clone(),
    })
}

/// Writes into the settings what the pictures decided, so that whoever reads them later reads them alike.
pub fn settle(config: &mut Config, dataset: &Dataset) {
    if let (Depth::Auto, Some(range)) = (config.depth, dataset.reading().depth) {
        config.depth = Depth::of(range);
    }
}

/// Switches off what only colours have where pictures are of other than three channels; returns what to say.
pub(crate) fn settle_channels(config: &mut Config) -> Vec<String> {
    let channels = config.channels;
    if channels == 3 {
        return Vec::new();
    }
    let mut said = Vec::new();
    if [config.saturation, config.hue, config.grey] != [0.0; 3] {
        (config.saturation, config.hue, config.grey) = (0.0, 0.0, 0.0);
        let of = if channels == 1 { "one channel".to_owned() } else { format!("{channels} channels") };
        said.push(format!(
            "Pictures of {of} have no colours: saturation, hue and grey are off, and brightness and contrast change \
             each channel by itself."
        ));
    }
    if channels == 1 {
        said.push("Pictures with colours are made grey (`channels` is 1).".into());
    }
    said
}

/// Works out mean and deviation where the settings ask for those of the pictures; returns what to say.
pub(crate) fn normalize(
    config: &mut Config,
    dataset: &Dataset,
    watch: &mut Watch<'_>,
) -> Result<Option<String>> {
    let given = [&config.mean, &config.std]
        .iter()
        .all(|values| matches!(values.len(), 1) || values.len() == config.channels);
    if config.normalize != Normalize::Dataset && given {
        return Ok(None);
    }
    let sample = spread::some_of(dataset.pretrain(), SAMPLE);
    let survey = pass::run(("measuring the pictures", "pictures"), sample.len(), watch, |pass| {
        Survey::of(dataset, &sample, pass)
    })?;
    if survey.sizes.is_empty() {
        let reason = match survey.unreadable.first() {
            Some((_, reason)) => format!("no picture can be read; the first: {reason}"),
            None => "there is no picture to train on".to_owned(),
        };
        return Err(Error::Data { path: dataset.path().to_owned(), reason });
    }
    // Five digits say as much as the sample knows. A set of one colour still needs something to divide by.
    let rounded = |value: f64| (value * 1e5).round() / 1e5;
    config.mean = survey.mean.into_iter().map(rounded).collect();
    config.std = survey.std.into_iter().map(|value| rounded(value).max(0.001)).collect();
    let show = |values: &[f64]| values.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
    Ok(Some(format!(
        "Normalised by {} of the pictures themselves: --mean {} --std {}",
        survey.sizes.len(),
        show(&config.mean),
        show(&config.std)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    #[test]
    fn facts_are_of_the_classes_that_have_pictures_and_follow_from_four_that_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let seen = |dataset: &Dataset| survey(dataset, dataset.pretrain(), &mut pass::unwatched).unwrap();
        let open = |folder: &std::path::Path| {
            let config = Config { data: Some(folder.to_owned()), ..Config::default() };
            open(&config, &mut pass::unwatched).unwrap()
        };
        for (at, class) in ["cats", "cats", "dogs", "dogs"].into_iter().enumerate() {
            let sub = folder.path().join(class);
            std::fs::create_dir_all(&sub).unwrap();
            if at == 3 {
                assert!(
                    facts(&open(folder.path()), &seen(&open(folder.path()))).is_none(),
                    "three are too few"
                );
            }
            let picture = RgbImage::from_pixel(30, 20 + at as u32, Rgb([at as u8 * 60, 9, 200]));
            picture.save(sub.join(format!("{at}.png"))).unwrap();
        }
        let dataset = open(folder.path());
        let found = facts(&dataset, &seen(&dataset)).unwrap();
        assert_eq!((found.pictures, found.classes, found.grey), (4, 2, false));
        assert_eq!((found.shorter_side, class_counts(&dataset)), (seen(&dataset).shorter_side(), vec![2, 2]));

        let broken = tempfile::tempdir().unwrap();
        for at in 0..5 {
            std::fs::write(broken.path().join(format!("{at}.png")), "nothing").unwrap();
        }
        let dataset = open(broken.path());
        assert!(dataset.pretrain().len() == 5 && facts(&dataset, &seen(&dataset)).is_none());
    }
}
