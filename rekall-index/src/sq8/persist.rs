//! Codes as bytes, so that a process can start without reading every exact row.
//!
//! A block is self-contained. Layout, all little-endian, n rows of d dimensions:
//!
//! | bytes | content |
//! | --- | --- |
//! | 8 | `RKLSQ8`, a zero, the version (1) |
//! | 4 | d |
//! | 4 | n |
//! | 4 d | center, `f32` |
//! | 8 n | entries, `i64` |
//! | 2 n | chunks, `u16` |
//! | n | roles |
//! | 4 n | scales, `f32` |
//! | 4 n | residuals, `f32` |
//! | n d | codes, `i8`, row by row |
//! | 8 | XXH64 (seed 0) of everything before |

use std::sync::Arc;

use pulp::bytemuck::cast_slice;

use super::codes::{Codes, Shape};
use super::{CENTER_GROWTH, FIRST_CENTER, Sq8Index};
use crate::center::Center;
use crate::check::check_dimensions;
use crate::checksum::xxh64;
use crate::table::{Block, Pool, Table};
use crate::{Error, Key, VectorSource};

const MAGIC: [u8; 8] = *b"RKLSQ8\0\x01";
const HEADER: usize = MAGIC.len() + 8;
const CHECKSUM: usize = 8;
/// The bytes of a row beside its codes.
const ROW: usize = 8 + 2 + 1 + 4 + 4;

impl Sq8Index {
    /// The codes as blocks of bytes, up to about 300 KiB each; [`import`](Self::import) reads them back.
    ///
    /// The index is not changed and may be a clone (which costs nothing), so a host can export in the background while the
    /// original changes. Each block is made when the iterator reaches it.
    pub fn export(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let shape = self.table.shape();
        self.table.blocks().iter().map(move |block| write_block(block, shape))
    }

    /// An index made of exported blocks, in any order. Costs a checksum of the bytes, and dividing each row into planes. Blocks may be dropped as soon as they are handed over.
    ///
    /// The host sees to it that every block is there (a block says nothing of the others, and what lies in a missing one is not
    /// found), and that blocks and `source` agree: rows changed since the export must be upserted or removed before the first
    /// search.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if a block is damaged, of another kind or of other dimensions, if blocks come from different
    /// exports, or if a key comes twice; whatever error the iterator yields; [`Error::InvalidDimensions`].
    pub fn import<B: AsRef<[u8]>>(
        dimensions: usize,
        source: Arc<dyn VectorSource + Send + Sync>,
        blocks: impl IntoIterator<Item = Result<B, Error>>,
    ) -> Result<Self, Error> {
        let mut import = Sq8Import::new(dimensions, source)?;
        for bytes in blocks {
            import.add(bytes?.as_ref())?;
        }
        import.finish()
    }
}

/// An index in the making from exported blocks that are handed over one after the other; otherwise as
/// [`Sq8Index::import`].
///
/// ```
/// use std::sync::Arc;
/// use rekall_index::{FlatIndex, Key, SearchOptions, Sq8Import, Sq8Index, VectorIndex, VectorSearch};
/// let mut rows = FlatIndex::new(2)?;
/// rows.upsert(&[Key::new(1, 0, 0), Key::new(2, 0, 0)], &[1.0, 0.0, 0.6, 0.8])?;
/// let rows = Arc::new(rows);
/// let mut index = Sq8Index::new(2, rows.clone())?;
/// index.upsert(&[Key::new(1, 0, 0), Key::new(2, 0, 0)], &[1.0, 0.0, 0.6, 0.8])?;
/// let stored: Vec<Vec<u8>> = index.export().collect();
///
/// // A later process, which still has the rows.
/// let mut import = Sq8Import::new(2, rows)?;
/// for block in &stored {
///     import.add(block)?;
/// }
/// let index = import.finish()?;
/// assert_eq!(index.search(&[0.0, 1.0], &SearchOptions::new(1))?[0].key.entry, 2);
/// # Ok::<(), rekall_index::Error>(())
/// ```
pub struct Sq8Import {
    dimensions: usize,
    source: Arc<dyn VectorSource + Send + Sync>,
    table: Option<Table<Codes>>,
}

impl Sq8Import {
    /// Begins with no blocks.
    ///
    /// # Errors
    /// [`Error::InvalidDimensions`].
    pub fn new(dimensions: usize, source: Arc<dyn VectorSource + Send + Sync>) -> Result<Self, Error> {
        check_dimensions(dimensions)?;
        Ok(Self { dimensions, source, table: None })
    }

    /// Takes the rows of one block, whose bytes are not needed after.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it is damaged, of another kind or dimensions, or of another export than those before.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let block = StoredBlock::parse(bytes, self.dimensions)?;
        let table = match &mut self.table {
            Some(table) if table.shape().center() == &block.center => table,
            Some(_) => return Err(corrupt("blocks of different exports".into())),
            none => none.insert(Table::new(Shape::new(block.center.clone()))),
        };
        table.check_room(block.rows)?;
        let shape = table.shape().clone();
        // Nearly always whole: an export's blocks are those of a table, all but the last of them full.
        if let Err(parts) = table.append_block(block.read(&shape, table.pool())) {
            for (row, &key) in parts.keys().iter().enumerate() {
                table.append(key, parts.row(&shape, row));
            }
        }
        Ok(())
    }

    /// The index of all rows taken.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if a key came twice.
    pub fn finish(self) -> Result<Sq8Index, Error> {
        let center = || Shape::new(Center::zero(self.dimensions));
        let mut table = self.table.unwrap_or_else(|| Table::new(center()));
        table.index_appended().map_err(|key| corrupt(format!("{key:?} comes twice")))?;
        let recenter_at = (table.len() * CENTER_GROWTH).max(FIRST_CENTER);
        Ok(Sq8Index::with(table, self.source, recenter_at))
    }
}

impl std::fmt::Debug for Sq8Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rows = self.table.as_ref().map_or(0, Table::len);
        f.debug_struct("Sq8Import").field("rows", &rows).finish_non_exhaustive()
    }
}

fn write_block(block: &Block<Codes>, shape: &Shape) -> Vec<u8> {
    let (keys, columns) = (block.keys(), block.columns());
    let (rows, dimensions) = (keys.len(), shape.dimensions());
    let mut bytes = Vec::with_capacity(HEADER + 4 * dimensions + rows * (ROW + dimensions) + CHECKSUM);
    bytes.extend_from_slice(&MAGIC);
    // Both fit: dimensions and rows of a block have far smaller limits.
    bytes.extend_from_slice(&(dimensions as u32).to_le_bytes());
    bytes.extend_from_slice(&(rows as u32).to_le_bytes());
    shape.center().numbers().iter().for_each(|x| bytes.extend_from_slice(&x.to_le_bytes()));
    keys.iter().for_each(|key| bytes.extend_from_slice(&key.entry.to_le_bytes()));
    keys.iter().for_each(|key| bytes.extend_from_slice(&key.chunk.to_le_bytes()));
    bytes.extend(keys.iter().map(|key| key.role));
    for factors in [columns.scales(), columns.residuals()] {
        factors.iter().for_each(|factor| bytes.extend_from_slice(&factor.to_le_bytes()));
    }
    let mut codes = vec![0; shape.stride()];
    for row in 0..rows {
        block.row(shape, row).codes.join(&mut codes);
        bytes.extend_from_slice(cast_slice(&codes[..dimensions]));
    }
    let sum = xxh64(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

fn corrupt(detail: String) -> Error {
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
    codes: &'a [u8],
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
            return Err(corrupt("not an int8 block of this version".into()));
        }
        let d = u32s(take(4)?).next().unwrap_or(0) as usize;
        let rows = u32s(take(4)?).next().unwrap_or(0) as usize;
        if d != dimensions {
            return Err(corrupt(format!("expected {dimensions} dimensions, got {d}")));
        }
        let length = (HEADER + CHECKSUM + 4 * d).saturating_add(rows.saturating_mul(ROW + d));
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
            codes: take(rows * d)?,
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
            && self.codes.iter().fold(true, |all, &code| all & (code != i8::MIN.cast_unsigned()));
        if sound { Ok(()) } else { Err(corrupt("numbers out of range".into())) }
    }

    /// The rows, with memory from `pool`.
    pub(super) fn read(&self, shape: &Shape, pool: &Arc<Pool>) -> Block<Codes> {
        let keys = self.entries.as_chunks::<8>().0.iter().zip(self.chunks.as_chunks::<2>().0).zip(self.roles);
        let keys = keys.map(|((entry, chunk), &role)| {
            Key::new(i64::from_le_bytes(*entry), role, u16::from_le_bytes(*chunk))
        });
        let (scales, residuals) = (f32s(self.scales), f32s(self.residuals));
        let columns = Codes::from_parts(shape, pool, cast_slice(self.codes), scales, residuals);
        Block::from_parts(keys.collect(), columns)
    }
}

fn u32s(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.as_chunks::<4>().0.iter().map(|four| u32::from_le_bytes(*four))
}

fn f32s(bytes: &[u8]) -> impl ExactSizeIterator<Item = f32> + '_ {
    bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four))
}
