//! Colour and layout for people.

use std::io::{self, IsTerminal};

use console::{Term, measure_text_width};

/// Columns where no terminal says how many it has.
const COLUMNS: usize = 100;

/// Fewer columns than these are not filled sensibly.
const FEWEST: usize = 24;

/// Colour only on a terminal, and not when `NO_COLOR` is set (<https://no-color.org>); lines as long as the terminal is
/// wide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    colour: bool,
    columns: usize,
}

impl Style {
    /// What suits the standard output.
    pub(crate) fn of_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_terminal = io::stdout().is_terminal();
        let size = Term::stdout().size_checked().filter(|_| is_terminal);
        let columns = size.map_or(COLUMNS, |(_, columns)| usize::from(columns).max(FEWEST));
        Self { colour: is_terminal && !unwanted, columns }
    }

    /// How many columns a line may take.
    pub(crate) fn columns(self) -> usize {
        self.columns
    }

    /// How far lines are moved in that stand under a first line with a head of `head` columns: below it, or where there
    /// is little room, a bit.
    pub(crate) fn indent(self, head: usize) -> usize {
        if self.columns < 60 { head.min(4) } else { head }
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

/// The text on one line, without what a terminal would take as a command.
pub(crate) fn plain(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().filter(|character| !character.is_control()).collect()
}

/// The text on one line, cut at its end to so many columns of a terminal; Chinese characters take two.
pub(crate) fn one_line(text: &str, columns: usize) -> String {
    let line = plain(text);
    if measure_text_width(&line) <= columns {
        return line;
    }
    let end =
        fitting(line.char_indices(), columns.saturating_sub(1)).map_or(0, |(at, last)| at + last.len_utf8());
    format!("{}…", line[..end].trim_end())
}

/// The text on one line, cut at its beginning: of a path the end tells more.
pub(crate) fn line_end(text: &str, columns: usize) -> String {
    let line = plain(text);
    if measure_text_width(&line) <= columns {
        return line;
    }
    let start =
        fitting(line.char_indices().rev(), columns.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
    format!("…{}", line[start..].trim_start())
}

/// The last of some characters, taken one after the other, that together fit into so many columns.
fn fitting(characters: impl Iterator<Item = (usize, char)>, columns: usize) -> Option<(usize, char)> {
    let mut used = 0;
    let fit = characters.take_while(|(_, character)| {
        used += measure_text_width(character.encode_utf8(&mut [0; 4]));
        used <= columns
    });
    fit.last()
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
