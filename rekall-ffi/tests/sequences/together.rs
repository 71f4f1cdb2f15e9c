//! Several entries at once.

use std::ptr::{null, null_mut};

use rekall_ffi::*;

use crate::machine::Machine;

impl Machine<'_> {
    /// # Safety
    /// The machine's pointers are NULL or good.
    pub(crate) unsafe fn together(&mut self) {
        // SAFETY: as promised by the caller.
        unsafe {
            match self.byte() % 2 {
                0 => self.get_many(),
                _ => self.supersede_entry(),
            }
        }
    }

    unsafe fn supersede_entry(&mut self) {
        let mut error = null_mut();
        let (old, new) = (self.id(), self.id());
        // SAFETY: as promised by the caller.
        unsafe {
            rekall_entry_free(self.entry);
            let status = rekall_supersede_entry(self.db, old, new, &raw mut self.entry, &raw mut error);
            self.done(status, error, self.entry.is_null());
        }
    }

    unsafe fn get_many(&mut self) {
        let mut error = null_mut();
        let given: [Str; 3] = std::array::from_fn(|_| Str { data: self.id(), len: REKALL_NTS });
        let count = usize::from(self.byte() % 5).min(3);
        let ids = if self.chance(250) { given.as_ptr() } else { null() };
        // SAFETY: as promised by the caller.
        unsafe {
            rekall_page_free(self.page);
            let status = rekall_get_many(self.db, ids, count, &raw mut self.page, &raw mut error);
            self.done(status, error, self.page.is_null());
        }
    }
}
