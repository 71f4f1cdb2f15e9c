//! Ctrl-C: a command stops where nothing is half done, and says what is kept.

use std::sync::OnceLock;

use rekall::{CancelToken, Error};

use crate::failure::Failure;

/// What the process exits with after Ctrl-C, as shells have it: 128 and the number of the signal.
pub(crate) const EXIT_CODE: u8 = 130;

/// The token that Ctrl-C cancels. The second Ctrl-C ends the process at once, whatever it is doing: the file is
/// whole all the same.
pub(crate) fn token() -> &'static CancelToken {
    static TOKEN: OnceLock<CancelToken> = OnceLock::new();
    TOKEN.get_or_init(|| {
        let token = CancelToken::new();
        let of_handler = token.clone();
        // Where there can be no handler, Ctrl-C ends the process as it does any other.
        let _ = ctrlc::set_handler(move || {
            if of_handler.is_cancelled() {
                std::process::exit(EXIT_CODE.into());
            }
            of_handler.cancel();
        });
        token
    })
}

/// The result of a call that was given the [`token`]; `kept` says what is left of it when it was stopped, and how to
/// go on.
pub(crate) fn or_stopped<T>(result: Result<T, Error>, kept: impl FnOnce() -> String) -> Result<T, Failure> {
    match result {
        Err(Error::Interrupted) if token().is_cancelled() => Err(Failure::Stopped { kept: kept() }),
        other => Ok(other?),
    }
}
