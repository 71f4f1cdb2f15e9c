//! A reranker judges the first hits: their order, what it reads of them, and what happens where it cannot.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{FixedClock, Memory, WordModel, memory_with};
use rekall::model::{Error as ModelError, Progress};
use rekall::{
    Builder, CancelToken, Context, Degraded, Error, ErrorKind, Event, Mode, ModelSource, ModelState,
    NewEntry, Query, Recalled, Recency, Rekall, Reranker, Role,
};

/// What is answered in the place of scores.
type Failure = fn(&[&str]) -> Result<Vec<f32>, ModelError>;

/// Prefers passages with many exclamation marks, and notes what it was asked.
#[derive(Default)]
struct Loud {
    asked: Mutex<Vec<(String, Vec<String>)>>,
    failure: Mutex<Option<Failure>>,
    /// Cancelled once so many passages are done.
    cancelled: Mutex<Option<(CancelToken, usize)>>,
    done: AtomicUsize,
}

impl Loud {
    fn fail(&self, how: Failure) {
        *self.failure.lock().unwrap() = Some(how);
    }

    fn passages(&self) -> Vec<String> {
        self.asked.lock().unwrap().drain(..).flat_map(|(_, passages)| passages).collect()
    }
}

impl Reranker for Loud {
    fn model(&self) -> &str {
        "loud"
    }
    fn max_tokens(&self) -> Option<usize> {
        None
    }
    fn scores(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>, ModelError> {
        if let Some(fail) = *self.failure.lock().unwrap() {
            return fail(passages);
        }
        let owned = passages.iter().map(|&passage| passage.to_owned()).collect();
        self.asked.lock().unwrap().push((query.to_owned(), owned));
        Ok(passages.iter().map(|passage| passage.matches('!').count() as f32 - 1.0).collect())
    }
    fn scores_observed(
        &self,
        query: &str,
        passages: &[&str],
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Vec<f32>, ModelError> {
        let mut scores = Vec::new();
        // In batches of two.
        for batch in passages.chunks(2) {
            let done = scores.len();
            if let Some((token, after)) = &*self.cancelled.lock().unwrap()
                && *after <= done
            {
                token.cancel();
            }
            if observe(Progress { texts: done, total: passages.len(), tokens: 0 }).is_break() {
                return Err(ModelError::Cancelled { done, total: passages.len() });
            }
            scores.extend(self.scores(query, batch)?);
            self.done.fetch_add(batch.len(), Ordering::Relaxed);
        }
        Ok(scores)
    }
    fn memory_bytes(&self) -> usize {
        77
    }
}

fn loud() -> (Memory, Arc<Loud>) {
    let reranker = Arc::new(Loud::default());
    let given = Arc::clone(&reranker);
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(16))).own_reranker(given));
    (memory, reranker)
}

/// Notes that are found in their order, with so many exclamation marks.
fn remember(memory: &Rekall, marks: &[usize]) {
    for (at, &marks) in marks.iter().enumerate() {
        let filler = "other ".repeat(at);
        memory.remember(NewEntry::new(format!("n{at} disk {filler}{}", "!".repeat(marks)))).unwrap();
    }
}

fn names(found: &Recalled) -> Vec<&str> {
    found.iter().map(|hit| hit.entry.title.split(' ').next().unwrap()).collect()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rekall-model/tests/fixtures").join(name)
}

#[test]
fn the_first_hits_come_by_the_rerankers_score_and_the_others_as_they_were() {
    let (memory, reranker) = loud();
    remember(&memory, &[0, 2, 1, 2, 3]);
    for mode in [Mode::Text, Mode::Hybrid] {
        let plain = memory.recall("disk").mode(mode).run().unwrap();
        assert!(plain.iter().all(|hit| hit.explain.rerank.is_none()));
        let found = memory.recall("disk").mode(mode).rerank(4).run().unwrap();
        let before = names(&plain);
        let mut expected = before[..4].to_vec();
        let marks = |name: &str| [0, 2, 1, 2, 3][name[1..].parse::<usize>().unwrap()];
        expected.sort_by_key(|name| std::cmp::Reverse(marks(name)));
        expected.push(before[4]);
        assert_eq!(names(&found), expected, "{mode:?}: equal ones as they were");
        assert!(found.degraded.iter().all(|why| !matches!(why, Degraded::NotReranked { .. })));
        for (at, hit) in found.iter().enumerate() {
            let old = plain.iter().position(|old| old.entry.id == hit.entry.id).unwrap();
            if at == 4 {
                assert_eq!((hit, at), (&plain[4], old));
                continue;
            }
            let explained = hit.explain.rerank.unwrap();
            assert_eq!((explained.rank, explained.rank_before), (at + 1, old + 1));
            assert_eq!((explained.score, explained.score_before), (hit.score, plain[old].score));
            assert_eq!(hit.score, f64::from(marks(before[old])) - 1.0);
            assert_eq!(hit.similarity, plain[old].similarity);
        }
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!(json["hits"][0]["explain"]["rerank"]["rank"], 1);
        assert!(json["hits"][4]["explain"].get("rerank").is_none());
    }
    assert!(reranker.asked.lock().unwrap().iter().all(|(query, _)| query == "disk"));
}

#[test]
fn none_all_or_more_than_the_limit() {
    let (memory, reranker) = loud();
    remember(&memory, &[0, 0, 0, 0, 0, 1]);
    let titles = |limit, hits| {
        let found = memory.recall("disk").mode(Mode::Text).limit(limit).rerank(hits).run().unwrap();
        names(&found).iter().map(|&name| name.to_owned()).collect::<Vec<_>>()
    };
    let plain = titles(6, 0);
    assert_eq!(reranker.passages().len(), 0, "0 asks for nothing");
    assert_eq!(plain, ["n0", "n1", "n2", "n3", "n4", "n5"]);
    assert_eq!(titles(6, 1), plain);
    assert_eq!(titles(2, 5), plain[..2]);
    assert_eq!(titles(2, 6), ["n5", "n0"], "more are judged than wanted");
    assert_eq!(reranker.passages().len(), 1 + 5 + 6);
    assert_eq!(titles(10, 1000), ["n5", "n0", "n1", "n2", "n3", "n4"]);
    assert_eq!(reranker.passages().len(), 6, "those that there are");
    let refused = memory.recall("disk").rerank(1001).run().unwrap_err();
    assert!(matches!(refused, Error::InvalidRerank { max: 1000, got: 1001 }), "{refused}");
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    assert!(memory.recall("nothing of the kind").mode(Mode::Text).rerank(5).run().unwrap().is_empty());
    assert_eq!(reranker.passages().len(), 0);
}

#[test]
fn what_is_judged_is_the_passage_below_its_title() {
    let (memory, reranker) = loud();
    let long = "One sentence of many. ".repeat(30);
    let content = format!("# Install\n{long}\n## On Linux\n{long}A zebra there.\n# Use\n{long}");
    memory.remember(NewEntry::new("Guide").content(content).tags(["tagged"])).unwrap();
    let context = Context { solution: Some("Ask the giraffe".to_owned()), ..Context::default() };
    memory.remember(NewEntry::new("Short").content("An okapi.").context(context)).unwrap();
    let judged = |query: &str| {
        let found = memory.recall(query).mode(Mode::Text).rerank(1).run().unwrap();
        assert_eq!(found.len(), 1);
        (found[0].passage().unwrap().as_str().to_owned(), reranker.passages().pop().unwrap())
    };
    let (passage, text) = judged("zebra");
    assert!(passage.contains("zebra") && !passage.contains("Guide"), "{passage}");
    assert!(text.starts_with("Guide > Install") && text.ends_with(&passage), "{text}");
    assert_eq!(judged("okapi"), ("Short\nAn okapi.".to_owned(), "Short\nAn okapi.".to_owned()));
    let (passage, text) = judged("giraffe");
    assert_eq!(text, format!("Short\n{passage}"));
    assert!(passage.contains("giraffe"));

    // A host's vector stands for the whole summary, and so does the hit.
    let reranker = Arc::new(Loud::default());
    let given = Arc::clone(&reranker);
    let memory = memory_with(|builder| builder.vectors_of("host", 2).own_reranker(given));
    memory.remember_with_vector(NewEntry::new("Guide").content(&*long.repeat(4)), &[1.0, 0.0]).unwrap();
    let found = memory.recall("zebra").vector(&[1.0, 0.0]).mode(Mode::Semantic).rerank(1).run().unwrap();
    let text = reranker.passages().pop().unwrap();
    assert_eq!(text, found[0].passage().unwrap().as_str());
    assert_eq!(found[0].chunk.map(|chunk| (chunk.role, chunk.start)), Some((Role::Summary, 0)));
    assert!(text.len() > 4 * long.len() && text.starts_with("Guide\nOne sentence"));
}

#[test]
fn threshold_recency_and_diversity_decide_what_is_judged() {
    const DAY: i64 = 86_400_000;
    let clock = FixedClock::at(1_800_000_000_000);
    let reranker = Arc::new(Loud::default());
    let given = Arc::clone(&reranker);
    let memory =
        memory_with(|builder| builder.vectors_of("host", 2).own_reranker(given).wall_clock(clock.clone()));
    let remember = |title: &str, days: i64, vector: [f32; 2]| {
        let entry = NewEntry::new(title).created_at(1_800_000_000_000 - days * DAY);
        memory.remember_with_vector(entry, &vector).unwrap();
    };
    remember("old disk !!", 100, [1.0, 0.0]);
    remember("like disk !!!", 0, [1.0, 0.01]);
    remember("near disk !", 0, [0.9, 0.3]);
    remember("far disk !!!!", 0, [0.0, 1.0]);
    let recall = || memory.recall("disk").vector(&[1.0, 0.0]).mode(Mode::Semantic);
    assert_eq!(names(&recall().run().unwrap()), ["old", "like", "near", "far"]);
    // What is below the threshold is no hit, however loud.
    assert_eq!(names(&recall().threshold(0.5).rerank(10).run().unwrap()), ["like", "old", "near"]);
    // Age takes the old one out of the first two, and has no part in the order of these.
    let recency = Recency::new(Duration::from_secs(86_400));
    let found = recall().recency(recency).rerank(2).run().unwrap();
    assert_eq!(names(&found), ["like", "near", "old", "far"]);
    let found = recall().recency(recency).rerank(3).run().unwrap();
    assert_eq!(names(&found), ["like", "old", "near", "far"]);
    assert!(found[1].explain.recency.unwrap().factor < 0.6);
    // Of two that are alike one is chosen, and ordered by what the reranker says of it.
    let found = recall().diversity(0.2).limit(2).rerank(2).run().unwrap();
    assert_eq!(names(&found), ["far", "old"]);
    let explained = (found[0].explain.diversity.unwrap(), found[0].explain.rerank.unwrap());
    assert_eq!((explained.0.total(), explained.1.rank_before), (explained.1.score_before, 2));
}

#[test]
fn a_batch_and_snippets_and_a_newer_search() {
    let (memory, _) = loud();
    remember(&memory, &[0, 1]);
    let alone = memory.recall("disk").rerank(2).limit(1).snippets("<", ">").run().unwrap();
    assert_eq!(names(&alone), ["n1"]);
    assert_eq!(alone[0].snippet.as_deref(), Some("n1 <disk> other !"));
    let both = memory.recall_batch(["disk", "other"]).rerank(2).limit(1).snippets("<", ">").run().unwrap();
    assert_eq!(both[0].hits, alone.hits);
    assert_eq!(both[1][0].explain.rerank.unwrap().rank, 1);
    // There is no text to judge by.
    let vector = memory.embed("disk", rekall::Purpose::Query).unwrap();
    let refused = memory.recall_vector(&vector).rerank(1).run().unwrap_err();
    assert!(matches!(refused, Error::EmptyQuery), "{refused}");
    let with_text = memory.recall_batch([Query::with_vector("disk", &vector)]).rerank(1).run().unwrap();
    assert!(with_text[0][0].explain.rerank.is_some());
    assert!(memory.recall_vector(&vector).rerank(0).run().is_ok());
}

#[test]
fn without_a_reranker_the_error_says_what_to_set() {
    let memory = memory_with(Builder::without_model);
    memory.remember(NewEntry::new("disk")).unwrap();
    let refused = memory.recall("disk").rerank(5).run().unwrap_err();
    assert!(matches!(refused, Error::NoReranker), "{refused}");
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    assert!(refused.to_string().contains("Builder::reranker"), "{refused}");
    assert!(matches!(memory.load_reranker(), Err(Error::NoReranker)));
    assert_eq!(memory.recall("disk").rerank(0).run().unwrap().len(), 1);
    assert_eq!(memory.reranker_state(), ModelState::Unloaded);
}

#[test]
fn a_reranker_that_fails_leaves_the_answer_as_it_is() {
    let (memory, reranker) = loud();
    // More than a hybrid search looks at by itself: were the failure met only after it had looked deeper, scores would differ.
    remember(&memory, &vec![1; 140]);
    let failures: [(Failure, &str); 3] = [
        (|_| Err(ModelError::Compute { reason: "out of order".into() }), "out of order"),
        (|passages| Ok(vec![f32::NAN; passages.len()]), "the reranker loud gave a score of NaN"),
        (|_| Ok(vec![0.0]), "the reranker loud gave 65 scores for 130 passages"),
    ];
    for mode in [Mode::Text, Mode::Hybrid] {
        let plain = memory.recall("disk").mode(mode).run().unwrap();
        for (fail, why) in failures {
            reranker.fail(fail);
            let found = memory.recall("disk").mode(mode).rerank(130).run().unwrap();
            assert_eq!(found.hits, plain.hits, "{mode:?}, {why}");
            let [Degraded::NotReranked { reason }] = &found.degraded[..] else {
                panic!("{:?}", found.degraded)
            };
            assert!(reason.contains(why), "{reason}");
            assert_eq!(found.degraded[0].to_string(), format!("not re-ranked: {reason}"));
            let both = memory.recall_batch(["disk", "other"]).mode(mode).rerank(130).run().unwrap();
            assert_eq!(both[0].hits, plain.hits);
            assert!(both.iter().all(|found| matches!(found.degraded[..], [Degraded::NotReranked { .. }])));
        }
    }
    // One that stops the call stops it.
    reranker.fail(|_| Err(ModelError::Cancelled { done: 0, total: 1 }));
    let stopped = memory.recall("disk").rerank(5).run().unwrap_err();
    assert!(matches!(stopped, Error::Interrupted), "{stopped}");
}

#[test]
fn a_cancelled_search_stops_between_two_batches() {
    let (memory, reranker) = loud();
    remember(&memory, &[0; 10]);
    let token = CancelToken::new();
    *reranker.cancelled.lock().unwrap() = Some((token.clone(), 4));
    let stopped = memory.recall("disk").rerank(10).cancel(&token).run().unwrap_err();
    assert!(matches!(stopped, Error::Interrupted), "{stopped}");
    assert_eq!(reranker.done.load(Ordering::Relaxed), 4);
    // A newer search of the same key counts, too.
    *reranker.cancelled.lock().unwrap() = None;
    let found = memory.recall("disk").rerank(10).supersede("box").run().unwrap();
    assert_eq!(found.len(), 10);
}

#[test]
fn a_reranker_that_cannot_be_had_is_told_and_opening_can_refuse_it() {
    let missing = tempfile::tempdir().unwrap().path().join("gone");
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&events);
    let source = ModelSource::Path(missing);
    let memory = memory_with(|builder| {
        let builder = builder.without_model().reranker(source.clone());
        builder.on_event(move |event| heard.lock().unwrap().push(event.clone()))
    });
    memory.remember(NewEntry::new("disk")).unwrap();
    for _ in 0..2 {
        let found = memory.recall("disk").mode(Mode::Text).rerank(5).run().unwrap();
        assert_eq!(found.len(), 1);
        assert!(matches!(&found.degraded[..], [Degraded::NotReranked { reason }] if reason.contains("gone")));
    }
    let failed =
        |event: &Event| matches!(event, Event::ModelLoadFailed { model, .. } if *model == source.to_string());
    assert_eq!(events.lock().unwrap().iter().filter(|event| failed(event)).count(), 2, "each time anew");
    // Whether for good says the error.
    assert_eq!(memory.load_reranker().unwrap_err().kind(), ErrorKind::InvalidModel);
    let vectors = ModelSource::Path(fixture("static-f32"));
    for (source, kind) in [
        (source, ErrorKind::InvalidModel),
        (vectors, ErrorKind::Unsupported),
        (ModelSource::Bundled, ErrorKind::InvalidInput),
    ] {
        let new = memory.path().with_file_name("new.db");
        let builder = || Rekall::builder(&new).without_model().reranker(source.clone());
        assert_eq!(builder().check_model().open().unwrap_err().kind(), kind, "{source}");
        assert!(!new.exists());
    }
}

#[cfg(feature = "transformer")]
mod with_a_cross_encoder {
    use rekall::model::LoadOptions;
    use rekall::{Config, KeepAlive};

    use super::*;

    fn of_fixture(builder: Builder) -> Builder {
        builder.without_model().reranker(ModelSource::Path(fixture("rerank-bert")))
    }

    fn notes(memory: &Rekall) {
        for title in
            ["the server error in the cache", "the server", "the cache of the server", "error error server"]
        {
            memory.remember(NewEntry::new(title)).unwrap();
        }
    }

    #[test]
    fn its_scores_make_the_order() {
        let memory = memory_with(of_fixture);
        notes(&memory);
        let found = memory.recall("server").mode(Mode::Text).rerank(4).run().unwrap();
        let alone =
            rekall::model::load_reranker(&ModelSource::Path(fixture("rerank-bert")), &LoadOptions::new())
                .unwrap();
        let scores = found.iter().map(|hit| alone.scores("server", &[&hit.entry.title]).unwrap()[0]);
        let scores: Vec<f64> = scores.map(f64::from).collect();
        assert_eq!(found.iter().map(|hit| hit.score).collect::<Vec<_>>(), scores);
        assert!(
            found.len() == 4 && scores.is_sorted_by(|a, b| a >= b) && scores[0] > scores[3],
            "{scores:?}"
        );
        // In eight bits others, and still near.
        let int8 = "[reranker]\nprecision = 'int8'".parse::<Config>().unwrap();
        let rounded = memory.again(|builder| of_fixture(builder.config(int8)));
        let found = rounded.recall("server").mode(Mode::Text).rerank(4).run().unwrap();
        let near: Vec<f64> = found.iter().map(|hit| hit.score).collect();
        assert!(
            near != scores && near.iter().zip(&scores).all(|(a, b)| (a - b).abs() < 0.1),
            "{near:?} {scores:?}"
        );
    }

    #[test]
    fn it_is_loaded_late_once_and_let_go_when_idle() {
        let clock = Arc::new(rekall::cache::ManualClock::new());
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&events);
        let minute = Duration::from_secs(60);
        let memory = memory_with(|builder| {
            let builder =
                of_fixture(builder).model_idle_timeout(minute).clock(SharedClock(Arc::clone(&clock)));
            builder.on_event(move |event| heard.lock().unwrap().push(event.clone()))
        });
        notes(&memory);
        memory.recall("server").run().unwrap();
        assert_eq!((memory.reranker_state(), memory.next_deadline()), (ModelState::Unloaded, None));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| memory.recall("server").mode(Mode::Text).rerank(4).run().unwrap());
            }
        });
        let loads = || {
            let loaded = |event: &&Event| matches!(event, Event::ModelLoaded { .. });
            events.lock().unwrap().iter().filter(loaded).count()
        };
        assert_eq!((memory.reranker_state(), loads()), (ModelState::Ready, 1));
        let stats = memory.stats().unwrap();
        assert!(stats.memory.reranker > 10_000 && stats.reranker.unwrap().ends_with("rerank-bert"));
        let now = || rekall::cache::Clock::now(&*clock);
        clock.advance(minute / 2);
        assert_eq!(memory.unload_if_idle(now()), None);
        memory.touch_model();
        clock.advance(minute / 2);
        assert_eq!(memory.unload_if_idle(now()), None);
        let deadline = memory.next_deadline().unwrap();
        clock.advance(deadline.saturating_duration_since(now()));
        assert!(memory.unload_if_idle(now()).unwrap() > 10_000);
        assert_eq!(
            (memory.reranker_state(), memory.stats().unwrap().memory.reranker),
            (ModelState::Unloaded, 0)
        );

        let once = memory.recall("server").mode(Mode::Text).rerank(4).keep_alive(KeepAlive::Unload);
        once.run().unwrap();
        assert_eq!((memory.reranker_state(), loads()), (ModelState::Unloaded, 2));
        memory.load_reranker().unwrap();
        assert_eq!(memory.reranker_state(), ModelState::Ready);
        memory.release_memory();
        assert_eq!(memory.reranker_state(), ModelState::Unloaded);
        memory.load_reranker().unwrap();
        assert!(matches!(memory.unload_reranker(), rekall::UnloadOutcome::Done { .. }));
    }

    struct SharedClock(Arc<rekall::cache::ManualClock>);

    impl rekall::cache::Clock for SharedClock {
        fn now(&self) -> std::time::Instant {
            self.0.now()
        }
    }

    #[test]
    fn the_settings_name_one() {
        let toml = format!("[reranker]\nsource = 'path:{}'", fixture("rerank-bert").display());
        let config: Config = toml.parse().unwrap();
        let memory = memory_with(|builder| builder.without_model().config(config));
        notes(&memory);
        let found = memory.recall("server").mode(Mode::Text).rerank(4).run().unwrap();
        assert!(found.degraded.is_empty() && found[0].explain.rerank.is_some());
    }
}
