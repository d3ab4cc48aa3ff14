//! The kinds of numbers that a storage may hold, all read as `f32`.

/// A kind of number, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U8,
}

impl Element {
    /// What PyTorch's class of storage holds.
    pub(super) fn of(class: &str) -> Option<Self> {
        Some(match class {
            "torch.DoubleStorage" => Self::F64,
            "torch.FloatStorage" => Self::F32,
            "torch.HalfStorage" => Self::F16,
            "torch.BFloat16Storage" => Self::Bf16,
            "torch.LongStorage" => Self::I64,
            "torch.IntStorage" => Self::I32,
            "torch.ShortStorage" => Self::I16,
            "torch.CharStorage" => Self::I8,
            "torch.ByteStorage" | "torch.BoolStorage" => Self::U8,
            _ => return None,
        })
    }

    pub(super) fn bytes(self) -> u64 {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 => 1,
        }
    }

    pub(super) fn is_whole(self) -> bool {
        !matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::Bf16)
    }

    /// The values of whole elements.
    pub(super) fn values(self, bytes: &[u8]) -> Vec<f32> {
        fn each<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
            bytes.as_chunks::<N>().0.iter().map(|b| value(*b)).collect()
        }
        match self {
            Self::F64 => each(bytes, |b| f64::from_le_bytes(b) as f32),
            Self::F32 => each(bytes, f32::from_le_bytes),
            Self::F16 => each(bytes, |b| half(u16::from_le_bytes(b))),
            Self::Bf16 => each(bytes, |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)),
            Self::I64 => each(bytes, |b| i64::from_le_bytes(b) as f32),
            Self::I32 => each(bytes, |b| i32::from_le_bytes(b) as f32),
            Self::I16 => each(bytes, |b| f32::from(i16::from_le_bytes(b))),
            Self::I8 => each(bytes, |[b]| f32::from(b as i8)),
            Self::U8 => each(bytes, |[b]| f32::from(b)),
        }
    }
}

/// An IEEE half as a float, exactly.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (bits >> 10 & 31, u32::from(bits & 1023));
    let size = match exponent {
        0 => fraction as f32 * 2f32.powi(-24),
        31 => f32::from_bits(0x7f80_0000 | fraction << 13),
        _ => f32::from_bits((u32::from(exponent) + 112) << 23 | fraction << 13),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_exact() {
        let cases = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 2f32.powi(-24)),
            (0x3555, 0.333_251_95),
        ];
        for (bits, value) in cases {
            assert_eq!(half(bits), value);
        }
        assert!(
            half(0x7c01).is_nan() && half(0xfc00) == f32::NEG_INFINITY && half(0x8000).is_sign_negative()
        );
    }

    #[test]
    fn every_kind_is_read() {
        assert_eq!(Element::F64.values(&1.5f64.to_le_bytes()), [1.5]);
        assert_eq!(Element::Bf16.values(&[0x80, 0x3f, 0x80, 0xbf]), [1.0, -1.0]);
        assert_eq!(Element::I8.values(&[0xff]), [-1.0]);
        assert_eq!(Element::I32.values(&(-7i32).to_le_bytes()), [-7.0]);
        assert!(Element::of("torch.ComplexFloatStorage").is_none());
    }
}
