//! Static models give the vectors of the reference implementation, Python's `model2vec`.
//!
//! The golden files are written by `golden/make_static.py`.

use rekall_model::{Embedder, Error, LoadOptions, ModelSource, load};

use crate::common::{Golden, fixture};

/// Tolerance for `f32` results: both sides sum in `f32`, in other orders.
const TOLERANCE: f32 = 1e-5;

fn check(model: &dyn Embedder, golden: &Golden, tolerance: f32) {
    assert_eq!(model.dimensions(), golden.dimensions);
    let texts: Vec<&str> = golden.texts.iter().map(String::as_str).collect();
    let report =
        model.embed_documents_observed(&texts, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    for (index, text) in texts.iter().enumerate() {
        let expected = golden.unit_row(index);
        let Some(expected) = expected else {
            assert!(report.unembeddable.contains(&index), "{text:?}");
            assert!(matches!(model.embed_query(text), Err(Error::Unembeddable { index: 0 })));
            continue;
        };
        let row = report.row(index).unwrap();
        let worst = row.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= tolerance, "{}: {text:?} is off by {worst:e}", model.fingerprint().model());
        assert_eq!(model.embed_query(text).unwrap(), row, "{text:?} as a query");
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        assert!((norm - 1.0).abs() < 1e-5);
    }
}

#[test]
fn every_number_format_with_and_without_weights() {
    for name in
        ["f32", "f32-weights", "int8", "int8-weights", "mapping", "short", "raw", "f16", "f16-weights"]
    {
        let name = format!("static-{name}");
        let model = load(&ModelSource::Path(fixture(&name)), &LoadOptions::default()).unwrap();
        check(&*model, &Golden::read(&name), TOLERANCE);
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
    check(&*model, &Golden::read("static-fren"), TOLERANCE);
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
