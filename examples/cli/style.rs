//! Colour and layout for people.

use std::io::{self, IsTerminal};

/// Whether text is coloured: only on a terminal, and not when `NO_COLOR` is set (<https://no-color.org>).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    colour: bool,
}

impl Style {
    /// What suits the standard output.
    pub(crate) fn of_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colour: io::stdout().is_terminal() && !unwanted }
    }

    pub(crate) fn bold(self, text: impl AsRef<str>) -> String {
        self.paint("1", text.as_ref())
    }

    pub(crate) fn dim(self, text: impl AsRef<str>) -> String {
        self.paint("2", text.as_ref())
    }

    pub(crate) fn green(self, text: impl AsRef<str>) -> String {
        self.paint("32", text.as_ref())
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Two aligned columns: names and values.
    pub(crate) fn table(self, rows: &[(&str, String)]) -> String {
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        rows.iter().fold(String::new(), |text, (name, value)| {
            let padding = " ".repeat(width - name.chars().count());
            text + &format!("{}{padding}  {value}\n", self.dim(name))
        })
    }
}

/// The text on one line, cut to `width` characters. What a terminal would take as a command is left out.
pub(crate) fn one_line(text: &str, width: usize) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = words.chars().filter(|character| !character.is_control()).collect();
    if line.chars().count() <= width {
        return line;
    }
    let cut: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// Bytes in a unit that people read.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}

/// `1 note`, `2 notes`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Milliseconds since 1970 as `2026-01-31 09:30` (UTC).
pub(crate) fn date(ms: i64) -> String {
    let (days, minutes) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000) / 60_000);
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
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minutes / 60, minutes % 60)
}
