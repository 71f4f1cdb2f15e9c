//! A run that brings entries in step with their sources.

use std::collections::{HashMap, HashSet};
use std::fmt;

use rekall_core::{Error as CoreError, StoredSource, is_under};

use super::forget::ABANDONED;
use super::report::{SourceProblem, SyncReport};
use super::source::NewSource;
use crate::long_call::Watch;
use crate::{CancelToken, Error, Progress, Rekall};

/// Texts that are embedded and written in one transaction; a source is never divided.
pub(super) const TEXTS_AT_ONCE: usize = 256;

impl Rekall {
    /// Brings the entries of one source in step with it, without holding back what is gone. No other source is touched,
    /// also none that lies under it. A section that went to another source, or came from one, is followed only where
    /// [`sync_sources`](Self::sync_sources) is given both in one run.
    ///
    /// ```
    /// # use rekall::{NewSection, NewSource, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let page = |text: &str| NewSource::new("wiki:deploy").section(NewSection::new("Deploy", text).path(["Deploy"]));
    /// assert_eq!(rekall.sync_source(&page("Push to main."))?.added, 1);
    /// assert_eq!(rekall.sync_source(&page("Push a tag."))?.changed, 1, "the entry keeps its id, tags and links");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`SourceSync::finish`], and what [`NewSource::validate`] refuses.
    pub fn sync_source(&self, source: &NewSource) -> Result<SyncReport, Error> {
        source.validate()?;
        let known = self.store.read()?.source(&source.uri)?;
        let mut sync = self.begin(source.uri.clone(), known).prune(true);
        sync.is_single = true;
        sync.add(source.clone())?;
        sync.finish()
    }

    /// Begins a run that brings entries in step with all sources under a URI (`file:///home/me/notes`; an empty one: with
    /// all there are). The caller says of each source what it is; [`finish`](SourceSync::finish) does the rest.
    ///
    /// A section that is known keeps its entry wherever it went: into another place, under another heading, into
    /// another source, with other words. (A few words alone, such as `TBD`, are followed into another source only together
    /// with what stood beside them, or with the whole source.) What belongs to the source is the entry's title, its text, and the tags that the
    /// source gives it; its id, other tags, links, metadata, context, status and confidence belong to people, and no run
    /// touches them. An entry that somebody forgot comes back when its source changes.
    ///
    /// ```
    /// # use rekall::{NewSection, NewSource, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let section = |title: &str| NewSection::new(title, format!("Whom to ask about {title}.")).path([title]);
    /// let mut sync = rekall.sync_sources("wiki:")?;
    /// sync.add(NewSource::new("wiki:/a").stamp("1").section(section("Ship")).section(section("Test")))?;
    /// assert_eq!(sync.finish()?.added, 2);
    ///
    /// // Next time the page has changed, and another one is new. A section went from one to the other.
    /// let mut sync = rekall.sync_sources("wiki:")?;
    /// assert!(!sync.is_current("wiki:/a", "2"));
    /// sync.add(NewSource::new("wiki:/a").stamp("2").section(section("Ship")))?;
    /// sync.add(NewSource::new("wiki:/b").stamp("1").section(section("Test")))?;
    /// let report = sync.finish()?;
    /// assert_eq!((report.kept, report.moved, report.gone), (1, 1, 0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] when the file cannot be read.
    pub fn sync_sources(&self, root: impl Into<String>) -> Result<SourceSync<'_>, Error> {
        let root = root.into();
        let known = self.sources(&root)?;
        Ok(self.begin(root, known))
    }

    fn begin(&self, root: String, known: impl IntoIterator<Item = StoredSource>) -> SourceSync<'_> {
        let known: HashMap<String, StoredSource> =
            known.into_iter().map(|source| (source.uri.clone(), source)).collect();
        SourceSync {
            rekall: self,
            entries: known.values().map(|source| source.sections as usize).sum(),
            known,
            roots: vec![root],
            is_single: false,
            is_there: false,
            seen: HashSet::new(),
            given: Vec::new(),
            texts: 0,
            prune: false,
            is_incomplete: false,
            watch: Watch::default(),
            conflicts: 0,
            moved: HashSet::new(),
            abandoned: HashSet::new(),
            report: SyncReport::default(),
        }
    }

    /// The sources whose URI is this one or lies under it, by URI; with an empty one all there are.
    ///
    /// ```
    /// # use rekall::{NewSection, NewSource, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// rekall.sync_source(&NewSource::new("wiki:/a").section(NewSection::new("Ship", "")))?;
    /// assert_eq!(rekall.sources("wiki:")?[0].sections, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] when the file cannot be read.
    pub fn sources(&self, root: &str) -> Result<Vec<StoredSource>, Error> {
        Ok(self.store.read()?.sources(root)?)
    }
}

/// A run under way, begun by [`Rekall::sync_sources`]. Dropped without [`finish`](Self::finish), it has lost nothing, and
/// the next run does what it left.
///
/// Memory: where the root holds no source yet, 256 sections; otherwise the texts of all sources that changed, because
/// what is gone from one may be found in another.
pub struct SourceSync<'a> {
    pub(super) rekall: &'a Rekall,
    pub(super) roots: Vec<String>,
    /// Whether the run is about the source of the root's own URI alone, and not about those under it.
    pub(super) is_single: bool,
    /// When the run began.
    pub(super) known: HashMap<String, StoredSource>,
    /// Entries of these.
    pub(super) entries: usize,
    pub(super) seen: HashSet<String>,
    /// Whether one of the known sources was read, and says something.
    pub(super) is_there: bool,
    /// Sources that wait to be written, and how many sections they have.
    pub(super) given: Vec<NewSource>,
    pub(super) texts: usize,
    pub(super) prune: bool,
    /// Whether a source that has entries could not be read: what is missing elsewhere may be in it.
    pub(super) is_incomplete: bool,
    pub(super) watch: Watch<'a>,
    pub(super) conflicts: usize,
    /// Entries that this run has given a place, or taken it from.
    pub(super) moved: HashSet<i64>,
    /// Entries that no other run is going to give a place any more.
    pub(super) abandoned: HashSet<i64>,
    pub(super) report: SyncReport,
}

impl fmt::Debug for SourceSync<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceSync")
            .field("roots", &self.roots)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

impl<'a> SourceSync<'a> {
    /// Whether entries whose section or source is gone are forgotten in any case. By default they are only if they are at
    /// most 10, or at most a fifth of all entries under the root; if anything is left of what was known, because an
    /// emptied folder may be a disk that is not there; and if every source that has entries could be read, because the
    /// section may have gone into one that could not. What is held back stays as it is, and is found by the next run.
    #[must_use]
    pub fn prune(mut self, prune: bool) -> Self {
        self.prune = prune;
        self
    }

    /// Calls this with the sections that [`finish`](Self::finish) has written, of all that it has to.
    #[must_use]
    pub fn progress(mut self, callback: impl FnMut(Progress) + 'a) -> Self {
        self.watch.set_progress(Box::new(callback));
        self
    }

    /// Lets this token stop the run with [`Error::Interrupted`]. Sources that are written stay so.
    #[must_use]
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.watch.set_cancel(token);
        self
    }

    pub(super) fn watched(mut self, watch: Watch<'a>) -> Self {
        self.watch = watch;
        self
    }

    #[cfg(feature = "files")]
    pub(super) fn watch(&mut self) -> &mut Watch<'a> {
        &mut self.watch
    }

    /// Adds the sources under another URI: what is gone from one root may be found in the other.
    ///
    /// # Errors
    /// [`Error::Core`] when the file cannot be read.
    pub fn also_under(mut self, root: impl Into<String>) -> Result<Self, Error> {
        let root = root.into();
        for source in self.rekall.sources(&root)? {
            let sections = source.sections as usize;
            if self.known.insert(source.uri.clone(), source).is_none() {
                self.entries += sections;
            }
        }
        self.roots.push(root);
        Ok(self)
    }

    /// Whether the source was synchronized with this stamp before: then it has been seen, and need not be read.
    pub fn is_current(&mut self, uri: &str, stamp: &str) -> bool {
        let is_current = self.known.get(uri).is_some_and(|known| known.stamp.as_deref() == Some(stamp));
        if is_current {
            self.keep(uri);
        }
        is_current
    }

    /// Says that a source is there and as it was, however the caller knows. One that was never synchronized stays unknown.
    pub fn keep(&mut self, uri: &str) {
        if let Some(known) = self.known.get(uri)
            && self.seen.insert(uri.to_owned())
        {
            self.report.current += 1;
            self.report.kept += known.sections as usize;
        }
    }

    /// Adds a source as it is now. One that cannot be stored, because a title is too long, say, is
    /// [skipped](Self::skip) with that reason.
    ///
    /// # Errors
    /// [`Error::Core`] for a URI that does not lie under the root, or that was given before; as [`finish`](Self::finish),
    /// because sources are written now and then.
    pub fn add(&mut self, source: NewSource) -> Result<(), Error> {
        if !self.roots.iter().any(|root| is_under(&source.uri, root)) {
            return Err(refused("a URI under that of the run", source.uri));
        }
        if self.seen.contains(&source.uri) {
            return Err(refused("each source once", source.uri));
        }
        if let Err(error) = source.validate() {
            self.skip(source.uri, error.to_string());
            return Ok(());
        }
        self.seen.insert(source.uri.clone());
        self.is_there |= self.known.contains_key(&source.uri) && !source.sections.is_empty();
        self.report.read += 1;
        self.texts += source.sections.len();
        self.given.push(source);
        // Nothing that is known can have gone into another source where nothing is known.
        if self.known.is_empty() && self.texts >= TEXTS_AT_ONCE {
            self.write(&[], false)?;
        }
        Ok(())
    }

    /// Says that a source is there and was not read, and why. Its entries stay as they are, and so do those of all sources
    /// that lie under it.
    pub fn skip(&mut self, uri: impl Into<String>, reason: impl Into<String>) {
        let (uri, reason) = (uri.into(), reason.into());
        let under = self.known.values().filter(|known| is_under(&known.uri, &uri));
        let under: Vec<(String, u64)> = under.map(|known| (known.uri.clone(), known.sections)).collect();
        for (known, sections) in under {
            self.is_incomplete |= sections > 0;
            if self.seen.insert(known) {
                self.report.kept += sections as usize;
            }
        }
        self.seen.insert(uri.clone());
        self.report.skipped.push(SourceProblem { uri, reason });
    }

    /// Known sources with entries that have not been seen yet.
    #[cfg(feature = "files")]
    pub(super) fn unseen(&self) -> Vec<String> {
        let known = self.known.values().filter(|known| known.sections > 0 && !self.seen.contains(&known.uri));
        let mut unseen: Vec<String> = known.map(|known| known.uri.clone()).collect();
        unseen.sort_unstable();
        unseen
    }

    /// Puts something that could not be understood of a source, which was read all the same, into the report.
    pub fn note(&mut self, uri: impl Into<String>, problem: impl Into<String>) {
        self.report.problems.push(SourceProblem { uri: uri.into(), reason: problem.into() });
    }

    /// Writes what is not written yet, then forgets the entries whose section or source is gone. The model
    /// works without a lock; each source is written in one transaction, and small ones share it. Where another run has
    /// synchronized the same source meanwhile, what is left to do is worked out once more, so that nothing is stored twice.
    ///
    /// # Errors
    /// What the model fails with; [`Error::Core`] when the file cannot be written; [`Error::Interrupted`].
    pub fn finish(mut self) -> Result<SyncReport, Error> {
        let vanished: Vec<StoredSource> =
            self.known.values().filter(|known| !self.seen.contains(&known.uri)).cloned().collect();
        // What waits for a place must not look as if it had begun to when its source is written now.
        let tx = self.rekall.store.read()?;
        for root in self.roots.iter().filter(|_| !self.known.is_empty()) {
            self.abandoned.extend(tx.abandoned_sections(root, ABANDONED)?);
        }
        drop(tx);
        let left = self.write(&vanished, !self.known.is_empty())?;
        self.forget(&left, &vanished)?;
        Ok(self.report)
    }
}

fn refused(expected: &'static str, got: String) -> Error {
    CoreError::OutOfRange { field: "source of a synchronization", expected, got }.into()
}
