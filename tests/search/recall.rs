//! What a search promises: everything is searched, in one order, with filters before the limit.

use std::sync::{Arc, Mutex, mpsc};

use crate::common::{Memory, WordModel, memory, memory_with};
use rekall::{
    CancelToken, Context, Degraded, Embedder, EntryPatch, ErrorKind, Filter, Mode, NewEntry, Query, Rekall,
    Role, Status, VectorBackend,
};

fn titles(found: &rekall::Recalled) -> Vec<&str> {
    found.iter().map(|hit| hit.entry.title.as_str()).collect()
}

#[test]
fn more_entries_than_the_cache_holds_are_all_searched() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(16))).cache_max_size(1000));
    let notes: Vec<NewEntry> = (0..1200).map(|n| NewEntry::new(format!("note number{n}"))).collect();
    let ids = memory.remember_many(&notes).run().unwrap();
    for _ in 0..2 {
        let found = memory.recall("note number0").mode(Mode::Semantic).limit(1).run().unwrap();
        assert_eq!(found[0].entry.id, ids[0]);
        assert!((found[0].similarity.unwrap() - 1.0).abs() < 1e-6);
    }
}

#[test]
fn as_many_hits_come_back_as_match() {
    let memory = memory();
    let notes: Vec<NewEntry> = (0..50)
        .map(|n| NewEntry::new(format!("note {n}")).project(if n == 7 { "rare" } else { "common" }))
        .collect();
    memory.remember_many(&notes).run().unwrap();
    for mode in [Mode::Semantic, Mode::Hybrid, Mode::Text] {
        let rare = Filter::new().project("rare");
        let found = memory.recall("note").mode(mode).filter(rare).limit(5).run().unwrap();
        assert_eq!(titles(&found), ["note 7"], "{mode:?}");
        assert_eq!(memory.recall("note").mode(mode).limit(200).run().unwrap().len(), 50, "{mode:?}");
        let nobody = Filter::new().project("nobody");
        assert!(memory.recall("note").mode(mode).filter(nobody).run().unwrap().is_empty(), "{mode:?}");
    }
}

#[test]
fn equal_hits_come_in_the_order_of_their_ids() {
    let memory = memory();
    let notes: Vec<NewEntry> = (0..40).map(|_| NewEntry::new("the same words")).collect();
    let ids = memory.remember_many(&notes).run().unwrap();
    for mode in [Mode::Semantic, Mode::Hybrid, Mode::Text] {
        for limit in [1, 7, 39, 40, 41] {
            let found = memory.recall("same words").mode(mode).limit(limit).run().unwrap();
            let found: Vec<_> = found.iter().map(|hit| hit.entry.id).collect();
            assert_eq!(found, ids[..limit.min(40)], "{mode:?} {limit}");
        }
    }
}

#[test]
fn an_update_is_found_by_its_new_text_and_embedded_only_when_the_text_changed() {
    let memory = memory();
    let id = memory.remember(NewEntry::new("disk full")).unwrap();
    memory.remember(NewEntry::new("login token")).unwrap();
    memory.update(id, &EntryPatch::new().title("stale cache")).unwrap();
    let found = memory.recall("stale cache").mode(Mode::Semantic).limit(1).run().unwrap();
    assert_eq!((found[0].entry.id, found[0].similarity.unwrap().round()), (id, 1.0));

    // A model that answers no more would show if anything else than text were embedded.
    let path = memory.path().to_owned();
    drop(memory.rekall);
    let reopened = Rekall::builder(path).vectors_of("words", 16).open().unwrap();
    reopened.update(id, &EntryPatch::new().kind("bug").confidence(5)).unwrap();
    assert_eq!(reopened.stats().unwrap().store.pending, 0);
    assert_eq!(reopened.stats().unwrap().store.vectors, 2);
}

#[test]
fn obsolete_entries_are_found_only_when_asked_for() {
    let memory = memory();
    let old = memory.remember(NewEntry::new("retry login")).unwrap();
    let new = memory.remember(NewEntry::new("retry login twice")).unwrap();
    let patch = EntryPatch::new().status(Status::Obsolete).superseded_by(Some(new));
    memory.update(old, &patch).unwrap();
    for mode in [Mode::Semantic, Mode::Text, Mode::Hybrid] {
        let recall = || memory.recall("retry login").mode(mode);
        assert_eq!(titles(&recall().run().unwrap()), ["retry login twice"]);
        assert_eq!(recall().filter(Filter::new().any_status()).run().unwrap().len(), 2);
        let only = Filter::new().status(Status::Obsolete);
        assert_eq!(titles(&recall().filter(only).run().unwrap()), ["retry login"]);
    }
    memory.forget(new).unwrap();
    assert_eq!(memory.get(old).unwrap().superseded_by, None);
}

#[test]
fn the_context_is_searched_too_and_told_apart() {
    let memory = memory();
    let context = Context {
        situation: Some("port blocked".into()),
        error_messages: vec!["ETIMEDOUT".into()],
        ..Context::default()
    };
    memory.remember(NewEntry::new("vpn notes").context(context)).unwrap();
    memory.remember(NewEntry::new("disk full")).unwrap();
    let found = memory.recall("port blocked ETIMEDOUT").mode(Mode::Semantic).limit(1).run().unwrap();
    assert_eq!(titles(&found), ["vpn notes"]);
    assert_eq!(found[0].chunk.unwrap().role, Role::Context);
    let summary =
        memory.recall("port blocked").mode(Mode::Semantic).role(Role::Summary).limit(2).run().unwrap();
    assert!(summary.iter().all(|hit| hit.chunk.unwrap().role == Role::Summary));
    assert_eq!(titles(&memory.recall("etimedout").mode(Mode::Text).run().unwrap()), ["vpn notes"]);
}

#[test]
fn any_text_is_a_query() {
    let memory = memory();
    memory.remember(NewEntry::new("C++ foo-bar what's up")).unwrap();
    let long = "long ".repeat(2_000);
    for query in
        ["C++", "foo-bar", "what's up", "\"", "a\"b", "NEAR(", "x*", "🦀", "{}", "--", "' OR 1=1", &long]
    {
        for mode in [Mode::Text, Mode::Semantic, Mode::Hybrid] {
            memory
                .recall(query)
                .mode(mode)
                .run()
                .unwrap_or_else(|error| panic!("{query:?} {mode:?}: {error}"));
        }
    }
    assert_eq!(memory.recall("C++").mode(Mode::Text).run().unwrap().len(), 1);
}

#[test]
fn similar_entries_leave_out_the_entry_itself() {
    let memory = memory();
    let id = memory.remember(NewEntry::new("disk full again")).unwrap();
    let twin = memory.remember(NewEntry::new("disk full again")).unwrap();
    memory.remember(NewEntry::new("login token stale")).unwrap();
    let found = memory.similar_to(id).run().unwrap();
    assert_eq!(found.iter().map(|hit| hit.entry.id).collect::<Vec<_>>(), [twin]);
    assert_eq!(memory.similar_to(id).threshold(-1.0).run().unwrap().len(), 2);
}

#[test]
fn vectors_can_be_handed_in_and_searched_without_a_model() {
    let memory = memory_with(|builder| builder.vectors_of("mine", 3));
    let north = memory.remember_with_vector(NewEntry::new("north"), &[0.0, 2.0, 0.0]).unwrap();
    let east = memory.remember_with_vector(NewEntry::new("east"), &[5.0, 0.0, 0.0]).unwrap();
    let found = memory.recall_vector(&[0.3, 9.0, 0.0]).run().unwrap();
    assert_eq!(found.iter().map(|hit| hit.entry.id).collect::<Vec<_>>(), [north, east]);
    let found = memory.recall("east").run().unwrap();
    assert_eq!(found[0].entry.id, east);
    assert!(matches!(found.degraded[0], Degraded::WordsOnly { .. }));
    let both = memory.recall("east").vector(&[0.0, 1.0, 0.0]).run().unwrap();
    assert!(both.degraded.is_empty());
    assert_eq!(both.len(), 2);
    let error = memory.recall("east").mode(Mode::Semantic).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ModelUnavailable);
}

#[test]
fn hybrid_hits_explain_both_retrievers() {
    let memory = memory();
    memory.remember(NewEntry::new("disk full")).unwrap();
    memory.remember(NewEntry::new("login token")).unwrap();
    let found = memory.recall("disk full").run().unwrap();
    let explain = found[0].explain;
    assert_eq!((explain.semantic.unwrap().rank, explain.text.unwrap().rank), (1, 1));
    assert!(explain.text.unwrap().score > 0.0, "BM25 is greater for better hits");
    assert_eq!(found[1].explain.text, None);
    assert!(found[1].similarity.is_some());
    let near = memory.recall("disk full").threshold(0.9).run().unwrap();
    assert_eq!(titles(&near), ["disk full"]);
}

#[test]
fn another_models_vectors_are_never_compared() {
    let memory = memory();
    memory.remember(NewEntry::new("disk full")).unwrap();
    let path = memory.path().to_owned();
    drop(memory.rekall);
    let other = WordModel::named("other words", 16);
    let reopened = Rekall::builder(path).embedder(Arc::new(other)).open().unwrap();
    let error = reopened.recall("disk").mode(Mode::Semantic).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ModelMismatch);
    let found = reopened.recall("disk").run().unwrap();
    assert_eq!(titles(&found), ["disk full"]);
    assert!(matches!(found.degraded[0], Degraded::WordsOnly { .. }));
    // What is remembered meanwhile waits for its vectors and is found by words.
    reopened.remember(NewEntry::new("disk empty")).unwrap();
    let found = reopened.recall("empty").run().unwrap();
    assert_eq!(found.len(), 1);
    let why = "the file's vectors were made by words";
    assert!(found.degraded.iter().any(
        |degraded| matches!(degraded, Degraded::Pending { count: 1, reason: Some(reason) } if reason.starts_with(why))
    ));
    assert!(reopened.stats().unwrap().pending_reason.unwrap().starts_with(why));
}

#[test]
fn a_cancelled_search_and_a_cancelled_batch_stop() {
    let memory = memory();
    memory.remember(NewEntry::new("disk full")).unwrap();
    let token = CancelToken::new();
    token.cancel();
    let error = memory.recall("disk").cancel(&token).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    let notes = [NewEntry::new("a"), NewEntry::new("b")];
    let error = memory.remember_many(&notes).cancel(&token).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert_eq!(memory.stats().unwrap().store.entries, 1);
}

#[test]
fn two_memories_share_nothing() {
    let (one, two): (Memory, Memory) = (memory(), memory());
    one.remember(NewEntry::new("disk full")).unwrap();
    two.remember(NewEntry::new("login token")).unwrap();
    assert_eq!(titles(&one.recall("anything").mode(Mode::Semantic).run().unwrap()), ["disk full"]);
    assert_eq!(titles(&two.recall("anything").mode(Mode::Semantic).run().unwrap()), ["login token"]);
}

#[test]
fn results_are_the_same_bits_on_any_number_of_threads() {
    let notes: Vec<NewEntry> =
        (0..6_000).map(|n| NewEntry::new(format!("w{} w{} w{}", n % 91, n % 83, n % 7))).collect();
    let mut answers = Vec::new();
    for threads in [1, 2, 8] {
        let memory =
            memory_with(|builder| builder.embedder(Arc::new(WordModel::new(16))).search_threads(threads));
        memory.remember_many(&notes).run().unwrap();
        let found = memory.recall("w5 w6 w1").mode(Mode::Semantic).limit(100).run().unwrap();
        let bits: Vec<(String, u32)> =
            found.iter().map(|hit| (hit.entry.title.clone(), hit.similarity.unwrap().to_bits())).collect();
        answers.push(bits);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

#[test]
fn a_batch_gives_each_query_what_it_would_get_alone() {
    let memory = memory();
    let notes: Vec<NewEntry> = (0..120)
        .map(|n| NewEntry::new(format!("note {} of {}", n % 11, n % 7)).project(["a", "b"][n % 2]))
        .collect();
    memory.remember_many(&notes).run().unwrap();
    let vector = memory.embed("note 3", rekall::Purpose::Query).unwrap();
    let texts = ["note 3", "of 5", "nothing known", "note 10 of 6", "note 3"];
    for mode in [Mode::Hybrid, Mode::Semantic, Mode::Text] {
        for limit in [1, 9, 200] {
            let filter = Filter::new().project("a");
            let batch = memory.recall_batch(texts).mode(mode).limit(limit).filter(filter.clone());
            let batch = batch.run().unwrap();
            assert_eq!(batch.len(), texts.len());
            for (text, found) in texts.iter().zip(&batch) {
                let alone = memory.recall(text).mode(mode).limit(limit).filter(filter.clone()).run().unwrap();
                assert_eq!(found.hits, alone.hits, "{mode:?} {limit} {text}");
                assert_eq!(found.degraded, alone.degraded, "{mode:?} {limit} {text}");
            }
        }
    }
    let mixed = [Query::from("note 3"), Query::from(&vector[..]), Query::with_vector("of 5", &vector)];
    let found = memory.recall_batch(mixed).limit(5).run().unwrap();
    assert_eq!(found[0].hits, memory.recall("note 3").limit(5).run().unwrap().hits);
    assert_eq!(found[1].hits, memory.recall_vector(&vector).limit(5).run().unwrap().hits);
    assert_eq!(found[2].hits, memory.recall("of 5").vector(&vector).limit(5).run().unwrap().hits);
    assert!(memory.recall_batch(Vec::<&str>::new()).run().unwrap().is_empty());
    let error = memory.recall_batch(["note", " "]).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}

#[test]
fn a_newer_search_of_the_same_key_stops_the_older_one() {
    // Holds the older search while its query is embedded, until the newer one has begun.
    struct Held(WordModel, mpsc::Sender<()>, Mutex<mpsc::Receiver<()>>);
    impl Embedder for Held {
        fn fingerprint(&self) -> &rekall::model::Fingerprint {
            self.0.fingerprint()
        }
        fn dimensions(&self) -> usize {
            self.0.dimensions()
        }
        fn max_tokens(&self) -> Option<usize> {
            Embedder::max_tokens(&self.0)
        }
        fn count_tokens(&self, text: &str) -> Result<usize, rekall::model::Error> {
            self.0.count_tokens(text)
        }
        fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, rekall::model::Error> {
            self.0.embed_documents(texts)
        }
        fn embed_query(&self, text: &str) -> Result<Vec<f32>, rekall::model::Error> {
            if text == "older" {
                self.1.send(()).unwrap();
                self.2.lock().unwrap().recv().unwrap();
            }
            self.0.embed_query(text)
        }
        fn memory_bytes(&self) -> usize {
            0
        }
    }
    let (begun, has_begun) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel();
    let model = Held(WordModel::new(16), begun, Mutex::new(may_go_on));
    let memory = memory_with(|builder| builder.embedder(Arc::new(model)));
    memory.remember(NewEntry::new("some note")).unwrap();
    std::thread::scope(|scope| {
        let older = scope.spawn(|| memory.recall("older").supersede("field").run());
        has_begun.recv().unwrap();
        memory.recall("note").supersede("another field").run().unwrap();
        assert_eq!(memory.recall("note").supersede("field").run().unwrap().len(), 1);
        go_on.send(()).unwrap();
        let error = older.join().unwrap().unwrap_err();
        assert!(matches!(&error, rekall::Error::Superseded { key } if key == "field"), "{error}");
        assert_eq!(error.kind(), ErrorKind::Interrupted);
    });
    assert_eq!(memory.recall("note").supersede("field").run().unwrap().len(), 1, "its turn is over");
}

#[test]
fn the_self_test_tells_exact_from_approximate() {
    let memory = memory();
    let notes: Vec<NewEntry> =
        (0..600).map(|n| NewEntry::new(format!("a{} b{} c{}", n % 17, n % 23, n % 5))).collect();
    assert_eq!(memory.audit_index(10, 5).run().unwrap().queries, 0, "an empty file");
    memory.remember_many(&notes).run().unwrap();
    let report = |backend, rescored| {
        let opened = Rekall::builder(memory.path())
            .embedder(Arc::new(WordModel::new(16)))
            .vector_backend(backend)
            .rescored_rows(rescored)
            .open()
            .unwrap();
        opened.audit_index(50, 10).run().unwrap()
    };
    for backend in [VectorBackend::Flat, VectorBackend::Sq8] {
        let report = report(backend, 1);
        assert_eq!((report.queries, report.k, report.rows), (50, 10, 600));
        assert_eq!((report.recall, report.worst, report.differing), (1.0, 1.0, 0), "{report:?}");
        assert!(report.is_exact());
    }
    // Sixteen sign bits tell so many entries apart badly; ten times as many rows rescored, better.
    let (few, many) = (report(VectorBackend::Binary, 40), report(VectorBackend::Binary, 400));
    assert!(!few.is_exact() && few.recall < many.recall && many.recall <= 1.0, "{few:?} {many:?}");
    assert!(few.worst <= few.recall && few.recall > 0.2, "{few:?}");
    assert!(report(VectorBackend::Binary, 600).is_exact());
    let error = memory.audit_index(0, 10).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let token = CancelToken::new();
    token.cancel();
    let error = memory.audit_index(5, 5).cancel(&token).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
}

#[test]
fn a_threshold_leaves_the_scores_as_they_are() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(64))));
    // The best by words, for its rare one, is far away by meaning, so that a threshold takes it out.
    memory.remember(NewEntry::new("zebra one two three four five")).unwrap();
    for number in 0..8 {
        memory.remember(NewEntry::new(format!("disk full n{number}"))).unwrap();
    }
    let all = memory.recall("disk full zebra").limit(20).run().unwrap();
    let some = memory.recall("disk full zebra").limit(20).threshold(0.5).run().unwrap();
    assert!(all.len() == 9 && some.len() == 8);
    for hit in &some {
        let same = all.iter().find(|other| other.entry.id == hit.entry.id).unwrap();
        assert_eq!(hit.score, same.score);
    }
}

#[test]
fn similar_entries_say_what_cannot_be_found() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(64))));
    let id = memory.remember(NewEntry::new("disk full")).unwrap();
    assert!(memory.similar_to(id).run().unwrap().degraded.is_empty());
    let other = rekall::Rekall::builder(memory.path()).without_model().open().unwrap();
    other.remember(NewEntry::new("disk full, too")).unwrap();
    let found = memory.similar_to(id).run().unwrap();
    assert_eq!(found.degraded, [rekall::Degraded::Pending { count: 1, reason: None }]);
}

#[test]
fn an_approximate_index_that_grew_answers_as_one_filled_anew() {
    let binary = |builder: rekall::Builder| {
        let builder = builder.embedder(Arc::new(WordModel::new(32))).rescored_rows(1);
        builder.vector_backend(rekall::VectorBackend::Binary)
    };
    let memory = memory_with(binary);
    let answers = |rekall: &rekall::Rekall| -> Vec<_> {
        let query = |n: usize| format!("disk{} cache{}", n % 9, n % 14);
        let search = |n| rekall.recall(query(n)).mode(Mode::Semantic).limit(5).run().unwrap();
        (0..40).map(search).map(|found| found.iter().map(|hit| hit.entry.id).collect::<Vec<_>>()).collect()
    };
    for part in 0..11 {
        // Searched in between, so that the index is there and grows.
        let notes: Vec<NewEntry> = (part * 100..part * 100 + 100)
            .map(|n| NewEntry::new(format!("disk{} cache{} port{} n{n}", n % 9, n % 14, n % 23)))
            .collect();
        memory.remember_many(&notes).run().unwrap();
        answers(&memory);
    }
    // Four times as many as make a mean: it was filled anew just now, as by another process.
    let other = binary(rekall::Rekall::builder(memory.path())).open().unwrap();
    assert_eq!(answers(&memory), answers(&other));
}
