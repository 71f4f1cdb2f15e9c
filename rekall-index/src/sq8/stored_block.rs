//! The bytes of a persisted block.
//!
//! A block is self-contained. Layout, all little-endian, n rows of d dimensions, which with padding are s codes (the next multiple of 32):
//!
//! | bytes | content |
//! | --- | --- |
//! | 8 | `RKLSQ8`, a zero, the version (2) |
//! | 4 | d |
//! | 4 | n |
//! | 4 d | center, `f32` |
//! | 8 n | entries, `i64` |
//! | 2 n | chunks, `u16` |
//! | n | roles |
//! | 4 n | scales, `f32` |
//! | 4 n | residuals, `f32` |
//! | 4 n | residuals of the high halves, `f32` |
//! | n s / 2 | high halves of the codes, row by row |
//! | n s / 2 | low halves |
//! | 8 | XXH64 (seed 0) of everything before |
//!
//! The halves lie as in memory (`kernels/planes.rs`), so that reading a block copies them. In version 1, which is still read, n d
//! codes as `i8` stand in the place of the last three.

use std::sync::Arc;

use pulp::bytemuck::cast_slice;

use super::codes::{Codes, Factors, Shape};
use crate::center::Center;
use crate::checksum::xxh64;
use crate::kernels::{CODE_LANES, Planes};
use crate::table::{Block, Pool};
use crate::{Error, Key};

const MAGIC: [u8; 7] = *b"RKLSQ8\0";
const VERSION: u8 = 2;
/// Has whole codes.
const WHOLE_CODES: u8 = 1;
const HEADER: usize = MAGIC.len() + 1 + 8;
const CHECKSUM: usize = 8;
/// The bytes of a row beside its codes and factors.
const KEY: usize = 8 + 2 + 1;

/// The bytes of a block.
pub(super) fn write(block: &Block<Codes>, shape: &Shape) -> Vec<u8> {
    let (keys, columns) = (block.keys(), block.columns());
    let (rows, dimensions) = (keys.len(), shape.dimensions());
    let row = KEY + size_of::<Factors>() + shape.stride();
    let mut bytes = Vec::with_capacity(HEADER + 4 * dimensions + rows * row + CHECKSUM);
    bytes.extend_from_slice(&MAGIC);
    bytes.push(VERSION);
    // Both fit: dimensions and rows of a block have far smaller limits.
    bytes.extend_from_slice(&(dimensions as u32).to_le_bytes());
    bytes.extend_from_slice(&(rows as u32).to_le_bytes());
    shape.center().numbers().iter().for_each(|x| bytes.extend_from_slice(&x.to_le_bytes()));
    keys.iter().for_each(|key| bytes.extend_from_slice(&key.entry.to_le_bytes()));
    keys.iter().for_each(|key| bytes.extend_from_slice(&key.chunk.to_le_bytes()));
    bytes.extend(keys.iter().map(|key| key.role));
    for factors in [columns.scales(), columns.residuals(), columns.rough()] {
        factors.iter().for_each(|factor| bytes.extend_from_slice(&factor.to_le_bytes()));
    }
    let Planes { high, low } = columns.planes();
    bytes.extend_from_slice(high);
    bytes.extend_from_slice(low);
    let sum = xxh64(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

pub(super) fn corrupt(detail: String) -> Error {
    Error::Corrupt { detail }
}

/// A block's bytes, found sound.
pub(super) struct StoredBlock<'a> {
    pub(super) center: Center,
    pub(super) rows: usize,
    entries: &'a [u8],
    chunks: &'a [u8],
    roles: &'a [u8],
    scales: &'a [u8],
    residuals: &'a [u8],
    codes: StoredCodes<'a>,
}

/// Codes in one of the layouts.
enum StoredCodes<'a> {
    /// Row by row, without padding.
    Whole(&'a [u8]),
    Halves {
        rough: &'a [u8],
        planes: Planes<'a>,
    },
}

impl<'a> StoredBlock<'a> {
    pub(super) fn parse(bytes: &'a [u8], dimensions: usize) -> Result<Self, Error> {
        let Some((body, sum)) = bytes.split_last_chunk::<CHECKSUM>() else {
            return Err(corrupt(format!("{} bytes are too few", bytes.len())));
        };
        let (due, got) = (u64::from_le_bytes(*sum), xxh64(body));
        if due != got {
            return Err(corrupt(format!("expected checksum {due:016x}, got {got:016x}")));
        }
        let mut rest = body;
        let mut take = |length: usize| {
            let (taken, left) = rest.split_at_checked(length).unwrap_or_default();
            rest = left;
            if taken.len() == length {
                Ok(taken)
            } else {
                Err(corrupt(format!("{} bytes are too few", bytes.len())))
            }
        };
        if take(MAGIC.len())? != MAGIC {
            return Err(corrupt("not an int8 block".into()));
        }
        let version = take(1)?[0];
        let d = u32s(take(4)?).next().unwrap_or(0) as usize;
        let rows = u32s(take(4)?).next().unwrap_or(0) as usize;
        if d != dimensions {
            return Err(corrupt(format!("expected {dimensions} dimensions, got {d}")));
        }
        let plane = d.next_multiple_of(CODE_LANES) / 2;
        let row = match version {
            WHOLE_CODES => KEY + 8 + d,
            VERSION => KEY + size_of::<Factors>() + 2 * plane,
            other => {
                return Err(corrupt(format!(
                    "expected an int8 block of version 1 or {VERSION}, got {other}"
                )));
            }
        };
        let length = (HEADER + CHECKSUM + 4 * d).saturating_add(rows.saturating_mul(row));
        if bytes.len() != length {
            return Err(corrupt(format!("expected {length} bytes, got {}", bytes.len())));
        }
        let center: Vec<f32> = f32s(take(4 * d)?).collect();
        let block = Self {
            rows,
            entries: take(8 * rows)?,
            chunks: take(2 * rows)?,
            roles: take(rows)?,
            scales: take(4 * rows)?,
            residuals: take(4 * rows)?,
            codes: if version == WHOLE_CODES {
                StoredCodes::Whole(take(rows * d)?)
            } else {
                let rough = take(4 * rows)?;
                StoredCodes::Halves {
                    rough,
                    planes: Planes { high: take(rows * plane)?, low: take(rows * plane)? },
                }
            },
            center: Center::new(center),
        };
        block.check()?;
        Ok(block)
    }

    /// What no checksum says: that the numbers are such as this crate writes, on which bounds and kernels rely.
    fn check(&self) -> Result<(), Error> {
        // Far more than unit vectors make, and far less than would leave the range of bounds.
        const MOST: f32 = 1e6;
        let in_range = |x: f32| (0.0..=MOST).contains(&x);
        let sound = self.center.norm() <= f64::from(MOST)
            && self.roles.iter().all(|&role| role < Key::ROLES)
            && f32s(self.scales).all(in_range)
            && f32s(self.residuals).all(in_range)
            && match self.codes {
                StoredCodes::Whole(codes) => {
                    codes.iter().fold(true, |all, &code| all & (code != i8::MIN.cast_unsigned()))
                }
                StoredCodes::Halves { rough, planes } => {
                    let mut factors = f32s(rough).zip(f32s(self.residuals));
                    // What is missing from half of a code is no less than what is missing from the whole of it.
                    factors.all(|(rough, residual)| in_range(rough) && rough >= residual)
                        && planes.are_symmetric()
                }
            };
        if sound { Ok(()) } else { Err(corrupt("numbers out of range".into())) }
    }

    /// The rows, with memory from `pool`.
    pub(super) fn read(&self, shape: &Shape, pool: &Arc<Pool>) -> Block<Codes> {
        let keys = self.entries.as_chunks::<8>().0.iter().zip(self.chunks.as_chunks::<2>().0).zip(self.roles);
        let keys = keys.map(|((entry, chunk), &role)| {
            Key::new(i64::from_le_bytes(*entry), role, u16::from_le_bytes(*chunk))
        });
        let factors = [f32s(self.scales), f32s(self.residuals)];
        let columns = match self.codes {
            StoredCodes::Whole(codes) => Codes::of_whole(shape, pool, cast_slice(codes), factors),
            StoredCodes::Halves { rough, planes } => Codes::of_halves(pool, planes, factors, f32s(rough)),
        };
        Block::from_parts(keys.collect(), columns)
    }
}

fn u32s(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.as_chunks::<4>().0.iter().map(|four| u32::from_le_bytes(*four))
}

fn f32s(bytes: &[u8]) -> impl ExactSizeIterator<Item = f32> + '_ {
    bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A block as version 1 wrote it.
    pub(in crate::sq8) fn of_version_1(block: &[u8], dimensions: usize) -> Vec<u8> {
        let block = StoredBlock::parse(block, dimensions).unwrap();
        let StoredCodes::Halves { planes, .. } = block.codes else { panic!("an older block") };
        let mut bytes = b"RKLSQ8\0\x01".to_vec();
        bytes.extend_from_slice(&(dimensions as u32).to_le_bytes());
        bytes.extend_from_slice(&(block.rows as u32).to_le_bytes());
        block.center.numbers().iter().for_each(|x| bytes.extend_from_slice(&x.to_le_bytes()));
        for part in [block.entries, block.chunks, block.roles, block.scales, block.residuals] {
            bytes.extend_from_slice(part);
        }
        let plane = dimensions.next_multiple_of(CODE_LANES) / 2;
        let mut codes = vec![0; 2 * plane];
        for row in 0..block.rows {
            planes.rows(row..row + 1, plane).join(&mut codes);
            bytes.extend_from_slice(cast_slice(&codes[..dimensions]));
        }
        let sum = xxh64(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes
    }
}
