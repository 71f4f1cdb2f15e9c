//! Source code: a section for each item at the top of a file, with its comment and attributes. An item is a line
//! without indentation that begins as the language's definitions do, so no parser is needed, and code that does not
//! compile is cut as well as other code. What a cut misses stays with the item above.

mod items;
mod scan;
mod syntax;

use super::outline::{Heading, Outline};
use crate::Language;
use items::Item;

pub(super) fn outline(text: &str, language: Language) -> Outline<'_> {
    let heading = |Item { start, title }| Heading { level: 1, title, tags: Vec::new(), start, end: start };
    let headings = items::items(text, syntax::syntax(language)).into_iter().map(heading).collect();
    Outline { headings, named_after_file: true, ..Outline::of(text) }
}
