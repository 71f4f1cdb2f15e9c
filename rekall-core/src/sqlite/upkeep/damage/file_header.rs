//! The first bytes of a file, without which SQLite does not look at the rest.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::sqlite::schema;

/// Repairs what can be known of a copy's header (<https://sqlite.org/fileformat.html#the_database_header>),
/// so that a truncated file, or one with a damaged beginning, is read as far as it goes.
pub(super) fn repair(copy: &Path, has_log: bool) -> std::io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(copy)?;
    let length = file.metadata()?.len();
    let mut header = [0; 100];
    if length < header.len() as u64 {
        return Ok(());
    }
    file.read_exact(&mut header)?;
    let before = header;
    header[..16].copy_from_slice(b"SQLite format 3\0");
    let page = u16::from_be_bytes([header[16], header[17]]);
    if !(page == 1 || (page >= 512 && page.is_power_of_two())) {
        header[16..18].copy_from_slice(&(schema::PAGE_SIZE as u16).to_be_bytes());
    }
    // Versions that are read and written: 1 or 2. Then the fractions, which are fixed.
    for version in &mut header[18..20] {
        *version = (*version).clamp(1, 2);
    }
    header[20] = 0;
    header[21..24].copy_from_slice(&[64, 32, 32]);
    let page_size = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let pages = length.div_ceil(page_size);
    let promised = u64::from(u32::from_be_bytes([header[28], header[29], header[30], header[31]]));
    // With a log, its last commit says how long the file is.
    if promised != pages && !has_log {
        file.set_len(pages * page_size)?;
        header[28..32].copy_from_slice(&u32::try_from(pages).unwrap_or(u32::MAX).to_be_bytes());
        // The length counts when these two agree.
        let counter: [u8; 4] = [header[24], header[25], header[26], header[27]];
        header[92..96].copy_from_slice(&counter);
    }
    if header != before {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&header)?;
    }
    Ok(())
}
