//! Upkeep that the host watches, and stops.

use std::sync::Arc;

use crate::common::WordModel;
use rekall::{CancelToken, Error, LongCall, NewEntry, Progress, Rekall, VectorBackend};

type Work<'a> = &'a dyn Fn(&mut dyn FnMut(Progress), &CancelToken) -> Result<(), Error>;

fn watched<'a, T>(
    call: LongCall<'a, T>,
    hear: &'a mut dyn FnMut(Progress),
    token: &CancelToken,
) -> Result<(), Error> {
    call.progress(hear).cancel(token).run().map(drop)
}

fn works(memory: &Rekall, run: impl Fn(&str, Work<'_>)) {
    run("check", &|hear, token| watched(memory.check(), hear, token));
    run("repair", &|hear, token| watched(memory.repair(), hear, token));
    run("compact", &|hear, token| watched(memory.compact(), hear, token));
    run("rebuild_index", &|hear, token| watched(memory.rebuild_index(), hear, token));
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
            work(&mut |at| told.push((at.done, at.total)), &CancelToken::new()).unwrap();
            assert!(told.last().is_some_and(|(done, total)| done == total), "{name}: {told:?}");

            let token = CancelToken::new();
            let mut words = 0;
            let mut stop = |_: Progress| {
                words += 1;
                token.cancel();
            };
            let stopped = work(&mut stop, &token);
            assert!(matches!(stopped, Err(Error::Interrupted)), "{name}: {stopped:?}");
            assert_eq!(words, 1, "{name}");
            let stopped = work(&mut |_| {}, &token);
            assert!(matches!(stopped, Err(Error::Interrupted)), "{name}: {stopped:?}");
            assert_eq!(answer(), before, "{name}, {backend:?}");
        });
        assert!(memory.check().run().unwrap().is_clean());
    }
}
