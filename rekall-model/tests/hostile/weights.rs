//! Weights that are not finite, and sizes that no file has.

use std::fs;

use crate::folder::Model;

/// Writes a number over the last of a tensor.
fn spoil(model: &Model, tensor: &str, number: &[u8]) {
    let path = model.path("model.safetensors");
    let mut file = fs::read(&path).unwrap();
    let header_len = u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&file[8..8 + header_len]).unwrap();
    let end =
        header[tensor]["data_offsets"][1].as_u64().unwrap_or_else(|| panic!("{tensor}: {header}")) as usize;
    let at = 8 + header_len + end - number.len();
    file[at..at + number.len()].copy_from_slice(number);
    fs::write(&path, file).unwrap();
}

const F32: [[u8; 4]; 3] =
    [f32::NAN.to_le_bytes(), f32::INFINITY.to_le_bytes(), f32::NEG_INFINITY.to_le_bytes()];
/// NaN and both infinities.
const F16: [[u8; 2]; 3] = [[0x01, 0x7C], [0x00, 0x7C], [0x00, 0xFC]];

#[test]
fn static_weights_that_are_no_numbers() {
    for number in F32 {
        for (model, tensor) in [
            ("static-f32", "embeddings"),
            ("static-f32-weights", "weights"),
            ("static-int4-weights", "weights"),
            ("static-mapping", "embeddings"),
        ] {
            let model = Model::copy_of(model);
            spoil(&model, tensor, &number);
            model.is_refused(&["model.safetensors", "finite numbers", tensor]);
        }
    }
    for number in F16 {
        let model = Model::copy_of("static-f16");
        spoil(&model, "embeddings", &number);
        model.is_refused(&["model.safetensors", "finite numbers", "embeddings"]);
    }
}

#[cfg(feature = "transformer")]
#[test]
fn transformer_weights_that_are_no_numbers() {
    let tensors = [
        "embeddings.word_embeddings.weight",
        "embeddings.position_embeddings.weight",
        "embeddings.token_type_embeddings.weight",
        "embeddings.LayerNorm.bias",
        "encoder.layer.1.attention.self.key.weight",
        "encoder.layer.1.intermediate.dense.bias",
        "encoder.layer.0.output.LayerNorm.weight",
    ];
    for tensor in tensors {
        for number in F32 {
            let model = Model::copy_of("bert-tiny-mean");
            spoil(&model, tensor, &number);
            model.is_refused(&["model.safetensors", "finite numbers", tensor]);
        }
    }
    for number in F16 {
        let model = Model::copy_of("xlmr-tiny-cls-f16");
        spoil(&model, "embeddings.word_embeddings.weight", &number);
        model.is_refused(&["model.safetensors", "finite numbers"]);
    }
}

#[test]
fn a_header_longer_than_any_models() {
    let model = Model::copy_of("static-f32");
    let mut file = (64_u64 << 20).to_le_bytes().to_vec();
    file.extend(b"{\"embeddings\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}");
    file.resize(8 + (64 << 20), b' ');
    fs::write(model.path("model.safetensors"), file).unwrap();
    model.is_refused(&["model.safetensors", "header", "67108864"]);
}

#[cfg(feature = "transformer")]
#[test]
fn sizes_are_judged_before_memory_is_asked_for() {
    let numbers = [0_u64, 1 << 40, u64::from(u32::MAX), 1 << 62, u64::MAX];
    for key in [
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "max_position_embeddings",
        "vocab_size",
    ] {
        for number in numbers {
            let model = Model::copy_of("bert-tiny-mean");
            model.set("config.json", &format!("/{key}"), number.into());
            model.is_refused(&["expected", "got"]);
        }
    }
    for epsilon in [-1.0, 1e300] {
        let model = Model::copy_of("bert-tiny-mean");
        model.set("config.json", "/layer_norm_eps", epsilon.into());
        model.is_refused(&["config.json", "layer_norm_eps"]);
    }
}

#[cfg(feature = "transformer")]
#[test]
fn a_module_outside_the_folder() {
    for path in ["../1_Pooling", "/etc", "1_Pooling/../.."] {
        let model = Model::copy_of("bert-tiny-mean");
        model.set("modules.json", "/1/path", path.into());
        model.is_refused(&["modules.json", "inside the model's folder", path]);
    }
}
