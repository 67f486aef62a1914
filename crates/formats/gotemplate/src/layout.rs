//! Go's layouts of dates: the reference time `Mon Jan 2 15:04:05 MST 2006` (time, format.go).

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// The parts of a layout, longest first where one begins like another.
const PARTS: &[&str] = &[
    "January",
    "Jan",
    "Monday",
    "Mon",
    "MST",
    "2006",
    "-07:00:00",
    "-070000",
    "-07:00",
    "-0700",
    "-07",
    "Z07:00:00",
    "Z070000",
    "Z07:00",
    "Z0700",
    "Z07",
    "002",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "15",
    "__2",
    "_2",
    "PM",
    "pm",
    "1",
    "2",
    "3",
    "4",
    "5",
];

/// A piece of a layout: text as it stands, or a part, or a fraction of seconds.
enum Piece<'a> {
    Text(&'a str),
    Part(&'a str),
    Fraction(&'a str),
}

fn pieces(layout: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < layout.len() {
        let Some(rest) = layout.get(at..) else {
            at += 1;
            continue;
        };
        let fraction = fraction(rest);
        let part = PARTS.iter().find(|part| rest.starts_with(**part) && !continues(rest, part));
        let length = match (fraction, part) {
            (0, None) => {
                at += 1;
                continue;
            }
            (0, Some(part)) => part.len(),
            (length, _) => length,
        };
        pieces.extend(layout.get(start..at).filter(|text| !text.is_empty()).map(Piece::Text));
        pieces.extend(rest.get(..length).map(if fraction > 0 { Piece::Fraction } else { Piece::Part }));
        at += length;
        start = at;
    }
    pieces.extend(layout.get(start..).filter(|text| !text.is_empty()).map(Piece::Text));
    pieces
}

/// `Jan` within a word such as `Janus` is no month.
fn continues(rest: &str, part: &str) -> bool {
    *part == *"Jan" && rest.get(3..).is_some_and(|rest| rest.starts_with(|char: char| char.is_ascii_lowercase()))
}

/// Length of `.000` or `.999` not followed by a digit; 0 where there is none.
fn fraction(rest: &str) -> usize {
    let Some(digits) = rest.strip_prefix(['.', ',']) else { return 0 };
    let Some(first) = digits.chars().next().filter(|char| matches!(char, '0' | '9')) else { return 0 };
    let count = digits.chars().take_while(|char| *char == first).count();
    let ends = !digits.get(count..).is_some_and(|rest| rest.starts_with(|char: char| char.is_ascii_digit()));
    if ends { count + 1 } else { 0 }
}

/// The time in a layout.
pub fn format(time: &Zoned, layout: &str) -> String {
    let mut out = String::new();
    for piece in pieces(layout) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Part(part) => out.push_str(&formatted(time, part)),
            Piece::Fraction(layout) => {
                let digits = format!("{:09}", time.subsec_nanosecond());
                let kept = digits.get(..(layout.len() - 1).min(9)).unwrap_or_default();
                let kept = if layout.contains('9') { kept.trim_end_matches('0') } else { kept };
                if !kept.is_empty() {
                    out.push_str(layout.get(..1).unwrap_or_default());
                    out.push_str(kept);
                }
            }
        }
    }
    out
}

fn formatted(time: &Zoned, part: &str) -> String {
    let hour12 = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    match part {
        "January" => time.strftime("%B").to_string(),
        "Jan" => time.strftime("%b").to_string(),
        "Monday" => time.strftime("%A").to_string(),
        "Mon" => time.strftime("%a").to_string(),
        "MST" => zone(time),
        "2006" => format!("{:04}", time.year()),
        "06" => format!("{:02}", time.year().rem_euclid(100)),
        "002" => format!("{:03}", time.day_of_year()),
        "__2" => format!("{:3}", time.day_of_year()),
        "01" => format!("{:02}", time.month()),
        "1" => time.month().to_string(),
        "02" => format!("{:02}", time.day()),
        "_2" => format!("{:2}", time.day()),
        "2" => time.day().to_string(),
        "15" => format!("{:02}", time.hour()),
        "03" => format!("{hour12:02}"),
        "3" => hour12.to_string(),
        "04" => format!("{:02}", time.minute()),
        "4" => time.minute().to_string(),
        "05" => format!("{:02}", time.second()),
        "5" => time.second().to_string(),
        "PM" => if time.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        "pm" => if time.hour() < 12 { "am" } else { "pm" }.to_owned(),
        offset => offset_text(time, offset),
    }
}

fn zone(time: &Zoned) -> String {
    if time.time_zone() == &TimeZone::UTC { "UTC".to_owned() } else { time.strftime("%Z").to_string() }
}

fn offset_text(time: &Zoned, part: &str) -> String {
    let seconds = time.offset().seconds();
    if part.starts_with('Z') && seconds == 0 {
        return "Z".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.unsigned_abs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match part.trim_start_matches(['Z', '-']) {
        "07" => format!("{sign}{hours:02}"),
        "0700" => format!("{sign}{hours:02}{minutes:02}"),
        "07:00" => format!("{sign}{hours:02}:{minutes:02}"),
        "070000" => format!("{sign}{hours:02}{minutes:02}{rest:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
    }
}

/// The time that `text` tells in a layout; in `zone` where it tells no offset.
pub(crate) fn parse(layout: &str, text: &str, zone: &TimeZone) -> Result<Zoned, String> {
    let mut strptime = String::new();
    let mut has_offset = false;
    for piece in pieces(layout) {
        match piece {
            Piece::Text(text) => strptime.push_str(&text.replace('%', "%%")),
            Piece::Fraction(_) => strptime.push_str("%.f"),
            Piece::Part(part) => {
                has_offset |= part.starts_with(['-', 'Z']);
                strptime.push_str(directive(part));
            }
        }
    }
    let failed = |_| format!("parsing time {} as {}: cannot parse", quoted(text), quoted(layout));
    // Go lets `Z` stand for the offset.
    let text_with_offset = match text.strip_suffix('Z') {
        Some(rest) if has_offset => format!("{rest}+00:00"),
        _ => text.to_owned(),
    };
    let broken = jiff::fmt::strtime::parse(&strptime, &text_with_offset).map_err(failed)?;
    if has_offset {
        let timestamp = broken.to_timestamp().map_err(failed)?;
        let offset = broken.offset().unwrap_or(jiff::tz::Offset::UTC);
        return Ok(timestamp.to_zoned(TimeZone::fixed(offset)));
    }
    let mut broken = broken;
    for unset in [broken.hour().is_none().then_some(0)].into_iter().flatten() {
        let _ = broken.set_hour(Some(unset));
    }
    let civil = broken.to_datetime().or_else(|_| broken.to_date().map(|date| date.at(0, 0, 0, 0))).map_err(failed)?;
    civil.to_zoned(zone.clone()).map_err(failed)
}

fn directive(part: &str) -> &'static str {
    match part {
        "January" => "%B",
        "Jan" => "%b",
        "Monday" => "%A",
        "Mon" => "%a",
        "MST" => "%Z",
        "2006" => "%Y",
        "06" => "%y",
        "002" | "__2" => "%j",
        "01" | "1" => "%m",
        "02" | "2" | "_2" => "%d",
        "15" => "%H",
        "03" | "3" => "%I",
        "04" | "4" => "%M",
        "05" | "5" => "%S",
        "PM" | "pm" => "%p",
        "-0700" | "Z0700" => "%z",
        _ => "%:z",
    }
}

fn quoted(text: &str) -> String {
    crate::print::quoted(text)
}

/// The time zone of a name; `Local` is the machine's, what is not known is UTC.
pub(crate) fn time_zone(name: &str) -> TimeZone {
    match name {
        "Local" => TimeZone::system(),
        "" | "UTC" => TimeZone::UTC,
        name => TimeZone::get(name).unwrap_or(TimeZone::UTC),
    }
}

/// A moment in a zone.
pub(crate) fn at_second(seconds: i64, zone: &TimeZone) -> Zoned {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_go_s() {
        let time = at_second(1_136_214_245, &TimeZone::fixed(jiff::tz::offset(-7)));
        for (layout, want) in [
            ("2006-01-02T15:04:05Z07:00", "2006-01-02T08:04:05-07:00"),
            ("Mon, 02 Jan 2006 15:04:05 -0700", "Mon, 02 Jan 2006 08:04:05 -0700"),
            ("January 2, 3:04PM '06", "January 2, 8:04AM '06"),
            ("2006.000 | .999", "2006.000 | "),
        ] {
            assert_eq!(format(&time, layout), want, "{layout}");
        }
    }

    #[test]
    fn dates_are_read() {
        let check = |layout, text, want: &str| {
            assert_eq!(parse(layout, text, &TimeZone::UTC).unwrap().timestamp().to_string(), want);
        };
        check("2006-01-02", "2026-02-28", "2026-02-28T00:00:00Z");
        check("2006-01-02T15:04:05Z07:00", "2026-02-28T10:00:00+02:00", "2026-02-28T08:00:00Z");
        check("2006-01-02T15:04:05Z07:00", "2026-02-28T10:00:00Z", "2026-02-28T10:00:00Z");
        assert!(parse("2006-01-02", "soon", &TimeZone::UTC).is_err());
    }
}
