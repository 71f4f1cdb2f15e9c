//! The file of vectors that all contenders of a run read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use serde::Deserialize;

/// Vectors as little-endian `f32`, one after the other; the first `rows` are searched, the last `queries` are asked.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Input {
    pub(crate) vectors: PathBuf,
    pub(crate) rows: usize,
    pub(crate) dimensions: usize,
    pub(crate) queries: usize,
}

/// Rows handed over at a time: what a host reads from its store in one go.
const PART: usize = 4096;

impl Input {
    pub(crate) fn queries(&self) -> io::Result<Vec<f32>> {
        let mut file = File::open(&self.vectors)?;
        let bytes = self.queries * self.dimensions * size_of::<f32>();
        file.seek(SeekFrom::End(-(bytes as i64)))?;
        read(&mut file, bytes)
    }

    /// Hands the rows over in parts, each with the number of its first row.
    pub(crate) fn each_part<E: From<io::Error>>(
        &self,
        mut take: impl FnMut(usize, &[f32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut file = File::open(&self.vectors)?;
        for first in (0..self.rows).step_by(PART) {
            let count = PART.min(self.rows - first);
            take(first, &read(&mut file, count * self.dimensions * size_of::<f32>())?)?;
        }
        Ok(())
    }
}

fn read(file: &mut File, bytes: usize) -> io::Result<Vec<f32>> {
    let mut buffer = vec![0; bytes];
    file.read_exact(&mut buffer)?;
    Ok(numbers(&buffer).collect())
}

/// The numbers that bytes stand for.
pub(crate) fn numbers(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four))
}
