//! What the hits of a search are shown with: read in one round trip.

use rekall_core::store::{HitParts, HitRows, ReadEntries, ReadHits, ReadVectors};
use rekall_core::{Error, VectorBatch};

use super::tx::Tx;
use super::values::{int, ints};
use super::vectors::{AtKeys, SPAN};
use super::{entries, rows, vectors};
use crate::client::Statement;

impl ReadHits for Tx<'_> {
    fn read_hits(&self, wanted: &HitRows<'_>) -> Result<HitParts, Error> {
        let HitRows { entries, space, spans, vectors_of } = *wanted;
        let most_vectors = spans.len().max(vectors_of.len());
        if entries.len() > entries::AT_ONCE || most_vectors > vectors::AT_ONCE {
            return self.read_many_hits(wanted);
        }
        let scope = self.scope();
        let (stored, stored_of) = (scope.stored_all(entries), scope.stored_all(vectors_of));
        let Some(space) = space else {
            return Ok(HitParts { entries: self.readable_entries(entries)?, ..HitParts::default() });
        };
        let (stored_space, keys) = (scope.stored_space(space.id), AtKeys::new(scope, space.id, spans, SPAN));
        let (by_rows, those_there) = (rows::by_rows(scope), vectors::those_there(scope));
        let (rows_of, keys_of) = ([ints(&stored)], keys.values());
        let of_space = [ints(&stored_of), int(&stored_space)];
        let mut asked: Vec<Statement<'_>> = vec![(by_rows.as_str(), rows_of.as_slice())];
        if !spans.is_empty() {
            asked.push((&keys.sql, &keys_of));
        }
        if !vectors_of.is_empty() {
            asked
                .extend([(vectors::OF_ENTRIES, of_space.as_slice()), (those_there.as_str(), &of_space[..1])]);
        }
        let answers = self.query_all(&asked)?;
        let mut answers = answers.iter().map(Vec::as_slice);
        let mut next = || answers.next().unwrap_or_default();
        let entries = self.readable(entries, &stored, next())?;
        let spans = if spans.is_empty() { Vec::new() } else { vectors::spans_in(spans, next(), scope)? };
        let mut vectors = VectorBatch::new(space.dimensions);
        if !vectors_of.is_empty() {
            vectors::read_of_entries(&stored_of, next(), next(), scope, &mut vectors)?;
        }
        Ok(HitParts { entries, spans, vectors })
    }
}

impl Tx<'_> {
    /// More than one statement each may ask for.
    fn read_many_hits(&self, wanted: &HitRows<'_>) -> Result<HitParts, Error> {
        let entries = self.readable_entries(wanted.entries)?;
        let Some(space) = wanted.space else { return Ok(HitParts { entries, ..HitParts::default() }) };
        let spans = self.spans(space.id, wanted.spans)?;
        Ok(HitParts { entries, spans, vectors: self.vectors_of(space, wanted.vectors_of)? })
    }
}
