//! The model's life
//!
//! The model is loaded when it is first needed, and let go when it was idle for long enough: by a thread of the library's with
//! REKALL_OPEN_UNLOAD_THREAD, or by these functions from the program's own loop.
//!
//!     uint64_t freed = 0, wait_ms = 0;
//!     if ((status = rekall_model_load(db, &error))) goto end; // now, instead of at the first search
//!     if ((status = rekall_next_deadline_ms(db, &wait_ms, &error))) goto end;
//!     if (wait_ms == 0) status = rekall_unload_if_idle(db, &freed, &error);

use rekall::ModelState;
use rekall::model::UnloadOutcome;

use crate::boundary::error::ErrorObject;
use crate::boundary::limits::REKALL_NEVER;
use crate::boundary::out::Out;
use crate::boundary::status::Status;
use crate::calls::call::on;
use crate::calls::handle::Handle;

/// State of the model: not in memory, or there is none.
pub const REKALL_MODEL_UNLOADED: u32 = 0;
/// State of the model: some thread is loading it.
pub const REKALL_MODEL_LOADING: u32 = 1;
/// State of the model: in memory.
pub const REKALL_MODEL_READY: u32 = 2;

/// What rekall_model_unload() did: the model was not in memory.
pub const REKALL_UNLOAD_NOT_LOADED: u32 = 0;
/// What rekall_model_unload() did: the model is gone.
pub const REKALL_UNLOAD_DONE: u32 = 1;
/// What rekall_model_unload() did: the model is in use, or being loaded, and goes when the last call that uses it ends.
pub const REKALL_UNLOAD_PENDING: u32 = 2;

/// Loads the model now, so that the first search does not wait for it: below a millisecond for the built-in one, a tenth
/// of a second for 90 MB, and the time of a download where one is needed. REKALL_MODEL_UNAVAILABLE when there is none or
/// it cannot be had now; REKALL_INVALID_MODEL when it is missing, broken or refused by the hub; REKALL_UNSUPPORTED when this
/// build cannot run it; REKALL_INVALID_INPUT when it cannot honour a rekall_load_options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_model_load(db: *mut Handle, error: *mut *mut ErrorObject) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, (), |db| Ok(db.load_model()?)) }
}

/// What rekall_model_unload() did.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Unloaded {
    /// A REKALL_UNLOAD_ number.
    pub outcome: u32,
    /// With REKALL_UNLOAD_PENDING, how many calls use the model; 0 while it is being loaded.
    pub leases: u32,
    /// With REKALL_UNLOAD_DONE, the bytes of heap that this freed: 0 for the built-in model, which takes none.
    pub bytes: u64,
}

/// Lets the model go: at once, or when the last call that uses it ends. It is loaded again when needed; cached queries
/// need no model. The caller's own model is not touched. out, which may be NULL, receives what was done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_model_unload(
    db: *mut Handle,
    out: *mut Unloaded,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, Out::optional(out, Unloaded::default()), |db| Ok(db.unload_model().into())) }
}

impl From<UnloadOutcome> for Unloaded {
    fn from(outcome: UnloadOutcome) -> Self {
        match outcome {
            UnloadOutcome::NotLoaded => Self::default(),
            UnloadOutcome::Done { bytes } => {
                Self { outcome: REKALL_UNLOAD_DONE, leases: 0, bytes: bytes as u64 }
            }
            UnloadOutcome::Pending { leases } => {
                let leases = u32::try_from(leases).unwrap_or(u32::MAX);
                Self { outcome: REKALL_UNLOAD_PENDING, leases, bytes: 0 }
            }
        }
    }
}

/// Loads the reranker now, so that the first search that re-ranks does not wait for it; and says why it cannot be loaded, where
/// such a search goes on without it: as rekall_model_load(), and REKALL_INVALID_INPUT when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_reranker_load(db: *mut Handle, error: *mut *mut ErrorObject) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, (), |db| Ok(db.load_reranker()?)) }
}

/// As rekall_model_unload(), of the reranker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_reranker_unload(
    db: *mut Handle,
    out: *mut Unloaded,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, Out::optional(out, Unloaded::default()), |db| Ok(db.unload_reranker().into())) }
}

/// As rekall_model_state(), of the reranker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_reranker_state(
    db: *mut Handle,
    out: *mut u32,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, Out::required(out, REKALL_MODEL_UNLOADED), |db| Ok(number(db.reranker_state()))) }
}

fn number(state: ModelState) -> u32 {
    match state {
        ModelState::Unloaded => REKALL_MODEL_UNLOADED,
        ModelState::Loading => REKALL_MODEL_LOADING,
        ModelState::Ready => REKALL_MODEL_READY,
    }
}

/// Whether the model is in memory: out receives a REKALL_MODEL_ state. The caller's own model is always ready.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_model_state(
    db: *mut Handle,
    out: *mut u32,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, Out::required(out, REKALL_MODEL_UNLOADED), |db| Ok(number(db.model_state()))) }
}

/// Restarts the idle time of a loaded model, and of a loaded reranker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_model_touch(db: *mut Handle, error: *mut *mut ErrorObject) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, (), |db| {
            db.touch_model();
            Ok(())
        })
    }
}

/// Unloads the model and the reranker that have been idle long enough. For hosts with an event loop, at the time that
/// rekall_next_deadline_ms() told; others open with REKALL_OPEN_UNLOAD_THREAD. out_bytes, which may be NULL, receives
/// how many bytes of heap that freed: 0 when there was nothing to do, and for the built-in model, which takes none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_unload_if_idle(
    db: *mut Handle,
    out_bytes: *mut u64,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, Out::optional(out_bytes, 0), |db| Ok(db.unload_if_idle(db.now()).unwrap_or(0) as u64))
    }
}

/// In how many milliseconds rekall_unload_if_idle() will next have something to do: out receives 0 for now, REKALL_NEVER
/// while nothing is to be expected (model and reranker are not loaded, in use, or kept for ever).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_next_deadline_ms(
    db: *mut Handle,
    out: *mut u64,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, Out::required(out, 0), |db| {
            Ok(db.next_deadline().map_or(REKALL_NEVER, |deadline| {
                let left = deadline.saturating_duration_since(db.now());
                // Rounded up: a host that waits so long finds the time has come.
                u64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(REKALL_NEVER)
            }))
        })
    }
}

/// Gives back memory that is not needed now: model and reranker if they are not in use, cached vectors, the index, idle connections;
/// then asks the allocator to return what is free to the system, which concerns the whole process. The next search loads
/// what it needs again. What it brought stands in process_bytes of rekall_get_stats(), before and after.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_release_memory(db: *mut Handle, error: *mut *mut ErrorObject) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, (), |db| {
            db.release_memory();
            Ok(())
        })
    }
}
