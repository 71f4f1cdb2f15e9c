//! Codes as bytes, so that a process can start without reading every exact row.

use std::sync::Arc;

use super::codes::{Codes, Shape};
use super::stored_block::{self, StoredBlock, corrupt};
use super::{CENTER_GROWTH, FIRST_CENTER, Sq8Index};
use crate::center::Center;
use crate::check::check_dimensions;
use crate::table::Table;
use crate::{Error, VectorSource};

impl Sq8Index {
    /// The codes as blocks of bytes, up to about 300 KiB each; [`import`](Self::import) reads them back.
    ///
    /// The index is not changed and may be a clone (which costs nothing), so a host can export in the background while the
    /// original changes. Each block is made when the iterator reaches it.
    pub fn export(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let shape = self.table.shape();
        self.table.blocks().iter().map(move |block| stored_block::write(block, shape))
    }

    /// An index made of exported blocks, in any order, also of blocks of an older version of this crate. Costs a checksum and a copy of the
    /// bytes; older blocks are divided, too. Blocks may be dropped as soon as they are handed over.
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
