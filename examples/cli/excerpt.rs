//! What of a note a hit is about.

use rekall::{Hit, Role};

/// The passage that was found, without the title, which stands above it anyway.
pub(crate) fn passage(hit: &Hit) -> String {
    // Of an imported vector nobody knows what text it was made from.
    let Some(passage) = hit.passage().filter(|passage| !passage.bytes.is_empty()) else {
        return hit.entry.content.clone();
    };
    let summary = hit.chunk.is_some_and(|chunk| chunk.role == Role::Summary);
    match passage.content {
        Some(content) => hit.entry.content.get(content).unwrap_or_default().to_owned(),
        // It is the title or the tags that were found: the note's beginning says more.
        None if summary => hit.entry.content.clone(),
        None => passage.as_str().to_owned(),
    }
}

/// The piece of a passage around the words found, if the search was asked for snippets and the words are in it. Where
/// they are in the title alone, the snippet is the title again.
pub(crate) fn around_words<'a>(hit: &'a Hit, passage: &str) -> Option<&'a str> {
    let snippet = hit.snippet.as_deref()?;
    let said = snippet.trim_matches(|character: char| character == '…' || character.is_whitespace());
    (!said.is_empty() && one_spaced(passage).contains(&one_spaced(said))).then_some(snippet)
}

/// With one blank wherever there are some.
fn one_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
