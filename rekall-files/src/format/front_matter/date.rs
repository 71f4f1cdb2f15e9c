//! Dates as people write them into front matter: ISO 8601, to the day or to the second.

/// Milliseconds since 1970 of `2024-05-01`, `2024-05-01 10:00`, `2024-05-01T10:00:00.5+02:00` and the like.
/// Without a time zone it is UTC's. `None` for everything else.
pub(in super::super) fn milliseconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let (day, rest) = text.split_at_checked(10)?;
    let day = day_number(day)?;
    let rest = rest.trim_start_matches(['T', 't', ' ']);
    if rest.is_empty() {
        return (text.len() == 10).then(|| day * 86_400_000);
    }
    let zone = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (time, zone) = (rest[..zone].trim_end(), &rest[zone..]);
    Some(day * 86_400_000 + time_of_day(time)? - offset(zone)?)
}

/// Days since 1970 of `YYYY-MM-DD` or `YYYY/MM/DD`.
fn day_number(day: &str) -> Option<i64> {
    let separator = day.as_bytes().get(4).filter(|byte| matches!(byte, b'-' | b'/'))?;
    let mut parts = day.split(char::from(*separator));
    let (year, month, date) =
        (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if parts.next().is_some() || !(1..=days).contains(&date) {
        return None;
    }
    // Days from civil (Howard Hinnant): years that begin in March, in eras of 400 years.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + date - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

/// Milliseconds of `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fff`.
fn time_of_day(time: &str) -> Option<i64> {
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = time.split(':');
    let (hour, minute) = (hours(parts.next()?)?, digits(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |second| digits(second, 2))?;
    // A leap second counts as the first one of the next minute.
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: i64 = format!("{fraction}000")[..3].parse().ok()?;
    Some(((hour * 60 + minute) * 60 + second) * 1_000 + thousandths)
}

/// Milliseconds of `Z`, `+HH:MM`, `+HHMM` or `+HH`; none is zero.
fn offset(zone: &str) -> Option<i64> {
    let (sign, zone) = match zone.as_bytes() {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', ..] => (1, &zone[1..]),
        [b'-', ..] => (-1, &zone[1..]),
        _ => return None,
    };
    let (hour, minute) = match zone.len() {
        2 => (zone, "00"),
        4 => zone.split_at_checked(2)?,
        _ => zone.split_once(':')?,
    };
    let (hour, minute) = (digits(hour, 2)?, digits(minute, 2)?);
    (hour < 24 && minute < 60).then_some(sign * (hour * 60 + minute) * 60_000)
}

/// `9` or `09`.
fn hours(text: &str) -> Option<i64> {
    digits(text, 2).or_else(|| digits(text, 1))
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let all = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times() {
        for (text, expected) in [
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400_000),
            ("1969-12-31", -86_400_000),
            ("2024/05/01", 1_714_521_600_000),
            ("2024-05-01T10:00", 1_714_557_600_000),
            ("2024-05-01 9:30", 1_714_555_800_000),
            ("2024-05-01T10:00:00.25Z", 1_714_557_600_250),
            ("2024-05-01 10:00:00 +0200", 1_714_550_400_000),
            ("2024-05-01T10:00:00-01:30", 1_714_563_000_000),
        ] {
            assert_eq!(milliseconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "2024",
            "2024-05",
            "2024-13-01",
            "2023-02-29",
            "2024-05-00",
            "1 May 2024",
            "2024-05-01x",
            "2024-05-01T25:00",
            "2024-05-01T10",
            "2024-05-01T10:00+2",
            "2024-05/01",
            "２０２４-05-01",
            "2024-05-01T10:00:00.",
            "2024-05-01Tééé",
            "2024-05-0é",
        ] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_ends(text in "\\PC{0,12}|[0-9T:Z+. /-]{8,28}") {
            milliseconds(&text);
        }
    }
}
