//! The rpm package header: an index of tags and a store of their values (rpm 4.14, `lib/header.c`).

use super::Order;
use crate::ParseError;
use std::borrow::Cow;

/// Numbers of the tags that are read (rpm 4.16, `lib/rpmtag.h`).
pub(crate) mod tag {
    pub(crate) const PGP: u32 = 259;
    pub(crate) const RSA_HEADER: u32 = 268;
    pub(crate) const NAME: u32 = 1000;
    /// In the signature header of a package file, where the numbers are others.
    pub(crate) const FILE_PGP: u32 = 1002;
    pub(crate) const VERSION: u32 = 1001;
    pub(crate) const RELEASE: u32 = 1002;
    pub(crate) const EPOCH: u32 = 1003;
    pub(crate) const SIZE: u32 = 1009;
    pub(crate) const VENDOR: u32 = 1011;
    pub(crate) const LICENSE: u32 = 1014;
    pub(crate) const ARCH: u32 = 1022;
    pub(crate) const OLD_FILE_NAMES: u32 = 1027;
    pub(crate) const FILE_SIZES: u32 = 1028;
    pub(crate) const FILE_MODES: u32 = 1030;
    pub(crate) const FILE_DIGESTS: u32 = 1035;
    pub(crate) const FILE_FLAGS: u32 = 1037;
    pub(crate) const FILE_USERS: u32 = 1039;
    pub(crate) const FILE_GROUPS: u32 = 1040;
    pub(crate) const SOURCE_RPM: u32 = 1044;
    pub(crate) const PROVIDES: u32 = 1047;
    pub(crate) const REQUIRES: u32 = 1049;
    pub(crate) const FOLDER_INDICES: u32 = 1116;
    pub(crate) const BASE_NAMES: u32 = 1117;
    pub(crate) const FOLDER_NAMES: u32 = 1118;
    pub(crate) const FILE_DIGEST_ALGORITHM: u32 = 5011;
    pub(crate) const MODULARITY_LABEL: u32 = 5096;
}

const ORDER: Order = Order::Big;
const ENTRY_BYTES: usize = 16;
/// The format's own bounds.
const MAX_TAGS: u32 = 0xffff;
const MAX_DATA_BYTES: u32 = 0x0fff_ffff;

/// Types of values.
const INT16: u32 = 3;
const INT32: u32 = 4;
const STRING: u32 = 6;
const BINARY: u32 = 7;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// A header whose index has been checked; values are read on demand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header<'a> {
    index: &'a [u8],
    data: &'a [u8],
}

impl<'a> Header<'a> {
    /// Takes a header without its magic: the number of tags, the size of the store, index, store.
    ///
    /// # Errors
    /// Where the sizes are over the format's bounds or the bytes end too early.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let parts = || {
            let tags = ORDER.u32(bytes, 0).filter(|tags| (1..=MAX_TAGS).contains(tags))?;
            let data_bytes = ORDER.u32(bytes, 4).filter(|bytes| *bytes <= MAX_DATA_BYTES)?;
            let (index, rest) = bytes.get(8..)?.split_at_checked(usize::try_from(tags).ok()? * ENTRY_BYTES)?;
            Some(Self { index, data: rest.get(..usize::try_from(data_bytes).ok()?)? })
        };
        parts().ok_or_else(|| ParseError::malformed("a package header that is damaged"))
    }

    /// Bytes of the header, the two sizes included.
    pub(crate) fn len(&self) -> usize {
        8 + self.index.len() + self.data.len()
    }

    /// The text of a tag; empty where there is none. The first language of a translated one.
    pub(crate) fn text(&self, tag: u32) -> Cow<'a, str> {
        let (kind, data, _) = self.find(tag).unwrap_or_default();
        if !matches!(kind, STRING | I18N_STRING) {
            return Cow::Borrowed("");
        }
        String::from_utf8_lossy(data.split(|byte| *byte == 0).next().unwrap_or_default())
    }

    /// The texts of a tag.
    pub(crate) fn texts(&self, tag: u32) -> Vec<Cow<'a, str>> {
        let (kind, data, count) = self.find(tag).unwrap_or_default();
        if kind != STRING_ARRAY {
            return Vec::new();
        }
        data.split(|byte| *byte == 0).take(count).map(String::from_utf8_lossy).collect()
    }

    /// The numbers of a tag of type INT32, which has no sign of its own.
    pub(crate) fn numbers(&self, tag: u32) -> impl Iterator<Item = i32> + 'a {
        let (kind, data, count) = self.find(tag).unwrap_or_default();
        let (numbers, _) = data.as_chunks();
        numbers.iter().take(if kind == INT32 { count } else { 0 }).map(|bytes| i32::from_be_bytes(*bytes))
    }

    /// The numbers of a tag of type INT16.
    pub(crate) fn small_numbers(&self, tag: u32) -> impl Iterator<Item = u16> + 'a {
        let (kind, data, count) = self.find(tag).unwrap_or_default();
        let (numbers, _) = data.as_chunks();
        numbers.iter().take(if kind == INT16 { count } else { 0 }).map(|bytes| u16::from_be_bytes(*bytes))
    }

    /// The bytes of a tag.
    pub(crate) fn binary(&self, tag: u32) -> &'a [u8] {
        let (kind, data, count) = self.find(tag).unwrap_or_default();
        if kind == BINARY { data.get(..count).unwrap_or_default() } else { &[] }
    }

    /// Type of the value, the store from its first byte on, and number of elements. Tags that were added after the
    /// package was built come last and count.
    fn find(&self, tag: u32) -> Option<(u32, &'a [u8], usize)> {
        let (entries, _) = self.index.as_chunks::<ENTRY_BYTES>();
        let entry = entries.iter().rev().find(|entry| ORDER.u32(*entry, 0) == Some(tag))?;
        let kind = ORDER.u32(entry, 4)?;
        let offset = usize::try_from(ORDER.u32(entry, 8)?).ok()?;
        let count = usize::try_from(ORDER.u32(entry, 12)?).ok()?;
        Some((kind, self.data.get(offset..)?, count))
    }
}
