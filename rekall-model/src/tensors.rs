//! Safetensors files: their header, and whether their numbers are finite.

use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use crate::Error;

/// Largest header, which names the tensors. That of a network of 24 layers has 50 KB.
const MAX_HEADER_BYTES: u64 = 16 << 20;

/// Longest vector. Known models have up to 8,192 dimensions.
pub(crate) const MAX_DIMENSIONS: usize = 1 << 16;

/// The tensors of a whole file.
pub(crate) fn parse<'a>(path: &Path, file: &'a [u8]) -> Result<SafeTensors<'a>, Error> {
    // The safetensors crate itself accepts 100 MB, for which it would allocate a hundred times as much.
    if let Some(length) =
        file.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)).filter(|&n| n > MAX_HEADER_BYTES)
    {
        let expected = format!("a safetensors header of at most {MAX_HEADER_BYTES} bytes");
        return Err(Error::invalid_file(path, expected, length.to_string()));
    }
    SafeTensors::deserialize(file)
        .map_err(|error| Error::invalid_file(path, "a whole safetensors file", error.to_string()))
}

/// Refuses NaN and infinity, which would make meaningless vectors. One pass over the data, bound by memory
/// bandwidth.
pub(crate) fn check_finite(path: &Path, name: &str, data: &[u8], dtype: Dtype) -> Result<(), Error> {
    let found = match dtype {
        Dtype::F16 => first(data, |bytes: [u8; 2]| u16::from_le_bytes(bytes) & 0x7C00 == 0x7C00),
        Dtype::BF16 => first(data, |bytes: [u8; 2]| u16::from_le_bytes(bytes) & 0x7F80 == 0x7F80),
        Dtype::F32 => first(data, |bytes: [u8; 4]| u32::from_le_bytes(bytes) & 0x7F80_0000 == 0x7F80_0000),
        // They are summed as `f32`.
        Dtype::F64 => first(data, |bytes: [u8; 8]| {
            let number = f64::from_le_bytes(bytes);
            number.is_nan() || number.abs() > f64::from(f32::MAX)
        }),
        _ => None,
    };
    match found {
        None => Ok(()),
        Some(at) => {
            let got = format!("NaN or infinity as number {at}");
            Err(Error::invalid_file(path, format!("finite numbers in `{name}`"), got))
        }
    }
}

/// The position of the first number that is not finite.
fn first<const N: usize>(data: &[u8], bad: impl Fn([u8; N]) -> bool) -> Option<usize> {
    /// Numbers checked without a branch, so that the compiler vectorizes the loop.
    const RUN: usize = 4096;
    let numbers = data.as_chunks::<N>().0;
    let run = numbers.chunks(RUN).position(|run| run.iter().fold(false, |any, bytes| any | bad(*bytes)))?;
    let start = run * RUN;
    numbers[start..].iter().position(|bytes| bad(*bytes)).map(|at| start + at)
}
