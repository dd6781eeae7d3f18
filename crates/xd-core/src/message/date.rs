//! Dates of header fields (RFC 5322 §3.3, with the obsolete forms of §4.3).
//!
//! Read by what each word looks like rather than by its place, since programs write `Dec 30 1899`, `2002/09/14 Sat` and the like.
//! A date whose parts can be taken in two ways (`12-04-2023`) is not guessed.

use mail_parser::DateTime;

use crate::Timestamp;

/// A date that was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Date {
    pub(super) moment: Timestamp,
    /// The zone stands there; without one UTC is assumed.
    pub(super) has_zone: bool,
}

/// Longer values are no dates.
const MAX_BYTES: usize = 128;

/// Reads a value; none when it is no date, or one that does not exist.
pub(super) fn read(value: &[u8]) -> Option<Date> {
    let value = value.trim_ascii();
    if value.len() > MAX_BYTES {
        return None;
    }
    Draft::plain(value).or_else(|| words(std::str::from_utf8(value).ok()?))?.finish()
}

/// Reads a date word by word.
fn words(text: &str) -> Option<Draft> {
    let mut draft = Draft::default();
    let mut comment_depth = 0_usize;
    for word in text.split(|c: char| c.is_ascii_whitespace() || c == ',') {
        // Comments say again what the zone says, or nothing.
        let opened = word.bytes().filter(|b| *b == b'(').count();
        let in_comment = comment_depth > 0 || word.starts_with('(');
        comment_depth = (comment_depth + opened).saturating_sub(word.bytes().filter(|b| *b == b')').count());
        if !in_comment && !word.is_empty() {
            draft.word(word.split('(').next().unwrap_or(word))?;
        }
    }
    Some(draft)
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Draft {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    seconds: Option<i64>,
    /// Seconds east of Greenwich.
    zone: Option<i64>,
}

impl Draft {
    /// Reads `Sat, 14 Sep 2002 13:06:03 +0200 (CEST)`, as nearly all dates are written, with or without the day of the week and
    /// the comment; none for everything else, which is read word by word to the same result.
    fn plain(value: &[u8]) -> Option<Self> {
        let rest = match value {
            [a, b, c, b',', b' ', rest @ ..] if is_week_day(&[*a, *b, *c]) => rest,
            _ => value,
        };
        let (day, rest) = match rest.trim_ascii_start() {
            [day, b' ', rest @ ..] => (digit(*day)?, rest),
            [tens, ones, b' ', rest @ ..] => (digit(*tens)? * 10 + digit(*ones)?, rest),
            _ => return None,
        };
        let (date, rest) = rest.split_first_chunk::<9>()?;
        let [a, b, c, b' ', year @ .., b' '] = date else { return None };
        // Years of fewer digits mean something else.
        let year = if let [b'1'..=b'9', ..] = year { number(year)? } else { return None };
        let (time, rest) = rest.split_first_chunk::<9>()?;
        let [h, i, b':', j, k, b':', l, m, b' '] = *time else { return None };
        let (hour, minute, second) = (number(&[h, i])?, number(&[j, k])?, number(&[l, m])?);
        let (zone, comment) = rest.split_first_chunk::<5>()?;
        let [sign @ (b'+' | b'-'), zone @ ..] = zone else { return None };
        let (hours, minutes) = (number(&zone[..2])?, number(&zone[2..])?);
        let exists = hour <= 23 && minute <= 59 && second <= 60 && hours <= 23 && minutes <= 59;
        if !exists || !(comment.is_empty() || is_comment(comment)) {
            return None;
        }
        let east = hours * 3_600 + minutes * 60;
        Some(Self {
            year: Some(year),
            month: Some(month_number(&[*a, *b, *c])?),
            day: Some(day),
            seconds: Some(hour * 3_600 + minute * 60 + second),
            zone: Some(if *sign == b'-' { -east } else { east }),
        })
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let first = word.bytes().next()?;
        if self.seconds.is_none() && word.contains(':') {
            // `2002-09-14T13:06:03Z`
            let (date, time) = word.split_once('T').unwrap_or(("", word));
            if !date.is_empty() {
                self.numbers(date)?;
            }
            let end = time.bytes().position(|b| !b.is_ascii_digit() && !matches!(b, b':' | b'.')).unwrap_or(time.len());
            let (time, zone) = time.split_at_checked(end)?;
            self.seconds = Some(seconds(time)?);
            return if zone.is_empty() { Some(()) } else { self.word(zone) };
        }
        match first {
            b'+' | b'-' if self.seconds.is_some() => {
                if self.zone.is_none() {
                    let digits = word.get(1..)?.replace(':', "");
                    let zone: i64 = digits.get(..4).unwrap_or(&digits).parse().ok()?;
                    let east = zone / 100 * 3_600 + zone % 100 * 60;
                    // RFC 5322 §3.3: the last two digits are minutes; no place is a whole day away.
                    if zone % 100 > 59 || zone / 100 > 23 {
                        return None;
                    }
                    self.zone = Some(if first == b'-' { -east } else { east });
                }
            }
            b'0'..=b'9' => self.numbers(word)?,
            _ if word.eq_ignore_ascii_case("pm") => {
                self.seconds = self.seconds.map(|seconds| if seconds < 12 * 3_600 { seconds + 12 * 3_600 } else { seconds });
            }
            _ if word.eq_ignore_ascii_case("am") => {
                self.seconds = self.seconds.map(|seconds| if seconds >= 12 * 3_600 { seconds - 12 * 3_600 } else { seconds });
            }
            _ => self.name(word),
        }
        Some(())
    }

    /// A day, a year, or all three parts of a date with dashes, slashes or periods between them.
    fn numbers(&mut self, word: &str) -> Option<()> {
        let mut parts = word.split(['-', '/', '.']).filter(|part| !part.is_empty());
        let (first, second, third) = (parts.next()?, parts.next(), parts.next());
        match (second, third) {
            (None, None) => {
                // The first number is the day, unless it has the four digits of a year.
                if first.len() >= 3 || self.day.is_some() {
                    self.year.get_or_insert(year(first)?);
                } else {
                    self.day = Some(first.parse().ok()?);
                }
            }
            (Some(second), Some(third)) => {
                let (day, last) = if first.len() == 4 { (third, first) } else { (first, third) };
                // Whether 12-04 is in April or December depends on the country.
                if first.len() != 4 && month(second).is_none() {
                    return None;
                }
                self.month = Some(month(second).or_else(|| second.parse().ok())?);
                self.day = Some(day.parse().ok()?);
                self.year = Some(year(last)?);
            }
            _ => return None,
        }
        Some(())
    }

    /// A month or zone; other names (days of the week, in any language) say nothing that is needed.
    fn name(&mut self, word: &str) {
        if self.month.is_none()
            && let Some(month) = month(word)
        {
            self.month = Some(month);
        } else if self.seconds.is_some() && self.zone.is_none() {
            self.zone = ZONES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, hours)| hours * 3_600);
        }
    }

    fn finish(self) -> Option<Date> {
        let (year, month, day) = (self.year?, self.month?, self.day?);
        let exists = (1..=9_999).contains(&year) && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        if !exists {
            return None;
        }
        let midnight = DateTime {
            year: u16::try_from(year).ok()?,
            month: u8::try_from(month).ok()?,
            day: u8::try_from(day).ok()?,
            hour: 0,
            minute: 0,
            second: 0,
            tz_before_gmt: false,
            tz_hour: 0,
            tz_minute: 0,
        };
        let local = midnight.to_timestamp() + self.seconds?;
        Some(Date { moment: Timestamp::from_unix(local - self.zone.unwrap_or(0)), has_zone: self.zone.is_some() })
    }
}

/// RFC 5322 §4.3. What is in no list, military letters included, is not known and no zone.
const ZONES: [(&str, i64); 12] = [
    ("GMT", 0),
    ("UT", 0),
    ("UTC", 0),
    ("Z", 0),
    ("EST", -5),
    ("EDT", -4),
    ("CST", -6),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
];

/// Whether this can be a day of the week, in any language: a name, and no month.
fn is_week_day(name: &[u8; 3]) -> bool {
    name.iter().all(u8::is_ascii_alphabetic) && month_number(name).is_none()
}

fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, &byte| Some(number * 10 + digit(byte)?))
}

/// Whether this is one comment behind a space, with no other inside.
fn is_comment(text: &[u8]) -> bool {
    let [b' ', b'(', inside @ .., b')'] = text else { return false };
    inside.iter().all(|byte| byte.is_ascii() && !matches!(byte, b'(' | b')'))
}

const MONTHS: [&[u8; 3]; 12] = [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

fn month(word: &str) -> Option<i64> {
    month_number(word.get(..3)?.as_bytes().first_chunk()?)
}

fn month_number(name: &[u8; 3]) -> Option<i64> {
    let name = name.map(|byte| byte | 0x20);
    let at = MONTHS.iter().position(|&month| *month == name)?;
    i64::try_from(at + 1).ok()
}

/// RFC 5322 §4.3: two digits are of 1950 to 2049, three count from 1900, however many zeros stand before them.
fn year(digits: &str) -> Option<i64> {
    let year: i64 = digits.parse().ok()?;
    match year {
        0..=49 if digits.len() <= 2 => Some(year + 2_000),
        50..=999 => Some(year + 1_900),
        1_000.. => Some(year),
        _ => None,
    }
}

/// `13:06`, `13:06:03`, `13:06:03.5` as seconds of the day. RFC 5322 §3.3 allows a leap second.
fn seconds(time: &str) -> Option<i64> {
    let mut parts = time.split(':').map(|part| part.split('.').next().unwrap_or(part).parse::<i64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    let exists = (0..=23).contains(&hour) && (0..=59).contains(&minute) && (0..=60).contains(&second);
    exists.then_some(hour * 3_600 + minute * 60 + second)
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_many_forms() {
        for (text, unix, has_zone) in [
            ("Mon, 05 Oct 2020 19:05:57 -0000", 1_601_924_757, true),
            ("5 Oct 2020 19:05:57 -0000", 1_601_924_757, true),
            ("Mon,  5 Oct 2020\r\n\t19:05:57 +0000 (UTC)", 1_601_924_757, true),
            ("Mon, 5 Oct 2020 15:48:32 +0530", 1_601_893_112, true),
            ("Wed, 30 Sep 2020 20:32:31 EDT", 1_601_512_351, true),
            ("26 Aug 76 14:30 EDT", 209_932_200, true),
            ("Sat, Dec 30 1899 00:00:00 GMT", -2_209_161_600, true),
            ("Sat Sep 21 08:18:08 2002", 1_032_596_288, false),
            ("Wed, 05 Jun 0102 18:07:54 +0300", 1_023_289_674, true),
            ("2002/09/14 Sat 13:06:03 GMT", 1_032_008_763, true),
            ("2002-09-14T13:06:03Z", 1_032_008_763, true),
            ("2002-09-14T15:06:03+02:00", 1_032_008_763, true),
            ("14-Sep-2002 13:06:03 +0000", 1_032_008_763, true),
            ("Sep, 14 2002 1:06:03 PM +0000", 1_032_008_763, true),
            ("2002-09-14 13:06:03.749770198 +0000 UTC m=+2910074.5", 1_032_008_763, true),
            ("Sat, 14 Sep 2002 13:06:03", 1_032_008_763, false),
            ("Sat, 31 Dec 2016 23:59:60 +0000", 1_483_228_800, true),
            ("Sat, 14 (of (nested) 2001) Sep 2002 13:06:03(x) +0000", 1_032_008_763, true),
            ("29 Feb 2000 00:00:00 +0000", 951_782_400, true),
        ] {
            let expected = Date { moment: Timestamp::from_unix(unix), has_zone };
            assert_eq!(read(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn plain_dates_are_what_their_words_say() {
        for text in [
            "Mon, 05 Oct 2020 19:05:57 -0730",
            "Mon,  5 oct 2020 19:05:57 +0000 (UTC)",
            "5 OCT 9020 23:59:60 +2359 (a, b c)",
            "xyz, 99 Dec 2004 21:43:57 -0700 ()",
        ] {
            let plain = Draft::plain(text.as_bytes());
            assert!(plain.is_some(), "{text}");
            assert_eq!(plain, words(text), "{text}");
        }
        for text in [
            "May, 05 Oct 2020 19:05:57 -0730",
            "Mon, 5 Oct 0020 19:05:57 +0000",
            "Mon, 5 Oct 2020 19:05:57 +0000 (a) pm",
            "Mon, 5 Oct 2020 19:05:57 +00000",
            "Mon, 5 Oct 2020 19:05:57 +0060",
            "Mon, 5 Oct 2020 24:05:57 +0000",
        ] {
            assert_eq!(Draft::plain(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn no_dates() {
        for text in [
            "",
            "soon",
            "Mon, 20 Sep 2004 23:60:57 -0700 (PDT)",
            "Mon, 20 Sep 2004 24:43:57 -0700 (PDT)",
            "Mon, 32 Dec 2004 21:43:57 -0700 (PDT)",
            "Sun, 30 Feb 2006 21:43:57 -0800 (PST)",
            "29 Feb 1900 00:00:00 +0000",
            "12-04-2023",
            "12-04-2023 10:00:00 +0000",
            "Mon, 20 Sep 2004",
            "20 Sep 2004 10:00:00 +9999",
            "_smtpDate . 286071244",
            "::: ::",
            "99999999999999999999 Sep 2004 10:00:00",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        let long = format!("{}5 Oct 2020 19:05:57 +0000", "x ".repeat(MAX_BYTES / 2));
        assert_eq!(read(long.as_bytes()), None);
    }
}
