//! Accessors, at any index, of whatever there is.

use std::ffi::CStr;

use rekall_ffi::*;

use crate::machine::Machine;

impl Machine<'_> {
    /// # Safety
    /// The machine's pointers are NULL or good.
    pub(crate) unsafe fn read(&mut self) {
        let (index, part) = (usize::from(self.byte() % 14), u32::from(self.byte() % 9));
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
                rekall_neighbours_id(self.near, index),
            ];
            for text in texts.into_iter().filter(|text| !text.is_null()) {
                CStr::from_ptr(text).to_str().unwrap();
            }
            let beyond = index >= rekall_hits_count(self.hits);
            assert_eq!(rekall_hits_score(self.hits, index).is_nan(), beyond);
            assert!(!beyond || rekall_hits_chunk(self.hits, index, std::ptr::null_mut()) == 0);
            let _ = (rekall_hits_similarity(self.hits, index), rekall_hits_leg_rank(self.hits, index, part));
            let degraded = rekall_hits_degraded_kind(self.hits, index);
            assert_eq!(degraded == 0, index >= rekall_hits_degraded_count(self.hits));
            assert!(degraded != 0 || rekall_hits_degraded_entries(self.hits, index) == 0);
            let _ = (rekall_entry_context_count(entry, part), rekall_entry_tag_count(entry));
            let _ = rekall_report_number(self.report, c"entries".as_ptr());
            assert!(rekall_id_time_ms(rekall_entry_id(entry)) >= -1);
        }
        self.called(33);
    }
}
