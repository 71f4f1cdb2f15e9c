//! Making vectors later, or again
//!
//! Vectors that are missing (there was no model when the entry was written) are made later; another model makes all of them
//! once more, while others read and write.
//!
//!     rekall_reembed_options another = REKALL_REEMBED_OPTIONS_INIT;
//!     rekall_embedded made = REKALL_EMBEDDED_INIT;
//!     if ((status = rekall_embed_pending(db, NULL, &made, &error))) goto end;
//!     another.model = "bundled";
//!     status = rekall_reembed(db, &another, NULL, &made, &error);

use std::ffi::c_char;
use std::sync::Arc;

use rekall::ModelSource;

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::fallible::fallible;
use crate::boundary::options::{self, OutStruct, goes_with, sized};
use crate::boundary::status::Status;
use crate::boundary::text;
use crate::callbacks::embedder::{CallbackEmbedder, HostEmbedder};
use crate::calls::call::{Call, on, with};
use crate::calls::handle::Handle;
use crate::calls::watch::{Watch, watched};
use crate::model::load::{LoadSettings, load_options, precision, source};

/// What rekall_embed_pending() or rekall_reembed() did. Set struct_size, or start from REKALL_EMBEDDED_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Embedded {
    /// sizeof(rekall_embedded).
    pub struct_size: usize,
    /// Entries that got vectors.
    pub entries: u64,
    /// Vectors made for them.
    pub vectors: u64,
    /// Entries of which the model knows no word: words find them, meaning does not.
    pub without_meaning: u64,
    /// Entries that cannot be read and got none; rekall_check() names them.
    pub unreadable: u64,
}

/// The model for rekall_reembed(): either model or embedder. Start from REKALL_REEMBED_OPTIONS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ReembedOptions {
    /// sizeof(rekall_reembed_options).
    pub struct_size: usize,
    /// The new model: "bundled", "bundled-v1", "path:FOLDER" or "hub:OWNER/NAME[@REVISION]". NUL-terminated.
    pub model: *const c_char,
    /// How it is loaded; only with model.
    pub load: *const LoadSettings,
    /// Or the caller's own model.
    pub embedder: *const HostEmbedder,
}

sized!(Embedded, ..unreadable => "rekall_embedded", ReembedOptions, ..embedder => "rekall_reembed_options");

/// As REKALL_EMBEDDED_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_embedded_init(embedded: *mut Embedded, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(embedded, struct_size) }
}

/// As REKALL_REEMBED_OPTIONS_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_reembed_options_init(options: *mut ReembedOptions, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(options, struct_size) }
}

impl From<rekall::EmbedReport> for Embedded {
    fn from(done: rekall::EmbedReport) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            entries: done.entries as u64,
            vectors: done.vectors as u64,
            without_meaning: done.without_meaning as u64,
            unreadable: done.unreadable.len() as u64,
        }
    }
}

/// Makes the vectors that are missing: of entries remembered or changed while no model was at hand, also by another
/// program. In batches, each one transaction; a call that was stopped goes on where it was. watch and out may be NULL.
/// REKALL_MODEL_UNAVAILABLE; REKALL_MODEL_MISMATCH when the file's vectors are another model's; REKALL_INTERRUPTED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_embed_pending(
    db: *mut Handle,
    watch: *const Watch,
    out: *mut Embedded,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutStruct::optional(out), |db| Ok(watched(db, watch, db.embed_pending())?.into()))
    }
}

/// Makes all vectors again with another model, beside the old ones: searches and writes of all processes go on with the
/// old model until one transaction switches to the new one, which this handle then uses. A call that was stopped or
/// killed is resumed by calling again with the same model; calling with a third one gives up what was made until then.
/// Handles opened with the old model get REKALL_MODEL_MISMATCH after the switch. watch and out may be NULL.
/// REKALL_MODEL_UNAVAILABLE, REKALL_INVALID_MODEL, REKALL_UNSUPPORTED and REKALL_INVALID_INPUT as for rekall_model_load();
/// REKALL_CALLBACK; REKALL_INTERRUPTED; REKALL_NOT_FOUND when a change to another model was begun meanwhile. Searches then use the old
/// vectors as before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_reembed(
    db: *mut Handle,
    options: *const ReembedOptions,
    watch: *const Watch,
    out: *mut Embedded,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = OutStruct::optional(out);
        fallible(error, || {
            let entered = Call::begin(db);
            let options = options::read_required(options)?;
            // Taken over before anything else can fail: then destroy is called on every way out.
            let own =
                CallbackEmbedder::new(options.embedder, entered.as_ref().map_or(0, |call| call.identity()))?;
            with(entered, out, |db| match (own, text::name(options.model, "model")?) {
                (Some(own), None) => {
                    goes_with(!options.load.is_null(), "load", false, "model")?;
                    Ok(watched(db, watch, db.reembed_with_embedder(Arc::new(own)))?.into())
                }
                (None, Some(model)) => {
                    let (source, mut load) = (source(model)?, load_options(options.load, db.identity())?);
                    let is_built_in = matches!(source, ModelSource::Bundled | ModelSource::BundledV1);
                    if precision(options.load)?.is_none() && !is_built_in {
                        load.precision = db.precision();
                    }
                    Ok(watched(db, watch, db.reembed(source).load_options(load))?.into())
                }
                _ => Err(Failure::misuse("either model or embedder must be given")),
            })
        })
    }
}
