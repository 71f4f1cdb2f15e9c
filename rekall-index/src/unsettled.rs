//! A search that is done but for exact rows from elsewhere, which its caller brings.

use crate::{Error, Key, Neighbor, VectorSource};

/// A search that [`search_unsettled`](crate::VectorSearch::search_unsettled) began.
///
/// # What an implementer must do
/// - Name in [`candidates`](Self::candidates) every row that may come back, and in [`open_rows`](Self::open_rows) every row that
///   [`settle`](Self::settle) may ask for, each once.
/// - Find what [`search`](crate::VectorSearch::search) finds, given the rows that the index was given.
pub trait Unsettled {
    /// The rows that may be in the result: a few dozen as a rule; as many as there are rows in the index where all are equally near.
    fn candidates(&self) -> Vec<Key>;

    /// Those of the candidates whose exact similarity is not known yet, in the same order: none where the result is known already.
    fn open_rows(&self) -> Vec<Key>;

    /// The result, as [`search`](crate::VectorSearch::search) gives it. `rows` is asked for some or all of
    /// [`open_rows`](Self::open_rows).
    ///
    /// # Errors
    /// [`Error::Cancelled`]; what `rows` fails with; [`Error::Source`] where it gives another number of components.
    fn settle(self: Box<Self>, rows: &dyn VectorSource) -> Result<Vec<Neighbor>, Error>;
}

/// A result that needs no rows.
pub(crate) struct Settled(pub(crate) Vec<Neighbor>);

impl Unsettled for Settled {
    fn candidates(&self) -> Vec<Key> {
        self.0.iter().map(|neighbor| neighbor.key).collect()
    }

    fn open_rows(&self) -> Vec<Key> {
        Vec::new()
    }

    fn settle(self: Box<Self>, _rows: &dyn VectorSource) -> Result<Vec<Neighbor>, Error> {
        Ok(self.0)
    }
}
