//! A change log with impossible numbers, as another program may leave it: a search ends, and finds what is there.

use crate::common::{BACKENDS, ends, nearest, open};
use rekall::NewEntry;

const DAMAGES: &[&str] = &[
    "UPDATE sqlite_sequence SET seq = 5 WHERE name = 'change'",
    "DELETE FROM sqlite_sequence WHERE name = 'change'",
    "INSERT OR REPLACE INTO meta VALUES ('log_floor', 9223372036854775807)",
    "INSERT OR REPLACE INTO meta VALUES ('log_floor', 9223372036854775807);
     UPDATE sqlite_sequence SET seq = 5 WHERE name = 'change'",
    "UPDATE index_block SET seq = 9223372036854775807",
    "UPDATE index_block SET seq = 0",
    "UPDATE index_block SET seq = -1",
    "DELETE FROM change",
    "DELETE FROM change; DELETE FROM sqlite_sequence WHERE name = 'change'",
    "UPDATE change SET seq = -seq",
];

#[test]
fn a_search_ends_whatever_the_log_says() {
    for &(name, configure) in BACKENDS {
        for damage in DAMAGES {
            ends(&format!("{name}: {damage}"), move || {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("a.db");
                let notes: Vec<NewEntry> =
                    (0..60).map(|n| NewEntry::new(format!("alpha{} beta{} n{n}", n % 13, n % 7))).collect();
                // Codes are persisted by whichever backend reads the file later.
                let maker = open(&path, BACKENDS[1].1);
                maker.remember_many(&notes).run().unwrap();
                maker.rebuild_index().run().unwrap();
                let opened = open(&path, configure);
                if name == "sqlite-vec" {
                    opened.rebuild_index().run().unwrap();
                }
                let expected = nearest(&opened, "alpha3", 20);
                let foreign = rusqlite::Connection::open(&path).unwrap();
                foreign.execute_batch(damage).unwrap();
                drop(foreign);
                for rekall in [&opened, &open(&path, configure)] {
                    assert_eq!(nearest(rekall, "alpha3", 20), expected, "{name}: {damage}");
                    assert_eq!(rekall.recall("alpha3").run().unwrap().len(), 10, "{name}: {damage}");
                }
                // Life goes on.
                let id = opened.remember(NewEntry::new("gamma")).unwrap();
                for rekall in [&opened, &open(&path, configure)] {
                    assert_eq!(nearest(rekall, "gamma", 1)[0].0, id.to_string(), "{name}: {damage}");
                }
            });
        }
    }
}
