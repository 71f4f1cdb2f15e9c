//! Dense modules: linear layers that a pooled row goes through, as sentence-transformers stores them beside the network.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::encoder::linear;
use super::quantization::Quantization;
use super::reader::{Linear, Part, Reader};
use super::weight_files::WeightFiles;
use crate::Error;
use crate::cpu::{Activation, Buffer};
use crate::files::{digest_of_file, read_json};
use crate::tensors::MAX_DIMENSIONS;

/// What a module's `config.json` says.
#[derive(Debug, Clone)]
pub(super) struct DenseShape {
    pub(super) weights: PathBuf,
    pub(super) from: usize,
    pub(super) to: usize,
    has_bias: bool,
    is_tanh: bool,
}

#[derive(Deserialize)]
struct File {
    in_features: usize,
    out_features: usize,
    #[serde(default = "yes")]
    bias: bool,
    /// The name of a class of PyTorch.
    #[serde(default = "default_activation")]
    activation_function: String,
    /// What goes in and out, if not the pooled row.
    #[serde(default)]
    module_input_name: Value,
    #[serde(default)]
    module_output_name: Value,
}

fn yes() -> bool {
    true
}

fn default_activation() -> String {
    "torch.nn.modules.activation.Tanh".into()
}

impl DenseShape {
    /// Reads and checks a module's settings; `width`: numbers of the row that it gets.
    pub(super) fn read(folder: &Path, width: usize) -> Result<Self, Error> {
        let path = folder.join("config.json");
        if !path.exists() {
            return Err(Error::MissingFile {
                path,
                expected: "the Dense module that modules.json names".into(),
            });
        }
        let file: File = read_json(&path)?;
        let is_tanh = match file.activation_function.rsplit('.').next() {
            Some("Identity") => false,
            Some("Tanh") => true,
            _ => {
                return Err(Error::UnsupportedModel {
                    path,
                    expected: "activation_function Identity or Tanh".into(),
                    got: file.activation_function,
                });
            }
        };
        for name in [file.module_input_name, file.module_output_name] {
            if !(name.is_null() || name == "sentence_embedding") {
                return Err(Error::UnsupportedModel {
                    path,
                    expected: "a Dense module of the pooled row".into(),
                    got: name.to_string(),
                });
            }
        }
        if file.in_features != width {
            let expected = format!("in_features {width}, as many as what comes before gives");
            return Err(Error::invalid_file(&path, expected, file.in_features.to_string()));
        }
        if !(1..=MAX_DIMENSIONS).contains(&file.out_features) {
            let expected = format!("out_features from 1 to {MAX_DIMENSIONS}");
            return Err(Error::invalid_file(&path, expected, file.out_features.to_string()));
        }
        Ok(Self {
            weights: folder.join("model.safetensors"),
            from: file.in_features,
            to: file.out_features,
            has_bias: file.bias,
            is_tanh,
        })
    }

    /// All that changes vectors.
    pub(super) fn describe(&self) -> Result<String, Error> {
        let weights = digest_of_file(&self.weights)?;
        Ok(format!("{}x{}, bias={}, tanh={}, {weights}", self.from, self.to, self.has_bias, self.is_tanh))
    }
}

/// A dense module, in floats.
#[derive(Debug)]
pub(super) struct Dense {
    linear: Linear,
    to: usize,
    is_tanh: bool,
}

impl Dense {
    /// Reads and checks the weights.
    pub(super) fn read(shape: &DenseShape) -> Result<Self, Error> {
        let DenseShape { weights: path, from, to, has_bias, is_tanh } = shape;
        let files = WeightFiles::whole(path.clone(), "the weights of a Dense module")?;
        let mapped = files.map()?;
        let tensors = mapped.tensors(Quantization::None)?;
        let reader = Reader::new(&tensors, "linear.weight");
        let linear = reader.linear(&[Part::whole("linear".into(), *to)], *from, *has_bias)?;
        Ok(Self { linear, to: *to, is_tanh: *is_tanh })
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.linear.memory_bytes()
    }

    pub(super) fn apply(&self, row: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; self.to];
        linear(row, 1, &self.linear, Activation::None, &mut out, 0..self.to, &mut Buffer::default());
        if self.is_tanh {
            out.iter_mut().for_each(|x| *x = x.tanh());
        }
        out
    }
}
