//! Forgetting the entries whose section or source is gone, unless something speaks against it.

use std::collections::HashSet;
use std::time::Duration;

use rekall_core::{StoredSection, StoredSource, WriteTx};

use super::plan::is_same;
use super::sync::SourceSync;
use crate::{EntryId, Error};

/// Entries that may go unasked: so many, or one of so many under the root, whichever is more.
const FEW: usize = 10;
const SHARE: usize = 5;

/// How long sections that another run left without a place may wait for it: it may still be running.
pub(super) const ABANDONED: Duration = Duration::from_secs(3_600);

/// Entries that are forgotten in one transaction.
const AT_ONCE: usize = 500;

impl SourceSync<'_> {
    /// Forgets the entries of sections that are gone, and the sources that none is left of.
    pub(super) fn forget(&mut self, left: &[StoredSection], vanished: &[StoredSource]) -> Result<(), Error> {
        let rekall = self.rekall;
        if !self.may_forget(left.len()) {
            self.report.held_back = left.len();
            // Those that no other run waits for: the next one may forget them, whatever it writes before.
            let is_ours = |row: &i64| self.moved.contains(row) || self.abandoned.contains(row);
            let ours: Vec<i64> = left.iter().map(|section| section.row).filter(is_ours).collect();
            return if ours.is_empty() { Ok(()) } else { rekall.write(|tx| Ok(tx.release_sections(&ours)?)) };
        }
        for some in left.chunks(AT_ONCE) {
            self.watch.check_cancelled()?;
            self.report.gone += rekall.write(|tx| {
                let ids = self.gone(tx, some, vanished)?;
                Ok(tx.delete_many(&ids)?.len())
            })?;
        }
        if vanished.is_empty() {
            return Ok(());
        }
        rekall.write(|tx| {
            for source in vanished {
                let now = tx.source(&source.uri)?;
                if now.is_some_and(|now| is_same(&now, source) && now.sections == 0) {
                    tx.delete_source(source.number)?;
                }
            }
            Ok(())
        })
    }

    fn may_forget(&self, count: usize) -> bool {
        let is_few = count <= FEW || count * SHARE <= self.entries;
        let is_there = self.is_there || count < self.entries;
        self.prune || is_few && is_there && !self.is_incomplete
    }

    /// Those of the sections that are gone as before: where another run has found one meanwhile, it stays.
    fn gone(
        &self,
        tx: &dyn WriteTx,
        sections: &[StoredSection],
        vanished: &[StoredSource],
    ) -> Result<Vec<EntryId>, Error> {
        let mut sources = HashSet::new();
        for source in vanished {
            if tx.source(&source.uri)?.is_some_and(|now| is_same(&now, source)) {
                sources.insert(source.number);
            }
        }
        let mut gone = Vec::new();
        for section in sections {
            let Some(now) = tx.section_of(section.row)? else { continue };
            let is_gone = match now.number {
                // Without a place: this run has taken it, or one that is over.
                ..0 => self.moved.contains(&section.row) || self.abandoned.contains(&section.row),
                _ => now == *section && sources.contains(&section.source),
            };
            if is_gone {
                gone.push(section.id);
            }
        }
        Ok(gone)
    }
}
