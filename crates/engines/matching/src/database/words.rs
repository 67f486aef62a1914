//! Texts that many records share, by number.

use super::DatabaseError;
use super::layout::{Cursor, Pen, u32_at};
use std::collections::HashMap;

const WHAT: &str = "words";

/// The table of an opened file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words<'a> {
    offsets: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Words<'a> {
    pub(crate) fn open(section: &'a [u8]) -> Result<Self, DatabaseError> {
        let mut cursor = Cursor::new(section, WHAT);
        let count = cursor.u32()? as usize;
        let offsets_length = count.checked_add(1).and_then(|n| n.checked_mul(4)).ok_or(DatabaseError::Corrupt(WHAT))?;
        let offsets = cursor.take(offsets_length)?;
        let bytes = section.get(4 + offsets_length..).ok_or(DatabaseError::Corrupt(WHAT))?;
        Ok(Self { offsets, bytes })
    }

    pub(crate) fn get(&self, number: u32) -> Result<&'a str, DatabaseError> {
        let index = number as usize;
        let start = u32_at(self.offsets, index, WHAT)? as usize;
        let end = u32_at(self.offsets, index + 1, WHAT)? as usize;
        let bytes = self.bytes.get(start..end).ok_or(DatabaseError::Corrupt(WHAT))?;
        std::str::from_utf8(bytes).map_err(|_| DatabaseError::Corrupt(WHAT))
    }

    /// A word where the cursor says which.
    pub(crate) fn read(&self, cursor: &mut Cursor<'a>) -> Result<&'a str, DatabaseError> {
        let number = cursor.number()?;
        self.get(number)
    }
}

/// Numbers texts in the order in which they first come.
#[derive(Debug, Default)]
pub(crate) struct WordTable {
    numbers: HashMap<String, u32>,
    offsets: Vec<u32>,
    bytes: Vec<u8>,
}

impl WordTable {
    pub(crate) fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let number = self.numbers.len() as u32;
        self.offsets.push(self.bytes.len() as u32);
        self.bytes.extend_from_slice(word.as_bytes());
        self.numbers.insert(word.to_owned(), number);
        number
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut pen = Pen::default();
        pen.u32(self.offsets.len() as u32);
        for offset in &self.offsets {
            pen.u32(*offset);
        }
        pen.u32(self.bytes.len() as u32);
        pen.bytes.extend_from_slice(&self.bytes);
        pen.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        let mut table = WordTable::default();
        let numbers: Vec<u32> = ["a", "", "long word", "a"].into_iter().map(|word| table.number(word)).collect();
        assert_eq!(numbers, [0, 1, 2, 0]);
        let bytes = table.write();
        let words = Words::open(&bytes).unwrap();
        assert_eq!(words.get(2).unwrap(), "long word");
        assert_eq!(words.get(1).unwrap(), "");
        assert!(words.get(3).is_err());
    }
}
