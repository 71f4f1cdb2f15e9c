//! What a synchronization comes to, worked out from the file as it was at one moment.

use std::collections::HashSet;

use rekall_core::{Changes, LogPosition, NewPlace, ReadTx, StoredSection, StoredSource, TextDigest, WriteTx};

use super::recognize::Recognition;
use super::source::{NewSection, NewSource};
use crate::{Entry, EntryPatch, Error};

/// What becomes of the sources that were given.
pub(super) struct Plan<'a> {
    /// The change log's position when it was worked out.
    position: LogPosition,
    pub(super) sources: Vec<SourcePlan<'a>>,
    /// Known sections that nothing given is: their entries go, unless too many would.
    pub(super) left: Vec<StoredSection>,
}

/// What becomes of one source.
pub(super) struct SourcePlan<'a> {
    pub(super) new: &'a NewSource,
    pub(super) digest: TextDigest,
    /// As the file knows it.
    pub(super) stored: Option<StoredSource>,
    /// Its sections, as the file knows them.
    pub(super) known: Vec<StoredSection>,
    /// One for each section that was given.
    pub(super) sections: Vec<SectionPlan>,
}

/// What becomes of one section.
pub(super) enum SectionPlan {
    /// It is new.
    Add,
    /// It is this one.
    Keep { known: StoredSection, patch: Box<EntryPatch>, difference: Difference },
}

/// In what a section differs from what the file knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Difference {
    None,
    /// It stands elsewhere.
    Place,
    Content,
}

impl<'a> Plan<'a> {
    /// Works it out. `vanished` are sources that are there no longer; with `orphans`, sections are looked for under `roots`
    /// that a run has left without a place.
    pub(super) fn of(
        tx: &dyn ReadTx,
        given: &'a [NewSource],
        vanished: &[StoredSource],
        roots: &[String],
        orphans: bool,
    ) -> Result<Self, Error> {
        let position = tx.position()?;
        let mut sources = Vec::with_capacity(given.len());
        for new in given {
            let stored = tx.source(&new.uri)?;
            let known = stored.as_ref().map_or(Ok(Vec::new()), |stored| tx.sections(stored.number))?;
            sources.push(SourcePlan { new, digest: new.digest(), stored, known, sections: Vec::new() });
        }
        let mut elsewhere = Vec::new();
        for source in vanished {
            if tx.source(&source.uri)?.is_some_and(|now| is_same(&now, source)) {
                elsewhere.extend(tx.sections(source.number)?);
            }
        }
        let mut listed: HashSet<i64> = sources
            .iter()
            .flat_map(|source| &source.known)
            .chain(&elsewhere)
            .map(|known| known.row)
            .collect();
        for root in roots.iter().filter(|_| orphans) {
            let orphans = tx.orphaned_sections(root)?.into_iter();
            elsewhere.extend(orphans.filter(|orphan| listed.insert(orphan.row)));
        }
        let recognition = Recognition { given: &sources, elsewhere: &elsewhere, vanished, roots };
        let pairs = recognition.pairs(tx)?;
        let mut plan = Self { position, sources, left: Vec::new() };
        plan.fill(tx, &elsewhere, &pairs)?;
        Ok(plan)
    }

    /// Sections that the file knows: those of the sources given, then the others.
    fn known<'b>(&'b self, elsewhere: &'b [StoredSection]) -> impl Iterator<Item = &'b StoredSection> {
        self.sources.iter().flat_map(|source| &source.known).chain(elsewhere)
    }

    fn fill(
        &mut self,
        tx: &dyn ReadTx,
        elsewhere: &[StoredSection],
        pairs: &[Option<usize>],
    ) -> Result<(), Error> {
        let mut known: Vec<Option<StoredSection>> = self.known(elsewhere).cloned().map(Some).collect();
        let mut pairs = pairs.iter();
        for source in &mut self.sources {
            for section in &source.new.sections {
                let partner = pairs.next().copied().flatten().and_then(|at| known[at].take());
                let planned = match partner {
                    None => SectionPlan::Add,
                    Some(known) => {
                        let number = source.stored.as_ref().map(|stored| stored.number);
                        let is_moved = Some(known.source) != number || known.path != section.path;
                        let (patch, differs) = change(tx, source.new, section, &known, is_moved)?;
                        let difference = match (differs, is_moved) {
                            (true, _) => Difference::Content,
                            (false, true) => Difference::Place,
                            (false, false) => Difference::None,
                        };
                        SectionPlan::Keep { known, patch: Box::new(patch), difference }
                    }
                };
                source.sections.push(planned);
            }
        }
        self.left = known.into_iter().flatten().collect();
        Ok(())
    }

    /// Whether what these sources were worked out from is still so. `moved` are the entries that this run has placed
    /// or displaced itself since.
    pub(super) fn holds(
        &self,
        tx: &dyn WriteTx,
        sources: &[SourcePlan<'_>],
        moved: &HashSet<i64>,
    ) -> Result<bool, Error> {
        let Changes::Entries { entries: changed, .. } = tx.changes_since(self.position)? else {
            return Ok(false);
        };
        let changed: HashSet<i64> = changed.into_iter().collect();
        for source in sources {
            let stored = tx.source(&source.new.uri)?;
            let is_same = match (&stored, &source.stored) {
                (Some(now), Some(then)) => is_same(now, then),
                (None, None) => true,
                _ => false,
            };
            if !is_same {
                return Ok(false);
            }
            let now = stored.map_or(Ok(Vec::new()), |stored| tx.sections(stored.number))?;
            let others = |section: &&StoredSection| !moved.contains(&section.row);
            if !now.iter().filter(others).eq(source.known.iter().filter(others)) {
                return Ok(false);
            }
            for section in &source.sections {
                let SectionPlan::Keep { known, patch, .. } = section else { continue };
                let is_elsewhere = source.stored.as_ref().is_none_or(|stored| stored.number != known.source);
                if is_elsewhere
                    && !moved.contains(&known.row)
                    && tx.section_of(known.row)?.as_ref() != Some(known)
                    || changed.contains(&known.row) && **patch != EntryPatch::new()
                {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// Whether nobody has synchronized the source since.
pub(super) fn is_same(now: &StoredSource, then: &StoredSource) -> bool {
    (now.number, &now.stamp, now.digest, now.synced_at)
        == (then.number, &then.stamp, then.digest, then.synced_at)
}

impl SourcePlan<'_> {
    /// How many texts have to be embedded, at most.
    pub(super) fn texts(&self) -> usize {
        let embedded = self.sections.iter().filter(|section| match section {
            SectionPlan::Add => true,
            SectionPlan::Keep { patch, .. } => patch.changes_text(),
        });
        embedded.count()
    }

    /// Whether the file has all of it already.
    pub(super) fn is_stored(&self) -> bool {
        let Some(stored) = &self.stored else { return false };
        self.new.stamp == stored.stamp
            && self.digest == stored.digest
            && self.known.len() == self.sections.len()
            && self.sections.iter().enumerate().all(|(number, section)| match section {
                SectionPlan::Add => false,
                SectionPlan::Keep { known, patch, difference } => {
                    known.number == number as i64
                        && *difference == Difference::None
                        && **patch == EntryPatch::new()
                }
            })
    }

    /// Entries of the source that have to leave their places before others can take them.
    pub(super) fn displaced(&self) -> Vec<i64> {
        let stay: HashSet<(i64, i64)> = (0..)
            .zip(&self.sections)
            .filter_map(|(number, section)| match section {
                SectionPlan::Keep { known, .. } => Some((known.row, number)),
                SectionPlan::Add => None,
            })
            .collect();
        let known = self.known.iter().filter(|known| known.number >= 0);
        known.filter(|known| !stay.contains(&(known.row, known.number))).map(|known| known.row).collect()
    }

    /// The place of a section, where it is not the one that it has.
    pub(super) fn place(&self, at: usize, source: i64) -> Option<NewPlace<'_>> {
        let section = &self.new.sections[at];
        let place = NewPlace {
            source,
            number: at as i64,
            path: &section.path,
            line: section.line,
            digest: section.digest(),
            tags: &section.tags,
        };
        match &self.sections[at] {
            SectionPlan::Keep { known, .. } if has_place(known, &place) => None,
            _ => Some(place),
        }
    }
}

fn has_place(known: &StoredSection, place: &NewPlace<'_>) -> bool {
    (known.source, known.number, &*known.path, known.line, known.digest, &*known.tags)
        == (place.source, place.number, place.path, place.line, place.digest, place.tags)
}

/// What an entry's change comes to, and whether it says something else than before. The title, the text and its own tags are
/// the source's; everything else of the entry is not.
fn change(
    tx: &dyn ReadTx,
    source: &NewSource,
    section: &NewSection,
    known: &StoredSection,
    is_moved: bool,
) -> Result<(EntryPatch, bool), Error> {
    let says_other = known.digest != section.digest();
    let mut patch = EntryPatch::new();
    if !says_other && !is_moved && known.tags == section.tags && source.project.is_none() {
        return Ok((patch, false));
    }
    let Some((_, entry)) = tx.entries(&[known.row])?.pop() else { return Ok((patch, says_other)) };
    if (says_other || is_moved) && entry.title != section.title {
        patch = patch.title(section.title.as_str());
    }
    if says_other && entry.content != section.content {
        patch = patch.content(section.content.as_str());
    }
    let tags = tags(&entry, &known.tags, &section.tags);
    let other_tags = known.tags != section.tags;
    if other_tags && tags != entry.tags {
        patch = patch.tags(tags);
    }
    let other_project = source.project.is_some() && source.project != entry.project;
    if other_project {
        patch = patch.project(source.project.clone());
    }
    Ok((patch, says_other || other_tags || other_project))
}

/// The tags of an entry after those that its source gives it have become others.
fn tags(entry: &Entry, before: &[String], now: &[String]) -> Vec<String> {
    let stays = |tag: &&String| !before.contains(tag) || now.contains(tag);
    let mut tags: Vec<String> = entry.tags.iter().filter(stays).cloned().collect();
    let new: Vec<String> = now.iter().filter(|tag| !tags.contains(tag)).cloned().collect();
    tags.extend(new);
    tags
}
