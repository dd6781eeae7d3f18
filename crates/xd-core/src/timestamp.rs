//! A moment in time as mail states it: whole seconds, no clock.

use std::fmt;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted; negative before.
///
/// # Example: how does a moment print?
/// ```
/// assert_eq!(xd_core::Timestamp::from_unix(0).to_string(), "1970-01-01T00:00:00Z");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment so many seconds after the epoch.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Reads `2026-11-22T01:00:00Z` (RFC 3339), of the years 1900 to 3000.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        mail_parser::DateTime::parse_rfc3339(text).filter(mail_parser::DateTime::is_valid).map(|date| Self(date.to_timestamp()))
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// The moment as mail writes it, in UTC (RFC 5322 §3.3).
    ///
    /// # Example: how does a trace field say when?
    /// ```
    /// assert_eq!(xd_core::Timestamp::from_unix(1_795_309_200).to_rfc5322(), "Sun, 22 Nov 2026 01:00:00 +0000");
    /// ```
    #[must_use]
    pub fn to_rfc5322(self) -> String {
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        // The epoch was a Thursday.
        const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        let (days, second) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let (year, month, day) = civil(days);
        // Remainders of 7 and months of 1 to 12 fit.
        let (weekday, month) = (WEEKDAYS[days.rem_euclid(7) as usize], MONTHS[(month - 1) as usize]);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{weekday}, {day} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000")
    }

    /// Seconds from `earlier` to this moment; negative when it is later.
    #[must_use]
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC. Years that it cannot write, before 0000 and after 9999, stand with their sign as ISO 8601 has them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let (year, month, day) = civil(days);
        match year {
            0..=9999 => write!(f, "{year:04}")?,
            _ => write!(f, "{year:+05}")?,
        }
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Days of 400 years, after which the calendar repeats.
const CYCLE: i64 = 146_097;

/// Year, month and day of the Gregorian calendar, so many days after 1970-01-01. Years count through zero: 0 is 1 BC.
const fn civil(days: i64) -> (i64, i64, i64) {
    // A year that begins in March ends with the leap day. 719,468 days lie between 0000-03-01 and the epoch; the days of an
    // i64 of seconds are far from the ends of i64.
    let days = days + 719_468;
    let (cycle, day) = (days.div_euclid(CYCLE), days.rem_euclid(CYCLE));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Months from March on have 153 days in every five.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (cycle * 400 + year + carry, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_moment_has_a_text() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (253_402_300_800, "+10000-01-01T00:00:00Z"),
            (-62_167_219_200, "0000-01-01T00:00:00Z"),
            (-62_167_219_201, "-0001-12-31T23:59:59Z"),
            // Python's calendar, moved on by whole cycles of 400 years.
            (i64::MAX, "+292277026596-12-04T15:30:07Z"),
            (i64::MIN, "-292277022657-01-27T08:29:52Z"),
        ] {
            assert_eq!(Timestamp::from_unix(seconds).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_prints(seconds in -2_208_988_800..32_535_216_000_i64) {
            let moment = Timestamp::from_unix(seconds);
            prop_assert_eq!(Timestamp::parse_rfc3339(&moment.to_string()), Some(moment));
        }

        #[test]
        fn mail_parser_reads_what_mail_is_told(seconds in 0..32_535_216_000_i64) {
            let text = Timestamp::from_unix(seconds).to_rfc5322();
            let date = mail_parser::DateTime::parse_rfc822(&text).unwrap();
            prop_assert_eq!(date.to_timestamp(), seconds);
            let weekday = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][usize::from(date.day_of_week())];
            prop_assert!(text.starts_with(weekday));
        }

        #[test]
        fn a_later_day_prints_later(day in -700_000..2_900_000_i64) {
            let text = |day| Timestamp::from_unix(day * DAY).to_string();
            prop_assert!(text(day) < text(day + 1));
        }
    }
}
