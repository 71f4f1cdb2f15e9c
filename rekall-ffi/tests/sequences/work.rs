//! Long calls, stopping them, the model, figures.

use std::ptr::{null, null_mut};

use rekall_ffi::*;

use crate::callbacks;
use crate::machine::{Machine, padded};

impl Machine<'_> {
    /// # Safety
    /// The machine's pointers are NULL or good; so below.
    pub(crate) unsafe fn new_token(&mut self) {
        let (wanted, child) = (self.chance(128), self.chance(60));
        let before = self.token;
        self.token = match (wanted, child) {
            (false, _) => null_mut(),
            (true, false) => rekall_token_new(),
            // SAFETY: NULL or a token that was not freed.
            (true, true) => unsafe { rekall_token_child(before) },
        };
        // SAFETY: as promised by the caller; a parent may go before its child.
        unsafe { rekall_token_free(before) };
        self.called(2);
    }

    pub(crate) unsafe fn cancel(&mut self) {
        // SAFETY: as promised by the caller.
        unsafe { rekall_token_cancel(self.token) };
        self.called(1);
    }

    pub(crate) unsafe fn interrupt(&mut self) {
        // SAFETY: as promised by the caller.
        unsafe { rekall_interrupt(self.db) };
        self.called(1);
    }

    pub(crate) unsafe fn upkeep(&mut self) {
        let mut error = null_mut();
        let e = &raw mut error;
        let watch = self.watch();
        let (path, other, data) = (self.path("out", 4), self.path("memory", 3), self.signal());
        let (kind, duplicate, offset) = (self.byte() % 15, self.number(3), i32::from(self.byte()));
        // SAFETY: as promised by the caller.
        unsafe {
            rekall_report_free(self.report);
            self.report = null_mut();
            let (db, watch, out) = (self.db, &raw const watch.value, &raw mut self.report);
            let status = match kind {
                0 => rekall_check(db, watch, out, e),
                1 => rekall_repair(db, watch, out, e),
                2 => rekall_compact(db, watch, out, e),
                3 => rekall_export_jsonl(db, path, duplicate, watch, out, e),
                4 => rekall_import_jsonl(db, path, duplicate, watch, out, e),
                5 => rekall_export_jsonl_to(db, Some(callbacks::write), data, duplicate, watch, out, e),
                6 => rekall_import_jsonl_from(db, Some(callbacks::read), data, duplicate, watch, out, e),
                7 => rekall_backup(db, path, watch, e),
                8 => rekall_probe_legacy(path, out, e),
                9 => rekall_import_legacy(db, path, offset, watch, out, e),
                10 => rekall_migrate_legacy(path, offset, watch, out, e),
                11 => rekall_rebuild_index(db, watch, e),
                12 => rekall_check_file(path, watch, out, e),
                13 => rekall_repair_file(other, watch, out, e),
                _ => rekall_salvage(other, path, watch, out, e),
            };
            self.done(status, error, self.report.is_null());
        }
    }

    pub(crate) unsafe fn embed_pending(&mut self) {
        let mut error = null_mut();
        let mut done = padded::<Embedded>();
        done.value.struct_size = self.size(size_of::<Embedded>());
        let watch = self.watch();
        // SAFETY: as promised by the caller.
        let status = unsafe {
            rekall_embed_pending(self.db, &raw const watch.value, &raw mut done.value, &raw mut error)
        };
        self.done(status, error, true);
    }

    pub(crate) unsafe fn reembed(&mut self) {
        let mut error = null_mut();
        let own = self.own_model();
        let mut options = padded::<ReembedOptions>();
        options.value.struct_size = size_of::<ReembedOptions>();
        options.value.embedder = &raw const own.value;
        options.value.model = if self.chance(10) { c"path:/nonexistent".as_ptr() } else { null() };
        let watch = self.watch();
        // SAFETY: as promised by the caller.
        let status = unsafe {
            let (options, watch) = (&raw const options.value, &raw const watch.value);
            rekall_reembed(self.db, options, watch, null_mut(), &raw mut error)
        };
        self.done(status, error, true);
    }

    pub(crate) unsafe fn figures(&mut self, operation: u8) {
        let mut error = null_mut();
        let e = &raw mut error;
        let mut buffer = [0; 40];
        let capacity = usize::from(self.byte() % 41);
        let mut stats = padded::<Stats>();
        stats.value.struct_size = self.size(size_of::<Stats>());
        // SAFETY: as promised by the caller.
        let status = unsafe {
            let (place, len) = (buffer.as_mut_ptr(), null_mut());
            match operation % 5 {
                0 => rekall_fingerprint(self.db, place, capacity, len, e),
                1 => rekall_model_name(self.db, place, capacity, len, e),
                2 => rekall_index_backend(self.db, place, capacity, len, e),
                3 => rekall_pending_reason(self.db, place, capacity, len, e),
                _ => rekall_get_stats(self.db, &raw mut stats.value, e),
            }
        };
        assert!(buffer[capacity..].iter().all(|byte| *byte == 0), "written behind the buffer");
        self.done(status, error, buffer[0] == 0);
    }

    pub(crate) unsafe fn model(&mut self) {
        let mut error = null_mut();
        let e = &raw mut error;
        let (mut state, mut left, mut unloaded) = (0, 0, Unloaded::default());
        let byte = self.byte();
        // SAFETY: as promised by the caller.
        let status = unsafe {
            match byte % 8 {
                0 if byte > 127 => rekall_reranker_load(self.db, e),
                1 if byte > 127 => rekall_reranker_unload(self.db, &raw mut unloaded, e),
                2 if byte > 127 => rekall_reranker_state(self.db, &raw mut state, e),
                0 => rekall_model_load(self.db, e),
                1 => rekall_model_unload(self.db, &raw mut unloaded, e),
                2 => rekall_model_state(self.db, &raw mut state, e),
                3 => rekall_model_touch(self.db, e),
                4 => rekall_unload_if_idle(self.db, &raw mut left, e),
                5 => rekall_next_deadline_ms(self.db, &raw mut left, e),
                6 => rekall_release_memory(self.db, e),
                _ => rekall_clear_cache(self.db, e),
            }
        };
        self.done(status, error, state == 0 && left == 0 && unloaded.outcome == 0);
    }

    /// Any struct, any size that its memory has room for.
    pub(crate) fn set_up(&mut self, number: u64) {
        let size = number as usize % 256 * 17;
        let mut place = padded::<OpenOptions>();
        let at: *mut std::ffi::c_void = (&raw mut place.value).cast();
        // SAFETY: there is room for 4200 bytes and more.
        unsafe {
            match number / 256 % 16 {
                0 => rekall_open_options_init(at.cast(), size),
                1 => rekall_load_options_init(at.cast(), size),
                2 => rekall_embedder_init(at.cast(), size),
                3 => rekall_listener_init(at.cast(), size),
                4 => rekall_new_entry_init(at.cast(), size),
                5 => rekall_context_init(at.cast(), size),
                6 => rekall_patch_init(at.cast(), size),
                7 => rekall_remember_options_init(at.cast(), size),
                8 => rekall_filter_init(at.cast(), size),
                9 => rekall_recall_options_init(at.cast(), size),
                10 => rekall_similar_options_init(at.cast(), size),
                11 => rekall_watch_init(at.cast(), size),
                12 => rekall_reembed_options_init(at.cast(), size),
                13 => rekall_embedded_init(at.cast(), size),
                14 => rekall_index_audit_init(at.cast(), size),
                _ if number / 4096 % 2 == 1 => rekall_duplicates_options_init(at.cast(), size),
                _ if number / 8192 % 2 == 1 => rekall_reranker_init(at.cast(), size),
                _ => rekall_stats_init(at.cast(), size),
            }
        }
        let set = place.value.struct_size;
        assert!(set == 0 || set == size, "{set}");
        self.called(1);
    }

    /// Settings, most of them sound ones.
    ///
    /// # Safety
    /// The machine's pointers are NULL or good.
    pub(crate) unsafe fn check_settings(&mut self, number: u64) {
        const SETTINGS: [&std::ffi::CStr; 4] =
            [c"", c"[performance]\ncache_max_size = 3", c"[model]\nsource = 'bundled'", c"[performance"];
        let (mut error, mut report) = (null_mut(), null_mut());
        let text = SETTINGS[number as usize % 4].as_ptr();
        let path = if number.is_multiple_of(8) { c"/nowhere".as_ptr() } else { c"/dev/null".as_ptr() };
        // SAFETY: as promised by the caller.
        unsafe {
            let status = rekall_config_check(text, REKALL_NTS, &raw mut report, &raw mut error);
            self.done(status, error, report.is_null());
            rekall_report_free(report);
            let status = rekall_config_check_file(path, &raw mut report, &raw mut error);
            self.done(status, error, report.is_null());
            rekall_report_free(report);
        }
    }
}
