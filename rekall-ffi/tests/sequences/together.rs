//! Several entries at once.

use std::ffi::CStr;
use std::ptr::{null, null_mut};

use rekall_ffi::*;

use crate::machine::{DIMENSIONS, Machine, padded};

impl Machine<'_> {
    /// # Safety
    /// The machine's pointers are NULL or good.
    pub(crate) unsafe fn together(&mut self) {
        // SAFETY: as promised by the caller.
        unsafe {
            match self.byte() % 11 {
                0 => self.get_many(),
                1 => self.changes(),
                2 | 3 => self.apply(),
                4 => self.facets(),
                5 => self.remember_json(),
                6 => self.embed_texts(),
                7 => self.sync_sources(),
                8 => self.sources(),
                9 => self.scopes(),
                _ => self.supersede_entry(),
            }
        }
    }

    unsafe fn apply(&mut self) {
        let batch = if self.chance(250) { rekall_batch_new() } else { null_mut() };
        let mut added = 0;
        // SAFETY: as promised by the caller.
        unsafe {
            for _ in 0..self.byte() % 5 {
                let (operation, mut error) = (self.byte() % 6, null_mut());
                let (one, other, mut id) = (self.id(), self.id(), Id { text: [1; 27] });
                let error = &raw mut error;
                let vector: [f32; DIMENSIONS] = std::array::from_fn(|_| f32::from(self.byte()) - 3.0);
                let (vector, dimensions) =
                    if self.chance(60) { (vector.as_ptr(), DIMENSIONS) } else { (null(), 0) };
                let status = match operation {
                    0 => {
                        let mut given = padded::<EntryInput>();
                        given.value.struct_size = self.size(size_of::<EntryInput>());
                        given.value.title = self.given();
                        let status = rekall_new_id(self.db, &raw mut id, error);
                        self.done(status, *error, id.text[0] == 0);
                        let (id, given) = (id.text.as_ptr(), &raw const given.value);
                        rekall_batch_remember(batch, id, given, vector, dimensions, error)
                    }
                    1 => {
                        let mut patch = padded::<Patch>();
                        patch.value.struct_size = self.size(size_of::<Patch>());
                        patch.value.content = self.given();
                        rekall_batch_update(batch, one, &raw const patch.value, vector, dimensions, error)
                    }
                    2 => rekall_batch_forget(batch, one, error),
                    3 => rekall_batch_supersede_entry(batch, one, other, error),
                    4 => {
                        let (relation, reason) = (self.text().0, self.given());
                        rekall_batch_link(batch, one, other, relation, reason.data, reason.len, error)
                    }
                    _ => rekall_batch_unlink(batch, one, other, c"related".as_ptr(), error),
                };
                self.done(status, *error, true);
                added += usize::from(status == REKALL_OK);
                assert_eq!(rekall_batch_count(batch), added);
            }
            let (watch, mut error) = (self.watch(), null_mut());
            let status = rekall_apply(self.db, batch, &raw const watch.value, &raw mut error);
            self.done(status, error, true);
            rekall_batch_free(batch);
        }
    }

    unsafe fn facets(&mut self) {
        let (facet, limit, index) = (self.number(6), self.extent(12), self.extent(12));
        let (mut facets, mut len, mut error) = (null_mut(), 7, null_mut());
        // SAFETY: as promised by the caller.
        unsafe {
            let status = rekall_facets_of(self.db, facet, null(), limit, &raw mut facets, &raw mut error);
            self.done(status, error, facets.is_null());
            let behind = index >= rekall_facets_count(facets);
            assert_eq!(rekall_facets_name(facets, index, &raw mut len).is_null(), behind);
            assert_eq!(rekall_facets_entries(facets, index) == 0, behind);
            rekall_facets_free(facets);
        }
    }

    unsafe fn remember_json(&mut self) {
        const TEXTS: [&CStr; 6] = [
            c"{\"title\":\"alpha\",\"tags\":[\"beta\"]}",
            c"[{\"title\":\"alpha beta\"},{\"title\":\"beta\",\"status\":\"obsolete\"}]",
            c"[]",
            c"{\"title\":\" \"}",
            c"{\"title\":\"a\",\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\"}",
            c"{",
        ];
        let (json, len) = match self.byte() {
            byte @ 0..=200 => (TEXTS[usize::from(byte) % TEXTS.len()].as_ptr(), REKALL_NTS),
            _ => self.text(),
        };
        let (watch, mut error) = (self.watch(), null_mut());
        // SAFETY: as promised by the caller.
        unsafe {
            rekall_report_free(self.report);
            let (watch, out) = (&raw const watch.value, &raw mut self.report);
            let status = rekall_remember_json(self.db, json, len, watch, out, &raw mut error);
            self.done(status, error, self.report.is_null());
        }
    }

    unsafe fn sync_sources(&mut self) {
        const FOUND: [&CStr; 6] = [
            c"{\"sources\":[{\"uri\":\"wiki:/a\",\"sections\":[{\"title\":\"alpha\"},{\"title\":\"beta\"}]}]}",
            c"{\"sources\":[{\"uri\":\"wiki:/a\",\"sections\":[{\"title\":\"beta\",\"tags\":[\"beta\"]}]}]}",
            c"{\"prune\":true}",
            c"{\"current\":[\"wiki:/a\"],\"skipped\":[{\"uri\":\"wiki:/b\",\"reason\":\"no\"}]}",
            c"{\"sources\":[{\"uri\":\"elsewhere\"}]}",
            c"[",
        ];
        let (json, len) = match self.byte() {
            byte @ 0..=200 => (FOUND[usize::from(byte) % FOUND.len()].as_ptr(), REKALL_NTS),
            _ => self.text(),
        };
        let scope = if self.chance(200) { c"wiki:".as_ptr() } else { self.text().0 };
        let (watch, mut error) = (self.watch(), null_mut());
        // SAFETY: as promised by the caller.
        unsafe {
            rekall_report_free(self.report);
            let (watch, out) = (&raw const watch.value, &raw mut self.report);
            let status = rekall_sync_sources(self.db, scope, json, len, watch, out, &raw mut error);
            self.done(status, error, self.report.is_null());
        }
    }

    unsafe fn sources(&mut self) {
        let mut error = null_mut();
        // SAFETY: as promised by the caller.
        unsafe {
            rekall_report_free(self.report);
            self.report = null_mut();
            let status = rekall_sources(self.db, c"".as_ptr(), &raw mut self.report, &raw mut error);
            self.done(status, error, self.report.is_null());
        }
    }

    unsafe fn scopes(&mut self) {
        const NAMES: [&CStr; 3] = [c"ann", c"bob", c" "];
        let name = match self.byte() {
            byte @ 0..=220 => NAMES[usize::from(byte) % NAMES.len()].as_ptr(),
            _ => self.text().0,
        };
        let (mut scope, mut entries, mut error) = (null_mut(), 7, null_mut());
        // SAFETY: as promised by the caller.
        unsafe {
            let status = rekall_open_scope(self.db, name, &raw mut scope, &raw mut error);
            self.done(status, error, scope.is_null());
            assert_eq!(rekall_scope_name(scope).is_null(), scope.is_null());
            if !scope.is_null() && self.chance(200) {
                // Its notes are nobody else's, so the machine need not know of them.
                let (input, mut id) = (c"{\"title\":\"alpha of a scope\"}".as_ptr(), null_mut());
                let status =
                    rekall_remember_json(scope, input, REKALL_NTS, null(), &raw mut id, &raw mut error);
                self.done(status, error, id.is_null());
                rekall_report_free(id);
            }
            rekall_report_free(self.report);
            self.report = null_mut();
            let status = rekall_list_scopes(self.db, &raw mut self.report, &raw mut error);
            self.done(status, error, self.report.is_null());
            if self.chance(60) {
                let status = rekall_remove_scope(self.db, name, &raw mut entries, &raw mut error);
                self.done(status, error, status != REKALL_OK);
            }
            rekall_close(scope);
        }
    }

    unsafe fn embed_texts(&mut self) {
        let texts: [Str; 3] = std::array::from_fn(|_| self.given());
        let (purpose, count, index) = (self.number(2), usize::from(self.byte() % 4), self.extent(4));
        let (watch, mut vectors, mut error) = (self.watch(), null_mut(), null_mut());
        // SAFETY: as promised by the caller.
        unsafe {
            let (first, watch) = (texts.as_ptr(), &raw const watch.value);
            let (out, error_out) = (&raw mut vectors, &raw mut error);
            let status = rekall_embed_texts(self.db, purpose, first, count, watch, out, error_out);
            self.done(status, error, vectors.is_null());
            let there = index < rekall_vectors_count(vectors);
            assert_eq!(rekall_vectors_rows(vectors).is_null(), rekall_vectors_count(vectors) == 0);
            let row = rekall_vectors_row(vectors, index);
            if !row.is_null() {
                let row = std::slice::from_raw_parts(row, rekall_vectors_dimensions(vectors));
                let length = row.iter().map(|value| value * value).sum::<f32>();
                assert!(there && (length - 1.0).abs() < 1e-3, "{length}");
            }
            assert!(rekall_vectors_is_cut(vectors, index) <= i32::from(there));
            let known = rekall_vectors_known(vectors, index);
            assert!(known.is_nan() || there && (0.0..=1.0).contains(&known));
            rekall_vectors_free(vectors);
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
