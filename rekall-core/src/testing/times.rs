//! When entries were made, changed or used.

use super::Bench;
use crate::{EntryPatch, EntryTime, NewEntry, Usage};

/// An entry that was never used counts as used when it was made.
pub fn times_are_those_of_the_entries(bench: &Bench) {
    let written = bench.insert(&[NewEntry::new("a").created_at(5), NewEntry::new("b").created_at(6)]);
    bench.pass(3);
    bench.write(|tx| tx.update(written[0].id, &EntryPatch::new().title("c")));
    bench.write(|tx| tx.record_usage(&[(written[1].id, Usage::new(99, 1))]));
    let (a, b) = (written[0].row, written[1].row);
    let tx = bench.read();
    let times = |time| tx.times(time, &[b, a, i64::MAX]).unwrap();
    assert_eq!(times(EntryTime::Created), [(a, 5), (b, 6)].into());
    assert_eq!(times(EntryTime::LastUsed), [(a, 5), (b, 99)].into());
    assert_eq!(times(EntryTime::Updated)[&a], bench.now());
}
