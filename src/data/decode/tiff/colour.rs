//! What the channels of a page mean: grey, red green blue, or converted to them.

use super::super::samples::{Kind, Samples, Values};
use super::directory::{Directory, tag};
use super::page::{Format, Page};
use super::words::YCBCR;

/// The samples of a page with their meaning.
pub(super) fn samples(directory: &Directory<'_>, page: &Page<'_>, values: Values) -> Result<Samples, String> {
    let kind = match page.format {
        Format::Unsigned => Kind::Unsigned(page.bits),
        Format::Signed => Kind::Signed(page.bits),
        Format::Float => Kind::Float(page.bits),
    };
    let plain = |channels, colours, alpha, kind, values| Samples {
        width: page.width as u32,
        height: page.height as u32,
        channels,
        colours,
        alpha,
        kind,
        values,
    };
    let rgb = |values: Vec<u8>| plain(3, 3, false, Kind::Unsigned(8), Values::U8(values));
    let extra = directory.numbers(tag::EXTRA_SAMPLES)?;
    let alpha = |colours: usize| page.samples == colours + 1 && matches!(extra.as_slice(), [1 | 2]);
    let decoded = matches!(page.compression, 7 | 50001);
    Ok(match (page.photometric, page.samples) {
        (3, 1) => rgb(palette(directory, page, &values)?),
        (5, 4..) if directory.number(tag::INK_SET)?.unwrap_or(1) == 1 => rgb(triples(page, &values, ink)),
        (YCBCR, 3) if !decoded => rgb(triples(page, &values, luma_chroma)),
        (8, 3..) => rgb(triples(page, &values, if page.bits == 8 { lab } else { lab_wide })),
        (9, 3..) => rgb(triples(page, &values, icc_lab)),
        (0 | 1 | 4, 1 | 2) if page.samples == 1 || alpha(1) => {
            let values = if page.photometric == 0 { inverted(page, values) } else { values };
            plain(page.samples, 1, page.samples == 2, kind, values)
        }
        (2 | YCBCR | 34892, 3..) => plain(page.samples, 3, alpha(3), kind, values),
        _ => plain(page.samples, 0, false, kind, values),
    })
}

fn inverted(page: &Page<'_>, mut values: Values) -> Values {
    let step = page.samples;
    let most = (1u64 << page.bits.min(32)) - 1;
    match &mut values {
        Values::U8(values) => values.iter_mut().step_by(step).for_each(|value| *value = most as u8 - *value),
        Values::U16(values) => {
            values.iter_mut().step_by(step).for_each(|value| *value = most as u16 - *value);
        }
        Values::F32(values) if page.format == Format::Unsigned => {
            values.iter_mut().step_by(step).for_each(|value| *value = most as f32 - *value);
        }
        // White as zero says nothing of numbers without a greatest one but their order.
        Values::F32(values) => values.iter_mut().step_by(step).for_each(|value| *value = -*value),
    }
    values
}

/// Looks up a palette: all reds, all greens, all blues, of 16 bits each.
fn palette(directory: &Directory<'_>, page: &Page<'_>, values: &Values) -> Result<Vec<u8>, String> {
    let map = directory.numbers(tag::COLOUR_MAP)?;
    let count = map.len() / 3;
    // Some writers keep 8 bits in the 16.
    let shift = if map.iter().all(|value| *value < 256) { 0 } else { 8 };
    let look = |number: usize| -> Option<[u8; 3]> {
        (number < count).then(|| [0, 1, 2].map(|channel| (map[channel * count + number] >> shift) as u8))
    };
    let missing = || "its palette lacks some of its colours: the TIFF file is damaged".to_owned();
    let mut pixels = Vec::with_capacity(3 * page.width * page.height);
    let mut add = |number: usize| -> Result<(), String> {
        pixels.extend(look(number).ok_or_else(missing)?);
        Ok(())
    };
    match values {
        Values::U8(values) => values.iter().try_for_each(|value| add(usize::from(*value)))?,
        Values::U16(values) => values.iter().try_for_each(|value| add(usize::from(*value)))?,
        Values::F32(_) => return Err(missing()),
    }
    Ok(pixels)
}

/// Converts the first channels of each pixel, given in [0, 1] by the range of their type.
fn triples(page: &Page<'_>, values: &Values, convert: impl Fn([f32; 4]) -> [f32; 3]) -> Vec<u8> {
    let most = ((1u64 << page.bits.min(32)) - 1) as f32;
    let mut pixels = Vec::with_capacity(3 * page.width * page.height);
    let mut add = |four: [f32; 4]| {
        let eight = |value: f32| (value * 255.0).round() as u8;
        pixels.extend(convert(four.map(|value| value / most)).map(eight));
    };
    let step = page.samples;
    let four = |at: &dyn Fn(usize) -> f32| [0, 1, 2, 3].map(|i| if i < step { at(i) } else { 0.0 });
    match values {
        Values::U8(values) => values.chunks_exact(step).for_each(|v| add(four(&|i| f32::from(v[i])))),
        Values::U16(values) => values.chunks_exact(step).for_each(|v| add(four(&|i| f32::from(v[i])))),
        Values::F32(values) => values.chunks_exact(step).for_each(|v| add(four(&|i| v[i]))),
    }
    pixels
}

fn ink([cyan, magenta, yellow, black]: [f32; 4]) -> [f32; 3] {
    [cyan, magenta, yellow].map(|ink| (1.0 - ink) * (1.0 - black))
}

/// Full-range YCbCr of Rec. 601, TIFF's default.
fn luma_chroma([y, cb, cr, _]: [f32; 4]) -> [f32; 3] {
    let (cb, cr) = (cb - 128.0 / 255.0, cr - 128.0 / 255.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb]
}

/// CIE Lab with signed a and b of 8 bits.
fn lab([l, a, b, _]: [f32; 4]) -> [f32; 3] {
    let signed = |value: f32| f32::from((value * 255.0).round() as u8 as i8);
    lab_to_rgb(l * 100.0, signed(a), signed(b))
}

/// The same of 16 bits, with a and b in parts of 256.
fn lab_wide([l, a, b, _]: [f32; 4]) -> [f32; 3] {
    let signed = |value: f32| f32::from((value * 65535.0).round() as u16 as i16) / 256.0;
    lab_to_rgb(l * 100.0, signed(a), signed(b))
}

/// The ICC's Lab of 8 bits, whose a and b are moved up by 128.
fn icc_lab([l, a, b, _]: [f32; 4]) -> [f32; 3] {
    lab_to_rgb(l * 100.0, a * 255.0 - 128.0, b * 255.0 - 128.0)
}

/// Lab under D50 to sRGB.
fn lab_to_rgb(l: f32, a: f32, b: f32) -> [f32; 3] {
    let y = (l + 16.0) / 116.0;
    let linear = |t: f32| if t > 6.0 / 29.0 { t.powi(3) } else { (t - 4.0 / 29.0) * 108.0 / 841.0 };
    let xyz = [0.964_22 * linear(y + a / 500.0), linear(y), 0.825_21 * linear(y - b / 200.0)];
    // From XYZ under D50 to linear sRGB, Bradford's adaptation to D65 within.
    let rows = [
        [3.133_856, -1.616_866_7, -0.490_614_6],
        [-0.978_768_4, 1.916_141_5, 0.033_454_0],
        [0.071_945_3, -0.228_991_4, 1.405_242_7],
    ];
    rows.map(|row| {
        let value: f32 = row.iter().zip(xyz).map(|(weight, value)| weight * value).sum();
        let value = value.clamp(0.0, 1.0);
        if value <= 0.003_130_8 { 12.92 * value } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 }
    })
}
