//! Moments as Windows counts them, written as RFC 5322 writes them.

/// Tenths of microseconds since 1601, as a date in UTC. Empty for what is no moment of mail: before 1970, after 9999.
pub(crate) fn of_file_time(time: u64) -> String {
    const TO_1970: u64 = 11_644_473_600;
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let Some(seconds) = (time / 10_000_000).checked_sub(TO_1970) else { return String::new() };
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days since the first of March of the year 0: years that begin in March have their leap day at the end.
    let days_since_0 = days + 719_468;
    let (era, day_of_era) = (days_since_0 / 146_097, days_since_0 % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 2 } else { month - 10 };
    let year = year_of_era + era * 400 + u64::from(month < 2);
    let name = |names: &[&'static str], index: u64| {
        usize::try_from(index).ok().and_then(|index| names.get(index).copied()).unwrap_or("")
    };
    if year > 9999 {
        return String::new();
    }
    let (weekday, month) = (name(&DAYS, days % 7), name(&MONTHS, month));
    format!("{weekday}, {day:02} {month} {year} {:02}:{:02}:{:02} +0000", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        // By Python: datetime(1601, 1, 1) + timedelta(microseconds=time / 10).
        assert_eq!(of_file_time(125_979_841_234_567_890), "Mon, 20 Mar 2000 00:02:03 +0000");
        assert_eq!(of_file_time(127_224_864_000_000_000), "Sun, 29 Feb 2004 00:00:00 +0000");
        assert_eq!(of_file_time(116_444_736_000_000_000), "Thu, 01 Jan 1970 00:00:00 +0000");
        assert_eq!(of_file_time(5), "");
        assert_eq!(of_file_time(u64::MAX), "");
    }
}
