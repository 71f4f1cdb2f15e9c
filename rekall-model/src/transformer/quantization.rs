//! Linear layers that other programs have rounded to eight bits, and how their files say so.
//!
//! Two forms have what our own rounded matrices have, a scale for each row of the weight and no zero points: LLM.int8() of
//! bitsandbytes (Dettmers et al., 2022), and the schemes W8A8 and W8A16 of compressed-tensors. Their numbers are used as they
//! are. How their own programs round activations is not imitated: ours are rounded as with any other model.

use std::path::Path;

use serde_json::Value;

use crate::Error;
use crate::files::read_json;

/// The form of a model's linear layers. Some of them may be floats all the same: both programs leave out what they are told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantization {
    /// Floats.
    None,
    /// `weight`, and `SCB`: the largest number of each row, of which the weight's numbers are 127ths.
    BitsAndBytes,
    /// `weight`, and `weight_scale`: what each row's numbers are multiples of.
    CompressedTensors,
    /// The same with four numbers, each with 128 added, in an integer of `weight_packed`; `weight_shape` is without padding.
    Packed,
}

impl Quantization {
    /// Reads what a `config.json` says.
    ///
    /// # Errors
    /// [`Error::UnsupportedModel`] for any other form, by its name; [`Error::Io`] and [`Error::InvalidFile`] for the file.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let config: Value = read_json(path)?;
        Self::of(&config).map_err(|Refused { expected, got }| Error::UnsupportedModel {
            path: path.to_owned(),
            expected,
            got,
        })
    }

    fn of(config: &Value) -> Result<Self, Refused> {
        // Early files of compressed-tensors have the other name.
        let [config, early] = ["quantization_config", "compression_config"].map(|key| &config[key]);
        let config = if config.is_null() { early } else { config };
        if config.is_null() {
            return Ok(Self::None);
        }
        // Early files of transformers name no method, because there was one alone.
        let is_early = !config["load_in_8bit"].is_null() || !config["load_in_4bit"].is_null();
        match config["quant_method"].as_str().or(is_early.then_some("bitsandbytes")) {
            Some("bitsandbytes") if config["load_in_8bit"] == true => Ok(Self::BitsAndBytes),
            Some("bitsandbytes") => {
                Err(refused("bitsandbytes with load_in_8bit true", &config["load_in_8bit"]))
            }
            Some("compressed-tensors") => Self::of_compressed_tensors(config),
            other => Err(Refused {
                expected: "weights in floats, or in eight bits of bitsandbytes or compressed-tensors".into(),
                got: format!("quant_method {}", other.unwrap_or("none")),
            }),
        }
    }

    fn of_compressed_tensors(config: &Value) -> Result<Self, Refused> {
        let form = match config["format"].as_str() {
            Some("int-quantized" | "naive-quantized") => Self::CompressedTensors,
            Some("pack-quantized") => Self::Packed,
            _ => return Err(refused("a format int-quantized or pack-quantized", &config["format"])),
        };
        if config["quantization_status"] != "compressed" {
            return Err(refused("quantization_status compressed", &config["quantization_status"]));
        }
        for key in ["kv_cache_scheme", "transform_config", "sparsity_config"] {
            let value = &config[key];
            let is_empty = value.as_object().is_some_and(serde_json::Map::is_empty);
            if !(value.is_null() || is_empty || (key == "sparsity_config" && value["format"] == "dense")) {
                return Err(refused(&format!("no {key}"), value));
            }
        }
        let groups = config["config_groups"].as_object().filter(|groups| !groups.is_empty());
        let Some(groups) = groups else {
            return Err(refused("config_groups with schemes", &config["config_groups"]));
        };
        for group in groups.values() {
            let scheme = |of: &Value, strategy: &str, is_dynamic: bool| {
                let is_eight = of["num_bits"] == 8 && of["type"] == "int" && of["symmetric"] == true;
                is_eight && of["strategy"] == strategy && of["dynamic"] == is_dynamic
            };
            if !scheme(&group["weights"], "channel", false) {
                let expected = "weights as symmetric integers of 8 bits with a scale for each channel";
                return Err(refused(expected, &group["weights"]));
            }
            let input = &group["input_activations"];
            if !(input.is_null() || scheme(input, "token", true)) {
                let expected = "activations in floats, or in 8 bits with a scale for each token";
                return Err(refused(expected, input));
            }
            if !group["output_activations"].is_null() {
                return Err(refused("no output_activations", &group["output_activations"]));
            }
            if !(group["format"].is_null() || group["format"] == config["format"]) {
                return Err(refused("one format for all groups", &group["format"]));
            }
        }
        Ok(form)
    }
}

struct Refused {
    expected: String,
    got: String,
}

fn refused(expected: &str, got: &Value) -> Refused {
    Refused { expected: expected.into(), got: got.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As llm-compressor writes W8A8.
    const W8A8: &str = r#"{"quantization_config": {"quant_method": "compressed-tensors", "format": "int-quantized",
        "quantization_status": "compressed", "kv_cache_scheme": null, "ignore": ["lm_head"], "global_compression_ratio": 1.5,
        "sparsity_config": {}, "transform_config": {}, "config_groups": {"group_0": {"targets": ["Linear"],
        "weights": {"num_bits": 8, "type": "int", "symmetric": true, "strategy": "channel", "dynamic": false,
        "group_size": null, "observer": "minmax"}, "input_activations": {"num_bits": 8, "type": "int", "symmetric": true,
        "strategy": "token", "dynamic": true}, "output_activations": null, "format": "int-quantized"}}}}"#;

    fn read(json: &str) -> Result<Quantization, String> {
        let config = serde_json::from_str(json).unwrap();
        Quantization::of(&config)
            .map_err(|Refused { expected, got }| format!("expected {expected}, got {got}"))
    }

    #[test]
    fn forms_that_are_known() {
        for (json, form) in [
            ("{}", Quantization::None),
            (r#"{"quantization_config": null}"#, Quantization::None),
            (
                r#"{"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": true, "load_in_4bit": false,
                "llm_int8_threshold": 6.0}}"#,
                Quantization::BitsAndBytes,
            ),
            (
                r#"{"quantization_config": {"load_in_8bit": true, "llm_int8_threshold": 6.0}}"#,
                Quantization::BitsAndBytes,
            ),
            (W8A8, Quantization::CompressedTensors),
            (&W8A8.replace("quantization_config", "compression_config"), Quantization::CompressedTensors),
            (&W8A8.replace("int-quantized", "pack-quantized"), Quantization::Packed),
        ] {
            assert_eq!(read(json), Ok(form), "{json}");
        }
        let w8a16 = W8A8.replace("\"input_activations\": {", "\"input_activations\": null, \"other\": {");
        assert_eq!(read(&w8a16), Ok(Quantization::CompressedTensors));
    }

    #[test]
    fn every_other_form_is_refused_by_name() {
        for method in ["gptq", "awq", "fp8", "quanto", "torchao", "hqq", "fbgemm_fp8", "mxfp4"] {
            let message =
                read(&format!(r#"{{"quantization_config": {{"quant_method": "{method}"}}}}"#)).unwrap_err();
            assert!(message.ends_with(&format!("got quant_method {method}")), "{message}");
        }
        let message = read(r#"{"quantization_config": {"bits": 8}}"#).unwrap_err();
        assert!(message.ends_with("got quant_method none"), "{message}");
        let four = r#"{"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": false, "load_in_4bit": true}}"#;
        assert_eq!(read(four).unwrap_err(), "expected bitsandbytes with load_in_8bit true, got false");
        for (from, to, expected) in [
            ("\"int-quantized\"", "\"float-quantized\"", "expected a format int-quantized or pack-quantized"),
            ("\"compressed\"", "\"frozen\"", "quantization_status compressed, got \"frozen\""),
            (
                "\"kv_cache_scheme\": null",
                "\"kv_cache_scheme\": {\"num_bits\": 8}",
                "expected no kv_cache_scheme",
            ),
            (
                "\"sparsity_config\": {}",
                "\"sparsity_config\": {\"format\": \"sparse-bitmask\"}",
                "no sparsity_config",
            ),
            ("\"transform_config\": {}", "\"transform_config\": {\"a\": 1}", "no transform_config"),
            ("\"num_bits\": 8", "\"num_bits\": 4", "expected weights as symmetric integers of 8 bits"),
            ("\"symmetric\": true", "\"symmetric\": false", "expected weights as symmetric"),
            ("\"channel\"", "\"group\"", "expected weights as symmetric"),
            ("\"token\"", "\"tensor\"", "expected activations in floats, or in 8 bits"),
            ("\"output_activations\": null", "\"output_activations\": {}", "no output_activations"),
            ("\"int-quantized\"}}", "\"pack-quantized\"}}", "one format for all groups"),
        ] {
            assert!(W8A8.contains(from), "{from}");
            let message = read(&W8A8.replacen(from, to, 1)).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
        assert!(read(&W8A8.replace("config_groups", "groups")).unwrap_err().contains("config_groups"));
    }
}
