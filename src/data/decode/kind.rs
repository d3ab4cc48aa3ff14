//! What bytes are that no decoder here takes, in words and with the way out.

/// Whether this is what git-lfs leaves in place of a file that it has not fetched.
pub(in crate::data) fn is_pointer(bytes: &[u8]) -> bool {
    bytes.starts_with(b"version https://git-lfs.github.com/spec/")
}

/// Why bytes of no known format are no picture; `bytes` are not empty.
pub(super) fn unread(bytes: &[u8]) -> String {
    if is_pointer(bytes) {
        return "this is a git-lfs pointer, not the picture itself: fetch the pictures with `git lfs pull`"
            .into();
    }
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(256)]).trim_start().to_ascii_lowercase();
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        return "this is an HTML page, not a picture: its download probably failed".into();
    }
    match named(bytes, &start) {
        Some((name, way)) => format!("this is {name}, which is not read; {way}"),
        None => format!("this is not a picture in a format that is understood ({READ})"),
    }
}

/// The formats that are read.
const READ: &str = "PNG, JPEG, WebP, GIF, BMP, TIFF, PNM, DICOM";

/// The name of a format that is known but not read, and what to do.
fn named(bytes: &[u8], start: &str) -> Option<(&'static str, &'static str)> {
    const EXPORT: &str = "export it as PNG, TIFF or JPEG";
    let brand = |at: usize| bytes.get(at..at + 4).unwrap_or_default();
    if brand(4) == b"ftyp" {
        return Some(("a film or a picture in an MP4 container", EXPORT));
    }
    let magic: [(&[u8], &str); 9] = [
        (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
        (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
        (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
        (b"\xff\x0a", "a JPEG XL picture"),
        (b"8BPS", "a Photoshop file"),
        (b"%PDF", "a PDF file"),
        (b"\x76\x2f\x31\x01", "an OpenEXR picture"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\x89HDF", "an HDF5 file"),
    ];
    if let Some((_, name)) = magic.into_iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some((name, EXPORT));
    }
    (start.starts_with("<svg") || start.starts_with("<?xml") && start.contains("<svg"))
        .then_some(("an SVG drawing", EXPORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_read_is_named_with_the_way_out() {
        let cases: [(&[u8], &str); 8] = [
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull"),
            (b"\n<!DOCTYPE html><html>", "HTML page"),
            (b"\0\0\0\x18ftypmp42\0\0\0\0", "MP4"),
            (b"\xff\x0a\x01\x02", "JPEG XL"),
            (b"<?xml version='1.0'?><svg xmlns='x'>", "SVG"),
            (b"x", "not a picture in a format"),
            (b"8BPS\0\x01", "Photoshop"),
            (b"PK\x03\x04", "zip"),
        ];
        for (bytes, words) in cases {
            assert!(unread(bytes).contains(words), "{}", unread(bytes));
        }
    }
}
