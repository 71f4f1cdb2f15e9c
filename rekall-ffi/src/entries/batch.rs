//! Several operations in one transaction
//!
//! A batch is a list of operations that are done in one transaction. Ids are made before, so that one operation can name what
//! another one remembers.
//!
//!     rekall_batch *batch = rekall_batch_new();
//!     rekall_new_entry note = REKALL_NEW_ENTRY_INIT;
//!     rekall_id fix;
//!     note.title = rekall_text("the header must be in the preflight's answer");
//!     if ((status = rekall_new_id(db, &fix, &error))) goto end;
//!     if ((status = rekall_batch_remember(batch, fix.text, &note, NULL, 0, &error))) goto end;
//!     if ((status = rekall_batch_link(batch, fix.text, id, "solves", NULL, 0, &error))) goto end;
//!     if ((status = rekall_batch_supersede_entry(batch, older, fix.text, &error))) goto end;
//!     status = rekall_apply(db, batch, NULL, &error);
//!     rekall_batch_free(batch);

use std::ffi::c_char;
use std::ptr::{null, null_mut};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::fallible::fallible;
use crate::boundary::options;
use crate::boundary::out::Out;
use crate::boundary::panics::catch_or;
use crate::boundary::registry::{Registered, free, registered};
use crate::boundary::status::Status;
use crate::boundary::text::{self, Id, Str, values};
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::stoppable::Stoppable;
use crate::calls::watch::{Watch, watched};
use crate::entries::input::{EntryInput, Patch};

/// Operations that rekall_apply() does together, in the order in which they were added. Plain data: it is made without a
/// handle, and may be applied as often as wanted, also to several files. Not to be used by two calls at once.
pub struct BatchObject(Arc<Mutex<rekall::Batch>>);

registered!(BatchObject);

/// What the caller's pointer stands for.
fn inner(batch: *const BatchObject) -> Result<Arc<Mutex<rekall::Batch>>, Failure> {
    if batch.is_null() {
        return Err(Failure::null("batch"));
    }
    // SAFETY: the table of batches.
    let batch = unsafe { BatchObject::registry().enter(batch, |batch: &BatchObject| Arc::clone(&batch.0)) };
    batch.ok_or_else(|| Failure::misuse("batch was not made by rekall_batch_new(), or was freed"))
}

fn locked(batch: &Mutex<rekall::Batch>) -> Result<MutexGuard<'_, rekall::Batch>, Failure> {
    match batch.try_lock() {
        Ok(batch) => Ok(batch),
        // Whole operations are added, or none.
        Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => Err(Failure::misuse("batch is in use by another call")),
    }
}

/// Adds an operation.
///
/// # Safety
/// `error` is NULL or may be written to.
unsafe fn add(
    batch: *mut BatchObject,
    error: *mut *mut ErrorObject,
    operation: impl FnOnce(&mut rekall::Batch, &Stoppable<'_>) -> Result<(), Failure>,
) -> Status {
    let add = || operation(&mut *locked(&*inner(batch)?)?, &Stoppable::begin(None, null())?);
    // SAFETY: as promised by the caller.
    unsafe { fallible(error, add) }
}

/// A vector, if one is given.
///
/// # Safety
/// NULL, or so many numbers.
unsafe fn vector(data: *const f32, dimensions: usize) -> Result<Option<Vec<f32>>, Failure> {
    if data.is_null() && dimensions == 0 {
        return Ok(None);
    }
    // SAFETY: as promised by the caller.
    unsafe { values(data, dimensions, "vector") }.map(|values| Some(values.to_vec()))
}

/// Makes an id for an entry to be remembered in a batch: it is known before the batch is applied, so that others of its
/// operations can name it. Ids made by one handle only grow; entries are listed by id, so one that is remembered long after
/// its id was made is listed before others that are older than it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_new_id(
    db: *mut Handle,
    out: *mut Id,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, Out::required(out, Id::NONE), |db| Ok(db.new_id()?.into())) }
}

/// Makes a batch without operations. Free it with rekall_batch_free(). NULL only after a bug in the library.
#[unsafe(no_mangle)]
pub extern "C" fn rekall_batch_new() -> *mut BatchObject {
    catch_or(null_mut(), || BatchObject::registry().hand_out(BatchObject(Arc::default())))
}

/// Adds: remember an entry under an id that rekall_new_id() made, or the program, and that no entry has. With a vector of
/// dimensions numbers it is remembered as by rekall_remember_options.vectors; NULL and 0: the model makes it. All is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_batch_remember(
    batch: *mut BatchObject,
    id: *const c_char,
    entry: *const EntryInput,
    vector: *const f32,
    dimensions: usize,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        add(batch, error, |batch, running| {
            let id = text::id(id, "id")?;
            let entry = options::read_required(entry)?.to_entry(running)?;
            match self::vector(vector, dimensions)? {
                Some(vector) => batch.remember_with_vector(id, entry, vector),
                None => batch.remember(id, entry),
            };
            Ok(())
        })
    }
}

/// Adds: change an entry, as rekall_update() does; with a vector of dimensions numbers, as rekall_update_with_vector() does,
/// and patch may be NULL then. All is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_batch_update(
    batch: *mut BatchObject,
    id: *const c_char,
    patch: *const Patch,
    vector: *const f32,
    dimensions: usize,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        add(batch, error, |batch, running| {
            let id = text::id(id, "id")?;
            match self::vector(vector, dimensions)? {
                Some(vector) => {
                    let patch = options::read_or_default(patch)?.to_patch(running)?;
                    batch.update_with_vector(id, patch, vector)
                }
                None => batch.update(id, options::read_required(patch)?.to_patch(running)?),
            };
            Ok(())
        })
    }
}

/// Adds: forget an entry with all that hangs on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_batch_forget(
    batch: *mut BatchObject,
    id: *const c_char,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        add(batch, error, |batch, _| {
            batch.forget(text::id(id, "id")?);
            Ok(())
        })
    }
}

/// Adds: put an entry in the place of an older one, as rekall_supersede_entry() does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_batch_supersede_entry(
    batch: *mut BatchObject,
    old_id: *const c_char,
    new_id: *const c_char,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        add(batch, error, |batch, _| {
            batch.supersede_entry(text::id(old_id, "old_id")?, text::id(new_id, "new_id")?);
            Ok(())
        })
    }
}

/// Adds: link two entries, as rekall_link() does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_batch_link(
    batch: *mut BatchObject,
    source: *const c_char,
    target: *const c_char,
    relation: *const c_char,
    reason: *const c_char,
    reason_len: usize,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        add(batch, error, |batch, _| {
            let (source, target) = (text::id(source, "source")?, text::id(target, "target")?);
            let relation = text::required_name(relation, "relation")?;
            batch.link(source, target, relation, Str { data: reason, len: reason_len }.optional("reason")?);
            Ok(())
        })
    }
}

/// Adds: remove a link, if there is one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_batch_unlink(
    batch: *mut BatchObject,
    source: *const c_char,
    target: *const c_char,
    relation: *const c_char,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        add(batch, error, |batch, _| {
            let (source, target) = (text::id(source, "source")?, text::id(target, "target")?);
            batch.unlink(source, target, text::required_name(relation, "relation")?);
            Ok(())
        })
    }
}

/// How many operations there are; 0 for NULL, and while another call uses the batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_batch_count(batch: *const BatchObject) -> usize {
    catch_or(0, || inner(batch).and_then(|batch| Ok(locked(&batch)?.len())).unwrap_or(0))
}

/// Does all operations of a batch in one transaction: all of them or none. Each sees what those before it did. The batch
/// stays as it is.
///
/// The model works before the transaction begins: no lock is held meanwhile, and other writers go on. When another writer
/// changed one of the batch's entries by then, or the file's model, the work on the texts is done once more. Each entry is
/// embedded once, as it is after the last operation. Progress counts entries embedded; watch may be NULL. When no model is
/// at hand, words find the entries and meaning does not until rekall_embed_pending(). The status is that of the operation
/// that failed, and the error names it by its number, from 0: what the function of its name fails with, and
/// REKALL_INVALID_INPUT for an id that is there already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_apply(
    db: *mut Handle,
    batch: *const BatchObject,
    watch: *const Watch,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, (), |db| {
            let batch = inner(batch)?;
            let batch = locked(&batch)?;
            watched(db, watch, db.apply(&batch))
        })
    }
}

/// Frees a batch. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_batch_free(batch: *mut BatchObject) {
    free(batch);
}
