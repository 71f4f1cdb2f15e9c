//! Notes as a model reads them: what is needed to judge and to name one, in few tokens.

use rekall::{Entry, Hit, Status};

use crate::date::day;
use crate::{excerpt, origin, tokens};

/// What each part of a heading may cost at most, in tokens.
const TITLE: usize = 60;
const NAME: usize = 16;
const TAGS: usize = 40;
const SOURCE: usize = 50;

/// What a heading may cost at most: all of its parts.
pub(crate) const HEADING: usize = 260;

/// What a heading needs for a title and an id, and what separates them.
pub(crate) const LEAST: usize = 36;

/// Title, then one line with id, kind, project, tags, date and what else is to be said of it, then its source. Costs at
/// most `room`, which is at least [`LEAST`]: the title is cut, and what does not fit is left out, what helps least first.
pub(crate) fn heading(entry: &Entry, more: Option<String>, room: usize) -> String {
    let title = line(&entry.title, TITLE.min(room.saturating_sub(24)));
    let id = format!("id {}", entry.id);
    // A token for each separator and end of a line.
    let mut left = room.saturating_sub(tokens::estimate(&title) + tokens::estimate(&id) + 2);
    let mut fits = |part: &String| {
        let cost = tokens::estimate(part) + 1;
        let fits = cost <= left;
        left -= if fits { cost } else { 0 };
        fits
    };
    let status = obsolete(entry).filter(&mut fits);
    let more = more.filter(&mut fits);
    let source = source(entry)
        .map(|source| format!("source: {}", tokens::cut_front(&source, SOURCE)))
        .filter(&mut fits);
    let kind = Some(line(&entry.kind, NAME)).filter(&mut fits);
    let project =
        entry.project.as_ref().map(|project| format!("project {}", line(project, NAME))).filter(&mut fits);
    let date = Some(day(entry.updated_at)).filter(&mut fits);
    let tags = Some(tags(entry)).filter(|tags| !tags.is_empty()).filter(&mut fits);

    let about: Vec<String> =
        [Some(id), kind, project, tags, date, status, more].into_iter().flatten().collect();
    let source = source.map(|source| format!("{source}\n")).unwrap_or_default();
    format!("{title}\n{}\n{source}", about.join(" · "))
}

fn obsolete(entry: &Entry) -> Option<String> {
    let by = entry.superseded_by.map(|id| format!(", replaced by {id}")).unwrap_or_default();
    (entry.status == Status::Obsolete).then(|| format!("OBSOLETE{by}"))
}

/// As many tags as there is room for.
fn tags(entry: &Entry) -> String {
    let mut text = String::new();
    for (number, tag) in entry.tags.iter().enumerate() {
        let separator = if number == 0 { "" } else { " · " };
        let tag = format!("{separator}#{}", line(tag, NAME));
        if tokens::estimate(&text) + tokens::estimate(&tag) > TAGS - 5 {
            return format!("{text} and {} more tags", entry.tags.len() - number);
        }
        text += &tag;
    }
    text
}

/// Where the note came from: the place in the file that it is kept in step with, and what was said when it was remembered.
fn source(entry: &Entry) -> Option<String> {
    let place = origin::place(entry, None);
    let parts: Vec<String> = origin::said(entry).map(str::to_owned).into_iter().chain(place).collect();
    (!parts.is_empty()).then(|| one_line(&parts.join(", in ")))
}

/// A text on one line, cut to what it may cost: a name must not look like more than one.
pub(crate) fn line(text: &str, budget: usize) -> String {
    tokens::cut(&one_line(text), budget)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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
    let whole = indented(text);
    if tokens::estimate(&whole) <= budget {
        return whole;
    }
    let around_words = excerpt::around_words(hit, text).map(|words| indented(words.trim()));
    cut(around_words.as_deref().unwrap_or(&whole), budget)
}

/// The beginning of a note's text.
pub(crate) fn beginning(entry: &Entry, budget: usize) -> String {
    // More lines than tokens never fit, so they need not be moved in.
    let text: String =
        entry.content.trim().lines().take(budget + 1).map(|line| format!("{line}\n")).collect();
    cut(&indented(&text), budget)
}

/// The beginning of lines, which ends as they do.
fn cut(lines: &str, budget: usize) -> String {
    let text = tokens::cut(lines.trim_end(), budget.saturating_sub(1));
    if text.is_empty() { text } else { text + "\n" }
}

/// The lines of a text, moved in from the left, so that a note's text is not taken for what stands around it.
pub(crate) fn indented(text: &str) -> String {
    text.lines().map(|line| format!("{INDENT}{line}\n")).collect()
}

/// What stands before each line of a note's text.
pub(crate) const INDENT: &str = "  ";
