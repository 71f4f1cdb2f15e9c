//! Vectors of texts
//!
//! What the model makes of a text, for a program that compares, groups or shows vectors itself.
//!
//!     float vector[1024];
//!     size_t dimensions = 0;
//!     if ((status = rekall_embed(db, REKALL_EMBED_QUERY, "CORS", REKALL_NTS, vector, 1024, &dimensions, &error))) goto end;
//!     printf("%d numbers, the first is %f\n", (int)dimensions, vector[0]);
//!
//!     rekall_str texts[2];
//!     rekall_vectors *vectors = NULL;
//!     texts[0] = rekall_text("the first");
//!     texts[1] = rekall_text("the second");
//!     if ((status = rekall_embed_texts(db, REKALL_EMBED_DOCUMENT, texts, 2, NULL, &vectors, &error))) goto end;
//!     printf("%d rows\n", (int)rekall_vectors_count(vectors));
//!     rekall_vectors_free(vectors);

use std::ffi::c_char;
use std::ptr::null;

use crate::boundary::error::ErrorObject;
use crate::boundary::out::{Out, OutBuffer};
use crate::boundary::status::Status;
use crate::boundary::text::utf8;
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::stoppable::Stoppable;
use crate::model::embed_texts::purpose;

/// Numbers in a vector of the file; 0 as long as the file has no vectors.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_dimensions(
    db: *mut Handle,
    out: *mut usize,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, Out::required(out, 0), |db| {
            Ok(db.store().read()?.active_space()?.map_or(0, |space| space.dimensions))
        })
    }
}

/// The vector of a text: what the model makes of it as a query or as a document (purpose is REKALL_EMBED_QUERY or
/// REKALL_EMBED_DOCUMENT), of length 1.
///
/// text is UTF-8 of text_len bytes (or REKALL_NTS). out has room for capacity numbers; out_len, which may be NULL,
/// receives how many the vector has, also with REKALL_BUFFER_TOO_SMALL, when nothing is written to out. A call with out
/// NULL and capacity 0 asks for that number. REKALL_INVALID_INPUT for a text of which the model knows no word;
/// REKALL_MODEL_UNAVAILABLE; REKALL_CALLBACK.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_embed(
    db: *mut Handle,
    purpose: u32,
    text: *const c_char,
    text_len: usize,
    out: *mut f32,
    capacity: usize,
    out_len: *mut usize,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutBuffer::new("out", out, capacity, out_len, None), |db| {
            let purpose = self::purpose(purpose)?;
            let running = Stoppable::begin(Some(db), null())?;
            let text = utf8(text, text_len, "text")?;
            running.go_on()?;
            Ok(db.embed(text, purpose)?)
        })
    }
}
