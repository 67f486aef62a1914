//! The "new" database, SUSE's: a table of slots, each naming a blob (rpm 4.17, `lib/backend/ndb/rpmpkg.c`).

use super::Order;
use crate::ParseError;

pub(super) const MAGIC: &[u8] = b"RpmP";

const SLOT_MAGIC: &[u8] = b"Slot";
const BLOB_MAGIC: &[u8] = b"BlbS";
/// Slots, blob headers and the unit in which offsets count.
const UNIT: usize = 16;
const SLOTS_PER_PAGE: usize = 4096 / UNIT;
const MAX_SLOT_PAGES: u32 = 2048;
const ORDER: Order = Order::Little;

/// Gives each blob to `each`.
///
/// # Errors
/// Where the file is damaged; an error of `each` ends the walk.
pub(super) fn headers<F>(file: &[u8], mut each: F) -> Result<(), ParseError>
where
    F: FnMut(&[u8]) -> Result<(), ParseError>,
{
    let pages = slot_pages(file).ok_or_else(|| ParseError::malformed("an NDB header that is not understood"))?;
    // The file's own header stands in place of the first two slots.
    for slot in 2..pages * SLOTS_PER_PAGE {
        let damaged = || ParseError::malformed(format!("slot {slot} is damaged"));
        let entry = file.get(slot * UNIT..(slot + 1) * UNIT).ok_or_else(damaged)?;
        if !entry.starts_with(SLOT_MAGIC) {
            return Err(damaged());
        }
        if ORDER.u32(entry, 4) == Some(0) {
            continue;
        }
        each(blob(file, entry).ok_or_else(damaged)?)?;
    }
    Ok(())
}

fn slot_pages(file: &[u8]) -> Option<usize> {
    let version = ORDER.u32(file, 4)?;
    let pages = ORDER.u32(file, 12)?;
    (version == 0 && (1..=MAX_SLOT_PAGES).contains(&pages)).then_some(usize::try_from(pages).ok()?)
}

fn blob<'a>(file: &'a [u8], slot: &[u8]) -> Option<&'a [u8]> {
    let index = ORDER.u32(slot, 4)?;
    let start = usize::try_from(ORDER.u32(slot, 8)?).ok()?.checked_mul(UNIT)?;
    let (header, rest) = file.get(start..)?.split_at_checked(UNIT)?;
    let length = usize::try_from(ORDER.u32(header, 12)?).ok()?;
    (header.starts_with(BLOB_MAGIC) && ORDER.u32(header, 4)? == index).then_some(rest.get(..length)?)
}
