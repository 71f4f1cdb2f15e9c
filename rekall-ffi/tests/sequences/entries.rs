//! Opening, and what is done to entries.

use std::ptr::{null, null_mut};

use rekall_ffi::*;

use crate::callbacks;
use crate::machine::{DIMENSIONS, Machine, Padded, padded};

pub(crate) const NO_ID: Id = Id { text: [0; 27] };

impl Machine<'_> {
    /// A model of the caller's; counted as handed over.
    pub(crate) fn own_model(&mut self) -> Padded<HostEmbedder> {
        let mut own = padded::<HostEmbedder>();
        own.value.struct_size = self.size(size_of::<HostEmbedder>());
        own.value.name = if self.chance(240) { c"bytes".as_ptr() } else { c"others".as_ptr() };
        own.value.dimensions = if self.chance(5) { 3 } else { DIMENSIONS };
        own.value.max_tokens = if self.chance(60) { 40 } else { 0 };
        own.value.embed = Some(callbacks::embed);
        own.value.destroy = Some(callbacks::destroy);
        // A size that is none cannot be read, and one from before there was destroy says nothing of it.
        self.handed_over += u64::from(own.value.struct_size == size_of::<HostEmbedder>());
        if own.value.struct_size != size_of::<HostEmbedder>() {
            own.value.destroy = None;
        }
        own
    }

    /// # Safety
    /// The machine's pointers are NULL or good; so below.
    pub(crate) unsafe fn reopen(&mut self) {
        const BACKENDS: [&std::ffi::CStr; 6] = [c"auto", c"flat", c"sq8", c"binary", c"sqlite-vec", c"faiss"];
        let mut error = null_mut();
        let mut options = padded::<OpenOptions>();
        options.value.struct_size = self.size(size_of::<OpenOptions>());
        options.value.flags =
            if self.chance(40) { u32::from(self.byte()) & !REKALL_OPEN_SYNC_FULL } else { 0 };
        options.value.cache_max_size = u64::from(self.byte());
        options.value.memory_budget_bytes = if self.chance(60) { REKALL_ZERO } else { 0 };
        if self.chance(128) {
            options.value.vector_backend = BACKENDS[self.number(6) as usize % 6].as_ptr();
        }
        if self.chance(128) {
            options.value.age_ms = Some(callbacks::now);
            options.value.now_ms = Some(callbacks::now);
        }
        let readable = options.value.struct_size == size_of::<OpenOptions>();
        let mut listener = padded::<Listener>();
        if readable && self.chance(60) {
            listener.value.struct_size = size_of::<Listener>();
            listener.value.event = Some(callbacks::hear_event);
            listener.value.log = Some(callbacks::hear_log);
            listener.value.log_level = self.number(6) as i32;
            listener.value.destroy = Some(callbacks::destroy);
            options.value.listener = &raw const listener.value;
            self.handed_over += 1;
        }
        let own = if readable && self.chance(210) { Some(self.own_model()) } else { None };
        options.value.embedder = own.as_ref().map_or(null(), |own| &raw const own.value);
        let mut judge = padded::<HostReranker>();
        if readable {
            judge.value.struct_size = size_of::<HostReranker>();
            judge.value.name = c"lengths".as_ptr();
            judge.value.rerank = Some(callbacks::rerank);
            judge.value.destroy = Some(callbacks::destroy);
            options.value.own_reranker = &raw const judge.value;
            self.handed_over += 1;
        }
        let path = self.path("memory", 3);
        // SAFETY: as promised by the caller.
        unsafe {
            rekall_close(self.db);
            let status = rekall_open(path, &raw const options.value, &raw mut self.db, &raw mut error);
            self.done(status, error, self.db.is_null());
        }
    }

    pub(crate) fn new_entry(&mut self) -> EntryInput {
        // SAFETY: all bytes zero are a value.
        let mut entry: EntryInput = unsafe { std::mem::zeroed() };
        entry.struct_size = size_of::<EntryInput>();
        entry.title = self.given();
        if self.chance(100) {
            entry.content = self.given();
            entry.metadata = Str { data: c"{\"n\":[1]}".as_ptr(), len: REKALL_NTS };
            if self.chance(40) {
                entry.metadata = self.given();
            }
            entry.kind = self.given();
        }
        entry.flags = u32::from(self.chance(30));
        let confidence = self.number(6);
        entry.confidence = if entry.flags == 0 && confidence < 6 { 0 } else { confidence };
        entry
    }

    pub(crate) unsafe fn remember(&mut self) {
        let mut error = null_mut();
        let mut given = padded::<EntryInput>();
        given.value = self.new_entry();
        given.value.struct_size = self.size(size_of::<EntryInput>());
        let tags = [self.given(), self.given()];
        given.value.tags = tags.as_ptr();
        given.value.tags_count = usize::from(self.byte() % 3);
        let mut context = padded::<EntryContext>();
        if self.chance(60) {
            context.value.struct_size = self.size(size_of::<EntryContext>());
            context.value.solution = self.given();
            context.value.files = tags.as_ptr();
            context.value.files_count = usize::from(self.byte() % 3);
            given.value.context = &raw const context.value;
        }
        let mut id = Id { text: [1; 27] };
        // SAFETY: as promised by the caller.
        let status =
            unsafe { rekall_remember(self.db, &raw const given.value, null(), &raw mut id, &raw mut error) };
        self.done(status, error, id.text[0] == 0);
        if status == REKALL_OK {
            self.know(id);
        }
    }

    pub(crate) unsafe fn remember_many(&mut self) {
        let mut error = null_mut();
        let given: [EntryInput; 3] = std::array::from_fn(|_| self.new_entry());
        let count = usize::from(self.byte() % 4);
        let vectors: [f32; 3 * DIMENSIONS] = std::array::from_fn(|_| f32::from(self.byte()) - 3.0);
        let mut options = padded::<RememberOptions>();
        options.value.struct_size = self.size(size_of::<RememberOptions>());
        options.value.progress = self.chance(128).then_some(callbacks::progress);
        options.value.user_data = self.signal();
        options.value.keep_alive_ms = u64::from(self.byte());
        options.value.token = if self.chance(40) { self.token } else { null_mut() };
        if self.chance(90) {
            options.value.vectors = vectors.as_ptr();
            options.value.vectors_len = if self.chance(200) { count * DIMENSIONS } else { 5 };
        }
        let mut ids = [Id { text: [1; 27] }; 3];
        // SAFETY: as promised by the caller.
        let status = unsafe {
            let (first, options) = (given.as_ptr(), &raw const options.value);
            rekall_remember_many(self.db, first, count, options, ids.as_mut_ptr(), &raw mut error)
        };
        self.done(status, error, ids[..count].iter().all(|id| id.text == NO_ID.text));
        if status == REKALL_OK {
            ids[..count].iter().for_each(|id| self.know(*id));
        }
    }

    pub(crate) unsafe fn forget(&mut self) {
        let mut error = null_mut();
        let id = self.id();
        // SAFETY: as promised by the caller.
        let status = unsafe { rekall_forget(self.db, id, &raw mut error) };
        self.done(status, error, true);
    }

    /// Forgetting several, putting entries by key, walking by time.
    pub(crate) unsafe fn sets(&mut self) {
        let mut error = null_mut();
        let e = &raw mut error;
        let kind = self.byte() % 16;
        let given = [self.given(), self.given()];
        let mut entry = padded::<EntryInput>();
        entry.value = self.new_entry();
        entry.value.id = if self.chance(60) { self.id() } else { null() };
        let mut filter = padded::<Filter>();
        filter.value.struct_size = self.size(size_of::<Filter>());
        filter.value.kinds = given.as_ptr();
        filter.value.kinds_count = usize::from(self.byte() % 3);
        filter.value.status = self.number(4);
        let field = self.text().0;
        let (by, limit) = (self.number(3), self.extent(9));
        let mut cursor = Cursor { words: [i64::from(self.byte()), i64::from(self.byte())] };
        let mut upserted = Upserted { id: Id { text: [1; 27] }, is_new: 7 };
        // SAFETY: as promised by the caller.
        unsafe {
            rekall_report_free(self.report);
            self.report = null_mut();
            let out = &raw mut self.report;
            let (status, empty) = match kind {
                0 => {
                    let status = rekall_forget_all(self.db, out, e);
                    (status, self.report.is_null())
                }
                1..=3 => {
                    let status = rekall_forget_many(self.db, given.as_ptr(), given.len(), out, e);
                    (status, self.report.is_null())
                }
                4..=6 => {
                    let status = rekall_forget_matching(self.db, &raw const filter.value, out, e);
                    (status, self.report.is_null())
                }
                7..=10 => {
                    let status = rekall_upsert(self.db, field, &raw const entry.value, &raw mut upserted, e);
                    (status, upserted.id.text == NO_ID.text && upserted.is_new == 0)
                }
                _ => {
                    rekall_page_free(self.page);
                    let page = &raw mut self.page;
                    let filter = &raw const filter.value;
                    let status = rekall_list_newest(self.db, filter, by, &raw mut cursor, limit, page, e);
                    (status, self.page.is_null())
                }
            };
            self.done(status, error, empty);
        }
    }

    /// The vector spaces, and a vector read back.
    pub(crate) unsafe fn spaces(&mut self) {
        let mut error = null_mut();
        let mut spaces = null_mut();
        let (id, role, chunk, index) = (self.id(), self.number(3), self.number(2), self.extent(3));
        let (mut vector, mut len) = ([7.0; DIMENSIONS], 9);
        // SAFETY: as promised by the caller.
        unsafe {
            let status = rekall_list_spaces(self.db, &raw mut spaces, &raw mut error);
            self.done(status, error, spaces.is_null());
            let name = rekall_spaces_fingerprint(spaces, index, &raw mut len);
            let is_there = index < rekall_spaces_count(spaces);
            assert!(name.is_null() != is_there && (len > 0) == is_there);
            assert_eq!(rekall_spaces_dimensions(spaces, index) > 0, is_there);
            assert_eq!(rekall_spaces_state(spaces, index) > 0, is_there);
            rekall_spaces_free(spaces);
            self.called(5);
            let (place, capacity) = (vector.as_mut_ptr(), vector.len());
            let status =
                rekall_stored_vector(self.db, id, role, chunk, place, capacity, &raw mut len, &raw mut error);
            self.done(status, error, vector == [7.0; DIMENSIONS]);
            self.uses(id, index);
        }
    }

    /// Which entries were used, and what has expired.
    ///
    /// # Safety
    /// The machine's pointers are NULL or good.
    unsafe fn uses(&mut self, id: *const std::ffi::c_char, count: usize) {
        let mut error = null_mut();
        let used = Str { data: id, len: REKALL_NTS };
        let (mut entries, mut usage) = (7, EntryUsage { last_used_at_ms: 7, uses: 7 });
        let mut report = null_mut();
        // SAFETY: as promised by the caller; NULL is one text at the most, which is not given.
        unsafe {
            let status = rekall_record_use(self.db, &raw const used, count.min(1), &raw mut error);
            self.done(status, error, true);
            let status = rekall_flush_usage(self.db, &raw mut entries, &raw mut error);
            self.done(status, error, entries == 0);
            let status = rekall_usage_of(self.db, id, &raw mut usage, &raw mut error);
            self.done(status, error, usage.uses == 0 && usage.last_used_at_ms == 0);
            let status = rekall_forget_expired(self.db, &raw mut report, &raw mut error);
            self.done(status, error, report.is_null());
            rekall_report_free(report);
        }
    }

    pub(crate) unsafe fn get(&mut self) {
        let mut error = null_mut();
        let id = self.id();
        // SAFETY: as promised by the caller.
        unsafe {
            rekall_entry_free(self.entry);
            let status = rekall_get(self.db, id, &raw mut self.entry, &raw mut error);
            self.done(status, error, self.entry.is_null());
        }
    }

    pub(crate) unsafe fn update(&mut self) {
        let mut error = null_mut();
        let id = self.id();
        let mut patch = padded::<Patch>();
        patch.value.struct_size = self.size(size_of::<Patch>());
        patch.value.flags = u32::from(self.byte() % 32);
        patch.value.title = self.given();
        patch.value.project = self.given();
        patch.value.status = self.number(3);
        patch.value.superseded_by = if self.chance(40) { self.id() } else { null() };
        // SAFETY: as promised by the caller.
        unsafe {
            rekall_entry_free(self.entry);
            let given = &raw const patch.value;
            let status = rekall_update(self.db, id, given, &raw mut self.entry, &raw mut error);
            self.done(status, error, self.entry.is_null());
        }
    }

    pub(crate) unsafe fn link(&mut self) {
        let mut error = null_mut();
        let (source, target, relation, reason) = (self.id(), self.id(), self.text().0, self.given());
        let (remove, mut removed) = (self.chance(60), 7);
        // SAFETY: as promised by the caller.
        let status = unsafe {
            let error = &raw mut error;
            match remove {
                true => rekall_unlink(self.db, source, target, relation, &raw mut removed, error),
                false => rekall_link(self.db, source, target, relation, reason.data, reason.len, error),
            }
        };
        self.done(status, error, removed == 0 || !remove);
    }

    pub(crate) unsafe fn near(&mut self, operation: u8) {
        let mut error = null_mut();
        let (id, depth) = (self.id(), self.extent(200));
        // SAFETY: as promised by the caller.
        unsafe {
            if operation.is_multiple_of(2) {
                rekall_links_free(self.links);
                let status = rekall_links_of(self.db, id, &raw mut self.links, &raw mut error);
                self.done(status, error, self.links.is_null());
            } else {
                rekall_neighbors_free(self.near);
                let status = rekall_neighbors_of(self.db, id, depth, &raw mut self.near, &raw mut error);
                self.done(status, error, self.near.is_null());
                rekall_page_free(self.page);
                let after = if depth > 2 { id } else { null() };
                let status = rekall_list(self.db, null(), after, depth, &raw mut self.page, &raw mut error);
                self.done(status, error, self.page.is_null());
                let mut count = 7;
                let status = rekall_count(self.db, null(), &raw mut count, &raw mut error);
                self.done(status, error, count == 0);
                let mut version = 7;
                let status = rekall_data_version(self.db, &raw mut version, &raw mut error);
                self.done(status, error, version == 0);
            }
        }
    }
}
