//! Vectors of several texts at once

use std::ptr::null;

use rekall::Purpose;
use rekall::model::Embeddings;

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::out::OutObject;
use crate::boundary::panics::read_object;
use crate::boundary::registry::{free, registered};
use crate::boundary::status::Status;
use crate::boundary::text::{Str, values};
use crate::callbacks::embedder::{REKALL_EMBED_DOCUMENT, REKALL_EMBED_QUERY};
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::stoppable::Stoppable;
use crate::calls::watch::{Watch, watched};

/// Vectors of texts, in the order of the texts. Never changes; may be read from any thread, also after rekall_close(). What
/// its functions return belongs to it and lives as long. All of them take NULL and any index.
pub struct VectorsObject(Embeddings);

registered!(VectorsObject);

/// What a number of the header asks for.
pub(crate) fn purpose(number: u32) -> Result<Purpose, Failure> {
    match number {
        REKALL_EMBED_DOCUMENT => Ok(Purpose::Document),
        REKALL_EMBED_QUERY => Ok(Purpose::Query),
        other => Err(Failure::number("purpose", "REKALL_EMBED_", other)),
    }
}

/// Makes the vectors of count texts, what the model makes of them as queries or as documents (purpose is REKALL_EMBED_QUERY
/// or REKALL_EMBED_DOCUMENT): each of length 1, and the same as rekall_embed() makes. As documents they are embedded
/// together, which is faster than one by one. out receives them, to be freed with rekall_vectors_free(). Progress counts
/// texts; watch may be NULL. REKALL_MODEL_UNAVAILABLE; REKALL_CALLBACK; REKALL_INTERRUPTED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_embed_texts(
    db: *mut Handle,
    purpose: u32,
    texts: *const Str,
    count: usize,
    watch: *const Watch,
    out: *mut *mut VectorsObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let purpose = self::purpose(purpose)?;
            let running = Stoppable::begin(Some(db), null())?;
            let texts = values(texts, count, "texts")?.iter().enumerate().map(|(at, text)| {
                running.go_on()?;
                let text = text.optional("text").map_err(|failure| failure.of(&format!("texts[{at}]")))?;
                Ok(text.unwrap_or_default())
            });
            let texts = texts.collect::<Result<Vec<_>, Failure>>()?;
            running.go_on()?;
            Ok(VectorsObject(watched(db, watch, db.embed_many(&texts, purpose))?))
        })
    }
}

/// How many texts there were; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_vectors_count(vectors: *const VectorsObject) -> usize {
    // SAFETY: NULL or vectors that were not freed.
    unsafe { read_object(vectors, 0, |vectors| Some(vectors.0.token_counts.len())) }
}

/// Numbers in each vector; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_vectors_dimensions(vectors: *const VectorsObject) -> usize {
    // SAFETY: NULL or vectors that were not freed.
    unsafe { read_object(vectors, 0, |vectors| Some(vectors.0.dimensions)) }
}

/// All vectors, row after row: count times dimensions numbers. The row of a text without a vector is all 0. NULL when there
/// are no texts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_vectors_rows(vectors: *const VectorsObject) -> *const f32 {
    // SAFETY: NULL or vectors that were not freed.
    unsafe { read_object(vectors, std::ptr::null(), |vectors| Some(vectors.0.rows.first()?)) }
}

/// The vector of text number index, from 0. NULL when the model knows no word of it, and past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_vectors_row(vectors: *const VectorsObject, index: usize) -> *const f32 {
    // SAFETY: NULL or vectors that were not freed.
    unsafe { read_object(vectors, std::ptr::null(), |vectors| Some(vectors.0.row(index)?.as_ptr())) }
}

/// How much of text number index the model knows: the share, 0 to 1, of its letters and digits that stand in words, or
/// parts of words, that the model has. NaN when the model cannot tell, and past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_vectors_known(vectors: *const VectorsObject, index: usize) -> f32 {
    // SAFETY: NULL or vectors that were not freed.
    unsafe { read_object(vectors, f32::NAN, |vectors| *vectors.0.known_shares.get(index)?) }
}

/// 1 when text number index was longer than the model reads, and its vector is of its beginning; else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_vectors_is_cut(vectors: *const VectorsObject, index: usize) -> i32 {
    // SAFETY: NULL or vectors that were not freed.
    unsafe {
        read_object(vectors, 0, |vectors| Some(i32::from(vectors.0.truncated.binary_search(&index).is_ok())))
    }
}

/// Frees vectors. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_vectors_free(vectors: *mut VectorsObject) {
    free(vectors);
}
