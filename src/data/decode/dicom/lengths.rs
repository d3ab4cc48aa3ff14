//! The lengths of a DICOM file's elements, checked before anybody believes them: dicom-rs makes room for as many
//! bytes as an element says that it has, and four damaged bytes can say four gigabytes.

/// Pixels stored in fragments follow an element of this tag and no length.
const PIXELS: (u16, u16) = (0x7fe0, 0x0010);
const ITEM: (u16, u16) = (0xfffe, 0xe000);
const END_OF_SEQUENCE: (u16, u16) = (0xfffe, 0xe0dd);
const SYNTAX: (u16, u16) = (0x0002, 0x0010);
/// The length of what tells how the rest is stored.
const HEAD: (u16, u16) = (0x0002, 0x0000);
/// The transfer syntax whose elements say no kind.
const IMPLICIT: &str = "1.2.840.10008.1.2";
/// Retired in 2006, and hardly ever seen.
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
/// All of it compressed, so that nobody knows how much it is.
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
/// What stands for a length that an end mark tells.
const OPEN: u32 = u32::MAX;

/// Checks every element from the mark `DICM` on, those inside sequences too (PS3.5, section 7; PS3.10, section 7.1).
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let mut walk =
        Walk { rest: bytes.get(4..).unwrap_or_default(), explicit: true, syntax: None, head: None };
    let mut in_pixels = false;
    while !walk.rest.is_empty() {
        let (tag, kind, length) = walk.header()?;
        if tag == PIXELS && length == OPEN {
            in_pixels = true;
        } else if length == OPEN || tag == ITEM && !in_pixels {
            // What is inside follows, and is walked like all else. Of unknown kinds nobody knows how it is stored.
            if length == OPEN && kind == *b"UN" {
                return Ok(());
            }
            if length != OPEN && length as usize > walk.rest.len() {
                return Err(cut());
            }
        } else {
            let value = walk.rest.get(..length as usize).ok_or_else(cut)?;
            match tag {
                SYNTAX => walk.syntax = Some(value),
                HEAD => walk.head = value.first_chunk().map(|value| (value, walk.rest.len() - value.len())),
                _ => {}
            }
            in_pixels &= tag != END_OF_SEQUENCE;
            let is_sequence = value.starts_with(&[0xfe, 0xff, 0x00, 0xe0]) && kind != *b"UN" && !in_pixels;
            if !is_sequence {
                walk.rest = &walk.rest[value.len()..];
            }
        }
    }
    Ok(())
}

fn cut() -> String {
    "the DICOM file is damaged or cut short: one of its elements is longer than the file".into()
}

/// The tag of an element, its kind and its length.
type Header = ((u16, u16), [u8; 2], u32);

struct Walk<'a> {
    rest: &'a [u8],
    /// Whether elements say their kind; those of the head do in every file.
    explicit: bool,
    syntax: Option<&'a [u8]>,
    /// The bytes that the head says it has, and how many follow where it begins.
    head: Option<(&'a [u8; 4], usize)>,
}

impl<'a> Walk<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or_else(cut)?;
        self.rest = rest;
        Ok(head)
    }

    fn long(&mut self) -> Result<u32, String> {
        self.take(4)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)).ok_or_else(cut)
    }

    /// The next element's tag, kind and length.
    fn header(&mut self) -> Result<Header, String> {
        let left = self.rest.len();
        let head = self.take(4)?;
        let half = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        let tag = (half(0), half(2));
        if tag.0 > 2
            && let Some(uid) = self.syntax.take()
        {
            // Where the head says that it ends elsewhere, others would read from there.
            if self.head.is_some_and(|(said, from)| {
                from.checked_sub(u32::from_le_bytes(*said) as usize) != Some(left)
            }) {
                return Err(cut());
            }
            let uid = String::from_utf8_lossy(uid);
            let uid = uid.trim_matches(['\0', ' ']);
            if uid == BIG_ENDIAN || uid == DEFLATED {
                return Err(format!(
                    "this DICOM file is stored in a way that is not read any more (transfer syntax {uid}); convert it with \
                     `dcmconv +te IN.dcm OUT.dcm`"
                ));
            }
            self.explicit = uid != IMPLICIT;
        }
        // Items and end marks have no kind in any syntax.
        if tag.0 == 0xfffe || !self.explicit {
            return Ok((tag, *b"  ", self.long()?));
        }
        let kind = self.take(2)?;
        let kind = [kind[0], kind[1]];
        const SHORT: [&[u8; 2]; 21] = [
            b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH",
            b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
        ];
        if SHORT.contains(&&kind) {
            let length = self.take(2)?;
            return Ok((tag, kind, u32::from(u16::from_le_bytes([length[0], length[1]]))));
        }
        // So are the kinds that are yet to come (PS3.5, section 7.1.2).
        self.take(2)?;
        Ok((tag, kind, self.long()?))
    }
}
