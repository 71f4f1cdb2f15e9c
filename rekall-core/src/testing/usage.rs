//! How often entries were used.

use super::Bench;
use crate::{Changes, Usage};

/// Of the times the latest stays; entries and the log stay as they are.
pub fn uses_are_added_up_and_change_nothing(bench: &Bench) {
    let [a, b, c] = bench.remember(["a", "b", "c"]);
    let (before, unknown) = (bench.read().position().unwrap(), bench.unknown());
    let recorded = bench.write(|tx| {
        tx.record_usage(&[(a.id, Usage::new(50, 2)), (unknown, Usage::new(9, 9)), (b.id, Usage::new(7, 1))])
    });
    assert_eq!(recorded, 2);
    bench.write(|tx| tx.record_usage(&[(a.id, Usage::new(40, 3)), (a.id, Usage::new(45, 1))]));
    let tx = bench.read();
    let usage = tx.usage(&[c.id, a.id, unknown, b.id]).unwrap();
    assert_eq!(usage, [None, Some(Usage::new(50, 6)), None, Some(Usage::new(7, 1))]);
    let nothing = Changes::Entries { position: before, entries: vec![], spaces: false };
    assert_eq!(tx.changes_since(before).unwrap(), nothing);
    assert_eq!(tx.get(a.id).unwrap().updated_at, bench.now());
}
