//! Filters: which entries a search may find
//!
//! Conditions for a search, a page or a count; an entry must meet all of them.
//!
//!     rekall_filter filter = REKALL_FILTER_INIT;
//!     rekall_str kinds[1];
//!     uint64_t count = 0;
//!     kinds[0] = rekall_text("bug");
//!     filter.kinds = kinds;
//!     filter.kinds_count = 1;
//!     filter.created_after_ms = 1700000000000;
//!     filter.flags = REKALL_FILTER_CREATED_AFTER;
//!     filter.status = REKALL_ENTRY_ANY;
//!     status = rekall_count(db, &filter, &count, &error);

use rekall::{Comparison, EntryId};

use crate::boundary::error::Failure;
use crate::boundary::options::{self, flags, goes_with, reserved, sized};
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
/// Flag of rekall_filter: as_of_ms is given.
pub const REKALL_FILTER_AS_OF: u32 = 32;
/// Flag of rekall_filter: entries pass, too, that have expired and are not deleted yet.
pub const REKALL_FILTER_INCLUDE_EXPIRED: u32 = 64;

const FLAGS: u32 = REKALL_FILTER_CREATED_AFTER
    | REKALL_FILTER_CREATED_BEFORE
    | REKALL_FILTER_UPDATED_AFTER
    | REKALL_FILTER_UPDATED_BEFORE
    | REKALL_FILTER_IDS
    | REKALL_FILTER_AS_OF
    | REKALL_FILTER_INCLUDE_EXPIRED;

/// Comparison of a rekall_metadata_condition (also 0): the value is the same; numbers by their value: 3 is 3.0.
pub const REKALL_COMPARISON_EQUAL: u32 = 1;
/// Comparison: the value is another one, or the entry does not have the key.
pub const REKALL_COMPARISON_NOT_EQUAL: u32 = 2;
/// Comparison: the value comes before the one given. Numbers are compared with numbers, by value, and texts with texts, by
/// code points; what is of another type does not pass.
pub const REKALL_COMPARISON_LESS_THAN: u32 = 3;
/// Comparison: the value comes before the one given, or is the same.
pub const REKALL_COMPARISON_AT_MOST: u32 = 4;
/// Comparison: the value comes after the one given.
pub const REKALL_COMPARISON_GREATER_THAN: u32 = 5;
/// Comparison: the value comes after the one given, or is the same.
pub const REKALL_COMPARISON_AT_LEAST: u32 = 6;

/// A condition on a top-level key of the metadata. Two of them on one key make a range.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct MetadataCondition {
    /// The key.
    pub key: Str,
    /// What its value is compared with, as JSON text: "3", "true", "\"text\""; a number or a text where an order is asked
    /// for (anything else is REKALL_INVALID_INPUT).
    pub value: Str,
    /// A REKALL_COMPARISON_ number; 0: REKALL_COMPARISON_EQUAL.
    pub comparison: u32,
    /// 0.
    pub reserved: u32,
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
    /// Kinds, none of which passes.
    pub not_kinds: *const Str,
    /// How many.
    pub not_kinds_count: usize,
    /// Projects, none of which passes; an entry without a project does.
    pub not_projects: *const Str,
    /// How many.
    pub not_projects_count: usize,
    /// The entry has none of these tags.
    pub not_tags: *const Str,
    /// How many.
    pub not_tags_count: usize,
    /// Memory types, none of which passes.
    pub not_memory_types: *const Str,
    /// How many.
    pub not_memory_types_count: usize,
    /// Ids, 26 characters each, of entries that do not pass.
    pub not_ids: *const Str,
    /// How many.
    pub not_ids_count: usize,
    /// Sources, any of which the entry may come from: the URI of its source, or one that this lies under.
    pub sources: *const Str,
    /// How many.
    pub sources_count: usize,
    /// What held at this moment, in milliseconds since 1970 (UTC), with its flag: entries whose valid time includes it. An entry
    /// that is obsolete today passes as active if its valid time says that it held then; rekall_supersede_entry() ends
    /// that of the older entry.
    pub as_of_ms: i64,
}

sized!(Filter, ..as_of_ms => "rekall_filter");

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
    wanted.as_of = bound(REKALL_FILTER_AS_OF, "as_of", given.as_of_ms)?;
    wanted.include_expired = set & REKALL_FILTER_INCLUDE_EXPIRED != 0;
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
        wanted.not_kinds = list(given.not_kinds, given.not_kinds_count, "not_kinds")?;
        wanted.not_projects = list(given.not_projects, given.not_projects_count, "not_projects")?;
        wanted.not_tags = list(given.not_tags, given.not_tags_count, "not_tags")?;
        let (types, count) = (given.not_memory_types, given.not_memory_types_count);
        wanted.not_memory_types = list(types, count, "not_memory_types")?;
        if by_id {
            wanted.ids = Some(ids(running, given.ids, given.ids_count, "ids")?);
        }
        wanted.not_ids = ids(running, given.not_ids, given.not_ids_count, "not_ids")?;
        wanted.sources = running.texts(given.sources, given.sources_count, "sources")?;
        for condition in text::values(given.metadata, given.metadata_count, "metadata")? {
            running.go_on()?;
            let key = condition.key.optional("metadata key")?;
            let key = key.ok_or_else(|| Failure::misuse("the key of a metadata condition is not given"))?;
            let value = condition.value.optional("metadata value")?.unwrap_or_default();
            let value = rekall::storage::limits::parse_json("a metadata value of the filter", value)
                .map_err(|error| Failure::from(error).of(&format!("metadata {key:?}")))?;
            reserved(condition.reserved, "rekall_metadata_condition")?;
            wanted.metadata.push(rekall::MetadataCondition::new(
                key,
                comparison(condition.comparison)?,
                value,
            ));
        }
    }
    Ok(wanted)
}

fn comparison(number: u32) -> Result<Comparison, Failure> {
    match number {
        0 | REKALL_COMPARISON_EQUAL => Ok(Comparison::Equal),
        REKALL_COMPARISON_NOT_EQUAL => Ok(Comparison::NotEqual),
        REKALL_COMPARISON_LESS_THAN => Ok(Comparison::LessThan),
        REKALL_COMPARISON_AT_MOST => Ok(Comparison::AtMost),
        REKALL_COMPARISON_GREATER_THAN => Ok(Comparison::GreaterThan),
        REKALL_COMPARISON_AT_LEAST => Ok(Comparison::AtLeast),
        other => Err(Failure::number("comparison", "REKALL_COMPARISON_", other)),
    }
}

/// # Safety
/// NULL, or so many valid texts.
pub(crate) unsafe fn ids(
    running: &Stoppable<'_>,
    data: *const Str,
    count: usize,
    name: &str,
) -> Result<Vec<EntryId>, Failure> {
    // SAFETY: as promised by the caller.
    let ids = unsafe { running.texts(data, count, name)? };
    let ids = ids.iter().map(|id| {
        running.go_on()?;
        Ok::<_, Failure>(id.parse()?)
    });
    ids.collect()
}
