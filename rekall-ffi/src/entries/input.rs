//! Entries as they are handed in
//!
//! Only the title is required. What is left out has its default.
//!
//!     rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
//!     rekall_context context = REKALL_CONTEXT_INIT;
//!     rekall_str tags[2];
//!     tags[0] = rekall_text("http");
//!     tags[1] = rekall_text("safari");
//!     context.solution = rekall_text("answer the preflight with the header");
//!     entry.title = rekall_text("CORS fails on Safari");
//!     entry.kind = rekall_text("bug");
//!     entry.tags = tags;
//!     entry.tags_count = 2;
//!     entry.context = &context;
//!     entry.metadata = rekall_text("{\"ticket\": 7}");
//!     status = rekall_remember(db, &entry, NULL, NULL, &error);

use std::ffi::c_char;

use rekall::{EntryPatch, NewEntry, Status as EntryStatus};
use serde_json::{Map, Value};

use crate::boundary::error::Failure;
use crate::boundary::options::{self, flags, goes_with, reserved, sized};
use crate::boundary::text::{self, Str};
use crate::calls::stoppable::Stoppable;

/// Status of an entry: it holds; searches find it.
pub const REKALL_ENTRY_ACTIVE: u32 = 1;
/// Status of an entry: it no longer holds; searches leave it out unless asked.
pub const REKALL_ENTRY_OBSOLETE: u32 = 2;
/// In a filter: entries of any status.
pub const REKALL_ENTRY_ANY: u32 = 3;

/// Flag of rekall_new_entry: confidence is given (0 is a value, too).
pub const REKALL_NEW_ENTRY_CONFIDENCE: u32 = 1;
/// Flag of rekall_new_entry: created_at_ms is given.
pub const REKALL_NEW_ENTRY_CREATED_AT: u32 = 2;

/// Flag of rekall_new_entry: expires_at_ms is given.
pub const REKALL_NEW_ENTRY_EXPIRES_AT: u32 = 4;
/// Flag of rekall_new_entry: valid_from_ms is given.
pub const REKALL_NEW_ENTRY_VALID_FROM: u32 = 8;
/// Flag of rekall_new_entry: valid_to_ms is given.
pub const REKALL_NEW_ENTRY_VALID_TO: u32 = 16;

const NEW_ENTRY_FLAGS: u32 = REKALL_NEW_ENTRY_CONFIDENCE
    | REKALL_NEW_ENTRY_CREATED_AT
    | REKALL_NEW_ENTRY_EXPIRES_AT
    | REKALL_NEW_ENTRY_VALID_FROM
    | REKALL_NEW_ENTRY_VALID_TO;

/// Flag of rekall_patch: set confidence.
pub const REKALL_PATCH_CONFIDENCE: u32 = 1;
/// Flag of rekall_patch: set the tags to those given, also when none are.
pub const REKALL_PATCH_TAGS: u32 = 2;
/// Flag of rekall_patch: remove the project.
pub const REKALL_PATCH_REMOVE_PROJECT: u32 = 4;
/// Flag of rekall_patch: remove the reference to the entry that replaces this one.
pub const REKALL_PATCH_REMOVE_SUPERSEDED_BY: u32 = 8;
/// Flag of rekall_patch: remove the context.
pub const REKALL_PATCH_REMOVE_CONTEXT: u32 = 16;
/// Flag of rekall_patch: set expires_at_ms.
pub const REKALL_PATCH_EXPIRES_AT: u32 = 32;
/// Flag of rekall_patch: the entry does not expire any more.
pub const REKALL_PATCH_REMOVE_EXPIRES_AT: u32 = 64;
/// Flag of rekall_patch: set valid_from_ms.
pub const REKALL_PATCH_VALID_FROM: u32 = 128;
/// Flag of rekall_patch: leave the begin of the valid time open.
pub const REKALL_PATCH_REMOVE_VALID_FROM: u32 = 256;
/// Flag of rekall_patch: set valid_to_ms.
pub const REKALL_PATCH_VALID_TO: u32 = 512;
/// Flag of rekall_patch: leave the end of the valid time open.
pub const REKALL_PATCH_REMOVE_VALID_TO: u32 = 1024;

const PATCH_FLAGS: u32 = REKALL_PATCH_CONFIDENCE
    | REKALL_PATCH_TAGS
    | REKALL_PATCH_REMOVE_PROJECT
    | REKALL_PATCH_REMOVE_SUPERSEDED_BY
    | REKALL_PATCH_REMOVE_CONTEXT
    | REKALL_PATCH_EXPIRES_AT
    | REKALL_PATCH_REMOVE_EXPIRES_AT
    | REKALL_PATCH_VALID_FROM
    | REKALL_PATCH_REMOVE_VALID_FROM
    | REKALL_PATCH_VALID_TO
    | REKALL_PATCH_REMOVE_VALID_TO;

/// What surrounded an entry: how a problem showed itself and what helped. Every part may be missing; all of it is
/// searched, by words and by meaning. Start from REKALL_CONTEXT_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct EntryContext {
    /// sizeof(rekall_context).
    pub struct_size: usize,
    /// What was going on.
    pub situation: Str,
    /// What solved it.
    pub solution: Str,
    /// What was tried in vain.
    pub what_failed: Str,
    /// Anything else, as free text.
    pub text: Str,
    /// Words that should bring this entry to mind.
    pub trigger_keywords: *const Str,
    /// How many.
    pub trigger_keywords_count: usize,
    /// Error messages, as seen.
    pub error_messages: *const Str,
    /// How many.
    pub error_messages_count: usize,
    /// Files that were touched.
    pub files: *const Str,
    /// How many.
    pub files_count: usize,
}

/// An entry to be remembered. Only the title is required. Start from REKALL_NEW_ENTRY_INIT. Everything is copied.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct EntryInput {
    /// sizeof(rekall_new_entry).
    pub struct_size: usize,
    /// REKALL_NEW_ENTRY_ flags.
    pub flags: u32,
    /// How sure its author is, 0 to 5, with REKALL_NEW_ENTRY_CONFIDENCE; without it, it must be 0, which means 2.
    pub confidence: u32,
    /// One line that says what it is about: not blank, at most 4 KiB.
    pub title: Str,
    /// The rest, at most 4 MiB.
    pub content: Str,
    /// What kind of note it is, any word: "bug", "pattern", "decision", ... Default "note".
    pub kind: Str,
    /// The project it belongs to. Default: none.
    pub project: Str,
    /// "episodic" (something that happened, the default), "semantic" (something drawn from it), or a word of your own.
    pub memory_type: Str,
    /// Labels, at most 256; repeated ones are kept once.
    pub tags: *const Str,
    /// How many.
    pub tags_count: usize,
    /// What surrounded it; NULL: nothing.
    pub context: *const EntryContext,
    /// Values of your own: a JSON object as text, at most 1 MiB and 100 levels deep. A number that 64 bits (an integer's, or
    /// a double's) cannot hold exactly is refused: give it as text.
    pub metadata: Str,
    /// Its id (26 characters, NUL-terminated), which no other entry may have; NULL: one is made. Entries are listed by id.
    pub id: *const c_char,
    /// When it was made, in milliseconds since 1970 (UTC), in the years 1 to 9999, with REKALL_NEW_ENTRY_CREATED_AT;
    /// without: leave 0, and it is now.
    pub created_at_ms: i64,
    /// When it expires, likewise, with REKALL_NEW_ENTRY_EXPIRES_AT; without: leave 0, and it never does. From that moment on no
    /// search, list, count or facet shows it; rekall_forget_expired() and rekall_compact() delete it, and until then
    /// it is there by its id.
    pub expires_at_ms: i64,
    /// From when on what it says holds, likewise, with REKALL_NEW_ENTRY_VALID_FROM; without: leave 0, and it always has. Only
    /// searches that ask for a moment look at it: as_of_ms of rekall_filter.
    pub valid_from_ms: i64,
    /// From when on it no longer holds, not before valid_from_ms, with REKALL_NEW_ENTRY_VALID_TO; without: leave 0, and it
    /// still does.
    pub valid_to_ms: i64,
}

/// What an update changes: everything not given stays as it is. Start from REKALL_PATCH_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Patch {
    /// sizeof(rekall_patch).
    pub struct_size: usize,
    /// REKALL_PATCH_ flags.
    pub flags: u32,
    /// New status, REKALL_ENTRY_ACTIVE or REKALL_ENTRY_OBSOLETE; 0: as it is.
    pub status: u32,
    /// New confidence, 0 to 5, with REKALL_PATCH_CONFIDENCE.
    pub confidence: u32,
    /// Reserved: must be 0.
    pub reserved: u32,
    /// New title.
    pub title: Str,
    /// New content.
    pub content: Str,
    /// New kind.
    pub kind: Str,
    /// New project.
    pub project: Str,
    /// New memory type.
    pub memory_type: Str,
    /// New tags, all of them, with REKALL_PATCH_TAGS or a count above 0.
    pub tags: *const Str,
    /// How many.
    pub tags_count: usize,
    /// New context, all of it; NULL: as it is.
    pub context: *const EntryContext,
    /// New metadata, all of it: a JSON object as text, as in rekall_new_entry.
    pub metadata: Str,
    /// Id of the entry that replaces this one, NUL-terminated; NULL: as it is. The status stays as it is, too:
    /// rekall_supersede_entry() sets both.
    pub superseded_by: *const c_char,
    /// New time of expiry, in milliseconds since 1970 (UTC), with REKALL_PATCH_EXPIRES_AT.
    pub expires_at_ms: i64,
    /// New begin of the valid time, likewise, with REKALL_PATCH_VALID_FROM.
    pub valid_from_ms: i64,
    /// New end of the valid time, likewise, with REKALL_PATCH_VALID_TO.
    pub valid_to_ms: i64,
}

sized!(
    EntryContext, ..files_count => "rekall_context",
    EntryInput, ..valid_to_ms => "rekall_new_entry",
    Patch, ..valid_to_ms => "rekall_patch",
);

/// As REKALL_PATCH_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_patch_init(patch: *mut Patch, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(patch, struct_size) }
}

/// As REKALL_CONTEXT_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_context_init(context: *mut EntryContext, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(context, struct_size) }
}

/// As REKALL_NEW_ENTRY_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_new_entry_init(entry: *mut EntryInput, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(entry, struct_size) }
}

impl EntryInput {
    /// # Safety
    /// The members are valid.
    pub(crate) unsafe fn to_entry(self, running: &Stoppable<'_>) -> Result<NewEntry, Failure> {
        let given = flags(self.flags, NEW_ENTRY_FLAGS, "rekall_new_entry")?;
        let time = |ms: i64, flag: u32, member: &str, name: &str| {
            let counts = given & flag != 0;
            goes_with(ms != 0, member, counts, name)?;
            Ok::<_, Failure>(counts.then_some(ms))
        };
        let created_at = time(
            self.created_at_ms,
            REKALL_NEW_ENTRY_CREATED_AT,
            "created_at_ms",
            "REKALL_NEW_ENTRY_CREATED_AT",
        )?;
        let expires_at = time(
            self.expires_at_ms,
            REKALL_NEW_ENTRY_EXPIRES_AT,
            "expires_at_ms",
            "REKALL_NEW_ENTRY_EXPIRES_AT",
        )?;
        let valid_from = time(
            self.valid_from_ms,
            REKALL_NEW_ENTRY_VALID_FROM,
            "valid_from_ms",
            "REKALL_NEW_ENTRY_VALID_FROM",
        )?;
        let valid_to =
            time(self.valid_to_ms, REKALL_NEW_ENTRY_VALID_TO, "valid_to_ms", "REKALL_NEW_ENTRY_VALID_TO")?;
        let counts = given & REKALL_NEW_ENTRY_CONFIDENCE != 0;
        goes_with(self.confidence != 0, "confidence", counts, "REKALL_NEW_ENTRY_CONFIDENCE")?;
        // SAFETY: as promised by the caller.
        unsafe {
            let mut entry = NewEntry::new(self.title.optional("title")?.unwrap_or_default());
            set(&mut entry.content, self.content, "content")?;
            set(&mut entry.kind, self.kind, "kind")?;
            set(&mut entry.memory_type, self.memory_type, "memory_type")?;
            entry.project = self.project.optional("project")?.map(str::to_owned);
            entry.tags = running.texts(self.tags, self.tags_count, "tags")?;
            if counts {
                entry.confidence = confidence(self.confidence)?;
            }
            entry.context = context(running, self.context)?;
            entry.metadata = metadata(self.metadata)?.unwrap_or_default();
            entry.id = if self.id.is_null() { None } else { Some(text::id(self.id, "id")?) };
            entry.created_at = created_at;
            entry.expires_at = expires_at;
            entry.valid_from = valid_from;
            entry.valid_to = valid_to;
            Ok(entry)
        }
    }
}

/// Several entries, one after the other, with the size that the first one gives.
///
/// # Safety
/// NULL, or `count` structs of that size with valid members.
pub(crate) unsafe fn entries(
    running: &Stoppable<'_>,
    first: *const EntryInput,
    count: usize,
) -> Result<Vec<NewEntry>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: as promised by the caller.
    let size = unsafe { options::read_required(first)? }.struct_size;
    // Judged before the second one is read.
    if count.checked_mul(size).is_none_or(|bytes| bytes > isize::MAX as usize) {
        return Err(Failure::misuse(format!("count is too large: {count}")));
    }
    let mut entries = Vec::with_capacity(count.min(4096));
    for at in 0..count {
        running.go_on()?;
        // SAFETY: the caller promises so many structs of this size.
        let given = unsafe { options::read_required(first.byte_add(at * size))? };
        if given.struct_size != size {
            let got = given.struct_size;
            return Err(Failure::misuse(format!(
                "entries[{at}].struct_size is {got}, that of the first {size}"
            )));
        }
        // SAFETY: as promised by the caller.
        let entry = unsafe { given.to_entry(running) };
        entries.push(entry.map_err(|failure| at_index(failure, at, count))?);
    }
    Ok(entries)
}

/// Says which of several entries is meant.
fn at_index(failure: Failure, at: usize, count: usize) -> Failure {
    match count {
        1 => failure,
        _ => failure.of(&format!("entries[{at}]")),
    }
}

impl Patch {
    /// # Safety
    /// The members are valid.
    pub(crate) unsafe fn to_patch(self, running: &Stoppable<'_>) -> Result<EntryPatch, Failure> {
        let given = flags(self.flags, PATCH_FLAGS, "rekall_patch")?;
        reserved(self.reserved, "rekall_patch")?;
        let has = |flag| given & flag != 0;
        let confident = has(REKALL_PATCH_CONFIDENCE);
        goes_with(self.confidence != 0, "confidence", confident, "REKALL_PATCH_CONFIDENCE")?;
        let tagged = has(REKALL_PATCH_TAGS) || self.tags_count > 0;
        goes_with(!self.tags.is_null(), "tags", tagged, "tags_count or REKALL_PATCH_TAGS")?;
        let mut patch = EntryPatch::new();
        // SAFETY: as promised by the caller.
        unsafe {
            patch.title = owned(self.title, "title")?;
            patch.content = owned(self.content, "content")?;
            patch.kind = owned(self.kind, "kind")?;
            patch.memory_type = owned(self.memory_type, "memory_type")?;
            let project = owned(self.project, "project")?;
            patch.project = replaced(project, has(REKALL_PATCH_REMOVE_PROJECT), "project")?;
            let tags = running.texts(self.tags, self.tags_count, "tags")?;
            patch.tags = tagged.then_some(tags);
            patch.context =
                replaced(context(running, self.context)?, has(REKALL_PATCH_REMOVE_CONTEXT), "context")?;
            patch.metadata = metadata(self.metadata)?;
            let newer = match self.superseded_by.is_null() {
                true => None,
                false => Some(text::id(self.superseded_by, "superseded_by")?),
            };
            let remove = has(REKALL_PATCH_REMOVE_SUPERSEDED_BY);
            patch.superseded_by = replaced(newer, remove, "superseded_by")?;
        }
        let time = |ms: i64, set, remove, member: &str, name: &str| {
            let counts = has(set);
            goes_with(ms != 0, member, counts, name)?;
            replaced(counts.then_some(ms), has(remove), member)
        };
        patch.expires_at = time(
            self.expires_at_ms,
            REKALL_PATCH_EXPIRES_AT,
            REKALL_PATCH_REMOVE_EXPIRES_AT,
            "expires_at_ms",
            "REKALL_PATCH_EXPIRES_AT",
        )?;
        patch.valid_from = time(
            self.valid_from_ms,
            REKALL_PATCH_VALID_FROM,
            REKALL_PATCH_REMOVE_VALID_FROM,
            "valid_from_ms",
            "REKALL_PATCH_VALID_FROM",
        )?;
        patch.valid_to = time(
            self.valid_to_ms,
            REKALL_PATCH_VALID_TO,
            REKALL_PATCH_REMOVE_VALID_TO,
            "valid_to_ms",
            "REKALL_PATCH_VALID_TO",
        )?;
        if confident {
            patch.confidence = Some(confidence(self.confidence)?);
        }
        patch.status = match self.status {
            0 => None,
            status => Some(entry_status(status)?),
        };
        Ok(patch)
    }
}

fn replaced<T>(new: Option<T>, remove: bool, what: &str) -> Result<Option<Option<T>>, Failure> {
    match (new, remove) {
        (Some(_), true) => Err(Failure::misuse(format!("{what} is both set and removed"))),
        (None, true) => Ok(Some(None)),
        (new, false) => Ok(new.map(Some)),
    }
}

pub(crate) fn entry_status(status: u32) -> Result<EntryStatus, Failure> {
    match status {
        REKALL_ENTRY_ACTIVE => Ok(EntryStatus::Active),
        REKALL_ENTRY_OBSOLETE => Ok(EntryStatus::Obsolete),
        other => Err(Failure::number("status", "REKALL_ENTRY_", other)),
    }
}

fn confidence(value: u32) -> Result<u8, Failure> {
    u8::try_from(value).map_err(|_| Failure::invalid(format!("confidence must be 0 to 5, got {value}")))
}

/// # Safety
/// The text is valid.
unsafe fn owned(text: Str, name: &str) -> Result<Option<String>, Failure> {
    // SAFETY: as promised by the caller.
    Ok(unsafe { text.optional(name)? }.map(str::to_owned))
}

/// # Safety
/// The text is valid.
unsafe fn set(target: &mut String, text: Str, name: &str) -> Result<(), Failure> {
    // SAFETY: as promised by the caller.
    if let Some(text) = unsafe { text.optional(name)? } {
        text.clone_into(target);
    }
    Ok(())
}

/// # Safety
/// The text is valid.
unsafe fn metadata(text: Str) -> Result<Option<Map<String, Value>>, Failure> {
    // SAFETY: as promised by the caller.
    let Some(text) = (unsafe { text.optional("metadata")? }) else { return Ok(None) };
    match rekall::storage::limits::parse_json("metadata", text)? {
        Value::Object(map) => Ok(Some(map)),
        _ => Err(Failure::invalid("metadata must be a JSON object")),
    }
}

/// # Safety
/// NULL, or a struct with valid members.
unsafe fn context(
    running: &Stoppable<'_>,
    given: *const EntryContext,
) -> Result<Option<rekall::Context>, Failure> {
    // SAFETY: as promised by the caller.
    unsafe {
        let Some(given) = options::read(given)? else { return Ok(None) };
        let list = |data, len, name| running.texts(data, len, name);
        Ok(Some(rekall::Context {
            situation: owned(given.situation, "situation")?,
            solution: owned(given.solution, "solution")?,
            what_failed: owned(given.what_failed, "what_failed")?,
            trigger_keywords: list(given.trigger_keywords, given.trigger_keywords_count, "trigger_keywords")?,
            error_messages: list(given.error_messages, given.error_messages_count, "error_messages")?,
            files: list(given.files, given.files_count, "files")?,
            text: owned(given.text, "text")?,
        }))
    }
}
