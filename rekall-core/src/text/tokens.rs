//! A text cut into words as the full-text index cuts it: `porter unicode61 remove_diacritics 2`.

use std::ops::Range;

use super::{porter, unicode61};

/// FTS5 looks at no more of a word than this, in bytes.
const LONGEST: usize = 32_768;

/// The words of a text, one after the other, without a copy of the text. Linear in it.
pub(super) struct Tokens<'t> {
    text: &'t str,
    at: usize,
    word: Vec<u8>,
}

impl<'t> Tokens<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, at: 0, word: Vec::new() }
    }

    /// Where the next word stands, in bytes.
    pub(super) fn next(&mut self) -> Option<Range<usize>> {
        let rest = &self.text[self.at..];
        let start = self.at + rest.find(unicode61::is_word)?;
        let in_word = |character| unicode61::is_word(character) || unicode61::is_mark(character);
        let rest = &self.text[start..];
        let length = rest.find(|character| !in_word(character)).unwrap_or(rest.len());
        self.at = start + length;
        Some(start..self.at)
    }

    /// The word found last as the index holds it.
    pub(super) fn term(&mut self, place: &Range<usize>) -> &[u8] {
        self.word.clear();
        for folded in self.text[place.clone()].chars().filter_map(unicode61::folded) {
            let mut bytes = [0; 4];
            self.word.extend_from_slice(folded.encode_utf8(&mut bytes).as_bytes());
        }
        porter::stem(&mut self.word);
        self.word.truncate(LONGEST);
        &self.word
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn index() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE VIRTUAL TABLE f USING fts5 (t, tokenize = 'porter unicode61 remove_diacritics 2');
                 CREATE VIRTUAL TABLE v USING fts5vocab ('f', 'instance');",
            )
            .unwrap();
        connection
    }

    /// The words of each text as SQLite has them.
    fn by_sqlite(texts: &[String]) -> Vec<Vec<Vec<u8>>> {
        let connection = index();
        let mut insert = connection.prepare("INSERT INTO f (rowid, t) VALUES (?1, ?2)").unwrap();
        for (row, text) in texts.iter().enumerate() {
            insert.execute((row as i64, text)).unwrap();
        }
        let mut found = vec![Vec::new(); texts.len()];
        let mut statement = connection.prepare("SELECT doc, offset, CAST(term AS BLOB) FROM v").unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let (doc, offset): (usize, i64) = (row.get(0).unwrap(), row.get(1).unwrap());
            found[doc].push((offset, row.get::<_, Vec<u8>>(2).unwrap()));
        }
        found
            .into_iter()
            .map(|mut words: Vec<(i64, Vec<u8>)>| {
                words.sort();
                words.into_iter().map(|(_, word)| word).collect()
            })
            .collect()
    }

    fn ours(text: &str) -> Vec<Vec<u8>> {
        let (mut tokens, mut found) = (Tokens::of(text), Vec::new());
        while let Some(place) = tokens.next() {
            found.push(tokens.term(&place).to_vec());
        }
        found
    }

    fn compare(texts: &[String]) {
        for (text, expected) in texts.iter().zip(by_sqlite(texts)) {
            assert_eq!(ours(text), expected, "{text:?}");
        }
    }

    #[test]
    fn every_character_is_what_it_is_to_sqlite() {
        // Alone, within a word, and after one; the ends of a text are short ones of each kind.
        let texts: Vec<String> = (1..=u32::from(char::MAX))
            .filter_map(char::from_u32)
            .collect::<Vec<_>>()
            .chunks(64)
            .map(|characters| characters.iter().map(|c| format!("q{c}zz x{c} {c}y {c} ")).collect())
            .collect();
        compare(&texts);
    }

    #[test]
    fn words_are_stemmed_as_sqlite_stems_them() {
        // Every stem with every chain of two endings, and letters of two and three bytes where stems are cut.
        const STEMS: [&str; 16] = [
            "",
            "a",
            "y",
            "by",
            "at",
            "hop",
            "tann",
            "fil",
            "activ",
            "relat",
            "gener",
            "yow",
            "fall",
            "sx",
            "\u{e9}",
            "a\u{9a69}",
        ];
        const ENDINGS: [&str; 66] = [
            "", "s", "es", "ies", "sses", "ss", "ed", "eed", "ing", "y", "at", "bl", "iz", "ational",
            "tional", "enci", "anci", "izer", "logi", "bli", "alli", "entli", "eli", "ousli", "ization",
            "ation", "ator", "alism", "iveness", "fulness", "ousness", "aliti", "iviti", "biliti", "ical",
            "ness", "icate", "iciti", "ful", "ative", "alize", "al", "ance", "ence", "er", "ic", "able",
            "ible", "ant", "ement", "ment", "ent", "ion", "sion", "tion", "ou", "ism", "ate", "iti", "ous",
            "ive", "ize", "e", "ll", "le", "w",
        ];
        let texts: Vec<String> = STEMS
            .iter()
            .flat_map(|stem| {
                ENDINGS.iter().map(move |first| {
                    ENDINGS.iter().map(|second| format!("{stem}{first}{second} ")).collect::<String>()
                })
            })
            .collect();
        compare(&texts);
        compare(&[60, 63, 64, 65, 200, 40_000].map(|length| "s".repeat(length - 3) + "ing"));
    }

    #[test]
    fn places_are_those_of_the_text() {
        let text = "L\u{2019}\u{c9}te\u{301}, d\u{e9}\u{e0}!";
        let mut tokens = Tokens::of(text);
        let places: Vec<&str> = std::iter::from_fn(|| tokens.next()).map(|place| &text[place]).collect();
        assert_eq!(places, ["L", "\u{c9}te\u{301}", "d\u{e9}\u{e0}"]);
    }
}
