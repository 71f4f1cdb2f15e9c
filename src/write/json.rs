//! Entries from JSON.

use rekall_core::{EntryJson, Relation};

use super::batch::{Batch, Operation};
use crate::long_call::Watch;
use crate::{EntryId, Error, LongCall, Rekall};

impl Rekall {
    /// Remembers one entry given as a JSON object, or several given as an array, and gives their ids in
    /// order: all are stored, or none. `docs/jsonl.md` has the keys; only `title` has to be there. What a
    /// stored entry is written as in JSON, ids and times included, can be read here.
    /// Vectors cannot: JSON of an entry does not say whose they are.
    ///
    /// References (`superseded_by`, `links`) may name entries of the same array, also later ones. Watched and
    /// embedded as by [`apply`](Self::apply).
    ///
    /// ```
    /// # use rekall::Rekall;
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let json = r#"[{"title": "Renew the certificate", "tags": ["tls"]}, {"title": "Rotate the key"}]"#;
    /// let ids = rekall.remember_json(json).run()?;
    /// assert_eq!(rekall.get(ids[0])?.tags, ["tls"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`], kind `InvalidInput`, for what is no such JSON, naming the entry; otherwise as
    /// [`apply`](Self::apply): the operations are the entries in order, then their references.
    pub fn remember_json<'a>(&'a self, json: &'a str) -> LongCall<'a, Vec<EntryId>> {
        LongCall::new(|watch| self.remember_json_watched(json, watch))
    }

    fn remember_json_watched(&self, json: &str, watch: &mut Watch<'_>) -> Result<Vec<EntryId>, Error> {
        let (mut batch, mut ids, mut references) = (Batch::new(), Vec::new(), Vec::new());
        for read in EntryJson::parse_all(json)? {
            let id = match read.id {
                Some(id) => id,
                None => self.new_id()?,
            };
            batch.push(Operation::Remember { id, entry: read.entry, origin: read.origin, vector: None });
            references.extend(read.superseded_by.map(|new| Operation::NameSuccessor { of: id, new }));
            references.extend(read.links.into_iter().map(|link| Operation::Link {
                source: id,
                target: link.target,
                relation: Relation::from(link.relation),
                reason: link.reason,
                created_at: link.created_at,
            }));
            ids.push(id);
        }
        references.into_iter().for_each(|reference| {
            batch.push(reference);
        });
        self.apply_watched(&batch, watch)?;
        Ok(ids)
    }
}
