//! candle gives the vectors of this crate's own forward pass, whose tests compare it with the reference.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use half::{bf16, f16};
use rekall_model::{Device, Embedder, Error, ErrorKind, LoadOptions, ModelSource, load};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tempfile::TempDir;

use crate::common::{Golden, copy_of, fixture};
use crate::real_model::real_model;

const WORST: f32 = 1e-5;

fn load_on(folder: &Path, device: Device) -> Result<Arc<dyn Embedder>, Error> {
    let mut options = LoadOptions::default();
    options.device = device;
    load(&ModelSource::Path(folder.to_owned()), &options)
}

/// Largest difference of an element between the two engines' rows, for documents in a batch and for queries.
fn difference(own: &dyn Embedder, candle: &dyn Embedder, texts: &[&str]) -> f32 {
    // Of the others neither makes a vector.
    let (texts, wordless): (Vec<&str>, Vec<&str>) =
        texts.iter().copied().partition(|text| own.embed_query(text).is_ok());
    assert!(texts.len() >= 2 * wordless.len() && texts.len() >= 2, "{wordless:?} have no vector");
    for text in wordless {
        assert!(matches!(candle.embed_query(text), Err(Error::Unembeddable { index: 0 })), "{text:?}");
    }
    let rows = |model: &dyn Embedder| {
        let mut rows = model.embed_documents(&texts).unwrap();
        texts.iter().for_each(|text| rows.extend(model.embed_query(text).unwrap()));
        rows
    };
    let (own, candle) = (rows(own), rows(candle));
    assert_eq!(own.len(), candle.len());
    own.iter().zip(&candle).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// How a checkpoint differs from the fixture it is made of.
#[derive(Debug, Clone, Copy, Default)]
struct Variant {
    fixture: &'static str,
    prefix: &'static str,
    /// `LayerNorm.gamma` and `beta`, as converted from TensorFlow.
    old_names: bool,
    bf16: bool,
    relu: bool,
    /// Without the tensor of this name.
    lacks: &'static str,
}

impl Variant {
    fn write(self) -> TempDir {
        let from = fixture(self.fixture);
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("1_Pooling")).unwrap();
        for name in ["1_Pooling/config.json", "modules.json", "tokenizer.json"] {
            fs::copy(from.join(name), folder.path().join(name)).unwrap();
        }
        let mut config = fs::read_to_string(from.join("config.json")).unwrap();
        if self.relu {
            config = config.replace(r#""hidden_act": "gelu""#, r#""hidden_act": "relu""#);
            assert!(config.contains("relu"));
        }
        fs::write(folder.path().join("config.json"), config).unwrap();

        let file = fs::read(from.join("model.safetensors")).unwrap();
        let mut tensors: Vec<_> = SafeTensors::deserialize(&file)
            .unwrap()
            .tensors()
            .into_iter()
            .filter(|(name, _)| name != self.lacks)
            .map(|(name, view)| {
                let (dtype, bytes) = self.numbers(&view);
                (self.name(&name), dtype, view.shape().to_vec(), bytes)
            })
            .collect();
        // Ignored tensors: a buffer of old checkpoints, and a head that sentence models do not use.
        tensors.push((self.name("embeddings.position_ids"), Dtype::I64, vec![1, 2], vec![0; 16]));
        tensors.push((self.name("pooler.dense.bias"), Dtype::F32, vec![1], vec![0; 4]));
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        fs::write(folder.path().join("model.safetensors"), safetensors::serialize(views, None).unwrap())
            .unwrap();
        folder
    }

    fn name(self, name: &str) -> String {
        let mut name = format!("{}{name}", self.prefix);
        if self.old_names {
            name = name
                .replace("LayerNorm.weight", "LayerNorm.gamma")
                .replace("LayerNorm.bias", "LayerNorm.beta");
        }
        name
    }

    fn numbers(self, view: &TensorView<'_>) -> (Dtype, Vec<u8>) {
        let narrow = |x: f32| bf16::from_f32(x).to_le_bytes();
        match view.dtype() {
            dtype if !self.bf16 => (dtype, view.data().to_vec()),
            Dtype::F16 => {
                let numbers = view.data().as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32());
                (Dtype::BF16, numbers.flat_map(narrow).collect())
            }
            _ => {
                let numbers = view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b));
                (Dtype::BF16, numbers.flat_map(narrow).collect())
            }
        }
    }
}

#[test]
fn candle_agrees() {
    for name in ["bert-tiny-mean", "bert-tiny-max", "xlmr-tiny-cls-f16"] {
        let own = load_on(&fixture(name), Device::Cpu).unwrap();
        let candle = load_on(&fixture(name), Device::CandleCpu).unwrap();
        assert_eq!(own.fingerprint(), candle.fingerprint());
        let golden = Golden::read(name);
        let texts: Vec<&str> = golden.texts.iter().map(String::as_str).collect();
        let worst = difference(&*own, &*candle, &texts);
        assert!(worst <= WORST, "{name} is off by {worst:e}");
    }
}

#[test]
fn candle_agrees_on_checkpoints_of_other_forms() {
    let bert = Variant { fixture: "bert-tiny-mean", ..Variant::default() };
    let max = Variant { fixture: "bert-tiny-max", ..Variant::default() };
    let roberta = Variant { fixture: "xlmr-tiny-cls-f16", ..Variant::default() };
    let variants = [
        bert,
        Variant { prefix: "bert.", ..bert },
        Variant { old_names: true, bf16: true, ..bert },
        Variant { relu: true, ..max },
        Variant { prefix: "0.auto_model.", bf16: true, ..roberta },
        Variant { prefix: "roberta.", old_names: true, relu: true, ..roberta },
    ];
    let texts =
        ["server", "", "the server error in the cache", "<pad> error", "la mémoire du serveur est pleine"];
    for variant in variants {
        let folder = variant.write();
        let own = load_on(folder.path(), Device::Cpu).unwrap();
        let candle = load_on(folder.path(), Device::CandleCpu).unwrap();
        let worst = difference(&*own, &*candle, &texts);
        assert!(worst <= WORST, "{variant:?} is off by {worst:e}");
    }
}

#[test]
fn candle_agrees_on_all_minilm_l6_v2() {
    let Some((source, mut options)) = real_model("sentence-transformers/all-MiniLM-L6-v2") else { return };
    let own = load(&source, &options).unwrap();
    options.device = Device::CandleCpu;
    let candle = load(&source, &options).unwrap();
    let golden = Golden::read("all-MiniLM-L6-v2");
    // candle is slow on a processor, so a tenth of the texts is enough.
    let texts: Vec<&str> = golden.texts.iter().step_by(10).map(String::as_str).collect();
    let worst = difference(&*own, &*candle, &texts);
    assert!(worst <= WORST, "off by {worst:e}");
}

#[test]
fn a_missing_tensor_is_named() {
    let lacks = "encoder.layer.1.output.dense.bias";
    let variant = Variant { fixture: "bert-tiny-mean", prefix: "bert.", lacks, ..Variant::default() };
    let folder = variant.write();
    let error = load_on(folder.path(), Device::CandleCpu).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidModel, "{error}");
    let message = error.to_string();
    for part in ["model.safetensors", &format!("expected a tensor `bert.{lacks}`"), "got 38 others"] {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

/// Its place differs from text to text in a batch that is padded.
#[test]
fn candle_agrees_on_the_last_token() {
    let folder = copy_of("bert-tiny-mean");
    fs::write(folder.path().join("1_Pooling/config.json"), r#"{"pooling_mode": "lasttoken"}"#).unwrap();
    let own = load_on(folder.path(), Device::Cpu).unwrap();
    let candle = load_on(folder.path(), Device::CandleCpu).unwrap();
    let texts = ["server", "the server error in the cache", "the cache", "la mémoire du serveur est pleine"];
    let worst = difference(&*own, &*candle, &texts);
    assert!(worst <= WORST, "off by {worst:e}");
}

#[test]
fn all_others_run_on_the_processor_alone() {
    for (name, family) in [
        ("modernbert-tiny-mean", "modernbert"),
        ("distilbert-tiny", "distilbert"),
        ("jina-bert-tiny", "jina-bert"),
        ("qwen3-tiny", "qwen3"),
        ("gemma3-tiny", "Dense modules"),
    ] {
        let error = load_on(&fixture(name), Device::CandleCpu).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        let expected = format!("device: expected the processor, on which alone {family} run");
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}

/// No machine has this many cards, whatever this was built with.
#[test]
fn an_absent_device_is_refused() {
    for device in [Device::Cuda(4096), Device::Metal(4096)] {
        let error = load_on(&fixture("bert-tiny-mean"), device).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        let message = error.to_string();
        assert!(message.starts_with(&format!("device: expected {device:?} present and compiled in, got ")));
        assert!(!message.contains('\n'), "{message:?}");
    }
}
