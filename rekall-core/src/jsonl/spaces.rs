//! Which space of a store a space of an export is.

use std::collections::HashMap;

use super::{SpaceLine, invalid_line};
use crate::{Error, Space, SpaceState};

/// What becomes of a space of an export.
pub(crate) enum Place {
    /// It is there.
    Known(Space),
    /// It has to be made, with its number where that is free.
    New { number: Option<i64>, state: SpaceState },
}

impl Place {
    /// Among the spaces that are `here`, of which those in `used` are taken by earlier lines. An active one comes beside another
    /// as a retired one.
    pub(crate) fn of(line: &SpaceLine, here: &[Space], used: &HashMap<i64, Space>) -> Result<Self, Error> {
        let state = SpaceState::ALL.into_iter().find(|state| state.name() == line.state);
        let state =
            state.ok_or_else(|| invalid_line(1, "a state that spaces have", format!("{:?}", line.state)))?;
        if !(1..=65_536).contains(&line.dimensions) {
            return Err(invalid_line(1, "1 to 65536 dimensions", line.dimensions.to_string()));
        }
        if used.contains_key(&line.number) {
            return Err(invalid_line(1, "each space once", format!("number {} twice", line.number)));
        }
        let is_used = |id| used.values().any(|space| space.id == id);
        let same = here.iter().find(|space| {
            space.fingerprint == line.fingerprint && space.dimensions == line.dimensions && !is_used(space.id)
        });
        if let Some(space) = same {
            return Ok(Self::Known(space.clone()));
        }
        let is_taken =
            state == SpaceState::Active && here.iter().any(|space| space.state == SpaceState::Active);
        let is_free = line.number > 0 && here.iter().all(|space| space.id.0 != line.number);
        Ok(Self::New {
            number: is_free.then_some(line.number),
            state: if is_taken { SpaceState::Retired } else { state },
        })
    }
}
