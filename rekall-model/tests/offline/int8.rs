//! Models in eight bits are near the same models in floats, and as deterministic.

use rekall_model::{Embedder, ErrorKind, LoadOptions, ModelSource, Precision, check, load, load_reranker};

#[cfg(feature = "hub")]
use crate::common::copy_of;
use crate::common::{Golden, fixture};
use crate::network::{write_modern_network, write_network};
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
    for name in ["bert-tiny-mean", "xlmr-tiny-cls-f16", "camembert-tiny", "modernbert-tiny-mean"] {
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
    for write in [write_network, write_modern_network] {
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

/// A hub's cache that has a fixture as `owner/model`.
#[cfg(feature = "hub")]
fn cached(fixture_name: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let cache = tempfile::tempdir().unwrap();
    let model = cache.path().join("models--owner--model");
    let snapshot = model.join("snapshots/0123456789abcdef0123456789abcdef01234567");
    std::fs::create_dir_all(snapshot.parent().unwrap()).unwrap();
    std::fs::rename(copy_of(fixture_name).keep(), &snapshot).unwrap();
    std::fs::create_dir(model.join("refs")).unwrap();
    std::fs::write(model.join("refs/main"), "0123456789abcdef0123456789abcdef01234567").unwrap();
    (cache, model.join("rekall"))
}

#[cfg(feature = "hub")]
fn kept_file(folder: &std::path::Path) -> std::path::PathBuf {
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    let [file] = &files[..] else { panic!("one file, and none unfinished: {files:?}") };
    file.clone()
}

#[cfg(feature = "hub")]
#[test]
fn rounded_weights_are_kept_beside_the_cache_and_mapped_by_later_loads() {
    for name in ["bert-tiny-mean", "modernbert-tiny-mean"] {
        let (cache, folder) = cached(name);
        let source: ModelSource = "hub:owner/model".parse().unwrap();
        let options = int8().hub_cache(cache.path()).offline(true);
        load(&source, &options.clone().precision(Precision::F32)).unwrap();
        assert!(!folder.exists(), "nothing is kept of floats");
        let first = load(&source, &options).unwrap();
        let file = kept_file(&folder);
        let bytes = std::fs::read(&file).unwrap();
        let rows = first.embed_documents(&TEXTS).unwrap();
        let loaded = || {
            let model = load(&source, &options).unwrap();
            assert_eq!(model.embed_documents(&TEXTS).unwrap(), rows, "{name}");
            assert_eq!(model.fingerprint(), first.fingerprint());
        };
        // Its matrices are no memory of the process's own.
        let own = load(&source, &options).unwrap().memory_bytes();
        assert!(own < load(&ModelSource::Path(fixture(name)), &int8()).unwrap().memory_bytes(), "{name}");
        loaded();
        assert!(std::fs::read(&file).unwrap() == bytes, "{name}: not written again");
        // One that is damaged, cut or another is noticed and made anew.
        let mut damaged = bytes.clone();
        damaged[bytes.len() / 2] ^= 1;
        for wrong in [&damaged[..], &bytes[..bytes.len() - 1], &bytes[..10], b"", b"other"] {
            std::fs::remove_file(&file).unwrap();
            std::fs::write(&file, wrong).unwrap();
            loaded();
            assert!(std::fs::read(kept_file(&folder)).unwrap() == bytes, "{name}");
        }
        // What a killed process left goes, and what another one is writing stays.
        let (left, written) = (folder.join("1-0.unfinished"), folder.join("2-0.unfinished"));
        for unfinished in [&left, &written] {
            std::fs::write(unfinished, "").unwrap();
        }
        let day_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(86_400);
        std::fs::File::options().write(true).open(&left).unwrap().set_modified(day_ago).unwrap();
        std::fs::remove_file(&file).unwrap();
        loaded();
        assert!(!left.exists() && written.exists() && file.exists());
        // Where nothing can be kept, nothing is.
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::write(&folder, "a file in the place of the folder").unwrap();
        loaded();
        assert!(folder.is_file());
    }
}

#[cfg(feature = "hub")]
#[test]
fn rounded_weights_of_other_weights_are_not_used() {
    let (cache, folder) = cached("rerank-bert");
    let source: ModelSource = "hub:owner/model".parse().unwrap();
    let options = int8().hub_cache(cache.path()).offline(true);
    let scores = |source: &ModelSource, options: &LoadOptions| {
        load_reranker(source, options).unwrap().scores(TEXTS[0], &TEXTS).unwrap()
    };
    let exact = scores(&ModelSource::Path(fixture("rerank-bert")), &int8());
    assert_eq!(scores(&source, &options), exact);
    let kept = kept_file(&folder);
    assert_eq!(scores(&source, &options), exact, "of what was kept");
    // The same network with other numbers.
    let weights =
        folder.parent().unwrap().join("snapshots/0123456789abcdef0123456789abcdef01234567/model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    let matrix = {
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let name =
            tensors.names().into_iter().find(|name| name.ends_with("layer.0.output.dense.weight")).unwrap();
        let data = tensors.tensor(name).unwrap().data();
        let start = data.as_ptr() as usize - bytes.as_ptr() as usize;
        start..start + data.len()
    };
    // The lowest bit of each exponent: twice as much, or half.
    bytes[matrix].chunks_exact_mut(4).for_each(|number| number[2] ^= 0x80);
    std::fs::remove_file(&weights).unwrap();
    std::fs::write(&weights, bytes).unwrap();
    let other = scores(&source, &options);
    assert_ne!(other, exact);
    // Under the name of the others it is not believed.
    let new = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).find(|path| *path != kept);
    let new = new.unwrap();
    std::fs::copy(&kept, &new).unwrap();
    assert_eq!(scores(&source, &options), other);
}
