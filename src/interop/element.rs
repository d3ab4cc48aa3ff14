//! The kinds of numbers that a file of weights may hold, all read as `f32`.

use half::{bf16, f16};
use safetensors::Dtype;

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
    pub(super) fn of_class(class: &str) -> Option<Self> {
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

    /// What a tensor of a safetensors file holds.
    pub(super) fn of_dtype(dtype: Dtype) -> Option<Self> {
        Some(match dtype {
            Dtype::F64 => Self::F64,
            Dtype::F32 => Self::F32,
            Dtype::F16 => Self::F16,
            Dtype::BF16 => Self::Bf16,
            Dtype::I64 => Self::I64,
            Dtype::I32 => Self::I32,
            Dtype::I16 => Self::I16,
            Dtype::I8 => Self::I8,
            Dtype::U8 | Dtype::BOOL => Self::U8,
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
            Self::F16 => each(bytes, |b| f16::from_le_bytes(b).to_f32()),
            Self::Bf16 => each(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            Self::I64 => each(bytes, |b| i64::from_le_bytes(b) as f32),
            Self::I32 => each(bytes, |b| i32::from_le_bytes(b) as f32),
            Self::I16 => each(bytes, |b| f32::from(i16::from_le_bytes(b))),
            Self::I8 => each(bytes, |[b]| f32::from(b as i8)),
            Self::U8 => each(bytes, |[b]| f32::from(b)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_exact() {
        for (bits, value) in [(0x3c00u16, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 2f32.powi(-24))] {
            assert_eq!(Element::F16.values(&bits.to_le_bytes()), [value]);
        }
        assert!(Element::F16.values(&0x7c01u16.to_le_bytes())[0].is_nan());
    }

    #[test]
    fn every_kind_is_read() {
        assert_eq!(Element::F64.values(&1.5f64.to_le_bytes()), [1.5]);
        assert_eq!(Element::Bf16.values(&[0x80, 0x3f, 0x80, 0xbf]), [1.0, -1.0]);
        assert_eq!(Element::I8.values(&[0xff]), [-1.0]);
        assert_eq!(Element::I32.values(&(-7i32).to_le_bytes()), [-7.0]);
        assert!(Element::of_class("torch.ComplexFloatStorage").is_none());
    }
}
