//! The head that makes a score of a network's rows.

use std::path::Path;

use serde_json::Value;

use crate::Error;
use crate::cpu::{Activation, Buffer, layer_norm};
use crate::transformer::encoder::linear;
use crate::transformer::pooling::Pooling;
use crate::transformer::reader::{Linear, Norm, Part, Reader};
use crate::transformer::shape::Shape;
use crate::transformer::wanted::Wanted;

/// What the head is called in a file, and how it computes.
#[derive(Debug, Clone)]
pub(super) struct HeadShape {
    /// The layer before the last one, and the last one; names of tensors without `.weight`.
    dense: &'static str,
    out: &'static str,
    norm: Option<&'static str>,
    /// Whether the first layer's name has the encoder's prefix.
    is_dense_in_encoder: bool,
    has_dense_bias: bool,
    has_norm_bias: bool,
    norm_epsilon: f32,
    activation: HeadActivation,
    pooling: Pooling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HeadActivation {
    Tanh,
    Gelu,
    Silu,
}

impl HeadShape {
    /// The head of a network of this shape; `config` is the `config.json` at `path`.
    pub(super) fn of(shape: &Shape, path: &Path, config: &Value) -> Result<Self, Error> {
        let bert = Self {
            dense: "pooler.dense",
            out: "classifier",
            norm: None,
            is_dense_in_encoder: true,
            has_dense_bias: true,
            has_norm_bias: false,
            norm_epsilon: 0.0,
            activation: HeadActivation::Tanh,
            pooling: Pooling::Cls,
        };
        let modern = match shape {
            Shape::Bert(config) if config.model_type == "bert" => return Ok(bert),
            Shape::Bert(_) => {
                let (dense, out) = ("classifier.dense", "classifier.out_proj");
                return Ok(Self { dense, out, is_dense_in_encoder: false, ..bert });
            }
            Shape::PostNorm(_) | Shape::Decoder(_) => {
                return Err(Error::UnsupportedModel {
                    path: path.to_owned(),
                    expected: "a reranker of BERT, RoBERTa, XLM-RoBERTa, CamemBERT or ModernBERT".into(),
                    got: shape.family().into(),
                });
            }
            Shape::ModernBert(modern) => modern,
        };
        let text = |key: &str, default| config.get(key).and_then(Value::as_str).unwrap_or(default);
        let unsupported = |expected: &str, got: &str| {
            Err(Error::UnsupportedModel { path: path.to_owned(), expected: expected.into(), got: got.into() })
        };
        let activation = match text("classifier_activation", "gelu") {
            "gelu" => HeadActivation::Gelu,
            "silu" => HeadActivation::Silu,
            "tanh" => HeadActivation::Tanh,
            other => return unsupported("classifier_activation gelu, silu or tanh", other),
        };
        let pooling = match text("classifier_pooling", "cls") {
            "cls" => Pooling::Cls,
            "mean" => Pooling::Mean,
            other => return unsupported("classifier_pooling cls or mean", other),
        };
        Ok(Self {
            dense: "head.dense",
            norm: Some("head.norm"),
            is_dense_in_encoder: false,
            has_dense_bias: config.get("classifier_bias").and_then(Value::as_bool).unwrap_or(false),
            has_norm_bias: modern.norm_bias,
            norm_epsilon: modern.norm_eps as f32,
            activation,
            pooling,
            ..bert
        })
    }
}

/// Two layers on top of a pooled row.
#[derive(Debug)]
pub(super) struct Head {
    shape: HeadShape,
    dense: Linear,
    norm: Option<Norm>,
    out: Linear,
}

impl Head {
    pub(super) fn read(reader: &Reader<'_>, shape: HeadShape, width: usize) -> Result<Self, Error> {
        let root = reader.without_prefix();
        let near = if shape.is_dense_in_encoder { reader } else { &root };
        let part = |name: &str, rows| [Part::whole(name.to_owned(), rows)];
        Ok(Self {
            dense: near.linear(&part(shape.dense, width), width, shape.has_dense_bias)?,
            norm: shape.norm.map(|name| root.norm(name, width, shape.has_norm_bias)).transpose()?,
            out: root.linear(&part(shape.out, 1), width, true)?,
            shape,
        })
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.dense.memory_bytes() + self.out.memory_bytes() + self.norm.as_ref().map_or(0, Norm::memory_bytes)
    }

    /// The rows that it reads.
    pub(super) fn wanted(&self) -> Wanted {
        self.shape.pooling.wanted()
    }

    /// The score of one text's rows.
    pub(super) fn score(&self, tokens: &[f32], width: usize, buffer: &mut Buffer) -> f32 {
        let buffer = buffer.sized(2 * width);
        let (pooled, row) = buffer.split_at_mut(width);
        self.shape.pooling.pool(tokens, width, pooled);
        let activation = match self.shape.activation {
            HeadActivation::Tanh => Activation::None,
            HeadActivation::Gelu => Activation::Gelu,
            HeadActivation::Silu => Activation::Silu,
        };
        let room = &mut Buffer::default(); // a single row of floats needs none
        linear(pooled, 1, &self.dense, activation, row, 0..width, room);
        if self.shape.activation == HeadActivation::Tanh {
            row.iter_mut().for_each(|x| *x = x.tanh());
        }
        if let Some(norm) = &self.norm {
            layer_norm(row, &norm.gamma, &norm.beta, self.shape.norm_epsilon);
        }
        let mut score = [0.0];
        linear(row, 1, &self.out, Activation::None, &mut score, 0..1, room);
        score[0]
    }
}

/// Refuses what is no model with a single score for a pair of texts.
pub(super) fn check(path: &Path, config: &Value) -> Result<(), Error> {
    let unsupported = |expected: &str, got: String| {
        Err(Error::UnsupportedModel { path: path.to_owned(), expected: expected.into(), got })
    };
    let classes = config.get("architectures").and_then(Value::as_array);
    let classes: Vec<&str> = classes.into_iter().flatten().filter_map(Value::as_str).collect();
    if !classes.iter().any(|class| class.ends_with("ForSequenceClassification")) {
        let got = if classes.is_empty() { "no architectures".into() } else { classes.join(", ") };
        return unsupported("a reranker, whose class ends in ForSequenceClassification", got);
    }
    let labels = config.get("id2label").and_then(Value::as_object).map(serde_json::Map::len);
    let labels = labels.or_else(|| config.get("num_labels")?.as_u64().map(|count| count as usize));
    // Without either there are two, as the reference has it.
    match labels.unwrap_or(2) {
        1 => Ok(()),
        count => unsupported("one label, whose score says how well two texts fit", format!("{count} labels")),
    }
}
