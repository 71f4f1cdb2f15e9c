//! Times as people read and write them, in UTC.

const MS_PER_DAY: i64 = 86_400_000;

/// Milliseconds since 1970 as `2026-01-31` (UTC).
pub(crate) fn day(ms: i64) -> String {
    let (year, month, day) = date(ms.div_euclid(MS_PER_DAY));
    format!("{year:04}-{month:02}-{day:02}")
}

/// Milliseconds since 1970 as `2026-01-31 09:30` (UTC).
pub(crate) fn minute(ms: i64) -> String {
    let minutes = ms.rem_euclid(MS_PER_DAY) / 60_000;
    format!("{} {:02}:{:02}", day(ms), minutes / 60, minutes % 60)
}

/// A moment in milliseconds since 1970: `2026-01-31` is its first (UTC), `2026-01-31 09:30` may also have a `T` between.
pub(crate) fn moment(text: &str) -> Result<i64, String> {
    let wrong = || "expected a date as 2026-01-31, or 2026-01-31T09:30 (UTC)".to_owned();
    let (day, time) = text.trim().split_once([' ', 'T']).unwrap_or((text.trim(), "00:00"));
    let [year, month, day] = numbers(day, '-').ok_or_else(wrong)?;
    let [hour, minute] = numbers(time, ':').ok_or_else(wrong)?;
    let number = day_number(year, month, day);
    // A day that there is comes back as it was given.
    let is_day = (1..=9999).contains(&year) && date(number) == (year, month, day);
    if !is_day || !(0..24).contains(&hour) || !(0..60).contains(&minute) {
        return Err(wrong());
    }
    Ok(number * MS_PER_DAY + (hour * 60 + minute) * 60_000)
}

/// Numbers of digits alone.
fn numbers<const N: usize>(text: &str, between: char) -> Option<[i64; N]> {
    let number = |part: &str| {
        let is_plain = (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|_| is_plain)
    };
    let numbers: Vec<i64> = text.split(between).map(number).collect::<Option<_>>()?;
    numbers.try_into().ok()
}

// A calendar crate would be much code for dates in UTC. Civil date from a day number, and back: Howard Hinnant,
// "chrono-Compatible Low-Level Date Algorithms". Years begin in March there, so that the leap day comes last.

/// Days from 0000-03-01 to 1970-01-01.
const TO_1970: i64 = 719_468;

/// Year, month and day of a number of days since 1970.
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + TO_1970;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The number of days since 1970. A day that there is not gives that of another one.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - TO_1970
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_that_is_written_is_read() {
        for number in [-719_162, -1, 0, 59, 11_016, 19_782, 20_484, 2_932_896] {
            assert_eq!(moment(&day(number * MS_PER_DAY)), Ok(number * MS_PER_DAY), "{number}");
        }
        for number in 0..40_000 {
            assert_eq!(moment(&day(number * MS_PER_DAY)), Ok(number * MS_PER_DAY));
        }
        assert_eq!(moment("2024-02-29 09:30"), Ok(1_709_199_000_000));
        assert_eq!(moment("2024-02-29T09:30"), moment("2024-02-29 09:30"));
        assert_eq!(minute(1_709_199_000_000), "2024-02-29 09:30");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        let texts = [
            "",
            "today",
            "2025-02-29",
            "2025-13-01",
            "2025-00-10",
            "2025-01-00",
            "2025-01-32",
            "2025-01",
            "0000-01-01",
            "2025-01-01 24:00",
            "2025-01-01 10:60",
            "2025-01-01 10",
            "2025-01-01T",
            "+025-01-01",
            "2025-1-1-1",
        ];
        for text in texts {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
