//! A search over codes whose exact rows the caller brings.

use super::codes::Codes;
use super::scorer::Sq8Scorer;
use crate::scan::{in_pages, shortlists};
use crate::shortlist::Shortlist;
use crate::table::Table;
use crate::{Error, Key, Neighbor, SearchOptions, Unsettled, VectorSource};

/// One query after the scan of the codes.
pub(super) struct UnsettledCodes<'a> {
    scorer: Sq8Scorer<'a>,
    options: SearchOptions<'a>,
    shortlist: Shortlist,
}

impl<'a> UnsettledCodes<'a> {
    /// Scans the codes for the one query of the scorer.
    pub(super) fn new(
        table: &Table<Codes>,
        scorer: Sq8Scorer<'a>,
        options: SearchOptions<'a>,
    ) -> Result<Self, Error> {
        let lists = shortlists(table, &scorer, &options)?;
        let mut shortlist = lists.into_iter().next().unwrap_or_else(|| Shortlist::new(&options));
        shortlist.raise_threshold();
        Ok(Self { scorer, options, shortlist })
    }
}

impl Unsettled for UnsettledCodes<'_> {
    fn candidates(&self) -> Vec<Key> {
        self.shortlist.rows().map(|(key, _)| key).collect()
    }

    fn open_rows(&self) -> Vec<Key> {
        self.shortlist.rows().filter(|(_, open)| *open).map(|(key, _)| key).collect()
    }

    fn settle(self: Box<Self>, rows: &dyn VectorSource) -> Result<Vec<Neighbor>, Error> {
        let Self { scorer, options, shortlist } = *self;
        let exact = |page: &[_], out: &mut Vec<f32>| scorer.exact_by(rows, 0, page, out);
        shortlist.finish(&mut in_pages(&options, exact))
    }
}
