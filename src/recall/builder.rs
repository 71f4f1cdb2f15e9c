//! A search in the making, and how it is begun.

use std::borrow::Cow;

use rekall_core::{Filter, Role};
use rekall_index::Roles;
use rekall_model::KeepAlive;

use super::fusion::Fusion;
use super::hit::Recalled;
use super::options::{Mode, Options};
use super::query::Query;
use super::recency::Recency;
use super::search;
use super::weights::Weights;
use crate::{CancelToken, Error, Rekall};

/// A search in the making, for one query ([`Rekall::recall`]) or for several ([`Rekall::recall_batch`]).
#[must_use = "nothing is searched before run()"]
#[derive(Debug, Clone)]
pub struct Recall<'a, Q = Query<'a>> {
    rekall: &'a Rekall,
    queries: Q,
    options: Options<'a>,
}

impl Rekall {
    /// Begins a search for entries that a text brings to mind. Any text of up to 1 MiB is a valid query. By
    /// words the first 256 different ones of it are searched
    /// ([`TextQuery::MAX_WORDS`](rekall_core::TextQuery::MAX_WORDS)), by meaning what the model reads of it.
    ///
    /// ```
    /// # use rekall::{Filter, Mode, NewEntry, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// # rekall.remember(NewEntry::new("Disk full on the build machine").project("ci"))?;
    /// let found = rekall
    ///     .recall("no space left on device")
    ///     .mode(Mode::Semantic)
    ///     .filter(Filter::new().project("ci"))
    ///     .limit(3)
    ///     .run()?;
    /// assert_eq!(found.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn recall(&self, query: impl AsRef<str>) -> Recall<'_> {
        Recall::new(self, query.as_ref().to_owned().into())
    }

    /// Begins a search for the entries nearest to a vector of the file's own space, of any length but zero.
    /// Needs no model.
    ///
    /// ```
    /// # use rekall::{NewEntry, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
    /// let found = rekall.recall_vector(&[0.0, 1.0]).run()?;
    /// assert!((found[0].score - 0.8).abs() < 1e-6);
    /// # Ok(())
    /// # }
    /// ```
    pub fn recall_vector<'a>(&'a self, vector: impl Into<Cow<'a, [f32]>>) -> Recall<'a> {
        Recall::new(self, Query::of_vector(vector))
    }

    /// Begins a search for each of several queries, texts or vectors. Each gets the hits that it would get
    /// alone, and all see the file as it is at one moment; reading the index once for all makes it several
    /// times faster than one search after the other where the file is large.
    ///
    /// ```
    /// # use rekall::{Mode, NewEntry, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// # rekall.remember(NewEntry::new("Disk full on the build machine"))?;
    /// let found = rekall.recall_batch(["no space left", "certificate expired"]).limit(3).run()?;
    /// assert_eq!(found.len(), 2);
    /// for hit in &found[0] {
    ///     println!("{}", hit.entry.title);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn recall_batch<'a, Q: Into<Query<'a>>>(
        &'a self,
        queries: impl IntoIterator<Item = Q>,
    ) -> Recall<'a, Vec<Query<'a>>> {
        Recall::new(self, queries.into_iter().map(Into::into).collect())
    }
}

impl<'a, Q> Recall<'a, Q> {
    fn new(rekall: &'a Rekall, queries: Q) -> Self {
        Self { rekall, queries, options: Options::default() }
    }

    /// Whether meaning, words or both are searched. Default [`Mode::Hybrid`].
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Mode, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # rekall.remember(NewEntry::new("Disk full on the build machine").project("ci"))?;
    /// assert_eq!(rekall.recall("disk").mode(Mode::Text).run()?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn mode(mut self, mode: Mode) -> Self {
        self.options.mode = mode;
        self
    }

    /// The most hits wanted, 1 to 100,000. Default 10. Fewer come back only when fewer entries match.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # rekall.remember(NewEntry::new("Disk full on the build machine").project("ci"))?;
    /// assert!(rekall.recall("disk").limit(3).run()?.len() <= 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn limit(mut self, limit: usize) -> Self {
        self.options.limit = limit;
        self
    }

    /// Which entries may be found. Default: active ones.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Filter, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # rekall.remember(NewEntry::new("Disk full on the build machine").project("ci"))?;
    /// let of_ci = Filter::new().project("ci");
    /// assert_eq!(rekall.recall("disk").filter(&of_ci).run()?.len(), 1);
    /// assert_eq!(rekall.recall("disk").filter(of_ci.tag_all("linux")).run()?.len(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn filter(mut self, filter: impl Into<Filter>) -> Self {
        self.options.filter = filter.into();
        self
    }

    /// Compares the query with this text of the entries only. Default: all, the best counts.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Context, Mode, NewEntry, Rekall, Role};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// let solution = Some("Delete the old artifacts".to_owned());
    /// rekall.remember(NewEntry::new("Disk full").context(Context { solution, ..Context::default() }))?;
    /// let found = rekall.recall("remove artifacts").mode(Mode::Semantic).role(Role::Context).run()?;
    /// assert_eq!(found[0].chunk.map(|chunk| chunk.role), Some(Role::Context));
    /// # Ok(())
    /// # }
    /// ```
    pub fn role(mut self, role: Role) -> Self {
        self.options.roles = Roles::only(role.number());
        self
    }

    /// Leaves out hits whose similarity is below this, -1 to 1, and those that have none. Default: none left
    /// out.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
    /// assert_eq!(rekall.recall_vector(&[1.0, 0.0]).threshold(0.5).run()?.len(), 1);
    /// assert_eq!(rekall.recall_vector(&[1.0, 0.0]).threshold(0.7).run()?.len(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn threshold(mut self, similarity: f32) -> Self {
        self.options.threshold = Some(similarity);
        self
    }

    /// How a hybrid search fuses what its retrievers found. Default [`Fusion::Weighted`].
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Fusion, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # rekall.remember(NewEntry::new("Disk full on the build machine").project("ci"))?;
    /// let found = rekall.recall("disk").fusion(Fusion::ReciprocalRank).run()?;
    /// assert_eq!(found[0].score, 1.0 / 61.0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn fusion(mut self, fusion: Fusion) -> Self {
        self.options.fusion = fusion;
        self
    }

    /// How much meaning and words count in a hybrid search, 0 to 1,000,000. Default: words 1; meaning by the
    /// kind of the file's model, 0.95 for a static one as the built-in is, 2 for all others, vectors of the
    /// host's own included. Fused by rank: 1 and 1. [`Explain::fused`](crate::Explain::fused) shows what was used.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # rekall.remember(NewEntry::new("Disk full on the build machine").project("ci"))?;
    /// let found = rekall.recall("disk").weights(1.0, 0.3).run()?;
    /// assert_eq!(found[0].score, 0.3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn weights(mut self, semantic: f64, text: f64) -> Self {
        self.options.weights = Some(Weights { semantic, text });
        self
    }

    /// Lets newer entries come before older ones that match as well: the score of each is multiplied by a factor that falls
    /// with its age, down to a floor. Default: age does not count. [`Explain::recency`](crate::Explain::recency) shows the
    /// factor.
    ///
    /// By meaning alone and by words alone the hits are exact, too: the best of all entries by the score that age leaves. A
    /// hybrid search applies it to those that it fuses. Ages are counted to now, by the clock of
    /// [`Builder::wall_clock`](crate::Builder::wall_clock).
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use std::time::Duration;
    /// # use rekall::{Mode, NewEntry, Recency, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// rekall.remember(NewEntry::new("The disk is full").created_at(1_600_000_000_000))?;
    /// rekall.remember(NewEntry::new("The disk is full"))?;
    /// let month = Duration::from_secs(30 * 86_400);
    /// let found = rekall.recall("disk").mode(Mode::Text).recency(Recency::new(month)).run()?;
    /// assert!(found[0].entry.created_at > found[1].entry.created_at);
    /// assert!(found[1].score < 0.6 * found[0].score);
    /// # Ok(())
    /// # }
    /// ```
    pub fn recency(mut self, recency: Recency) -> Self {
        self.options.recency = Some(recency);
        self
    }

    /// Chooses hits that are not all alike, by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): each hit is the
    /// candidate with the greatest `lambda * relevance - (1 - lambda) * redundancy`. Relevance is the score on a scale from
    /// the worst candidate (0) to the best (1); redundancy the similarity, 0 to 1, to the most similar hit before, by the stored
    /// vectors of the passages that were found. Default: hits may be as alike as they are.
    ///
    /// Lambda is 0 to 1: 1 leaves the order as it is, 0 asks for difference alone, and 0.7 is a good start. The candidates
    /// are the best 100 entries, or twice the limit if that is more; the limit is at most 1,000. Costs less than a
    /// millisecond for ten hits, and some hundred for 1,000. [`Explain::diversity`](crate::Explain::diversity) shows the parts.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// rekall.remember_with_vector(NewEntry::new("disk full"), &[1.0, 0.0])?;
    /// rekall.remember_with_vector(NewEntry::new("the disk is full"), &[1.0, 0.01])?;
    /// rekall.remember_with_vector(NewEntry::new("quota exceeded"), &[0.28, -0.96])?;
    /// let found = rekall.recall_vector(&[1.0, 0.0]).diversity(0.3).limit(2).run()?;
    /// assert_eq!(found[1].entry.title, "quota exceeded");
    /// # Ok(())
    /// # }
    /// ```
    pub fn diversity(mut self, lambda: f64) -> Self {
        self.options.diversity = Some(lambda);
        self
    }

    /// Lets a reranker judge the first `hits` hits: it reads the query and each hit's passage together, which is more exact than
    /// what found them, and costs a run of a network for each (`docs/models.md`). They come by its score, equal ones as they
    /// were before; other hits follow in their old order. More hits than the limit may be judged, up to 1,000: the best of
    /// them are the hits then. 0 judges none. Default: none. Takes a reranker
    /// ([`Builder::reranker`](crate::Builder::reranker)), and a query with a text.
    ///
    /// What is judged of a hit is the passage that it is about ([`Hit::passage`](crate::Hit::passage)) below the entry's
    /// title and the headings above it. It is the last step: filter, threshold, [`recency`](Self::recency) and
    /// [`diversity`](Self::diversity) decide which hits are judged, and have no part in their order then. Where the reranker
    /// cannot be loaded, or fails, the answer is that of the search without it, and says so
    /// ([`Degraded::NotReranked`](crate::Degraded::NotReranked)). [`Explain::rerank`](crate::Explain::rerank) shows score and
    /// rank before and after.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// let reranker = "hub:cross-encoder/ms-marco-MiniLM-L6-v2".parse()?;
    /// let rekall = Rekall::builder("knowledge.db").reranker(reranker).open()?;
    /// for hit in rekall.recall("why is the build slow?").rerank(30).limit(5).run()? {
    ///     println!("{:.2} {}", hit.score, hit.entry.title);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn rerank(mut self, hits: usize) -> Self {
        self.options.rerank = hits;
        self
    }

    /// Lets the last word of the query be the beginning of one, for a search while the user is typing.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # rekall.remember(NewEntry::new("Disk full on the build machine").project("ci"))?;
    /// assert_eq!(rekall.recall("bui").prefix().run()?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn prefix(mut self) -> Self {
        self.options.prefix = true;
        self
    }

    /// Leaves out entries that lack something that the query puts in quotes (`"..."`, `«...»`, `„...“`), as words side by
    /// side. Without this, quotes only put first what holds them. No effect in [`Mode::Semantic`], which reads no
    /// words, and on a query without quotes.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// rekall.remember(NewEntry::new("Disk full on the build machine"))?;
    /// rekall.remember(NewEntry::new("The disk of the build machine is full"))?;
    /// let query = "\"disk full\" build";
    /// assert_eq!(rekall.recall(query).run()?.len(), 2);
    /// assert_eq!(rekall.recall(query).require_quotes().run()?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn require_quotes(mut self) -> Self {
        self.options.require_quotes = true;
        self
    }

    /// Gives each hit that words found a piece of its text around them, with `before` and `after` put around
    /// each word. Costs some 50 microseconds a hit.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # rekall.remember(NewEntry::new("Disk full on the build machine").project("ci"))?;
    /// let found = rekall.recall("disk").snippets("<b>", "</b>").run()?;
    /// assert_eq!(found[0].snippet.as_deref(), Some("<b>Disk</b> full on the build machine"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn snippets(mut self, before: &'a str, after: &'a str) -> Self {
        self.options.snippets = Some((before, after));
        self
    }

    /// How long model and reranker stay loaded after this search. Default: as the memory was opened.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{KeepAlive, ModelState, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// rekall.remember(NewEntry::new("disk full"))?;
    /// rekall.recall("no space left").keep_alive(KeepAlive::Unload).run()?;
    /// assert_eq!(rekall.model_state(), ModelState::Unloaded);
    /// # Ok(())
    /// # }
    /// ```
    pub fn keep_alive(mut self, keep_alive: KeepAlive) -> Self {
        self.options.keep_alive = Some(keep_alive);
        self
    }

    /// Stops the search when the token is cancelled.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{CancelToken, ErrorKind, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # rekall.remember(NewEntry::new("Disk full on the build machine").project("ci"))?;
    /// let token = CancelToken::new();
    /// token.cancel();
    /// let stopped = rekall.recall("disk").cancel(&token).run();
    /// assert_eq!(stopped.err().map(|error| error.kind()), Some(ErrorKind::Interrupted));
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.options.cancel = Some(token.clone());
        self
    }

    /// Stops an older search of the same key that is still running, which then fails with
    /// [`Error::Superseded`]: for a field where the user is typing, or any caller that wants the newest
    /// answer only.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Error, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # rekall.remember(NewEntry::new("Disk full on the build machine").project("ci"))?;
    /// // At each key that the user presses, on a thread of its own.
    /// match rekall.recall("dis").prefix().supersede("search box").run() {
    ///     Ok(found) => println!("{} hits", found.len()),
    ///     Err(Error::Superseded { .. }) => {}
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn supersede(mut self, key: &'a str) -> Self {
        self.options.supersede = Some(key);
        self
    }
}

impl<'a> Recall<'a> {
    /// The query's vector, made by the host with the file's model; the text then only serves to find words.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
    /// let found = rekall.recall("disk").vector(&[0.6, 0.8]).run()?;
    /// assert!(found[0].explain.semantic.is_some() && found[0].explain.text.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn vector(mut self, vector: impl Into<Cow<'a, [f32]>>) -> Self {
        self.queries.vector = Some(vector.into());
        self
    }

    /// Searches.
    ///
    /// By meaning and by words the hits are exact (unless
    /// [`VectorBackend::Binary`](crate::VectorBackend::Binary) was asked for): the `limit` best of all
    /// entries that pass the filter, as the file is at this moment, with the writes of all processes. A hybrid search fuses
    /// the best by meaning and the best by words, 100 of each or `limit` if that is more: each of these
    /// counts with its true similarity, and with its words if it is among the best by words.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Degraded, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # rekall.remember(NewEntry::new("Disk full on the build machine").project("ci"))?;
    /// let found = rekall.recall("disk").run()?;
    /// assert_eq!(found[0].entry.title, "Disk full on the build machine");
    /// // There is no model, and the search says so.
    /// assert!(matches!(found.degraded[0], Degraded::Pending { count: 1, reason: Some(_) }));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::EmptyQuery`], [`Error::QueryTooLong`], [`Error::InvalidLimit`], [`Error::InvalidThreshold`],
    /// [`Error::InvalidWeights`], [`Error::InvalidRecency`], [`Error::InvalidDiversity`], [`Error::InvalidRerank`],
    /// [`Error::NoReranker`], [`Error::VectorLength`], [`Error::VectorValue`]; [`Error::Interrupted`], [`Error::Superseded`]; [`Error::Core`]. In
    /// [`Mode::Semantic`] also what keeps the query from being embedded, in a file without vectors, too: [`Error::NoModel`],
    /// [`Error::Model`], [`Error::ModelMismatch`], [`Error::UnknownQuery`].
    pub fn run(self) -> Result<Recalled, Error> {
        let mut found = search::run(self.rekall, &[self.queries], &self.options)?;
        // One query, one answer.
        Ok(found.swap_remove(0))
    }
}

impl<'a> Recall<'a, Vec<Query<'a>>> {
    /// Searches, and gives the hits of each query in order; as exact as for one. [`Recalled::elapsed`] is the
    /// time that all took.
    ///
    /// # Errors
    /// As for one query; one that fails fails them all.
    pub fn run(self) -> Result<Vec<Recalled>, Error> {
        search::run(self.rekall, &self.queries, &self.options)
    }
}
