use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Quantiles are those of the last so many seconds, as the peer's sink has them.
const WINDOW: Duration = Duration::from_secs(10);
/// And of at most so many of the latest values.
const MAX_RECENT: usize = 1024;

/// Durations, in milliseconds as the peer gives them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    pub(crate) count: u64,
    pub(crate) sum: f64,
    recent: VecDeque<(Instant, f32)>,
}

/// The latest durations, summed up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Recent {
    pub(crate) count: usize,
    pub(crate) sum: f64,
    pub(crate) squares: f64,
    pub(crate) min: f32,
    pub(crate) max: f32,
    pub(crate) quantiles: [(&'static str, f32); 3],
}

impl Sample {
    pub(crate) fn add(&mut self, took: Duration, now: Instant) {
        let milliseconds = took.as_secs_f64() * 1000.0;
        self.count += 1;
        self.sum += milliseconds;
        if self.recent.len() == MAX_RECENT {
            self.recent.pop_front();
        }
        #[expect(clippy::cast_possible_truncation, reason = "a quantile needs no more than seven digits")]
        self.recent.push_back((now, milliseconds as f32));
    }

    /// None where nothing happened lately.
    pub(crate) fn recent(&self, now: Instant) -> Option<Recent> {
        let fresh = self.recent.iter().filter(|(at, _)| now.saturating_duration_since(*at) <= WINDOW);
        let mut values: Vec<f32> = fresh.map(|(_, value)| *value).collect();
        values.sort_by(f32::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let at = |percent: usize| {
            let rank = (values.len() * percent).div_ceil(100).saturating_sub(1);
            values.get(rank).copied().unwrap_or(max)
        };
        let sum = values.iter().map(|value| f64::from(*value)).sum();
        let squares = values.iter().map(|value| f64::from(*value).powi(2)).sum();
        let quantiles = [("0.5", at(50)), ("0.9", at(90)), ("0.99", at(99))];
        Some(Recent { count: values.len(), sum, squares, min, max, quantiles })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_was_seen_lately() {
        let begun = Instant::now();
        let mut sample = Sample::default();
        assert_eq!(sample.recent(begun), None);
        sample.add(Duration::from_secs(9), begun);
        let later = begun + Duration::from_secs(11);
        for value in 1..=100 {
            sample.add(Duration::from_millis(value), later);
        }
        let recent = sample.recent(later).unwrap();
        assert_eq!(recent.quantiles.map(|(_, value)| value), [50.0, 90.0, 99.0]);
        assert_eq!((recent.count, recent.min, recent.max, recent.sum), (100, 1.0, 100.0, 5050.0));
        assert_eq!((sample.count, sample.sum), (101, 14050.0));
        for _ in 0..5000 {
            sample.add(Duration::ZERO, later);
        }
        assert_eq!(sample.recent(later).unwrap().count, MAX_RECENT);
    }
}
