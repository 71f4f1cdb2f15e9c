//! What the hits of a search are shown with: read in one round trip.

use std::borrow::Borrow;

use rekall_core::store::{HitParts, HitRows, ReadEntries, ReadHits, ReadVectors};
use rekall_core::{Error, VectorBatch};
use tokio_postgres::Row;

use super::scope::Scope;
use super::tx::Tx;
use super::values::{int, ints};
use super::vectors::{AtKeys, SPAN, VECTOR, VECTOR_AND_SPAN};
use super::{entries, rows, vectors};
use crate::client::Statement;

impl ReadHits for Tx<'_> {
    fn read_hits(&self, wanted: &HitRows<'_>) -> Result<HitParts, Error> {
        if !fits(wanted) {
            return self.read_many_hits(wanted);
        }
        Ok(read(self.scope(), wanted, |asked| Ok((self, self.query_all(asked)?)))?.1)
    }
}

/// Whether one statement each may ask for all that is wanted.
pub(super) fn fits(wanted: &HitRows<'_>) -> bool {
    let HitRows { entries, spans, vectors_of, vectors_at, .. } = *wanted;
    let vectors = spans.len().max(vectors_of.len()).max(vectors_at.len());
    entries.len() <= entries::AT_ONCE && vectors <= vectors::AT_ONCE
}

/// Reads what is wanted by statements that `ask` sends together. It gives the transaction in which it did, and the rows of each.
pub(super) fn read<'s, T: Borrow<Tx<'s>>>(
    scope: Scope,
    wanted: &HitRows<'_>,
    ask: impl FnOnce(&[Statement<'_>]) -> Result<(T, Vec<Vec<Row>>), Error>,
) -> Result<(T, HitParts), Error> {
    let HitRows { entries, space, spans, vectors_of, vectors_at } = *wanted;
    // Without a space there are no vectors.
    let (spans, vectors_of, vectors_at) =
        if space.is_some() { (spans, vectors_of, vectors_at) } else { (&[][..], &[][..], &[][..]) };
    let (stored, stored_of) = (scope.stored_all(entries), scope.stored_all(vectors_of));
    let stored_space = space.map_or(0, |space| scope.stored_space(space.id));
    let together = !spans.is_empty() && spans == vectors_at;
    let at_keys = |keys, columns| space.map(|space| AtKeys::new(scope, space.id, keys, columns));
    let of_spans = at_keys(spans, if together { VECTOR_AND_SPAN } else { SPAN });
    let of_vectors = at_keys(vectors_at, VECTOR);
    let (by_rows, those_there) = (rows::by_rows(scope), vectors::those_there(scope));
    let (rows_of, of_space) = ([ints(&stored)], [ints(&stored_of), int(&stored_space)]);
    let values = [&of_spans, &of_vectors].map(|asked| asked.as_ref().map(AtKeys::values));
    let [values_of_spans, values_of_vectors] = &values;

    let mut asked: Vec<Statement<'_>> = Vec::new();
    if !entries.is_empty() {
        asked.push((&by_rows, &rows_of));
    }
    if let (Some(of_spans), Some(values), false) = (&of_spans, values_of_spans, spans.is_empty()) {
        asked.push((&of_spans.sql, values));
    }
    if !vectors_of.is_empty() {
        asked.extend([(vectors::OF_ENTRIES, of_space.as_slice()), (those_there.as_str(), &of_space[..1])]);
    }
    let vectors_apart = !vectors_at.is_empty() && !together;
    if let (Some(of_vectors), Some(values), true) = (&of_vectors, values_of_vectors, vectors_apart) {
        asked.push((&of_vectors.sql, values));
    }
    let (tx, answers) = ask(&asked)?;

    let mut answers = answers.iter().map(Vec::as_slice);
    let mut next = || answers.next().unwrap_or_default();
    let mut found = HitParts::default();
    if !entries.is_empty() {
        found.entries = tx.borrow().readable(entries, &stored, next())?;
    }
    let Some(space) = space else { return Ok((tx, found)) };
    found.vectors = VectorBatch::new(space.dimensions);
    found.vectors_at = VectorBatch::new(space.dimensions);
    if !spans.is_empty() {
        let rows = next();
        found.spans = vectors::spans_in(spans, rows, if together { 4 } else { 3 }, scope)?;
        if together {
            vectors::read_at(vectors_at, rows, scope, &mut found.vectors_at)?;
        }
    }
    if !vectors_of.is_empty() {
        vectors::read_of_entries(&stored_of, next(), next(), scope, &mut found.vectors)?;
    }
    if vectors_apart {
        vectors::read_at(vectors_at, next(), scope, &mut found.vectors_at)?;
    }
    Ok((tx, found))
}

impl Tx<'_> {
    /// More than one statement each may ask for.
    fn read_many_hits(&self, wanted: &HitRows<'_>) -> Result<HitParts, Error> {
        let entries = self.readable_entries(wanted.entries)?;
        let Some(space) = wanted.space else { return Ok(HitParts { entries, ..HitParts::default() }) };
        Ok(HitParts {
            entries,
            spans: self.spans(space.id, wanted.spans)?,
            vectors: self.vectors_of(space, wanted.vectors_of)?,
            vectors_at: self.vectors_at(space, wanted.vectors_at)?,
        })
    }
}
