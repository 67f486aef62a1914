//! When a password is to be changed.

use croner::Cron;
use jiff::{Timestamp, tz::TimeZone};
use logical::{Error, Request};
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use std::time::Duration;

/// Shortest period: no server looks more often.
const SHORTEST: u64 = 5;
/// Shortest window: an hour.
const SHORTEST_WINDOW: u64 = 3600;

/// When a password is to be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Schedule {
    /// So long after it was changed.
    Period(Duration),
    /// By the clock, in UTC; with a window only so long after each time.
    Cron {
        /// Five fields of cron.
        text: String,
        /// Zero: for ever.
        window: Duration,
    },
}

impl Schedule {
    /// The fields of a request; nothing where none is there.
    pub(crate) fn parse(request: &Request, before: Option<&Self>) -> Result<Option<Self>, Error> {
        let fields = request.fields();
        let (period, cron) = (fields.duration("rotation_period")?, fields.text("rotation_schedule")?);
        let window = fields.duration("rotation_window")?;
        let cron = cron.filter(|text| !text.is_empty()).or_else(|| match (before, period, window) {
            (Some(Self::Cron { text, .. }), None, Some(_)) => Some(text.clone()),
            _ => None,
        });
        match (period, cron, window) {
            (Some(_), Some(_), _) => Err(Error::invalid(
                "mutually exclusive fields rotation_period and rotation_schedule were both specified",
            )),
            (_, None, Some(_)) => Err(Error::invalid("rotation_window is only valid with rotation_schedule")),
            (Some(period), None, None) if period.as_secs() < SHORTEST => {
                Err(Error::invalid(format!("rotation_period must be {SHORTEST} seconds or more")))
            }
            (Some(period), None, None) => Ok(Some(Self::Period(Duration::from_secs(period.as_secs())))),
            (None, Some(_), Some(window)) if window.as_secs() < SHORTEST_WINDOW => {
                Err(Error::invalid(format!("rotation_window must be {SHORTEST_WINDOW} seconds or more")))
            }
            (None, Some(text), window) => {
                let schedule = Self::Cron { text, window: window.unwrap_or_default() };
                schedule.next(request.now)?;
                Ok(Some(schedule))
            }
            (None, None, None) => Ok(None),
        }
    }

    /// The first time after `last`.
    pub(crate) fn next(&self, last: Timestamp) -> Result<Timestamp, Error> {
        match self {
            Self::Period(period) => {
                last.checked_add(*period).map_err(|_| Error::invalid("rotation_period is too long"))
            }
            Self::Cron { text, .. } => {
                let refused = |error: &dyn std::fmt::Display| {
                    Error::invalid(format!("could not parse rotation_schedule {text:?}: {error}"))
                };
                if text.split_whitespace().count() != 5 && !text.starts_with('@') {
                    return Err(refused(&"expected 5 fields"));
                }
                let cron = Cron::from_str(text).map_err(|error| refused(&error))?;
                let next = cron.find_next_occurrence(&last.to_zoned(TimeZone::UTC), false);
                next.map(|next| next.timestamp()).map_err(|error| refused(&error))
            }
        }
    }

    /// Whether a change that should have been at `due` may no more be made up for.
    pub(crate) fn is_missed(&self, due: Timestamp, now: Timestamp) -> bool {
        match self {
            Self::Cron { window, .. } if !window.is_zero() => due.checked_add(*window).is_ok_and(|end| now > end),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use logical::Operation;
    use serde_json::{Value, json};

    #[test]
    fn schedules_are_read_and_followed() {
        let now: Timestamp = "2026-11-24T20:10:00Z".parse().unwrap();
        let parse = |body: Value, before: Option<&Schedule>| {
            let Value::Object(data) = body else { panic!() };
            Schedule::parse(&Request::new(Operation::Update, "", data, now), before).map(Option::unwrap)
        };
        let cron = parse(json!({"rotation_schedule": "0 0 * * SAT", "rotation_window": "1h"}), None).unwrap();
        let due = cron.next(now).unwrap();
        assert_eq!(due.to_string(), "2026-11-28T00:00:00Z");
        assert!(!cron.is_missed(due, "2026-11-28T01:00:00Z".parse().unwrap()));
        assert!(cron.is_missed(due, "2026-11-28T01:00:01Z".parse().unwrap()));
        let longer = parse(json!({"rotation_window": "2h"}), Some(&cron)).unwrap();
        assert_eq!(longer, Schedule::Cron { text: "0 0 * * SAT".to_owned(), window: Duration::from_secs(7200) });
        let period = parse(json!({"rotation_period": "24h"}), Some(&cron)).unwrap();
        assert_eq!(period.next(now).unwrap().to_string(), "2026-11-25T20:10:00Z");
        for body in [
            json!({"rotation_period": 4}),
            json!({"rotation_period": "1h", "rotation_schedule": "* * * * *"}),
            json!({"rotation_schedule": "* * * *"}),
            json!({"rotation_schedule": "61 * * * *"}),
            json!({"rotation_schedule": "0 0 30 2 *"}),
            json!({"rotation_schedule": "* * * * *", "rotation_window": 60}),
            json!({"rotation_period": 60, "rotation_window": 3600}),
        ] {
            assert_eq!(parse(body.clone(), None).unwrap_err().status(), 400, "{body}");
        }
    }
}
