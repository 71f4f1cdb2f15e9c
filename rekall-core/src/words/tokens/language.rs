//! The language of a text, told by its function words.

/// A language whose inflection is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    French,
}

impl Language {
    /// The language of a text where its function words tell it, of the first kilobytes. O(1).
    pub(crate) fn of(_text: &str) -> Option<Self> {
        None
    }
}
