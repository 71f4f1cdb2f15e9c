//! The kinds of text, a file for each. Each kind turns a text into an [`Outline`]; what follows from it is the
//! same for all.

mod front_matter;
mod markdown;
mod outline;
mod plain;

use crate::{Document, FileKind, SkipReason};

/// Makes a document of a text. `name` is the file's name; it names the document if the text does not.
///
/// Lines end in `\n`; [`decode`](crate::decode()) sees to it.
///
/// # Errors
///
/// [`SkipReason::Malformed`] if the kind requires something that the text lacks. Markdown and plain text require
/// nothing.
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
        FileKind::PlainText => plain::outline(text),
    };
    Ok(outline.into_document(kind, name))
}
