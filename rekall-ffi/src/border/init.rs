//! Structs with a size, for callers without macros
//!
//! Bindings cannot use the `_INIT` macros. They say how large their struct is: a newer library, which knows more members,
//! must not write behind it.

use crate::border::options::init;
use crate::callbacks::events::Listener;
use crate::callbacks::own_embedder::HostEmbedder;
use crate::callbacks::watch::Watch;
use crate::entries::input::{EntryContext, EntryInput, Patch};
use crate::entries::remember::RememberOptions;
use crate::file::open::OpenOptions;
use crate::file::stats::Stats;
use crate::model::load::LoadSettings;
use crate::model::reembed::{Embedded, ReembedOptions};
use crate::search::filter::Filter;
use crate::search::recall::RecallOptions;
use crate::search::selftest::RecallReport;
use crate::search::similar::SimilarOptions;

/// Sets a struct up as REKALL_OPEN_OPTIONS_INIT does: all zero but its size. For bindings in languages without macros; struct_size
/// is the size of the struct as the caller has it, sizeof(rekall_open_options) in C. Nothing happens with NULL, and with a size
/// that cannot be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_open_options_init(options: *mut OpenOptions, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { init(options, struct_size) }
}

/// As REKALL_LOAD_OPTIONS_INIT. See rekall_open_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_load_options_init(options: *mut LoadSettings, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { init(options, struct_size) }
}

/// As REKALL_EMBEDDER_INIT. See rekall_open_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_embedder_init(embedder: *mut HostEmbedder, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { init(embedder, struct_size) }
}

/// As REKALL_LISTENER_INIT. See rekall_open_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_listener_init(listener: *mut Listener, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { init(listener, struct_size) }
}

/// As REKALL_NEW_ENTRY_INIT. See rekall_open_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_new_entry_init(entry: *mut EntryInput, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { init(entry, struct_size) }
}

/// As REKALL_CONTEXT_INIT. See rekall_open_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_context_init(context: *mut EntryContext, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { init(context, struct_size) }
}

/// As REKALL_PATCH_INIT. See rekall_open_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_patch_init(patch: *mut Patch, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { init(patch, struct_size) }
}

/// As REKALL_REMEMBER_OPTIONS_INIT. See rekall_open_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_remember_options_init(options: *mut RememberOptions, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { init(options, struct_size) }
}

/// As REKALL_FILTER_INIT. See rekall_open_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_filter_init(filter: *mut Filter, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { init(filter, struct_size) }
}

/// As REKALL_RECALL_OPTIONS_INIT. See rekall_open_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_recall_options_init(options: *mut RecallOptions, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { init(options, struct_size) }
}

/// As REKALL_SIMILAR_OPTIONS_INIT. See rekall_open_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_similar_options_init(options: *mut SimilarOptions, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { init(options, struct_size) }
}

/// As REKALL_WATCH_INIT. See rekall_open_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_watch_init(watch: *mut Watch, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { init(watch, struct_size) }
}

/// As REKALL_REEMBED_OPTIONS_INIT. See rekall_open_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_reembed_options_init(options: *mut ReembedOptions, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { init(options, struct_size) }
}

/// As REKALL_EMBEDDED_INIT. See rekall_open_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_embedded_init(embedded: *mut Embedded, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { init(embedded, struct_size) }
}

/// As REKALL_RECALL_REPORT_INIT. See rekall_open_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_recall_report_init(report: *mut RecallReport, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { init(report, struct_size) }
}

/// As REKALL_STATS_INIT. See rekall_open_options_init().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_stats_init(stats: *mut Stats, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { init(stats, struct_size) }
}
