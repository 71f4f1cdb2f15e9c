//! Entries page by page
//!
//! Entries without a search: by page, or by their ids.
//!
//!     char after[REKALL_ID_LEN + 1] = "";
//!     size_t count = 0, i;
//!     do {
//!         rekall_page *page = NULL;
//!         if ((status = rekall_list(db, NULL, *after ? after : NULL, 1000, &page, &error))) goto end;
//!         count = rekall_page_count(page);
//!         for (i = 0; i < count; i++)
//!             puts(rekall_entry_title(rekall_page_entry(page, i), NULL));
//!         if (count > 0)
//!             strcpy(after, rekall_entry_id(rekall_page_entry(page, count - 1)));
//!         rekall_page_free(page);
//!     } while (count > 0);

use std::ffi::c_char;
use std::ptr::null;

use rekall::Entry;

use crate::boundary::error::ErrorObject;
use crate::boundary::out::{Out, OutObject};
use crate::boundary::panics::read_object;
use crate::boundary::registry::{free, registered};
use crate::boundary::status::Status;
use crate::boundary::text;
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::stoppable::Stoppable;
use crate::entries::entry::EntryObject;
use crate::entries::filter::{self, Filter};

/// A page of entries. Never changes; may be read from any thread, also after rekall_close().
pub struct Page(Vec<Option<EntryObject>>);

impl Page {
    pub(crate) fn new(entries: impl IntoIterator<Item = Option<Entry>>) -> Self {
        Self(entries.into_iter().map(|entry| entry.map(EntryObject::new)).collect())
    }
}

registered!(Page);

/// Reads up to limit (1 to 100,000) entries that pass the filter (NULL: active ones), by id ascending, which is oldest
/// first. after is the last id of the page before, whether that entry still exists or not; NULL: from the beginning. out
/// receives them, to be freed with rekall_page_free(); an empty page is the end. REKALL_INVALID_INPUT for a limit out of its
/// range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_list(
    db: *mut Handle,
    filter: *const Filter,
    after: *const c_char,
    limit: usize,
    out: *mut *mut Page,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let after = if after.is_null() { None } else { Some(text::id(after, "after")?) };
            let running = Stoppable::begin(Some(db), null())?;
            let filter = filter::read(&running, filter)?;
            running.go_on()?;
            Ok(Page::new(db.list(&filter, after, limit)?.into_iter().map(Some)))
        })
    }
}

/// Counts the entries that pass the filter (NULL: active ones) into out. Some milliseconds for 100,000 entries.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_count(
    db: *mut Handle,
    filter: *const Filter,
    out: *mut u64,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, Out::required(out, 0), |db| {
            let running = Stoppable::begin(Some(db), null())?;
            let filter = filter::read(&running, filter)?;
            running.go_on()?;
            Ok(db.count(&filter)?)
        })
    }
}

/// How many entries there are, including those that rekall_get_many() did not find and that rekall_list_newest() could not
/// read; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_page_count(page: *const Page) -> usize {
    // SAFETY: NULL or a page that was not freed.
    unsafe { read_object(page, 0, |page| Some(page.0.len())) }
}

/// Entry number index, from 0. It belongs to page: do not free it. NULL past the last, and where rekall_get_many() found
/// no entry with the id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_page_entry(page: *const Page, index: usize) -> *const EntryObject {
    // SAFETY: NULL or a page that was not freed.
    unsafe { read_object(page, std::ptr::null(), |page| page.0.get(index)?.as_ref().map(std::ptr::from_ref)) }
}

/// Frees a page. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_page_free(page: *mut Page) {
    free(page);
}
