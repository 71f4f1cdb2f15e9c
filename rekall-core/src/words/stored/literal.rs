//! Putting first what holds the query's written and quoted parts character for character.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use super::WordTables;
use crate::Error;
use crate::words::index::WordHit;
use crate::words::query::{Literal, comparable};

/// How many entries that hold such parts word by word are read to see how they write them: some ten microseconds each.
pub(super) const MOST_READ: usize = 64;

/// No more is read once so many bytes were: some ten milliseconds.
const MOST_BYTES: usize = 1 << 20;

/// The index knows that words stand side by side and joined, not by which signs: `options.name` is `optionsName` to it. Of
/// hits that it cannot tell apart in this, those that write it as the query does come first: they gain the best score of
/// the search, and the exactness of the others is halved. Hits stay in order. Nothing changes if all or none do.
///
/// Which of them are read depends on their scores and texts alone.
pub(super) fn prefer(
    tables: &dyn WordTables,
    literals: &[Literal],
    hits: &mut [WordHit],
    cancel: Option<&AtomicBool>,
) -> Result<(), Error> {
    let exact = to_be_read(hits);
    if exact.len() < 2 {
        return Ok(());
    }
    let mut shares = vec![0.0; hits.len()];
    let mut bytes = 0;
    let rows: Vec<i64> = exact.iter().map(|&at| hits[at].key.row).collect();
    let mut number = 0;
    tables.texts(&rows, &mut |_, text| {
        let at = exact[number];
        let is_tied = number > 0 && hits[exact[number - 1]].score == hits[at].score;
        number += 1;
        if bytes > MOST_BYTES && !is_tied {
            return Ok(ControlFlow::Break(()));
        }
        if cancel.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return Err(Error::Interrupted);
        }
        let Some(text) = text else { return Ok(ControlFlow::Continue(())) };
        let parts: Vec<String> = text.parts().map(|part| comparable(&part)).collect();
        bytes += parts.iter().map(String::len).sum::<usize>();
        let held = literals.iter().filter(|literal| parts.iter().any(|part| literal.stands_in(part)));
        shares[at] = held.count() as f64 / literals.len() as f64;
        Ok(ControlFlow::Continue(()))
    })?;
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

/// The best hits that hold such parts word by word. Of those that score the same all or none.
fn to_be_read(hits: &[WordHit]) -> Vec<usize> {
    let mut exact: Vec<usize> = (0..hits.len()).filter(|&at| hits[at].exact > 0.0).collect();
    if let Some(&beyond) = exact.get(MOST_READ) {
        exact.truncate(MOST_READ);
        exact.retain(|&at| hits[at].score > hits[beyond].score);
    }
    exact
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::index::PassageKey;

    #[test]
    fn of_hits_that_score_the_same_all_are_read_or_none() {
        let hit = |row: usize, score: f64, exact: f32| WordHit {
            key: PassageKey { row: row as i64, role: 0, number: 0 },
            score,
            exact,
            also: Vec::new(),
        };
        let hits: Vec<WordHit> = (0..200).map(|row| hit(row, 200.0 - row as f64, 1.0)).collect();
        assert_eq!(to_be_read(&hits).len(), MOST_READ);
        let hits: Vec<WordHit> =
            (0..200).map(|row| hit(row, if row < 10 { 2.0 } else { 1.0 }, (row % 2) as f32)).collect();
        assert_eq!(to_be_read(&hits), [1, 3, 5, 7, 9]);
    }
}
