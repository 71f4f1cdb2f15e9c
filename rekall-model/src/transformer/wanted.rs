//! Which tokens' rows are made of the last layer.
//!
//! Where a single row of each text is read, as by most rerankers' heads, the other tokens' keys and values are all that the last layer
//! needs of them. So it leaves out what they would look at, and everything after the attention: of a network of six layers an eighth
//! of the work. A row's numbers do not depend on the rows beside it.

use std::ops::Range;

use super::encoder::Sequence;

/// The rows of a text that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    All,
    /// That of the first token.
    First,
    /// That of the last token.
    Last,
}

impl Wanted {
    /// The tokens meant, of a text of so many.
    pub(super) fn of(self, length: usize) -> Range<usize> {
        match self {
            Self::All => 0..length,
            Self::First => 0..length.min(1),
            Self::Last => length.saturating_sub(1)..length,
        }
    }

    /// Rows of all texts.
    pub(super) fn count(self, texts: &[Sequence<'_>]) -> usize {
        texts.iter().map(|text| self.of(text.ids.len()).len()).sum()
    }

    /// The layers of a network, each with the rows that it makes.
    pub(super) fn in_layers<L>(self, layers: &[L]) -> impl Iterator<Item = (&L, Self)> {
        let last = layers.len().saturating_sub(1);
        layers.iter().enumerate().map(move |(at, layer)| (layer, if at == last { self } else { Self::All }))
    }

    /// Moves these rows, of all texts' rows of `width` numbers, to the front, where they stand text after text.
    pub(super) fn gather(self, rows: &mut [f32], width: usize, texts: &[Sequence<'_>]) {
        if self == Self::All {
            return;
        }
        let (mut first, mut at) = (0, 0);
        for text in texts {
            let length = text.ids.len();
            let tokens = self.of(length);
            rows.copy_within((first + tokens.start) * width..(first + tokens.end) * width, at * width);
            at += tokens.len();
            first += length;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::quantization::Quantization;
    use super::super::shape::Shape;
    use super::super::tensor_parallel::Shard;
    use super::super::weight_files::WeightFiles;
    use super::super::workspace::Workspace;
    use super::*;
    use crate::Precision;

    /// The tiny networks that are compared with the reference elsewhere, of each plan.
    #[test]
    fn a_network_makes_the_same_rows_whether_others_are_wanted_or_not() {
        let ids: Vec<u32> = (0..50).map(|at| 5 + at * 7 % 60).collect();
        let texts = [50, 1, 17, 33].map(|length| Sequence::of(&ids[..length]));
        for name in [
            "bert-tiny-mean",
            "mpnet-tiny",
            "jina-bert-tiny",
            "modernbert-tiny-mean",
            "qwen3-tiny",
            "gemma3-tiny",
        ] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
            let shape = Shape::read(&folder.join("config.json")).unwrap();
            let weights = WeightFiles::of(&folder).unwrap();
            let mapped = weights.map().unwrap();
            let tensors = mapped.tensors(Quantization::None).unwrap();
            let encoder = shape.read_encoder(&tensors, 64, Precision::F32, None).unwrap();
            let rows = |wanted: Wanted| {
                let mut workspace = Workspace::default();
                assert!(encoder.encode(&mut workspace, &texts, wanted, &mut Shard::whole()).unwrap());
                workspace.hidden[..wanted.count(&texts) * encoder.width()].to_vec()
            };
            for wanted in [Wanted::First, Wanted::Last] {
                let mut expected = rows(Wanted::All);
                wanted.gather(&mut expected, encoder.width(), &texts);
                let alone = rows(wanted);
                assert_eq!(alone, expected[..alone.len()], "{name}, {wanted:?}");
            }
        }
    }

    #[test]
    fn rows_move_to_the_front_in_the_order_of_their_texts() {
        let ids = [0; 4];
        let texts = [4, 1, 0, 2].map(|length| Sequence::of(&ids[..length]));
        let all: Vec<f32> = (0..14).map(|x| x as f32).collect();
        for (wanted, expected) in [
            (Wanted::All, &all[..]),
            (Wanted::First, &[0.0, 1.0, 8.0, 9.0, 10.0, 11.0]),
            (Wanted::Last, &[6.0, 7.0, 8.0, 9.0, 12.0, 13.0]),
        ] {
            let mut rows = all.clone();
            wanted.gather(&mut rows, 2, &texts);
            assert_eq!(&rows[..wanted.count(&texts) * 2], expected, "{wanted:?}");
        }
    }
}
