//! Packed matrices of hub models are kept in a file that later loads map, and that nobody has to trust.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rekall_model::{LoadOptions, ModelSource, Precision, load, load_reranker};
use tempfile::TempDir;

use crate::common::{copy_of, fixture};
use crate::network::write_network;

const TEXTS: [&str; 4] =
    ["the server error", "base memory cache file", "The disk is full, the page is not.", "cache"];

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Int8];

fn model() -> ModelSource {
    "hub:owner/model".parse().unwrap()
}

fn in_cache(cache: &TempDir, precision: Precision) -> LoadOptions {
    LoadOptions::new().precision(precision).hub_cache(cache.path()).offline(true)
}

/// A hub's cache that has a fixture as `owner/model`.
fn cached(fixture_name: &str) -> (TempDir, PathBuf) {
    in_a_cache(copy_of(fixture_name))
}

/// A hub's cache that has a folder's files as `owner/model`.
fn in_a_cache(files: TempDir) -> (TempDir, PathBuf) {
    let cache = tempfile::tempdir().unwrap();
    let model = cache.path().join("models--owner--model");
    let snapshot = model.join("snapshots/0123456789abcdef0123456789abcdef01234567");
    std::fs::create_dir_all(snapshot.parent().unwrap()).unwrap();
    std::fs::rename(files.keep(), &snapshot).unwrap();
    std::fs::create_dir(model.join("refs")).unwrap();
    std::fs::write(model.join("refs/main"), "0123456789abcdef0123456789abcdef01234567").unwrap();
    (cache, model.join("rekall"))
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect()
}

/// Matrices of a mapped file are as many as those in memory, whoever counts bytes on the heap.
#[test]
fn a_text_is_divided_among_threads_that_share_kept_matrices() {
    for precision in PRECISIONS {
        let files = tempfile::tempdir().unwrap();
        write_network(files.path(), 6, 1_000);
        std::fs::create_dir(files.path().join("1_Pooling")).unwrap();
        let pooling = r#"{"word_embedding_dimension": 384, "pooling_mode_mean_tokens": true}"#;
        std::fs::write(files.path().join("1_Pooling/config.json"), pooling).unwrap();
        let (cache, kept) = in_a_cache(files);
        let loaded = |threads| load(&model(), &in_cache(&cache, precision).max_threads(threads)).unwrap();
        // Short, because what a long text needs is given back after it.
        let text = TEXTS[2];
        let (one, two) = (loaded(1), loaded(2));
        assert_eq!(files_in(&kept).len(), 1);
        let expected = one.embed_query(text).unwrap();
        // The other thread has intermediate results of its own, which count once it is done with its part.
        let has_more = (0..200).any(|_| {
            assert_eq!(two.embed_query(text).unwrap(), expected, "{precision}");
            two.memory_bytes() > one.memory_bytes()
        });
        assert!(has_more, "{precision}: {} bytes with any number of threads", one.memory_bytes());
    }
}

fn kept_file(folder: &Path) -> PathBuf {
    let files = files_in(folder);
    let [file] = &files[..] else { panic!("one file, and none unfinished: {files:?}") };
    file.clone()
}

/// A sound file whose index has a matrix under another name.
fn without_a_matrix(file: &[u8]) -> Vec<u8> {
    let (content, _) = file.split_at(file.len() - 32);
    let (content, length) = content.split_last_chunk::<8>().unwrap();
    let (matrices, index) = content.split_at(content.len() - u64::from_le_bytes(*length) as usize);
    let index = String::from_utf8(index.to_vec()).unwrap();
    let other = index.replacen("layer", "Layer", 1);
    assert_ne!(other, index);
    let content = [matrices, other.as_bytes(), length].concat();
    let digest = blake3::hash(&content);
    [&content[..], digest.as_bytes()].concat()
}

fn last_used(file: &Path, days_ago: u64) {
    let time = SystemTime::now() - Duration::from_hours(24 * days_ago);
    std::fs::File::options().append(true).open(file).unwrap().set_modified(time).unwrap();
}

fn age(file: &Path) -> Duration {
    SystemTime::now().duration_since(file.metadata().unwrap().modified().unwrap()).unwrap_or_default()
}

#[test]
fn matrices_are_kept_beside_the_cache_and_mapped_by_later_loads() {
    for (name, precision) in
        ["bert-tiny-mean", "modernbert-tiny-mean", "qwen3-tiny", "gemma3-tiny", "int8-w8a8"]
            .into_iter()
            .flat_map(|name| PRECISIONS.map(|p| (name, p)))
    {
        let (cache, folder) = cached(name);
        let options = in_cache(&cache, precision);
        let first = load(&model(), &options).unwrap();
        let file = kept_file(&folder);
        let bytes = std::fs::read(&file).unwrap();
        let rows = first.embed_documents(&TEXTS).unwrap();
        let in_folder =
            load(&ModelSource::Path(fixture(name)), &LoadOptions::new().precision(precision)).unwrap();
        assert_eq!(in_folder.embed_documents(&TEXTS).unwrap(), rows, "{name}, {precision}");
        // Its matrices are no memory of a process's own, of the first one neither.
        assert!(first.memory_bytes() < in_folder.memory_bytes(), "{name}, {precision}");
        let loaded = || {
            let model = load(&model(), &options).unwrap();
            assert_eq!(model.embed_documents(&TEXTS).unwrap(), rows, "{name}, {precision}");
            assert_eq!(model.fingerprint(), first.fingerprint());
            assert!(model.memory_bytes() < in_folder.memory_bytes(), "{name}, {precision}");
        };
        loaded();
        assert!(std::fs::read(&file).unwrap() == bytes, "{name}, {precision}: not written again");
        // One that is damaged, cut or another is noticed and made anew, and so is a sound one that lacks a matrix.
        let mut damaged = bytes.clone();
        damaged[bytes.len() / 2] ^= 1;
        let lacking = without_a_matrix(&bytes);
        for wrong in [&damaged[..], &lacking, &bytes[..bytes.len() - 1], &bytes[..10], b"", b"other"] {
            std::fs::remove_file(&file).unwrap();
            std::fs::write(&file, wrong).unwrap();
            loaded();
            assert!(std::fs::read(kept_file(&folder)).unwrap() == bytes, "{name}, {precision}");
        }
        // Where nothing can be kept, nothing is.
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::write(&folder, "a file in the place of the folder").unwrap();
        let model = load(&model(), &options).unwrap();
        assert_eq!(model.embed_documents(&TEXTS).unwrap(), rows, "{name}, {precision}");
        assert!(folder.is_file());
    }
}

#[test]
fn what_no_load_uses_any_more_is_removed() {
    let (cache, folder) = cached("bert-tiny-mean");
    let loaded = |precision| drop(load(&model(), &in_cache(&cache, precision)).unwrap());
    loaded(Precision::F32);
    let floats = kept_file(&folder);
    loaded(Precision::Int8);
    let rounded = files_in(&folder).into_iter().find(|file| *file != floats).unwrap();
    // Of weights that were replaced; one is used by another program.
    let (old, other) = (folder.join("f32-32-0123456789abcdef"), folder.join("int8-32-0123456789abcdef"));
    // What a killed process left, and what another one is writing.
    let (left, written) = (folder.join("1.unfinished"), folder.join("2.unfinished"));
    for file in [&old, &other, &left, &written] {
        std::fs::write(file, "").unwrap();
    }
    for (file, days_ago) in [(&old, 31), (&other, 29), (&left, 1), (&rounded, 2)] {
        last_used(file, days_ago);
    }
    // A load of today has looked already.
    loaded(Precision::F32);
    assert!([&old, &other, &left, &written].into_iter().all(|file| file.exists()));
    // The first one of a day looks, and notes that it uses its file.
    last_used(&floats, 2);
    loaded(Precision::F32);
    assert!(!old.exists() && other.exists() && !left.exists() && written.exists() && rounded.exists());
    assert!(age(&floats) < Duration::from_hours(1) && age(&rounded) > Duration::from_hours(47));
    // So does one that writes a file.
    last_used(&rounded, 31);
    std::fs::remove_file(&floats).unwrap();
    loaded(Precision::F32);
    assert!(floats.exists() && !rounded.exists());
}

#[test]
fn the_first_of_several_to_finish_gives_all_its_file() {
    let (cache, folder) = cached("bert-tiny-mean");
    let options = in_cache(&cache, Precision::F32);
    let models: Vec<_> = std::thread::scope(|scope| {
        let loads: Vec<_> = (0..8).map(|_| scope.spawn(|| load(&model(), &options).unwrap())).collect();
        loads.into_iter().map(|load| load.join().unwrap()).collect()
    });
    let rows: Vec<_> = models.iter().map(|model| model.embed_documents(&TEXTS).unwrap()).collect();
    assert!(rows.iter().all(|others| *others == rows[0]));
    // None of them has matrices of its own.
    let own = load(&ModelSource::Path(fixture("bert-tiny-mean")), &LoadOptions::new()).unwrap();
    for model in &models {
        assert!(model.memory_bytes() < own.memory_bytes());
        assert_eq!(model.memory_bytes(), models[0].memory_bytes());
    }
    kept_file(&folder);
}

#[test]
fn matrices_of_other_weights_are_not_used() {
    for precision in PRECISIONS {
        let (cache, folder) = cached("rerank-bert");
        let options = in_cache(&cache, precision);
        let scores = |source: &ModelSource, options: &LoadOptions| {
            load_reranker(source, options).unwrap().scores(TEXTS[0], &TEXTS).unwrap()
        };
        let in_folder = LoadOptions::new().precision(precision);
        let exact = scores(&ModelSource::Path(fixture("rerank-bert")), &in_folder);
        assert_eq!(scores(&model(), &options), exact);
        let kept = kept_file(&folder);
        assert_eq!(scores(&model(), &options), exact, "of what was kept");
        // The same network with other numbers.
        let snapshot = "snapshots/0123456789abcdef0123456789abcdef01234567";
        let weights = folder.parent().unwrap().join(snapshot).join("model.safetensors");
        let mut bytes = std::fs::read(&weights).unwrap();
        let matrix = {
            let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            let names = tensors.names();
            let name = names.into_iter().find(|name| name.ends_with("layer.0.output.dense.weight")).unwrap();
            let data = tensors.tensor(name).unwrap().data();
            let start = data.as_ptr() as usize - bytes.as_ptr() as usize;
            start..start + data.len()
        };
        // The lowest bit of each exponent: twice as much, or half.
        bytes[matrix].chunks_exact_mut(4).for_each(|number| number[2] ^= 0x80);
        std::fs::remove_file(&weights).unwrap();
        std::fs::write(&weights, bytes).unwrap();
        let other = scores(&model(), &options);
        assert_ne!(other, exact);
        // Under the name of the others it is not believed.
        let new = files_in(&folder).into_iter().find(|path| *path != kept).unwrap();
        std::fs::remove_file(&new).unwrap();
        std::fs::copy(&kept, &new).unwrap();
        assert_eq!(scores(&model(), &options), other);
        // Nor are matrices in the other precision.
        let (one, two) = (files_in(&folder), PRECISIONS[usize::from(precision == PRECISIONS[0])]);
        let swapped = one.iter().find(|path| **path != kept).unwrap();
        let name = swapped.file_name().unwrap().to_str().unwrap();
        let name = name.replace(&precision.to_string(), &two.to_string());
        let expected =
            scores(&ModelSource::Path(weights.parent().unwrap().into()), &in_folder.precision(two));
        std::fs::copy(swapped, folder.join(name)).unwrap();
        assert_eq!(scores(&model(), &in_cache(&cache, two)), expected);
    }
}
