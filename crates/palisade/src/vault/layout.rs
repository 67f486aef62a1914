//! Text in columns, and text wrapped so that its lines are about equally long.

/// The widest line.
const WIDTH: usize = 78;
/// The most words that are laid out evenly; the work grows with their square.
const MAX_WORDS: usize = 400;

/// Columns four spaces apart, `n/a` for nothing.
pub(super) fn columns<R: AsRef<[String]>>(rows: &[R]) -> String {
    let cell = |text: &str| match text.trim() {
        "" => "n/a".to_owned(),
        text => text.to_owned(),
    };
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.as_ref().iter().map(|text| cell(text)).collect()).collect();
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        widths.resize(widths.len().max(row.len()), 0);
        row.iter().zip(&mut widths).for_each(|(cell, width)| *width = cell.chars().count().max(*width));
    }
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let (last, first) = row.split_last().map_or(("", &[][..]), |(last, first)| (last.as_str(), first));
            let mut line: String =
                first.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}    ")).collect();
            line.push_str(last);
            line
        })
        .collect();
    lines.join("\n")
}

/// Columns whose first row is a heading, underlined.
pub(super) fn table(heading: &[&str], rows: Vec<Vec<String>>) -> String {
    let heading: Vec<String> = heading.iter().map(|&name| name.to_owned()).collect();
    let line = heading.iter().map(|name| "-".repeat(name.trim().len())).collect();
    let mut all = vec![heading, line];
    all.extend(rows);
    columns(&all)
}

/// A row of a table of two columns.
pub(super) fn row(key: impl Into<String>, value: impl Into<String>) -> Vec<String> {
    vec![key.into(), value.into()]
}

/// Wraps a paragraph.
pub(super) fn wrapped(text: &str) -> String {
    padded(text, 0)
}

/// Wraps a paragraph behind `pad` spaces.
pub(super) fn padded(text: &str, pad: usize) -> String {
    let margin = " ".repeat(pad);
    let words: Vec<&str> = text.trim().split([' ', '\n']).collect();
    let lines: Vec<String> =
        break_lines(&words, WIDTH - pad).into_iter().map(|line| format!("{margin}{}", line.join(" "))).collect();
    lines.join("\n")
}

/// Breaks with the least sum of the squares of what is left free at the ends of lines, as Knuth's; of a line that is
/// too long the cost is high.
fn break_lines<'a, 'b>(words: &'b [&'a str], width: usize) -> Vec<&'b [&'a str]> {
    const TOO_LONG: u64 = 100_000;
    if words.len() > MAX_WORDS {
        let (first, rest) = words.split_at(MAX_WORDS);
        let mut lines = break_lines(first, width);
        lines.extend(break_lines(rest, width));
        return lines;
    }
    let lengths: Vec<usize> = words.iter().map(|word| word.chars().count()).collect();
    let count = words.len();
    // The best cost from each word to the end, and where the line that begins there ends.
    let mut best: Vec<(u64, usize)> = vec![(0, count); count + 1];
    for start in (0..count).rev() {
        let rest: usize = lengths.iter().skip(start).sum::<usize>() + (count - start - 1);
        if rest <= width {
            continue;
        }
        let (mut least, mut length) = ((u64::MAX, count), 0);
        for end in start + 1..count {
            length += lengths.get(end - 1).copied().unwrap_or(0) + usize::from(end > start + 1);
            let free = width.abs_diff(length) as u64;
            let after = best.get(end).map_or(0, |&(cost, _)| cost);
            let cost = free * free + after + if length > width { TOO_LONG } else { 0 };
            if cost < least.0 {
                least = (cost, end);
            }
        }
        if let Some(slot) = best.get_mut(start) {
            *slot = if least.0 == u64::MAX { (0, count) } else { least };
        }
    }
    let (mut lines, mut start) = (Vec::new(), 0);
    while start < count {
        let end = best.get(start).map_or(count, |&(_, end)| end);
        lines.extend(words.get(start..end));
        start = end;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_wrapped_as_the_peers() {
        let text = "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to \
                    use. If using the OpenBao CLI, use 'bao kv get' for this operation.";
        let want = "  * Invalid path for a versioned K/V secrets engine. See the API docs for the\n  appropriate API \
                    endpoints to use. If using the OpenBao CLI, use 'bao kv get'\n  for this operation.";
        assert_eq!(padded(&format!("* {text}"), 2), want);
        let text = "Path on the local disk to a single PEM-encoded CA certificate to verify the OpenBao server's SSL \
                    certificate. This takes precedence over -ca-path. This can also be specified via the BAO_CACERT \
                    environment variable.";
        let want = "      Path on the local disk to a single PEM-encoded CA certificate to\n      verify the OpenBao \
                    server's SSL certificate. This takes precedence over\n      -ca-path. This can also be specified via \
                    the BAO_CACERT environment\n      variable.";
        assert_eq!(padded(text, 6), want);
        assert_eq!(wrapped(&"x".repeat(200)), "x".repeat(200));
    }

    #[test]
    fn tables_have_their_heading_underlined() {
        let text = table(&["Key", "Value"], vec![row("a", ""), row("long key", "∞ ")]);
        assert_eq!(text, "Key         Value\n---         -----\na           n/a\nlong key    ∞");
    }
}
