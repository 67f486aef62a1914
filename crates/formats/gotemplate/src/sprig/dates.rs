//! Dates and durations.

use super::Made;
use crate::function::{Arguments, Function, Type};
use crate::layout;
use crate::value::{IntType, Value};
use Type::{Any, Text, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

/// Those that give the same answer everywhere, by sprig's own count.
pub(super) const ALL: &[Function] = &[
    Function::new("ago", &[Any], |given| Ok(duration_text(ago(given.value(0))).into())),
    Function::new("duration", &[Any], |given| Ok(duration_text(seconds(given.value(0))).into())),
    Function::new("durationRound", &[Any], |given| Ok(rounded(given.value(0)).into())),
    Function::new("toDate", &[Text, Text], |given| Ok(to_date(given).unwrap_or_else(|_| zero_time()))),
    Function::new("mustToDate", &[Text, Text], to_date),
    Function::new("must_date_modify", &[Text, Time], modify),
    Function::new("mustDateModify", &[Text, Time], modify),
    Function::new("unixEpoch", &[Time], |given| Ok(time(given.value(0)).timestamp().as_second().to_string().into())),
];

/// Those that read the clock or the machine's time zone.
pub(crate) const CLOCK: &[Function] = &[
    Function::new("now", &[], |_| Ok(Value::Time(Box::new(Zoned::now())))),
    Function::new("date", &[Text, Any], |given| Ok(in_zone(given.text(0), given.value(1), "Local").into())),
    Function::new("dateInZone", &[Text, Any, Text], date_in_zone),
    Function::new("date_in_zone", &[Text, Any, Text], date_in_zone),
    Function::new("htmlDate", &[Any], |given| Ok(in_zone("2006-01-02", given.value(0), "Local").into())),
    Function::new("htmlDateInZone", &[Any, Text], |given| {
        Ok(in_zone("2006-01-02", given.value(0), given.text(1)).into())
    }),
    Function::new("dateModify", &[Text, Time], |given| Ok(modify(given).unwrap_or_else(|_| given.value(1).clone()))),
    Function::new("date_modify", &[Text, Time], |given| Ok(modify(given).unwrap_or_else(|_| given.value(1).clone()))),
];

/// A method of `time.Time` that templates use; nothing where there is none of the name.
pub(crate) fn time_method(time: &Zoned, name: &str, arguments: &[Value]) -> Option<Made> {
    let int = |number: i64| Some(Ok(Value::int(number)));
    match (name, arguments) {
        ("Format", [Value::Text(text)]) => Some(Ok(layout::format(time, text).into())),
        ("Format", _) => Some(Err("wrong arguments".to_owned())),
        ("String", []) => Some(Ok(crate::print::display(&Value::Time(Box::new(time.clone()))).into())),
        ("Unix", []) => Some(Ok(Value::int64(time.timestamp().as_second()))),
        ("Year", []) => int(time.year().into()),
        ("Month", []) => Some(Ok(layout::format(time, "January").into())),
        ("Weekday", []) => Some(Ok(layout::format(time, "Monday").into())),
        ("Day", []) => int(time.day().into()),
        ("YearDay", []) => int(time.day_of_year().into()),
        ("Hour", []) => int(time.hour().into()),
        ("Minute", []) => int(time.minute().into()),
        ("Second", []) => int(time.second().into()),
        ("Nanosecond", []) => int(time.subsec_nanosecond().into()),
        ("UTC", []) => Some(Ok(Value::Time(Box::new(time.with_time_zone(TimeZone::UTC))))),
        ("Local", []) => Some(Ok(Value::Time(Box::new(time.with_time_zone(TimeZone::system()))))),
        _ => None,
    }
}

/// A time, or seconds since 1970 as whole numbers; now for anything else, as in sprig.
fn time(value: &Value) -> Zoned {
    match value {
        Value::Time(time) => (**time).clone(),
        Value::Int(seconds, IntType::Int | IntType::Int64 | IntType::Int32) => {
            layout::at_second(*seconds, &TimeZone::system())
        }
        _ => Zoned::now(),
    }
}

fn zero_time() -> Value {
    let start = jiff::civil::date(1, 1, 1).to_zoned(TimeZone::UTC);
    Value::Time(Box::new(start.unwrap_or_else(|_| layout::at_second(0, &TimeZone::UTC))))
}

fn in_zone(format: &str, value: &Value, zone: &str) -> String {
    layout::format(&time(value).with_time_zone(layout::time_zone(zone)), format)
}

fn date_in_zone(given: &Arguments<'_>) -> Made {
    Ok(in_zone(given.text(0), given.value(1), given.text(2)).into())
}

fn to_date(given: &Arguments<'_>) -> Made {
    layout::parse(given.text(0), given.text(1), &TimeZone::system()).map(|time| Value::Time(Box::new(time)))
}

fn modify(given: &Arguments<'_>) -> Made {
    let by = parse_duration(given.text(0))?;
    let time = time(given.value(1)).checked_add(by).map_err(|error| error.to_string())?;
    Ok(Value::Time(Box::new(time)))
}

fn ago(value: &Value) -> SignedDuration {
    let passed = Timestamp::now().duration_since(time(value).timestamp());
    SignedDuration::from_secs(passed.as_secs())
}

fn seconds(value: &Value) -> SignedDuration {
    SignedDuration::from_secs(match value {
        Value::Text(text) => text.parse().unwrap_or(0),
        Value::Int(seconds, IntType::Int64) => *seconds,
        _ => 0,
    })
}

fn rounded(value: &Value) -> String {
    let duration = match value {
        Value::Text(text) => parse_duration(text).unwrap_or(SignedDuration::ZERO),
        Value::Int(nanoseconds, IntType::Int64) => SignedDuration::from_nanos(*nanoseconds),
        Value::Time(_) => ago(value),
        _ => SignedDuration::ZERO,
    };
    const UNITS: &[(u128, &str)] =
        &[(365 * 86_400, "y"), (30 * 86_400, "mo"), (86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let nanoseconds = duration.as_nanos().unsigned_abs();
    UNITS
        .iter()
        .map(|(unit, name)| (unit * 1_000_000_000, name))
        .find(|(unit, _)| nanoseconds > *unit)
        .map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", nanoseconds / unit))
}

/// `Duration.String`
fn duration_text(duration: SignedDuration) -> String {
    let nanoseconds = duration.as_nanos().unsigned_abs();
    let sign = if duration.is_negative() { "-" } else { "" };
    if nanoseconds == 0 {
        return "0s".to_owned();
    }
    let small = [(1_000_000_000, 1_000_000, "ms"), (1_000_000, 1_000, "µs"), (1_000, 1, "ns")];
    if let Some((_, unit, name)) = small.iter().rev().find(|(below, ..)| nanoseconds < *below) {
        return format!("{sign}{}{name}", nanoseconds as f64 / f64::from(*unit));
    }
    let whole = nanoseconds / 1_000_000_000;
    let (hours, minutes) = (whole / 3600, whole / 60 % 60);
    let fraction = format!("{:09}", nanoseconds % 1_000_000_000);
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    let mut out = sign.to_owned();
    if hours > 0 {
        out.push_str(&format!("{hours}h"));
    }
    if hours > 0 || minutes > 0 {
        out.push_str(&format!("{minutes}m"));
    }
    out.push_str(&format!("{}{dot}{fraction}s", whole % 60));
    out
}

/// `time.ParseDuration`: `-1.5h`, `1h30m`.
fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    let invalid = || format!("time: invalid duration {}", crate::print::quoted(text));
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest
            .find(|char: char| !char.is_ascii_digit() && char != '.')
            .ok_or_else(|| format!("time: missing unit in duration {}", crate::print::quoted(text)))?;
        let (number, tail) = rest.split_at(end);
        let number: f64 = number.parse().map_err(|_| invalid())?;
        let length = tail.find(|char: char| char.is_ascii_digit() || char == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(length);
        total += number
            * match unit {
                "ns" => 1e-9,
                "us" | "µs" | "μs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => {
                    let (unit, text) = (crate::print::quoted(unit), crate::print::quoted(text));
                    return Err(format!("time: unknown unit {unit} in duration {text}"));
                }
            };
        rest = tail;
    }
    SignedDuration::try_from_secs_f64(sign * total).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_go_s() {
        for (text, want) in [("1.5h", "1h30m0s"), ("-90s", "-1m30s"), ("1500ms", "1.5s"), ("250ms", "250ms")] {
            assert_eq!(duration_text(parse_duration(text).unwrap()), want);
        }
        assert_eq!(parse_duration("5").unwrap_err(), "time: missing unit in duration \"5\"");
        assert_eq!(parse_duration("5x").unwrap_err(), "time: unknown unit \"x\" in duration \"5x\"");
        assert_eq!(rounded(&Value::text("2400h")), "3mo");
    }
}
