//! Whether the pages of a segment hold what its table says.

use super::occurrence_check::TermCheck;
use super::source::TermRange;
use super::{Docs, IndexError, Pages, PassageKey};

/// The passages whose terms and places in the pages are not those that the table's checks were made from.
///
/// `go_on` is called for each term and can break off with an error. Cost: some 20 ns a place.
///
/// # Errors
///
/// [`IndexError::Damaged`] for pages that cannot be read, or what reading or `go_on` failed with.
pub(crate) fn verify(
    docs: &Docs,
    pages: &dyn Pages,
    go_on: &mut dyn FnMut() -> Result<(), IndexError>,
) -> Result<Vec<PassageKey>, IndexError> {
    let passages = docs.passages();
    let mut checks = vec![0u32; passages.len()];
    let mut terms = TermRange::from(pages, &[])?;
    let mut places = Vec::new();
    while let Some(posting) = terms.next()? {
        go_on()?;
        let term = TermCheck::of(terms.term());
        let mut reader = posting.places();
        let mut whole = true;
        posting.for_each(passages.len(), |doc| {
            places.clear();
            whole &= reader.read(doc.ordinal, &mut places).is_some();
            let check = &mut checks[doc.ordinal as usize];
            *check = check.wrapping_add(term.frequency(doc.frequency));
            places.iter().for_each(|&place| *check = check.wrapping_add(term.place(place)));
        })?;
        if !whole {
            return Err(posting.damaged(passages.len()));
        }
    }
    let differs = |&ordinal: &u32| checks[ordinal as usize] != passages.check(ordinal);
    Ok((0..passages.len() as u32).filter(differs).map(|ordinal| passages.key(ordinal)).collect())
}
