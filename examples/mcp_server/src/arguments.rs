//! Arguments of tools. Each type checks what its JSON schema promises, so that the two cannot differ.

use std::borrow::Cow;
use std::fmt;

use rekall::EntryId;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::failure::Failure;

/// The arguments of a call, or what is wrong with them and where.
pub(crate) fn parse<T: DeserializeOwned>(arguments: Map<String, Value>) -> Result<T, Failure> {
    serde_path_to_error::deserialize(Value::Object(arguments)).map_err(|error| {
        let (path, problem) = (error.path().to_string(), error.inner());
        Failure::Arguments(if path == "." { problem.to_string() } else { format!("{path}: {problem}") })
    })
}

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Count<MIN, MAX> {
    pub(crate) fn get(self) -> usize {
        self.0 as usize
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Count<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole<const MIN: u32, const MAX: u32>;
        impl<const MIN: u32, const MAX: u32> Visitor<'_> for Whole<MIN, MAX> {
            type Value = u32;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<u32, E> {
                let fits = u32::try_from(value).ok().filter(|value| (MIN..=MAX).contains(value));
                fits.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<u32, E> {
                Err(E::invalid_value(Unexpected::Signed(value), &self))
            }
            // Some models write every number with a point.
            fn visit_f64<E: Error>(self, value: f64) -> Result<u32, E> {
                let whole = value.fract() == 0.0 && (f64::from(MIN)..=f64::from(MAX)).contains(&value);
                if whole { Ok(value as u32) } else { Err(E::invalid_value(Unexpected::Float(value), &self)) }
            }
        }
        deserializer.deserialize_any(Whole::<MIN, MAX>).map(Self)
    }
}

impl<const MIN: u32, const MAX: u32> JsonSchema for Count<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Count{MIN}To{MAX}").into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// A text that is not blank, of at most `MAX` characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.trim().is_empty() {
            return Err(D::Error::custom("must not be blank"));
        }
        let got = text.chars().count();
        if got > MAX {
            return Err(D::Error::custom(format_args!("must have at most {MAX} characters, has {got}")));
        }
        Ok(Self(text))
    }
}

impl<const MAX: usize> JsonSchema for Text<MAX> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Text{MAX}").into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": MAX })
    }
}

/// At least `MIN` and at most `MAX` values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List<T, const MIN: usize, const MAX: usize>(Vec<T>);

impl<T, const MIN: usize, const MAX: usize> List<T, MIN, MAX> {
    pub(crate) fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MIN: usize, const MAX: usize> Default for List<T, MIN, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MIN: usize, const MAX: usize> Deserialize<'de> for List<T, MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = Vec::deserialize(deserializer)?;
        let got = values.len();
        if (MIN..=MAX).contains(&got) {
            return Ok(Self(values));
        }
        Err(D::Error::custom(format_args!("must have {MIN} to {MAX} items, has {got}")))
    }
}

impl<T: JsonSchema, const MIN: usize, const MAX: usize> JsonSchema for List<T, MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("{MIN}To{MAX}{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let items = generator.subschema_for::<T>();
        json_schema!({ "type": "array", "items": items, "minItems": MIN, "maxItems": MAX })
    }
}

/// The id of a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(EntryId);

impl Id {
    pub(crate) fn get(self) -> EntryId {
        self.0
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.trim().parse().map(Self).map_err(|_| {
            let got: String = text.chars().take(40).collect();
            D::Error::custom(format_args!("must be an id as recall and recent show it, got {got:?}"))
        })
    }
}

impl JsonSchema for Id {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        limit: Option<Count<1, 50>>,
        text: Option<Text<5>>,
        #[serde(default)]
        ids: List<Id, 1, 2>,
    }

    fn sample(arguments: &Value) -> Result<Sample, String> {
        parse(arguments.as_object().unwrap().clone()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn what_fits_is_taken() {
        let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let given = sample(&json!({ "limit": 50.0, "text": "été!!", "ids": [id] })).unwrap();
        assert_eq!(given.limit.map(Count::get), Some(50));
        assert_eq!(given.text.as_ref().map(Text::as_str), Some("été!!"));
        assert_eq!(given.ids.into_vec()[0].get().to_string(), id);
        let empty = sample(&json!({ "limit": null, "text": null })).unwrap();
        assert!(empty.limit.is_none() && empty.text.is_none() && empty.ids.into_vec().is_empty());
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_place() {
        for (arguments, said) in [
            (
                json!({ "limit": 0 }),
                "limit: invalid value: integer `0`, expected a whole number from 1 to 50",
            ),
            (json!({ "limit": -1 }), "limit: invalid value: integer `-1`"),
            (json!({ "limit": 1.5 }), "limit: invalid value: floating point `1.5`"),
            (json!({ "limit": "5" }), "limit: invalid type: string \"5\""),
            (json!({ "text": " \n" }), "text: must not be blank"),
            (json!({ "text": "6 long" }), "text: must have at most 5 characters, has 6"),
            (json!({ "ids": [] }), "ids: must have 1 to 2 items, has 0"),
            (json!({ "ids": ["mine"] }), "ids[0]: must be an id as recall and recent show it, got \"mine\""),
            (json!({ "lmit": 1 }), "unknown field `lmit`, expected one of `limit`, `text`, `ids`"),
        ] {
            let problem = sample(&arguments).unwrap_err();
            assert!(problem.contains(said), "{arguments}: {problem}");
        }
    }
}
