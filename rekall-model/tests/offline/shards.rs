//! Weights in several files make the same vectors as in one, and files that do not fit together are refused.

use std::fs;
use std::path::Path;

use rekall_model::{Error, ErrorKind, LoadOptions, ModelSource, Precision, check, load, load_reranker};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

use crate::common::{FILES, INDEX, copy_of, fixture, split};

const TEXTS: [&str; 3] = ["the server error", "le serveur", "The disk is full, the page is not."];

#[test]
fn several_files_make_the_same_vectors_as_one() {
    for name in [
        "bert-tiny-mean",
        "xlmr-tiny-cls-f16",
        "modernbert-tiny-masked",
        "gte-tiny",
        "qwen3-tiny",
        "gemma3-tiny",
    ] {
        let folder = copy_of(name);
        split(folder.path());
        let several = ModelSource::Path(folder.path().to_owned());
        for precision in [Precision::F32, Precision::Int8] {
            let options = LoadOptions::new().precision(precision);
            check(&several, &options).unwrap();
            let one = load(&ModelSource::Path(fixture(name)), &options).unwrap();
            let two = load(&several, &options).unwrap();
            assert_eq!(two.embed_documents(&TEXTS).unwrap(), one.embed_documents(&TEXTS).unwrap(), "{name}");
            // What is in the files is not compared tensor by tensor, so it may be another model.
            assert!(!two.fingerprint().same_space(one.fingerprint()));
            // The files' names do not count.
            assert_eq!(load(&several, &options).unwrap().fingerprint(), two.fingerprint());
        }
    }
}

#[cfg(feature = "candle")]
#[test]
fn on_candle_too() {
    for name in ["bert-tiny-mean", "xlmr-tiny-cls-f16"] {
        let folder = copy_of(name);
        split(folder.path());
        let options = LoadOptions::new().device(rekall_model::Device::CandleCpu);
        let one = load(&ModelSource::Path(fixture(name)), &options).unwrap();
        let two = load(&ModelSource::Path(folder.path().to_owned()), &options).unwrap();
        assert_eq!(two.embed_documents(&TEXTS).unwrap(), one.embed_documents(&TEXTS).unwrap(), "{name}");
    }
}

#[test]
fn rerankers_too() {
    let folder = copy_of("rerank-modernbert");
    split(folder.path());
    let scores = |folder: &Path| {
        let model = load_reranker(&ModelSource::Path(folder.to_owned()), &LoadOptions::new()).unwrap();
        model.scores(TEXTS[0], &TEXTS).unwrap()
    };
    assert_eq!(scores(folder.path()), scores(&fixture("rerank-modernbert")));
}

/// The refusal of a model in two files after `damage`.
fn refusal(damage: impl Fn(&Path)) -> Error {
    let folder = copy_of("bert-tiny-mean");
    split(folder.path());
    damage(folder.path());
    load(&ModelSource::Path(folder.path().to_owned()), &LoadOptions::new()).err().unwrap()
}

fn edit_index(folder: &Path, edit: impl Fn(&mut serde_json::Map<String, serde_json::Value>)) {
    let mut index: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join(INDEX)).unwrap()).unwrap();
    edit(index["weight_map"].as_object_mut().unwrap());
    fs::write(folder.join(INDEX), index.to_string()).unwrap();
}

/// Writes a file again, with one tensor more.
fn add_tensor(path: &Path, name: &str) {
    let file = fs::read(path).unwrap();
    let mut tensors = SafeTensors::deserialize(&file).unwrap().tensors();
    tensors.push((name.to_owned(), TensorView::new(safetensors::Dtype::F32, vec![1], &[0; 4]).unwrap()));
    fs::write(path, safetensors::serialize(tensors, None).unwrap()).unwrap();
}

#[test]
fn files_that_do_not_fit_together_are_refused() {
    // In the order of names, so in the first file and in the second.
    let (first, second) = ("embeddings.LayerNorm.bias", "embeddings.LayerNorm.weight");
    let [one, two] = FILES;
    let says = |error: Error, kind: ErrorKind, words: &[&str]| {
        assert_eq!(error.kind(), kind, "{error}");
        let message = error.to_string();
        for word in words {
            assert!(message.contains(word), "{message:?} does not say {word:?}");
        }
    };
    let invalid = ErrorKind::InvalidModel;

    let error = refusal(|folder| fs::remove_file(folder.join(two)).unwrap());
    says(error, ErrorKind::NotFound, &[two, &format!("{INDEX} has `{second}`"), "no such file"]);

    let error = refusal(|folder| edit_index(folder, |map| drop(map.insert(first.into(), two.into()))));
    says(error, invalid, &[&format!("{two}: expected the tensor `{first}`"), &format!("got it in {one}")]);

    let error =
        refusal(|folder| edit_index(folder, |map| drop(map.insert("more.weight".into(), one.into()))));
    says(error, invalid, &[&format!("{one}: expected the tensor `more.weight`"), "got none of that name"]);

    let error = refusal(|folder| add_tensor(&folder.join(two), first));
    says(
        error,
        invalid,
        &[&format!("{two}: expected tensor `{first}` in one file alone"), &format!("it is in {one} too")],
    );

    let error =
        refusal(|folder| edit_index(folder, |map| drop(map.insert(first.into(), "../x.safetensors".into()))));
    says(error, invalid, &[INDEX, &format!("beside the index for `{first}`"), "../x.safetensors"]);

    let error = refusal(|folder| fs::write(folder.join(two), "").unwrap());
    says(error, invalid, &[two, "got 0 bytes"]);

    let error = refusal(|folder| {
        let file = fs::read(folder.join(one)).unwrap();
        fs::write(folder.join(one), &file[..file.len() - 1]).unwrap();
    });
    says(error, invalid, &[one, "a whole safetensors file"]);

    // Named by nothing and in no file: the index is to blame.
    let error = refusal(|folder| {
        let path = folder.join(two);
        let file = fs::read(&path).unwrap();
        let tensors = SafeTensors::deserialize(&file).unwrap().tensors();
        let left = tensors.into_iter().filter(|(name, _)| name != second);
        fs::write(&path, safetensors::serialize(left, None).unwrap()).unwrap();
        edit_index(folder, |map| drop(map.remove(second)));
    });
    says(error, invalid, &[&format!("{INDEX}: expected a tensor `{second}`"), "got 36 others"]);
}
