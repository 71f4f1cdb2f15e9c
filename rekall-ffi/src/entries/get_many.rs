//! Reading several entries at once

use std::ptr::null;

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::out::OutObject;
use crate::boundary::status::Status;
use crate::boundary::text::{Str, values};
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::stoppable::Stoppable;
use crate::entries::list::Page;

/// Reads several entries by their ids, all of one moment. ids are count texts of 26 characters each. out receives a page
/// with one place an id, in the order of the ids, to be freed with rekall_page_free(): rekall_page_entry() gives NULL where
/// no entry has the id, which is no error. An id that is given twice is answered twice. REKALL_INVALID_INPUT for a text
/// that is no id.
///
///     rekall_str ids[2];
///     ids[0] = rekall_text(first.text);
///     ids[1] = rekall_text(second.text);
///     status = rekall_get_many(db, ids, 2, &page, &error);
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_get_many(
    db: *mut Handle,
    ids: *const Str,
    count: usize,
    out: *mut *mut Page,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let running = Stoppable::begin(Some(db), null())?;
            let given = values(ids, count, "ids")?.iter().enumerate();
            let ids = given.map(|(at, id)| {
                running.go_on()?;
                let what = format!("ids[{at}]");
                let text = id.optional(&what)?.ok_or_else(|| Failure::null(&what))?;
                text.parse().map_err(|error: rekall::storage::Error| Failure::from(error).of(&what))
            });
            let ids = ids.collect::<Result<Vec<_>, Failure>>()?;
            running.go_on()?;
            Ok(Page::new(db.get_many(&ids)?))
        })
    }
}
