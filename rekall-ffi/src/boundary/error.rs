//! Errors
//!
//! The object that a failed call leaves in its last parameter, if that is not NULL: the status once more, and one line in
//! words. Free it; a call that succeeds leaves NULL.
//!
//!     if (rekall_forget(db, "not an id", &error) == REKALL_INVALID_INPUT) {
//!         printf("%s\n", rekall_error_message(error));
//!         rekall_error_free(error);
//!         error = NULL;
//!     }

use std::ffi::c_char;

use crate::boundary::panics::read_object;
use crate::boundary::registry::{Registered, free, registered};
use crate::boundary::status::{
    REKALL_CALLBACK, REKALL_INVALID_INPUT, REKALL_MISUSE, REKALL_OK, REKALL_SUPERSEDED, REKALL_UNSUPPORTED,
    Status, of_kind,
};
use crate::boundary::thread_state::callback_failed;

/// What went wrong, in a code and in words. Never changes; may be read from any thread.
pub struct ErrorObject {
    status: Status,
    message: Box<[u8]>,
}

registered!(ErrorObject);

/// A failed call on its way to the border.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(crate) fn misuse(message: impl Into<String>) -> Self {
        Self::new(REKALL_MISUSE, message)
    }

    /// Says which part of what was given is meant.
    pub(crate) fn of(self, part: &str) -> Self {
        Self::new(self.status, format!("{part}: {}", self.message))
    }

    /// A pointer is NULL that must not be.
    pub(crate) fn null(name: &str) -> Self {
        Self::misuse(format!("{name} is NULL"))
    }

    /// A number is none of those that the header has for it.
    pub(crate) fn number(name: &str, prefix: &str, got: u32) -> Self {
        Self::misuse(format!("{name} must be a {prefix} number, got {got}"))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(REKALL_INVALID_INPUT, message)
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(REKALL_UNSUPPORTED, message)
    }

    /// The object that the caller frees.
    pub(crate) fn into_object(self) -> *mut ErrorObject {
        // One line (an error in TOML comes with a picture of the place), and no NUL, where a C string would end.
        let lines: Vec<&str> = self.message.split(['\n', '\r', '\0']).map(str::trim).collect();
        let mut message = lines.join(" ").into_bytes();
        message.push(0);
        ErrorObject::registry()
            .hand_out(ErrorObject { status: self.status, message: message.into_boxed_slice() })
    }
}

impl From<rekall::Error> for Failure {
    fn from(error: rekall::Error) -> Self {
        use rekall::model::Error as Model;
        use rekall::storage::Error as Core;
        // What a callback's failure travels through the library as.
        let travelled = matches!(
            error,
            rekall::Error::Model(Model::Compute { .. }) | rekall::Error::Core(Core::Stream { .. })
        );
        let status = match error {
            _ if travelled && callback_failed() => REKALL_CALLBACK,
            rekall::Error::Superseded { .. } => REKALL_SUPERSEDED,
            _ => of_kind(error.kind()),
        };
        Self::new(status, error.to_string())
    }
}

impl From<rekall::storage::Error> for Failure {
    fn from(error: rekall::storage::Error) -> Self {
        rekall::Error::from(error).into()
    }
}

/// The code of an error: what the call that made it returned. REKALL_OK for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_error_status(error: *const ErrorObject) -> Status {
    // SAFETY: NULL or an error of ours that was not freed.
    unsafe { read_object(error, REKALL_OK, |error| Some(error.status)) }
}

/// The error in words: one line of UTF-8 that says what was expected and what was found. It belongs to the error.
/// "" for NULL; never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_error_message(error: *const ErrorObject) -> *const c_char {
    // SAFETY: NULL or an error of ours that was not freed.
    unsafe { read_object(error, c"".as_ptr(), |error| Some(error.message.as_ptr().cast())) }
}

/// Frees an error. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_error_free(error: *mut ErrorObject) {
    free(error);
}
