//! The bytes of a pickle, taken from the front.

/// What is left, and how far it has been read.
pub(super) struct Input<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

type Step<T> = Result<T, String>;

impl<'a> Input<'a> {
    pub(super) fn byte(&mut self) -> Step<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn array<const N: usize>(&mut self) -> Step<[u8; N]> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| "the pickle is cut short".into())
    }

    /// A length of `N` bytes.
    pub(super) fn length<const N: usize>(&mut self) -> Step<usize> {
        let mut all = [0; 8];
        all[..N].copy_from_slice(&self.array::<N>()?);
        usize::try_from(u64::from_le_bytes(all)).map_err(|_| "a length is too large".into())
    }

    pub(super) fn take(&mut self, count: usize) -> Step<&'a [u8]> {
        let found = self.bytes.get(self.at..).and_then(|rest| rest.get(..count));
        self.at += count.min(self.bytes.len());
        found.ok_or_else(|| "the pickle is cut short".into())
    }

    /// Up to the next line feed.
    pub(super) fn line(&mut self) -> Step<&'a str> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or("the pickle is cut short")?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end]).map_err(|_| "a name is not UTF-8".into())
    }
}
