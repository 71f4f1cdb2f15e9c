//! Entries page by page, the newest first
//!
//! As for a list of what was changed last. The cursor says where the next page begins.
//!
//!     rekall_cursor cursor = {{0, 0}};
//!     rekall_page *page = NULL;
//!     if ((status = rekall_list_newest(db, NULL, REKALL_NEWEST_UPDATED, &cursor, 50, &page, &error))) goto end;
//!     if (rekall_page_count(page) > 0)
//!         puts(rekall_entry_title(rekall_page_entry(page, 0), NULL));
//!     rekall_page_free(page);

use std::ptr::null;

use rekall::{ListCursor, NewestBy};

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::out::OutObject;
use crate::boundary::status::Status;
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::stoppable::Stoppable;
use crate::entries::filter::{self, Filter};
use crate::entries::list::Page;

/// Which time rekall_list_newest() goes by: when an entry was made.
pub const REKALL_NEWEST_CREATED: u32 = 1;
/// Which time rekall_list_newest() goes by: when an entry was last changed.
pub const REKALL_NEWEST_UPDATED: u32 = 2;

/// A place in a list of rekall_list_newest(). All 0: before the newest entry. Two numbers that a program may keep; they say
/// nothing by themselves, and only go with the list (REKALL_NEWEST_ number) that they came from.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// Not to be compared or counted with.
    pub words: [i64; 2],
}

/// Reads up to limit (1 to 100,000) entries that pass the filter (NULL: active ones), the newest first: by the time that
/// by, a REKALL_NEWEST_ number, names, and of those of one time the one written later first.
///
/// cursor, which is required, says where to begin (all 0: with the newest), and receives where the next page begins. out
/// receives the page, to be freed with rekall_page_free(); an empty page is the end. Entries that cannot be read (see
/// rekall_check()) are at its end, as places for which rekall_page_entry() gives NULL.
///
/// Cost: no index is in this order, so each page looks at all entries that pass; for all of a large file rekall_list() is
/// the faster walk. What others write meanwhile does not move the pages; an entry that is changed goes to the front of a
/// walk by REKALL_NEWEST_UPDATED, which does not come to it again. REKALL_INVALID_INPUT for a limit out of its range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_list_newest(
    db: *mut Handle,
    filter: *const Filter,
    by: u32,
    cursor: *mut Cursor,
    limit: usize,
    out: *mut *mut Page,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let by = match by {
                REKALL_NEWEST_CREATED => NewestBy::Created,
                REKALL_NEWEST_UPDATED => NewestBy::Updated,
                other => return Err(Failure::number("by", "REKALL_NEWEST_", other)),
            };
            if cursor.is_null() {
                return Err(Failure::null("cursor"));
            }
            let given = cursor.read_unaligned();
            let after = (given != Cursor::default()).then(|| ListCursor::from_words(given.words));
            let running = Stoppable::begin(Some(db), null())?;
            let filter = filter::read(&running, filter)?;
            running.go_on()?;
            let page = db.list_newest(&filter, by, after, limit)?;
            if let Some(next) = page.next {
                cursor.write_unaligned(Cursor { words: next.to_words() });
            }
            let unreadable = page.unreadable.iter().map(|_| None);
            Ok(Page::new(page.entries.into_iter().map(Some).chain(unreadable)))
        })
    }
}
