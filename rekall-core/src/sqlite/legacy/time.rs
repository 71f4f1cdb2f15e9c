//! From naive local times to UTC.
//!
//! The Python tool wrote the time of the wall clock without a zone. It also gave every row a ULID, whose
//! first half is the same moment in UTC; so nearly every row gives its own offset. The rule, for one time:
//!
//! 1. a zone written in the text itself;
//! 2. the row's own id, for the time of its creation: local time minus the id's time, to the nearest quarter
//!    of an hour, if it lies between −12 and +14 hours and is met to within 10 seconds;
//! 3. [`LegacyImportOptions::utc_offset_minutes`](super::LegacyImportOptions::utc_offset_minutes);
//! 4. the offset of the nearest time in the file, before or after, that an id gives: this follows
//!    daylight saving time and people who move;
//! 5. UTC.
//!
//! The calendar is thirty lines here rather than a crate: dates of the tool lack a zone, seconds or a `T` in ways that a
//! strict parser refuses, and nothing else in the workspace needs a calendar.

use serde::Serialize;

use crate::EntryId;

const MICROS_PER_MINUTE: i64 = 60_000_000;
const QUARTER: i64 = 15 * MICROS_PER_MINUTE;
/// How far from a whole quarter of an hour an offset given by an id may be.
const SLACK: i64 = 10_000_000;

/// A date and time as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Written {
    /// Microseconds since 1970, as if the text were UTC.
    pub(super) micros: i64,
    /// The zone, when the text names one, in minutes east of Greenwich.
    zone: Option<i64>,
}

/// Where an offset came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OffsetSource {
    /// The text named its zone.
    Text,
    /// The time inside the row's own id.
    Id,
    /// The caller's option.
    Option,
    /// The nearest time in the file whose offset an id gives.
    Neighbor,
    /// Unknown: taken for UTC.
    Assumed,
}

/// A time in UTC, and how it was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Resolved {
    /// Milliseconds since 1970.
    pub(super) utc_ms: i64,
    pub(super) offset_minutes: i64,
    pub(super) source: OffsetSource,
}

/// What is known of the offsets in one file.
#[derive(Debug)]
pub(super) struct Zone {
    option: Option<i64>,
    /// (written microseconds, offset in minutes), in order of time once `settle` was called.
    known: Vec<(i64, i64)>,
}

impl Zone {
    pub(super) fn new(option: Option<i32>) -> Self {
        Self { option: option.map(i64::from), known: Vec::new() }
    }

    /// Takes note of a row's id and time of creation.
    pub(super) fn learn(&mut self, id: &str, created: Option<Written>) {
        if let (Some(id), Some(created)) = (EntryId::in_any_case(id), created)
            && created.zone.is_none()
            && let Some(offset) = offset_by_id(id, created)
        {
            self.known.push((created.micros, offset));
        }
    }

    /// To be called once, when everything is learnt.
    pub(super) fn settle(&mut self) {
        self.known.sort_unstable();
        self.known.dedup();
    }

    /// The moment of `written`. `id` is that of the row, if the time is that of the row's creation.
    pub(super) fn resolve(&self, written: Written, id: Option<&str>) -> Resolved {
        let own = || offset_by_id(EntryId::in_any_case(id?)?, written);
        let (offset_minutes, source) = if let Some(zone) = written.zone {
            (zone, OffsetSource::Text)
        } else if let Some(offset) = own() {
            (offset, OffsetSource::Id)
        } else if let Some(offset) = self.option {
            (offset, OffsetSource::Option)
        } else if let Some(offset) = self.nearest(written.micros) {
            (offset, OffsetSource::Neighbor)
        } else {
            (0, OffsetSource::Assumed)
        };
        let utc_ms = (written.micros - offset_minutes * MICROS_PER_MINUTE).div_euclid(1000);
        Resolved { utc_ms, offset_minutes, source }
    }

    fn nearest(&self, micros: i64) -> Option<i64> {
        let after = self.known.partition_point(|&(at, _)| at < micros);
        let before = after.checked_sub(1).map(|at| self.known[at]);
        match (before, self.known.get(after).copied()) {
            (Some(before), Some(after)) if micros - before.0 <= after.0 - micros => Some(before.1),
            (_, Some(after)) => Some(after.1),
            (before, None) => before.map(|before| before.1),
        }
    }
}

fn offset_by_id(id: EntryId, created: Written) -> Option<i64> {
    let made = i64::try_from(id.timestamp_ms()).ok()?.checked_mul(1000)?;
    let difference = created.micros.checked_sub(made)?;
    let quarters = (difference + QUARTER / 2).div_euclid(QUARTER);
    let plausible =
        (-12 * 4..=14 * 4).contains(&quarters) && (difference - quarters * QUARTER).abs() <= SLACK;
    plausible.then_some(quarters * 15)
}

/// Reads ISO 8601 as Python and SQLite write it: a date, and after a `T` or a space a time of day with
/// seconds, a fraction of them, and a zone, all of which may be missing.
pub(super) fn parse(text: &str) -> Option<Written> {
    let text = text.trim();
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let [year, month, day] = numbers(date, '-')?;
    if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    let days = days_from_civil(year, month, day);
    let mut micros = days * 24 * 60 * MICROS_PER_MINUTE;
    let mut zone = None;
    if let Some(time) = rest.strip_prefix(['T', ' ']) {
        let end = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
        let (clock, named) = (time[..end].trim_end(), &time[end..]);
        micros += time_of_day(clock)?;
        zone = if named.is_empty() { None } else { Some(zone_minutes(named)?) };
    } else if !rest.is_empty() {
        return None;
    }
    Some(Written { micros, zone })
}

fn time_of_day(clock: &str) -> Option<i64> {
    let (clock, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, ""));
    let with_seconds = if clock.matches(':').count() == 1 { format!("{clock}:00") } else { clock.to_owned() };
    let [hour, minute, second] = numbers(&with_seconds, ':')?;
    if hour > 23 || minute > 59 || second > 60 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    Some((hour * 60 + minute) * MICROS_PER_MINUTE + second * 1_000_000 + micros)
}

fn zone_minutes(named: &str) -> Option<i64> {
    if named.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, digits) = (if named.starts_with('-') { -1 } else { 1 }, named.get(1..)?.replace(':', ""));
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits[..2].parse().ok()?;
    let minutes: i64 = if digits.len() == 4 { digits[2..].parse().ok()? } else { 0 };
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator).map(|part| {
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<i64>().ok()).flatten()
    });
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> i64 {
        parse(text).unwrap().micros
    }

    #[test]
    fn times_are_read_as_python_and_sqlite_write_them() {
        assert_eq!(micros("1970-01-01"), 0);
        assert_eq!(micros("1970-01-01T00:00:00.000001"), 1);
        assert_eq!(micros("2025-12-16T12:05:12.771436"), 1_765_886_712_771_436);
        assert_eq!(micros("2026-11-22 09:36:13"), 1_795_340_173_000_000);
        assert_eq!(micros("2000-02-29T23:59"), 951_868_740_000_000);
        assert_eq!(micros("1969-12-31T23:59:59.5"), -500_000);
        assert_eq!(parse("2025-01-01T00:00:00+05:30").unwrap().zone, Some(330));
        assert_eq!(parse("2025-01-01T00:00:00.25-0800").unwrap().zone, Some(-480));
        assert_eq!(parse("2025-01-01T00:00:00Z").unwrap().zone, Some(0));
        for bad in
            ["", "soon", "2025-02-29", "2025-13-01", "2025-01-01T25:00:00", "2025-01-01x", "é025-01-011"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    fn id_at(ms: i64) -> String {
        crate::id::IdGenerator::default().next(ms).unwrap().to_string()
    }

    #[test]
    fn an_id_tells_the_offset_of_its_row() {
        let zone = Zone::new(Some(-300));
        let written = parse("2025-07-01T12:00:00.5").unwrap();
        let utc_ms = written.micros / 1000 - 2 * 3_600_000;
        let resolved = zone.resolve(written, Some(&id_at(utc_ms)));
        assert_eq!(resolved, Resolved { utc_ms, offset_minutes: 120, source: OffsetSource::Id });
        // 7 minutes from any quarter, or days away: the id says nothing.
        for odd in [utc_ms + 7 * 60_000, utc_ms - 86_400_000 * 3] {
            assert_eq!(zone.resolve(written, Some(&id_at(odd))).source, OffsetSource::Option);
        }
    }

    #[test]
    fn other_times_take_the_offset_of_their_neighbors() {
        let mut zone = Zone::new(None);
        let at = |text: &str| parse(text).unwrap();
        assert_eq!(zone.resolve(at("2025-07-02"), None).source, OffsetSource::Assumed);
        for (text, offset) in [("2025-01-01T00:00:00", 60), ("2025-07-01T00:00:00", 120)] {
            let made = at(text).micros / 1000 - offset * 60_000;
            zone.learn(&id_at(made), Some(at(text)));
        }
        zone.learn("no id", Some(at("2025-07-02")));
        zone.settle();
        for (text, offset) in
            [("2020-01-01", 60), ("2025-02-01", 60), ("2025-06-01", 120), ("2026-01-01", 120)]
        {
            let resolved = zone.resolve(at(text), None);
            assert_eq!(
                (resolved.offset_minutes, resolved.source),
                (offset, OffsetSource::Neighbor),
                "{text}"
            );
        }
        let named = zone.resolve(at("2025-06-01T00:00:00Z"), None);
        assert_eq!((named.offset_minutes, named.source), (0, OffsetSource::Text));
    }
}
