//! Stopping calls

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rekall::CancelToken;

use crate::border::error::Failure;
use crate::border::guard::{Call, free, peek};
use crate::border::live::{Given, given};

/// Stops the calls that it was given to, from any thread. One token may serve many calls, also on several handles;
/// once cancelled it stays so.
pub struct Token(CancelToken);

given!(Token);

/// What a token shares with its calls; `None` for what is no token.
fn inner(token: *const Token) -> Option<CancelToken> {
    // SAFETY: the table of tokens.
    unsafe { Token::live().enter(token, |token: &Token| token.0.clone()) }
}

/// Calls that run now and can be stopped.
#[derive(Default)]
pub(crate) struct Registry {
    next: AtomicU64,
    /// How often all were stopped: a call that finds it changed since it began was meant, too.
    stops: AtomicU64,
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
        // Counted first: a call that is being added either finds the new number or is found in the list.
        self.stops.fetch_add(1, Ordering::AcqRel);
        self.calls().iter().for_each(|(_, token)| token.cancel());
    }

    pub(crate) fn stops(&self) -> u64 {
        self.stops.load(Ordering::Acquire)
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
    /// Before anything is done whose length the caller's data decide, its copying included.
    pub(crate) fn begin(call: Option<&'a Call<'_>>, token: *const Token) -> Result<Self, Failure> {
        let stop = match token.is_null() {
            true => CancelToken::new(),
            false => inner(token)
                .ok_or_else(|| Failure::misuse("token is none of the library's, or was freed"))?
                .child(),
        };
        let handle = call.map(|call| (call.running(), call.running().add(&stop)));
        // Looked at after it was added: an interrupt in between is found either here or in the list.
        if call.is_some_and(Call::was_interrupted) {
            stop.cancel();
        }
        let begun = Self { token: stop, handle };
        begun.go_on()?;
        Ok(begun)
    }

    /// Fails once the call is to stop.
    pub(crate) fn go_on(&self) -> Result<(), Failure> {
        if self.token.is_cancelled() { Err(rekall::Error::Interrupted.into()) } else { Ok(()) }
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
    peek(std::ptr::null_mut(), || Token::live().give(Token(CancelToken::new())))
}

/// Makes a token that is cancelled with parent, and can be cancelled alone: one for all that a window does, say, and a child
/// for each search. Already cancelled when parent is. It stays parent's child when parent is freed: what cancels the token
/// that parent was made of cancels it, too. Free it with rekall_token_free(), before or after parent. NULL for NULL.
///
///     rekall_token *search = rekall_token_child(window);
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_token_child(parent: *const Token) -> *mut Token {
    peek(std::ptr::null_mut(), || {
        inner(parent).map_or(std::ptr::null_mut(), |parent| Token::live().give(Token(parent.child())))
    })
}

/// Stops the calls that were given the token, those that run now and those to come: they return REKALL_INTERRUPTED. So are
/// its children (rekall_token_child()). Any thread may call this, callbacks included. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_token_cancel(token: *mut Token) {
    peek((), || inner(token).iter().for_each(CancelToken::cancel));
}

/// 1 once the token was cancelled, else 0; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_token_is_cancelled(token: *const Token) -> i32 {
    peek(0, || inner(token).map_or(0, |token| i32::from(token.is_cancelled())))
}

/// Frees a token. Calls that were given it and still run go on. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_token_free(token: *mut Token) {
    free(token);
}
