//! Looking at the vectors before they are brought over.
//!
//! A vector is fit when its blob is a whole number of finite f32, as many as its row says, not all zero, of
//! a known type and the first of its type for its entry. Anything else goes into quarantine, with its bytes.
//! Fit vectors are grouped by model name and number of components: each group is a space of its own.
//!
//! A length further from 1 than 0.001 is made 1 (the Python tool did so before every comparison); nearer
//! ones are left as they are, bit for bit.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::Connection;
use serde_json::Value;

use super::cell::{Cell, Fields};
use super::probe::Layout;
use super::read::{each_known_row, with_entry};
use super::time::{self, Written, Zone};
use crate::{Error, Role, vector};

/// A space in the making: fingerprint and components.
pub(super) type Group = (String, usize);

/// One row of `embeddings`.
#[derive(Debug)]
pub(super) struct Surveyed {
    pub(super) rowid: i64,
    pub(super) role: Option<Role>,
    pub(super) created: Option<Written>,
    /// The group it belongs to, or what is wrong with it.
    pub(super) verdict: Result<Group, String>,
    /// The row, without the vector and the entry's id.
    pub(super) row: Value,
}

/// All rows of `embeddings`.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// By the entry's place in the plan, in the order of roles.
    pub(super) by_entry: HashMap<usize, Vec<Surveyed>>,
    /// Rows of entries that are not there.
    pub(super) loose: Vec<(&'static str, Value)>,
}

/// The text that a space of imported vectors is known by. The model crate reads it back
/// (`Fingerprint::imported`), so the two must agree; the number of components stands beside it in `space`.
pub(super) fn fingerprint(model: &str) -> String {
    let model: String = model.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("imported, model {model}, unverified")
}

pub(super) fn survey(
    connection: &Connection,
    layout: &Layout,
    known: &HashMap<&str, usize>,
    zone: &mut Zone,
) -> Result<Survey, Error> {
    let mut survey = Survey::default();
    let mut seen = HashSet::new();
    each_known_row(connection, layout, "embeddings", |rowid, mut fields| {
        let entry = fields.take_text("entry_id", &mut serde_json::Map::new());
        let Some(&place) = entry.as_deref().and_then(|entry| known.get(entry)) else {
            survey.loose.push(("embeddings", with_entry(fields, entry)));
            return Ok(());
        };
        let bytes = fields.take("vector");
        let mut columns = fields.clone();
        let mut text = |column| columns.take(column).text().map(str::to_owned);
        let role = text("embedding_type").as_deref().and_then(role_named);
        let created = text("created_at").as_deref().and_then(time::parse);
        if let Some(id) = text("id") {
            zone.learn(&id, created);
        }
        let mut verdict = judge(&bytes, &fields);
        if let Some(role) = role
            && verdict.is_ok()
            && !seen.insert((place, role))
        {
            verdict = Err(format!("a second {} vector", role.name()));
        }
        let row = fields.into_json();
        survey.by_entry.entry(place).or_default().push(Surveyed { rowid, role, created, verdict, row });
        Ok(())
    })?;
    for vectors in survey.by_entry.values_mut() {
        vectors.sort_by_key(|vector| (vector.role, vector.rowid));
    }
    Ok(survey)
}

impl Survey {
    /// How many fit vectors each group has among the entries that `counts`.
    pub(super) fn groups(&self, counts: impl Fn(usize) -> bool) -> BTreeMap<Group, u64> {
        let mut groups = BTreeMap::new();
        for (_, vectors) in self.by_entry.iter().filter(|(place, _)| counts(**place)) {
            for group in vectors.iter().filter_map(|vector| vector.verdict.as_ref().ok()) {
                *groups.entry(group.clone()).or_default() += 1;
            }
        }
        groups
    }
}

fn role_named(name: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role.name() == name)
}

fn judge(vector: &Cell, row: &Fields) -> Result<Group, String> {
    let mut row = row.clone();
    let kind = row.take("embedding_type");
    if kind.text().and_then(role_named).is_none() {
        return Err(format!("its type is {}, not \"summary\" or \"context\"", kind.to_json()));
    }
    let Cell::Blob(bytes) = vector else {
        return Err("no BLOB".to_owned());
    };
    if bytes.is_empty() || bytes.len() % 4 != 0 {
        return Err(format!("{} bytes, which is no whole number of components", bytes.len()));
    }
    let dimensions = bytes.len() / 4;
    match row.take("dimensions") {
        Cell::Integer(said) if usize::try_from(said) == Ok(dimensions) => {}
        said => return Err(format!("its row says {} components, it has {dimensions}", said.to_json())),
    }
    let mut values = Vec::new();
    if dimensions > 65_536 || vector::decode(bytes, dimensions, &mut values).is_none() {
        return Err(format!("{dimensions} components, more than a space may have"));
    }
    unit(&mut values)?;
    let model = row.take_text("model_name", &mut serde_json::Map::new());
    Ok((fingerprint(model.as_deref().unwrap_or("unknown")), dimensions))
}

/// Makes the length 1 if it is not; says what it was if so.
pub(super) fn unit(values: &mut [f32]) -> Result<Option<f64>, String> {
    let Some(problem) = vector::problem(values) else { return Ok(None) };
    let squares: f64 = values.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    let norm = squares.sqrt();
    if !norm.is_finite() || norm == 0.0 {
        return Err(problem);
    }
    for value in values.iter_mut() {
        *value = (f64::from(*value) / norm) as f32;
    }
    Ok(Some(norm))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_made_one_where_that_can_be() {
        let mut near = [0.6, 0.8005];
        assert_eq!(unit(&mut near), Ok(None));
        assert_eq!(near, [0.6, 0.8005]);
        let mut long = [3.0, 4.0];
        assert_eq!(unit(&mut long), Ok(Some(5.0)));
        assert_eq!(long, [0.6, 0.8]);
        let mut tiny = [1e-30, 0.0];
        assert!(unit(&mut tiny).is_ok());
        assert_eq!(tiny, [1.0, 0.0]);
        assert_eq!(unit(&mut [0.0, 0.0]), Err("length 0".to_owned()));
        assert_eq!(unit(&mut [0.0, f32::NAN]), Err("NaN at component 1".to_owned()));
        assert_eq!(unit(&mut [f32::NEG_INFINITY, 0.0]), Err("-inf at component 0".to_owned()));
    }

    // `rekall-model` parses exactly this text; its own test holds the other end.
    #[test]
    fn the_fingerprint_has_the_model_crates_form() {
        assert_eq!(
            fingerprint("sentence-transformers/x"),
            "imported, model sentence-transformers/x, unverified"
        );
        assert_eq!(fingerprint("a\nb"), "imported, model a b, unverified");
    }
}
