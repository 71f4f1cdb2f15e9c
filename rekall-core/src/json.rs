//! The host's own JSON: how deep it may be, which numbers it may hold, and when two values are the same.
//!
//! A JSON number can have any number of digits, what holds it here (64 bits of an integer, or a double) cannot. So a
//! number is exact or it is none: from a caller one that would be rounded is refused, and in a file, where another
//! program may have put it, it is read as a text of its digits.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

use crate::Error;

/// Deepest nesting of arrays and objects in metadata and in a filter's values, the outermost included. What reads a file
/// comes to 127 levels, SQLite to 1,000.
pub const JSON_DEPTH: usize = 100;

/// How many arrays and objects are inside of each other, `value` included. Takes no stack: a host may build a value of
/// any depth.
fn depth(value: &Value) -> usize {
    let (mut deepest, mut open) = (0, vec![(value, 1)]);
    while let Some((value, level)) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, level + 1))),
            Value::Object(map) => open.extend(map.values().map(|item| (item, level + 1))),
            _ => continue,
        }
        deepest = deepest.max(level);
    }
    deepest
}

/// Bytes of the value's texts, and one for each of its parts. Takes no stack.
pub(crate) fn bytes_about(value: &Value) -> usize {
    let (mut bytes, mut open) = (0_usize, vec![value]);
    while let Some(value) = open.pop() {
        bytes = bytes.saturating_add(1);
        match value {
            Value::String(text) => bytes = bytes.saturating_add(text.len()),
            Value::Array(items) => open.extend(items),
            Value::Object(map) => {
                bytes = map.keys().fold(bytes, |sum, key| sum.saturating_add(key.len()));
                open.extend(map.values());
            }
            _ => {}
        }
    }
    bytes
}

/// Refuses a value of a caller's that could not be read again, before anything walks it by recursion.
pub(crate) fn check_depth(field: &'static str, value: &Value) -> Result<(), Error> {
    too_deep(field, depth(value))
}

/// The same for an object, whose own braces count.
pub(crate) fn check_map_depth(field: &'static str, map: &Map<String, Value>) -> Result<(), Error> {
    too_deep(field, 1 + map.values().map(depth).max().unwrap_or(0))
}

fn too_deep(field: &'static str, got: usize) -> Result<(), Error> {
    if got > JSON_DEPTH { Err(Error::TooDeep { field, limit: JSON_DEPTH, got }) } else { Ok(()) }
}

/// The value, if need be cut so far that dropping and copying it is safe while it still is too deep: a value
/// frees itself by recursion, and a deep enough one would end the process.
pub(crate) fn cut(mut value: Value) -> Value {
    if depth(&value) <= JSON_DEPTH {
        return value;
    }
    let (mut open, mut off) = (vec![(&mut value, 1)], Vec::new());
    while let Some((value, level)) = open.pop() {
        let mut meet = |child| match level > JSON_DEPTH {
            true => off.push(std::mem::take(child)),
            false => open.push((child, level + 1)),
        };
        match value {
            Value::Array(items) => items.iter_mut().for_each(&mut meet),
            Value::Object(map) => map.values_mut().for_each(&mut meet),
            _ => {}
        }
    }
    while let Some(value) = off.pop() {
        match value {
            Value::Array(items) => off.extend(items),
            Value::Object(map) => off.extend(map.into_iter().map(|(_, item)| item)),
            _ => {}
        }
    }
    value
}

/// A caller's JSON text.
///
/// # Errors
/// [`Error::TooDeep`], [`Error::InexactNumber`], [`Error::NotJson`].
pub(crate) fn parse(field: &'static str, text: &str) -> Result<Value, Error> {
    let shape = Shape::of(text);
    too_deep(field, shape.depth)?;
    let value = serde_json::from_str(text);
    if let Some(number) = shape.inexact.first()
        && !matches!(&value, Err(error) if !error.to_string().starts_with("number out of range"))
    {
        let got = text[number.clone()].chars().take(64).collect();
        return Err(Error::InexactNumber { field, got });
    }
    value.map_err(|error| Error::NotJson { field, detail: error.to_string() })
}

/// JSON that stands in a file or an export.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_str(&exact(text))
}

/// The same JSON, numbers that cannot be held exactly as texts of their digits.
fn exact(text: &str) -> Cow<'_, str> {
    let numbers = Shape::of(text).inexact;
    if numbers.is_empty() {
        return text.into();
    }
    let (mut quoted, mut at) = (String::with_capacity(text.len() + 2 * numbers.len()), 0);
    for number in numbers {
        quoted.push_str(&text[at..number.start]);
        quoted.push('"');
        quoted.push_str(&text[number.clone()]);
        quoted.push('"');
        at = number.end;
    }
    quoted.push_str(&text[at..]);
    quoted.into()
}

/// What can be seen of a JSON text without parsing it.
struct Shape {
    depth: usize,
    /// Where numbers stand that cannot be held exactly.
    inexact: Vec<std::ops::Range<usize>>,
}

impl Shape {
    fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut shape = Self { depth: 0, inexact: Vec::new() };
        let (mut level, mut at) = (0_usize, 0);
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'[' | b'{' => {
                    level += 1;
                    shape.depth = shape.depth.max(level);
                }
                b']' | b'}' => level = level.saturating_sub(1),
                b'"' => {
                    while let Some(&byte) = bytes.get(at) {
                        at += if byte == b'\\' { 2 } else { 1 };
                        if byte == b'"' {
                            break;
                        }
                    }
                }
                b'-' | b'0'..=b'9' => {
                    let in_number =
                        |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                    let length = bytes[at..].iter().take_while(|byte| in_number(byte)).count();
                    let number = at - 1..at + length;
                    at = number.end;
                    if !is_exact(&text[number.clone()]) {
                        shape.inexact.push(number);
                    }
                }
                _ => {}
            }
        }
        shape
    }
}

/// Digits that every number may have: a double holds all decimals of fifteen exactly enough to give them back.
const FEW_DIGITS: usize = 15;

/// Whether a JSON number is held such that, written with as many digits, it is the same again.
fn is_exact(number: &str) -> bool {
    let is_plain = number.len() <= FEW_DIGITS && !number.contains(['e', 'E']);
    if is_plain || number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() {
        return true;
    }
    // What is no number is for the parser to refuse.
    let Ok(held) = number.parse::<f64>() else { return true };
    let (digits, exponent) = decimal(number);
    if digits.is_empty() || !held.is_finite() {
        return held == 0.0;
    }
    let places = digits.len() - 1;
    exponent.is_some() && decimal(&format!("{held:.places$e}")) == (digits, exponent)
}

/// The digits of a number without zeros at either end, and the exponent of the last of them where 64 bits hold it. The
/// sign is left out.
fn decimal(number: &str) -> (String, Option<i64>) {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()),
        None => (number, Some(0)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole.trim_start_matches('-'), fraction].concat();
    let digits = all.trim_end_matches('0');
    let moved = (all.len() - digits.len()) as i64 - fraction.len() as i64;
    (digits.trim_start_matches('0').to_owned(), exponent.and_then(|exponent| exponent.checked_add(moved)))
}

/// Whether two values say the same, numbers by their value: 1, 1.0 and 1e0 are one number, 1 and "1" are two things.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => same_number(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}

fn same_number(one: &Number, other: &Number) -> bool {
    order_of_numbers(one, other) == Some(Ordering::Equal)
}

/// The order of two numbers by their value, or of two texts by their code points. Nothing else has one.
pub(crate) fn order(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => order_of_numbers(one, other),
        // UTF-8 keeps the order of the code points.
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

/// What kind of value it is, in words for an error.
pub(crate) const fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn order_of_numbers(one: &Number, other: &Number) -> Option<Ordering> {
    let whole = |number: &Number| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        (None, None) => one.as_f64()?.partial_cmp(&other.as_f64()?),
        (Some(whole), None) => Some(order_with_double(whole, other.as_f64()?)),
        (None, Some(whole)) => Some(order_with_double(whole, one.as_f64()?).reverse()),
    }
}

/// The order of an integer and a double, which may not be able to hold that integer.
fn order_with_double(whole: i128, double: f64) -> Ordering {
    if double.abs() >= 2e19 {
        return if double > 0.0 { Ordering::Less } else { Ordering::Greater };
    }
    // Within 65 bits the cast is exact.
    let by_whole = whole.cmp(&(double.trunc() as i128));
    by_whole.then_with(|| 0.0.partial_cmp(&double.fract()).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn nested(levels: usize) -> Value {
        (0..levels).fold(Value::Null, |inner, level| match level % 2 {
            0 => Value::Array(vec![inner]),
            _ => json!({ "k": inner }),
        })
    }

    #[test]
    fn depth_is_counted_in_values_and_texts_alike() {
        for levels in [0, 1, 2, 99, 100, 101, 120] {
            assert_eq!(depth(&nested(levels)), levels);
            assert_eq!(Shape::of(&nested(levels).to_string()).depth, levels);
        }
        assert_eq!(depth(&json!([1, [2], { "a": [[3]], "b": 4 }])), 4);
        assert_eq!(Shape::of(r#"{"]}[{": "\"[[", "a": ["\\", [1]]}"#).depth, 3);
        assert!(parse("x", &"[".repeat(5_000_000)).is_err());
    }

    #[test]
    fn a_value_of_any_depth_is_cut_without_stack_and_stays_too_deep() {
        // Some 100 bytes of stack a level would be too much for a thread of 64 KiB.
        let thread = std::thread::Builder::new().stack_size(64 << 10).spawn(|| {
            let mut deep = json!({ "beside": [1, 2] });
            for _ in 0..200_000 {
                deep = Value::Array(vec![json!("x"), deep]);
            }
            let cut = cut(deep);
            assert_eq!(depth(&cut), JSON_DEPTH + 1);
            assert!(check_depth("x", &cut).is_err());
        });
        thread.unwrap().join().unwrap();
        assert_eq!(cut(nested(JSON_DEPTH)), nested(JSON_DEPTH));
    }

    #[test]
    fn numbers_are_exact_or_none() {
        let held = [
            "0",
            "-0",
            "-0.0",
            "1",
            "1.0",
            "1.10",
            "1e16",
            "1E+16",
            "1e20",
            "1.5e-7",
            "5e-324",
            "1.7976931348623157e308",
            "18446744073709551615",
            "-9223372036854775808",
            "18446744073709551616",
            "100000000000000000000",
            "123456789.12345679",
            "0.1",
            "0.10000000000000001",
            "3.141592653589793",
            "0e999999999999999999999",
            "0.000",
            "3.141592653589793115997963468544185161590576171875",
        ];
        for number in held {
            assert!(is_exact(number), "{number}");
            assert_eq!(exact(number), number);
            parse("x", number).unwrap();
        }
        let inexact = [
            "18446744073709551617",
            "-9223372036854775809",
            "123456789012345678901234567890",
            "123456789.123456789",
            "3.14159265358979323846",
            "9007199254740993.5",
            "1e400",
            "-1e400",
            "1e-400",
            "1e999999999999999999999",
            "0.1000000000000000000001",
        ];
        for number in inexact {
            assert!(!is_exact(number), "{number}");
            assert_eq!(read::<Value>(&format!("[{number} ]")).unwrap(), json!([number]));
            let refused = parse("metadata", number).unwrap_err();
            assert!(matches!(refused, Error::InexactNumber { .. }), "{number}: {refused}");
        }
        assert_eq!(exact(r#"{"1e400": ["\"1e400", 1e400]}"#), r#"{"1e400": ["\"1e400", "1e400"]}"#);
        for bad in ["", "[1,", "1e", "--1", "1.2.3", "NaN", "nul"] {
            assert!(matches!(parse("x", bad), Err(Error::NotJson { .. })), "{bad}");
        }
    }

    #[test]
    fn numbers_are_compared_by_value() {
        let same = |one: &str, other: &str| super::same(&read(one).unwrap(), &read(other).unwrap());
        for [one, other] in [
            ["1", "1.0"],
            ["10e-1", "1"],
            ["-0.0", "0"],
            ["1e16", "10000000000000000"],
            ["18446744073709551616", "1.8446744073709552e19"],
            ["[1, {\"a\": 2.0, \"b\": null}]", "[1.0, {\"b\": null, \"a\": 2}]"],
        ] {
            assert!(same(one, other) && same(other, one), "{one} and {other}");
        }
        for [one, other] in [
            ["1", "\"1\""],
            ["1", "true"],
            ["9007199254740993", "9007199254740992.0"],
            ["18446744073709551615", "18446744073709551616"],
            ["1", "1.0000000000000002"],
            ["[1]", "[1, 1]"],
            ["{\"a\": 1}", "{\"b\": 1}"],
            ["{}", "[]"],
        ] {
            assert!(!same(one, other) && !same(other, one), "{one} and {other}");
        }
    }

    #[test]
    fn numbers_and_texts_have_an_order_and_nothing_else_has() {
        let ascending = [
            "-1e300",
            "-9223372036854775808",
            "-9223372036854775807",
            "-3.5",
            "-3",
            "-0.5",
            "0",
            "5e-324",
            "2.9999999999999996",
            "3",
            "3.5",
            "9007199254740992.0",
            "9007199254740993",
            "18446744073709551615",
            "18446744073709551616.0",
            "1e20",
        ];
        let values = ascending.map(|number| serde_json::from_str::<Value>(number).unwrap());
        for (at, one) in values.iter().enumerate() {
            for (other_at, other) in values.iter().enumerate() {
                assert_eq!(order(one, other), Some(at.cmp(&other_at)), "{one} {other}");
                assert_eq!(same(one, other), at == other_at, "{one} {other}");
            }
        }
        assert_eq!(order(&json!(-0.0), &json!(0)), Some(Ordering::Equal));
        assert_eq!(order(&json!("2024-09-30"), &json!("2024-10-01")), Some(Ordering::Less));
        assert_eq!(order(&json!("z"), &json!("é")), Some(Ordering::Less));
        for (one, other) in [(json!(1), json!("1")), (json!(true), json!(false)), (json!([1]), json!([2]))] {
            assert_eq!(order(&one, &other), None, "{one} {other}");
        }
    }
}
