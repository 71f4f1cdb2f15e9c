//! Which known section each given one is, with what that takes read from the file.

use std::collections::{BTreeSet, HashMap, HashSet};

use rekall_core::{ReadTx, StoredSection, StoredSource, TextDigest};

use super::matching::{Living, Look, Looks, Matching, Section, Source, name};
use super::plan::SourcePlan;
use super::source::NewSection;
use crate::Error;

/// How many sources before and after one that changed, and how many of its name, are looked at to see what is said in many.
const NEAR: usize = 8;

/// What a run knows: sources that were given, with their known sections, and known sections elsewhere.
pub(super) struct Recognition<'b> {
    pub(super) given: &'b [SourcePlan<'b>],
    pub(super) elsewhere: &'b [StoredSection],
    pub(super) vanished: &'b [StoredSource],
    /// Where living sources are looked for.
    pub(super) roots: &'b [String],
}

impl Recognition<'_> {
    /// For each section given, in the order of the sources, the known one that it is: its number among those of the sources
    /// given, followed by those elsewhere.
    pub(super) fn pairs(&self, tx: &dyn ReadTx) -> Result<Vec<Option<usize>>, Error> {
        let stored: Vec<&StoredSection> =
            self.given.iter().flat_map(|source| &source.known).chain(self.elsewhere).collect();
        let (sources, numbers) = self.sources();
        let known: Vec<Section<'_>> = stored
            .iter()
            .map(|section| Section {
                source: numbers[&section.source],
                path: &section.path,
                digest: section.digest,
                is_orphan: section.number < 0,
            })
            .collect();
        let given: Vec<(usize, &NewSection)> = self
            .given
            .iter()
            .enumerate()
            .flat_map(|(at, source)| source.new.sections.iter().map(move |section| (at, section)))
            .collect();
        let new: Vec<Section<'_>> = given
            .iter()
            .map(|&(source, section)| Section {
                source,
                path: &section.path,
                digest: section.digest(),
                is_orphan: false,
            })
            .collect();
        let texts: Vec<&str> = given.iter().map(|(_, section)| section.content.as_str()).collect();
        let mut matching = Matching::here(&sources, &known, &new, &texts);
        let mut near = Near::default();
        if matching.is_left_elsewhere() && matching.is_left_alike() {
            near = self.near(tx, &sources, &matching.of_interest())?;
            matching.renamed(&near.living());
        }
        let (left_known, left_new) = matching.left();
        if left_known.is_empty() || left_new.is_empty() {
            return Ok(matching.into_pairs());
        }
        let rows: Vec<i64> = left_known.iter().map(|&at| stored[at].row).collect();
        let read: HashMap<i64, Look> =
            tx.entries(&rows)?.into_iter().map(|(row, entry)| (row, Look::of(&entry.content))).collect();
        let old_looks: Looks =
            left_known.into_iter().filter_map(|at| Some((at, read.get(&stored[at].row)?.clone()))).collect();
        let new_looks: Looks = left_new.into_iter().map(|at| (at, Look::of(texts[at]))).collect();
        let looks = (&old_looks, &new_looks);
        if matching.is_left_elsewhere() && matching.is_left_alike() {
            matching.elsewhere(looks, &near.living_with_looks(tx)?, &near.given);
        }
        matching.alike_here(looks);
        if matching.is_left_elsewhere() {
            near = self.near(tx, &sources, &matching.of_interest())?;
            matching.alike_elsewhere(looks, &near.living_with_looks(tx)?, &near.given);
        }
        matching.by_heading();
        Ok(matching.into_pairs())
    }

    /// All sources that sections come from or are in, and the number that each of the file's numbers has among them.
    fn sources(&self) -> (Vec<Source<'_>>, HashMap<i64, usize>) {
        let mut numbers = HashMap::new();
        let mut sources = Vec::with_capacity(self.given.len() + self.vanished.len());
        for (at, source) in self.given.iter().enumerate() {
            if let Some(stored) = &source.stored {
                numbers.insert(stored.number, at);
            }
            sources.push(Source {
                uri: &source.new.uri,
                digest: source.digest,
                is_new: source.known.is_empty(),
                is_gone: source.new.sections.is_empty(),
            });
        }
        for source in self.vanished {
            numbers.entry(source.number).or_insert(sources.len());
            sources.push(Source { uri: &source.uri, digest: source.digest, is_new: false, is_gone: true });
        }
        // Sections that another run left without a place come from any source.
        for section in self.elsewhere {
            numbers.entry(section.source).or_insert_with(|| {
                let digest = TextDigest::unknown();
                sources.push(Source { uri: "", digest, is_new: false, is_gone: false });
                sources.len() - 1
            });
        }
        (sources, numbers)
    }

    /// What is near these sources, by name.
    fn near(
        &self,
        tx: &dyn ReadTx,
        sources: &[Source<'_>],
        of_interest: &BTreeSet<usize>,
    ) -> Result<Near, Error> {
        let mut living = Vec::new();
        for root in self.roots {
            living.extend(tx.sources(root)?);
        }
        let given: HashMap<&str, usize> =
            self.given.iter().enumerate().map(|(at, source)| (source.new.uri.as_str(), at)).collect();
        let gone: HashSet<i64> = self.vanished.iter().map(|source| source.number).collect();
        living.retain(|source| {
            source.sections > 0 && !given.contains_key(source.uri.as_str()) && !gone.contains(&source.number)
        });
        // Those that were given, and those that are as they were, by their numbers.
        let mut all: Vec<(&str, Neighbor)> =
            given.iter().map(|(uri, at)| (*uri, Neighbor::Given(*at))).collect();
        all.extend(living.iter().map(|source| (source.uri.as_str(), Neighbor::Living(source.number))));
        all.sort_unstable();
        all.dedup();
        let mut named: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, (uri, _)) in all.iter().enumerate() {
            named.entry(name(uri)).or_default().push(at);
        }
        let mut places = BTreeSet::new();
        for source in of_interest.iter().map(|&at| &sources[at]).filter(|source| !source.uri.is_empty()) {
            let at = all.partition_point(|(uri, _)| *uri < source.uri);
            places.extend(at.saturating_sub(NEAR)..(at + 1 + NEAR).min(all.len()));
            places.extend(named.get(name(source.uri)).into_iter().flatten().take(NEAR));
        }
        let mut near = Near::default();
        for place in places {
            match all[place].1 {
                Neighbor::Given(at) => drop(near.given.insert(at)),
                Neighbor::Living(number) => {
                    let mut sections = tx.sections(number)?;
                    sections.retain(|section| section.number >= 0);
                    near.sections.push(sections);
                }
            }
        }
        Ok(near)
    }
}

/// A source: the number among those given, or the file's number of one that is as it was.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Neighbor {
    Given(usize),
    Living(i64),
}

/// What is near the sources whose sections are looked for.
#[derive(Default)]
struct Near {
    /// Sources that were given.
    given: BTreeSet<usize>,
    /// The sections of sources that are as they were.
    sections: Vec<Vec<StoredSection>>,
}

impl Near {
    fn living(&self) -> Vec<Living<'_>> {
        let living = self.sections.iter().map(|source| Living {
            sections: source.iter().map(|section| (&*section.path, section.digest)).collect(),
            looks: Vec::new(),
        });
        living.collect()
    }

    fn living_with_looks(&self, tx: &dyn ReadTx) -> Result<Vec<Living<'_>>, Error> {
        let mut living = self.living();
        for (source, sections) in living.iter_mut().zip(&self.sections) {
            source.looks = looks(tx, sections)?;
        }
        Ok(living)
    }
}

/// What sections say; nothing, where that cannot be read: nothing is decided about them.
fn looks(tx: &dyn ReadTx, sections: &[StoredSection]) -> Result<Vec<Look>, Error> {
    let rows: Vec<i64> = sections.iter().map(|section| section.row).collect();
    let mut read: HashMap<i64, Look> = HashMap::with_capacity(rows.len());
    for (row, entry) in tx.readable_entries(&rows)? {
        if let Ok(entry) = entry {
            read.insert(row, Look::of(&entry.content));
        }
    }
    Ok(rows.iter().map(|row| read.remove(row).unwrap_or_default()).collect())
}
