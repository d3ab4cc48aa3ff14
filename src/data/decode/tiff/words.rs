//! What a TIFF file has inside, in words, where it is not read.

/// Luma and chroma.
pub(super) const YCBCR: u64 = 6;

/// Why a compression is not read, and the way out.
pub(super) fn unread_compression(number: u64) -> Option<String> {
    let name = match number {
        1 | 3 | 4 | 5 | 7 | 8 | 32946 | 32773 | 34925 | 50000 | 50001 => return None,
        2 => "fax (Huffman)",
        6 => "the old kind of JPEG",
        9 | 10 => "JBIG",
        32766 => "NeXT",
        32809 => "ThunderScan",
        33003 | 33004 | 33005 | 34712 => "JPEG 2000",
        34661 => "JBIG",
        34676 | 34677 => "SGI Log",
        34887 => "LERC",
        34892 => "lossy JPEG of DNG",
        50002 | 52546 => "JPEG XL",
        _ => return Some(format!("it is compressed by method {number}, which is not known; {DEFLATE}")),
    };
    Some(format!("it is compressed with {name}, which is not read; {DEFLATE}"))
}

const DEFLATE: &str =
    "write it with Deflate: `tiffcp -c zip IN OUT`, or `gdal_translate -co COMPRESS=DEFLATE IN OUT`";

/// Why a meaning of the channels is not read, and the way out.
pub(super) fn unread_colours(number: u64) -> Option<String> {
    let name = match number {
        0..=6 | 8 | 9 | 34892 => return None,
        10 => "ITU Lab colours",
        32803 => "the raw mosaic of a camera's sensor",
        32844 | 32845 => "logarithmic (LogL or LogLuv) colours",
        _ => return Some(format!("its colours are of kind {number}, which is not known; write it as RGB")),
    };
    Some(format!("it holds {name}, which are not read; write it as RGB"))
}
