use crate::chain::{Chain, Hash, read};
use std::io::{BufRead, Read as _};

/// What is known of a file from elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected {
    /// The chain after the file before it. Without it a file that does not start with line 1 is taken to go on rightly.
    pub start: Option<Chain>,
    /// The hash of a line that must be in the file: without it, lines that are cut off at the end are not missed.
    pub end: Option<Hash>,
}

/// What a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Lines.
    pub lines: u64,
    /// The number of the first line; zero where there is none.
    pub first_sequence: u64,
    /// The chain after the last line: what the next file must start with.
    pub end: Chain,
}

/// Where a file is not as it was written.
#[derive(Debug, thiserror::Error)]
#[error("line {line} is not as it was written")]
pub struct Broken {
    /// The line in the file, from 1.
    pub line: u64,
    /// Why.
    #[source]
    pub reason: Reason,
}

/// Why a line is not as it was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// It has no chain.
    #[error("the line has no chain")]
    NotChained,
    /// It does not have its hash.
    #[error("the line was changed")]
    Changed,
    /// It is not the one that comes next.
    #[error("the line has the number {found} instead of {expected}: lines were removed, added or put elsewhere")]
    Sequence {
        /// What comes next.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// It was not written after the one before it.
    #[error("the line was not written after the one before it")]
    Previous,
    /// It has no line break: the last write broke off, or the file was cut.
    #[error("the line breaks off")]
    Torn,
    /// It is longer than any line that is written.
    #[error("the line is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// The line that must be there is not.
    #[error("the expected line is not in the file: lines at the end are missing")]
    End,
    /// The file could not be read.
    #[error("the file can't be read")]
    Read(#[source] std::io::Error),
}

const MAX_LINE_BYTES: u64 = 128 << 20;

/// Checks every line of a file. Memory is bounded by the longest line.
///
/// # Errors
/// With the first line that is not as it was written.
pub fn verify(mut reader: impl BufRead, expected: Expected) -> Result<Summary, Broken> {
    let mut summary = Summary { lines: 0, first_sequence: 0, end: expected.start.unwrap_or_default() };
    let mut has_end = expected.end.is_none_or(|end| expected.start.is_some_and(|start| start.hash == end));
    let mut line = Vec::new();
    loop {
        let number = summary.lines + 1;
        let broken = |reason| Broken { line: number, reason };
        line.clear();
        let mut limited = reader.by_ref().take(MAX_LINE_BYTES);
        let length = limited.read_until(b'\n', &mut line).map_err(|error| broken(Reason::Read(error)))?;
        if length == 0 {
            break;
        }
        let Some(text) = line.strip_suffix(b"\n") else {
            let is_long = length as u64 == MAX_LINE_BYTES;
            return Err(broken(if is_long { Reason::TooLong } else { Reason::Torn }));
        };
        let (previous, chain) = read(text).map_err(broken)?;
        let is_anywhere = number == 1 && expected.start.is_none() && chain.sequence > 1;
        if !is_anywhere {
            let next = summary.end.sequence + 1;
            if chain.sequence != next {
                return Err(broken(Reason::Sequence { expected: next, found: chain.sequence }));
            }
            if previous != summary.end.hash {
                return Err(broken(Reason::Previous));
            }
        }
        if number == 1 {
            summary.first_sequence = chain.sequence;
        }
        has_end |= expected.end == Some(chain.hash);
        summary = Summary { lines: number, end: chain, ..summary };
    }
    if has_end { Ok(summary) } else { Err(Broken { line: summary.lines + 1, reason: Reason::End }) }
}
