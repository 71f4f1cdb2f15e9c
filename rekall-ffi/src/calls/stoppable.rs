//! A call that can be stopped: by its token, by the handle's interrupt, by its progress function.

use rekall::CancelToken;

use crate::boundary::error::Failure;
use crate::boundary::text::{Str, values};
use crate::calls::call::Call;
use crate::calls::running::RunningCalls;
use crate::calls::token::{Token, inner};

/// A call that can be stopped, for as long as it runs.
pub(crate) struct Stoppable<'a> {
    token: CancelToken,
    handle: Option<(&'a RunningCalls, u64)>,
}

impl<'a> Stoppable<'a> {
    /// Before anything is done whose length the caller's data decide, its copying included.
    pub(crate) fn begin(call: Option<&'a Call<'_>>, token: *const Token) -> Result<Self, Failure> {
        let stop = match token.is_null() {
            true => CancelToken::new(),
            false => inner(token)
                .ok_or_else(|| Failure::misuse("token is not a rekall_token, or was freed"))?
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

    /// Copies a list of texts. One that is not given counts as empty.
    ///
    /// # Safety
    /// As for [`values`] and [`Str::optional`].
    pub(crate) unsafe fn texts(
        &self,
        data: *const Str,
        len: usize,
        name: &str,
    ) -> Result<Vec<String>, Failure> {
        // SAFETY: as promised by the caller.
        unsafe {
            let copied = values(data, len, name)?.iter().map(|text| {
                self.go_on()?;
                Ok(text.optional(name)?.unwrap_or_default().to_owned())
            });
            copied.collect()
        }
    }
}

impl Drop for Stoppable<'_> {
    fn drop(&mut self) {
        if let Some((running, number)) = self.handle {
            running.remove(number);
        }
    }
}
