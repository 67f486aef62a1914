use std::time::Duration;

/// A text that is no duration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("time: invalid duration {0:?}")]
pub struct ParseDurationError(pub String);

/// Seconds (`90`), or Go's form with days (`1h30m`, `1d`, `1.5s`), as the peer reads it. Empty is zero.
///
/// # Errors
/// For anything else, and what is negative or beyond about 290 years.
pub fn parse_duration(text: &str) -> Result<Duration, ParseDurationError> {
    const MAX_NANOSECONDS: f64 = i64::MAX as f64;
    let failed = || ParseDurationError(text.to_owned());
    if text.is_empty() {
        return Ok(Duration::ZERO);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds: u64 = text.parse().map_err(|_| failed())?;
        return Some(seconds).filter(|seconds| *seconds <= 9_223_372_036).map(Duration::from_secs).ok_or_else(failed);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').ok_or_else(failed)?;
        let (number, tail) = rest.split_at(end);
        let number: f64 = number.parse().map_err(|_| failed())?;
        let units = [
            ("ns", 1.0),
            ("us", 1e3),
            ("µs", 1e3),
            ("ms", 1e6),
            ("s", 1e9),
            ("m", 6e10),
            ("h", 3.6e12),
            ("d", 8.64e13),
        ];
        let unit = units.iter().find(|(name, _)| tail.starts_with(name)).ok_or_else(failed)?;
        total += number * unit.1;
        rest = tail.get(unit.0.len()..).unwrap_or_default();
    }
    if total > MAX_NANOSECONDS {
        return Err(failed());
    }
    Ok(Duration::from_nanos(total as u64))
}

/// Go's form of whole seconds: `1h30m0s`, `0s`.
pub fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_the_peer_reads_them() {
        for (text, seconds) in
            [("", 0.0), ("90", 90.0), ("1h30m", 5400.0), ("1d", 86400.0), ("1.5s", 1.5), ("250ms", 0.25)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["h", "-1s", "1x", "1h 2m", "99999999999999h", "1.2.3s", "1e400s", "9223372037"] {
            assert_eq!(parse_duration(text), Err(ParseDurationError(text.to_owned())));
        }
        for (seconds, text) in [(0, "0s"), (61, "1m1s"), (3600, "1h0m0s"), (2_764_800, "768h0m0s")] {
            assert_eq!(format_duration(Duration::from_secs(seconds)), text);
        }
    }
}
