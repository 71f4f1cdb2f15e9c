//! Zeroes over what SQLite leaves in the unused part of a page.
//!
//! `PRAGMA secure_delete` overwrites what is deleted where it stands. But when SQLite balances a tree, rows move
//! between pages, and the page that they leave keeps a copy of them in the gap between its cell pointers and its
//! cells (<https://sqlite.org/fileformat.html#b_tree_pages>). That gap means nothing to any reader, so it can be
//! overwritten in the file, while the write lock is held and the write-ahead log is empty. Killed in the middle,
//! this leaves a file as sound as before.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use crate::Error;
use crate::files::{Identity, beside, io_error};

/// A file that is scrubbed, and the pages that are still to be.
#[derive(Debug)]
pub(super) struct Scrubber {
    file: File,
    pages: BTreeSet<u32>,
}

/// Handles stay open for the life of the process, one a file: closing any handle of a file drops every lock that
/// the process holds on it (POSIX), those of SQLite included. <https://sqlite.org/howtocorrupt.html>, 2.2.
/// In a tree, which memory checkers can follow: a hash table is known to its owner by an inner pointer only.
static OPEN: LazyLock<Mutex<BTreeMap<Identity, Arc<Mutex<Scrubber>>>>> = LazyLock::new(Mutex::default);

/// The scrubber of the file at `path`.
pub(super) fn scrubber(path: &Path) -> Result<Arc<Mutex<Scrubber>>, Error> {
    let failed = |error| io_error("open", path)(error);
    let key = Identity::of(path).map_err(failed)?;
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = open.get(&key) {
        return Ok(known.clone());
    }
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
    let new = Arc::new(Mutex::new(Scrubber { file, pages: BTreeSet::new() }));
    open.insert(key, new.clone());
    Ok(new)
}

impl Scrubber {
    /// Takes note of the pages in the write-ahead log; to be called before they are copied into the file.
    pub(super) fn note_log(&mut self, path: &Path) -> std::io::Result<()> {
        let mut log = match File::open(beside(path, "-wal")) {
            Ok(log) => log,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut header = [0; 32];
        if log.read_exact(&mut header).is_err() {
            return Ok(());
        }
        let page_size = i64::from(u32::from_be_bytes([header[8], header[9], header[10], header[11]]));
        let mut frame = [0; 24];
        // Frames of an older round of the log may follow: looking at too many pages does no harm.
        while log.read_exact(&mut frame).is_ok() {
            self.pages.insert(u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]));
            log.seek(SeekFrom::Current(page_size))?;
        }
        Ok(())
    }

    /// Takes note of every page of the file.
    pub(super) fn note_all(&mut self) -> std::io::Result<()> {
        let pages = self.file.metadata()?.len() / self.page_size()?.max(512) as u64;
        self.pages.extend(1..=u32::try_from(pages).unwrap_or(u32::MAX));
        Ok(())
    }

    /// Whether there is something to do.
    pub(super) fn is_due(&self) -> bool {
        !self.pages.is_empty()
    }

    /// Overwrites the gaps of the pages noted. The caller holds the write lock, and the log is empty.
    pub(super) fn scrub(&mut self) -> std::io::Result<()> {
        let size = self.page_size()?;
        let mut page = vec![0; size];
        for &number in &self.pages {
            let start = u64::from(number.saturating_sub(1)) * size as u64;
            self.file.seek(SeekFrom::Start(start))?;
            if self.file.read_exact(&mut page).is_err() {
                // The file has become shorter.
                continue;
            }
            let Some(gap) = gap(&page, if number == 1 { 100 } else { 0 }) else { continue };
            if page[gap.clone()].iter().any(|&byte| byte != 0) {
                page[gap.clone()].fill(0);
                self.file.seek(SeekFrom::Start(start + gap.start as u64))?;
                self.file.write_all(&page[gap])?;
            }
        }
        self.pages.clear();
        Ok(())
    }

    fn page_size(&mut self) -> std::io::Result<usize> {
        let mut bytes = [0; 2];
        self.file.seek(SeekFrom::Start(16))?;
        self.file.read_exact(&mut bytes)?;
        Ok(match u16::from_be_bytes(bytes) {
            1 => 65_536,
            size => usize::from(size),
        })
    }
}

/// The bytes between the cell pointers and the cells of a tree's page; `None` for pages of other sorts, which
/// begin with the number of another page, whose first byte is 0 in files of less than 128 GiB.
fn gap(page: &[u8], header: usize) -> Option<Range<usize>> {
    let number = |at: usize| Some(usize::from(u16::from_be_bytes([*page.get(at)?, *page.get(at + 1)?])));
    let length = match page.get(header)? {
        2 | 5 => 12,
        10 | 13 => 8,
        _ => return None,
    };
    let cells = match number(header + 5)? {
        0 => 65_536,
        start => start,
    };
    let pointers = header + length + 2 * number(header + 3)?;
    (pointers < cells && cells <= page.len()).then_some(pointers..cells)
}
