//! The same network on candle's tensors, for the devices candle has kernels for.
//!
//! Texts of a batch are padded to the longest of them and the padding is masked, as a device wants
//! one big product rather than many small ones. On the processor [`forward`](super::forward) is faster: it
//! neither pads nor packs weights again at every call.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{D, DType, IndexOp, Tensor};

use super::config::{Config, Pooling};
use crate::{Device, Error};

/// The network's tensors on a device, in `f32`.
pub(super) struct Accelerated {
    device: candle_core::Device,
    words: Tensor,
    positions: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attention: Linear,
    attention_norm: Norm,
    up: Linear,
    down: Linear,
    output_norm: Norm,
}

/// Weight as PyTorch stores it, `[out, in]`, and bias.
struct Linear {
    weight: Tensor,
    bias: Tensor,
}

struct Norm {
    gamma: Tensor,
    beta: Tensor,
    epsilon: f64,
}

// candle-nn has all this too, but with kernels of its own that each need its features forwarded.
impl Linear {
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let (count, length, width) = x.dims3()?;
        let y = x.reshape((count * length, width))?.matmul(&self.weight.t()?)?;
        y.broadcast_add(&self.bias)?.reshape((count, length, ()))
    }
}

impl Norm {
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + self.epsilon)?.sqrt()?;
        centred.broadcast_div(&deviation)?.broadcast_mul(&self.gamma)?.broadcast_add(&self.beta)
    }
}

fn softmax(x: &Tensor) -> candle_core::Result<Tensor> {
    let powers = x.broadcast_sub(&x.max_keepdim(D::Minus1)?)?.exp()?;
    powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)
}

impl Accelerated {
    /// Loads the weights onto a device. Shapes were checked by whoever read the file before.
    pub(super) fn load(path: &Path, config: &Config, device: Device) -> Result<Self, Error> {
        let device = match device {
            Device::Cpu | Device::CandleCpu => candle_core::Device::Cpu,
            Device::Cuda(index) => {
                candle_core::Device::new_cuda(index).map_err(|e| unavailable(device, &e))?
            }
            Device::Metal(index) => {
                candle_core::Device::new_metal(index).map_err(|e| unavailable(device, &e))?
            }
        };
        let tensors = candle_core::safetensors::load(path, &device)
            .map_err(|error| Error::bad_file(path, "a whole safetensors file", one_line(&error)))?;
        let reader = Reader::new(path, tensors);
        let positions = reader.get("embeddings.position_embeddings.weight")?;
        let types = reader.get("embeddings.token_type_embeddings.weight")?;
        let positions = types.i(0..1).and_then(|first| positions.broadcast_add(&first)).map_err(compute)?;
        let norm = |name: &str| -> Result<Norm, Error> {
            let (gamma, beta) =
                (reader.get(&format!("{name}.weight"))?, reader.get(&format!("{name}.bias"))?);
            Ok(Norm { gamma, beta, epsilon: config.layer_norm_eps })
        };
        let linear = |name: &str| -> Result<Linear, Error> {
            let (weight, bias) =
                (reader.get(&format!("{name}.weight"))?, reader.get(&format!("{name}.bias"))?);
            Ok(Linear { weight, bias })
        };
        let layer = |index: usize| -> Result<Layer, Error> {
            let name = |part: &str| format!("encoder.layer.{index}.{part}");
            Ok(Layer {
                query: linear(&name("attention.self.query"))?,
                key: linear(&name("attention.self.key"))?,
                value: linear(&name("attention.self.value"))?,
                attention: linear(&name("attention.output.dense"))?,
                attention_norm: norm(&name("attention.output.LayerNorm"))?,
                up: linear(&name("intermediate.dense"))?,
                down: linear(&name("output.dense"))?,
                output_norm: norm(&name("output.LayerNorm"))?,
            })
        };
        Ok(Self {
            words: reader.get("embeddings.word_embeddings.weight")?,
            positions,
            norm: norm("embeddings.LayerNorm")?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_, _>>()?,
            device,
        })
    }

    /// Memory held on the device (which for the processor is the heap).
    pub(super) fn memory_bytes(&self) -> usize {
        let size = |tensor: &Tensor| tensor.elem_count() * tensor.dtype().size_in_bytes();
        let linear = |l: &Linear| size(&l.weight) + size(&l.bias);
        let norm = |n: &Norm| size(&n.gamma) + size(&n.beta);
        let layer = |l: &Layer| {
            [&l.query, &l.key, &l.value, &l.attention, &l.up, &l.down].map(linear).iter().sum::<usize>()
                + norm(&l.attention_norm)
                + norm(&l.output_norm)
        };
        size(&self.words)
            + size(&self.positions)
            + norm(&self.norm)
            + self.layers.iter().map(layer).sum::<usize>()
    }

    /// Fills `rows[i]` with the pooled, not yet normalised, vector of `texts[i]`.
    pub(super) fn embed(
        &self,
        config: &Config,
        pooling: Pooling,
        texts: &[&[u32]],
        rows: &mut [&mut [f32]],
    ) -> Result<(), Error> {
        let pooled = self.pooled(config, pooling, texts).map_err(compute)?;
        for (pooled, row) in pooled.iter().zip(rows) {
            row.copy_from_slice(&pooled[..row.len()]);
        }
        Ok(())
    }

    fn pooled(
        &self,
        config: &Config,
        pooling: Pooling,
        texts: &[&[u32]],
    ) -> candle_core::Result<Vec<Vec<f32>>> {
        let (count, longest) = (texts.len(), texts.iter().map(|text| text.len()).max().unwrap_or(0));
        let mut ids = vec![0_u32; count * longest];
        let mut mask = vec![0.0_f32; count * longest];
        for (i, text) in texts.iter().enumerate() {
            ids[i * longest..][..text.len()].copy_from_slice(text);
            mask[i * longest..][..text.len()].fill(1.0);
        }
        let ids = Tensor::from_vec(ids, count * longest, &self.device)?;
        let mask = Tensor::from_vec(mask, (count, longest), &self.device)?;
        // 0 where there is text, far below any score where there is none.
        let blocked = mask.affine(1e9, -1e9)?.reshape((count, 1, 1, longest))?;

        let words = self.words.index_select(&ids, 0)?.reshape((count, longest, config.hidden_size))?;
        let first = config.first_position();
        let positions = self.positions.i(first..first + longest)?;
        let mut x = self.norm.forward(&words.broadcast_add(&positions)?)?;
        for layer in &self.layers {
            x = layer.forward(&x, &blocked, config)?;
        }
        let mask = mask.unsqueeze(2)?;
        let pooled = match pooling {
            Pooling::Cls => x.i((.., 0))?,
            Pooling::Mean => x.broadcast_mul(&mask)?.sum(1)?.broadcast_div(&mask.sum(1)?)?,
            Pooling::Max => x.broadcast_add(&mask.affine(1e9, -1e9)?)?.max(1)?,
        };
        pooled.to_dtype(DType::F32)?.to_vec2()
    }
}

impl Layer {
    fn forward(&self, x: &Tensor, blocked: &Tensor, config: &Config) -> candle_core::Result<Tensor> {
        let (count, length, width) = x.dims3()?;
        let heads = config.num_attention_heads;
        let size = width / heads;
        let split = |y: Tensor| y.reshape((count, length, heads, size))?.transpose(1, 2)?.contiguous();
        let query = split(self.query.forward(x)?)?;
        let key = split(self.key.forward(x)?)?;
        let value = split(self.value.forward(x)?)?;
        let scores = (query.matmul(&key.transpose(D::Minus2, D::Minus1)?)? / (size as f64).sqrt())?;
        let weights = softmax(&scores.broadcast_add(blocked)?)?;
        let context =
            weights.matmul(&value)?.transpose(1, 2)?.contiguous()?.reshape((count, length, width))?;
        let x = self.attention_norm.forward(&(x + self.attention.forward(&context)?)?)?;
        let inner = self.up.forward(&x)?;
        let inner = if config.hidden_act == "relu" { inner.relu()? } else { inner.gelu_erf()? };
        self.output_norm.forward(&(&x + self.down.forward(&inner)?)?)
    }
}

struct Reader<'a> {
    path: &'a Path,
    tensors: HashMap<String, Tensor>,
    prefix: String,
}

impl<'a> Reader<'a> {
    fn new(path: &'a Path, tensors: HashMap<String, Tensor>) -> Self {
        const FIRST: &str = "embeddings.word_embeddings.weight";
        let prefix = tensors.keys().find_map(|name| name.strip_suffix(FIRST)).unwrap_or_default().to_owned();
        Self { path, tensors, prefix }
    }

    fn get(&self, name: &str) -> Result<Tensor, Error> {
        let old =
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
        let names = [name, &old].map(|name| format!("{}{name}", self.prefix));
        let Some(tensor) = names.iter().find_map(|name| self.tensors.get(name)) else {
            let got = format!("{} others", self.tensors.len());
            return Err(Error::bad_file(self.path, format!("a tensor `{}`", names[0]), got));
        };
        tensor.to_dtype(DType::F32).map_err(compute)
    }
}

fn compute(error: candle_core::Error) -> Error {
    Error::Compute { reason: one_line(&error) }
}

fn unavailable(device: Device, error: &candle_core::Error) -> Error {
    Error::InvalidInput {
        what: "device",
        expected: format!("{device:?} present and compiled in"),
        got: one_line(error),
    }
}

/// candle may append a backtrace.
fn one_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
