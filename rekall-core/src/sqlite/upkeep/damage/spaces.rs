//! Vector spaces that cannot be as they are, and setting them right so that as many vectors as possible are searched.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::row_faults::{DIMENSIONS_ALLOWED, possible};
use crate::engine::ScopeRows;
use crate::{Error, SpaceState};

/// What is wrong with a vector space.
#[derive(Debug, PartialEq)]
pub(crate) struct SpaceFault {
    pub(crate) id: i64,
    pub(crate) detail: String,
    pub(crate) remedy: Remedy,
}

/// What sets it right.
#[derive(Debug, PartialEq)]
pub(crate) enum Remedy {
    State(SpaceState),
    /// `None`: not even its vectors say how many.
    Dimensions(Option<usize>),
    Fingerprint,
}

/// Problems of vector spaces, by number. O(vectors).
pub(crate) fn faults(connection: &Connection) -> Result<Vec<SpaceFault>, Error> {
    let mut statement =
        connection.prepare("SELECT id, fingerprint, state, dimensions FROM space NOT INDEXED ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    let mut memories: BTreeMap<i64, Memory> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let stored: i64 = row.get(0)?;
        let id = told(stored);
        let memory = memories.entry(ScopeRows::owning(stored).number()).or_default();
        let mut wrong = |detail, remedy| found.push(SpaceFault { id: stored, detail, remedy });
        if row.get_ref(1)?.as_str().is_err() {
            wrong(format!("space {id} must name its model in text"), Remedy::Fingerprint);
        }
        let usual = usual_dimensions(connection, stored)?;
        let name = String::from_utf8_lossy(row.get_ref(2)?.as_bytes().unwrap_or_default()).into_owned();
        match state(&name) {
            Some(SpaceState::Active) => {
                if let Some(first) = memory.active {
                    let detail = format!("space {id} is active beside space {}", told(first));
                    wrong(detail, Remedy::State(SpaceState::Retired));
                } else {
                    memory.active = Some(stored);
                }
            }
            Some(state) => {
                memory.building |= state == SpaceState::Building;
                if state == SpaceState::Retired && usual.vectors > 0 {
                    memory.candidates.push((false, usual.vectors, stored));
                }
            }
            None => {
                memory.candidates.push((true, usual.vectors, stored));
                let detail = format!("space {id} has the unknown state {name:?}");
                wrong(detail, Remedy::State(SpaceState::Retired));
            }
        }
        let stated = row.get_ref(3)?.as_i64().unwrap_or_default();
        match (possible(stated), usual.dimensions) {
            (None, remedy) => {
                let detail = format!("space {id} must have {DIMENSIONS_ALLOWED}, got {stated}");
                wrong(detail, Remedy::Dimensions(remedy));
            }
            (Some(stated), Some(usual)) if stated != usual => {
                let detail = format!("space {id} has {stated} dimensions, and most of its vectors {usual}");
                wrong(detail, Remedy::Dimensions(Some(usual)));
            }
            _ => {}
        }
    }
    for memory in memories.values() {
        // While one is building, the memory has not had an active one yet.
        if memory.active.is_none()
            && !memory.building
            && let Some(&(_, vectors, id)) = memory.candidates.iter().max()
        {
            found.retain(|fault| fault.id != id || !matches!(fault.remedy, Remedy::State(_)));
            let detail = format!("no space is active, and space {} has {vectors} vectors", told(id));
            found.push(SpaceFault { id, detail, remedy: Remedy::State(SpaceState::Active) });
        }
    }
    Ok(found)
}

/// What the spaces of one memory are.
#[derive(Default)]
struct Memory {
    active: Option<i64>,
    building: bool,
    /// Whose vectors a memory without an active space might search: of an unknown state first, then those that are kept.
    candidates: Vec<(bool, u64, i64)>,
}

/// A space's number in words.
fn told(stored: i64) -> String {
    let memory = ScopeRows::owning(stored);
    match memory.number() {
        0 => stored.to_string(),
        scope => format!("{} of scope {scope}", memory.row(stored)),
    }
}

/// Sets right what can be; gives the number of faults. Triggers may be on or off.
pub(crate) fn repair(connection: &Connection) -> Result<u64, Error> {
    let faults = faults(connection)?;
    for SpaceFault { id, remedy, .. } in &faults {
        match remedy {
            Remedy::State(state) => {
                connection.execute("UPDATE space SET state = ?2 WHERE id = ?1", (id, state.name()))?;
            }
            Remedy::Dimensions(Some(dimensions)) => {
                let dimensions = *dimensions as i64;
                connection.execute("UPDATE space SET dimensions = ?2 WHERE id = ?1", (id, dimensions))?;
            }
            Remedy::Dimensions(None) => {
                // No vector of it can be read; they all go to quarantine.
                let sql = "UPDATE space SET dimensions = 1, state = 'retired' WHERE id = ?1";
                connection.execute(sql, [id])?;
            }
            Remedy::Fingerprint => {
                let sql = "UPDATE space SET fingerprint = 'unreadable:' || ifnull(hex(fingerprint), '') WHERE id = ?1";
                connection.execute(sql, [id])?;
            }
        }
    }
    Ok(faults.len() as u64)
}

/// How long most vectors of a space are.
pub(crate) struct Usual {
    pub(crate) vectors: u64,
    /// Of more than half of them.
    pub(crate) dimensions: Option<usize>,
}

/// How long the vectors of a space are. Their lengths stand in the rows' headers: the vectors are not read.
pub(crate) fn usual_dimensions(connection: &Connection, space: i64) -> Result<Usual, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT CASE WHEN typeof(vector) = 'blob' THEN length(vector) END, count(*) FROM embedding
         WHERE space_id = ?1 GROUP BY 1",
    )?;
    let mut rows = statement.query([space])?;
    let (mut all, mut most): (u64, (u64, Option<i64>)) = (0, (0, None));
    while let Some(row) = rows.next()? {
        let count: u64 = row.get(1)?;
        all += count;
        most = most.max((count, row.get(0)?));
    }
    let dimensions =
        most.1.filter(|bytes| 2 * most.0 > all && bytes % 4 == 0).and_then(|bytes| possible(bytes / 4));
    Ok(Usual { vectors: all, dimensions })
}

/// The state of this name, if any version of the schema knows it.
pub(crate) fn state(name: &str) -> Option<SpaceState> {
    SpaceState::ALL.into_iter().find(|state| state.name() == name)
}
