//! The border itself: what every call passes on its way in and out.
//!
//! Panics are caught and become a status. Rust prints a panic before it unwinds, by a hook that is one for the
//! whole process (std has none for a thread), and a library must not print: so the first call chains a hook of
//! ours in front of the one that is there. It keeps still only for threads that are inside one of our calls and
//! for those that the library starts (all named `rekall-…`), and hands all other panics on. In the shared library
//! std is the library's own, and so is that hook: other Rust code in the process never meets it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Once, RwLockReadGuard};

use crate::border::error::{ErrorObject, Failure};
use crate::border::handle::Handle;
use crate::border::live::Given;
use crate::border::place::Place;
use crate::border::status::{REKALL_OK, REKALL_PANIC, Status};
use crate::border::uncancelled::Uncancelled;
use crate::callbacks::cancel::Token;
use crate::entries::batch::BatchObject;
use crate::entries::changes::ChangesObject;
use crate::entries::facets::Facets;
use crate::entries::links::{Links, Neighbours};
use crate::entries::stored::EntryObject;
use crate::file::report::ReportObject;
use crate::model::embed_texts::VectorsObject;
use crate::search::hits::Hits;

/// The header lets any thread use what the library hands out.
const fn any_thread<T: Send + Sync>() {}

const _: () = {
    any_thread::<BatchObject>();
    any_thread::<ChangesObject>();
    any_thread::<Facets>();
    any_thread::<VectorsObject>();
    any_thread::<Handle>();
    any_thread::<EntryObject>();
    any_thread::<ErrorObject>();
    any_thread::<Hits>();
    any_thread::<Links>();
    any_thread::<Neighbours>();
    any_thread::<ReportObject>();
    any_thread::<Token>();
};

/// How the names of all threads begin that the library starts.
const OUR_THREADS: &str = "rekall-";

thread_local! {
    /// How many of our calls this thread is inside of.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Where the last caught panic came from.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
    /// Whether one of the caller's callbacks failed in the call that this thread is in.
    static CALLBACK_FAILED: Cell<bool> = const { Cell::new(false) };
    /// The handles whose callbacks this thread is in, the innermost last: a callback may call on another handle, which has
    /// callbacks of its own.
    static CALLBACKS_OF: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Sets a cell for as long as it lives.
struct Meanwhile<T: Copy + 'static> {
    cell: &'static std::thread::LocalKey<Cell<T>>,
    before: T,
}

impl<T: Copy + 'static> Meanwhile<T> {
    fn set(cell: &'static std::thread::LocalKey<Cell<T>>, value: T) -> Self {
        Self { cell, before: cell.replace(value) }
    }
}

impl<T: Copy + 'static> Drop for Meanwhile<T> {
    fn drop(&mut self) {
        self.cell.set(self.before);
    }
}

/// Runs the work; a panic is caught, says nothing, and comes back in words.
fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    keep_panics_quiet();
    let _inside = Meanwhile::set(&DEPTH, DEPTH.get().saturating_add(1));
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let place =
            PLACE.try_with(RefCell::take).ok().flatten().unwrap_or_else(|| "an unknown place".to_owned());
        format!("bug in rekall, at {place}: {}", in_words(payload))
    })
}

fn in_words(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => match other.downcast::<&'static str>() {
            Ok(text) => (*text).to_owned(),
            Err(other) => {
                // Dropping a stranger could panic once more.
                std::mem::forget(other);
                "a panic without words".to_owned()
            }
        },
    }
}

fn keep_panics_quiet() {
    static HOOK: Once = Once::new();
    // A host in Rust may call from a destructor while it unwinds: the hook cannot be changed then.
    if HOOK.is_completed() || std::thread::panicking() {
        return;
    }
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if is_ours() {
                let place = info.location().map(ToString::to_string);
                let _ = PLACE.try_with(|slot| slot.replace(place));
            } else {
                others(info);
            }
        }));
    });
}

/// Whether what panics here is the library: in a call of the host's or on a thread of its own, but not in a callback.
fn is_ours() -> bool {
    if DEPTH.try_with(Cell::get).unwrap_or(0) > 0 {
        return true;
    }
    let is_callback = CALLBACKS_OF.try_with(|chain| !chain.borrow().is_empty()).unwrap_or(false);
    !is_callback && std::thread::current().name().is_some_and(|name| name.starts_with(OUR_THREADS))
}

/// For what cannot fail.
pub(crate) fn peek<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    quietly(work).unwrap_or(otherwise)
}

/// Reads something of one of our objects; `otherwise` for NULL, and where there is nothing.
///
/// # Safety
/// `object` is NULL or one of ours that was not freed.
pub(crate) unsafe fn look<T, R>(object: *const T, otherwise: R, read: impl FnOnce(&T) -> Option<R>) -> R {
    // SAFETY: as promised by the caller.
    peek(None, || unsafe { object.as_ref() }.and_then(read)).unwrap_or(otherwise)
}

/// Frees one of our objects. Nothing happens with NULL, with what was freed before, and with what belongs to another object.
pub(crate) fn free<T: Given>(object: *mut T) {
    peek((), || {
        if T::live().take(object) {
            // SAFETY: it was given out by `Table::give`, and is this call's alone.
            drop(unsafe { Box::from_raw(object) });
        }
    });
}

/// A call that can fail: what becomes of it is written to `error`.
///
/// # Safety
/// `error` is NULL or may be written to.
pub(crate) unsafe fn call(
    error: *mut *mut ErrorObject,
    work: impl FnOnce() -> Result<(), Failure>,
) -> Status {
    let tell = |object| {
        if !error.is_null() {
            // SAFETY: as promised by the caller.
            unsafe { error.write(object) };
        }
    };
    let _uncancelled = Uncancelled::begin();
    tell(std::ptr::null_mut());
    // A callback may call on another handle: each call has a note of its own.
    let _fresh = Meanwhile::set(&CALLBACK_FAILED, false);
    let failure = match quietly(work) {
        Ok(Ok(())) => return REKALL_OK,
        Ok(Err(failure)) => failure,
        Err(message) => Failure::new(REKALL_PANIC, message),
    };
    let status = failure.status;
    if !error.is_null() {
        tell(failure.into_object());
    }
    status
}

/// A call on a handle, with a result.
///
/// # Safety
/// As for [`call`] and [`with`].
pub(crate) unsafe fn on<P: Place>(
    db: *const Handle,
    error: *mut *mut ErrorObject,
    out: P,
    work: impl FnOnce(&Call<'_>) -> Result<P::Value, Failure>,
) -> Status {
    // SAFETY: as promised by the caller.
    unsafe { call(error, || with(Call::begin(db), out, work)) }
}

/// The part of a call that uses the handle.
pub(crate) fn with<P: Place>(
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
    crate::border::testing::panic_if_asked();
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
    /// Refuses what is no open handle.
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
        // SAFETY: the table of handles.
        let entered = unsafe { Handle::live().enter(db, enter) };
        entered
            .unwrap_or_else(|| Err(Failure::misuse("db is no open handle: it was closed, or never was one")))
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

/// One of the caller's functions runs, for as long as this lives.
struct Callback;

impl Callback {
    fn of(identity: usize) -> Self {
        let _ = CALLBACKS_OF.try_with(|chain| chain.borrow_mut().push(identity));
        Self
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        let _ = CALLBACKS_OF.try_with(|chain| chain.borrow_mut().pop());
    }
}

/// Runs one of the caller's functions on behalf of a handle (0: of none).
pub(crate) fn in_callback<T>(identity: usize, callback: impl FnOnce() -> T) -> T {
    let _which = Callback::of(identity);
    // A panic of a host in Rust is the host's to print.
    let _outside = Meanwhile::set(&DEPTH, 0);
    callback()
}

/// Whether this thread runs a callback of that handle, be it with calls on other handles in between.
pub(crate) fn is_in_callback(identity: usize) -> bool {
    CALLBACKS_OF.try_with(|chain| chain.borrow().contains(&identity)).unwrap_or(false)
}

/// Notes that the error which is about to come up is a callback's.
pub(crate) fn note_callback_failure() {
    CALLBACK_FAILED.set(true);
}

/// Whether a callback failed in the call that this thread is in.
pub(crate) fn callback_failed() -> bool {
    CALLBACK_FAILED.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_known_with_others_in_between() {
        in_callback(1, || {
            in_callback(2, || assert!(is_in_callback(1) && is_in_callback(2) && !is_in_callback(3)));
            assert!(is_in_callback(1) && !is_in_callback(2));
        });
        assert!(!is_in_callback(1));
        let _ = panic::catch_unwind(|| in_callback(1, || panic::resume_unwind(Box::new(()))));
        assert!(!is_in_callback(1), "also where a callback in Rust panicked");
    }
}
