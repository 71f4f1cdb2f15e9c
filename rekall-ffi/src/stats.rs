//! Figures

use std::ffi::c_char;

use crate::error::{ErrorObject, Failure};
use crate::guard::{Out, on};
use crate::handle::Handle;
use crate::options::{Report, sized};
use crate::status::{REKALL_BUFFER_TOO_SMALL, Status};

/// Figures about an open memory. Set struct_size, or start from REKALL_STATS_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Stats {
    /// sizeof(rekall_stats).
    pub struct_size: usize,
    /// Entries, obsolete ones included.
    pub entries: u64,
    /// Entries that no longer hold.
    pub obsolete: u64,
    /// Vectors, in all spaces.
    pub vectors: u64,
    /// Entries that wait for their vectors.
    pub pending: u64,
    /// Vectors set aside as unusable.
    pub quarantined: u64,
    /// Links.
    pub links: u64,
    /// Rows of the change log.
    pub log_rows: u64,
    /// Bytes of the file, without its write-ahead log.
    pub file_bytes: u64,
    /// Vectors in the index; 0 before the first search.
    pub index_rows: u64,
    /// Bytes of memory that the index takes.
    pub index_bytes: u64,
    /// Bytes of heap that the model takes; 0 while it is not loaded.
    pub model_bytes: u64,
    /// Queries whose vector was in the cache.
    pub cache_hits: u64,
    /// Queries whose vector was not.
    pub cache_misses: u64,
    /// Vectors in the cache.
    pub cache_entries: u64,
    /// Bytes of memory that they take.
    pub cache_bytes: u64,
    /// Vectors dropped from the cache to keep within its size.
    pub cache_evictions: u64,
    /// Vectors dropped from the cache because of their age.
    pub cache_expirations: u64,
}

sized!(Stats => "rekall_stats");

/// Counts what the file holds and what memory is taken; milliseconds for 100000 entries.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_get_stats(
    db: *mut Handle,
    out: *mut Stats,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = Report::new(out);
        on(db, error, |db| {
            let out = out?.required()?;
            let stats = db.stats()?;
            out.set(&Stats {
                struct_size: size_of::<Stats>(),
                entries: stats.store.entries,
                obsolete: stats.store.obsolete,
                vectors: stats.store.vectors,
                pending: stats.store.pending,
                quarantined: stats.store.quarantined,
                links: stats.store.links,
                log_rows: stats.store.log_rows,
                file_bytes: stats.store.file_bytes,
                index_rows: stats.index_rows as u64,
                index_bytes: stats.memory.index as u64,
                model_bytes: stats.memory.model as u64,
                cache_hits: stats.cache.hits,
                cache_misses: stats.cache.misses,
                cache_entries: stats.cache.entries,
                cache_bytes: stats.cache.bytes,
                cache_evictions: stats.cache.evictions,
                cache_expirations: stats.cache.expirations,
            });
            Ok(())
        })
    }
}

/// Writes the name of the loaded model to buffer, NUL-terminated; "" while none is loaded. out_len, which may be NULL,
/// receives its length without the NUL, also with REKALL_BUFFER_TOO_SMALL, when the buffer, of capacity bytes, is left
/// empty. A call with buffer NULL and capacity 0 asks for the length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_model_name(
    db: *mut Handle,
    buffer: *mut c_char,
    capacity: usize,
    out_len: *mut usize,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let place = Buffer::new(buffer, capacity, out_len);
        on(db, error, |db| place.fill(&db.stats()?.model.unwrap_or_default()))
    }
}

/// Writes the fingerprint of the file's vectors to buffer: the full identity of the model that made them, one line; ""
/// when the file has none. The rest as for rekall_model_name().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_fingerprint(
    db: *mut Handle,
    buffer: *mut c_char,
    capacity: usize,
    out_len: *mut usize,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let place = Buffer::new(buffer, capacity, out_len);
        on(db, error, |db| {
            let space = db.store().read()?.active_space()?;
            place.fill(&space.map(|space| space.fingerprint).unwrap_or_default())
        })
    }
}

/// A buffer of the caller's for text.
struct Buffer {
    place: *mut c_char,
    capacity: usize,
    len: Out<usize>,
}

impl Buffer {
    /// # Safety
    /// `place` is NULL or has `capacity` bytes that may be written to; `len` is NULL or may be written to.
    unsafe fn new(place: *mut c_char, capacity: usize, len: *mut usize) -> Self {
        // SAFETY: as promised by the caller.
        unsafe {
            if capacity > 0 && !place.is_null() {
                place.write(0);
            }
            Self { place, capacity, len: Out::new(len, 0) }
        }
    }

    fn fill(&self, text: &str) -> Result<(), Failure> {
        if self.place.is_null() && self.capacity > 0 {
            return Err(Failure::misuse(format!("buffer is NULL with a capacity of {}", self.capacity)));
        }
        self.len.set(text.len());
        if text.len() >= self.capacity {
            let message =
                format!("the text has {} bytes and a NUL, the buffer {}", text.len(), self.capacity);
            return Err(Failure::new(REKALL_BUFFER_TOO_SMALL, message));
        }
        // SAFETY: `new` was promised that so many bytes are writable; the last is the NUL.
        unsafe {
            self.place.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), text.len());
            self.place.add(text.len()).write(0);
        }
        Ok(())
    }
}
