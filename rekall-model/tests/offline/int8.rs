//! Models in eight bits are near the same models in floats, and as deterministic.

use rekall_model::{Embedder, ErrorKind, LoadOptions, ModelSource, Precision, check, load, load_reranker};

use crate::common::{Golden, fixture};
use crate::network::{write_decoder_network, write_modern_network, write_network};
use crate::real_model::real_model;

const TEXTS: [&str; 6] = [
    "the server error",
    "le serveur",
    "base memory cache file",
    "The disk is full, the page is not.",
    "token login page 12",
    "cache",
];

fn int8() -> LoadOptions {
    LoadOptions::new().precision(Precision::Int8)
}

/// The least cosine between the rows of two models.
fn least_cosine(rows: &[f32], others: &[f32], dimensions: usize) -> f64 {
    let pairs = rows.chunks(dimensions).zip(others.chunks(dimensions));
    let cosine = |(a, b): (&[f32], &[f32])| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    pairs.map(cosine).fold(1.0, f64::min)
}

fn assert_same_bits_however_computed(one: &dyn Embedder, three: &dyn Embedder) {
    let rows = one.embed_documents(&TEXTS).unwrap();
    let many: Vec<&str> = TEXTS.into_iter().cycle().take(300).collect();
    let many = three.embed_documents(&many).unwrap();
    for (index, row) in rows.chunks(one.dimensions()).enumerate() {
        assert_eq!(one.embed_documents(&[TEXTS[index]]).unwrap(), row, "alone");
        assert_eq!(three.embed_documents(&[TEXTS[index]]).unwrap(), row, "alone, on three threads");
        let far = (index + 48 * TEXTS.len()) * one.dimensions();
        assert_eq!(many[far..][..one.dimensions()], *row, "among many");
    }
}

#[test]
fn every_architecture_is_near_its_floats() {
    for name in [
        "bert-tiny-mean",
        "xlmr-tiny-cls-f16",
        "camembert-tiny",
        "modernbert-tiny-mean",
        "distilbert-tiny",
        "mpnet-tiny",
        "nomic-bert-tiny",
        "gte-tiny",
        "jina-bert-tiny",
        "qwen3-tiny",
        "gemma3-tiny",
    ] {
        let source = ModelSource::Path(fixture(name));
        let float = load(&source, &LoadOptions::new()).unwrap();
        let one = load(&source, &int8()).unwrap();
        let three = load(&source, &int8().max_threads(3)).unwrap();
        let (exact, rounded) = (float.embed_documents(&TEXTS).unwrap(), one.embed_documents(&TEXTS).unwrap());
        let cosine = least_cosine(&exact, &rounded, one.dimensions());
        assert!(cosine > 0.995 && exact != rounded, "{name}: {cosine}");
        assert_same_bits_however_computed(&*one, &*three);
        assert!(!one.fingerprint().same_space(float.fingerprint()), "{name}");
        assert!(one.fingerprint().as_str().contains("; precision=int8; pooling="), "{}", one.fingerprint());
        assert_eq!(one.fingerprint(), three.fingerprint());
        assert!(!float.fingerprint().as_str().contains("precision"), "stored texts stay as they are");
        check(&source, &int8()).unwrap();
    }
}

/// Wide enough that the threads share a text's matrices.
#[test]
fn shared_matrices_have_the_same_bits() {
    for write in [write_network, write_modern_network, write_decoder_network] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 6, 96);
        let source = ModelSource::Path(folder.path().to_owned());
        let one = load(&source, &int8()).unwrap();
        let float = load(&source, &LoadOptions::new()).unwrap();
        assert_same_bits_however_computed(&*one, &*load(&source, &int8().max_threads(3)).unwrap());
        let (small, large) = (one.memory_bytes(), float.memory_bytes());
        assert!(small * 3 < large, "{small} {large}");
    }
}

#[test]
fn rerankers_too() {
    for name in ["rerank-bert", "rerank-xlm-roberta", "rerank-modernbert"] {
        let source = ModelSource::Path(fixture(name));
        let float = load_reranker(&source, &LoadOptions::new()).unwrap();
        let rounded = load_reranker(&source, &int8()).unwrap();
        let exact = float.scores(TEXTS[0], &TEXTS).unwrap();
        let scores = rounded.scores(TEXTS[0], &TEXTS).unwrap();
        let worst = exact.iter().zip(&scores).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let spread =
            exact.iter().copied().fold(f32::MIN, f32::max) - exact.iter().copied().fold(f32::MAX, f32::min);
        assert!(worst > 0.0 && worst < 0.1 * spread, "{name}: {worst} of {spread}");
    }
}

#[test]
fn what_has_no_eight_bits_says_so() {
    let source = ModelSource::Path(fixture("static-f32"));
    let error = load(&source, &int8()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("got int8 for a static model"), "{error}");
    #[cfg(feature = "candle")]
    {
        let source = ModelSource::Path(fixture("bert-tiny-mean"));
        let error = load(&source, &int8().device(rekall_model::Device::CandleCpu)).err().unwrap();
        assert!(error.to_string().contains("got int8 for device CandleCpu"), "{error}");
    }
}

#[test]
fn all_minilm_is_near_the_reference() {
    let Some((source, options)) = real_model("sentence-transformers/all-MiniLM-L6-v2") else { return };
    let model = load(&source, &options.precision(Precision::Int8)).unwrap();
    let golden = Golden::read("all-MiniLM-L6-v2");
    let texts: Vec<&str> = golden.texts.iter().map(String::as_str).collect();
    let mut cosines = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let Ok(row) = model.embed_query(text) else { continue };
        cosines.push(least_cosine(&row, &golden.unit_row(index).unwrap(), model.dimensions()));
    }
    let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
    let least = cosines.iter().copied().fold(1.0, f64::min);
    assert!(mean > 0.995 && least > 0.98, "{mean}, the least {least}");
}
