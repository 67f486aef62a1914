//! The blobs of the table `Packages` of an SQLite database (sqlite.org, "Database File Format").
//!
//! Only what rpm writes: a table b-tree, its rows with a blob. Journals beside the file are not looked at, as the peer.

use super::{Order, Pages};
use crate::ParseError;

pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";

const ORDER: Order = Order::Big;
const FILE_HEADER_BYTES: usize = 100;
/// Kinds of b-tree pages.
const INTERIOR_TABLE: u8 = 0x05;
const LEAF_TABLE: u8 = 0x0d;

/// Gives the first blob of each row of the table `Packages` to `each`.
///
/// # Errors
/// Where the file is damaged or has no such table; an error of `each` ends the walk.
pub(super) fn headers<F>(file: &[u8], mut each: F) -> Result<(), ParseError>
where
    F: FnMut(&[u8]) -> Result<(), ParseError>,
{
    let cut = || ParseError::malformed("the header of the database is damaged");
    let database = Database::new(file).ok_or_else(cut)?;
    let mut root = None;
    database.rows(1, &mut |row| {
        let mut columns = Columns::new(row).ok_or_else(cut)?;
        let (kind, name, _table) = (columns.next(), columns.next(), columns.next());
        if matches!((kind, name), (Some(Value::Text(b"table")), Some(Value::Text(b"Packages")))) {
            root = columns.next().and_then(|value| value.integer());
        }
        Ok(())
    })?;
    let root = root.ok_or_else(|| ParseError::malformed("the database has no table Packages"))?;
    database.rows(root, &mut |row| {
        let columns = Columns::new(row).ok_or_else(cut)?;
        match columns.into_iter().find_map(|value| if let Value::Blob(blob) = value { Some(blob) } else { None }) {
            Some(blob) => each(blob),
            None => Ok(()),
        }
    })
}

struct Database<'a> {
    file: &'a [u8],
    page_bytes: usize,
    /// Bytes of a page that hold content.
    usable: usize,
}

impl<'a> Database<'a> {
    fn new(file: &'a [u8]) -> Option<Self> {
        let page_bytes = match ORDER.u16(file, 16)? {
            1 => 65536,
            size if size.is_power_of_two() && size >= 512 => usize::from(size),
            _ => return None,
        };
        let usable = page_bytes.checked_sub(usize::from(*file.get(20)?))?;
        (usable >= 480).then_some(Self { file, page_bytes, usable })
    }

    /// Gives each row of the table at page `root` to `each`.
    fn rows<F>(&self, root: u32, each: &mut F) -> Result<(), ParseError>
    where
        F: FnMut(&[u8]) -> Result<(), ParseError>,
    {
        let mut pages = Pages::new(self.file, self.page_bytes);
        // Rows don't overlap: together they are no larger than the file.
        let mut left = self.file.len();
        let mut pending = vec![root];
        while let Some(number) = pending.pop() {
            let damaged = || ParseError::malformed(format!("page {number} of the database is damaged"));
            let page = number.checked_sub(1).and_then(|number| pages.take(number)).ok_or_else(damaged)?;
            let node = Node::new(page, number).ok_or_else(damaged)?;
            if node.is_leaf {
                for cell in 0..node.cells {
                    let row = node.cell(cell).and_then(|at| self.payload(page, at, &mut pages)).ok_or_else(damaged)?;
                    left = left.checked_sub(row.len()).ok_or_else(damaged)?;
                    each(&row)?;
                }
            } else {
                // The stack gives them back in the order of the rows.
                pending.push(node.last_child.ok_or_else(damaged)?);
                for cell in (0..node.cells).rev() {
                    let child = node.cell(cell).and_then(|at| ORDER.u32(page, at));
                    pending.push(child.ok_or_else(damaged)?);
                }
            }
        }
        Ok(())
    }

    /// The payload of the leaf cell at `at`, overflow pages included.
    fn payload(&self, page: &'a [u8], at: usize, pages: &mut Pages<'a>) -> Option<Vec<u8>> {
        let mut cell = page.get(at..)?;
        let total = usize::try_from(varint(&mut cell)?).ok()?;
        let _row_id = varint(&mut cell)?;
        if total > self.file.len() {
            return None;
        }
        let (local, mut rest) = cell.split_at_checked(self.local(total))?;
        let mut payload = Vec::with_capacity(total);
        payload.extend_from_slice(local);
        while payload.len() < total {
            let number = ORDER.u32(rest, 0)?;
            rest = pages.take(number.checked_sub(1)?)?;
            let content = rest.get(4..self.usable)?;
            payload.extend_from_slice(content.get(..(total - payload.len()).min(content.len()))?);
        }
        Some(payload)
    }

    /// How much of a payload of `total` bytes is in the leaf itself.
    fn local(&self, total: usize) -> usize {
        let most = self.usable - 35;
        if total <= most {
            return total;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let fits = least + (total - least) % (self.usable - 4);
        if fits <= most { fits } else { least }
    }
}

/// A page of a table b-tree.
struct Node<'a> {
    page: &'a [u8],
    is_leaf: bool,
    cells: usize,
    /// Where the array of offsets begins.
    offsets: usize,
    last_child: Option<u32>,
}

impl<'a> Node<'a> {
    fn new(page: &'a [u8], number: u32) -> Option<Self> {
        let start = if number == 1 { FILE_HEADER_BYTES } else { 0 };
        let is_leaf = match *page.get(start)? {
            LEAF_TABLE => true,
            INTERIOR_TABLE => false,
            _ => return None,
        };
        let cells = usize::from(ORDER.u16(page, start + 3)?);
        let last_child = if is_leaf { None } else { ORDER.u32(page, start + 8) };
        Some(Self { page, is_leaf, cells, offsets: start + if is_leaf { 8 } else { 12 }, last_child })
    }

    fn cell(&self, index: usize) -> Option<usize> {
        ORDER.u16(self.page, self.offsets + 2 * index).map(usize::from)
    }
}

enum Value<'a> {
    Integer(&'a [u8]),
    Blob(&'a [u8]),
    Text(&'a [u8]),
    Other,
}

impl Value<'_> {
    /// As an unsigned number of 32 bits.
    fn integer(&self) -> Option<u32> {
        let Self::Integer(bytes) = self else { return None };
        bytes.iter().try_fold(0_u32, |value, byte| Some(value.checked_mul(256)? | u32::from(*byte)))
    }
}

/// The columns of a row.
struct Columns<'a> {
    types: &'a [u8],
    body: &'a [u8],
}

impl<'a> Columns<'a> {
    fn new(row: &'a [u8]) -> Option<Self> {
        let mut rest = row;
        let header_bytes = usize::try_from(varint(&mut rest)?).ok()?;
        let prefix = row.len() - rest.len();
        Some(Self { types: row.get(prefix..header_bytes)?, body: row.get(header_bytes..)? })
    }
}

impl<'a> Iterator for Columns<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let kind = varint(&mut self.types)?;
        let length = match kind {
            0 | 8..=11 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            _ => (kind - 12) / 2,
        };
        let (value, rest) = self.body.split_at_checked(usize::try_from(length).ok()?)?;
        self.body = rest;
        Some(match kind {
            1..=6 => Value::Integer(value),
            8 => Value::Integer(&[]),
            9 => Value::Integer(&[1]),
            0 | 7 | 10 | 11 => Value::Other,
            _ if kind % 2 == 0 => Value::Blob(value),
            _ => Value::Text(value),
        })
    }
}

/// A number of 1 to 9 bytes; `bytes` moves behind it.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for count in 1..=9 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if count == 9 {
            return Some(value << 8 | u64::from(*byte));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
