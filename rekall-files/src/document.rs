//! What is read from a file.

use std::fmt;

use serde_json::{Map, Value};

use crate::{FileKind, Stamp};

/// A file's text, cut into sections, and what its author wrote about it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Document {
    /// The kind of file.
    pub kind: FileKind,
    /// What names the whole: the title that the file gives, its only topmost heading, or the file's name. Never
    /// blank.
    pub title: String,
    /// The tags that the file gives itself, without `#`, each once.
    pub tags: Vec<String>,
    /// Other names that the file gives itself.
    pub aliases: Vec<String>,
    /// The date that the file gives itself, in milliseconds since 1970; a date without a time zone is UTC's.
    pub date_ms: Option<i64>,
    /// What else the file says about itself, as JSON.
    pub metadata: Map<String, Value>,
    /// The text in order. A file without text has none, unless it says something about itself.
    pub sections: Vec<Section>,
    /// What could not be understood; everything else was read.
    pub problems: Vec<Problem>,
    /// The text's encoding; see [`Decoded::encoding`](crate::Decoded::encoding). `UTF-8` of a text that was given.
    pub encoding: &'static str,
    /// What the file was like when it was read; `None` of a text that was given.
    pub stamp: Option<Stamp>,
}

/// A heading with the text below it, up to the next heading.
///
/// A heading without text is a section only where it has no headings of its own, which say all there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Section {
    /// The heading and those above it, outermost first, as readers see them: without the marks of links,
    /// emphasis and code. Empty before the first heading and in a file without headings.
    pub headings: Vec<String>,
    /// What names the section: the headings joined by ` > `, after the document's title where they do not begin
    /// with it and the file gives one. Never blank.
    pub title: String,
    /// The text as it is written, without the heading and blank lines around it.
    pub text: String,
    /// The section's tags, without those of the whole document.
    pub tags: Vec<String>,
    /// The line of the heading, or of the first text where there is none, from 1.
    pub line: usize,
    /// The line where [`text`](Self::text) begins, from 1; equal to [`line`](Self::line) where there is none.
    /// In kinds whose text is written otherwise than it is read (HTML, notebooks) later lines of the text do not
    /// follow it one by one.
    pub text_line: usize,
}

/// Something in a file that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Front matter with an error; it is part of the text before the first heading instead.
    FrontMatter {
        /// The line of the error, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// Bytes that are not of the text's encoding; see [`Decoded::stray_bytes`](crate::Decoded::stray_bytes).
    StrayBytes {
        /// How many.
        count: usize,
        /// The encoding in which the text was read.
        encoding: &'static str,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrontMatter { line, message } => write!(f, "front matter, line {line}: {message}"),
            Self::StrayBytes { count, encoding } => write!(f, "{count} bytes are not {encoding}"),
        }
    }
}
