//! BERT in candle-transformers' implementation, for the devices that candle has kernels for.
//!
//! Texts of a batch are padded to the longest of them and the padding is masked, because a device computes
//! one large product faster than many small ones. On the processor [`encoder`](super::encoder) is faster: it
//! does not pad, and packs the weights once instead of at every call.

use std::panic::catch_unwind;
use std::path::Path;

use candle_core::safetensors::SliceSafetensors;
use candle_core::{DType, IndexOp, Shape, Tensor};
use candle_transformers::models::bert::{self, BertModel};
// candle-nn through candle-transformers' re-export: a dependency of our own on it would switch the
// accelerators on.
use candle_transformers::models::mimi::candle_nn::var_builder::SimpleBackend;
use candle_transformers::models::mimi::candle_nn::{Activation, Init, VarBuilder};
use candle_transformers::models::xlm_roberta::{self, XLMRobertaModel};

use super::encoder::Sequence;
use super::pooling::Pooling;
use super::post_norm::{BertConfig as Config, WORDS};
use super::weight_files::Tensors;
use crate::bytes::Bytes;
use crate::{Device, Error};

/// A BERT or RoBERTa network on a device, in `f32`.
pub(super) struct CandleNetwork {
    device: candle_core::Device,
    network: Network,
    memory_bytes: usize,
}

enum Network {
    Bert(BertModel),
    Roberta(XLMRobertaModel),
}

impl CandleNetwork {
    /// Loads the weights onto a device. Names and shapes were checked by [`PostNorm`](super::post_norm::PostNorm)
    /// before.
    pub(super) fn load(tensors: &Tensors<'_>, config: &Config, device: Device) -> Result<Self, Error> {
        let device = open(device)?;
        // As in `Weights`: the prefix of the tensors' names is empty, `bert.`, `roberta.` …
        let prefix = tensors.names().find_map(|name| name.strip_suffix(WORDS)).unwrap_or_default().to_owned();
        let files = Files(tensors.files().map(parse).collect::<Result<_, _>>()?);
        let reader = VarBuilder::from_backend(Box::new(files), DType::F32, device.clone())
            .rename_f(move |name| format!("{prefix}{name}"));
        Self::read(&reader, config, device).map_err(compute)
    }

    fn read(
        reader: &VarBuilder<'_>,
        config: &Config,
        device: candle_core::Device,
    ) -> candle_core::Result<Self> {
        let types = reader.get_unchecked("embeddings.token_type_embeddings.weight")?.dim(0)?;
        let network = if config.model_type == "bert" {
            Network::Bert(BertModel::load(reader.clone(), &bert_config(config, types))?)
        } else {
            Network::Roberta(XLMRobertaModel::new(&roberta_config(config, types), reader.clone())?)
        };
        Ok(Self { device, network, memory_bytes: memory_bytes(config, types) })
    }

    /// Memory held on the device (which for the processor is the heap).
    pub(super) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// Fills `rows[i]` with the pooled, not yet normalized, vector of `texts[i]`.
    pub(super) fn embed(
        &self,
        pooling: Pooling,
        texts: &[Sequence<'_>],
        rows: &mut [&mut [f32]],
    ) -> Result<(), Error> {
        let ids: Vec<&[u32]> = texts.iter().map(|text| text.ids).collect();
        let pooled = self.pooled(pooling, &ids).map_err(compute)?;
        for (pooled, row) in pooled.iter().zip(rows) {
            row.copy_from_slice(&pooled[..row.len()]);
        }
        Ok(())
    }

    fn pooled(&self, pooling: Pooling, texts: &[&[u32]]) -> candle_core::Result<Vec<Vec<f32>>> {
        let (count, longest) = (texts.len(), texts.iter().map(|text| text.len()).max().unwrap_or(0));
        let mut ids = vec![0_u32; count * longest];
        let mut mask = vec![0.0_f32; count * longest];
        for (i, text) in texts.iter().enumerate() {
            ids[i * longest..][..text.len()].copy_from_slice(text);
            mask[i * longest..][..text.len()].fill(1.0);
        }
        let ids = Tensor::from_vec(ids, (count, longest), &self.device)?;
        let mask = Tensor::from_vec(mask, (count, longest), &self.device)?;
        let types = ids.zeros_like()?;
        let hidden = match &self.network {
            Network::Bert(network) => network.forward(&ids, &types, Some(&mask))?,
            Network::Roberta(network) => network.forward(&ids, &mask, &types, None, None, None)?,
        };
        let mask = mask.unsqueeze(2)?;
        let pooled = match pooling {
            Pooling::Cls => hidden.i((.., 0))?,
            Pooling::Mean => hidden.broadcast_mul(&mask)?.sum(1)?.broadcast_div(&mask.sum(1)?)?,
            Pooling::Last => {
                let last: Vec<u32> = texts.iter().map(|text| text.len().saturating_sub(1) as u32).collect();
                let last = Tensor::from_vec(last, (count, 1, 1), &self.device)?;
                let last = last.broadcast_as((count, 1, hidden.dim(2)?))?.contiguous()?;
                hidden.contiguous()?.gather(&last, 1)?.squeeze(1)?
            }
            // Padding becomes far smaller than any number of a text.
            Pooling::Max => hidden.broadcast_add(&mask.affine(1e9, -1e9)?)?.max(1)?,
        };
        pooled.to_vec2()
    }
}

fn parse<'a>((path, bytes): (&Path, &'a Bytes)) -> Result<SliceSafetensors<'a>, Error> {
    SliceSafetensors::new(bytes)
        .map_err(|error| Error::invalid_file(path, "a whole safetensors file", one_line(&error)))
}

/// The tensors of several files, of which each is in one alone.
struct Files<'a>(Vec<SliceSafetensors<'a>>);

impl Files<'_> {
    /// The file that has a tensor.
    fn with(&self, name: &str) -> candle_core::Result<&SliceSafetensors<'_>> {
        let found = self.0.iter().find(|file| file.get(name).is_ok());
        found.ok_or_else(|| candle_core::Error::CannotFindTensor { path: name.to_owned() })
    }
}

impl SimpleBackend for Files<'_> {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        init: Init,
        dtype: DType,
        device: &candle_core::Device,
    ) -> candle_core::Result<Tensor> {
        SimpleBackend::get(self.with(name)?, shape, name, init, dtype, device)
    }

    fn get_unchecked(
        &self,
        name: &str,
        dtype: DType,
        device: &candle_core::Device,
    ) -> candle_core::Result<Tensor> {
        self.with(name)?.get_unchecked(name, dtype, device)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.with(name).is_ok()
    }
}

fn open(device: Device) -> Result<candle_core::Device, Error> {
    match device {
        Device::Cpu | Device::CandleCpu => Ok(candle_core::Device::Cpu),
        Device::Cuda(index) => candle_core::Device::new_cuda(index),
        // candle indexes the list of cards without checking its length, and on a virtual machine it is empty.
        Device::Metal(index) => catch_unwind(|| candle_core::Device::new_metal(index))
            .unwrap_or_else(|_| Err(candle_core::Error::msg(format!("there is no card {index}")))),
    }
    .map_err(|error| Error::InvalidInput {
        what: "device",
        expected: format!("{device:?} present and compiled in"),
        got: one_line(&error),
    })
}

fn bert_config(config: &Config, types: usize) -> bert::Config {
    bert::Config {
        vocab_size: config.vocab_size,
        hidden_size: config.hidden_size,
        num_hidden_layers: config.num_hidden_layers,
        num_attention_heads: config.num_attention_heads,
        intermediate_size: config.intermediate_size,
        hidden_act: if config.hidden_act == "relu" { bert::HiddenAct::Relu } else { bert::HiddenAct::Gelu },
        max_position_embeddings: config.max_position_embeddings,
        type_vocab_size: types,
        layer_norm_eps: config.layer_norm_eps,
        // A prefix that candle would try for the tensors' names; the reader has added the right one.
        model_type: None,
        // The other settings concern training only.
        ..bert::Config::default()
    }
}

fn roberta_config(config: &Config, types: usize) -> xlm_roberta::Config {
    xlm_roberta::Config {
        hidden_size: config.hidden_size,
        layer_norm_eps: config.layer_norm_eps,
        attention_probs_dropout_prob: 0.0,
        hidden_dropout_prob: 0.0,
        num_attention_heads: config.num_attention_heads,
        position_embedding_type: "absolute".into(),
        intermediate_size: config.intermediate_size,
        hidden_act: if config.hidden_act == "relu" { Activation::Relu } else { Activation::Gelu },
        num_hidden_layers: config.num_hidden_layers,
        vocab_size: config.vocab_size,
        max_position_embeddings: config.max_position_embeddings,
        type_vocab_size: types,
        // Below `max_position_embeddings`, as `Config` has checked.
        pad_token_id: config.pad_token_id as u32,
    }
}

/// Bytes of the network's numbers, which candle's models do not report.
fn memory_bytes(config: &Config, types: usize) -> usize {
    let (width, inner) = (config.hidden_size, config.intermediate_size);
    let linear = |from: usize, to: usize| (from + 1) * to;
    let norm = 2 * width;
    let layer = 4 * linear(width, width) + linear(width, inner) + linear(inner, width) + 2 * norm;
    let tables = (config.vocab_size + config.max_position_embeddings + types) * width;
    (tables + norm + config.num_hidden_layers * layer) * DType::F32.size_in_bytes()
}

fn compute(error: candle_core::Error) -> Error {
    Error::Compute { reason: one_line(&error) }
}

/// candle may append a backtrace.
fn one_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::quantization::Quantization;
    use super::super::weight_files::WeightFiles;
    use super::*;

    #[test]
    fn memory_is_what_the_file_holds_in_f32() {
        for (name, numbers_in_bytes) in [("bert-tiny-mean", 4), ("xlmr-tiny-cls-f16", 2)] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
            let files = WeightFiles::of(&folder).unwrap();
            let mapped = files.map().unwrap();
            let config = std::fs::read(folder.join("config.json")).unwrap();
            let config: Config = serde_json::from_slice(&config).unwrap();
            let tensors = mapped.tensors(Quantization::None).unwrap();
            let network = CandleNetwork::load(&tensors, &config, Device::CandleCpu).unwrap();
            let sizes = tensors.names().map(|name| tensors.find(name).unwrap().view.data().len());
            let numbers: usize = sizes.map(|size| size / numbers_in_bytes).sum();
            assert_eq!(network.memory_bytes(), numbers * 4, "{name}");
        }
    }
}
