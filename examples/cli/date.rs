//! Times as people read them, in UTC.

const MS_PER_DAY: i64 = 86_400_000;

/// Milliseconds since 1970 as `2026-01-31` (UTC).
pub(crate) fn day(ms: i64) -> String {
    let days = ms.div_euclid(MS_PER_DAY);
    // A calendar crate would be much code for one date in UTC. Civil date from a day number: Howard Hinnant,
    // "chrono-Compatible Low-Level Date Algorithms". Years begin in March there, so that the leap day comes
    // last.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Milliseconds since 1970 as `2026-01-31 09:30` (UTC).
pub(crate) fn minute(ms: i64) -> String {
    let minutes = ms.rem_euclid(MS_PER_DAY) / 60_000;
    format!("{} {:02}:{:02}", day(ms), minutes / 60, minutes % 60)
}
