//! Stopping calls

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rekall::CancelToken;

use crate::border::error::Failure;
use crate::border::guard::{free, look, peek};
use crate::border::handle::Handle;

/// Stops the calls that it was given to, from any thread. One token may serve many calls, also on several handles;
/// once cancelled it stays so.
pub struct Token(CancelToken);

/// Calls that run now and can be stopped.
#[derive(Default)]
pub(crate) struct Registry {
    next: AtomicU64,
    calls: Mutex<Vec<(u64, CancelToken)>>,
}

impl Registry {
    fn add(&self, token: &CancelToken) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.calls().push((number, token.clone()));
        number
    }

    fn remove(&self, number: u64) {
        self.calls().retain(|(other, _)| *other != number);
    }

    pub(crate) fn stop_all(&self) {
        self.calls().iter().for_each(|(_, token)| token.cancel());
    }

    fn calls(&self) -> MutexGuard<'_, Vec<(u64, CancelToken)>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that can be stopped, for as long as it runs.
pub(crate) struct Stoppable<'a> {
    token: CancelToken,
    handle: Option<(&'a Registry, u64)>,
}

impl<'a> Stoppable<'a> {
    /// # Safety
    /// `token` is NULL or a token that was not freed.
    pub(crate) unsafe fn begin(db: Option<&'a Handle>, token: *const Token) -> Result<Self, Failure> {
        // SAFETY: as promised by the caller.
        let stop = unsafe { token.as_ref() }.map_or_else(CancelToken::new, |token| token.0.child());
        let handle = db.map(|db| (db.running(), db.running().add(&stop)));
        let begun = Self { token: stop, handle };
        if begun.token.is_cancelled() { Err(rekall::Error::Interrupted.into()) } else { Ok(begun) }
    }

    pub(crate) fn token(&self) -> &CancelToken {
        &self.token
    }
}

impl Drop for Stoppable<'_> {
    fn drop(&mut self) {
        if let Some((registry, number)) = self.handle {
            registry.remove(number);
        }
    }
}

/// Makes a token. Free it with rekall_token_free(). NULL only after a bug in the library.
#[unsafe(no_mangle)]
pub extern "C" fn rekall_token_new() -> *mut Token {
    peek(std::ptr::null_mut(), || Box::into_raw(Box::new(Token(CancelToken::new()))))
}

/// Makes a token that is cancelled with parent, and can be cancelled alone: one for all that a window does, say, and a child
/// for each search. Already cancelled when parent is. It stays parent's child when parent is freed: what cancels the token
/// that parent was made of cancels it, too. Free it with rekall_token_free(), before or after parent. NULL for NULL.
///
///     rekall_token *search = rekall_token_child(window);
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_token_child(parent: *const Token) -> *mut Token {
    // SAFETY: NULL or a token of ours that was not freed.
    unsafe {
        look(parent, std::ptr::null_mut(), |parent| Some(Box::into_raw(Box::new(Token(parent.0.child())))))
    }
}

/// Stops the calls that were given the token, those that run now and those to come: they return REKALL_INTERRUPTED. So are
/// its children (rekall_token_child()). Any thread may call this, callbacks included. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_token_cancel(token: *mut Token) {
    // SAFETY: NULL or a token of ours that was not freed.
    unsafe {
        look(token, (), |token| {
            token.0.cancel();
            Some(())
        });
    }
}

/// 1 once the token was cancelled, else 0; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_token_is_cancelled(token: *const Token) -> i32 {
    // SAFETY: NULL or a token of ours that was not freed.
    unsafe { look(token, 0, |token| Some(i32::from(token.0.is_cancelled()))) }
}

/// Frees a token. Calls that were given it and still run go on. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_token_free(token: *mut Token) {
    // SAFETY: NULL or a token of ours that was not freed; the caller gives it up.
    unsafe { free(token) }
}
