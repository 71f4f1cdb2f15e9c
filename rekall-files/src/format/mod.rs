//! The kinds of text, a file for each. Each kind turns a text into an [`Outline`]; what follows from it is the
//! same for all.

mod asciidoc;
mod front_matter;
mod html;
mod lines;
mod markdown;
#[cfg(test)]
mod markdown_oracle_tests;
mod notebook;
mod org;
mod outline;
mod plain;
mod rst;
mod source;

use crate::{Document, FileKind, SkipReason};

/// Makes a document of a text. `name` is the file's name; it names the document if the text does not.
///
/// Lines end in `\n`; [`decode`](crate::decode()) sees to it.
///
/// # Errors
///
/// [`SkipReason::Malformed`] if the kind requires something that the text lacks. Only notebooks require
/// something.
///
/// ```
/// use rekall_files::{FileKind, parse};
///
/// let document = parse(FileKind::Markdown, "trip.md", "Pack.\n\n# Lisbon {#lis}\nTram 28.\n")?;
/// let titles: Vec<&str> = document.sections.iter().map(|section| section.title.as_str()).collect();
/// assert_eq!(titles, ["Lisbon", "Lisbon"]);
/// # Ok::<(), rekall_files::SkipReason>(())
/// ```
pub fn parse(kind: FileKind, name: &str, text: &str) -> Result<Document, SkipReason> {
    let outline = match kind {
        FileKind::Markdown => markdown::outline(text),
        FileKind::Org => org::outline(text),
        FileKind::ReStructuredText => rst::outline(text),
        FileKind::AsciiDoc => asciidoc::outline(text),
        FileKind::Notebook => notebook::outline(text)?,
        FileKind::Html => html::outline(text),
        FileKind::Source(language) => source::outline(text, language),
        FileKind::PlainText => plain::outline(text),
    };
    Ok(outline.into_document(kind, name))
}
