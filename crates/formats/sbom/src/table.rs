//! The table for people (Syft `format/table`): name, version and type, each row once, with how often it came again.

use crate::Document;
use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

const HEADER: [&str; 3] = ["NAME", "VERSION", "TYPE"];
/// Blanks after each column, the last one too.
const GAP: usize = 2;

pub(crate) fn encode(document: &Document, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let rows = rows(document);
    if rows.is_empty() {
        writeln!(out, "No packages discovered")?;
        return out.flush();
    }
    let mut widths = HEADER.map(str::len);
    let mut note_width = 0;
    for (cells, again) in &rows {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(shown_width(cell));
        }
        note_width = note_width.max(note(*again).len());
    }
    let mut write_row = |cells: [&str; 3], note: &str| -> io::Result<()> {
        for (cell, width) in cells.into_iter().zip(widths) {
            write!(out, "{cell}{:blank$}", "", blank = width - shown_width(cell) + GAP)?;
        }
        if note_width > 0 {
            let (start, end) = if color && !note.is_empty() { ("\x1b[90m", "\x1b[0m") } else { ("", "") };
            write!(out, "{start}{note}{end}{:blank$}", "", blank = note_width - note.len() + GAP)?;
        }
        writeln!(out)
    };
    write_row(HEADER, "")?;
    for ([name, version, kind], again) in &rows {
        write_row([name, version, kind], &note(*again))?;
    }
    out.flush()
}

type Row<'d> = [Cow<'d, str>; 3];

/// The rows in order, and how often each came again.
fn rows(document: &Document) -> Vec<(Row<'_>, usize)> {
    let mut all: Vec<Row<'_>> = document
        .components
        .iter()
        .map(|component| {
            [printable(&component.name), printable(&component.version), Cow::Borrowed(component.kind.as_str())]
        })
        .collect();
    all.sort_unstable();
    let mut rows: Vec<(Row<'_>, usize)> = Vec::with_capacity(all.len());
    for row in all {
        match rows.last_mut() {
            Some((last, again)) if *last == row => *again += 1,
            _ => rows.push((row, 0)),
        }
    }
    rows
}

fn note(again: usize) -> String {
    match again {
        0 => String::new(),
        1 => "(+1 duplicate)".to_owned(),
        more => format!("(+{more} duplicates)"),
    }
}

/// Names come from untrusted files: control characters must not reach a terminal.
fn printable(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.contains(char::is_control) { text.replace(char::is_control, "\u{fffd}").into() } else { text.into() }
}

fn shown_width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Component, Language, PackageType};

    fn check(components: &[(&str, &str)], color: bool, expected: &str) {
        let components = components
            .iter()
            .map(|(name, version)| Component::new(PackageType::Npm, Language::JavaScript, *name, *version))
            .collect();
        let mut out = Vec::new();
        encode(&Document { components, ..Document::default() }, color, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn empty() {
        check(&[], false, "No packages discovered\n");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        check(
            &[("left-pad", "1.3.0"), ("x", "1.0.0")],
            false,
            concat!("NAME      VERSION  TYPE  \n", "left-pad  1.3.0    npm   \n", "x         1.0.0    npm   \n"),
        );
    }

    #[test]
    fn a_row_that_comes_again_is_counted() {
        let rows = [("a", "1"), ("a", "1"), ("b", "1"), ("c", "1"), ("c", "1"), ("c", "1")];
        check(
            &rows,
            false,
            concat!(
                "NAME  VERSION  TYPE                   \n",
                "a     1        npm   (+1 duplicate)   \n",
                "b     1        npm                    \n",
                "c     1        npm   (+2 duplicates)  \n"
            ),
        );
        check(
            &[("a", "1"), ("a", "1")],
            true,
            concat!(
                "NAME  VERSION  TYPE                  \n",
                "a     1        npm   \x1b[90m(+1 duplicate)\x1b[0m  \n"
            ),
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        check(
            &[("a\x1b[31mb", "1\n2")],
            false,
            concat!("NAME     VERSION  TYPE  \n", "a\u{fffd}[31mb  1\u{fffd}2      npm   \n"),
        );
    }
}
