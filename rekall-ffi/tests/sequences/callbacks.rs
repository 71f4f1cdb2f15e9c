//! What the sequences hand over to be called.

use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::slice;

use rekall_ffi::*;

thread_local! {
    /// Times that a destroy function was called.
    pub(crate) static DESTROYED: Cell<u64> = const { Cell::new(0) };
    /// What the clock says.
    pub(crate) static NOW: Cell<i64> = const { Cell::new(0) };
}

pub(crate) unsafe extern "C" fn destroy(_: *mut c_void) {
    DESTROYED.set(DESTROYED.get() + 1);
}

/// Counts bytes; fails, or gives nonsense, when the first byte of a text says so.
pub(crate) unsafe extern "C" fn embed(
    _: *mut c_void,
    _: u32,
    texts: *const Str,
    count: usize,
    rows: *mut f32,
    dimensions: usize,
) -> i32 {
    for at in 0..count {
        // SAFETY: the library promises count texts of their length, and count rows.
        let (text, row) = unsafe {
            let text = &*texts.add(at);
            let bytes = slice::from_raw_parts(text.data.cast::<u8>(), text.len);
            (bytes, slice::from_raw_parts_mut(rows.add(at * dimensions), dimensions))
        };
        match text.first() {
            Some(b'!') => return i32::from(text.len() as u8),
            Some(b'?') => row[0] = f32::NAN,
            _ => {}
        }
        for byte in text {
            row[usize::from(*byte) % dimensions] += 1.0;
        }
    }
    0
}

/// Judges by length; fails, or gives nonsense, when the first byte of a passage says so.
pub(crate) unsafe extern "C" fn rerank(
    _: *mut c_void,
    query: Str,
    passages: *const Str,
    count: usize,
    scores: *mut f32,
) -> i32 {
    assert!(!query.data.is_null() && count > 0);
    for at in 0..count {
        // SAFETY: the library promises count passages of their length, and count scores.
        unsafe {
            let passage = &*passages.add(at);
            let first = slice::from_raw_parts(passage.data.cast::<u8>(), passage.len).first();
            match first {
                Some(b'!') => return i32::from(passage.len as u8),
                Some(b'?') => scores.add(at).write(f32::NAN),
                _ => scores.add(at).write(passage.len as f32),
            }
        }
    }
    0
}

/// Stops the call when it was given something to say so.
pub(crate) unsafe extern "C" fn progress(data: *mut c_void, _: u64, _: u64) -> i32 {
    i32::from(!data.is_null())
}

pub(crate) unsafe extern "C" fn write(data: *mut c_void, _: *const c_char, _: usize) -> i32 {
    if data.is_null() { 0 } else { REKALL_IO }
}

/// Gives an empty text, or claims too much.
pub(crate) unsafe extern "C" fn read(
    data: *mut c_void,
    _: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> i32 {
    // SAFETY: the library's place.
    unsafe { len.write(if data.is_null() { 0 } else { capacity + 1 }) };
    0
}

/// A clock that runs, and jumps.
pub(crate) unsafe extern "C" fn now(_: *mut c_void) -> i64 {
    let now = NOW.get();
    NOW.set(now + 7 + now % 5 * 1000);
    now
}

pub(crate) unsafe extern "C" fn hear_event(_: *mut c_void, event: *const Event) {
    // SAFETY: the library's event, until this returns.
    let event = unsafe { &*event };
    assert!(event.struct_size >= size_of::<Event>() && !event.message.is_null());
}

pub(crate) unsafe extern "C" fn hear_log(_: *mut c_void, level: i32, message: *const c_char, len: usize) {
    // SAFETY: the library's text, until this returns.
    let message = unsafe { std::ffi::CStr::from_ptr(message) };
    assert!((REKALL_LOG_ERROR..=REKALL_LOG_TRACE).contains(&level) && message.count_bytes() == len);
}
