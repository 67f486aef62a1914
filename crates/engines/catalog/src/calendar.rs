//! Points in time as dates, UTC, proleptic Gregorian.

/// A date and a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DateTime {
    year: i64,
    /// 1 to 12.
    month: i64,
    /// 1 to 31.
    day: i64,
    /// 0 is Sunday.
    weekday: i64,
    /// Seconds since midnight.
    second: i64,
}

impl DateTime {
    /// The moment `seconds` after the beginning of 1970.
    pub(crate) fn from_unix(seconds: i64) -> Self {
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        // Years that begin in March put the leap day last; eras of 400 years repeat.
        let from_era = days + 719_468;
        let (era, day_of_era) = (from_era.div_euclid(146_097), from_era.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        Self { year, month, day, weekday: (days + 4).rem_euclid(7), second }
    }

    /// `2006-01-02T15:04:05Z`.
    pub(crate) fn rfc3339(self) -> String {
        format!("{:04}-{:02}-{:02}T{}Z", self.year, self.month, self.day, self.clock())
    }

    /// `Mon Jan  2 15:04:05 2006`, as C's `asctime`.
    pub(crate) fn asctime(self) -> String {
        const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let name = |names: &'static [&'static str], index: i64| {
            usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default()
        };
        let (weekday, month) = (name(&DAYS, self.weekday), name(&MONTHS, self.month - 1));
        format!("{weekday} {month} {:2} {} {}", self.day, self.clock(), self.year)
    }

    fn clock(self) -> String {
        format!("{:02}:{:02}:{:02}", self.second / 3_600, self.second / 60 % 60, self.second % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::DateTime;
    use proptest::prelude::*;

    #[test]
    fn dates() {
        for (seconds, asctime, rfc3339) in [
            (0, "Thu Jan  1 00:00:00 1970", "1970-01-01T00:00:00Z"),
            (1_652_704_375, "Mon May 16 12:32:55 2022", "2022-05-16T12:32:55Z"),
            (1_709_164_800, "Thu Feb 29 00:00:00 2024", "2024-02-29T00:00:00Z"),
            (4_294_967_295, "Sun Feb  7 06:28:15 2106", "2106-02-07T06:28:15Z"),
            (-1, "Wed Dec 31 23:59:59 1969", "1969-12-31T23:59:59Z"),
        ] {
            let date = DateTime::from_unix(seconds);
            assert_eq!((date.asctime().as_str(), date.rfc3339().as_str()), (asctime, rfc3339));
        }
    }

    proptest! {
        #[test]
        fn never_panics(seconds in any::<i64>()) {
            DateTime::from_unix(seconds).asctime();
        }
    }
}
