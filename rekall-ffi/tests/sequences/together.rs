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
            match self.byte() % 3 {
                0 => self.get_many(),
                1 => self.changes(),
                _ => self.supersede_entry(),
            }
        }
    }

    unsafe fn changes(&mut self) {
        let mut error = null_mut();
        let (words, index) = ([i64::from(self.byte()), i64::from(self.byte())], self.extent(20));
        let mut since = Position { words };
        // SAFETY: as promised by the caller.
        unsafe {
            let status = rekall_change_position(self.db, &raw mut since, &raw mut error);
            self.done(status, error, since.words == [0, 0]);
            since.words[1] -= i64::from(self.byte() % 8);
            let since = if self.chance(60) { null() } else { &raw const since };
            let mut changes = null_mut();
            let status = rekall_changes_since(self.db, since, &raw mut changes, &raw mut error);
            self.done(status, error, changes.is_null());
            let behind = index >= rekall_changes_count(changes);
            assert_eq!(rekall_changes_number(changes, index) == 0, behind);
            assert!(!behind || rekall_changes_id(changes, index).is_null());
            assert_eq!(rekall_changes_position(changes).words == [0, 0], changes.is_null());
            assert!(rekall_changes_complete(changes) == 1 || !since.is_null() || changes.is_null());
            rekall_changes_free(changes);
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
