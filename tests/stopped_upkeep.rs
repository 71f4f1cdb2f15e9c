//! Upkeep that the host watches, and stops.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::WordModel;
use rekall::{CancelToken, Error, NewEntry, Progress, Rekall, VectorBackend, Watch};

type Work<'a> = &'a dyn Fn(Watch<'_>) -> Result<(), Error>;

fn works(memory: &Rekall, run: impl Fn(&str, Work<'_>)) {
    run("check", &|watch| memory.check(watch).map(drop));
    run("repair", &|watch| memory.repair(watch).map(drop));
    run("compact", &|watch| memory.compact(watch).map(drop));
    run("rebuild_index", &|watch| memory.rebuild_index(watch));
}

#[test]
fn upkeep_is_watched_and_stopped_and_changes_no_answer() {
    let mut backends = vec![VectorBackend::Auto, VectorBackend::Sq8];
    backends.extend(cfg!(feature = "sqlite-vec").then_some(VectorBackend::SqliteVec));
    for backend in backends {
        let folder = tempfile::tempdir().unwrap();
        let builder = Rekall::builder(folder.path().join("a.db")).embedder(Arc::new(WordModel::new(32)));
        let memory = builder.vector_backend(backend).open().unwrap();
        let notes: Vec<NewEntry> =
            (0..200).map(|number| NewEntry::new(format!("alpha{} beta{}", number % 7, number))).collect();
        memory.remember_many(&notes).run().unwrap();
        let answer = || -> Vec<_> {
            let hits = memory.recall("alpha3 beta10").run().unwrap();
            hits.iter().map(|hit| (hit.entry.id, hit.similarity.map(f32::to_bits))).collect()
        };
        let before = answer();
        works(&memory, |name, work| {
            let mut told = Vec::new();
            work(Watch::new().progress(&mut |at: Progress| told.push((at.done, at.total)))).unwrap();
            assert!(told.last().is_some_and(|(done, total)| done == total), "{name}: {told:?}");

            let token = CancelToken::new();
            let mut words = 0;
            let mut stop = |_: Progress| {
                words += 1;
                token.cancel();
            };
            let stopped = work(Watch::new().progress(&mut stop).cancel(&token));
            assert!(matches!(stopped, Err(Error::Interrupted)), "{name}: {stopped:?}");
            assert_eq!(words, 1, "{name}");
            let stopped = work(Watch::new().cancel(&token));
            assert!(matches!(stopped, Err(Error::Interrupted)), "{name}: {stopped:?}");
            assert_eq!(answer(), before, "{name}, {backend:?}");
        });
        assert!(memory.check(Watch::new()).unwrap().is_clean());
    }
}
