//! Putting first what holds the query's written and quoted parts character for character.

use rusqlite::Connection;

use super::stored_text::StoredText;
use crate::Error;
use crate::words::index::WordHit;
use crate::words::query::{Literal, comparable};

/// How many entries that hold such parts word by word are read to see how they write them: some ten microseconds each.
pub(super) const MOST_READ: usize = 64;

/// The index knows that words stand side by side and joined, not by which signs: `options.name` is `optionsName` to it. Of
/// hits that it cannot tell apart in this, those that write it as the query does come first: they gain the best score of
/// the search, and the exactness of the others is halved. Hits stay in order. Nothing changes if all or none do.
pub(super) fn prefer(
    connection: &Connection,
    literals: &[Literal],
    hits: &mut [WordHit],
) -> Result<(), Error> {
    let exact: Vec<usize> = (0..hits.len()).filter(|&at| hits[at].exact > 0.0).take(MOST_READ).collect();
    if exact.len() < 2 {
        return Ok(());
    }
    let mut shares = vec![0.0; hits.len()];
    for &at in &exact {
        if let Some(text) = StoredText::of(connection, hits[at].key.row)? {
            let parts: Vec<String> = text.parts().map(|part| comparable(&part)).collect();
            let held = literals.iter().filter(|literal| parts.iter().any(|part| literal.stands_in(part)));
            shares[at] = held.count() as f64 / literals.len() as f64;
        }
    }
    let most = exact.iter().map(|&at| shares[at]).fold(0.0, f64::max);
    if exact.iter().all(|&at| shares[at] == most) {
        return Ok(());
    }
    let best = hits.iter().map(|hit| hit.score).fold(0.0, f64::max);
    for (hit, share) in hits.iter_mut().zip(shares) {
        hit.score += best * share;
        hit.exact *= ((1.0 + share / most) / 2.0) as f32;
    }
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.key.cmp(&b.key)));
    Ok(())
}
