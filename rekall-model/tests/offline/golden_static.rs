//! Static models give the vectors of the reference implementation, Python's `model2vec`.
//!
//! The golden files are written by `golden/make_static.py` and, for other tokenizers and for sentence-transformers' own
//! static models, by `cargo xtask golden`.

use std::fs;
use std::path::{Path, PathBuf};

use rekall_model::{Embedder, Error, LoadOptions, ModelSource, load};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::common::{Golden, fixture};

/// Tolerance for `f32` results: both sides sum in `f32`, in other orders.
const TOLERANCE: f32 = 1e-5;

/// Compares all rows but those of texts of which no word is known, which the reference gives a vector of letters and
/// punctuation. Gives these texts.
fn check<'a>(model: &dyn Embedder, golden: &'a Golden, tolerance: f32) -> Vec<&'a str> {
    let mut wordless = Vec::new();
    assert_eq!(model.dimensions(), golden.dimensions);
    let texts: Vec<&str> = golden.texts.iter().map(String::as_str).collect();
    let report =
        model.embed_documents_observed(&texts, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    for (index, text) in texts.iter().enumerate() {
        assert_eq!(report.known_shares[index], model.known_share(text).unwrap(), "{text:?}");
        let expected = golden.unit_row(index).filter(|_| report.known_shares[index] != Some(0.0));
        let Some(expected) = expected else {
            assert!(report.unembeddable.contains(&index), "{text:?}");
            assert!(
                report.rows[index * model.dimensions()..][..model.dimensions()].iter().all(|&x| x == 0.0)
            );
            assert!(matches!(model.embed_query(text), Err(Error::Unembeddable { index: 0 })));
            wordless.push(*text);
            continue;
        };
        let row = report.row(index).unwrap();
        let worst = row.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= tolerance, "{}: {text:?} is off by {worst:e}", model.fingerprint().model());
        assert_eq!(model.embed_query(text).unwrap(), row, "{text:?} as a query");
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        assert!((norm - 1.0).abs() < 1e-5);
    }
    wordless
}

#[test]
fn every_number_format_with_and_without_weights() {
    for name in [
        "f32",
        "f32-weights",
        "int8",
        "int8-weights",
        "int4-weights",
        "mapping",
        "short",
        "raw",
        "f16",
        "f16-weights",
    ] {
        let name = format!("static-{name}");
        let model = load(&ModelSource::Path(fixture(&name)), &LoadOptions::default()).unwrap();
        let golden = Golden::read(&name);
        let wordless = check(&*model, &golden, TOLERANCE).len();
        assert!(2 * wordless < golden.texts.len(), "{name}: most rows are compared, {wordless} are not");
        if name.contains("f16") {
            // Python rounds mean and result to f16, eleven bits; we do not.
            check(&*model, &Golden::read(&format!("{name}-rounded")), 2.0_f32.powi(-10));
        }
    }
}

/// BPE over bytes, BPE with visible spaces, Unigram; each with fewer rows than tokens.
#[test]
fn every_kind_of_tokenizer_with_a_quantized_vocabulary() {
    for name in ["static-bpe-bytes-f16", "static-bpe-spaces", "static-unigram-int8"] {
        let model = load(&ModelSource::Path(fixture(name)), &LoadOptions::default()).unwrap();
        let golden = Golden::read(name);
        let wordless = check(&*model, &golden, TOLERANCE);
        assert!(wordless.contains(&"") && 2 * wordless.len() < golden.texts.len(), "{name}: {wordless:?}");
    }
}

/// Unknown tokens count, and nothing is cut: in the folder's layout of published models, and in that of new files.
#[test]
fn a_static_model_of_sentence_transformers() {
    let golden = Golden::read("static-embedding");
    let published = fixture("static-embedding");
    let flat = tempfile::tempdir().unwrap();
    for name in ["0_StaticEmbedding/model.safetensors", "0_StaticEmbedding/tokenizer.json"] {
        let from = published.join(name);
        fs::copy(&from, flat.path().join(from.file_name().unwrap())).unwrap();
    }
    let config = "config_sentence_transformers.json";
    fs::copy(published.join(config), flat.path().join(config)).unwrap();
    for folder in [published.as_path(), flat.path()] {
        let model = load(&ModelSource::Path(folder.to_owned()), &LoadOptions::default()).unwrap();
        assert_eq!(check(&*model, &golden, TOLERANCE), ["☃", ""]);
        assert_eq!(model.max_tokens(), None);
        assert!(model.fingerprint().as_str().contains("pooling=mean;"), "{}", model.fingerprint());
    }
    // A tokenizer that cuts is let cut.
    let tokenizer = flat.path().join("tokenizer.json");
    let text = fs::read_to_string(&tokenizer).unwrap();
    let cut = r#""truncation":{"direction":"Right","max_length":2,"strategy":"LongestFirst","stride":0}"#;
    assert!(text.contains("\"truncation\":null") || text.contains("\"truncation\": null"));
    let text = text.replace("\"truncation\":null", cut).replace("\"truncation\": null", cut);
    fs::write(&tokenizer, text).unwrap();
    let model = load(&ModelSource::Path(flat.path().to_owned()), &LoadOptions::default()).unwrap();
    assert_eq!(model.max_tokens(), Some(2));
    assert_eq!(model.embed_query("disk full page").unwrap(), model.embed_query("disk full").unwrap());
}

#[test]
fn f16_rows_are_read_exactly() {
    // The same numbers in f32 and f16 files differ by the file's rounding alone.
    let load = |name| load(&ModelSource::Path(fixture(name)), &LoadOptions::default()).unwrap();
    let (wide, narrow) = (load("static-f32"), load("static-f16"));
    let (a, b) = (wide.embed_query("server error").unwrap(), narrow.embed_query("server error").unwrap());
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-3));
    assert_ne!(wide.fingerprint(), narrow.fingerprint());
}

#[cfg(feature = "bundled-model")]
#[test]
fn bundled_model() {
    let model = load(&ModelSource::Bundled, &LoadOptions::default()).unwrap();
    let golden = Golden::read("static-fren");
    assert_eq!(check(&*model, &golden, TOLERANCE), ["?", "..."], "of which no word is known");
    assert_eq!(model.memory_bytes(), 0, "the bundled model lies in the executable");
}

/// A folder of this repository with a model that is or was built in.
fn built_in(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

#[cfg(feature = "bundled-model")]
#[test]
fn bundled_model_is_the_folder_s() {
    let bundled = load(&ModelSource::Bundled, &LoadOptions::default()).unwrap();
    let path = load(&ModelSource::Path(built_in("data/static-fren")), &LoadOptions::default()).unwrap();
    check(&*path, &Golden::read("static-fren"), TOLERANCE);
    assert!(bundled.fingerprint().same_space(path.fingerprint()));
    assert_ne!(bundled.fingerprint(), path.fingerprint(), "the name is the folder's");
    assert_eq!(path.fingerprint().bundled_model(), Some(ModelSource::Bundled));
}

#[test]
fn the_first_bundled_model_is_still_read_from_its_folder() {
    let path =
        load(&ModelSource::Path(built_in("../rekall-model-v1/data")), &LoadOptions::default()).unwrap();
    let many = "a".repeat(64);
    assert_eq!(check(&*path, &Golden::read("static-fren-v1"), TOLERANCE), ["?", "...", &many]);
    assert_eq!(path.fingerprint().bundled_model(), Some(ModelSource::BundledV1));
}

#[cfg(feature = "bundled-model-v1")]
#[test]
fn the_first_bundled_model_is_the_folder_s() {
    let bundled = load(&ModelSource::BundledV1, &LoadOptions::default()).unwrap();
    let path =
        load(&ModelSource::Path(built_in("../rekall-model-v1/data")), &LoadOptions::default()).unwrap();
    check(&*bundled, &Golden::read("static-fren-v1"), TOLERANCE);
    assert!(bundled.fingerprint().same_space(path.fingerprint()));
    assert_eq!(bundled.memory_bytes(), 0, "it lies in the executable");
}

/// What `model2vec` reads: the same model with a byte for each number.
#[test]
fn a_model_with_four_bits_is_that_with_eight() {
    for (packed, texts) in [
        (fixture("static-int4-weights"), "static-int4-weights"),
        (built_in("data/static-fren"), "static-fren"),
    ] {
        let wide = tempfile::tempdir().unwrap();
        for file in ["config.json", "tokenizer.json"] {
            fs::copy(packed.join(file), wide.path().join(file)).unwrap();
        }
        let file = fs::read(packed.join("model.safetensors")).unwrap();
        let tensors = SafeTensors::deserialize(&file).unwrap();
        let (rows, weights) = (tensors.tensor("embeddings_i4").unwrap(), tensors.tensor("weights").unwrap());
        let bytes = rows.shape()[1];
        let halves = |row: &[u8]| {
            let low = row.iter().map(|byte| (byte & 15).wrapping_sub(8));
            low.chain(row.iter().map(|byte| (byte >> 4).wrapping_sub(8))).collect::<Vec<u8>>()
        };
        let numbers: Vec<u8> = rows.data().chunks(bytes).flat_map(halves).collect();
        let shape = vec![rows.shape()[0], 2 * bytes];
        let views =
            [("embeddings", TensorView::new(Dtype::I8, shape, &numbers).unwrap()), ("weights", weights)];
        fs::write(wide.path().join("model.safetensors"), safetensors::serialize(views, None).unwrap())
            .unwrap();

        let of =
            |folder: &Path| load(&ModelSource::Path(folder.to_owned()), &LoadOptions::default()).unwrap();
        let (packed, wide) = (of(&packed), of(wide.path()));
        assert!(
            packed.fingerprint().same_space(wide.fingerprint()),
            "{} and {}",
            packed.fingerprint(),
            wide.fingerprint()
        );
        for text in &Golden::read(texts).texts {
            match (packed.embed_query(text), wide.embed_query(text)) {
                (Ok(a), Ok(b)) => assert_eq!(a, b, "{text:?}"),
                (a, b) => assert!(a.is_err() && b.is_err(), "{text:?}"),
            }
        }
    }
}

/// What the model is for has a share near 1; what only falls into its pieces has none, or little.
#[cfg(feature = "bundled-model")]
#[test]
fn a_text_without_a_known_word_has_no_vector_and_one_known_in_part_says_how_much() {
    let model = load(&ModelSource::Bundled, &LoadOptions::default()).unwrap();
    let share = |text| model.known_share(text).unwrap().unwrap();
    for text in [
        "",
        " \n",
        "—",
        "!!! ???",
        "_ / # @ \u{2022} \u{2192} « » …",
        "🎉",
        "高血压",
        "猫は可愛い",
        "Привет",
        "שלום",
        "zzz",
        "qwxzv kjrtp mnbvc",
    ] {
        assert_eq!(share(text), 0.0, "{text:?}");
        assert!(matches!(model.embed_query(text), Err(Error::Unembeddable { index: 0 })), "{text:?}");
    }
    let hash = "3f2a9c0b77d1e5f8a6b4c2d0e9f8a7b6";
    assert!(matches!(model.embed_documents(&["a server", hash]), Err(Error::Unembeddable { index: 1 })));
    for text in ["iVBORw0KGgoAAAANSUhEUgAAAAUA", "aGVsbG8gd29ybGQgdGhpcyBpcyBiYXNlNjQ="] {
        assert!(share(text) < 0.5, "{text}: {}", share(text));
    }
    for text in ["Le serveur ne répond plus après la mise à jour.", "the browser blocks my API call", "a 3 é"]
    {
        assert!(share(text) > 0.9, "{text}: {}", share(text));
    }
    assert!((0.3..0.9).contains(&share("qwxzv server")), "{}", share("qwxzv server"));
    let half = share("server Привет");
    assert_eq!(half, 0.5);
}
