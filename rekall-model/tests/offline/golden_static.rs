//! Static models give the vectors of the reference implementation, Python's `model2vec`.
//!
//! The golden files are written by `golden/make_static.py`.

use rekall_model::{Embedder, Error, LoadOptions, ModelSource, load};

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
    for name in
        ["f32", "f32-weights", "int8", "int8-weights", "mapping", "short", "raw", "f16", "f16-weights"]
    {
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
    let many = "a".repeat(64);
    assert_eq!(check(&*model, &golden, TOLERANCE), ["?", "...", &many], "of which no word is known");
    assert_eq!(model.memory_bytes(), 0, "the bundled model lies in the executable");
}

#[cfg(feature = "bundled-model")]
#[test]
fn bundled_model_is_the_folder_s() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/static-fren");
    let bundled = load(&ModelSource::Bundled, &LoadOptions::default()).unwrap();
    let path = load(&ModelSource::Path(folder), &LoadOptions::default()).unwrap();
    check(&*path, &Golden::read("static-fren"), TOLERANCE);
    assert!(bundled.fingerprint().same_space(path.fingerprint()));
    assert_ne!(bundled.fingerprint(), path.fingerprint(), "the name is the folder's");
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
        assert!(share(text) < 0.3, "{text}: {}", share(text));
    }
    for text in ["Le serveur ne répond plus après la mise à jour.", "the browser blocks my API call", "a 3 é"]
    {
        assert_eq!(share(text), 1.0, "{text}");
    }
    assert!((0.3..0.9).contains(&share("kubernetes")), "{}", share("kubernetes"));
    let half = share("server Привет");
    assert_eq!(half, 0.5);
}
