//! Notes in few lines: what tells one from others, and what a hit is about.

use rekall::{Entry, Hit};

use crate::excerpt;
use crate::style::one_line;

/// Characters of a line: what a terminal of usual width shows.
pub(super) const WIDTH: usize = 100;

/// Id, kind, project and tags on one line.
pub(super) fn about(entry: &Entry) -> String {
    let mut about = vec![entry.id.to_string(), entry.kind.clone()];
    about.extend(entry.project.clone());
    about.extend(entry.tags.iter().map(|tag| format!("#{tag}")));
    one_line(&about.join(" · "), WIDTH - 12)
}

/// What of the passage found fits on a line: the whole, or the piece of it around the words, or its beginning.
pub(super) fn excerpt(hit: &Hit) -> String {
    let passage = excerpt::passage(hit);
    let too_long = passage.chars().count() > WIDTH - 12;
    let around_words = too_long.then(|| excerpt::around_words(hit, &passage)).flatten();
    one_line(around_words.unwrap_or(&passage), WIDTH - 12)
}
