//! Entries that wait for vectors.

use super::{Bench, vector};
use crate::{EntryPatch, SpaceState};

/// New ones wait, and those whose text changed; a change of anything else is none.
pub fn entries_wait_for_vectors_until_they_have_them(bench: &Bench) {
    let [a, b] = bench.remember(["a", "b"]);
    let space = bench.write(|tx| tx.ensure_active_space("model", 2));
    let pending = || bench.read().pending(space.id, 0, 9).unwrap();
    assert_eq!((pending(), bench.read().count_pending().unwrap()), (vec![a.row, b.row], 2));
    assert_eq!(bench.read().pending(space.id, a.row, 9).unwrap(), [b.row]);
    assert_eq!(bench.read().pending(space.id, 0, 1).unwrap(), [a.row]);
    bench.write(|tx| tx.insert_vectors(a.row, &[vector(&space, 0, &[1.0, 0.0])]));
    assert_eq!((pending(), bench.read().is_pending(a.row).unwrap()), (vec![b.row], false));
    bench.write(|tx| tx.update(a.id, &EntryPatch::new().kind("bug")));
    assert_eq!(pending(), [b.row]);
    bench.write(|tx| tx.update(a.id, &EntryPatch::new().content("more")));
    assert_eq!((pending(), bench.read().is_pending(a.row).unwrap()), (vec![a.row, b.row], true));
    assert_eq!(
        bench.read().without_vectors(space.id, 0, 9).unwrap(),
        [b.row],
        "the old one serves meanwhile"
    );
    bench.write(|tx| tx.set_vectors(a.row, space.id, &[], &[vector(&space, 0, &[0.0, 1.0])]));
    assert_eq!(pending(), [b.row]);
    bench.write(|tx| tx.mark_pending(a.row));
    assert_eq!(pending(), [a.row, b.row]);
    bench.write(|tx| tx.clear_pending(a.row));
    assert_eq!(pending(), [b.row]);
    bench.write(|tx| tx.delete(b.id));
    assert_eq!((pending(), bench.read().count_pending().unwrap()), (vec![], 0));
}

/// Until their text changes, or vectors come.
pub fn wordless_entries_wait_for_none(bench: &Bench) {
    let [a] = bench.remember(["a"]);
    let space = bench.write(|tx| tx.ensure_active_space("model", 2));
    bench.write(|tx| tx.mark_wordless(a.row, space.id));
    let tx = bench.read();
    assert_eq!(
        (tx.pending(space.id, 0, 9).unwrap(), tx.without_vectors(space.id, 0, 9).unwrap()),
        (vec![], vec![])
    );
    assert_eq!(tx.count_pending().unwrap(), 0);
    drop(tx);
    bench.write(|tx| tx.update(a.id, &EntryPatch::new().title("b")));
    assert_eq!(bench.read().pending(space.id, 0, 9).unwrap(), [a.row]);
}

/// A space that was filled beside the active one.
pub fn a_filled_space_settles_who_waits(bench: &Bench) {
    let [a, b, c] = bench.remember(["a", "b", "c"]);
    let new = bench.write(|tx| {
        tx.ensure_active_space("one", 2)?;
        let new = tx.add_space("two", 2, SpaceState::Building)?;
        tx.insert_vectors(a.row, &[vector(&new, 0, &[1.0, 0.0])])?;
        tx.mark_wordless(b.row, new.id)?;
        Ok(new)
    });
    assert_eq!(bench.read().count_pending().unwrap(), 3, "none of it was for the active space");
    assert_eq!(bench.read().without_vectors(new.id, 0, 9).unwrap(), [c.row]);
    bench.write(|tx| {
        tx.activate_space(new.id)?;
        tx.settle_pending(new.id)
    });
    assert_eq!(bench.read().pending(new.id, 0, 9).unwrap(), [c.row]);
}
