//! Tags, projects, kinds, and how many entries have each.

use std::borrow::Borrow;

use rekall_core::{Facet, FacetCount};

use crate::recall::check_limit;
use crate::{Error, Filter, Rekall};

impl Rekall {
    /// The values that a property has among the entries that pass the filter, with how many have it: the most
    /// frequent first, equally frequent ones by name (byte by byte); `limit` (1 to 100,000) of them at the
    /// most. Cost: O(entries that pass the filter), several times as much for tags as for the rest.
    ///
    /// ```
    /// # use rekall::{Facet, Filter, NewEntry, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// rekall.remember(NewEntry::new("one").tags(["ci", "linux"]).project("site"))?;
    /// rekall.remember(NewEntry::new("two").tags(["ci"]).project("app"))?;
    /// let tags = rekall.facets(Facet::Tag, &Filter::new(), 10)?;
    /// assert_eq!((tags[0].name.as_str(), tags[0].entries), ("ci", 2));
    /// let of_app = rekall.facets(Facet::Tag, Filter::new().project("app"), 10)?;
    /// assert_eq!(of_app.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidLimit`]; [`Error::Core`].
    pub fn facets(
        &self,
        facet: Facet,
        filter: impl Borrow<Filter>,
        limit: usize,
    ) -> Result<Vec<FacetCount>, Error> {
        check_limit(limit)?;
        Ok(self.store.read()?.facets(facet, filter.borrow(), limit)?)
    }
}
