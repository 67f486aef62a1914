use jiff::{SignedDuration, Timestamp};
use logical::{Error, format_duration};
use std::time::Duration;

/// From what a lifetime is made. Zero: not given.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// What a client asks for at renewal.
    pub(crate) increment: Duration,
    /// What the backend gives.
    pub(crate) ttl: Duration,
    pub(crate) period: Duration,
    pub(crate) max_ttl: Duration,
    pub(crate) explicit_max_ttl: Duration,
}

/// The lifetime from now on, as the peer's `CalculateTTL` has it. Warnings say what was cut.
pub(crate) fn calculate(
    wanted: Wanted,
    mount: (Duration, Duration),
    start: Timestamp,
    now: Timestamp,
    warnings: &mut Vec<String>,
) -> Result<Duration, Error> {
    let (default_ttl, mut max_ttl) = mount;
    for bound in [wanted.max_ttl, wanted.explicit_max_ttl] {
        if !bound.is_zero() && bound < max_ttl {
            max_ttl = bound;
        }
    }
    if max_ttl.is_zero() {
        return Err(Error::invalid("max TTL must be greater than zero"));
    }
    let (ttl, bound) = if wanted.period.is_zero() {
        let choices = [wanted.increment, wanted.ttl, default_ttl];
        (choices.into_iter().find(|ttl| !ttl.is_zero()).unwrap_or(default_ttl), Some(max_ttl))
    } else {
        let period = wanted.period.min(max_ttl);
        if period < wanted.period {
            warnings.push(format!(
                "period of {:?} exceeded the effective max_ttl of {:?}; period value is capped accordingly",
                short(wanted.period),
                short(max_ttl)
            ));
        }
        (period, Some(wanted.explicit_max_ttl).filter(|bound| !bound.is_zero()))
    };
    let Some(bound) = bound else { return Ok(ttl) };
    let end = add(start, bound);
    let left = Duration::try_from(end.duration_since(now)).unwrap_or_default();
    if left.is_zero() {
        return Err(Error::invalid("past the max TTL, cannot renew"));
    }
    if left >= ttl {
        return Ok(ttl);
    }
    warnings.push(format!(
        "TTL of {:?} exceeded the effective max_ttl of {:?}; TTL value is capped accordingly",
        short(ttl),
        short(left)
    ));
    Ok(left)
}

/// `30m`, `768h`: without what is zero, as the peer's warnings have it.
fn short(duration: Duration) -> String {
    let text = format_duration(duration);
    let text = text.strip_suffix("m0s").map_or(text.clone(), |front| format!("{front}m"));
    text.strip_suffix("h0m").map_or(text.clone(), |front| format!("{front}h"))
}

/// A time later; the end of time where that is beyond it.
pub(crate) fn add(time: Timestamp, duration: Duration) -> Timestamp {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    time.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// How long until then; zero where it has passed.
pub(crate) fn until(end: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(end.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_cut_where_the_peer_cuts_them() {
        let seconds = Duration::from_secs;
        let start = Timestamp::UNIX_EPOCH;
        let w = Wanted::default();
        for (wanted, age, result) in [
            (w, 0, Some(100)),
            (Wanted { ttl: seconds(50), ..w }, 0, Some(50)),
            (Wanted { ttl: seconds(50), increment: seconds(70), ..w }, 0, Some(70)),
            (Wanted { ttl: seconds(5000), ..w }, 0, Some(1000)),
            (Wanted { ttl: seconds(500), ..w }, 600, Some(400)),
            (Wanted { ttl: seconds(500), ..w }, 1000, None),
            (Wanted { ttl: seconds(500), max_ttl: seconds(200), ..w }, 0, Some(200)),
            (Wanted { period: seconds(30), increment: seconds(70), ..w }, 5000, Some(30)),
            (Wanted { period: seconds(30), explicit_max_ttl: seconds(40), ..w }, 20, Some(20)),
            (Wanted { period: seconds(30), explicit_max_ttl: seconds(40), ..w }, 41, None),
        ] {
            let now = add(start, seconds(age));
            let got = calculate(wanted, (seconds(100), seconds(1000)), start, now, &mut Vec::new()).ok();
            assert_eq!(got, result.map(seconds));
        }
    }
}
