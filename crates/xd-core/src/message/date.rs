//! Dates of header fields (RFC 5322 §3.3 and §4.3).

use mail_parser::{DateTime, HeaderValue, parsers::MessageStream};

use crate::Timestamp;

/// Longer values are no dates.
const MAX_BYTES: usize = 128;

/// The moment that a value states; none when it cannot be read or does not exist.
pub(super) fn read(value: &[u8]) -> Option<Timestamp> {
    let value = value.trim_ascii();
    if value.len() > MAX_BYTES {
        return None;
    }
    match MessageStream::new(value).parse_date() {
        HeaderValue::DateTime(date) => to_timestamp(date),
        _ => None,
    }
}

fn to_timestamp(mut date: DateTime) -> Option<Timestamp> {
    // RFC 5322 §3.3 allows a leap second, which a count of seconds has no place for.
    date.second = date.second.min(59);
    date.is_valid().then(|| Timestamp::from_unix(date.to_timestamp()))
}
