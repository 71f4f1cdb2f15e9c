//! A call on a handle: refused where it must not run, and stopped when the handle is interrupted.

use std::sync::RwLockReadGuard;

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::fallible::fallible;
use crate::boundary::out::Output;
use crate::boundary::registry::Registered;
use crate::boundary::status::Status;
use crate::boundary::thread_state::is_in_callback;
use crate::calls::handle::Handle;

/// A call on a handle, with a result.
///
/// # Safety
/// As for [`fallible`] and [`with`].
pub(crate) unsafe fn on<P: Output>(
    db: *const Handle,
    error: *mut *mut ErrorObject,
    out: P,
    work: impl FnOnce(&Call<'_>) -> Result<P::Value, Failure>,
) -> Status {
    // SAFETY: as promised by the caller.
    unsafe { fallible(error, || with(Call::begin(db), out, work)) }
}

/// The part of a call that uses the handle.
pub(crate) fn with<P: Output>(
    call: Result<Call<'_>, Failure>,
    out: P,
    work: impl FnOnce(&Call<'_>) -> Result<P::Value, Failure>,
) -> Result<(), Failure> {
    // Emptied whatever is wrong with the handle.
    out.begin();
    let call = call?;
    let _trace = call.trace();
    let poison = PoisonOnPanic(call.db);
    #[cfg(debug_assertions)]
    crate::boundary::testing::panic_if_asked();
    let result = out.answer(|| work(&call));
    std::mem::forget(poison);
    result
}

/// A call that runs on a handle, which is not closed meanwhile.
pub(crate) struct Call<'a> {
    db: &'a Handle,
    /// How often the handle's calls had been stopped when this one began.
    stops: u64,
    _gate: RwLockReadGuard<'a, ()>,
}

impl Call<'_> {
    /// Refuses what is not an open handle.
    pub(crate) fn begin(db: *const Handle) -> Result<Self, Failure> {
        if db.is_null() {
            return Err(Failure::null("db"));
        }
        let enter = |db: &'static Handle| {
            // From here on an interrupt is meant for this call, too.
            let stops = db.running().stops();
            if is_in_callback(db.identity()) {
                return Err(Failure::misuse("called from a callback of the same handle"));
            }
            // Nobody closes it before this call lets the gate go: that begins with taking it out of the table.
            let gate = db.enter();
            db.refuse_if_poisoned()?;
            Ok(Self { db, stops, _gate: gate })
        };
        // SAFETY: the registry of handles.
        let entered = unsafe { Handle::registry().enter(db, enter) };
        entered.unwrap_or_else(|| {
            Err(Failure::misuse("db is not an open handle: it was closed, or never was one"))
        })
    }

    /// Whether the handle's calls were stopped since this one began.
    pub(crate) fn was_interrupted(&self) -> bool {
        self.running().stops() != self.stops
    }
}

impl std::ops::Deref for Call<'_> {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        self.db
    }
}

/// Unwinding through a call may leave half a change in memory: nobody looks at it again.
struct PoisonOnPanic<'a>(&'a Handle);

impl Drop for PoisonOnPanic<'_> {
    fn drop(&mut self) {
        self.0.poison();
    }
}
