//! What stands between `---` (YAML) or `+++` (TOML) lines at the very start of a text.

mod date;
mod fields;

use serde_json::{Map, Value};

use super::outline::About;
use crate::Problem;

pub(super) use date::milliseconds;
use fields::fields;
pub(super) use fields::names_in;

/// Lines of front matter are rarely more than a dozen; this bounds the time that hostile ones take.
const MAX_BYTES: usize = 64 << 10;

/// What a text says about itself, and where its own text begins.
#[derive(Debug, Default)]
pub(super) struct FrontMatter {
    pub(super) about: About,
    /// Bytes that are not text: all of the front matter, unless it has an error.
    pub(super) length: usize,
    /// Where the text begins that has a structure.
    pub(super) body: usize,
    pub(super) problems: Vec<Problem>,
}

pub(super) fn split(text: &str) -> FrontMatter {
    let Some((syntax, inner, body)) = block(text) else { return FrontMatter::default() };
    let parsed = match syntax {
        Syntax::Yaml => yaml(inner),
        Syntax::Toml => toml(inner),
    };
    match parsed {
        Ok(Some(map)) => FrontMatter { about: fields(map), length: body, body, problems: Vec::new() },
        // Two thematic breaks with text between them.
        Ok(None) => FrontMatter::default(),
        Err((line, message)) => {
            let problem = Problem::FrontMatter { line: line + 1, message };
            FrontMatter { body, problems: vec![problem], ..FrontMatter::default() }
        }
    }
}

enum Syntax {
    Yaml,
    Toml,
}

/// The syntax, the lines between the marks, and where the text after them begins.
fn block(text: &str) -> Option<(Syntax, &str, usize)> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next()?;
    let (syntax, ends): (_, &[&str]) = match first.trim_end() {
        "---" => (Syntax::Yaml, &["---", "..."]),
        "+++" => (Syntax::Toml, &["+++"]),
        _ => return None,
    };
    let mut end = first.len();
    for line in lines {
        if ends.contains(&line.trim_end()) {
            return Some((syntax, &text[first.len()..end], end + line.len()));
        }
        end += line.len();
    }
    None
}

/// The line of an error, from 1, and what is wrong.
type Error = (usize, String);

/// `None` if it is well-formed and no mapping.
fn yaml(text: &str) -> Result<Option<Map<String, Value>>, Error> {
    if text.len() > MAX_BYTES {
        return Err((1, format!("{} bytes, the limit is {MAX_BYTES}", text.len())));
    }
    match serde_saphyr::from_str::<Value>(text) {
        Ok(Value::Object(map)) => Ok(Some(map)),
        Ok(_) => Ok(None),
        Err(error) => {
            let line = error.location().map_or(1, |location| usize::try_from(location.line()).unwrap_or(1));
            Err((line, one_line(&error.to_string())))
        }
    }
}

fn toml(text: &str) -> Result<Option<Map<String, Value>>, Error> {
    match text.parse::<toml::Table>() {
        Ok(table) => Ok(Some(table.into_iter().map(|(key, value)| (key, json(value))).collect())),
        Err(error) => {
            let line =
                error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count());
            Err((line + 1, one_line(error.message())))
        }
    }
}

/// Dates become text.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(yes) => yes.into(),
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(key, value)| (key, json(value))).collect())
        }
    }
}

fn one_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}
