//! Entries with an end.

use super::Bench;
use crate::{Filter, NewEntry};

/// At that very millisecond, and not before.
pub fn entries_expire_when_their_time_has_come(bench: &Bench) {
    let now = bench.now();
    let written = bench.insert(&[
        NewEntry::new("a").expires_at(now + 10),
        NewEntry::new("b"),
        NewEntry::new("c").expires_at(now + 5),
    ]);
    let rows: Vec<i64> = written.iter().map(|entry| entry.row).collect();
    let mut expiries = bench.read().expiries().unwrap();
    expiries.sort_unstable();
    assert_eq!(expiries, [(rows[0], now + 10), (rows[2], now + 5)]);
    assert_eq!(bench.read().expiries_among(&rows[1..]).unwrap(), [(rows[2], now + 5)]);
    for (pass, expired) in [(4, &[][..]), (1, &[2]), (5, &[0, 2])] {
        bench.pass(pass);
        let due: Vec<i64> = expired.iter().map(|&at: &usize| rows[at]).collect();
        let tx = bench.read();
        assert_eq!(tx.expired().unwrap(), due);
        assert_eq!(tx.matching(&Filter::new()).unwrap().len(), 3 - due.len());
        assert_eq!(tx.matching(&Filter::new().include_expired()).unwrap().len(), 3);
    }
}

/// In the order in which they were written.
pub fn what_expired_is_deleted(bench: &Bench) {
    let now = bench.now();
    let written = bench.insert(&[
        NewEntry::new("a").expires_at(now + 2),
        NewEntry::new("b").expires_at(now + 3),
        NewEntry::new("c").expires_at(now + 1),
    ]);
    assert_eq!(bench.write(|tx| tx.delete_expired()), []);
    bench.pass(2);
    assert_eq!(bench.write(|tx| tx.delete_expired()), [written[0].id, written[2].id]);
    assert_eq!(bench.read().all_ids().unwrap(), [(written[1].row, written[1].id)]);
}
