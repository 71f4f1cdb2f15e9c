//! Zeroes over what SQLite leaves in the unused part of a page.
//!
//! `PRAGMA secure_delete` overwrites what is deleted where it stands. But when SQLite balances a tree, rows move
//! between pages, and the page that they leave keeps a copy of them in the gap between its cell pointers and its
//! cells (<https://sqlite.org/fileformat.html#b_tree_pages>). That gap means nothing to any reader, so it can be
//! overwritten in the file, while the write lock is held and the write-ahead log is empty. Killed in the middle,
//! this leaves a file as sound as before.
//!
//! A page does not say of what kind it is: a tree's begins with one of four numbers, but so may others. So only what
//! cannot be another kind is touched. Pages of the pointer map, which a foreign program may have asked for
//! (`auto_vacuum`), and the page of the lock bytes lie at fixed places; overflow and free pages begin with a page's
//! number, whose first byte is 0 in any file of a size at which they can be distinguished.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use crate::Error;
use crate::files::{Identity, io_error, with_suffix};

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

/// The scrubber of the file at `path`, which is that of this identity.
pub(super) fn scrubber(path: &Path, key: Identity) -> Result<Arc<Mutex<Scrubber>>, Error> {
    let failed = |error| io_error("open", path)(error);
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = open.get(&key) {
        return Ok(known.clone());
    }
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
    #[cfg(unix)]
    if file.metadata().map(|metadata| Identity::from(&metadata)).map_err(failed)? != key {
        // Closing it drops no lock of ours: it is another file.
        return Err(Error::Replaced { path: path.to_owned() });
    }
    let new = Arc::new(Mutex::new(Scrubber { file, pages: BTreeSet::new() }));
    open.insert(key, new.clone());
    Ok(new)
}

impl Scrubber {
    /// Takes note of the pages in the write-ahead log; to be called before they are copied into the file.
    pub(super) fn note_log(&mut self, path: &Path) -> std::io::Result<()> {
        let mut log = match File::open(with_suffix(path, "-wal")) {
            Ok(log) => log,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
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
        let pages = self.file.metadata()?.len() / self.layout()?.page_size as u64;
        self.pages.extend(1..=u32::try_from(pages).unwrap_or(u32::MAX));
        Ok(())
    }

    /// Whether there is something to do.
    pub(super) fn is_due(&self) -> bool {
        !self.pages.is_empty()
    }

    /// Overwrites the gaps of the pages noted. The caller holds the write lock, and the log is empty.
    pub(super) fn scrub(&mut self) -> std::io::Result<()> {
        let layout = self.layout()?;
        let size = layout.page_size;
        if self.file.metadata()?.len() / size as u64 >= TOO_MANY_PAGES {
            let detail = "in a file of so many pages their kinds cannot be distinguished";
            return Err(std::io::Error::new(ErrorKind::Unsupported, detail));
        }
        let mut page = vec![0; size];
        for &number in &self.pages {
            if !layout.may_be_of_a_tree(number) {
                continue;
            }
            let start = u64::from(number - 1) * size as u64;
            self.file.seek(SeekFrom::Start(start))?;
            if self.file.read_exact(&mut page).is_err() {
                // The file has become shorter.
                continue;
            }
            let Some(gap) = gap(&page[..layout.usable], if number == 1 { 100 } else { 0 }) else { continue };
            if page[gap.clone()].iter().any(|&byte| byte != 0) {
                page[gap.clone()].fill(0);
                self.file.seek(SeekFrom::Start(start + gap.start as u64))?;
                self.file.write_all(&page[gap])?;
            }
        }
        self.pages.clear();
        Ok(())
    }

    fn layout(&mut self) -> std::io::Result<Layout> {
        let mut header = [0; 100];
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_exact(&mut header)?;
        Layout::of(&header)
            .ok_or_else(|| std::io::Error::new(ErrorKind::InvalidData, "the file's header is damaged"))
    }
}

/// From so many pages on the first byte of a page's number is not always 0.
const TOO_MANY_PAGES: u64 = 1 << 24;

/// Where SQLite locks bytes; the page that they lie in holds nothing.
const LOCK_BYTE: u64 = 1 << 30;

/// What the header says of where pages of which kind lie: <https://sqlite.org/fileformat.html#the_database_header>.
#[derive(Debug, Clone, Copy)]
struct Layout {
    page_size: usize,
    /// Without what other programs reserve at each page's end.
    usable: usize,
    has_pointer_map: bool,
}

impl Layout {
    fn of(header: &[u8; 100]) -> Option<Self> {
        let page_size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size => usize::from(size),
        };
        let usable = page_size.checked_sub(usize::from(header[20]))?;
        let has_pointer_map = header[52..56] != [0; 4];
        // No page has less room than this.
        let sound = page_size.is_power_of_two() && (512..=65_536).contains(&page_size) && usable >= 480;
        sound.then_some(Self { page_size, usable, has_pointer_map })
    }

    /// Whether the page is none of those whose place says that they are something else.
    fn may_be_of_a_tree(&self, number: u32) -> bool {
        let lock_page = LOCK_BYTE / self.page_size as u64 + 1;
        let number = u64::from(number);
        number != 0 && number != lock_page && !self.is_pointer_map(number, lock_page)
    }

    /// Page 2, and one after each run of pages that the one before it maps, five bytes a page:
    /// <https://sqlite.org/fileformat.html#pointer_map_or_ptrmap_pages>.
    fn is_pointer_map(&self, number: u64, lock_page: u64) -> bool {
        if !self.has_pointer_map || number < 2 {
            return false;
        }
        let run = self.usable as u64 / 5 + 1;
        let map = (number - 2) / run * run + 2;
        number == if map == lock_page { map + 1 } else { map }
    }
}

/// The bytes between the cell pointers and the cells of a tree's page, as far as it can be one; `None` for pages of other
/// kinds.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(page_size: u16, reserved: u8, largest_root: u32) -> Layout {
        let mut header = [0; 100];
        header[16..18].copy_from_slice(&page_size.to_be_bytes());
        header[20] = reserved;
        header[52..56].copy_from_slice(&largest_root.to_be_bytes());
        Layout::of(&header).unwrap()
    }

    #[test]
    fn pages_of_the_pointer_map_are_known_by_their_place() {
        let of = |layout: Layout, until: u32| -> Vec<u32> {
            (1..=until).filter(|&number| !layout.may_be_of_a_tree(number)).collect()
        };
        assert_eq!(of(layout(8_192, 0, 9), 5_000), [2, 1_641, 3_280, 4_919]);
        assert_eq!(of(layout(512, 0, 9), 310), [2, 105, 208]);
        assert_eq!(of(layout(512, 32, 9), 200), [2, 99, 196]);
        assert_eq!(of(layout(8_192, 0, 0), 140_000), [131_073], "the lock bytes' page only");
    }

    /// With 1 KiB pages the page of the lock bytes, 1,048,577, is one that would hold the map: it moves on.
    #[test]
    fn the_map_makes_room_for_the_lock_bytes() {
        let lock_page = 1_048_577;
        for reserved in 0..=255 {
            let layout = layout(1_024, reserved, 9);
            let run = layout.usable as u32 / 5 + 1;
            let meets = (lock_page - 2) % run == 0;
            assert!(!layout.may_be_of_a_tree(lock_page));
            assert_eq!(layout.may_be_of_a_tree(lock_page + 1), !meets, "{reserved} bytes reserved");
        }
    }

    #[test]
    fn a_damaged_header_is_no_layout() {
        for size in [0, 2, 500, 513, 40_000] {
            let mut header = [0; 100];
            header[16..18].copy_from_slice(&u16::to_be_bytes(size));
            assert!(Layout::of(&header).is_none(), "{size}");
        }
    }
}
