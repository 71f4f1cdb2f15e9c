//! Filters.

use serde_json::json;

use super::Bench;
use crate::{Comparison, Filter, NewEntry, Status};

/// By kind, project, memory type, tags and ids.
pub fn filters_admit_what_they_say(bench: &Bench) {
    let written = bench.insert(&[
        NewEntry::new("a").kind("note").project("shop").tags(["x", "y"]),
        NewEntry::new("b").kind("bug").tags(["x", "É"]).memory_type("semantic"),
        NewEntry::new("c").kind("bug").project("Shop"),
    ]);
    let row = |at: usize| written[at].row;
    let (first, second) = (written[0].id, written[1].id);
    let cases: [(Filter, &[usize]); 15] = [
        (Filter::new(), &[0, 1, 2]),
        (Filter::new().kind("bug"), &[1, 2]),
        (Filter::new().kind("bug").kind("note"), &[0, 1, 2]),
        (Filter::new().not_kind("bug"), &[0]),
        (Filter::new().project("shop"), &[0]),
        (Filter::new().not_project("shop"), &[1, 2]),
        (Filter::new().memory_type("semantic"), &[1]),
        (Filter::new().not_memory_type("semantic"), &[0, 2]),
        (Filter::new().tag_any("y").tag_any("É"), &[0, 1]),
        (Filter::new().tag_all("x").tag_all("y"), &[0]),
        (Filter::new().not_tag("x"), &[2]),
        (Filter::new().tag_any("e\u{301}"), &[]),
        (Filter::new().ids([first, second]), &[0, 1]),
        (Filter::new().not_ids([first]).kind("bug"), &[1, 2]),
        (Filter::new().kind("a' OR '1'='1").kind("a\0b"), &[]),
    ];
    let tx = bench.read();
    for (filter, admitted) in cases {
        let due: Vec<i64> = admitted.iter().map(|&at| row(at)).collect();
        assert_eq!(tx.matching(&filter).unwrap(), due, "{filter:?}");
        assert_eq!(tx.count(&filter).unwrap(), due.len() as u64, "{filter:?}");
    }
}

/// Numbers as numbers, whatever their spelling, and to the last digit; texts as texts.
pub fn metadata_is_compared_by_value(bench: &Bench) {
    let written = bench.insert(&[
        NewEntry::new("a").metadata("n", 1),
        NewEntry::new("b").metadata("n", 1.0),
        NewEntry::new("c").metadata("n", "1"),
        NewEntry::new("d").metadata("n", 9_007_199_254_740_993_i64),
        NewEntry::new("e").metadata("n", json!(null)),
        NewEntry::new("f"),
    ]);
    let rows = |at: &[usize]| at.iter().map(|&at| written[at].row).collect::<Vec<_>>();
    let tx = bench.read();
    let matching = |filter: &Filter| tx.matching(filter).unwrap();
    assert_eq!(matching(&Filter::new().metadata("n", 1)), rows(&[0, 1]));
    assert_eq!(matching(&Filter::new().metadata("n", "1")), rows(&[2]));
    assert_eq!(matching(&Filter::new().metadata("n", 9_007_199_254_740_992_i64)), rows(&[]));
    assert_eq!(matching(&Filter::new().metadata("n", 9_007_199_254_740_993_i64)), rows(&[3]));
    let above = Filter::new().metadata_where("n", Comparison::GreaterThan, 1);
    assert_eq!(matching(&above), rows(&[3]));
    let both = above.metadata_where("n", Comparison::LessThan, 9_007_199_254_740_993_i64);
    assert_eq!(matching(&both), rows(&[]));
}

/// Made and changed between two moments, and valid at one.
pub fn times_bound_a_filter(bench: &Bench) {
    let written = bench.insert(&[
        NewEntry::new("a").created_at(10).valid_to(100),
        NewEntry::new("b").created_at(20).valid_from(100),
        NewEntry::new("c").created_at(30),
    ]);
    let tx = bench.read();
    let rows = |at: &[usize]| at.iter().map(|&at| written[at].row).collect::<Vec<_>>();
    for (filter, admitted) in [
        (Filter::new().created_after(20), &[1, 2][..]),
        (Filter::new().created_before(20), &[0]),
        (Filter::new().created_after(10).created_before(30), &[0, 1]),
        (Filter::new().as_of(99), &[0, 2]),
        (Filter::new().as_of(100), &[1, 2]),
    ] {
        assert_eq!(tx.matching(&filter).unwrap(), rows(admitted), "{filter:?}");
    }
}

/// Which are, of all and of some.
pub fn obsolete_entries_are_listed(bench: &Bench) {
    let [a, b, c] = bench.remember(["a", "b", "c"]);
    bench.write(|tx| tx.supersede(b.id, c.id));
    bench.write(|tx| tx.supersede(a.id, c.id));
    let tx = bench.read();
    assert_eq!(tx.obsolete().unwrap(), [a.row, b.row]);
    assert_eq!(tx.obsolete_among(&[c.row, b.row, a.row]).unwrap(), [b.row, a.row], "in the order given");
    assert_eq!(tx.matching(&Filter::new()).unwrap(), [c.row]);
    assert_eq!(tx.matching(&Filter::new().any_status()).unwrap(), [a.row, b.row, c.row]);
    assert_eq!(tx.matching(&Filter::new().status(Status::Obsolete)).unwrap(), [a.row, b.row]);
    assert_eq!(tx.count_entries().unwrap(), 3);
}
