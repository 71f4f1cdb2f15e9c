//! Files with rows of four-bit numbers ([`Number::I4`]), and the same model in eight bits.
//!
//! Model2Vec has no such files. The model with the same numbers in eight bits is one of its own and gives the
//! same vectors, so both are the same space: the digest in a fingerprint is that of the file with eight bits, as
//! `safetensors` writes it.

use std::path::Path;

use safetensors::tensor::{Metadata, TensorInfo, TensorView};
use safetensors::{Dtype, SafeTensors};

use super::number::{Number, halves};
use crate::Error;

/// The tensor of such rows, which takes the place of [`ROWS`].
pub(super) const PACKED_ROWS: &str = "embeddings_i4";
/// Model2Vec's tensor of rows.
pub(super) const ROWS: &str = "embeddings";

/// The tensor of rows, with its name: `rows`, or the one with four bits.
pub(super) fn find<'a>(
    path: &Path,
    tensors: &SafeTensors<'a>,
    rows: &'static str,
) -> Result<(&'static str, TensorView<'a>), Error> {
    match (tensors.tensor(rows), tensors.tensor(PACKED_ROWS)) {
        (Ok(view), Err(_)) => Ok((rows, view)),
        (Err(_), Ok(view)) => Ok((PACKED_ROWS, view)),
        (Ok(_), Ok(_)) => {
            Err(Error::invalid_file(path, format!("one of the tensors `{rows}` and `{PACKED_ROWS}`"), "both"))
        }
        (Err(_), Err(_)) => {
            let mut names = tensors.names();
            names.sort_unstable();
            let expected = format!("a tensor `{rows}` of token vectors");
            Err(Error::invalid_file(path, expected, format!("tensors {}", names.join(", "))))
        }
    }
}

/// How the numbers of a tensor of rows are stored.
pub(super) fn number(path: &Path, name: &str, dtype: Dtype) -> Result<Number, Error> {
    let (number, expected) = match (name, dtype) {
        (PACKED_ROWS, Dtype::U8) => (Some(Number::I4), ""),
        (PACKED_ROWS, _) => (None, "U8, two numbers a byte"),
        (_, Dtype::I8) => (Some(Number::I8), ""),
        (_, Dtype::F16) => (Some(Number::F16), ""),
        (_, Dtype::F32) => (Some(Number::F32), ""),
        (_, Dtype::F64) => (Some(Number::F64), ""),
        _ => (None, "I8, F16, F32 or F64"),
    };
    number.ok_or_else(|| Error::invalid_file(path, format!("`{name}` in {expected}"), format!("{dtype:?}")))
}

/// The digest that the same model has with rows of eight bits: of the file that `safetensors` writes of the same
/// tensors. That file is hashed part by part and never there as a whole.
pub(super) fn digest_in_eight_bits(path: &Path, tensors: &SafeTensors<'_>) -> Result<String, Error> {
    let mut all = tensors.tensors();
    for (name, _) in &mut all {
        if name == PACKED_ROWS {
            ROWS.clone_into(name);
        }
    }
    let is_packed = |name: &str| name == ROWS;
    let dtype = |name: &str, view: &TensorView<'_>| if is_packed(name) { Dtype::I8 } else { view.dtype() };
    // Its order: numbers of many bytes first, then by name.
    all.sort_by(|(a, left), (b, right)| dtype(b, right).cmp(&dtype(a, left)).then(a.cmp(b)));

    let mut end = 0;
    let mut infos = Vec::with_capacity(all.len());
    for (name, view) in &all {
        let mut shape = view.shape().to_vec();
        let mut length = view.data().len();
        if is_packed(name) {
            shape.iter_mut().skip(1).for_each(|columns| *columns *= 2);
            length *= 2;
        }
        let data_offsets = (end, end + length);
        end += length;
        infos.push((name.clone(), TensorInfo { dtype: dtype(name, view), shape, data_offsets }));
    }
    let refuse = |error: String| Error::invalid_file(path, "tensors with a form in eight bits", error);
    let metadata = Metadata::new(None, infos).map_err(|error| refuse(error.to_string()))?;
    let mut header = serde_json::to_vec(&metadata).map_err(|error| refuse(error.to_string()))?;
    header.resize(header.len().next_multiple_of(8), b' ');

    let mut hasher = blake3::Hasher::new();
    hasher.update(&(header.len() as u64).to_le_bytes()).update(&header);
    for (name, view) in &all {
        match (is_packed(name), view.shape().last()) {
            (true, Some(&row_bytes)) => {
                let mut wide = Vec::with_capacity(2 * row_bytes);
                for row in view.data().chunks_exact(row_bytes.max(1)) {
                    wide.clear();
                    widen_row(row, &mut wide);
                    hasher.update(&wide);
                }
            }
            _ => {
                hasher.update(view.data());
            }
        }
    }
    Ok(format!("blake3:{}", hasher.finalize().to_hex()))
}

/// Appends a row's numbers, each as a byte.
fn widen_row(row: &[u8], wide: &mut Vec<u8>) {
    for half in [0, 1] {
        wide.extend(row.iter().map(|&byte| halves(byte)[half] as u8));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::digest;

    #[test]
    fn a_row_has_its_halves_side_by_side() {
        let mut wide = Vec::new();
        widen_row(&[0x08, 0xF9], &mut wide);
        assert_eq!(wide.into_iter().map(u8::cast_signed).collect::<Vec<_>>(), [0, 1, -8, 7]);
    }

    #[test]
    fn the_digest_is_that_of_the_file_with_eight_bits() {
        let packed: Vec<u8> = (0..12).map(|n| n * 21).collect();
        let mut wide = Vec::new();
        packed.chunks(3).for_each(|row| widen_row(row, &mut wide));
        let weights: Vec<u8> = (0..4).flat_map(|n| (n as f32 / 3.0).to_le_bytes()).collect();
        let mapping: Vec<u8> = [3_i64, 0, 1, 2].iter().flat_map(|row| row.to_le_bytes()).collect();
        let file = |name: &str, dtype, columns, rows: &[u8]| {
            let views = [
                (name, TensorView::new(dtype, vec![4, columns], rows).unwrap()),
                ("mapping", TensorView::new(Dtype::I64, vec![4], &mapping).unwrap()),
                ("weights", TensorView::new(Dtype::F32, vec![4], &weights).unwrap()),
            ];
            safetensors::serialize(views, None).unwrap()
        };
        let narrow = file(PACKED_ROWS, Dtype::U8, 3, &packed);
        let narrow = SafeTensors::deserialize(&narrow).unwrap();
        let digest_of_narrow = digest_in_eight_bits(Path::new("narrow"), &narrow).unwrap();
        assert_eq!(digest_of_narrow, digest(&file(ROWS, Dtype::I8, 6, &wide)));
    }
}
