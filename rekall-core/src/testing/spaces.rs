//! Vector spaces.

use super::{Bench, vector};
use crate::{Error, SpaceId, SpaceState};

/// One is active; the one that it replaces leaves.
pub fn spaces_are_added_switched_and_dropped(bench: &Bench) {
    assert_eq!(bench.read().active_space().unwrap(), None);
    let old = bench.write(|tx| tx.ensure_active_space("one", 3));
    assert_eq!((old.dimensions, old.state), (3, SpaceState::Active));
    assert_eq!(bench.write(|tx| tx.ensure_active_space("one", 3)), old);
    let new = bench.write(|tx| tx.add_space("two", 5, SpaceState::Building));
    assert_eq!(bench.read().spaces().unwrap(), [old.clone(), new.clone()], "oldest first");
    bench.write(|tx| tx.activate_space(new.id));
    let tx = bench.read();
    assert_eq!(tx.active_space().unwrap().map(|space| space.id), Some(new.id));
    assert_eq!(tx.space(old.id).unwrap().state, SpaceState::Leaving);
    drop(tx);
    bench.write(|tx| tx.drop_space(old.id));
    assert_eq!(bench.read().spaces().unwrap().len(), 1);
    let third = bench.write(|tx| tx.add_space("three", 5, SpaceState::Building));
    bench.write(|tx| tx.abandon_space(third.id));
    bench.write(|tx| tx.abandon_space(new.id));
    let tx = bench.read();
    assert_eq!(tx.space(third.id).unwrap().state, SpaceState::Leaving);
    assert_eq!(tx.space(new.id).unwrap().state, SpaceState::Active, "others stay as they are");
}

/// Of another model, of no size, and such as are not there.
pub fn spaces_that_cannot_be_are_refused(bench: &Bench) {
    bench.write(|tx| tx.ensure_active_space("one", 3));
    let error = bench.refused(|tx| tx.ensure_active_space("another", 3));
    assert!(matches!(error, Error::SpaceMismatch { .. }), "{error:?}");
    for (dimensions, state) in
        [(0, SpaceState::Building), (65_537, SpaceState::Building), (3, SpaceState::Active)]
    {
        let error = bench.refused(|tx| tx.add_space("two", dimensions, state));
        assert!(matches!(error, Error::OutOfRange { .. }), "{error:?}");
    }
    let nowhere = SpaceId(999);
    assert!(matches!(bench.read().space(nowhere), Err(Error::SpaceNotFound { id: 999 })));
    let error = bench.refused(|tx| tx.activate_space(nowhere));
    assert!(matches!(error, Error::SpaceNotFound { id: 999 }), "{error:?}");
}

/// In as many transactions as it takes.
pub fn a_leaving_space_goes_piece_by_piece(bench: &Bench) {
    let entries = bench.remember(["a", "b", "c", "d", "e"]);
    let old = bench.write(|tx| {
        let space = tx.ensure_active_space("one", 2)?;
        for entry in &entries {
            tx.insert_vectors(entry.row, &[vector(&space, 0, &[0.0, 1.0])])?;
        }
        let new = tx.add_space("two", 2, SpaceState::Building)?;
        tx.activate_space(new.id)?;
        Ok(space)
    });
    assert!(bench.write(|tx| tx.thin_space(old.id, 2)));
    assert_eq!(bench.read().count_vectors(old.id).unwrap(), 3);
    let mut steps = 1;
    while bench.write(|tx| tx.thin_space(old.id, 2)) {
        steps += 1;
        assert!(steps < 5, "it ends");
    }
    assert!(bench.read().space(old.id).is_err());
}
