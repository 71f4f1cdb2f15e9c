//! Settings
//!
//! Settings that a program lets its users write, as TOML. docs/settings.md has every key.
//!
//!     rekall_report *report = NULL;
//!     const char *toml = "[performance]\ncache_max_size = 100\n";
//!     if ((status = rekall_config_check(toml, REKALL_NTS, &report, &error))) goto end;
//!     puts(rekall_report_json(report, NULL)); // the settings as they would hold
//!     rekall_report_free(report);

use std::ffi::c_char;

use rekall::Config;
use serde_json::json;

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::fallible::answer;
use crate::boundary::out::OutObject;
use crate::boundary::report::ReportObject;
use crate::boundary::status::Status;
use crate::boundary::text::{self, utf8};

/// Looks through settings (config of rekall_open_options) without opening anything. toml is UTF-8 of toml_len bytes (or
/// REKALL_NTS). What is left out has its default; docs/settings.md has each key's range and meaning:
///
///   [performance]
///   cache_max_size = 1000               # query vectors kept; 0: none
///   cache_ttl_seconds = 600             # how long; 0: not at all
///   model_idle_timeout_minutes = 10     # may have a fraction; 0: unload after each use
///   vector_backend = "auto"             # or flat, sq8, binary, sqlite-vec, pgvector, pgvector-hnsw
///   memory_budget_bytes = 268435456     # of the index; left out: no limit
///   rescored_rows = 1000                # of the index "binary", 1 or more
///   [model]
///   source = "bundled"                  # or bundled-v1, path:FOLDER, hub:OWNER/NAME[@REVISION]
///   precision = "f32"                   # or int8
///   host = false                        # or true: processes share one loaded transformer, and one reranker
///   [reranker]
///   source = "path:FOLDER"              # or hub:OWNER/NAME[@REVISION]; left out: none
///   precision = "f32"                   # or int8
///
/// out, which may be NULL, receives the settings as they would hold. Numbers: cache_max_size, cache_ttl_seconds,
/// model_idle_timeout_ms, memory_budget_bytes (REKALL_NEVER: no limit), rescored_rows; the JSON also has vector_backend,
/// model (null: the built-in one), reranker (null: none), and precision, reranker_precision and model_host (null: as
/// rekall_load_options says). REKALL_INVALID_INPUT names the key, its place or value; REKALL_UNSUPPORTED what this
/// build lacks. No model is looked for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_config_check(
    toml: *const c_char,
    toml_len: usize,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = OutObject::optional(out);
        answer(error, out, || checked(utf8(toml, toml_len, "toml")?.parse()))
    }
}

/// As rekall_config_check(), of a file (config_file of rekall_open_options), a mebibyte at the most.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_config_check_file(
    path: *const c_char,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = OutObject::optional(out);
        answer(error, out, || checked(Config::from_file(text::path(path, "path")?)))
    }
}

fn checked(config: Result<Config, rekall::ConfigError>) -> Result<ReportObject, Failure> {
    let config = config.map_err(rekall::Error::from)?;
    config.check()?;
    let settings = json!({
        "cache_max_size": config.cache_max_size,
        "cache_ttl_seconds": config.cache_ttl.as_secs(),
        "model_idle_timeout_ms": config.model_idle_timeout.map_or(u64::MAX, |idle| idle.as_millis() as u64),
        "vector_backend": config.vector_backend.to_string(),
        "memory_budget_bytes": config.memory_budget.map_or(u64::MAX, |bytes| bytes as u64),
        "rescored_rows": config.rescored_rows,
        "model": config.model.map(|model| model.to_string()),
        "precision": config.precision.map(|precision| precision.to_string()),
        "model_host": config.model_host,
        "reranker": config.reranker.map(|reranker| reranker.to_string()),
        "reranker_precision": config.reranker_precision.map(|precision| precision.to_string()),
    });
    ReportObject::new(&settings, [])
}
