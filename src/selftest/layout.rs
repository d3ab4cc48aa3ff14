//! Between PyTorch's NCHW and the engine's NHWC with channels padded to quads.

/// `[n, c, h, w]` (or `[n, c]`) to rows of padded channels.
pub fn to_nhwc4(shape: &[usize], data: &[f32]) -> Vec<f32> {
    let (n, c, pixels) = (shape[0], shape[1], shape[2..].iter().product::<usize>());
    let padded = c.div_ceil(4) * 4;
    let mut out = vec![0.0; n * pixels * padded];
    for (at, &value) in data.iter().enumerate() {
        let (image, channel, pixel) = (at / (c * pixels), at / pixels % c, at % pixels);
        out[(image * pixels + pixel) * padded + channel] = value;
    }
    out
}

/// The inverse, widened for comparing.
///
/// # Errors
/// What is wrong, where the padding is not zero.
pub fn from_nhwc4(shape: &[usize], data: &[f32]) -> Result<Vec<f64>, String> {
    let (n, c, pixels) = (shape[0], shape[1], shape[2..].iter().product::<usize>());
    let padded = c.div_ceil(4) * 4;
    let mut out = vec![0.0; n * c * pixels];
    for (at, &value) in data.iter().enumerate().take(n * pixels * padded) {
        let (row, channel) = (at / padded, at % padded);
        if channel < c {
            out[(row / pixels * c + channel) * pixels + row % pixels] = f64::from(value);
        } else if value != 0.0 {
            // The self-test's results start as NaN.
            let fault = if value.is_nan() { "was never written".into() } else { format!("holds {value}") };
            return Err(format!("the padding of row {row}, channel {channel} {fault}"));
        }
    }
    Ok(out)
}
