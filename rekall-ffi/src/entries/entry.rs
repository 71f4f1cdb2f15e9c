//! Entries as they are stored
//!
//! What a rekall_entry holds is asked for part by part.
//!
//!     rekall_entry *entry = NULL;
//!     size_t i, len;
//!     const char *title;
//!     if ((status = rekall_get(db, id, &entry, &error))) goto end;
//!     title = rekall_entry_title(entry, &len);
//!     printf("%.*s (%s)\n", (int)len, title, rekall_entry_kind(entry, NULL));
//!     for (i = 0; i < rekall_entry_tag_count(entry); i++)
//!         puts(rekall_entry_tag(entry, i, NULL));
//!     rekall_entry_free(entry);

use std::ffi::c_char;
use std::sync::OnceLock;

use rekall::{Context, Entry, Status as EntryStatus};

use crate::boundary::lazy_string::{LazyString, LazyStrings};
use crate::boundary::out::Out;
use crate::boundary::panics::read_object;
use crate::boundary::registry::{free, registered};
use crate::boundary::text::lend;
use crate::entries::input::{REKALL_ENTRY_ACTIVE, REKALL_ENTRY_OBSOLETE};

/// An entry as it was when it was read. Never changes; may be read from any thread, also after rekall_close(). What its
/// functions return belongs to it and lives as long. All of them take NULL, for which they return NULL or 0.
pub struct EntryObject {
    pub(crate) entry: Entry,
    /// Made when the first text is asked for: a search hands over many entries of which few are read.
    lent: OnceLock<Box<Lent>>,
}

registered!(EntryObject);

#[derive(Default)]
struct Lent {
    texts: [LazyString; Text::COUNT],
    tags: LazyStrings,
    context: [LazyStrings; 3],
}

/// Part of a context: what was going on. One text at most.
pub const REKALL_CONTEXT_SITUATION: u32 = 0;
/// Part of a context: what solved it. One text at most.
pub const REKALL_CONTEXT_SOLUTION: u32 = 1;
/// Part of a context: what was tried in vain. One text at most.
pub const REKALL_CONTEXT_WHAT_FAILED: u32 = 2;
/// Part of a context: anything else. One text at most.
pub const REKALL_CONTEXT_TEXT: u32 = 3;
/// Part of a context: words that should bring the entry to mind.
pub const REKALL_CONTEXT_TRIGGER_KEYWORDS: u32 = 4;
/// Part of a context: error messages.
pub const REKALL_CONTEXT_ERROR_MESSAGES: u32 = 5;
/// Part of a context: files.
pub const REKALL_CONTEXT_FILES: u32 = 6;

/// Texts that an entry lends out.
#[derive(Clone, Copy)]
enum Text {
    Id,
    SupersededBy,
    Title,
    Content,
    Kind,
    Project,
    MemoryType,
    Metadata,
    Legacy,
    Json,
    Situation,
    Solution,
    WhatFailed,
    Free,
    SourceUri,
}

impl Text {
    const COUNT: usize = Self::SourceUri as usize + 1;
}

impl EntryObject {
    pub(crate) fn new(entry: Entry) -> Self {
        Self { entry, lent: OnceLock::new() }
    }

    fn lent(&self) -> &Lent {
        self.lent.get_or_init(Box::default)
    }

    fn borrowed(&self, which: Text, text: &str) -> &[u8] {
        self.lent().texts[which as usize].of(text)
    }

    fn made(&self, which: Text, text: impl FnOnce() -> String) -> &[u8] {
        self.lent().texts[which as usize].get(text)
    }

    fn context_item(&self, part: u32, index: usize) -> Option<&[u8]> {
        let context = self.entry.context.as_ref()?;
        let single = |which, text: &'_ Option<String>| {
            let text = text.as_deref().filter(|_| index == 0)?;
            Some(self.borrowed(which, text))
        };
        match part {
            REKALL_CONTEXT_SITUATION => single(Text::Situation, &context.situation),
            REKALL_CONTEXT_SOLUTION => single(Text::Solution, &context.solution),
            REKALL_CONTEXT_WHAT_FAILED => single(Text::WhatFailed, &context.what_failed),
            REKALL_CONTEXT_TEXT => single(Text::Free, &context.text),
            _ => {
                let at = part.checked_sub(REKALL_CONTEXT_TRIGGER_KEYWORDS)?;
                self.lent().context.get(at as usize)?.get(context_list(context, part)?, index)
            }
        }
    }
}

fn context_list(context: &Context, part: u32) -> Option<&[String]> {
    match part {
        REKALL_CONTEXT_TRIGGER_KEYWORDS => Some(&context.trigger_keywords),
        REKALL_CONTEXT_ERROR_MESSAGES => Some(&context.error_messages),
        REKALL_CONTEXT_FILES => Some(&context.files),
        _ => None,
    }
}

/// Reads a number of an entry; 0 for NULL.
///
/// # Safety
/// NULL or an entry that was not freed.
unsafe fn number<T: Default>(entry: *const EntryObject, read: impl FnOnce(&EntryObject) -> T) -> T {
    // SAFETY: as promised by the caller.
    unsafe { read_object(entry, T::default(), |entry| Some(read(entry))) }
}

/// The entry's id, 26 characters, NUL-terminated. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_id(entry: *const EntryObject) -> *const c_char {
    // SAFETY: NULL or an entry that was not freed.
    unsafe {
        lend(entry, std::ptr::null_mut(), |entry| Some(entry.made(Text::Id, || entry.entry.id.to_string())))
    }
}

/// The title: NUL-terminated UTF-8. out_len, which may be NULL, receives its length in bytes (a text that was imported
/// from an old file may hold NULs).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_title(entry: *const EntryObject, out_len: *mut usize) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { lend(entry, out_len, |entry| Some(entry.borrowed(Text::Title, &entry.entry.title))) }
}

/// The content, possibly empty. See rekall_entry_title().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_content(
    entry: *const EntryObject,
    out_len: *mut usize,
) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { lend(entry, out_len, |entry| Some(entry.borrowed(Text::Content, &entry.entry.content))) }
}

/// The kind. See rekall_entry_title().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_kind(entry: *const EntryObject, out_len: *mut usize) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { lend(entry, out_len, |entry| Some(entry.borrowed(Text::Kind, &entry.entry.kind))) }
}

/// The project; NULL when there is none. See rekall_entry_title().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_project(
    entry: *const EntryObject,
    out_len: *mut usize,
) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        lend(entry, out_len, |entry| Some(entry.borrowed(Text::Project, entry.entry.project.as_deref()?)))
    }
}

/// The URI of the source that the entry is kept in step with; NULL when there is none. See rekall_entry_title().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_source_uri(
    entry: *const EntryObject,
    out_len: *mut usize,
) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        lend(entry, out_len, |entry| Some(entry.borrowed(Text::SourceUri, &entry.entry.source.as_ref()?.uri)))
    }
}

/// The line of the source in which the entry's section begins, from 1; 0 when it is not known. rekall_entry_json() has the
/// headings, too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_source_line(entry: *const EntryObject) -> u32 {
    // SAFETY: NULL or an entry that was not freed.
    unsafe { number(entry, |entry| entry.entry.source.as_ref().and_then(|source| source.line).unwrap_or(0)) }
}

/// The memory type. See rekall_entry_title().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_memory_type(
    entry: *const EntryObject,
    out_len: *mut usize,
) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { lend(entry, out_len, |entry| Some(entry.borrowed(Text::MemoryType, &entry.entry.memory_type))) }
}

/// How many tags the entry has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_tag_count(entry: *const EntryObject) -> usize {
    // SAFETY: NULL or an entry that was not freed.
    unsafe { number(entry, |entry| entry.entry.tags.len()) }
}

/// Tag number index, from 0, in the author's order; NULL past the last. See rekall_entry_title().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_tag(
    entry: *const EntryObject,
    index: usize,
    out_len: *mut usize,
) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { lend(entry, out_len, |entry| entry.lent().tags.get(&entry.entry.tags, index)) }
}

/// The status: REKALL_ENTRY_ACTIVE or REKALL_ENTRY_OBSOLETE; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_status(entry: *const EntryObject) -> u32 {
    // SAFETY: NULL or an entry that was not freed.
    unsafe {
        number(entry, |entry| match entry.entry.status {
            EntryStatus::Active => REKALL_ENTRY_ACTIVE,
            EntryStatus::Obsolete => REKALL_ENTRY_OBSOLETE,
        })
    }
}

/// Id of the entry that replaced this one, NUL-terminated; NULL when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_superseded_by(entry: *const EntryObject) -> *const c_char {
    // SAFETY: NULL or an entry that was not freed.
    unsafe {
        lend(entry, std::ptr::null_mut(), |entry| {
            let newer = entry.entry.superseded_by?;
            Some(entry.made(Text::SupersededBy, || newer.to_string()))
        })
    }
}

/// How sure the entry's author was, 0 to 5.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_confidence(entry: *const EntryObject) -> u32 {
    // SAFETY: NULL or an entry that was not freed.
    unsafe { number(entry, |entry| entry.entry.confidence.into()) }
}

/// When the entry was made: milliseconds since 1970 (UTC).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_created_at_ms(entry: *const EntryObject) -> i64 {
    // SAFETY: NULL or an entry that was not freed.
    unsafe { number(entry, |entry| entry.entry.created_at) }
}

/// When the entry was last changed: milliseconds since 1970 (UTC).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_updated_at_ms(entry: *const EntryObject) -> i64 {
    // SAFETY: NULL or an entry that was not freed.
    unsafe { number(entry, |entry| entry.entry.updated_at) }
}

/// A time of an entry: when it expires.
pub const REKALL_ENTRY_EXPIRES_AT: u32 = 1;
/// A time of an entry: from when on what it says holds.
pub const REKALL_ENTRY_VALID_FROM: u32 = 2;
/// A time of an entry: from when on it no longer holds.
pub const REKALL_ENTRY_VALID_TO: u32 = 3;

/// A time of the entry: REKALL_ENTRY_EXPIRES_AT, REKALL_ENTRY_VALID_FROM or REKALL_ENTRY_VALID_TO. Returns 1 and sets out_ms,
/// which may be NULL, to milliseconds since 1970 (UTC) when the entry has it; else 0, and out_ms is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_time(entry: *const EntryObject, which: u32, out_ms: *mut i64) -> i32 {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = Out::optional(out_ms, 0);
        read_object(entry, 0, |entry| {
            let time = match which {
                REKALL_ENTRY_EXPIRES_AT => entry.entry.expires_at,
                REKALL_ENTRY_VALID_FROM => entry.entry.valid_from,
                REKALL_ENTRY_VALID_TO => entry.entry.valid_to,
                _ => None,
            };
            out.set(time?);
            Some(1)
        })
    }
}

/// 1 when the entry has a context, also an empty one; else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_has_context(entry: *const EntryObject) -> i32 {
    // SAFETY: NULL or an entry that was not freed.
    unsafe { number(entry, |entry| i32::from(entry.entry.context.is_some())) }
}

/// How many texts a part of the entry's context has; part is a REKALL_CONTEXT_ number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_context_count(entry: *const EntryObject, part: u32) -> usize {
    // SAFETY: NULL or an entry that was not freed.
    unsafe {
        number(entry, |entry| match &entry.entry.context {
            Some(context) if part >= REKALL_CONTEXT_TRIGGER_KEYWORDS => {
                context_list(context, part).map_or(0, <[String]>::len)
            }
            _ => usize::from(entry.context_item(part, 0).is_some()),
        })
    }
}

/// Text number index, from 0, of a part of the entry's context; NULL past the last. See rekall_entry_title().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_context_text(
    entry: *const EntryObject,
    part: u32,
    index: usize,
    out_len: *mut usize,
) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { lend(entry, out_len, |entry| entry.context_item(part, index)) }
}

/// The metadata: a JSON object as text, "{}" when there is none. See rekall_entry_title().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_metadata(
    entry: *const EntryObject,
    out_len: *mut usize,
) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { lend(entry, out_len, |entry| Some(entry.made(Text::Metadata, || json(&entry.entry.metadata)))) }
}

/// What an imported file said that has no place elsewhere: JSON text; NULL when there is nothing. See
/// rekall_entry_title().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_legacy(
    entry: *const EntryObject,
    out_len: *mut usize,
) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        lend(entry, out_len, |entry| {
            let legacy = entry.entry.legacy.as_ref()?;
            Some(entry.made(Text::Legacy, || json(legacy)))
        })
    }
}

/// The whole entry as one JSON object. See rekall_entry_title().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_json(entry: *const EntryObject, out_len: *mut usize) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { lend(entry, out_len, |entry| Some(entry.made(Text::Json, || json(&entry.entry)))) }
}

/// Frees an entry that was got with rekall_get(), rekall_update() or rekall_update_with_vector(); not one that belongs to
/// hits. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_entry_free(entry: *mut EntryObject) {
    free(entry);
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
