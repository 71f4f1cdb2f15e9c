//! Stopping calls
//!
//! A token stops the calls that it is given to, from any thread; rekall_interrupt() stops all calls on a handle.
//!
//!     rekall_token *token = rekall_token_new();
//!     rekall_recall_options how = REKALL_RECALL_OPTIONS_INIT;
//!     rekall_hits *hits = NULL;
//!     how.token = token;
//!     rekall_token_cancel(token); // from any thread, before or while it runs
//!     if (rekall_recall(db, "CORS", REKALL_NTS, &how, &hits, NULL) == REKALL_INTERRUPTED)
//!         puts("stopped");
//!     rekall_hits_free(hits);
//!     rekall_token_free(token);

use rekall::CancelToken;

use crate::boundary::panics::catch_or;
use crate::boundary::registry::{Registered, free, registered};

/// Stops the calls that it was given to, from any thread. One token may serve many calls, also on several handles;
/// once cancelled it stays so.
pub struct Token(CancelToken);

registered!(Token);

/// What a token shares with its calls; `None` for what is no token.
pub(crate) fn inner(token: *const Token) -> Option<CancelToken> {
    // SAFETY: the registry of tokens.
    unsafe { Token::registry().enter(token, |token: &Token| token.0.clone()) }
}

/// Makes a token. Free it with rekall_token_free(). NULL only after a bug in the library.
#[unsafe(no_mangle)]
pub extern "C" fn rekall_token_new() -> *mut Token {
    catch_or(std::ptr::null_mut(), || Token::registry().hand_out(Token(CancelToken::new())))
}

/// Makes a token that is cancelled with parent, and can be cancelled alone: one for all that a window does, say, and a child
/// for each search. Already cancelled when parent is. It stays parent's child when parent is freed: what cancels the token
/// that parent was made of cancels it, too. Free it with rekall_token_free(), before or after parent. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_token_child(parent: *const Token) -> *mut Token {
    catch_or(std::ptr::null_mut(), || {
        inner(parent).map_or(std::ptr::null_mut(), |parent| Token::registry().hand_out(Token(parent.child())))
    })
}

/// Stops the calls that were given the token, those that run now and those to come: they return REKALL_INTERRUPTED. So are
/// its children (rekall_token_child()). Any thread may call this, callbacks included. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_token_cancel(token: *mut Token) {
    catch_or((), || inner(token).iter().for_each(CancelToken::cancel));
}

/// 1 once the token was cancelled, else 0; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_token_is_cancelled(token: *const Token) -> i32 {
    catch_or(0, || inner(token).map_or(0, |token| i32::from(token.is_cancelled())))
}

/// Frees a token. Calls that were given it and still run go on. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_token_free(token: *mut Token) {
    free(token);
}
