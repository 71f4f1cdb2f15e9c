//! The structured context of an entry: how a problem showed itself and what helped.

use serde::{Deserialize, Serialize};

/// What surrounded an entry. Every part is optional; all of it is searched, by words and by meaning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Context {
    /// What was going on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub situation: Option<String>,
    /// What solved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solution: Option<String>,
    /// What was tried in vain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what_failed: Option<String>,
    /// Words that should bring this entry to mind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trigger_keywords: Vec<String>,
    /// Error messages, as seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub error_messages: Vec<String>,
    /// Files that were touched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Anything else, as free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Context {
    /// Whether nothing is said at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// All texts in it, in the order in which they are searched.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &String> {
        let texts = [&self.situation, &self.solution, &self.what_failed, &self.text];
        let lists = [&self.trigger_keywords, &self.error_messages, &self.files];
        texts.into_iter().flatten().chain(lists.into_iter().flatten())
    }

    /// The text that is embedded for the role `context`: one part a line, file names left out, because
    /// paths say little about meaning (they are found by words).
    #[must_use]
    pub fn embedded_text(&self) -> String {
        self.embedded_parts().collect::<Vec<_>>().join("\n")
    }

    /// The lines of [`Self::embedded_text`].
    pub(crate) fn embedded_parts(&self) -> impl Iterator<Item = &str> {
        let parts = self.situation.iter().chain(&self.solution).chain(&self.what_failed);
        let parts = parts.chain(&self.error_messages).chain(&self.trigger_keywords).chain(&self.text);
        parts.map(String::as_str).filter(|part| !part.trim().is_empty())
    }
}
