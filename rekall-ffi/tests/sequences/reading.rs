//! Accessors, at any index, of whatever there is.

use std::ffi::CStr;

use rekall_ffi::*;

use crate::machine::Machine;

impl Machine<'_> {
    /// # Safety
    /// The machine's pointers are NULL or good.
    pub(crate) unsafe fn read(&mut self) {
        let (index, part) = (self.extent(14), u32::from(self.byte() % 9));
        let mut len = 0;
        let l = &raw mut len;
        // SAFETY: as promised by the caller.
        unsafe {
            let mut entry: *const EntryObject = self.entry;
            if self.chance(128) {
                entry = rekall_hits_entry(self.hits, index);
            }
            let texts = [
                rekall_entry_title(entry, l),
                rekall_entry_content(entry, l),
                rekall_entry_kind(entry, l),
                rekall_entry_project(entry, l),
                rekall_entry_source_uri(entry, l),
                rekall_entry_memory_type(entry, l),
                rekall_entry_json(entry, l),
                rekall_entry_tag(entry, index, l),
                rekall_entry_context_text(entry, part, index, l),
                rekall_entry_metadata(entry, l),
                rekall_entry_legacy(entry, l),
                rekall_entry_superseded_by(entry),
                rekall_hits_snippet(self.hits, index, l),
                rekall_hits_degraded(self.hits, index, l),
                rekall_links_relation(self.links, index, l),
                rekall_links_reason(self.links, index, l),
                rekall_links_source(self.links, index),
                rekall_links_target(self.links, index),
                rekall_report_json(self.report, l),
                rekall_report_line(self.report, index, l),
                rekall_neighbors_id(self.near, index),
                rekall_path(self.db),
                rekall_version(),
            ];
            for text in texts.into_iter().filter(|text| !text.is_null()) {
                CStr::from_ptr(text).to_str().unwrap();
            }
            let beyond = index >= rekall_hits_count(self.hits);
            assert_eq!(rekall_hits_score(self.hits, index).is_nan(), beyond);
            assert!(!beyond || rekall_hits_chunk(self.hits, index, std::ptr::null_mut()) == 0);
            let _ = (
                rekall_hits_similarity(self.hits, index),
                rekall_hits_retrieval_rank(self.hits, index, part),
            );
            let degraded = rekall_hits_degraded_kind(self.hits, index);
            assert_eq!(degraded == 0, index >= rekall_hits_degraded_count(self.hits));
            assert!(degraded != 0 || rekall_hits_degraded_entries(self.hits, index) == 0);
            let _ = rekall_entry_source_line(entry);
            let _ = (rekall_entry_context_count(entry, part), rekall_entry_tag_count(entry));
            let _ = rekall_report_number(self.report, c"entries".as_ptr());
            assert!(rekall_id_time_ms(rekall_entry_id(entry)) >= -1);
            let mut found = std::mem::zeroed::<Passage>();
            if rekall_hits_passage(self.hits, index, &raw mut found) == 1 {
                let text = CStr::from_ptr(found.text).to_str().unwrap();
                assert!(text.get(found.start..found.end).is_some() && text.len() == found.text_len);
                let content = CStr::from_ptr(rekall_entry_content(rekall_hits_entry(self.hits, index), l));
                assert!(content.to_str().unwrap().get(found.content_start..found.content_end).is_some());
            }
            self.numbers(entry, index, part);
        }
        self.called(50);
    }

    /// # Safety
    /// The machine's pointers and the entry are NULL or good.
    unsafe fn numbers(&mut self, entry: *const EntryObject, index: usize, part: u32) {
        // SAFETY: as promised by the caller.
        unsafe {
            let none = entry.is_null();
            assert_eq!(rekall_entry_status(entry) == 0, none);
            assert!(
                rekall_entry_confidence(entry) <= 5 && rekall_entry_has_context(entry) <= i32::from(!none)
            );
            assert_eq!(none, rekall_entry_created_at_ms(entry) == 0 && rekall_entry_id(entry).is_null());
            assert!(!none || rekall_entry_updated_at_ms(entry) == 0);
            let elapsed = rekall_hits_elapsed_us(self.hits);
            assert!(elapsed == 0 || !self.hits.is_null());
            let (known, threshold) = (rekall_hits_known(self.hits), rekall_hits_threshold(self.hits));
            assert!(known.is_nan() || !self.hits.is_null() && (0.0..=1.0).contains(&known));
            assert!(threshold.is_nan() || !self.hits.is_null() && (-1.0..=1.0).contains(&threshold));
            let found = rekall_hits_retrieval_rank(self.hits, index, part) > 0;
            assert_eq!(rekall_hits_retrieval_score(self.hits, index, part).is_nan(), !found);
            let mut number = 9;
            let named =
                rekall_hits_retrieval_passage(self.hits, index, part, std::ptr::null_mut(), &raw mut number);
            assert!(named == i32::from(found) && (found || number == 0));
            let share = rekall_hits_part(self.hits, index, part);
            assert_eq!(share.is_nan(), rekall_hits_part_weight(self.hits, index, part).is_nan());
            let adjusted = rekall_hits_adjustment(self.hits, index, part);
            let is_share = part <= REKALL_ADJUSTMENT_REDUNDANCY;
            assert!(adjusted.is_nan() || !is_share || (0.0..=1.0).contains(&adjusted));
            if part == REKALL_ADJUSTMENT_RERANK && !adjusted.is_nan() {
                assert_eq!(adjusted, rekall_hits_score(self.hits, index));
            }
            let mut at = 7;
            assert!(rekall_entry_time(entry, part, &raw mut at) == 1 || at == 0);
            let link = index < rekall_links_count(self.links);
            assert!(link || rekall_links_created_at_ms(self.links, index) == 0);
            let listed = index < rekall_page_count(self.page);
            // A page by ids has gaps.
            assert!(listed || rekall_page_entry(self.page, index).is_null());
            let near = index < rekall_neighbors_count(self.near);
            assert_eq!(rekall_neighbors_distance(self.near, index) > 0, near);
            let line = rekall_report_line(self.report, index, std::ptr::null_mut());
            assert_eq!(line.is_null(), index >= rekall_report_line_count(self.report));
            assert!(rekall_token_is_cancelled(self.token) <= i32::from(!self.token.is_null()));
            assert!(rekall_has_feature(part) <= 1 && rekall_text(rekall_version()).len > 4);
        }
        assert_eq!(
            (rekall_abi_version(), rekall_version_number()),
            (REKALL_ABI_VERSION, REKALL_VERSION_NUMBER)
        );
    }
}
