//! Berkeley DB in its hash form, as rpm used it until 4.16: keys are record numbers, values package headers, nearly
//! always on overflow pages (Berkeley DB 5.3, `dbinc/db_page.h`).

use super::{Order, Pages};
use crate::ParseError;

const HASH_MAGIC: u32 = 0x0006_1561;
const HEADER_BYTES: usize = 26;

/// Page types.
const HASH_UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const HASH_METADATA: u8 = 8;
const HASH: u8 = 13;

/// Item types.
const KEY_DATA: u8 = 1;
const OFF_PAGE: u8 = 3;

/// Smaller values are not headers: record 0 holds the last number given.
const MIN_HEADER_BYTES: usize = 24;

/// Gives each value that may be a header to `each`.
///
/// # Errors
/// Where the file is no such database, or damaged; an error of `each` ends the walk.
pub(super) fn headers<F>(file: &[u8], mut each: F) -> Result<(), ParseError>
where
    F: FnMut(&[u8]) -> Result<(), ParseError>,
{
    let (order, page_bytes, last_page) = metadata(file).ok_or_else(|| ParseError::malformed("not an rpm database"))?;
    let mut overflow = Pages::new(file, page_bytes);
    let mut value = Vec::new();
    for number in 0..=last_page {
        let page = page(file, page_bytes, number).ok_or_else(|| ParseError::malformed("the database is cut"))?;
        if !matches!(page.get(25), Some(&HASH | &HASH_UNSORTED)) {
            continue;
        }
        let items = usize::from(order.u16(page, 20).unwrap_or_default());
        // Items come in pairs, key and value.
        for item in (1..items).step_by(2) {
            value.clear();
            read_value(page, item, order, &mut overflow, &mut value)
                .ok_or_else(|| ParseError::malformed(format!("page {number} is damaged")))?;
            if value.len() >= MIN_HEADER_BYTES {
                each(&value)?;
            }
        }
    }
    Ok(())
}

/// Byte order, bytes of a page and number of the last page.
fn metadata(file: &[u8]) -> Option<(Order, usize, u32)> {
    let orders = [Order::Little, Order::Big];
    let order = orders.into_iter().find(|order| order.u32(file, 12) == Some(HASH_MAGIC))?;
    let page_bytes = order.u32(file, 20)?;
    let is_page_size = page_bytes.is_power_of_two() && (512..=65536).contains(&page_bytes);
    let encryption = *file.get(24)?;
    let supported = is_page_size && encryption == 0 && *file.get(25)? == HASH_METADATA;
    let last_page = order.u32(file, 32)?;
    supported.then_some((order, usize::try_from(page_bytes).ok()?, last_page))
}

fn page(file: &[u8], page_bytes: usize, number: u32) -> Option<&[u8]> {
    let start = usize::try_from(number).ok()?.checked_mul(page_bytes)?;
    file.get(start..start.checked_add(page_bytes)?)
}

/// Appends the value to `into`; none where the page contradicts itself.
fn read_value(page: &[u8], item: usize, order: Order, overflow: &mut Pages<'_>, into: &mut Vec<u8>) -> Option<()> {
    let offset = |item: usize| order.u16(page, HEADER_BYTES + 2 * item).map(usize::from);
    let start = offset(item)?;
    match *page.get(start)? {
        // Items are laid from the end of the page down: one ends where that before it begins.
        KEY_DATA => into.extend_from_slice(page.get(start + 1..offset(item - 1)?)?),
        OFF_PAGE => {
            let first = order.u32(page, start + 4)?;
            let total = usize::try_from(order.u32(page, start + 8)?).ok()?;
            read_chain(first, total, order, overflow, into)?;
        }
        // Duplicates, which rpm does not have.
        _ => {}
    }
    Some(())
}

fn read_chain(first: u32, total: usize, order: Order, overflow: &mut Pages<'_>, into: &mut Vec<u8>) -> Option<()> {
    let mut number = first;
    while number != 0 {
        let page = overflow.take(number)?;
        let next = order.u32(page, 16)?;
        if *page.get(25)? != OVERFLOW {
            return None;
        }
        let content = page.get(HEADER_BYTES..)?;
        let used = if next == 0 { usize::from(order.u16(page, 22)?) } else { content.len() };
        into.extend_from_slice(content.get(..used)?);
        number = next;
    }
    (into.len() == total).then_some(())
}
