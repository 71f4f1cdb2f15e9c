//! Damaged, missing and foreign files are refused by name, with what was expected and got.

use std::fs;
use std::path::Path;

use rekall_model::{Embedder, Error, ErrorKind, LoadOptions, ModelSource, load};

use crate::common::{self, copy_of};

fn refusal(folder: &Path) -> Error {
    match load(&ModelSource::Path(folder.to_owned()), &LoadOptions::default()) {
        Ok(_) => panic!("{} was loaded", folder.display()),
        Err(error) => error,
    }
}

fn assert_says(error: &Error, kind: ErrorKind, words: &[&str]) {
    assert_eq!(error.kind(), kind, "{error}");
    let message = error.to_string();
    for word in words {
        assert!(message.contains(word), "{message:?} does not say {word:?}");
    }
    assert!(!message.contains('\n'), "{message:?}");
}

#[test]
fn missing_files() {
    assert_says(&refusal(Path::new("/no/such/model")), ErrorKind::NotFound, &["/no/such/model"]);
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        let folder = copy_of("static-f32");
        fs::remove_file(folder.path().join(name)).unwrap();
        assert_says(&refusal(folder.path()), ErrorKind::NotFound, &[name, "expected"]);
    }
}

#[test]
fn a_file_where_a_folder_should_be() {
    let file = common::fixture("static-f32").join("config.json");
    assert_says(&refusal(&file), ErrorKind::InvalidModel, &["config.json", "a folder", "got a file"]);
}

#[test]
fn empty_and_cut_files() {
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        let folder = copy_of("static-f32");
        let path = folder.path().join(name);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, []).unwrap();
        assert_says(&refusal(folder.path()), ErrorKind::InvalidModel, &[name, "got 0 bytes"]);
        for keep in [1, 7, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..keep]).unwrap();
            assert_says(&refusal(folder.path()), ErrorKind::InvalidModel, &[name, "expected"]);
        }
    }
}

#[test]
fn a_tokenizer_of_another_model() {
    let folder = copy_of("static-f32");
    let path = folder.path().join("tokenizer.json");
    let json = fs::read_to_string(&path).unwrap();
    // One token more than there are vectors.
    fs::write(&path, json.replacen("\"[PAD]\":0", "\"[PAD]\":0,\"extra\":71", 1)).unwrap();
    let error = refusal(folder.path());
    assert_says(&error, ErrorKind::InvalidModel, &["model.safetensors", "72 tokens", "got 71 rows"]);
}

#[test]
fn wrong_shapes_and_types() {
    let tensor = |dtype: &str, shape: &str, bytes: usize| {
        let header = format!(
            "{{\"embeddings\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[0,{bytes}]}}}}"
        );
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        file.extend(vec![0; bytes]);
        file
    };
    for (dtype, shape, bytes, words) in [
        ("F32", "[568]", 2272, ["2 dimensions", "[568]"]),
        ("F32", "[70,8]", 2240, ["71 tokens", "70 rows"]),
        ("BOOL", "[71,8]", 568, ["I8, F16, F32 or F64", "BOOL"]),
        ("U8", "[71,8]", 568, ["I8, F16, F32 or F64", "U8"]),
        ("F32", "[71,0]", 0, ["columns", "[71, 0]"]),
    ] {
        let folder = copy_of("static-f32");
        fs::write(folder.path().join("model.safetensors"), tensor(dtype, shape, bytes)).unwrap();
        assert_says(&refusal(folder.path()), ErrorKind::InvalidModel, &words);
    }
    let folder = copy_of("static-f32");
    let renamed = fs::read(folder.path().join("model.safetensors")).unwrap();
    let at = renamed.windows(10).position(|w| w == b"embeddings").unwrap();
    let mut renamed = renamed;
    renamed[at..at + 10].copy_from_slice(b"embeddingz");
    fs::write(folder.path().join("model.safetensors"), renamed).unwrap();
    assert_says(&refusal(folder.path()), ErrorKind::InvalidModel, &["`embeddings`", "embeddingz"]);
}

#[test]
fn wrong_shapes_and_types_of_four_bit_rows() {
    let tensor = |name: &str, dtype: &str, shape: &str, at: usize, bytes: usize| {
        let end = at + bytes;
        format!("\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[{at},{end}]}}")
    };
    let rows = |dtype: &str, shape: &str, bytes: usize| vec![tensor("embeddings_i4", dtype, shape, 0, bytes)];
    let with = |more: String| [rows("U8", "[71,4]", 284), vec![more]].concat();
    for (tensors, bytes, words) in [
        (rows("I8", "[71,4]", 284), 284, ["`embeddings_i4` in U8", "I8"]),
        (rows("F32", "[71,1]", 284), 284, ["`embeddings_i4` in U8", "F32"]),
        (rows("U8", "[284]", 284), 284, ["2 dimensions", "[284]"]),
        (rows("U8", "[71,0]", 0), 0, ["columns", "[71, 0]"]),
        (rows("U8", "[142,2]", 284), 284, ["71 tokens", "142 rows"]),
        (rows("U8", "[1,40000]", 40_000), 40_000, ["at most 65536", "80000"]),
        (with(tensor("embeddings", "I8", "[71,8]", 284, 568)), 852, ["one of the tensors", "both"]),
        (with(tensor("weights", "F32", "[70]", 284, 280)), 564, ["71 tokens", "[70]"]),
        (with(tensor("weights", "U8", "[71]", 284, 71)), 355, ["F16, F32 or F64", "U8"]),
        (with(tensor("mapping", "U8", "[71]", 284, 71)), 355, ["integers", "U8"]),
    ] {
        let folder = copy_of("static-int4-weights");
        let header = format!("{{{}}}", tensors.join(","));
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        file.extend(vec![0; bytes]);
        fs::write(folder.path().join("model.safetensors"), file).unwrap();
        assert_says(&refusal(folder.path()), ErrorKind::InvalidModel, &words);
    }
}

#[test]
fn unknown_architecture() {
    let folder = copy_of("static-f32");
    fs::write(folder.path().join("config.json"), r#"{"model_type":"gpt2"}"#).unwrap();
    assert_says(&refusal(folder.path()), ErrorKind::Unsupported, &["config.json", "\"gpt2\"", "bert"]);
}

#[test]
fn options_that_cannot_be_honored() {
    let source = ModelSource::Path(common::fixture("static-f32"));
    let mut options = LoadOptions::new();
    options.dimensions = Some(4);
    let error = load(&source, &options).err().unwrap();
    assert_says(&error, ErrorKind::InvalidInput, &["dimensions", "expected 8", "got 4"]);
    let mut options = LoadOptions::new();
    options.max_tokens = Some(0);
    assert_says(&load(&source, &options).err().unwrap(), ErrorKind::InvalidInput, &["max_tokens"]);
}

#[test]
fn a_sum_that_is_too_large() {
    let folder = copy_of("static-f32");
    let path = folder.path().join("model.safetensors");
    let mut file = fs::read(&path).unwrap();
    let end = file.len();
    for number in file[end - 71 * 8 * 4..].chunks_exact_mut(4) {
        number.copy_from_slice(&f32::MAX.to_le_bytes());
    }
    fs::write(&path, file).unwrap();
    let model = load(&ModelSource::Path(folder.path().to_owned()), &LoadOptions::default()).unwrap();
    assert!(model.embed_query("server").is_ok());
    let error = model.embed_query("server server").err().unwrap();
    assert_says(&error, ErrorKind::Internal, &["too large"]);
}

#[test]
fn texts_without_a_vector_are_named() {
    let model = load(&ModelSource::Path(common::fixture("static-f32")), &LoadOptions::default()).unwrap();
    let error = model.embed_documents(&["server", "\u{2603}", ""]).err().unwrap();
    assert!(matches!(error, Error::Unembeddable { index: 1 }), "{error}");
    let report = model
        .embed_documents_observed(&["server", "\u{2603}", "error", ""], &mut |_| {
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(report.unembeddable, [1, 3]);
    assert!(report.row(0).is_some() && report.row(1).is_none() && report.row(2).is_some());
    assert!(report.row(4).is_none());
    assert_eq!(report.token_counts, [1, 1, 1, 0]);
}

#[test]
fn observing_and_cancelling() {
    let model = load(&ModelSource::Path(common::fixture("static-short")), &LoadOptions::default()).unwrap();
    assert_eq!(model.max_tokens(), Some(5));
    let long = "server error memory leak file base";
    let texts = vec![long; 600];
    let mut seen = Vec::new();
    let report = model
        .embed_documents_observed(&texts, &mut |progress| {
            seen.push((progress.texts, progress.total, progress.tokens));
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen, [(256, 600, 1536), (512, 600, 3072), (600, 600, 3600)]);
    assert_eq!(report.truncated.len(), 600);
    let error =
        model.embed_documents_observed(&texts, &mut |_| std::ops::ControlFlow::Break(())).err().unwrap();
    assert!(matches!(error, Error::Cancelled { done: 256, total: 600 }), "{error}");
}

#[cfg(feature = "transformer")]
mod transformer {
    use super::*;

    const MODEL: &str = "bert-tiny-mean";

    /// The error of loading after `from` was replaced by `to` in a file.
    fn edited(file: &str, from: &str, to: &str) -> Error {
        let folder = copy_of(MODEL);
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}: {text}");
        fs::write(&path, text.replace(from, to)).unwrap();
        refusal(folder.path())
    }

    #[test]
    fn missing_and_cut_files() {
        for name in ["config.json", "model.safetensors", "tokenizer.json"] {
            let folder = copy_of(MODEL);
            let path = folder.path().join(name);
            let whole = fs::read(&path).unwrap();
            for keep in [0, 1, whole.len() / 2, whole.len() - 3] {
                fs::write(&path, &whole[..keep]).unwrap();
                assert_says(&refusal(folder.path()), ErrorKind::InvalidModel, &[name, "expected", "got"]);
            }
            fs::remove_file(&path).unwrap();
            assert_says(&refusal(folder.path()), ErrorKind::NotFound, &[name]);
        }
    }

    #[test]
    fn a_config_of_another_network() {
        let invalid = ErrorKind::InvalidModel;
        let error = edited("config.json", "\"hidden_size\": 48", "\"hidden_size\": 60");
        assert_says(&error, invalid, &["model.safetensors", "word_embeddings", "48]"]);
        let error = edited("config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
        assert_says(&error, invalid, &["model.safetensors", "encoder.layer.2"]);
        let error = edited("config.json", "\"num_attention_heads\": 3", "\"num_attention_heads\": 5");
        assert_says(&error, invalid, &["config.json", "multiple", "48 and 5"]);
        let error = edited("config.json", "\"hidden_act\": \"gelu\"", "\"hidden_act\": \"swish\"");
        assert_says(&error, ErrorKind::Unsupported, &["hidden_act", "swish"]);
        let error = edited("modules.json", "models.Normalize", "models.LSTM");
        assert_says(&error, ErrorKind::Unsupported, &["modules.json", "LSTM"]);
        let error = edited(
            "1_Pooling/config.json",
            "\"pooling_mode_max_tokens\": false",
            "\"pooling_mode_max_tokens\": true",
        );
        assert_says(&error, ErrorKind::Unsupported, &["1_Pooling", "exactly one"]);
    }

    #[test]
    fn a_tokenizer_of_another_model() {
        let folder = copy_of(MODEL);
        let path = folder.path().join("tokenizer.json");
        let json = fs::read_to_string(&path).unwrap();
        fs::write(&path, json.replacen("\"[PAD]\":0", "\"[PAD]\":0,\"extra\":9000", 1)).unwrap();
        let error = refusal(folder.path());
        assert_says(&error, ErrorKind::InvalidModel, &["tokenizer.json", "ids below the 96", "got id 9000"]);

        // As many tokens, one of them without a vector.
        fs::write(&path, json.replacen("\"[PAD]\":0", "\"[PAD]\":96", 1)).unwrap();
        let error = refusal(folder.path());
        assert_says(&error, ErrorKind::InvalidModel, &["tokenizer.json", "ids below the 96", "got id 96"]);

        // A special token of another model.
        let edited = json.replace("\"ids\":[3]", "\"ids\":[102]");
        assert_ne!(edited, json);
        fs::write(&path, edited).unwrap();
        let error = refusal(folder.path());
        assert_says(&error, ErrorKind::InvalidModel, &["tokenizer.json", "ids below the 96", "got id 102"]);
    }

    #[test]
    fn a_tokenizer_of_a_smaller_model() {
        let error = edited("config.json", "\"vocab_size\": 96", "\"vocab_size\": 353");
        assert_says(&error, ErrorKind::InvalidModel, &["tokenizer.json", "about the 353", "got 96 tokens"]);
        // A table with a few spare rows is accepted; here the table itself does not fit.
        let error = edited("config.json", "\"vocab_size\": 96", "\"vocab_size\": 352");
        assert_says(&error, ErrorKind::InvalidModel, &["model.safetensors", "[352, 48]"]);
    }

    #[test]
    fn another_padding() {
        let folder = copy_of("xlmr-tiny-cls-f16");
        let path = folder.path().join("config.json");
        let json = fs::read_to_string(&path).unwrap();
        fs::write(&path, json.replace("\"pad_token_id\": 1", "\"pad_token_id\": 0")).unwrap();
        let error = refusal(folder.path());
        assert_says(&error, ErrorKind::InvalidModel, &["tokenizer.json", "pad_token_id 0", "got id 1"]);
    }

    #[test]
    fn a_pooling_module_without_its_file() {
        let folder = copy_of(MODEL);
        fs::remove_file(folder.path().join("1_Pooling/config.json")).unwrap();
        assert_says(&refusal(folder.path()), ErrorKind::NotFound, &["1_Pooling", "modules.json"]);
    }

    #[test]
    fn another_configuration_is_another_space() {
        let plain = load(&ModelSource::Path(common::fixture(MODEL)), &LoadOptions::default()).unwrap();
        for (file, from, to) in [
            ("config.json", "\"num_attention_heads\": 3", "\"num_attention_heads\": 6"),
            ("config.json", "\"hidden_act\": \"gelu\"", "\"hidden_act\": \"relu\""),
            ("config.json", "\"layer_norm_eps\": 1e-12", "\"layer_norm_eps\": 1e-05"),
            ("sentence_bert_config.json", "\"do_lower_case\": false", "\"do_lower_case\": true"),
        ] {
            let folder = copy_of(MODEL);
            let path = folder.path().join(file);
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{file} has no {from}: {text}");
            fs::write(&path, text.replace(from, to)).unwrap();
            let other = load(&ModelSource::Path(folder.path().to_owned()), &LoadOptions::default()).unwrap();
            assert!(!plain.fingerprint().same_space(other.fingerprint()), "{to}");
        }
    }

    #[test]
    fn options_that_cannot_be_honored() {
        let source = ModelSource::Path(common::fixture(MODEL));
        let mut options = LoadOptions::new();
        options.dimensions = Some(16);
        let error = load(&source, &options).err().unwrap();
        assert_says(&error, ErrorKind::InvalidInput, &["dimensions", "48", "16"]);
        let mut options = LoadOptions::new();
        options.max_tokens = Some(3);
        options.document_prefix = Some("a very long prefix: ".into());
        assert_says(
            &load(&source, &options).err().unwrap(),
            ErrorKind::InvalidInput,
            &["max_tokens", "prefix"],
        );
        let mut options = LoadOptions::new();
        options.device = rekall_model::Device::Cuda(0);
        let error = load(&source, &options).err().unwrap();
        assert!(matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput), "{error}");
    }

    #[test]
    fn declared_shorter_vectors() {
        let folder = copy_of(MODEL);
        let path = folder.path().join("config.json");
        let json = fs::read_to_string(&path).unwrap();
        fs::write(&path, json.replacen('{', "{\"matryoshka_dimensions\": [16, 32],", 1)).unwrap();
        let source = ModelSource::Path(folder.path().to_owned());
        let whole = load(&source, &LoadOptions::default()).unwrap();
        let mut options = LoadOptions::new();
        options.dimensions = Some(16);
        let short = load(&source, &options).unwrap();
        assert!(!whole.fingerprint().same_space(short.fingerprint()));
        let (whole, short) = (whole.embed_query("error").unwrap(), short.embed_query("error").unwrap());
        let norm = whole[..16].iter().map(|x| x * x).sum::<f32>().sqrt();
        assert_eq!(short.len(), 16);
        assert!(whole.iter().zip(&short).all(|(a, b)| (a / norm - b).abs() < 1e-6));
    }
}
