//! Panics: caught at the boundary, so that none crosses into C.
//!
//! Rust prints a panic before it unwinds, by a hook that the whole process shares (std has none for a thread), and a library
//! must not print: so the first call chains a hook of ours in front of the one that is there. It is silent only for threads
//! that are inside one of our calls and for those that the library starts (all named `rekall-…`), and passes all other panics
//! on. In the shared library std is the library's own, and so is that hook: other Rust code in the process never meets it.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::boundary::thread_state::{enter_library, is_in_any_callback, is_in_library};

/// How the names of all threads begin that the library starts.
const LIBRARY_THREADS: &str = "rekall-";

thread_local! {
    /// Where the last caught panic came from.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs the work; a panic is caught, says nothing, and comes back in words.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    keep_panics_quiet();
    let _inside = enter_library();
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let location =
            LOCATION.try_with(RefCell::take).ok().flatten().unwrap_or_else(|| "an unknown place".to_owned());
        format!("bug in rekall, at {location}: {}", in_words(payload))
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
                let location = info.location().map(ToString::to_string);
                let _ = LOCATION.try_with(|slot| slot.replace(location));
            } else {
                others(info);
            }
        }));
    });
}

/// Whether what panics here is the library: in a call of the host's or on a thread of its own, but not in a callback.
fn is_ours() -> bool {
    if is_in_library() {
        return true;
    }
    !is_in_any_callback()
        && std::thread::current().name().is_some_and(|name| name.starts_with(LIBRARY_THREADS))
}

/// Runs work that cannot fail; `fallback` after a panic.
pub(crate) fn catch_or<T>(fallback: T, work: impl FnOnce() -> T) -> T {
    catch(work).unwrap_or(fallback)
}

/// Reads something of one of our objects; `fallback` for NULL, and where there is nothing.
///
/// # Safety
/// `object` is NULL or one of ours that was not freed.
pub(crate) unsafe fn read_object<T, R>(
    object: *const T,
    fallback: R,
    read: impl FnOnce(&T) -> Option<R>,
) -> R {
    // SAFETY: as promised by the caller.
    catch_or(None, || unsafe { object.as_ref() }.and_then(read)).unwrap_or(fallback)
}
