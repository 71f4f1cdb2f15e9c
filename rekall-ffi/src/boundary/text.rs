//! Text and ids
//!
//! Text is a pointer and a length in bytes; an id is 26 characters and a NUL.
//!
//!     const char *line = "CORS fails on Safari";
//!     rekall_str whole = rekall_text(line), word = {NULL, 0};
//!     word.data = line;
//!     word.len = 4;
//!     printf("%.*s of %d bytes; made at %lld ms\n", (int)word.len, word.data, (int)whole.len,
//!            (long long)rekall_id_time_ms(id));

use std::ffi::{CStr, c_char};
use std::path::{Path, PathBuf};
use std::slice;

use rekall::EntryId;

use crate::boundary::error::Failure;
use crate::boundary::panics::{catch_or, read_object};

/// A piece of UTF-8 text: not NUL-terminated. In an option struct, data NULL means "not given", and data other than
/// NULL with a length of 0 the empty text.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Str {
    /// First byte; may be NULL when len is 0.
    pub data: *const c_char,
    /// Length in bytes, or REKALL_NTS.
    pub len: usize,
}

/// Characters of an id, without the NUL at its end.
pub const REKALL_ID_LEN: usize = 26;

/// As a length: the text ends at its first NUL.
pub const REKALL_NTS: usize = usize::MAX;

/// The name of an entry: a ULID, 26 characters, letters in capitals, and a NUL. Ids sort by the time they were made. An id
/// has one spelling: small letters are REKALL_INVALID_INPUT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Id {
    /// The characters, NUL-terminated; "" when there is none.
    pub text: [c_char; 27],
}

impl Id {
    pub(crate) const NONE: Self = Self { text: [0; 27] };
}

impl From<EntryId> for Id {
    fn from(id: EntryId) -> Self {
        let mut text = [0; 27];
        for (to, from) in text.iter_mut().zip(id.to_string().bytes()) {
            *to = from as c_char;
        }
        Self { text }
    }
}

/// When an id was made: milliseconds since 1970 (UTC). id is NUL-terminated; -1 when it is no id, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_id_time_ms(id: *const c_char) -> i64 {
    // SAFETY: NULL, or NUL-terminated.
    let id = catch_or(None, || unsafe { self::id(id, "id") }.ok());
    id.and_then(|id| i64::try_from(id.timestamp_ms()).ok()).unwrap_or(-1)
}

/// A NUL-terminated text as a rekall_str that borrows it. Not given for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_text(nul_terminated: *const c_char) -> Str {
    catch_or(Str { data: std::ptr::null(), len: 0 }, || match nul_terminated.is_null() {
        true => Str { data: std::ptr::null(), len: 0 },
        // SAFETY: the caller's text is NUL-terminated.
        false => Str { data: nul_terminated, len: unsafe { CStr::from_ptr(nul_terminated) }.count_bytes() },
    })
}

/// So many values at a place; NULL and 0 are an empty list.
///
/// # Safety
/// `data` is NULL or has `len` values that stay as they are for `'a`.
pub(crate) unsafe fn values<'a, T>(data: *const T, len: usize, name: &str) -> Result<&'a [T], Failure> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(Failure::misuse(format!("{name} is NULL with a length of {len}")));
    }
    if !data.is_aligned() {
        return Err(Failure::misuse(format!("{name} is not aligned")));
    }
    if len > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(Failure::misuse(format!("{name} has an impossible length, {len}")));
    }
    // SAFETY: not NULL, aligned, of a possible length; the rest is promised by the caller.
    Ok(unsafe { slice::from_raw_parts(data, len) })
}

/// # Safety
/// As for [`values`]; with a length of [`REKALL_NTS`] the text is NUL-terminated.
pub(crate) unsafe fn utf8<'a>(data: *const c_char, len: usize, name: &str) -> Result<&'a str, Failure> {
    // SAFETY: as promised by the caller.
    let bytes = unsafe {
        if len == REKALL_NTS && !data.is_null() {
            CStr::from_ptr(data).to_bytes()
        } else {
            values(data.cast::<u8>(), len, name)?
        }
    };
    std::str::from_utf8(bytes)
        .map_err(|error| Failure::invalid(format!("{name} is not UTF-8 at byte {}", error.valid_up_to())))
}

impl Str {
    pub(crate) fn is_given(self) -> bool {
        !self.data.is_null() || (self.len != 0 && self.len != REKALL_NTS)
    }

    /// # Safety
    /// As for [`utf8`].
    pub(crate) unsafe fn optional<'a>(self, name: &str) -> Result<Option<&'a str>, Failure> {
        if !self.is_given() {
            return Ok(None);
        }
        // SAFETY: as promised by the caller.
        unsafe { utf8(self.data, self.len, name) }.map(Some)
    }
}

/// A NUL-terminated name; `None` for NULL.
///
/// # Safety
/// NULL or NUL-terminated, unchanged for `'a`.
pub(crate) unsafe fn name<'a>(data: *const c_char, what: &str) -> Result<Option<&'a str>, Failure> {
    if data.is_null() {
        return Ok(None);
    }
    // SAFETY: as promised by the caller.
    unsafe { utf8(data, REKALL_NTS, what) }.map(Some)
}

/// # Safety
/// As for [`name`].
pub(crate) unsafe fn required_name<'a>(data: *const c_char, what: &str) -> Result<&'a str, Failure> {
    // SAFETY: as promised by the caller.
    unsafe { name(data, what) }?.ok_or_else(|| Failure::null(what))
}

/// A path, as the system writes it: any bytes on Unix, UTF-8 elsewhere.
///
/// # Safety
/// As for [`name`].
pub(crate) unsafe fn path(data: *const c_char, what: &str) -> Result<PathBuf, Failure> {
    if data.is_null() {
        return Err(Failure::null(what));
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        // SAFETY: not NULL; the rest is promised by the caller.
        let bytes = unsafe { CStr::from_ptr(data) }.to_bytes();
        Ok(std::ffi::OsStr::from_bytes(bytes).into())
    }
    #[cfg(not(unix))]
    {
        // SAFETY: as promised by the caller.
        unsafe { required_name(data, what) }.map(PathBuf::from)
    }
}

/// # Safety
/// As for [`name`].
pub(crate) unsafe fn id(data: *const c_char, what: &str) -> Result<EntryId, Failure> {
    // SAFETY: as promised by the caller.
    Ok(unsafe { required_name(data, what) }?.parse()?)
}

/// A text with a NUL after it, for C.
pub(crate) fn owned(text: &str) -> Box<[u8]> {
    ended(text.as_bytes())
}

/// A path, as [`path`] takes it.
pub(crate) fn owned_path(path: &Path) -> Box<[u8]> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        ended(path.as_os_str().as_bytes())
    }
    #[cfg(not(unix))]
    {
        owned(&path.to_string_lossy())
    }
}

fn ended(text: &[u8]) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(text.len() + 1);
    bytes.extend_from_slice(text);
    bytes.push(0);
    bytes.into_boxed_slice()
}

/// Lends such bytes of one of our objects out, with their length without the NUL; NULL and 0 where there are none.
///
/// # Safety
/// `object` is NULL or one of ours that was not freed; `len` is NULL or may be written to.
pub(crate) unsafe fn lend<T>(
    object: *const T,
    len: *mut usize,
    text: impl FnOnce(&T) -> Option<&[u8]>,
) -> *const c_char {
    // SAFETY: as promised by the caller.
    let (data, count) = unsafe {
        read_object(object, (std::ptr::null(), 0), |object| {
            text(object).map(|bytes| (bytes.as_ptr().cast(), bytes.len() - 1))
        })
    };
    if !len.is_null() {
        // SAFETY: as promised by the caller.
        unsafe { len.write(count) };
    }
    data
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::ptr::null;

    use super::*;
    use crate::boundary::status::{REKALL_INVALID_INPUT, REKALL_MISUSE};

    #[test]
    fn lists_are_a_pointer_and_a_count() {
        let numbers = [1_u32, 2, 3];
        // SAFETY: what is read is of this test, the rest is refused.
        unsafe {
            assert_eq!(values(numbers.as_ptr(), 2, "x").unwrap(), [1, 2]);
            assert!(values::<u32>(null(), 0, "x").unwrap().is_empty());
            let refused = [
                values::<u32>(null(), 1, "x"),
                values(numbers.as_ptr().byte_add(1), 1, "x"),
                values(numbers.as_ptr(), usize::MAX / 2, "x"),
            ];
            assert!(refused.iter().all(|result| result.as_ref().unwrap_err().status == REKALL_MISUSE));
        }
    }

    #[test]
    fn texts_end_where_the_caller_says() {
        let text = c"one\xC3\xA9two".as_ptr();
        // SAFETY: NUL-terminated, and the lengths are within.
        unsafe {
            assert_eq!(utf8(text, 3, "x").unwrap(), "one");
            assert_eq!(utf8(text, REKALL_NTS, "x").unwrap(), "one\u{e9}two");
            let cut = utf8(text, 4, "x").unwrap_err();
            assert_eq!(
                (cut.status, cut.message.as_str()),
                (REKALL_INVALID_INPUT, "x is not UTF-8 at byte 3")
            );
            assert_eq!(Str { data: null(), len: 0 }.optional("x").unwrap(), None);
            assert_eq!(Str { data: null(), len: REKALL_NTS }.optional("x").unwrap(), None);
            assert_eq!(Str { data: text, len: 0 }.optional("x").unwrap(), Some(""));
            assert_eq!(Str { data: null(), len: 2 }.optional("x").unwrap_err().status, REKALL_MISUSE);
        }
    }

    #[test]
    fn what_is_lent_has_a_nul_that_does_not_count() {
        let object = owned("a\0b");
        let mut len = 9;
        // SAFETY: an object and a place of this test.
        unsafe {
            let text = lend(&raw const object, &raw mut len, |bytes| Some(bytes));
            assert_eq!((len, *text.add(3)), (3, 0));
            assert!(lend(&raw const object, &raw mut len, |_| None).is_null() && len == 0);
            assert!(lend(null::<Box<[u8]>>(), &raw mut len, |bytes| Some(bytes)).is_null());
        }
    }
}
