//! Writing what a run comes to, source by source.

use rekall_core::{Error as CoreError, StoredSection, StoredSource};

use super::plan::{Difference, Plan, SectionPlan, SourcePlan};
use super::sync::{SourceSync, TEXTS_AT_ONCE};
use crate::write::Batch;
use crate::{EntryId, EntryPatch, Error};

/// How often a run finds that others have changed what it is about to write before it gives up. Each time one of them has
/// made progress.
const MAX_CONFLICTS: usize = 1_000;

impl SourceSync<'_> {
    /// Writes the sources that were given; gives the known sections that none of them has.
    pub(super) fn write(
        &mut self,
        vanished: &[StoredSource],
        orphans: bool,
    ) -> Result<Vec<StoredSection>, Error> {
        let mut given = std::mem::take(&mut self.given);
        let total = std::mem::take(&mut self.texts);
        let mut done = 0;
        loop {
            self.watch.check_cancelled()?;
            // Those of a single source are among its own sections.
            let is_wide = !self.is_single && (orphans || self.conflicts > 0);
            let roots = if self.is_single { &[] } else { &*self.roots };
            let plan = Plan::of(&*self.rekall.store.read()?, &given, vanished, roots, is_wide)?;
            let mut written = 0;
            for group in groups(&plan.sources) {
                if !self.write_group(&plan, group)? {
                    break;
                }
                written += group.len();
                done += group.iter().map(|source| source.sections.len()).sum::<usize>();
                // Where sources are written as they come, the caller counts something else.
                if !self.known.is_empty() {
                    self.watch.report(done, total);
                }
            }
            if written == plan.sources.len() {
                return Ok(plan.left);
            }
            drop(plan);
            given.drain(..written);
            self.conflicts += 1;
            if self.conflicts > MAX_CONFLICTS {
                let detail = "other runs keep synchronizing the same sources".to_owned();
                return Err(CoreError::Busy { detail }.into());
            }
        }
    }

    /// Writes some sources in one transaction; false where what they were worked out from has changed.
    fn write_group(&mut self, plan: &Plan<'_>, group: &[SourcePlan<'_>]) -> Result<bool, Error> {
        let mut batch = Batch::new();
        // For each section that is new its id.
        let mut ids: Vec<EntryId> = Vec::new();
        let changed: Vec<&SourcePlan<'_>> = group.iter().filter(|source| !source.is_stored()).collect();
        for source in &changed {
            for (section, planned) in source.new.sections.iter().zip(&source.sections) {
                match planned {
                    SectionPlan::Add => {
                        let id = self.rekall.new_id()?;
                        ids.push(id);
                        batch.remember(id, source.new.entry(section));
                    }
                    SectionPlan::Keep { known, patch, .. } if **patch != EntryPatch::new() => {
                        batch.update(known.id, EntryPatch::clone(patch));
                    }
                    SectionPlan::Keep { .. } => {}
                }
            }
        }
        if !changed.is_empty() {
            let moved = &self.moved;
            let applied = self.rekall.apply_within(
                &batch,
                &mut self.watch.quiet(),
                |tx| plan.holds(tx, group, moved),
                |tx| {
                    let mut ids = ids.iter();
                    for source in &changed {
                        let number =
                            tx.put_source(&source.new.uri, source.new.stamp.as_deref(), source.digest)?;
                        tx.orphan_sections(number, &source.displaced())?;
                        for (at, planned) in source.sections.iter().enumerate() {
                            let row = match planned {
                                SectionPlan::Keep { known, .. } => known.row,
                                SectionPlan::Add => match ids.next() {
                                    Some(&id) => tx.row_of(id)?,
                                    None => continue,
                                },
                            };
                            if let Some(place) = source.place(at, number) {
                                tx.place_section(row, &place)?;
                            }
                        }
                    }
                    Ok(())
                },
            )?;
            if applied.is_none() {
                return Ok(false);
            }
        }
        for source in group {
            self.moved.extend(source.displaced());
            for section in &source.sections {
                match section {
                    SectionPlan::Add => self.report.added += 1,
                    SectionPlan::Keep { known, difference, .. } => {
                        self.moved.insert(known.row);
                        match difference {
                            Difference::Content => self.report.changed += 1,
                            Difference::Place => self.report.moved += 1,
                            Difference::None => self.report.kept += 1,
                        }
                    }
                }
            }
        }
        Ok(true)
    }
}

/// Sources that are written together.
fn groups<'p, 'a>(sources: &'p [SourcePlan<'a>]) -> Vec<&'p [SourcePlan<'a>]> {
    let mut groups = Vec::new();
    let (mut start, mut texts) = (0, 0);
    for (at, source) in sources.iter().enumerate() {
        texts += source.texts();
        if texts >= TEXTS_AT_ONCE {
            groups.push(&sources[start..=at]);
            (start, texts) = (at + 1, 0);
        }
    }
    if start < sources.len() {
        groups.push(&sources[start..]);
    }
    groups
}
