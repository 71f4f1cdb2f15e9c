//! Filters: which entries a search may find

use crate::boundary::error::Failure;
use crate::boundary::options::{self, flags, goes_with, sized};
use crate::boundary::text::{self, Str};
use crate::calls::stoppable::Stoppable;
use crate::entries::input::{REKALL_ENTRY_ANY, entry_status};

/// Flag of rekall_filter: created_after_ms is given.
pub const REKALL_FILTER_CREATED_AFTER: u32 = 1;
/// Flag of rekall_filter: created_before_ms is given.
pub const REKALL_FILTER_CREATED_BEFORE: u32 = 2;
/// Flag of rekall_filter: updated_after_ms is given.
pub const REKALL_FILTER_UPDATED_AFTER: u32 = 4;
/// Flag of rekall_filter: updated_before_ms is given.
pub const REKALL_FILTER_UPDATED_BEFORE: u32 = 8;
/// Flag of rekall_filter: only the entries in ids, also when there are none (nothing is found then).
pub const REKALL_FILTER_IDS: u32 = 16;

const FLAGS: u32 = REKALL_FILTER_CREATED_AFTER
    | REKALL_FILTER_CREATED_BEFORE
    | REKALL_FILTER_UPDATED_AFTER
    | REKALL_FILTER_UPDATED_BEFORE
    | REKALL_FILTER_IDS;

/// A top-level key of the metadata and the value it must have.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct MetadataCondition {
    /// The key.
    pub key: Str,
    /// The value, as JSON text: "3", "true", "\"text\"". Numbers are compared by value: 3 is 3.0.
    pub value: Str,
}

/// Conditions on entries, all of which must hold, before anything is ranked. What is 0 or NULL is no condition. Start
/// from REKALL_FILTER_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Filter {
    /// sizeof(rekall_filter).
    pub struct_size: usize,
    /// REKALL_FILTER_ flags.
    pub flags: u32,
    /// REKALL_ENTRY_ACTIVE (also 0), REKALL_ENTRY_OBSOLETE or REKALL_ENTRY_ANY.
    pub status: u32,
    /// Kinds, any of which passes.
    pub kinds: *const Str,
    /// How many.
    pub kinds_count: usize,
    /// Projects, any of which passes.
    pub projects: *const Str,
    /// How many.
    pub projects_count: usize,
    /// The entry has at least one of these tags.
    pub tags_any: *const Str,
    /// How many.
    pub tags_any_count: usize,
    /// The entry has each of these tags.
    pub tags_all: *const Str,
    /// How many.
    pub tags_all_count: usize,
    /// Memory types, any of which passes.
    pub memory_types: *const Str,
    /// How many.
    pub memory_types_count: usize,
    /// Ids, 26 characters each: only these entries pass. With a count above 0, or REKALL_FILTER_IDS.
    pub ids: *const Str,
    /// How many.
    pub ids_count: usize,
    /// Conditions on the metadata. Costs a look at each entry that passes the rest.
    pub metadata: *const MetadataCondition,
    /// How many.
    pub metadata_count: usize,
    /// Made at this time or later, in milliseconds since 1970 (UTC), with its flag.
    pub created_after_ms: i64,
    /// Made before this time, with its flag.
    pub created_before_ms: i64,
    /// Changed at this time or later, with its flag.
    pub updated_after_ms: i64,
    /// Changed before this time, with its flag.
    pub updated_before_ms: i64,
}

sized!(Filter, ..updated_before_ms => "rekall_filter");

/// As REKALL_FILTER_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_filter_init(filter: *mut Filter, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(filter, struct_size) }
}

/// The caller's filter; the default one, active entries, for NULL.
///
/// # Safety
/// NULL, or a struct with valid members.
pub(crate) unsafe fn read(running: &Stoppable<'_>, filter: *const Filter) -> Result<rekall::Filter, Failure> {
    let mut wanted = rekall::Filter::new();
    // SAFETY: as promised by the caller.
    let Some(given) = (unsafe { options::read(filter)? }) else { return Ok(wanted) };
    let set = flags(given.flags, FLAGS, "rekall_filter")?;
    let bound = |flag, name: &str, value: i64| {
        let counts = set & flag != 0;
        goes_with(
            value != 0,
            &format!("{name}_ms"),
            counts,
            &format!("REKALL_FILTER_{}", name.to_ascii_uppercase()),
        )?;
        Ok::<_, Failure>(counts.then_some(value))
    };
    wanted.created_after = bound(REKALL_FILTER_CREATED_AFTER, "created_after", given.created_after_ms)?;
    wanted.created_before = bound(REKALL_FILTER_CREATED_BEFORE, "created_before", given.created_before_ms)?;
    wanted.updated_after = bound(REKALL_FILTER_UPDATED_AFTER, "updated_after", given.updated_after_ms)?;
    wanted.updated_before = bound(REKALL_FILTER_UPDATED_BEFORE, "updated_before", given.updated_before_ms)?;
    let by_id = set & REKALL_FILTER_IDS != 0 || given.ids_count > 0;
    goes_with(!given.ids.is_null(), "ids", by_id, "ids_count or REKALL_FILTER_IDS")?;
    wanted.status = match given.status {
        0 => wanted.status,
        REKALL_ENTRY_ANY => None,
        status => Some(entry_status(status)?),
    };
    // SAFETY: as promised by the caller.
    unsafe {
        let list = |data, len, name| running.texts(data, len, name);
        wanted.kinds = list(given.kinds, given.kinds_count, "kinds")?;
        wanted.projects = list(given.projects, given.projects_count, "projects")?;
        wanted.tags_any = list(given.tags_any, given.tags_any_count, "tags_any")?;
        wanted.tags_all = list(given.tags_all, given.tags_all_count, "tags_all")?;
        wanted.memory_types = list(given.memory_types, given.memory_types_count, "memory_types")?;
        if by_id {
            let ids = list(given.ids, given.ids_count, "ids")?;
            let ids = ids.iter().map(|id| {
                running.go_on()?;
                Ok::<_, Failure>(id.parse()?)
            });
            wanted.ids = Some(ids.collect::<Result<_, _>>()?);
        }
        for condition in text::values(given.metadata, given.metadata_count, "metadata")? {
            running.go_on()?;
            let key = condition.key.optional("metadata key")?;
            let key = key.ok_or_else(|| Failure::misuse("the key of a metadata condition is not given"))?;
            let value = condition.value.optional("metadata value")?.unwrap_or_default();
            let value = rekall::core::limits::parse_json("a metadata value of the filter", value)
                .map_err(|error| Failure::from(error).of(&format!("metadata {key:?}")))?;
            wanted.metadata.push((key.to_owned(), value));
        }
    }
    Ok(wanted)
}
