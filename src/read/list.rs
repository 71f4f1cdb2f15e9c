//! Going through entries without a search.

use std::borrow::Borrow;

use crate::recall::check_limit;
use crate::{Entry, EntryId, Error, Filter, Rekall};

impl Rekall {
    /// Up to `limit` (1 to 100,000) entries that pass the filter, by id ascending, which is oldest first.
    /// Page by page: `after` is the last id of the page before, whether that entry still exists or not. About
    /// 20 µs an entry.
    ///
    /// ```
    /// # use rekall::{Filter, NewEntry, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # for number in 0..5 { rekall.remember(NewEntry::new(format!("note {number}")).project("ci"))?; }
    /// let filter = Filter::new().project("ci");
    /// let (mut after, mut seen) = (None, 0);
    /// loop {
    ///     let page = rekall.list(&filter, after, 2)?;
    ///     let Some(last) = page.last() else { break };
    ///     after = Some(last.id);
    ///     seen += page.len() as u64;
    /// }
    /// assert_eq!(seen, rekall.count(&filter)?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// An entry that cannot be read (see [`check`](Self::check)) ends the page before it. The next page then
    /// fails with [`UnreadableEntry`](rekall_core::Error::UnreadableEntry), whose id is what to go on
    /// `after`.
    ///
    /// # Errors
    /// [`Error::InvalidLimit`]; [`Error::Core`].
    pub fn list(
        &self,
        filter: impl Borrow<Filter>,
        after: Option<EntryId>,
        limit: usize,
    ) -> Result<Vec<Entry>, Error> {
        check_limit(limit)?;
        Ok(self.store.read()?.list(filter.borrow(), after, limit)?)
    }

    /// Number of entries that pass the filter. Some milliseconds for 100,000 entries.
    ///
    /// # Errors
    /// [`Error::Core`].
    pub fn count(&self, filter: impl Borrow<Filter>) -> Result<u64, Error> {
        Ok(self.store.read()?.count(filter.borrow())?)
    }
}
