//! What a person should know of a run over files: above all which of them were not read.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

use rekall::files::{SkipReason, path_of_uri};
use rekall::{Rekall, SourceProblem, SyncReport};

use crate::failure::Failure;
use crate::style::{counted, plain};

/// Files without notes that are named one by one in the text; JSON has all of them.
const NAMED: usize = 10;

/// Kinds of files that are named.
const KINDS: usize = 5;

/// The sources of a run that have notes and were not read.
pub(super) struct Unread(HashSet<String>);

impl Unread {
    /// Looks them up among those that the file knows.
    pub(super) fn of(rekall: &Rekall, done: &SyncReport) -> Result<Self, Failure> {
        if done.skipped.is_empty() {
            return Ok(Self(HashSet::new()));
        }
        let known = rekall.sources("")?.into_iter().filter(|source| source.sections > 0);
        let known: BTreeSet<String> = known.map(|source| source.uri).collect();
        // Of a folder that cannot be opened: those in it.
        let holds_known = |uri: &str| {
            let below = format!("{}/", uri.trim_end_matches('/'));
            known.contains(uri)
                || known.range(below.clone()..).next().is_some_and(|next| next.starts_with(&below))
        };
        let unread = done.skipped.iter().filter(|skipped| holds_known(&skipped.uri));
        Ok(Self(unread.map(|skipped| skipped.uri.clone()).collect()))
    }

    pub(super) fn has(&self, uri: &str) -> bool {
        self.0.contains(uri)
    }
}

/// What is to be said of a run, the most important first.
#[derive(Default)]
pub(super) struct Remarks {
    /// Files that have notes and were not read: each is named.
    unread: Vec<String>,
    problems: Vec<String>,
    held_back: Option<String>,
    /// Other files that were not read.
    others: Vec<String>,
    /// Files of kinds that are not read: pictures, say. They are counted.
    kinds: Option<String>,
}

impl Remarks {
    pub(super) fn of(done: &SyncReport, unread: &Unread) -> Self {
        let mut remarks = Self { held_back: held_back(done.held_back), ..Self::default() };
        remarks.problems.extend(done.problems.iter().map(said));
        let unknown_kind = SkipReason::UnknownKind.to_string();
        let mut kinds = BTreeMap::new();
        for skipped in &done.skipped {
            if unread.has(&skipped.uri) {
                remarks.unread.push(format!("skipped {}; its notes stay as they are", said(skipped)));
            } else if skipped.reason == unknown_kind {
                *kinds.entry(kind(&skipped.uri)).or_default() += 1;
            } else {
                remarks.others.push(format!("skipped {}", said(skipped)));
            }
        }
        remarks.kinds = counted_kinds(kinds);
        remarks
    }

    /// Leaves out what was said before, and files of unknown kinds, which nobody waits for.
    pub(super) fn news(mut self, told: &HashSet<String>) -> Self {
        let is_new = |remark: &String| !told.contains(remark);
        for remarks in [&mut self.unread, &mut self.problems, &mut self.others] {
            remarks.retain(is_new);
        }
        self.held_back = self.held_back.filter(is_new);
        self.kinds = None;
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Every remark, each on its own.
    pub(super) fn all(&self) -> impl Iterator<Item = &String> {
        let lists = self.unread.iter().chain(&self.problems).chain(&self.held_back);
        lists.chain(&self.others).chain(&self.kinds)
    }

    /// The lines that are printed.
    pub(super) fn into_lines(mut self) -> Vec<String> {
        let more = self.others.len().saturating_sub(NAMED);
        self.others.truncate(NAMED);
        let more = (more > 0).then(|| format!("skipped {}; --json names all", counted(more, "other file")));
        let lists = self.unread.into_iter().chain(self.problems).chain(self.held_back);
        lists.chain(self.others).chain(more).chain(self.kinds).collect()
    }
}

fn held_back(count: usize) -> Option<String> {
    let notes = counted(count, "note");
    (count > 0).then(|| {
        format!(
            "{notes} of files or sections that are gone stay, because so many are gone at once, or files could not be \
             read; with --prune they are forgotten"
        )
    })
}

fn said(SourceProblem { uri, reason, .. }: &SourceProblem) -> String {
    let place = path_of_uri(uri).map_or_else(|| uri.clone(), |path| path.display().to_string());
    plain(&format!("{place}: {reason}"))
}

/// The end of a file's name.
fn kind(uri: &str) -> String {
    let path = path_of_uri(uri).unwrap_or_else(|| PathBuf::from(uri));
    path.extension()
        .map_or_else(|| "without an ending".to_owned(), |end| format!(".{}", end.display()).to_lowercase())
}

/// The most frequent kinds first.
fn counted_kinds(kinds: BTreeMap<String, usize>) -> Option<String> {
    let all = kinds.values().sum::<usize>();
    let mut kinds: Vec<(String, usize)> = kinds.into_iter().collect();
    kinds.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let more = kinds.iter().skip(KINDS).map(|(_, count)| count).sum::<usize>();
    let named = kinds.iter().take(KINDS).map(|(kind, count)| format!("{count} {}", plain(kind)));
    let named: Vec<String> = named.chain((more > 0).then(|| format!("{more} others"))).collect();
    let files = counted(all, "file");
    (all > 0).then(|| {
        format!("skipped {files} of kinds that are not read ({}); --json names all", named.join(", "))
    })
}
