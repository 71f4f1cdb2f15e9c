//! The handle: an open file, the calls that run on it, and its end

use std::ffi::c_char;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Instant;

use rekall::Rekall;
use rekall::cache::Clock;
use tracing::dispatcher::DefaultGuard;

use crate::boundary::error::Failure;
use crate::boundary::panics::catch_or;
use crate::boundary::registry::{Registered, registered};
use crate::boundary::status::REKALL_PANIC;
use crate::boundary::text::{owned, owned_path};
use crate::boundary::thread_state::is_in_callback;
use crate::boundary::uncancelled::Uncancelled;
use crate::callbacks::clock::AgingClock;
use crate::callbacks::listener::Notifier;
use crate::callbacks::trace::Trace;
use crate::calls::running::RunningCalls;

/// An open memory. Any number of threads may use one at once.
pub struct Handle {
    rekall: Arc<Rekall>,
    /// Calls hold it for reading, closing for writing.
    gate: RwLock<()>,
    poisoned: AtomicBool,
    running: RunningCalls,
    notifier: Option<Arc<Notifier>>,
    trace: Option<Trace>,
    identity: Arc<Identity>,
    aging_clock: AgingClock,
    path: Box<[u8]>,
    /// The name of its scope, for C.
    scope: Option<Box<[u8]>>,
}

registered!(Handle);

/// An address of its own, by which callbacks know their handle. Not empty: two empty ones could share one.
#[derive(Default)]
pub(crate) struct Identity(#[expect(dead_code, reason = "only its address counts")] u8);

impl Identity {
    pub(crate) fn number(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }
}

impl Handle {
    pub(crate) fn new(
        rekall: Arc<Rekall>,
        notifier: Option<Arc<Notifier>>,
        identity: Arc<Identity>,
        aging_clock: AgingClock,
    ) -> Self {
        let path = match rekall.store().path() {
            Some(path) => owned_path(path),
            None => owned_path(Path::new(&rekall.location())),
        };
        Self {
            scope: rekall.scope_name().map(owned),
            rekall,
            gate: RwLock::new(()),
            poisoned: AtomicBool::new(false),
            running: RunningCalls::default(),
            trace: notifier.as_ref().and_then(Trace::new),
            notifier,
            identity,
            aging_clock,
            path,
        }
    }

    /// A handle on another memory of the same store, with the same listener, functions and clocks.
    pub(crate) fn beside(&self, rekall: Arc<Rekall>) -> Self {
        Self::new(rekall, self.notifier.clone(), Arc::clone(&self.identity), self.aging_clock)
    }

    /// The name of its scope, NUL-terminated.
    pub(crate) fn scope_text(&self) -> *const c_char {
        self.scope.as_ref().map_or(std::ptr::null(), |name| name.as_ptr().cast())
    }

    /// A call begins.
    pub(crate) fn enter(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn refuse_if_poisoned(&self) -> Result<(), Failure> {
        if self.poisoned.load(Ordering::Acquire) {
            return Err(Failure::new(REKALL_PANIC, "an earlier call on this handle met a bug: close it"));
        }
        Ok(())
    }

    pub(crate) fn poison(&self) {
        self.poisoned.store(true, Ordering::Release);
        if let Some(notifier) = &self.notifier {
            notifier.say_poisoned();
        }
    }

    pub(crate) fn identity(&self) -> usize {
        self.identity.number()
    }

    /// The time by which the model is idle.
    pub(crate) fn now(&self) -> Instant {
        self.aging_clock.now()
    }

    /// Brings what the parts below say on this thread to the log, for as long as the result lives.
    pub(crate) fn trace(&self) -> Option<DefaultGuard> {
        self.trace.as_ref().map(Trace::listen)
    }

    pub(crate) fn running(&self) -> &RunningCalls {
        &self.running
    }
}

impl std::ops::Deref for Handle {
    type Target = Rekall;

    fn deref(&self) -> &Rekall {
        &self.rekall
    }
}

/// Closes a memory: waits for calls that other threads are in, then frees the handle. NULL is fine.
///
/// Stop long calls first with rekall_interrupt(), if need be. Nobody may use the handle from the moment of this call on:
/// calls on it, and closing it once more, are refused for as long as no other handle has come to the same place in memory.
/// What was got from it (hits, entries, links, reports, errors, tokens) stays valid. From a callback of the same handle
/// nothing is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_close(db: *mut Handle) {
    catch_or((), || {
        let _uncancelled = Uncancelled::begin();
        let handles = Handle::registry();
        // SAFETY: the registry of handles.
        let may_close = unsafe { handles.enter(db, |db: &Handle| !is_in_callback(db.identity())) };
        if may_close != Some(true) || !handles.take_back(db) {
            return;
        }
        // SAFETY: it was given out by `Registry::hand_out`, and nobody finds it any more. Those who did are waited for.
        unsafe {
            drop((*db).gate.write());
            drop(Box::from_raw(db));
        }
    });
}

/// The file's absolute path, NUL-terminated: the one that was given at opening, from the root on, so that it holds when the
/// program changes its folder. For a memory on a server, where it is, for people: host, port, database and schema, without user
/// and password. It belongs to the handle. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_path(db: *const Handle) -> *const c_char {
    // SAFETY: the registry of handles.
    let path =
        catch_or(None, || unsafe { Handle::registry().enter(db, |db: &Handle| db.path.as_ptr().cast()) });
    path.unwrap_or(std::ptr::null())
}

/// Stops all calls that run on the handle now and can be stopped: they return REKALL_INTERRUPTED within about a
/// millisecond of computing, and what they had changed is undone. A call counts from its first moment, also while it still
/// copies what it was given; calls that begin later are not touched. Searches, rekall_remember(), rekall_remember_many(),
/// rekall_similar() and all that take a rekall_watch can be stopped; rekall_update(), rekall_update_with_vector(),
/// rekall_list(), rekall_count(), rekall_get_many() and rekall_embed() while they read what they were given, and not later.
/// May be called from any thread and from callbacks. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_interrupt(db: *mut Handle) {
    // SAFETY: the registry of handles.
    catch_or(None, || unsafe { Handle::registry().enter(db, |db: &Handle| db.running.stop_all()) });
}
