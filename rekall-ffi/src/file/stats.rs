//! Figures
//!
//! What the file holds, what memory is taken, and whether anything changed.
//!
//!     rekall_stats stats = REKALL_STATS_INIT;
//!     char backend[64];
//!     if ((status = rekall_get_stats(db, &stats, &error))) goto end;
//!     if ((status = rekall_index_backend(db, backend, sizeof backend, NULL, &error))) goto end;
//!     printf("%d entries, %d bytes of index (%s)\n", (int)stats.entries, (int)stats.index_bytes, backend);

use std::ffi::c_char;

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::options::{self, OutStruct, sized};
use crate::boundary::out::{Out, OutBuffer};
use crate::boundary::status::Status;
use crate::calls::call::on;
use crate::calls::handle::Handle;

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
    /// Queries embedded for the cache.
    pub cache_loads: u64,
    /// Those of them that failed.
    pub cache_load_failures: u64,
    /// Vectors put into the cache.
    pub cache_insertions: u64,
    /// Vectors that the cache did not take: it keeps none, or kept others.
    pub cache_rejections: u64,
    /// Vectors in the cache that a newer one took the place of.
    pub cache_replacements: u64,
    /// Vectors dropped by rekall_clear_cache() and the like.
    pub cache_invalidations: u64,
    /// Bytes of the whole process in memory, where the system tells (Linux); else 0.
    pub process_bytes: u64,
    /// Bytes of memory that the word index takes: a table of its passages, 28 bytes each, and the words of what was
    /// written last. 0 before the first search.
    pub word_index_bytes: u64,
    /// 1 if a former built-in model made the file's vectors, else 0. rekall_reembed() makes those of the current one.
    pub former_model: u64,
    /// Bytes of heap that the reranker takes; 0 while it is not loaded.
    pub reranker_bytes: u64,
}

sized!(Stats, ..reranker_bytes => "rekall_stats");

/// As REKALL_STATS_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_stats_init(stats: *mut Stats, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(stats, struct_size) }
}

/// Counts what the file holds and what memory is taken; milliseconds for 100000 entries.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_get_stats(
    db: *mut Handle,
    out: *mut Stats,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutStruct::required(out), |db| {
            let stats = db.stats()?;
            Ok(Stats {
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
                cache_loads: stats.cache.loads,
                cache_load_failures: stats.cache.load_failures,
                cache_insertions: stats.cache.insertions,
                cache_rejections: stats.cache.rejections,
                cache_replacements: stats.cache.replacements,
                cache_invalidations: stats.cache.invalidations,
                process_bytes: stats.memory.process.unwrap_or(0),
                word_index_bytes: stats.memory.words as u64,
                former_model: stats.former_model.is_some().into(),
                reranker_bytes: stats.memory.reranker as u64,
            })
        })
    }
}

/// Says whether anything changed: out receives a number that is another one whenever something was written to the file, by
/// this handle, another, or another program. Compare it with one of the same handle only. About a microsecond.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_data_version(
    db: *mut Handle,
    out: *mut i64,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, Out::required(out, 0), |db| Ok(db.store().data_version()?)) }
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
    unsafe { tell(db, buffer, capacity, out_len, error, |db| Ok(db.stats()?.model)) }
}

/// Writes to buffer what keeps entries from getting vectors, where some wait for them and it is known, one line: the model
/// could not be loaded, or is another one than the file's; else "". The rest as for rekall_model_name().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_pending_reason(
    db: *mut Handle,
    buffer: *mut c_char,
    capacity: usize,
    out_len: *mut usize,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { tell(db, buffer, capacity, out_len, error, |db| Ok(db.stats()?.pending_reason)) }
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
        tell(db, buffer, capacity, out_len, error, |db| {
            Ok(db.store().read()?.active_space()?.map(|space| space.fingerprint))
        })
    }
}

/// Writes the kind of the vector index to buffer: "flat", "sq8", "binary", or one that stays in the file ("sq8 in the
/// file", "sqlite-vec", "pgvector", "pgvector-hnsw", "rows in the file"); "" before the first search. The rest as for rekall_model_name().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_index_backend(
    db: *mut Handle,
    buffer: *mut c_char,
    capacity: usize,
    out_len: *mut usize,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        tell(db, buffer, capacity, out_len, error, |db| Ok(db.stats()?.index_backend.map(str::to_owned)))
    }
}

/// Writes a text, "" for none, to a buffer of the caller's.
///
/// # Safety
/// As for [`on`] and [`OutBuffer::new`].
unsafe fn tell(
    db: *mut Handle,
    buffer: *mut c_char,
    capacity: usize,
    len: *mut usize,
    error: *mut *mut ErrorObject,
    text: impl FnOnce(&Handle) -> Result<Option<String>, Failure>,
) -> Status {
    // SAFETY: as promised by the caller.
    unsafe {
        let room: OutBuffer<u8> = OutBuffer::new("buffer", buffer.cast(), capacity, len, Some(0));
        on(db, error, room, |db| Ok(text(db)?.unwrap_or_default().into_bytes()))
    }
}
