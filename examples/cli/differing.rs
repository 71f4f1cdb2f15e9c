//! Where notes that say nearly the same differ.

use rekall::storage::EntryText;
use rekall::{Difference, Entry, Role, Span};

/// The words that one note has and the other has not, at each place where they differ; either may be empty.
pub(crate) fn pieces(first: &Entry, second: &Entry, differences: &[Difference]) -> Vec<(String, String)> {
    let (first, second) = (compared(first), compared(second));
    differences.iter().map(|at| (piece(&first, at.first), piece(&second, at.second))).collect()
}

/// The characters that differences are counted in.
fn compared(entry: &Entry) -> Vec<char> {
    EntryText::from(entry).role(Role::Summary).unwrap_or_default().chars().collect()
}

fn piece(text: &[char], span: Span) -> String {
    // A note that somebody changed meanwhile may be shorter.
    text.get(span.start as usize..span.end as usize).unwrap_or_default().iter().collect()
}
