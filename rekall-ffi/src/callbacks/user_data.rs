//! What belongs to the caller's functions: the pointer that they get, and the function that ends it.

use crate::boundary::thread_state::in_callback;
use crate::callbacks::events::DestroyFn;

/// The caller's own pointer, handed back to the caller's functions from any thread.
#[derive(Clone, Copy)]
pub(crate) struct UserData(pub(crate) *mut std::ffi::c_void);

// SAFETY: the library never reads through it; the header tells the caller that it comes from any thread.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl UserData {
    /// By a method, so that closures take the whole and not the bare pointer.
    pub(crate) fn get(self) -> *mut std::ffi::c_void {
        self.0
    }
}

/// Calls a destroy function once, when nobody needs the data any more.
pub(crate) struct DestroyOnce {
    destroy: DestroyFn,
    user_data: UserData,
    /// Of the handle that it was given to.
    identity: usize,
}

impl DestroyOnce {
    pub(crate) fn new(destroy: DestroyFn, user_data: UserData, identity: usize) -> Self {
        Self { destroy, user_data, identity }
    }
}

impl Drop for DestroyOnce {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            let data = self.user_data.get();
            // SAFETY: the caller's function, called as its type says.
            in_callback(self.identity, || unsafe { destroy(data) });
        }
    }
}
