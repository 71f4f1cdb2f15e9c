//! Which lines of a source file begin inside a comment or a text.

use super::syntax::Syntax;

/// Where a line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Code,
    Comment,
    Text,
}

/// The place of each line's start; `None` if the file ends inside a comment or a text, because then something was
/// not understood.
pub(super) fn places(text: &str, syntax: &Syntax) -> Option<Vec<Place>> {
    let mut scan = Scan { text, syntax, at: 0, places: vec![Place::Code] };
    while scan.at < text.len() {
        scan.token()?;
    }
    Some(scan.places)
}

struct Scan<'s> {
    text: &'s str,
    syntax: &'s Syntax,
    at: usize,
    places: Vec<Place>,
}

impl Scan<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Moves over one character, or over a whole comment or text.
    fn token(&mut self) -> Option<()> {
        let syntax = self.syntax;
        if let Some((open, close)) = syntax.block_comment
            && self.rest().starts_with(open)
        {
            return self.comment(open, close);
        }
        if syntax.line_comments.iter().any(|mark| self.rest().starts_with(mark)) && self.may_begin_comment() {
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            return Some(());
        }
        if let Some(close) = self.raw_string() {
            return self.until(&close, Place::Text, false);
        }
        if let Some(quote) = syntax.raw_strings.iter().find(|quote| self.rest().starts_with(**quote)) {
            self.at += quote.len();
            return self.until(quote, Place::Text, false);
        }
        if let Some(quote) = syntax.long_strings.iter().find(|quote| self.rest().starts_with(**quote)) {
            self.at += quote.len();
            return self.until(quote, Place::Text, true);
        }
        let character = self.rest().chars().next()?;
        if syntax.strings.contains(&character) {
            self.string_in_line(character);
        } else if character == '\'' {
            self.character_or_lifetime();
        } else {
            self.step(character, Place::Code);
        }
        Some(())
    }

    /// `#` begins a comment only at the start of a word: `$#` and `${#name}` are none.
    fn may_begin_comment(&self) -> bool {
        !self.rest().starts_with('#')
            || !self.text[..self.at].ends_with(|c: char| !c.is_whitespace() && c != ';')
    }

    fn step(&mut self, character: char, place: Place) {
        self.at += character.len_utf8();
        if character == '\n' {
            self.places.push(place);
        }
    }

    fn comment(&mut self, open: &str, close: &str) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            let character = self.rest().chars().next()?;
            if self.rest().starts_with(close) {
                depth -= 1;
                self.over(close, Place::Comment);
                if depth == 0 {
                    return Some(());
                }
            } else if self.rest().starts_with(open) && (depth == 0 || self.syntax.nested_comments) {
                depth += 1;
                self.over(open, Place::Comment);
            } else {
                self.step(character, Place::Comment);
            }
        }
    }

    fn over(&mut self, mark: &str, place: Place) {
        for character in mark.chars() {
            self.step(character, place);
        }
    }

    /// Moves behind `close`.
    fn until(&mut self, close: &str, place: Place, escapes: bool) -> Option<()> {
        loop {
            if self.rest().starts_with(close) {
                self.at += close.len();
                return Some(());
            }
            let character = self.rest().chars().next()?;
            self.step(character, place);
            if escapes && character == '\\' {
                let escaped = self.rest().chars().next()?;
                self.step(escaped, place);
            }
        }
    }

    /// Moves over a text that ends with its line at the latest.
    fn string_in_line(&mut self, quote: char) {
        self.at += quote.len_utf8();
        while let Some(character) = self.rest().chars().next() {
            if character == '\n' {
                return;
            }
            self.at += character.len_utf8();
            if character == quote {
                return;
            }
            if character == '\\'
                && let Some(escaped) = self.rest().chars().next()
            {
                self.step(escaped, Place::Code);
            }
        }
    }

    /// `'a'` and `'\''`, where `'a` alone is no text.
    fn character_or_lifetime(&mut self) {
        self.at += 1;
        let mut characters = self.rest().chars();
        match (characters.next(), characters.next()) {
            (Some('\\'), Some(escaped)) => {
                self.at += 1 + escaped.len_utf8();
                self.at += self.rest().find(['\'', '\n']).unwrap_or(0);
                self.at += usize::from(self.rest().starts_with('\''));
            }
            (Some(character), Some('\'')) if character != '\n' => self.at += character.len_utf8() + 1,
            _ => {}
        }
    }

    /// Moves behind what opens a raw text, and returns what closes it: Rust's `r#"` and C++'s `R"x(`.
    fn raw_string(&mut self) -> Option<String> {
        let in_word = self.text[..self.at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let rest = self.rest();
        let (open, close) = if let Some(rest) = rest.strip_prefix('r') {
            let marks = rest.len() - rest.trim_start_matches('#').len();
            (rest[marks..].starts_with('"').then_some(marks + 2)?, format!("\"{}", "#".repeat(marks)))
        } else {
            let (delimiter, _) = rest.strip_prefix("R\"")?.split_once('(')?;
            let is_delimiter = delimiter.len() <= 16 && !delimiter.contains([' ', ')', '\\', '\n', '"']);
            (is_delimiter.then_some(delimiter.len() + 3)?, format!("){delimiter}\""))
        };
        // Python's `r"..."` ends with its line, and a long one has three quotes, which the table has.
        if !self.syntax.uses_raw_strings() || (in_word && !self.text[..self.at].ends_with('b')) {
            return None;
        }
        self.at += open;
        Some(close)
    }
}
