//! Notes in few lines: what tells one from others, and what a hit is about.

use std::env;

use rekall::{Entry, Hit};

use crate::style::{Style, line_end, one_line, plain};
use crate::{excerpt, origin};

/// What tells the note from others, each on a line of its own, moved in: where it comes from, then id, kind, project and
/// tags.
pub(super) fn lines(entry: &Entry, indent: usize, style: Style) -> String {
    let (blank, columns) = (" ".repeat(indent), style.columns() - indent);
    let mut about = vec![entry.id.to_string(), entry.kind.clone()];
    about.extend(entry.project.clone());
    about.extend(entry.tags.iter().map(|tag| format!("#{tag}")));
    let about = style.dim(one_line(&about.join(" · "), columns));
    match source(entry) {
        Some(source) => format!("{blank}{}\n{blank}{about}\n", line_end(&source, columns)),
        None => format!("{blank}{about}\n"),
    }
}

/// Where the note comes from, as it can be opened from here: `path:line`, or what whoever remembered it said.
pub(super) fn source(entry: &Entry) -> Option<String> {
    let here = env::current_dir().ok();
    let place = origin::place(entry, here.as_deref());
    place.or_else(|| origin::said(entry).map(str::to_owned)).map(|source| plain(&source))
}

/// What of the passage found fits on a line: the whole, or the piece of it around the words, or its beginning.
pub(super) fn excerpt(hit: &Hit, columns: usize) -> String {
    let passage = excerpt::passage(hit);
    let too_long = passage.chars().count() > columns;
    let around_words = too_long.then(|| excerpt::around_words(hit, &passage)).flatten();
    one_line(around_words.unwrap_or(&passage), columns)
}
