//! Whether a text holds what a query writes joined or quotes, character for character.

/// Something that a query writes in one way and no other: `7.1.3`, `--no-verify`, `disk full` in quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal(String);

impl Literal {
    /// `None` for a text without a character to compare.
    pub(super) fn new(text: &str) -> Option<Self> {
        let text = comparable(text.trim());
        (!text.is_empty()).then_some(Self(text))
    }

    /// Whether a text, made [`comparable`], holds it where nothing continues it: `7.1` does not stand in `7.1.3`, nor `plug`
    /// in `plugin`.
    pub(crate) fn stands_in(&self, text: &str) -> bool {
        text.match_indices(&self.0).any(|(at, found)| {
            !continues(text[..at].chars().rev(), found.chars().next())
                && !continues(text[at + found.len()..].chars(), found.chars().next_back())
        })
    }
}

/// Whether what follows an edge of a match belongs to it.
fn continues(mut beyond: impl Iterator<Item = char>, edge: Option<char>) -> bool {
    if !edge.is_some_and(char::is_alphanumeric) {
        return false;
    }
    match beyond.next() {
        // A version number, an address.
        Some('.') => {
            edge.is_some_and(|edge| edge.is_ascii_digit())
                && beyond.next().is_some_and(|next| next.is_ascii_digit())
        }
        Some(next) => next.is_alphanumeric() || next == '_',
        None => false,
    }
}

/// A text in small letters, with one space for any white space.
pub(crate) fn comparable(text: &str) -> String {
    let mut comparable = String::with_capacity(text.len());
    let mut is_after_space = false;
    for character in text.chars() {
        if character.is_whitespace() {
            if !is_after_space {
                comparable.push(' ');
            }
        } else {
            comparable.extend(character.to_lowercase());
        }
        is_after_space = character.is_whitespace();
    }
    comparable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_stands_where_nothing_continues_it() {
        for (literal, text, stands) in [
            ("7.1.3", "since 7.1.3, and", true),
            ("7.1.3", "since 7.1.3.", true),
            ("7.1.3", "v7.1.3", false),
            ("7.1.3", "7.1.3.1", false),
            ("7.1.3", "17.1.3 and 7.1.30", false),
            ("7.1.3", "7, 1, 3 and 7-1-3", false),
            ("options.name", "see options.name.", true),
            ("options.name", "optionsName, options name", false),
            ("--no-verify", "git push --no-verify", true),
            ("Disk  Full", "the disk\n full again", true),
            ("be_between", "must_be_between", false),
        ] {
            let literal = Literal::new(literal).unwrap();
            assert_eq!(literal.stands_in(&comparable(text)), stands, "{literal:?} in {text}");
        }
        assert_eq!(Literal::new(" \n"), None);
    }
}
