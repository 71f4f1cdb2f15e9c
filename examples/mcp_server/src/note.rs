//! Notes as a model reads them: what is needed to judge and to name one, in few tokens.

use rekall::{Entry, Hit, Status};
use serde_json::Value;

use crate::date::day;
use crate::{excerpt, tokens};

/// Title, then one line with id, kind, project, tags, date and what else is to be said of it, then its source.
pub(crate) fn heading(entry: &Entry, more: Option<String>) -> String {
    let mut about = vec![format!("id {}", entry.id), entry.kind.clone()];
    about.extend(entry.project.iter().map(|project| format!("project {project}")));
    about.extend(entry.tags.iter().map(|tag| format!("#{tag}")));
    about.push(day(entry.updated_at));
    if entry.status == Status::Obsolete {
        let by = entry.superseded_by.map(|id| format!(", replaced by {id}")).unwrap_or_default();
        about.push(format!("OBSOLETE{by}"));
    }
    about.extend(more);
    let mut text = format!("{}\n{}\n", entry.title.trim(), about.join(" · "));
    if let Some(source) = source(entry) {
        text += &format!("source: {source}\n");
    }
    text
}

/// Where the note came from.
fn source(entry: &Entry) -> Option<String> {
    entry.metadata.get(SOURCE)?.as_str().map(str::to_owned)
}

/// The key of the metadata under which `remember` keeps where a note came from.
pub(crate) const SOURCE: &str = "source";

/// A source as metadata.
pub(crate) fn source_value(source: String) -> (String, Value) {
    (SOURCE.to_owned(), Value::String(source))
}

/// How a hit matched, in a few words.
pub(crate) fn matched(hit: &Hit) -> String {
    let meaning = hit.similarity.map(|similarity| format!("similarity {similarity:.2}"));
    let words = hit.explain.text.map(|_| "words match".to_owned());
    let how: Vec<String> = meaning.into_iter().chain(words).collect();
    how.join(", ")
}

/// The passage that a hit is about: whole, or the piece of it around the words found, or its beginning, whichever
/// fits.
pub(crate) fn excerpt(hit: &Hit, budget: usize) -> String {
    let passage = excerpt::passage(hit);
    let text = passage.trim();
    if tokens::estimate(text) <= budget {
        return text.to_owned();
    }
    tokens::cut(excerpt::around_words(hit, text).unwrap_or(text).trim(), budget)
}

/// The lines of a text, moved in from the left, so that a note's text is not taken for what stands around it.
pub(crate) fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
