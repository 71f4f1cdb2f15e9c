//! Which keys mean what.

use serde_json::{Map, Value};

use super::super::outline::About;
use super::milliseconds;

/// In order: those of the first one come first.
const TAGS: &[&str] = &["tags", "tag", "keywords"];
const ALIASES: &[&str] = &["aliases", "alias"];
/// In order: the first one that is a date counts.
const DATES: &[&str] = &["date", "created", "created_at"];

/// Sorts what a document says about itself. What has no meaning here, or not the form that its meaning asks for,
/// stays in the metadata. Keys are compared without regard to case.
pub(super) fn fields(map: Map<String, Value>) -> About {
    let mut about = About::default();
    let (mut dates, mut tags) = (Vec::new(), Vec::new());
    for (key, value) in map {
        let name = key.to_lowercase();
        let is = |names: &[&str]| names.contains(&name.as_str());
        if name == "title"
            && about.title.is_none()
            && let Some(title) = text(&value)
        {
            about.title = Some(title);
        } else if let Some(rank) = TAGS.iter().position(|tags| *tags == name)
            && let Some(named) = names(&value, true)
        {
            tags.push((rank, named));
        } else if is(ALIASES)
            && let Some(aliases) = names(&value, false)
        {
            about.aliases.extend(aliases);
        } else {
            if let Some(rank) = DATES.iter().position(|date| *date == name)
                && let Some(date_ms) = value.as_str().and_then(milliseconds)
            {
                dates.push((rank, date_ms, key.clone()));
            }
            about.metadata.insert(key, value);
        }
    }
    if let Some((_, date_ms, key)) = dates.into_iter().min() {
        about.date_ms = Some(date_ms);
        about.metadata.remove(&key);
    }
    tags.sort();
    let tags = tags.iter().flat_map(|(_, named)| named).map(|tag| tag.trim_start_matches('#').to_owned());
    about.tags = tags.filter(|tag| !tag.is_empty()).collect();
    about
}

/// A single value as text, on one line and not blank.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// A list of names, or one text, which commas separate where that is usual.
fn names(value: &Value, commas: bool) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(values) => values.iter().filter(|value| !value.is_null()).map(text).collect(),
        Value::String(names) if commas => Some(names_in(names)),
        value => text(value).map(|name| vec![name]),
    }
}

/// The names that commas separate.
pub(in super::super) fn names_in(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
