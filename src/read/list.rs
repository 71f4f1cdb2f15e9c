//! Going through entries without a search.

use std::borrow::Borrow;

use crate::recall::check_limit;
use crate::{Entry, EntryId, Error, Filter, ListCursor, NewestBy, NewestPage, Rekall};

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

    /// Up to `limit` (1 to 100,000) entries that pass the filter, the newest first: by the time that `by`
    /// names, and of those of one time the one written later first. Page by page: `after` is
    /// [`NewestPage::next`] of the page before; `None`: from the newest.
    ///
    /// ```
    /// # use rekall::{Filter, NewEntry, NewestBy, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # for day in 1..=5 { rekall.remember(NewEntry::new(format!("day {day}")).created_at(day * 86_400_000))?; }
    /// let (mut after, mut titles) = (None, Vec::new());
    /// loop {
    ///     let page = rekall.list_newest(&Filter::new(), NewestBy::Created, after, 2)?;
    ///     if page.next.is_none() {
    ///         break;
    ///     }
    ///     after = page.next;
    ///     titles.extend(page.entries.into_iter().map(|entry| entry.title));
    /// }
    /// assert_eq!(titles, ["day 5", "day 4", "day 3", "day 2", "day 1"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Cost: no index is in this order, so each page looks at all entries that pass (see
    /// [`count`](Self::count)), and reads about 20 µs an entry returned. For all of a large file
    /// [`list`](Self::list) is the faster walk.
    ///
    /// What others write meanwhile does not move the pages: no entry comes twice, and none is missed that was
    /// there and stays as it is. An entry that is changed goes to the front of a walk by
    /// [`NewestBy::Updated`], which does not come to it again. An entry that cannot be read is named in
    /// [`NewestPage::unreadable`].
    ///
    /// # Errors
    /// [`Error::InvalidLimit`]; [`Error::Core`].
    pub fn list_newest(
        &self,
        filter: &Filter,
        by: NewestBy,
        after: Option<ListCursor>,
        limit: usize,
    ) -> Result<NewestPage, Error> {
        check_limit(limit)?;
        Ok(self.store.read()?.list_newest(filter, by, after, limit)?)
    }

    /// Number of entries that pass the filter. Some milliseconds for 100,000 entries.
    ///
    /// # Errors
    /// [`Error::Core`].
    pub fn count(&self, filter: impl Borrow<Filter>) -> Result<u64, Error> {
        Ok(self.store.read()?.count(filter.borrow())?)
    }
}
