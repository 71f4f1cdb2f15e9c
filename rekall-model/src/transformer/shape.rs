//! The shape of a network, whichever its architecture, from `config.json`.

use std::path::Path;

use super::decoder::{self, Decoder};
use super::encoder::Encoder;
use super::kept::{Matrices, Place};
use super::modern_bert::{self, ModernBert};
use super::post_norm::{self, BertConfig, Form, PostNorm};
use super::reader::Reader;
use super::weight_files::Tensors;
use crate::architecture::{Architecture, Family};
use crate::files::read_json;
use crate::{Error, Precision};

#[derive(Debug, Clone)]
pub(super) enum Shape {
    Bert(BertConfig),
    /// After BERT's plan, with other parts.
    PostNorm(Form),
    ModernBert(modern_bert::Config),
    Decoder(decoder::Config),
}

impl Shape {
    /// Reads and checks a `config.json`.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let Architecture::Transformer(family) = Architecture::read(path)? else {
            return Err(Error::UnsupportedModel {
                path: path.to_owned(),
                expected: "a transformer".into(),
                got: "a static model".into(),
            });
        };
        match family {
            Family::Bert if post_norm::jina_bert::is_meant(path)? => {
                post_norm::jina_bert::read(path).map(Self::PostNorm)
            }
            Family::Bert => {
                let config: BertConfig = read_json(path)?;
                config.check(path)?;
                Ok(Self::Bert(config))
            }
            Family::Decoder => decoder::Config::read(path).map(Self::Decoder),
            Family::DistilBert => post_norm::distilbert::read(path).map(Self::PostNorm),
            Family::Gte => post_norm::gte::read(path).map(Self::PostNorm),
            Family::ModernBert => {
                let config: modern_bert::Config = read_json(path)?;
                config.check(path)?;
                Ok(Self::ModernBert(config))
            }
            Family::MpNet => post_norm::mpnet::read(path).map(Self::PostNorm),
            Family::NomicBert => post_norm::nomic_bert::read(path).map(Self::PostNorm),
        }
    }

    /// Reads and checks the weights, for texts of up to `limit` tokens. Matrices are kept at `place`, if there is one.
    pub(super) fn read_encoder(
        &self,
        tensors: &Tensors<'_>,
        limit: usize,
        precision: Precision,
        place: Option<&Place>,
    ) -> Result<Box<dyn Encoder>, Error> {
        let mut matrices = place.map_or_else(|| Matrices::of(precision), Matrices::kept_in);
        let mut encoder = self.encoder(tensors, limit, &matrices)?;
        if let Some(place) = place.filter(|_| matrices.lacks_some()) {
            drop(encoder);
            place.clear();
            matrices = Matrices::kept_in(place);
            encoder = self.encoder(tensors, limit, &matrices)?;
        }
        // Once they are kept, this process uses the file's pages, too, rather than a copy of its own.
        match place.filter(|_| matrices.finish()).and_then(Matrices::found_in) {
            Some(found) => {
                drop(encoder);
                self.encoder(tensors, limit, &found)
            }
            None => Ok(encoder),
        }
    }

    fn encoder(
        &self,
        tensors: &Tensors<'_>,
        limit: usize,
        matrices: &Matrices,
    ) -> Result<Box<dyn Encoder>, Error> {
        Ok(match self {
            Self::Bert(config) => Box::new(PostNorm::read(tensors, config.form(), limit, matrices)?),
            Self::PostNorm(form) => Box::new(PostNorm::read(tensors, form.clone(), limit, matrices)?),
            Self::ModernBert(config) => Box::new(ModernBert::read(tensors, config, limit, matrices)?),
            Self::Decoder(config) => Box::new(Decoder::read(tensors, config, limit, matrices)?),
        })
    }

    /// Reads what stands beside the network in its files.
    pub(super) fn reader<'a>(&self, tensors: &'a Tensors<'a>) -> Reader<'a> {
        let first = match self {
            Self::Bert(_) | Self::PostNorm(_) => post_norm::WORDS,
            Self::ModernBert(_) => modern_bert::WORDS,
            Self::Decoder(_) => decoder::WORDS,
        };
        Reader::new(tensors, first)
    }

    /// The first part of a fingerprint.
    pub(super) fn family(&self) -> &str {
        match self {
            Self::Bert(config) => &config.model_type,
            Self::PostNorm(form) => form.family,
            Self::ModernBert(_) => "modernbert",
            Self::Decoder(config) => config.family,
        }
    }

    /// Numbers of a token's vector.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Bert(config) => config.hidden_size,
            Self::PostNorm(form) => form.hidden_size,
            Self::ModernBert(config) => config.hidden_size,
            Self::Decoder(config) => config.hidden_size,
        }
    }

    pub(super) fn vocabulary(&self) -> usize {
        match self {
            Self::Bert(config) => config.vocab_size,
            Self::PostNorm(form) => form.vocabulary,
            Self::ModernBert(config) => config.vocab_size,
            Self::Decoder(config) => config.vocabulary,
        }
    }

    /// How many ids without a vector a tokenizer may have: Gemma's has a token that stands for an image, which only its larger
    /// networks read. Such tokens of a text are left out.
    pub(super) fn foreign_ids(&self) -> usize {
        match self {
            Self::Decoder(config) if config.is_gemma => 1,
            _ => 0,
        }
    }

    /// The longest input that the network is made for, in tokens.
    pub(super) fn positions(&self) -> usize {
        match self {
            Self::Bert(config) => config.positions(),
            Self::PostNorm(form) => form.positions,
            Self::ModernBert(config) => config.max_position_embeddings,
            Self::Decoder(config) => config.positions,
        }
    }

    /// The padding's token, where a text's positions depend on it.
    pub(super) fn counted_padding(&self) -> Option<usize> {
        match self {
            Self::Bert(config) => config.counted_padding(),
            Self::PostNorm(form) => form.counted_padding(),
            Self::ModernBert(_) | Self::Decoder(_) => None,
        }
    }

    /// All that changes vectors.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Bert(config) => config.describe(),
            Self::PostNorm(form) => form.describe(),
            Self::ModernBert(config) => config.describe(),
            Self::Decoder(config) => config.describe(),
        }
    }
}
