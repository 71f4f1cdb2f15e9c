//! Opening
//!
//! A handle is an open file. Any number of threads may use one at once, and any number of programs may have the same file
//! open.
//!
//!     rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
//!     rekall_db *other = NULL;
//!     options.vector_backend = "flat";
//!     options.busy_timeout_ms = 200;
//!     if ((status = rekall_open("knowledge.db", &options, &other, &error))) goto end;
//!     printf("%s is open\n", rekall_path(other));
//!     rekall_close(other);

use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::Duration;

use rekall::storage::Synchronous;
use rekall::{Builder, Config, Rekall, VectorBackend};

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::fallible::fallible;
use crate::boundary::limits::{REKALL_NEVER, REKALL_ZERO, duration, size};
use crate::boundary::options::{self, flags, goes_with, sized};
use crate::boundary::out::{OutObject, Output};
use crate::boundary::status::Status;
use crate::boundary::text::{self, Str};
use crate::callbacks::clock::{AgingClock, HostClock, NowFn};
use crate::callbacks::embedder::{CallbackEmbedder, HostEmbedder};
use crate::callbacks::events::Listener;
use crate::callbacks::listener::Notifier;
use crate::callbacks::reranker::{CallbackReranker, HostReranker};
use crate::calls::handle::{Handle, Identity};
use crate::model::load::{LoadSettings, give_way, load_options, precision, shares, source, without_vectors};

/// Flag of rekall_open_options: refuse every write.
pub const REKALL_OPEN_READ_ONLY: u32 = 1;
/// Flag of rekall_open_options: fail when there is no file, instead of making one.
pub const REKALL_OPEN_EXISTING: u32 = 2;
/// Flag of rekall_open_options: put a new file in the place of one that the Python tool wrote, which is kept beside it.
pub const REKALL_OPEN_MIGRATE: u32 = 4;
/// Flag of rekall_open_options: no model; text is found by words only.
pub const REKALL_OPEN_NO_MODEL: u32 = 8;
/// Flag of rekall_open_options: overwrite what is forgotten with zeroes. Each commit then takes tens of milliseconds, and
/// one descriptor of the file stays open until the process ends.
pub const REKALL_OPEN_SECURE_DELETE: u32 = 16;
/// Flag of rekall_open_options: press each commit onto the disk, so that it survives a loss of power; some milliseconds
/// each. Without it a commit survives the death of the process.
pub const REKALL_OPEN_SYNC_FULL: u32 = 32;
/// Flag of rekall_open_options: start a thread that unloads the idle model in time, joined by the last rekall_close() of the memory and its scopes. Without
/// it the library starts no thread, and the host calls rekall_unload_if_idle().
pub const REKALL_OPEN_UNLOAD_THREAD: u32 = 64;
/// Flag of rekall_open_options: ask the allocator to give freed memory back to the system after each unload of the
/// model. Concerns the whole process.
pub const REKALL_OPEN_RELEASE_MEMORY: u32 = 128;
/// Flag of rekall_open_options: load the model, and the reranker if there is one, while opening, and fail, without making a file, if it cannot be used as it
/// is: REKALL_UNSUPPORTED, REKALL_INVALID_MODEL, REKALL_INVALID_INPUT. One that cannot be had now is no failure. Without the
/// flag the first call that needs the model fails.
pub const REKALL_OPEN_CHECK_MODEL: u32 = 256;

const FLAGS: u32 = REKALL_OPEN_READ_ONLY
    | REKALL_OPEN_EXISTING
    | REKALL_OPEN_MIGRATE
    | REKALL_OPEN_NO_MODEL
    | REKALL_OPEN_SECURE_DELETE
    | REKALL_OPEN_SYNC_FULL
    | REKALL_OPEN_UNLOAD_THREAD
    | REKALL_OPEN_RELEASE_MEMORY
    | REKALL_OPEN_CHECK_MODEL;

/// How a memory is opened. Start from REKALL_OPEN_OPTIONS_INIT; what is 0, NULL or not given has its default. Of
/// model, embedder, vectors_name and REKALL_OPEN_NO_MODEL at most one may be given; without any the built-in model is
/// used, if this build has it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct OpenOptions {
    /// sizeof(rekall_open_options).
    pub struct_size: usize,
    /// REKALL_OPEN_ flags.
    pub flags: u32,
    /// The most threads that one search may use; 0: 1. Results are the same with any number.
    pub search_threads: u32,
    /// Settings as TOML text, see rekall_config_check(); members of this struct come before them.
    pub config: Str,
    /// The same from a file, a path; a mebibyte at the most. Not together with config.
    pub config_file: *const c_char,
    /// The model: "bundled", "bundled-v1", "path:FOLDER" or "hub:OWNER/NAME[@REVISION]". NUL-terminated.
    pub model: *const c_char,
    /// How the model is loaded; only with one that the library loads.
    pub load: *const LoadSettings,
    /// The caller's own model.
    pub embedder: *const HostEmbedder,
    /// No model: the host hands in vectors of a model that it calls so. NUL-terminated. Text is then found by words, and
    /// by meaning when the query comes as a vector.
    pub vectors_name: *const c_char,
    /// Numbers in those vectors.
    pub vectors_dimensions: usize,
    /// Which vector index searches use: "auto" (default, exact, what is best for the file's size), "flat" (exact, 4 bytes
    /// of memory a number of each vector), "sq8" (exact, 1 byte), "binary" (approximate, 1 bit: see rescored_rows),
    /// "sqlite-vec" (exact and slow, no memory: a table in the file, filled by the next write or rekall_rebuild_index();
    /// REKALL_UNSUPPORTED in a build without REKALL_FEATURE_SQLITE_VEC), or, of a memory on a server, "pgvector" (exact, no memory:
    /// the server searches a table of its own, made by the next write, or of more than 10000 vectors by rekall_rebuild_index()) and
    /// "pgvector-hnsw" (the same by a graph, approximate: REKALL_DEGRADED_APPROXIMATE); REKALL_UNSUPPORTED for a file, and for a
    /// server without the extension vector, 0.8.4 or newer. NUL-terminated.
    pub vector_backend: *const c_char,
    /// Query vectors kept; 0: 1000, REKALL_ZERO: none.
    pub cache_max_size: u64,
    /// How long a query vector is kept, in milliseconds; 0: 600000, REKALL_NEVER: for ever, REKALL_ZERO: not at all.
    pub cache_ttl_ms: u64,
    /// How long an unused model stays loaded, in milliseconds; 0: 600000, REKALL_NEVER: for ever, REKALL_ZERO: not at all.
    pub model_idle_timeout_ms: u64,
    /// How long to wait for another writer before REKALL_BUSY, in milliseconds; 0: 5000, REKALL_ZERO: not at all.
    pub busy_timeout_ms: u64,
    /// Who receives events and log lines.
    pub listener: *const Listener,
    /// The clock that entries are stamped by, in milliseconds since 1970 (UTC); NULL: the system's.
    pub now_ms: NowFn,
    /// Handed to now_ms.
    pub now_user_data: *mut c_void,
    /// The most bytes of memory that the vector index may take; 0: as config says, which says REKALL_NEVER unless told
    /// otherwise. What does not fit stays in the file and is read at each search. Looked at when the index is filled, and
    /// by the index "auto" only.
    pub memory_budget_bytes: u64,
    /// The clock that cached vectors and an idle model age by, in milliseconds since any moment, never going back; NULL:
    /// the system's. For tests, and for hosts whose time stands still while they sleep.
    pub age_ms: NowFn,
    /// Handed to age_ms.
    pub age_user_data: *mut c_void,
    /// Rows that a search of the index "binary" compares exactly, 1 or more: more rows, fewer misses, more time;
    /// rekall_audit_index() tells how many are missed. REKALL_NEVER: all; 0: as config says, which says 1000 unless told
    /// otherwise.
    pub rescored_rows: u64,
    /// The reranker of searches that ask for one (rerank of rekall_recall_options): "path:FOLDER" or
    /// "hub:OWNER/NAME[@REVISION]", such as "hub:cross-encoder/ms-marco-MiniLM-L6-v2" (English) or "hub:BAAI/bge-reranker-base".
    /// NUL-terminated. NULL: as config says, which has none unless told otherwise. It is looked for when it is first needed, and
    /// stays loaded as long as model_idle_timeout_ms says of a model; events tell of it as of a model.
    pub reranker: *const c_char,
    /// How it is loaded; only with one that the library loads. NULL: with the cache, address, threads, download and
    /// flags of load.
    pub reranker_load: *const LoadSettings,
    /// Or the caller's own reranker.
    pub own_reranker: *const HostReranker,
}

sized!(OpenOptions, ..own_reranker => "rekall_open_options");

/// As REKALL_OPEN_OPTIONS_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_open_options_init(options: *mut OpenOptions, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(options, struct_size) }
}

/// Opens the memory in the file at path (a NUL-terminated path; UTF-8 on Windows), which is made, readable for its owner
/// only, if it is not there. Costs about a millisecond: model and index are loaded when first needed.
///
/// options may be NULL. out receives the handle, to be closed with rekall_close(). REKALL_INVALID_INPUT for "" and
/// ":memory:", which are no file's path; REKALL_NOT_FOUND when there is none and none is to be made. REKALL_NOT_A_DATABASE,
/// REKALL_LEGACY_FILE, REKALL_NEWER_VERSION, REKALL_CORRUPT and REKALL_READ_ONLY say what is wrong with the file, which
/// is then as it was. REKALL_UNSUPPORTED for an index that this build lacks. The functions named destroy in options are called exactly once, also when this fails (but not
/// when options itself has a wrong struct_size, and so cannot be read).
///
/// A path that begins with postgres:// or postgresql:// is the URL of a memory on a PostgreSQL server, whose parameter
/// schema names the memory (docs/postgres.md); REKALL_UNSUPPORTED in a build without REKALL_FEATURE_POSTGRES. All calls then do
/// what they do on a file, but for those that need one, which are refused with REKALL_UNSUPPORTED and change nothing:
/// REKALL_OPEN_SECURE_DELETE, REKALL_OPEN_MIGRATE and the index "sqlite-vec" here, then rekall_check(), rekall_repair(),
/// rekall_compact(), rekall_backup() and rekall_import_legacy(). The server's settings, not REKALL_OPEN_SYNC_FULL, say when a
/// commit is on its disk. REKALL_IO when the server cannot be reached or refuses the user. No message holds the password.
///
/// The file, and the files beside it that have its name with -wal and -shm appended, belong to the library: a host with
/// an SQLite of its own must not open them in the same process, since each copy of SQLite would undo the locks of the
/// other.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_open(
    path: *const c_char,
    options: *const OpenOptions,
    out: *mut *mut Handle,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = OutObject::required(out);
        fallible(error, || {
            let options = options::read_or_default(options)?;
            let identity = Arc::new(Identity::default());
            // These first, and each whatever the others say: then their destroy functions are called on every way out.
            let notifier = Notifier::new(options.listener, identity.number());
            let own = CallbackEmbedder::new(options.embedder, identity.number());
            let judge = CallbackReranker::new(options.own_reranker, identity.number());
            let (notifier, own, judge) = (notifier?.map(Arc::new), own?, judge?);
            out.answer(|| {
                let aging_clock =
                    AgingClock::new(HostClock::new(options.age_ms, options.age_user_data, identity.number()));
                let mut builder = Rekall::builder(text::path(path, "path")?).clock(aging_clock);
                let mut config = config(&options)?;
                if let Some(config) = &mut config {
                    give_way(config, shares(options.reranker_load)?);
                }
                let names_reranker = config.as_ref().is_some_and(|config| config.reranker.is_some());
                if let Some(config) = config {
                    builder = builder.config(config);
                }
                builder = settings(builder, &options, identity.number())?;
                builder = model(builder, &options, own, identity.number())?;
                builder = reranker(builder, &options, judge, names_reranker, identity.number())?;
                if let Some(notifier) = &notifier {
                    let notifier = Arc::clone(notifier);
                    builder = builder.on_event(move |event| notifier.tell(event));
                }
                Ok(Handle::new(Arc::new(builder.open()?), notifier, identity, aging_clock))
            })
        })
    }
}

/// # Safety
/// The members are valid.
unsafe fn settings(mut builder: Builder, options: &OpenOptions, identity: usize) -> Result<Builder, Failure> {
    let given = flags(options.flags, FLAGS, "rekall_open_options")?;
    let has = |flag| given & flag != 0;
    // SAFETY: as promised by the caller.
    unsafe {
        if let Some(backend) = text::name(options.vector_backend, "vector_backend")? {
            let backend: VectorBackend = backend.parse().map_err(rekall::Error::from)?;
            builder = builder.vector_backend(backend);
        }
    }
    builder = builder
        .create(!has(REKALL_OPEN_EXISTING))
        .migrate(has(REKALL_OPEN_MIGRATE))
        .secure_delete(has(REKALL_OPEN_SECURE_DELETE))
        .search_threads(options.search_threads as usize);
    if has(REKALL_OPEN_READ_ONLY) {
        builder = builder.read_only();
    }
    if has(REKALL_OPEN_SYNC_FULL) {
        builder = builder.synchronous(Synchronous::Full);
    }
    if has(REKALL_OPEN_UNLOAD_THREAD) {
        builder = builder.unload_in_background();
    }
    if has(REKALL_OPEN_RELEASE_MEMORY) {
        builder = builder.release_memory_on_unload();
    }
    if has(REKALL_OPEN_CHECK_MODEL) {
        builder = builder.check_model();
    }
    if let Some(entries) = size(options.cache_max_size) {
        builder = builder.cache_max_size(entries.unwrap_or(usize::MAX));
    }
    if let Some(bytes) = size(options.memory_budget_bytes) {
        builder = builder.memory_budget(bytes);
    }
    match size(options.rescored_rows) {
        None => {}
        Some(Some(0)) => return Err(Failure::invalid("rescored_rows must be 1 or more, got REKALL_ZERO")),
        Some(rows) => builder = builder.rescored_rows(rows.unwrap_or(usize::MAX)),
    }
    if let Some(age) = duration(options.cache_ttl_ms) {
        builder = builder.cache_ttl(age.unwrap_or(Duration::MAX));
    }
    if let Some(idle) = duration(options.model_idle_timeout_ms) {
        builder = builder.model_idle_timeout(idle);
    }
    if let Some(wait) = duration(options.busy_timeout_ms) {
        // SQLite counts milliseconds in 31 bits.
        let longest = Duration::from_millis(i32::MAX as u64);
        builder = builder.busy_timeout(wait.unwrap_or(longest).min(longest));
    }
    if let Some(clock) = HostClock::new(options.now_ms, options.now_user_data, identity) {
        builder = builder.wall_clock(clock);
    }
    Ok(builder)
}

/// # Safety
/// The members are valid.
unsafe fn config(options: &OpenOptions) -> Result<Option<Config>, Failure> {
    // SAFETY: as promised by the caller.
    let toml = unsafe { options.config.optional("config")? };
    match (toml, options.config_file.is_null()) {
        (None, true) => Ok(None),
        (Some(toml), true) => Ok(Some(toml.parse().map_err(rekall::Error::from)?)),
        (None, false) => {
            // SAFETY: as promised by the caller.
            let path = unsafe { text::path(options.config_file, "config_file")? };
            Ok(Some(Config::from_file(path).map_err(rekall::Error::from)?))
        }
        (Some(_), false) => Err(Failure::misuse("config and config_file are both given")),
    }
}

/// # Safety
/// The members are valid.
unsafe fn model(
    mut builder: Builder,
    options: &OpenOptions,
    own: Option<CallbackEmbedder>,
    identity: usize,
) -> Result<Builder, Failure> {
    // SAFETY: as promised by the caller.
    let (model, vectors, load) = unsafe {
        let model = text::name(options.model, "model")?;
        (model, text::name(options.vectors_name, "vectors_name")?, load_options(options.load, identity)?)
    };
    let none = options.flags & REKALL_OPEN_NO_MODEL != 0;
    let choices = [model.is_some(), own.is_some(), vectors.is_some(), none];
    if choices.into_iter().filter(|given| *given).count() > 1 {
        return Err(Failure::misuse(
            "of model, embedder, vectors_name and REKALL_OPEN_NO_MODEL at most one may be given",
        ));
    }
    goes_with(options.vectors_dimensions != 0, "vectors_dimensions", vectors.is_some(), "vectors_name")?;
    let loads = own.is_none() && vectors.is_none() && !none;
    goes_with(!options.load.is_null(), "load", loads, "a model that the library loads")?;
    if let Some(model) = model {
        builder = builder.model(source(model)?);
    }
    if let Some(own) = own {
        builder = builder.embedder(Arc::new(own));
    }
    if let Some(name) = vectors {
        let dimensions = options.vectors_dimensions;
        if name.is_empty() || dimensions == 0 || dimensions > u16::MAX.into() {
            let message =
                format!("vectors_dimensions must be 1 to 65535 and vectors_name not empty, got {dimensions}");
            return Err(Failure::invalid(message));
        }
        builder = builder.vectors_of(name, dimensions);
    }
    if none {
        builder = builder.without_model();
    }
    // SAFETY: as promised by the caller.
    if let Some(precision) = unsafe { precision(options.load)? } {
        builder = builder.precision(precision);
    }
    // What is said in code counts more than settings.
    if load.model_host {
        builder = builder.model_host(true);
    }
    Ok(builder.load_options(load))
}

/// # Safety
/// The members are valid.
unsafe fn reranker(
    mut builder: Builder,
    options: &OpenOptions,
    own: Option<CallbackReranker>,
    is_in_config: bool,
    identity: usize,
) -> Result<Builder, Failure> {
    // SAFETY: as promised by the caller.
    let named = unsafe { text::name(options.reranker, "reranker")? };
    if named.is_some() && own.is_some() {
        return Err(Failure::misuse("of reranker and own_reranker at most one may be given"));
    }
    let loads = own.is_none() && (named.is_some() || is_in_config);
    goes_with(!options.reranker_load.is_null(), "reranker_load", loads, "a reranker that the library loads")?;
    if let Some(name) = named {
        builder = builder.reranker(source(name)?);
    }
    if let Some(own) = own {
        builder = builder.own_reranker(Arc::new(own));
    }
    if !options.reranker_load.is_null() {
        // SAFETY: as promised by the caller.
        unsafe {
            without_vectors(options.reranker_load)?;
            if let Some(precision) = precision(options.reranker_load)? {
                builder = builder.reranker_precision(precision);
            }
            builder = builder.reranker_load_options(load_options(options.reranker_load, identity)?);
        }
    }
    Ok(builder)
}

const _: () = assert!(REKALL_NEVER != REKALL_ZERO);
