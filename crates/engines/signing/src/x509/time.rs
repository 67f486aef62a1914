//! The times of ASN.1.

use crate::der::{DerError, Element};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Reads a UTCTime or GeneralizedTime in UTC; only the latter may have a fraction, that RFC 3161 allows.
pub(crate) fn read_time(element: Element<'_>) -> Result<Timestamp, DerError> {
    let error = DerError("an invalid time");
    let text = std::str::from_utf8(element.content).map_err(|_| error)?;
    let text = text.strip_suffix('Z').ok_or(error)?;
    let (year_digits, fraction) = match element.tag {
        UTC_TIME => (2, None),
        GENERALIZED_TIME => (4, text.split_once('.').map(|(_, fraction)| fraction)),
        _ => return Err(error),
    };
    let whole = if fraction.is_some() { text.split_once('.').map_or(text, |(whole, _)| whole) } else { text };
    if whole.len() != year_digits + 10 || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(error);
    }
    let number = |from: usize, to: usize| whole.get(from..to).and_then(|part| part.parse::<i16>().ok()).ok_or(error);
    let at = |field: usize| -> Result<i8, DerError> {
        let from = year_digits + 2 * field;
        i8::try_from(number(from, from + 2)?).map_err(|_| error)
    };
    let year = match (element.tag, number(0, year_digits)?) {
        (UTC_TIME, year @ 50..) => 1900 + year,
        (UTC_TIME, year) => 2000 + year,
        (_, year) => year,
    };
    let nanoseconds = match fraction {
        None => 0,
        Some(digits) if digits.is_empty() || digits.len() > 9 || digits.ends_with('0') => return Err(error),
        Some(digits) if !digits.bytes().all(|byte| byte.is_ascii_digit()) => return Err(error),
        Some(digits) => format!("{digits:0<9}").parse().map_err(|_| error)?,
    };
    let time = civil::DateTime::new(year, at(0)?, at(1)?, at(2)?, at(3)?, at(4)?, nanoseconds).map_err(|_| error)?;
    TimeZone::UTC.to_timestamp(time).map_err(|_| error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tag: u8, text: &str) -> Option<String> {
        read_time(Element { tag, content: text.as_bytes(), all: &[] }).ok().map(|time| time.to_string())
    }

    #[test]
    fn times() {
        assert_eq!(read(UTC_TIME, "250612120220Z").as_deref(), Some("2025-06-12T12:02:20Z"));
        assert_eq!(read(UTC_TIME, "500101000000Z").as_deref(), Some("1950-01-01T00:00:00Z"));
        assert_eq!(read(GENERALIZED_TIME, "20501231235959Z").as_deref(), Some("2050-12-31T23:59:59Z"));
        assert_eq!(read(GENERALIZED_TIME, "20501231235959.05Z").as_deref(), Some("2050-12-31T23:59:59.05Z"));
        for text in
            ["250612120220", "2506121202Z", "251312120220Z", "250612120220.5Z", "25061212022aZ", "250612240000Z"]
        {
            assert_eq!(read(UTC_TIME, text), None, "{text}");
        }
        for text in ["20501231235959.Z", "20501231235959.50Z", "20501231235959+0100", "20501231235960Z"] {
            assert_eq!(read(GENERALIZED_TIME, text), None, "{text}");
        }
    }
}
