//! Rerankers give the scores of the reference implementation, `transformers`.
//!
//! The golden files are written by `golden/make_rerankers.py`.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rekall_model::{
    Error, ErrorKind, KeepAlive, LoadOptions, ManagerOptions, ModelManager, ModelSource, ModelState,
    Reranker, check_reranker, load, load_reranker,
};

use crate::common::{copy_of, fixture};

#[derive(serde::Deserialize)]
struct Golden {
    queries: Vec<String>,
    passages: Vec<String>,
    scores: Vec<Vec<f32>>,
}

fn golden(name: &str) -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn reranker(folder: &Path, options: &LoadOptions) -> Result<Arc<dyn Reranker>, Error> {
    load_reranker(&ModelSource::Path(folder.to_owned()), options)
}

#[test]
fn every_head_agrees() {
    for name in ["rerank-bert", "rerank-xlm-roberta", "rerank-modernbert"] {
        let golden = golden(name);
        let passages: Vec<&str> = golden.passages.iter().map(String::as_str).collect();
        let one = reranker(&fixture(name), &LoadOptions::new()).unwrap();
        let three = reranker(&fixture(name), &LoadOptions::new().max_threads(3)).unwrap();
        assert_eq!((one.model(), one.max_tokens().unwrap() < 48), (name, true));
        for (query, expected) in golden.queries.iter().zip(&golden.scores) {
            let scores = one.scores(query, &passages).unwrap();
            for ((passage, score), expected) in passages.iter().zip(&scores).zip(expected) {
                let off = (score - expected).abs();
                assert!(off <= 1e-5, "{name}: {query:?}, {passage:?}: {score} instead of {expected}");
                // The same bits alone.
                assert_eq!(one.scores(query, &[passage]).unwrap(), [*score], "{name}: {passage:?}");
            }
            let many: Vec<&str> = passages.iter().copied().cycle().take(300).collect();
            let repeated = three.scores(query, &many).unwrap();
            assert!(repeated.iter().zip(scores.iter().cycle()).all(|(a, b)| a == b), "{name}: {query:?}");
        }
        assert!(one.memory_bytes() > 10_000);
        assert!(one.scores("server", &[]).unwrap().is_empty());
    }
}

#[test]
fn work_is_reported_and_can_be_stopped() {
    let model = reranker(&fixture("rerank-bert"), &LoadOptions::new()).unwrap();
    let passages = ["the server error in the cache"; 500];
    let mut seen = Vec::new();
    let scores = model
        .scores_observed("server", &passages, &mut |progress| {
            seen.push(progress.texts);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(scores.len(), 500);
    assert!(
        seen.is_sorted() && seen.len() > 3 && seen.first() == Some(&0) && seen.last() == Some(&500),
        "{seen:?}"
    );
    let mut calls = 0;
    let stopped = model.scores_observed("server", &passages, &mut |_| {
        calls += 1;
        if calls == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let error = stopped.unwrap_err();
    assert!(matches!(error, Error::Cancelled { done, total: 500 } if done > 0 && done < 500), "{error}");
}

#[test]
fn what_is_no_reranker_is_refused() {
    let refusal = |folder: &Path| {
        let error = reranker(folder, &LoadOptions::new()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        // Said before the weights are read, too.
        let early = check_reranker(&ModelSource::Path(folder.to_owned()), &LoadOptions::new()).unwrap_err();
        assert_eq!(early.to_string(), error.to_string());
        error.to_string()
    };
    assert!(refusal(&fixture("bert-tiny-mean")).ends_with("got BertModel"));
    assert!(refusal(&fixture("static-f32")).contains("expected a transformer"));
    let labels = copy_of("rerank-bert");
    let path = labels.path().join("config.json");
    let config =
        std::fs::read_to_string(&path).unwrap().replace("\"0\": \"LABEL_0\"", "\"0\": \"a\", \"1\": \"b\"");
    std::fs::write(&path, config).unwrap();
    assert!(refusal(labels.path()).ends_with("got 2 labels"));
    let bundled = load_reranker(&ModelSource::Bundled, &LoadOptions::new()).err().unwrap();
    assert!(bundled.to_string().starts_with("bundled: expected a reranker"), "{bundled}");
    let missing = reranker(Path::new("no/such/folder"), &LoadOptions::new()).err().unwrap();
    assert!(missing.is_permanent() && missing.kind() == ErrorKind::NotFound);
    let short = reranker(&fixture("rerank-bert"), &LoadOptions::new().max_tokens(1)).err().unwrap();
    assert_eq!(short.kind(), ErrorKind::InvalidInput);

    // And a reranker makes no vectors.
    let error = load(&ModelSource::Path(fixture("rerank-bert")), &LoadOptions::new()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().ends_with("got BertForSequenceClassification, a reranker"), "{error}");
}

#[test]
fn a_head_that_is_missing_is_named() {
    let folder = copy_of("rerank-modernbert");
    let weights = folder.path().join("model.safetensors");
    let file = std::fs::read(&weights).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
    let without: Vec<_> =
        tensors.tensors().into_iter().filter(|(name, _)| name != "head.norm.weight").collect();
    std::fs::write(&weights, safetensors::serialize(without, None).unwrap()).unwrap();
    let error = reranker(folder.path(), &LoadOptions::new()).err().unwrap();
    assert!(error.to_string().contains("expected a tensor `head.norm.weight`"), "{error}");
}

#[test]
fn a_manager_holds_a_reranker_while_it_is_needed() {
    let source = ModelSource::Path(fixture("rerank-bert"));
    let minute = Duration::from_secs(60);
    let options = ManagerOptions::new().keep_alive(KeepAlive::For(minute));
    let manager = ModelManager::for_reranker(source, LoadOptions::new(), options);
    // Callers that come together share one load.
    let scores: Vec<Vec<f32>> = std::thread::scope(|scope| {
        let work = || manager.lease().unwrap().scores("server", &["the server error", "cache"]).unwrap();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(scores.iter().all(|one| *one == scores[0]));
    assert_eq!((manager.stats().loads, manager.state()), (1, ModelState::Ready));
    let lease = manager.lease().unwrap();
    assert_eq!(manager.unload_if_idle(Instant::now() + minute), None, "in use");
    let bytes = lease.memory_bytes();
    drop(lease);
    assert_eq!(manager.unload_if_idle(Instant::now()), None, "the minute is not over");
    assert_eq!(manager.unload_if_idle(Instant::now() + minute), Some(bytes));
    assert_eq!(manager.state(), ModelState::Unloaded);
    assert_eq!(manager.lease().unwrap().scores("server", &["the server error", "cache"]).unwrap(), scores[0]);
    assert_eq!(manager.stats().loads, 2);

    let vectors = ModelSource::Path(fixture("bert-tiny-mean"));
    let manager = ModelManager::for_reranker(vectors, LoadOptions::new(), ManagerOptions::new());
    assert!(manager.lease().unwrap_err().is_permanent());
    assert!(manager.last_failure().is_some_and(|error| error.kind() == ErrorKind::Unsupported));
}
