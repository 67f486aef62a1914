//! FIRST's exploit prediction scores, as its daily CSV gives them.

use crate::error::{AdvisoryError, Rejection, read_text};

const FORMAT: &str = "EPSS";

/// One score.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Score {
    /// The CVE.
    pub cve: String,
    /// Probability of exploitation in the next 30 days, 0.0 to 1.0.
    pub score: f64,
    /// The share of CVEs that score the same or less, 0.0 to 1.0.
    pub percentile: f64,
    /// The day of the score, `YYYY-MM-DD`; empty when the file does not tell.
    pub date: String,
}

/// Reads the CSV: a comment with the day, a head, and a line a CVE.
///
/// # Errors
/// When the document is not text, or its head does not name `cve`, `epss` and `percentile`; lines that cannot be read go
/// to `sink` as rejections.
pub fn parse(csv: &[u8], sink: &mut dyn FnMut(Result<Score, Rejection>)) -> Result<(), AdvisoryError> {
    let text = read_text(FORMAT, csv)?;
    let mut date = String::new();
    let mut columns: Option<[usize; 3]> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_end();
        if let Some(comment) = line.strip_prefix('#') {
            if let Some((_, rest)) = comment.split_once("score_date:") {
                rest.get(..10).unwrap_or_default().clone_into(&mut date);
            }
        } else if line.is_empty() {
        } else if let Some(columns) = columns {
            sink(score(line, columns, &date).ok_or_else(|| Rejection {
                place: format!("line {}", index + 1),
                cause: AdvisoryError::invalid(FORMAT, "line", line),
            }));
        } else {
            columns = Some(head(line).ok_or(AdvisoryError::Missing { format: FORMAT, field: "head" })?);
        }
    }
    columns.map(|_| ()).ok_or(AdvisoryError::Missing { format: FORMAT, field: "head" })
}

fn head(line: &str) -> Option<[usize; 3]> {
    let place = |name: &str| line.split(',').position(|column| column.trim() == name);
    Some([place("cve")?, place("epss")?, place("percentile")?])
}

fn score(line: &str, [cve, score, percentile]: [usize; 3], date: &str) -> Option<Score> {
    let field = |index: usize| line.split(',').nth(index).map(str::trim);
    let share = |index: usize| {
        let value: f64 = field(index)?.parse().ok()?;
        (0.0..=1.0).contains(&value).then_some(value)
    };
    let cve = field(cve).filter(|id| id.starts_with("CVE-"))?.to_owned();
    Some(Score { cve, score: share(score)?, percentile: share(percentile)?, date: date.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines() {
        let csv = b"#model_version:v1,score_date:2026-08-22T00:00:00+0000\ncve,epss,percentile\n\
            CVE-2002-0367,0.04919,0.91446\nCVE-1,x,1\nCVE-2,0.5,1.5\n\n";
        let mut found = Vec::new();
        parse(csv, &mut |item| found.push(item.map_err(|rejection| rejection.place))).unwrap();
        let first =
            Score { cve: "CVE-2002-0367".into(), score: 0.04919, percentile: 0.91446, date: "2026-08-22".into() };
        assert_eq!(found, [Ok(first), Err("line 4".to_owned()), Err("line 5".to_owned())]);
        assert!(parse(b"", &mut |_| {}).is_err());
        assert!(parse(b"a,b\n", &mut |_| {}).is_err());
    }
}
