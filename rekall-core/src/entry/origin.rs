//! What an entry brings along that comes from elsewhere.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Context, Entry, NewEntry, Status, limits, unique_tags};
use crate::{EntryId, Error, Relation, json};

/// What an entry that was made elsewhere keeps of there, besides what it says. Default: nothing, it is made now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Origin {
    /// Whether it still holds.
    pub status: Status,
    /// When it was made: milliseconds since 1970 (UTC); `None`: now.
    pub created_at: Option<i64>,
    /// When it was last changed; `None`: when it was made, or now if that is not given either.
    pub updated_at: Option<i64>,
    /// What a file that was imported there had no place for.
    pub legacy: Option<Value>,
}

impl Origin {
    /// Refuses what could not be read again.
    ///
    /// # Errors
    /// [`Error::TooDeep`].
    pub fn validate(&self) -> Result<(), Error> {
        self.legacy.as_ref().map_or(Ok(()), |legacy| json::check_depth("legacy", legacy))
    }
}

/// An entry in JSON, as `docs/jsonl.md` describes it: only the title has to be there.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EntryJson {
    /// Its id; `None`: one is to be made.
    pub id: Option<EntryId>,
    /// What it says.
    pub entry: NewEntry,
    /// What it keeps of elsewhere.
    pub origin: Origin,
    /// The entry that replaced it.
    pub superseded_by: Option<EntryId>,
    /// The links that start at it.
    pub links: Vec<LinkJson>,
}

/// A link of an [`EntryJson`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkJson {
    /// Where it ends.
    pub target: EntryId,
    /// What it says.
    pub relation: String,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// When it was made; `None`: now.
    #[serde(default)]
    pub created_at: Option<i64>,
}

/// The keys of the object. `null` stands for what is not there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys<'a> {
    title: String,
    #[serde(default)]
    id: Option<EntryId>,
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    project: Option<String>,
    #[serde(default)]
    tags: Option<Vec<String>>,
    #[serde(default)]
    status: Option<Status>,
    #[serde(default)]
    superseded_by: Option<EntryId>,
    #[serde(default)]
    confidence: Option<u8>,
    #[serde(default)]
    memory_type: Option<String>,
    #[serde(default)]
    context: Option<Context>,
    #[serde(default, borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(default, borrow)]
    legacy: Option<&'a RawValue>,
    #[serde(default)]
    created_at: Option<i64>,
    #[serde(default)]
    updated_at: Option<i64>,
    #[serde(default)]
    expires_at: Option<i64>,
    #[serde(default)]
    valid_from: Option<i64>,
    #[serde(default)]
    valid_to: Option<i64>,
    #[serde(default)]
    links: Option<Vec<LinkJson>>,
    /// Written with an entry, and left out when it is read: a place is given by synchronizing its source.
    #[serde(default, rename = "source")]
    _source: Option<IgnoredAny>,
}

impl EntryJson {
    /// Reads one entry.
    ///
    /// ```
    /// # use rekall_core::EntryJson;
    /// let read = EntryJson::parse(br#"{"title": "Renew the certificate", "tags": ["tls"]}"#)?;
    /// assert_eq!((read.entry.title.as_str(), read.entry.kind.as_str()), ("Renew the certificate", "note"));
    /// let refused = EntryJson::parse(br#"{"titel": "Renew"}"#).unwrap_err().to_string();
    /// assert!(refused.contains("titel"), "{refused}");
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::BadEntry`], and what [`NewEntry::validate`] refuses.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        let keys: Keys<'_> = serde_json::from_slice(json).map_err(|error| bad(&error))?;
        let mut entry = NewEntry::new(keys.title);
        set(&mut entry.content, keys.content);
        set(&mut entry.kind, keys.kind);
        set(&mut entry.tags, keys.tags);
        set(&mut entry.confidence, keys.confidence);
        set(&mut entry.memory_type, keys.memory_type);
        if let Some(metadata) = keys.metadata {
            entry.metadata = match json::parse("metadata", metadata.get())? {
                Value::Object(map) => map,
                _ => return Err(Error::BadEntry { problem: "metadata must be a JSON object".to_owned() }),
            };
        }
        entry.project = keys.project;
        entry.context = keys.context;
        entry.expires_at = keys.expires_at;
        entry.valid_from = keys.valid_from;
        entry.valid_to = keys.valid_to;
        entry.validate()?;
        let links = keys.links.unwrap_or_default();
        for link in &links {
            limits::check_link(&Relation::from(link.relation.as_str()), link.reason.as_deref())?;
        }
        Ok(Self {
            id: keys.id,
            entry,
            origin: Origin {
                status: keys.status.unwrap_or_default(),
                created_at: keys.created_at,
                updated_at: keys.updated_at,
                legacy: keys.legacy.map(|legacy| json::parse("legacy", legacy.get())).transpose()?,
            },
            superseded_by: keys.superseded_by,
            links,
        })
    }

    /// Reads one entry, or an array of entries; an error in one of several names its number, from 0.
    ///
    /// ```
    /// # use rekall_core::EntryJson;
    /// let entries = EntryJson::parse_all(r#"[{"title": "one"}, {"title": "two"}]"#)?;
    /// assert_eq!(entries[1].entry.title, "two");
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_all(json: &str) -> Result<Vec<Self>, Error> {
        if !json.trim_start().starts_with('[') {
            return Self::parse(json.as_bytes()).map(|one| vec![one]);
        }
        let items: Vec<&serde_json::value::RawValue> =
            serde_json::from_str(json).map_err(|error| bad(&error))?;
        let read = items.iter().enumerate().map(|(at, item)| {
            Self::parse(item.get().as_bytes())
                .map_err(|error| Error::BadEntry { problem: format!("entry {at} of the array: {error}") })
        });
        read.collect()
    }
}

fn bad(error: &serde_json::Error) -> Error {
    Error::BadEntry { problem: error.to_string() }
}

fn set<T>(field: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *field = given;
    }
}

impl Entry {
    /// What is stored for a new entry.
    #[must_use]
    pub fn of(new: NewEntry, id: EntryId, origin: Origin, now_ms: i64) -> Self {
        let created_at = origin.created_at.or(new.created_at).or(origin.updated_at).unwrap_or(now_ms);
        Self {
            id,
            title: new.title,
            content: new.content,
            kind: new.kind,
            project: new.project,
            tags: unique_tags(new.tags),
            status: origin.status,
            superseded_by: None,
            confidence: new.confidence,
            memory_type: new.memory_type,
            context: new.context.filter(|context| !context.is_empty()),
            metadata: new.metadata,
            legacy: origin.legacy,
            source: None,
            created_at,
            updated_at: origin.updated_at.unwrap_or(created_at).max(created_at),
            expires_at: new.expires_at,
            valid_from: new.valid_from,
            valid_to: new.valid_to,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        EntryJson::parse_all(json).expect_err("must be refused").to_string()
    }

    #[test]
    fn what_is_not_said_has_its_default_and_so_has_null() {
        let all_null = r#"{"title":"t","id":null,"content":null,"kind":null,"project":null,"tags":null,"status":null,
            "superseded_by":null,"confidence":null,"memory_type":null,"context":null,"metadata":null,"legacy":null,
            "created_at":null,"updated_at":null,"expires_at":null,"valid_from":null,"valid_to":null,"links":null}"#;
        let short = EntryJson::parse(br#"{"title":"t"}"#).unwrap();
        assert_eq!(short, EntryJson::parse(all_null.as_bytes()).unwrap());
        assert_eq!(short.entry, NewEntry::new("t"));
        assert_eq!((short.id, short.origin), (None, Origin::default()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, said) in [
            ("", "EOF"),
            ("3", "invalid type"),
            ("{}", "title"),
            (r#"{"title":" "}"#, "title is empty"),
            (r#"{"title":"a\u0000b"}"#, "NUL"),
            (r#"{"title":"t","confidence":6}"#, "0 to 5"),
            (r#"{"title":"t","vectors":[]}"#, "vectors"),
            (r#"{"title":"t","id":"no"}"#, "26 characters"),
            (r#"{"title":"t","status":"gone"}"#, "gone"),
            (r#"{"title":"t"} {"title":"u"}"#, "trailing"),
            (r#"{"title":"t","metadata":[]}"#, "metadata must be a JSON object"),
            (r#"{"title":"t","metadata":{"n":18446744073709551617}}"#, "metadata holds a number"),
            (r#"{"title":"t","legacy":[1e400]}"#, "legacy holds a number"),
            (r#"[{"title":"t"},{"titel":"u"}]"#, "entry 1 of the array"),
            (r#"[{"title":"t"},"#, "EOF"),
        ] {
            let error = refused(json);
            assert!(error.contains(said), "{json}: {error}");
        }
        for (levels, sound) in [(99, true), (100, false), (1_000, false)] {
            let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            let read = EntryJson::parse(format!(r#"{{"title":"t","metadata":{{"k":{deep}}}}}"#).as_bytes());
            assert_eq!(read.is_ok(), sound, "{levels}");
        }
        assert!(EntryJson::parse_all(" [ ] ").unwrap().is_empty());
    }

    #[test]
    fn times_are_kept_in_order() {
        let of = |created_at, updated_at| {
            let origin = Origin { created_at, updated_at, ..Origin::default() };
            let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
            let entry = Entry::of(NewEntry::new("t"), id, origin, 9);
            (entry.created_at, entry.updated_at)
        };
        assert_eq!(of(None, None), (9, 9));
        assert_eq!(of(Some(5), None), (5, 5));
        assert_eq!(of(Some(5), Some(7)), (5, 7));
        assert_eq!(of(None, Some(7)), (7, 7));
        assert_eq!(of(Some(5), Some(3)), (5, 5));
    }
}
