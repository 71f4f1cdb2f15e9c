//! The numbers of a post-norm network.

use super::form::{Distance, Form, Half, Matrix};
use crate::Error;
use crate::transformer::kept::Matrices;
use crate::transformer::reader::{Linear, Norm, Part, Reader, Table};
use crate::transformer::weight_files::Tensors;

/// The first tensor, by which the prefix of the others' names is found.
pub(crate) const WORDS: &str = "embeddings.word_embeddings.weight";

#[derive(Debug)]
pub(super) struct Layer {
    /// Query, key and value side by side: one product instead of three.
    pub(super) qkv: Linear,
    pub(super) attention: Linear,
    pub(super) attention_norm: Norm,
    pub(super) up: Linear,
    pub(super) gate: Option<Linear>,
    pub(super) down: Linear,
    pub(super) output_norm: Norm,
}

#[derive(Debug)]
pub(super) struct Weights {
    pub(super) words: Table,
    /// What is added to a token's vector: a row for each position, or one for all; with the first token type's added.
    pub(super) positions: Vec<f32>,
    /// What the second type's vector has more than the first one's; empty where there is one type only.
    pub(super) second_type: Vec<f32>,
    /// A row for each class of distances, a number of each head; empty where there are none.
    pub(super) buckets: Vec<f32>,
    pub(super) norm: Norm,
    pub(super) layers: Vec<Layer>,
}

impl Weights {
    /// Reads and checks every tensor of the network; others, such as a pooler's, are ignored.
    pub(super) fn read(tensors: &Tensors<'_>, form: &Form, matrices: &Matrices) -> Result<Self, Error> {
        let reader = Reader::new(tensors, WORDS).with_matrices(matrices);
        let hidden = form.hidden_size;
        let words = reader.table(WORDS, form.vocabulary, hidden)?;
        let mut positions = match form.learned {
            Some(learned) => {
                reader.numbers("embeddings.position_embeddings.weight", &[learned.rows, hidden])?
            }
            None => vec![0.0; hidden],
        };
        let mut second_type = Vec::new();
        if form.has_types {
            // A single text's tokens all have type 0, and so have those of the first of two.
            let types = reader.rows("embeddings.token_type_embeddings.weight", hidden)?;
            for row in positions.chunks_exact_mut(hidden) {
                for (x, t) in row.iter_mut().zip(&types[..hidden]) {
                    *x += t;
                }
            }
            let second = types.chunks_exact(hidden).nth(1).unwrap_or_default();
            second_type = second.iter().zip(&types).map(|(second, first)| second - first).collect();
        }
        let buckets = match form.distance {
            Some(Distance::Buckets { table, count }) => reader.numbers(table, &[count, form.heads])?,
            _ => Vec::new(),
        };
        let norm = reader.norm(form.names.norm, hidden, true)?;
        let layers = (0..form.layers).map(|index| Layer::read(&reader, index, form));
        Ok(Self { words, positions, second_type, buckets, norm, layers: layers.collect::<Result<_, _>>()? })
    }

    /// Heap held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.words.memory_bytes()
            + size_of_val(&*self.positions)
            + size_of_val(&*self.second_type)
            + size_of_val(&*self.buckets)
            + self.norm.memory_bytes()
            + self.layers.iter().map(Layer::memory_bytes).sum::<usize>()
    }

    /// Bytes of the layers' matrices, wherever they lie.
    pub(super) fn matrix_bytes(&self) -> usize {
        self.layers.iter().flat_map(Layer::linears).map(Linear::matrix_bytes).sum()
    }
}

impl Layer {
    fn read(reader: &Reader<'_>, index: usize, form: &Form) -> Result<Self, Error> {
        let (hidden, inner, names) = (form.hidden_size, form.inner_size, form.names);
        let name = |part: &str| format!("{}.{index}.{part}", names.layers);
        let linear =
            |part: &str, from, to, has_bias| reader.linear(&[Part::whole(name(part), to)], from, has_bias);
        let qkv = names.qkv.iter().map(|part| Part::whole(name(part), 3 * hidden / names.qkv.len()));
        let into = |matrix: Matrix| {
            let (rows, of) = match matrix.half {
                None => (0..inner, inner),
                Some(Half::First) => (0..inner, 2 * inner),
                Some(Half::Second) => (inner..2 * inner, 2 * inner),
            };
            reader.linear(&[Part { name: name(matrix.name), rows, of }], hidden, names.has_up_bias)
        };
        let attention_bias = names.has_attention_bias;
        Ok(Self {
            qkv: reader.linear(&qkv.collect::<Vec<_>>(), hidden, attention_bias)?,
            attention: linear(names.attention, hidden, hidden, attention_bias)?,
            attention_norm: reader.norm(&name(names.attention_norm), hidden, true)?,
            up: into(names.up)?,
            gate: names.gate.map(into).transpose()?,
            down: linear(names.down, inner, hidden, names.has_down_bias)?,
            output_norm: reader.norm(&name(names.output_norm), hidden, true)?,
        })
    }

    fn linears(&self) -> impl Iterator<Item = &Linear> {
        [&self.qkv, &self.attention, &self.up, &self.down].into_iter().chain(&self.gate)
    }

    fn memory_bytes(&self) -> usize {
        let norms = [&self.attention_norm, &self.output_norm].map(Norm::memory_bytes);
        self.linears().map(Linear::memory_bytes).chain(norms).sum()
    }
}
