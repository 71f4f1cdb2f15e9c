//! The context of an entry, which the Python tool kept in up to three columns.
//!
//! `context_blob` (zlib around JSON, schema 7) counts before `context_structured` (the same JSON as text,
//! schema 6), and that before `context_compressed` (zlib around free text, schema 4). Fields with a place in
//! [`Context`] go there; all others, and what the chosen column does not repeat of the other two, go into
//! `legacy`:
//!
//! - `legacy.context`: fields of the JSON without a place (`time_of_day`, `day_of_week`, `created_at`,
//!   `extraction_method`, unknown ones), values of an unexpected type, empty lists;
//! - `legacy.context_structured`: the JSON text, when it says something else than the blob, or is no JSON;
//! - `legacy.context_compressed`: the free text, unpacked, when there is a structured context, too;
//! - a column that cannot be unpacked stays there as it is, in hexadecimal.

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use serde_json::{Map, Value};

use super::cell::{Cell, Fields};
use super::report::Notes;
use crate::{Context, json};

/// Largest context that is unpacked; a larger one is kept packed.
const LIMIT: usize = 64 << 20;

/// Takes the context's columns out of an entry. `name` is the entry's, for notes.
pub(super) fn take(
    fields: &mut Fields,
    kept: &mut Map<String, Value>,
    name: &str,
    notes: &mut Notes,
) -> Option<Context> {
    let structured = fields.take("context_structured");
    let mut chosen = unpack(fields, "context_blob", kept, name, notes).and_then(|text| {
        let object = object(&text);
        if object.is_none() {
            notes.add("contexts that are not JSON, kept in `legacy`", name);
            kept.insert("context_blob".to_owned(), Value::String(text));
        }
        object
    });
    if let Some(text) = structured.text() {
        let object = object(text);
        if object.is_none() {
            notes.add("contexts that are not JSON, kept in `legacy`", name);
        }
        match object {
            Some(object) if chosen.is_none() => chosen = Some(object),
            Some(object) if Some(&object) == chosen.as_ref() => {}
            _ => _ = kept.insert("context_structured".to_owned(), Value::from(text)),
        }
    } else if structured != Cell::Null {
        kept.insert("context_structured".to_owned(), structured.to_json());
    }
    let free_text = unpack(fields, "context_compressed", kept, name, notes);

    let mut context = match chosen {
        Some(object) => {
            let (context, rest) = split(object);
            if !rest.is_empty() {
                kept.insert("context".to_owned(), Value::Object(rest));
            }
            if let Some(text) = free_text {
                kept.insert("context_compressed".to_owned(), Value::String(text));
            }
            Some(context)
        }
        None => free_text.map(|text| Context { text: Some(text), ..Context::default() }),
    };
    context.take_if(|context| !context.is_empty())
}

/// The JSON of a context, if it can still be read when it stands within the entry's `legacy`.
fn object(text: &str) -> Option<Map<String, Value>> {
    let object = json::read(text).ok()?;
    json::check_map_depth("context", &object).is_ok().then_some(object)
}

/// A packed column's text. What cannot be unpacked is kept as it is.
fn unpack(
    fields: &mut Fields,
    column: &'static str,
    kept: &mut Map<String, Value>,
    name: &str,
    notes: &mut Notes,
) -> Option<String> {
    let cell = fields.take(column);
    let unpacked = match &cell {
        Cell::Null => return None,
        Cell::Blob(bytes) => {
            decompress_to_vec_zlib_with_limit(bytes, LIMIT).ok().and_then(|text| String::from_utf8(text).ok())
        }
        _ => None,
    };
    if unpacked.is_none() {
        notes.add("contexts that cannot be unpacked, kept in `legacy` as they are", name);
        kept.insert(column.to_owned(), cell.to_json());
    }
    unpacked
}

/// Fields with a place go there, the others stay.
fn split(mut object: Map<String, Value>) -> (Context, Map<String, Value>) {
    let mut context = Context::default();
    let texts = [
        ("situation", &mut context.situation),
        ("solution", &mut context.solution),
        ("what_failed", &mut context.what_failed),
        ("conversation_excerpt", &mut context.text),
    ];
    for (name, place) in texts {
        if let Some(Value::String(text)) = object.get_mut(name) {
            *place = Some(std::mem::take(text));
            object.remove(name);
        }
    }
    let lists = [
        ("trigger_keywords", &mut context.trigger_keywords),
        ("error_messages", &mut context.error_messages),
        ("files_modified", &mut context.files),
    ];
    for (name, place) in lists {
        let all_text = |list: &[Value]| !list.is_empty() && list.iter().all(Value::is_string);
        if let Some(Value::Array(list)) =
            object.get(name).filter(|value| value.as_array().is_some_and(|l| all_text(l)))
        {
            *place = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            object.remove(name);
        }
    }
    // The tool writes every field, null where nothing was said: null and missing are the same.
    object.retain(|_, value| !value.is_null());
    (context, object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_place_stays() {
        let (context, rest) = split(
            object(
                r#"{"situation": "s", "solution": 7, "trigger_keywords": ["a", "b"], "error_messages": [],
                    "files_modified": ["x", 1], "conversation_excerpt": "talk", "what_failed": null,
                    "time_of_day": "night", "mood": {"good": true}}"#,
            )
            .unwrap(),
        );
        let expected = Context {
            situation: Some("s".into()),
            trigger_keywords: vec!["a".into(), "b".into()],
            text: Some("talk".into()),
            ..Context::default()
        };
        assert_eq!(context, expected);
        let rest = Value::Object(rest);
        let left = serde_json::json!({"solution": 7, "error_messages": [], "files_modified": ["x", 1],
            "time_of_day": "night", "mood": {"good": true}});
        assert_eq!(rest, left);
    }
}
