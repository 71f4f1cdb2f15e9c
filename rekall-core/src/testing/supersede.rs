//! One entry in the place of another.

use super::Bench;
use crate::{Error, Filter, NewEntry, Status};

/// The older one is obsolete, and its valid time ends where that of the new one begins.
pub fn a_successor_ends_the_time_of_the_one_before(bench: &Bench) {
    let [old, new] = bench.remember(["old", "new"]);
    bench.pass(10);
    let (row, entry) = bench.write(|tx| tx.supersede(old.id, new.id));
    assert_eq!((row, entry.status, entry.superseded_by), (old.row, Status::Obsolete, Some(new.id)));
    assert_eq!(entry.valid_to, Some(bench.now()));
    let tx = bench.read();
    assert_eq!(tx.get(new.id).unwrap().valid_from, Some(bench.now()));
    assert_eq!(tx.matching(&Filter::new().as_of(bench.now() - 1)).unwrap(), [old.row]);
    assert_eq!(tx.matching(&Filter::new().as_of(bench.now())).unwrap(), [new.row]);
    drop(tx);
    // An earlier end stays.
    let written = bench.insert(&[NewEntry::new("ended").valid_to(5), NewEntry::new("next").valid_from(7)]);
    let (_, entry) = bench.write(|tx| tx.supersede(written[0].id, written[1].id));
    assert_eq!(entry.valid_to, Some(5));
    assert_eq!(bench.read().get(written[1].id).unwrap().valid_from, Some(7));
}

/// Neither directly nor by way of others.
pub fn no_entry_takes_its_own_place(bench: &Bench) {
    let [a, b, c] = bench.remember(["a", "b", "c"]);
    let unknown = bench.unknown();
    bench.write(|tx| tx.supersede(a.id, b.id));
    bench.write(|tx| tx.supersede(b.id, c.id));
    for (old, new) in [(a.id, a.id), (c.id, a.id), (b.id, a.id)] {
        let error = bench.refused(|tx| tx.supersede(old, new));
        assert!(matches!(error, Error::OutOfRange { .. }), "{error:?}");
        let error = bench.refused(|tx| tx.name_successor(old, new));
        assert!(matches!(error, Error::OutOfRange { .. }), "{error:?}");
    }
    for (old, new) in [(unknown, a.id), (a.id, unknown)] {
        let error = bench.refused(|tx| tx.supersede(old, new));
        assert!(matches!(error, Error::EntryNotFound { id } if id == unknown), "{error:?}");
    }
}

/// Times and status stay.
pub fn a_successor_is_named_and_nothing_else_changes(bench: &Bench) {
    let [old, new] = bench.remember(["old", "new"]);
    let before = bench.read().get(old.id).unwrap();
    bench.pass(5);
    bench.write(|tx| tx.name_successor(old.id, new.id));
    let after = bench.read().get(old.id).unwrap();
    assert_eq!(after.superseded_by, Some(new.id));
    assert_eq!(
        (after.status, after.updated_at, after.valid_to),
        (before.status, before.updated_at, before.valid_to)
    );
}
