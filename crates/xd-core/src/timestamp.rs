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

    /// Reads `2026-11-22T01:00:00Z` (RFC 3339).
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        mail_parser::DateTime::parse_rfc3339(text).filter(mail_parser::DateTime::is_valid).map(|date| Self(date.to_timestamp()))
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// Seconds from `earlier` to this moment; negative when it is later.
    #[must_use]
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mail_parser::DateTime::from_timestamp(self.0).to_rfc3339())
    }
}
