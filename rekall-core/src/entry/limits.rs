//! Largest sizes accepted from a caller. Imported files may hold more: nothing of theirs is cut.

use super::NewEntry;
pub use crate::json::JSON_DEPTH;
use crate::{Error, Relation, json};

/// Longest title, in bytes of UTF-8 (4 KiB).
pub const TITLE_BYTES: usize = 4 << 10;
/// Longest content, in bytes of UTF-8 (4 MiB: a million characters of any script).
pub const CONTENT_BYTES: usize = 4 << 20;
/// Longest kind, project, memory type, tag or relation, in bytes of UTF-8.
pub const NAME_BYTES: usize = 256;
/// Most tags of one entry.
pub const TAGS: usize = 256;
/// Largest structured context, and largest metadata, as JSON bytes (1 MiB).
pub const JSON_BYTES: usize = 1 << 20;
/// Largest list of a filter, in bytes of its texts (64 MiB): a million ids, say.
pub const FILTER_BYTES: usize = 64 << 20;
/// Longest reason of a link, in bytes of UTF-8 (64 KiB).
pub const REASON_BYTES: usize = 64 << 10;
/// Highest confidence.
pub const CONFIDENCE: u8 = 5;
/// When a caller may say that an entry was made, in milliseconds since 1970 (UTC): in the years 1 to 9999, which ISO 8601
/// can write.
pub const CREATED_AT_MS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// Reads a caller's JSON text: metadata, or a value that a filter compares with. `field` names it in errors.
///
/// ```
/// # use rekall_core::limits::parse_json;
/// assert_eq!(parse_json("metadata", "{\"n\": 1e20}")?["n"], 1e20);
/// assert!(parse_json("metadata", "123456789012345678901234567890").is_err(), "it would be rounded");
/// # Ok::<(), rekall_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::NotJson`]; [`Error::TooDeep`] for more than [`JSON_DEPTH`] levels; [`Error::InexactNumber`] for a number with
/// more digits than 64 bits hold.
pub fn parse_json(field: &'static str, text: &str) -> Result<serde_json::Value, Error> {
    json::parse(field, text)
}

/// Checks everything a caller may get wrong in an entry.
pub(crate) fn check(entry: &NewEntry) -> Result<(), Error> {
    required("title", &entry.title, TITLE_BYTES)?;
    text("content", &entry.content, CONTENT_BYTES)?;
    required("kind", &entry.kind, NAME_BYTES)?;
    required("memory_type", &entry.memory_type, NAME_BYTES)?;
    if let Some(project) = &entry.project {
        required("project", project, NAME_BYTES)?;
    }
    if entry.tags.len() > TAGS {
        return Err(Error::TooLong { field: "tags", limit: TAGS, got: entry.tags.len(), unit: "tags" });
    }
    for tag in &entry.tags {
        required("tag", tag, NAME_BYTES)?;
    }
    if entry.confidence > CONFIDENCE {
        return Err(Error::OutOfRange {
            field: "confidence",
            expected: "0 to 5",
            got: entry.confidence.to_string(),
        });
    }
    time("created_at", entry.created_at)?;
    time("expires_at", entry.expires_at)?;
    check_valid_time(entry.valid_from, entry.valid_to)?;
    if let Some(context) = &entry.context {
        size("context", &serde_json::to_string(context).unwrap_or_default())?;
        for part in context.parts() {
            text("context", part, JSON_BYTES)?;
        }
    }
    if !entry.metadata.is_empty() {
        json::check_map_depth("metadata", &entry.metadata)?;
        size("metadata", &serde_json::to_string(&entry.metadata).unwrap_or_default())?;
    }
    Ok(())
}

/// Checks from when to when an entry holds.
pub(crate) fn check_valid_time(from: Option<i64>, to: Option<i64>) -> Result<(), Error> {
    time("valid_from", from)?;
    time("valid_to", to)?;
    match from.zip(to) {
        Some((from, to)) if to < from => Err(Error::OutOfRange {
            field: "valid_to",
            expected: "a time that is not before valid_from",
            got: format!("{to}, {} ms before it", from.abs_diff(to)),
        }),
        _ => Ok(()),
    }
}

/// Checks the words of a link.
pub(crate) fn check_link(relation: &Relation, reason: Option<&str>) -> Result<(), Error> {
    required("relation", relation.as_str(), NAME_BYTES)?;
    reason.map_or(Ok(()), |reason| text("reason", reason, REASON_BYTES))
}

fn time(field: &'static str, ms: Option<i64>) -> Result<(), Error> {
    match ms.filter(|ms| !CREATED_AT_MS.contains(ms)) {
        Some(ms) => Err(Error::OutOfRange {
            field,
            expected: "-62135596800000 to 253402300799999 milliseconds since 1970",
            got: ms.to_string(),
        }),
        None => Ok(()),
    }
}

pub(crate) fn required(field: &'static str, value: &str, limit: usize) -> Result<(), Error> {
    if value.trim().is_empty() {
        return Err(Error::Empty { field });
    }
    text(field, value, limit)
}

fn text(field: &'static str, value: &str, limit: usize) -> Result<(), Error> {
    if value.len() > limit {
        return Err(Error::TooLong { field, limit, got: value.len(), unit: "bytes" });
    }
    match value.find('\0') {
        Some(position) => Err(Error::Nul { field, position }),
        None => Ok(()),
    }
}

fn size(field: &'static str, value: &str) -> Result<(), Error> {
    if value.len() > JSON_BYTES {
        return Err(Error::TooLong { field, limit: JSON_BYTES, got: value.len(), unit: "bytes of JSON" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Context;

    fn refused(entry: &NewEntry) -> String {
        check(entry).expect_err("must be refused").to_string()
    }

    #[test]
    fn bad_entries_are_named() {
        assert_eq!(refused(&NewEntry::new(" \n")), "title is empty");
        assert_eq!(refused(&NewEntry::new("a\0b")), "title contains a NUL character at byte 1");
        let long = "x".repeat(10 << 20);
        assert_eq!(
            refused(&NewEntry::new("t").content(long)),
            "content is too long: at most 4194304 bytes, got 10485760"
        );
        assert_eq!(refused(&NewEntry::new("t").kind("")), "kind is empty");
        assert_eq!(refused(&NewEntry::new("t").tags([""])), "tag is empty");
        assert_eq!(refused(&NewEntry::new("t").confidence(6)), "confidence must be 0 to 5, got 6");
        let many = (0..300).map(|n| n.to_string());
        assert_eq!(refused(&NewEntry::new("t").tags(many)), "tags is too long: at most 256 tags, got 300");
        assert_eq!(
            refused(&NewEntry::new("t").created_at(i64::MAX)),
            format!(
                "created_at must be -62135596800000 to 253402300799999 milliseconds since 1970, got {}",
                i64::MAX
            )
        );
        check(&NewEntry::new("t").created_at(*CREATED_AT_MS.start())).unwrap();
        assert!(
            refused(&NewEntry::new("t").expires_at(i64::MIN))
                .starts_with("expires_at must be -62135596800000")
        );
        assert_eq!(
            refused(&NewEntry::new("t").valid_from(5).valid_to(3)),
            "valid_to must be a time that is not before valid_from, got 3, 2 ms before it"
        );
        check(&NewEntry::new("t").valid_from(5).valid_to(5)).unwrap();
        let context = Context { situation: Some("a\0".into()), ..Context::default() };
        assert_eq!(
            refused(&NewEntry::new("t").context(context)),
            "context contains a NUL character at byte 1"
        );
    }

    #[test]
    fn bad_links_are_named() {
        let refused =
            |relation: &str, reason| check_link(&relation.into(), reason).expect_err("bad").to_string();
        assert_eq!(refused(" ", None), "relation is empty");
        assert_eq!(refused("a\0", None), "relation contains a NUL character at byte 1");
        assert_eq!(refused(&"é".repeat(200), None), "relation is too long: at most 256 bytes, got 400");
        assert_eq!(refused("related", Some("\0")), "reason contains a NUL character at byte 0");
        let long = "x".repeat(REASON_BYTES + 1);
        assert_eq!(refused("related", Some(&long)), "reason is too long: at most 65536 bytes, got 65537");
        check_link(&"related".into(), Some("")).unwrap();
    }

    #[test]
    fn odd_but_sound_entries_pass() {
        for title in ["x", "👩‍👩‍👧‍👦", "é\u{301}", " padded ", "C++", "\u{202e}rtl"] {
            check(&NewEntry::new(title).content("\r\n\ttext")).unwrap();
        }
    }
}
