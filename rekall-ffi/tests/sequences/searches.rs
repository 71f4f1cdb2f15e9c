//! Searches, and the vectors of texts.

use std::ptr::{null, null_mut};

use rekall_ffi::*;

use crate::entries::NO_ID;
use crate::machine::{DIMENSIONS, Machine, Padded, padded};

/// A member that counts only with a flag: mostly not set without.
fn counts<T: Default>(flags: u32, flag: u32, byte: u8, value: T) -> T {
    if flags & flag != 0 || byte < 8 { value } else { T::default() }
}

impl Machine<'_> {
    fn recall_options(&mut self, filter: *const Filter) -> Padded<RecallOptions> {
        let mut options = padded::<RecallOptions>();
        options.value.struct_size = self.size(size_of::<RecallOptions>());
        options.value.mode = self.number(4);
        options.value.flags = self.number(32);
        options.value.fusion = self.number(3);
        options.value.recency_time = u32::from(self.chance(3));
        let byte = self.byte();
        options.value.threshold =
            counts(options.value.flags, REKALL_RECALL_THRESHOLD, byte, f32::from(byte) / 100.0 - 1.0);
        let byte = self.byte();
        options.value.semantic_weight =
            counts(options.value.flags, REKALL_RECALL_WEIGHTS, byte, f64::from(byte) - 1.0);
        options.value.rerank = if byte % 4 == 3 { usize::from(byte) * 5 } else { 0 };
        options.value.limit = self.extent(20);
        options.value.role = self.number(3);
        let (before, after) = (self.given(), self.given());
        if options.value.flags & REKALL_RECALL_SNIPPETS != 0 {
            options.value.snippet_before = before;
            options.value.snippet_after = after;
        }
        options.value.keep_alive_ms = u64::from(self.byte());
        options.value.filter = if self.chance(128) { filter } else { null() };
        options.value.token = if self.chance(30) { self.token } else { null_mut() };
        options.value.supersede = self.given();
        options
    }

    fn vector(&mut self) -> [f32; DIMENSIONS] {
        std::array::from_fn(|_| f32::from(self.byte()) - 100.0)
    }

    /// Mostly the length that a vector must have.
    fn vector_len(&mut self) -> usize {
        if self.chance(240) { DIMENSIONS } else { usize::from(self.byte()) % DIMENSIONS }
    }

    /// # Safety
    /// The machine's pointers are NULL or good; so below.
    pub(crate) unsafe fn search(&mut self, operation: u8) {
        let mut error = null_mut();
        let e = &raw mut error;
        let mut filter = padded::<Filter>();
        filter.value.struct_size = self.size(size_of::<Filter>());
        let list = [self.given(), self.given()];
        if self.chance(60) {
            filter.value.flags = self.number(32);
            filter.value.status = self.number(4);
            filter.value.kinds = list.as_ptr();
            filter.value.kinds_count = usize::from(self.byte() % 3);
            filter.value.tags_any = list.as_ptr();
            filter.value.tags_any_count = usize::from(self.byte() % 3);
            let byte = self.byte();
            filter.value.created_after_ms =
                counts(filter.value.flags, REKALL_FILTER_CREATED_AFTER, byte, i64::from(byte));
        }
        if self.chance(40) {
            filter.value.not_kinds = list.as_ptr();
            filter.value.not_kinds_count = usize::from(self.byte() % 3);
            filter.value.not_tags = list.as_ptr();
            filter.value.not_tags_count = usize::from(self.byte() % 3);
            filter.value.not_ids = list.as_ptr();
            filter.value.not_ids_count = usize::from(self.byte() % 3);
            filter.value.sources = list.as_ptr();
            filter.value.sources_count = usize::from(self.byte() % 3);
        }
        let condition = MetadataCondition {
            key: list[0],
            value: list[1],
            comparison: self.number(8),
            reserved: u32::from(self.chance(3)),
        };
        if self.chance(30) {
            filter.value.metadata = &raw const condition;
            filter.value.metadata_count = 1;
        }
        let options = self.recall_options(&raw const filter.value);
        let options = &raw const options.value;
        let mut similar = padded::<SimilarOptions>();
        similar.value.struct_size = self.size(size_of::<SimilarOptions>());
        similar.value.flags = self.number(2);
        let byte = self.byte();
        similar.value.threshold =
            counts(similar.value.flags, REKALL_SIMILAR_THRESHOLD, byte, f32::from(byte) / 100.0 - 1.0);
        similar.value.limit = self.extent(20);
        let vector = self.vector();
        // SAFETY: as promised by the caller.
        unsafe {
            rekall_hits_free(self.hits);
            let out = &raw mut self.hits;
            if operation % 3 == 2 {
                let (mut rank, mut error) = (0.0, null_mut());
                let status =
                    rekall_similarity_rank(self.db, similar.value.threshold, &raw mut rank, &raw mut error);
                self.done(status, error, rank.is_nan());
                self.duplicates(&similar.value);
            }
            let status = match operation % 3 {
                0 => {
                    let query = self.given();
                    rekall_recall(self.db, query.data, query.len, options, out, e)
                }
                1 => {
                    let len = self.vector_len();
                    rekall_recall_vector(self.db, vector.as_ptr(), len, options, out, e)
                }
                _ => {
                    let id = self.id();
                    rekall_similar(self.db, id, &raw const similar.value, out, e)
                }
            };
            self.done(status, error, self.hits.is_null());
        }
    }

    /// What says nearly the same, of one entry and in all, and what is told of it at any place.
    ///
    /// # Safety
    /// The machine's pointers, and what is given, are NULL or good.
    unsafe fn duplicates(&mut self, similar: &SimilarOptions) {
        let mut options = padded::<DuplicatesOptions>();
        options.value.struct_size = size_of::<DuplicatesOptions>();
        options.value.flags = similar.flags;
        options.value.threshold = similar.threshold;
        options.value.limit = similar.limit;
        let (id, limit) = (self.ids.first().map_or(null(), |id| id.text.as_ptr()), similar.limit.min(30));
        // SAFETY: as promised by the caller.
        unsafe {
            for which in 0..3 {
                let (mut pairs, mut error) = (null_mut(), null_mut());
                let out = &raw mut pairs;
                let (status, is_empty) = match which {
                    0 => {
                        let of = &raw const options.value;
                        (rekall_find_duplicates(self.db, of, null(), out, &raw mut error), true)
                    }
                    1 => (rekall_near_duplicates(self.db, id, similar.threshold, out, &raw mut error), true),
                    _ => {
                        let (entry, mut made) = (self.new_entry(), Id { text: [1; 27] });
                        let (of, to) = (&raw const entry, &raw mut made);
                        let least = similar.threshold;
                        let status = rekall_remember_with_duplicates(
                            self.db,
                            of,
                            null(),
                            least,
                            to,
                            out,
                            &raw mut error,
                        );
                        if status == REKALL_OK {
                            self.know(made);
                        }
                        (status, made.text == NO_ID.text)
                    }
                };
                self.done(status, error, pairs.is_null() && is_empty);
                for index in 0..=limit {
                    let is_there = index < rekall_duplicates_count(pairs);
                    assert_eq!(rekall_duplicates_first(pairs, index).is_null(), !is_there);
                    assert_eq!(rekall_duplicates_second(pairs, index).is_null(), !is_there);
                    assert_eq!(rekall_duplicates_similarity(pairs, index).is_nan(), !is_there);
                    let differences = rekall_duplicates_difference_count(pairs, index);
                    let mut at = Difference { first_start: 7, ..Difference::default() };
                    let last = differences.saturating_sub(1);
                    let found = rekall_duplicates_difference(pairs, index, last, &raw mut at);
                    assert_eq!(found == 1, differences > 0);
                    assert!(at.first_start <= at.first_end && at.second_start <= at.second_end);
                }
                assert!(rekall_duplicates_found(pairs) >= rekall_duplicates_count(pairs) as u64);
                rekall_duplicates_free(pairs);
            }
        }
        self.called(8);
    }

    pub(crate) unsafe fn batch(&mut self) {
        let mut error = null_mut();
        let vectors = [self.vector(), self.vector(), self.vector()];
        let queries = vectors.each_ref().map(|vector| {
            let text = if self.chance(160) { self.given() } else { Str { data: null(), len: 0 } };
            let vector_len = if self.chance(128) { self.vector_len() } else { 0 };
            let vector = if vector_len > 0 || self.chance(10) { vector.as_ptr() } else { null() };
            BatchQuery { text, vector, vector_len }
        });
        let options = self.recall_options(null());
        let options = if self.chance(200) { &raw const options.value } else { null() };
        let count = usize::from(self.byte() % 4);
        let mut outs = [std::ptr::dangling_mut(); 3];
        // SAFETY: as promised by the caller.
        let status = unsafe {
            let (given, place) = (queries.as_ptr(), outs.as_mut_ptr());
            rekall_recall_batch(self.db, given, count, options, place, &raw mut error)
        };
        self.done(status, error, outs[..count].iter().all(|hits| hits.is_null()));
        for hits in &outs[..count] {
            assert!(status != REKALL_OK || !hits.is_null());
            // SAFETY: NULL, or given out above.
            unsafe { rekall_hits_free(*hits) };
        }
        assert!(outs[count..].iter().all(|hits| *hits == std::ptr::dangling_mut()));
    }

    pub(crate) unsafe fn audit_index(&mut self) {
        let mut error = null_mut();
        let mut report = padded::<IndexAudit>();
        report.value.struct_size = self.size(size_of::<IndexAudit>());
        let watch = self.watch();
        let (queries, k) = (self.extent(9), self.extent(9));
        // SAFETY: as promised by the caller.
        let status = unsafe {
            let (watch, out) = (&raw const watch.value, &raw mut report.value);
            rekall_audit_index(self.db, queries, k, watch, out, &raw mut error)
        };
        self.done(status, error, report.value.k == 0);
    }

    pub(crate) unsafe fn update_with_vector(&mut self) {
        let mut error = null_mut();
        let (id, vector, len) = (self.id(), self.vector(), self.vector_len());
        let mut patch = padded::<Patch>();
        patch.value.struct_size = self.size(size_of::<Patch>());
        patch.value.title = self.given();
        let patch = if self.chance(128) { &raw const patch.value } else { null() };
        // SAFETY: as promised by the caller.
        unsafe {
            rekall_entry_free(self.entry);
            let out = &raw mut self.entry;
            let status =
                rekall_update_with_vector(self.db, id, patch, vector.as_ptr(), len, out, &raw mut error);
            self.done(status, error, self.entry.is_null());
        }
    }

    pub(crate) unsafe fn embed(&mut self, operation: u8) {
        let mut error = null_mut();
        let (text, purpose) = (self.given(), self.number(2));
        let (mut row, mut len) = ([0.0f32; DIMENSIONS], 7);
        let capacity = usize::from(self.byte()) % (DIMENSIONS + 1);
        // SAFETY: as promised by the caller.
        let status = unsafe {
            let (len, error) = (&raw mut len, &raw mut error);
            match operation % 2 {
                0 => {
                    let out = row.as_mut_ptr();
                    rekall_embed(self.db, purpose, text.data, text.len, out, capacity, len, error)
                }
                _ => rekall_dimensions(self.db, len, error),
            }
        };
        assert!(row[capacity..].iter().all(|value| *value == 0.0), "written behind the buffer");
        self.done(status, error, len == 0 || status == REKALL_BUFFER_TOO_SMALL);
    }
}
