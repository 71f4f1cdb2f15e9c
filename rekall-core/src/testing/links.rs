//! Links between entries.

use super::Bench;
use crate::{Error, ErrorKind, Relation};

/// Both ends show a link; the same one again gets the new reason.
pub fn links_go_both_ways_and_have_one_reason(bench: &Bench) {
    let [a, b] = bench.remember(["a", "b"]);
    let (related, fixes) = (Relation::from("related"), Relation::from("fixes"));
    bench.write(|tx| {
        tx.link_made_at(a.id, b.id, &related, Some("first"), Some(5))?;
        tx.link(b.id, a.id, &fixes, None)?;
        tx.link(a.id, b.id, &related, Some("then"))
    });
    let links = bench.read().links(a.id).unwrap();
    let shown: Vec<_> =
        links.iter().map(|link| (link.source, link.relation.as_str(), link.reason.as_deref())).collect();
    assert_eq!(shown, [(a.id, "related", Some("then")), (b.id, "fixes", None)], "oldest first");
    assert_eq!(bench.read().links(b.id).unwrap(), links);
    assert!(bench.write(|tx| tx.unlink(a.id, b.id, &related)));
    assert!(!bench.write(|tx| tx.unlink(a.id, b.id, &related)));
    assert_eq!(bench.read().links(a.id).unwrap().len(), 1);
}

/// Of an entry to itself, without a relation, and with entries that are not there.
pub fn links_that_cannot_be_are_refused(bench: &Bench) {
    let [a, b] = bench.remember(["a", "b"]);
    let (related, unknown) = (Relation::from("related"), bench.unknown());
    let kinds = [
        bench.refused(|tx| tx.link(a.id, a.id, &related, None)),
        bench.refused(|tx| tx.link(a.id, b.id, &Relation::from(" "), None)),
        bench.refused(|tx| tx.link(a.id, b.id, &related, Some("a\0b"))),
    ];
    assert!(kinds.iter().all(|error| error.kind() == ErrorKind::InvalidInput), "{kinds:?}");
    for error in [
        bench.refused(|tx| tx.link(a.id, unknown, &related, None)),
        bench.refused(|tx| tx.link(unknown, a.id, &related, None)),
        bench.refused(|tx| tx.unlink(unknown, a.id, &related)),
        bench.read().links(unknown).unwrap_err(),
        bench.read().neighbors(unknown, 1).unwrap_err(),
    ] {
        assert!(matches!(error, Error::EntryNotFound { id } if id == unknown), "{error:?}");
    }
}

/// In either direction, by the shortest way.
pub fn neighbours_come_nearest_first(bench: &Bench) {
    let [a, b, c, d] = bench.remember(["a", "b", "c", "d"]);
    let related = Relation::from("related");
    bench.write(|tx| {
        tx.link(a.id, b.id, &related, None)?;
        tx.link(c.id, b.id, &related, None)?;
        tx.link(c.id, d.id, &related, None)?;
        tx.link(d.id, a.id, &Relation::from("fixes"), None)
    });
    let mut near = bench.read().neighbors(a.id, 1).unwrap();
    near.sort_unstable();
    assert_eq!(near, [(b.id, 1), (d.id, 1)]);
    let far = bench.read().neighbors(a.id, 9).unwrap();
    assert_eq!((far.len(), far.last()), (3, Some(&(c.id, 2))));
    assert_eq!(bench.read().neighbors(a.id, 0).unwrap(), []);
}
