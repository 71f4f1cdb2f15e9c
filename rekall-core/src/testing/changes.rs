//! The change log.

use super::{Bench, vector};
use crate::{Changes, EntryPatch, LogPosition, NewPlace, Relation, SpaceState, TextDigest};

fn position(bench: &Bench) -> LogPosition {
    bench.read().position().unwrap()
}

/// What changed since, each once; an entry that is gone, too.
pub fn the_log_names_what_changed(bench: &Bench) {
    let [a, b, c] = bench.remember(["a", "b", "c"]);
    let space = bench.write(|tx| tx.ensure_active_space("model", 2));
    let changed = |work: &dyn Fn(&mut dyn crate::WriteTx)| {
        let before = position(bench);
        bench.write(|tx| {
            work(tx);
            Ok(())
        });
        match bench.read().changes_since(before).unwrap() {
            Changes::Entries { position: after, mut entries, spaces } => {
                assert_eq!(after, position(bench));
                assert!(
                    after.same_history(before)
                        && (after.number() > before.number()) == (spaces || !entries.is_empty())
                );
                entries.sort_unstable();
                (entries, spaces)
            }
            Changes::Lost { .. } => panic!("the log reaches back that far"),
        }
    };
    let source = bench.write(|tx| tx.put_source("file:///1", None, TextDigest::unknown()));
    let digest = TextDigest::unknown();
    let place = NewPlace { source, number: 0, path: &[], line: None, digest, tags: &[] };
    assert_eq!(
        changed(&|tx| drop(tx.update(b.id, &EntryPatch::new().kind("bug")).unwrap())),
        (vec![b.row], false)
    );
    assert_eq!(
        changed(&|tx| {
            tx.update(a.id, &EntryPatch::new().title("a2")).unwrap();
            tx.update(a.id, &EntryPatch::new().title("a3")).unwrap();
            tx.delete(c.id).unwrap();
        }),
        (vec![a.row, c.row], false)
    );
    let unit = [1.0, 0.0];
    assert_eq!(
        changed(&|tx| tx.insert_vectors(a.row, &[vector(&space, 0, &unit)]).unwrap()),
        (vec![a.row], false)
    );
    assert_eq!(changed(&|tx| tx.place_section(b.row, &place).unwrap()), (vec![b.row], false));
    assert_eq!(changed(&|tx| drop(tx.add_space("next", 2, SpaceState::Building).unwrap())), (vec![], true));
    assert_eq!(changed(&|_| ()), (vec![], false));
    let newest = bench.read().newest_change(b.row).unwrap();
    assert!(newest.same_history(position(bench)) && newest.number() < position(bench).number());
}

/// Links, uses, and vectors of a space that nobody searches.
pub fn the_log_is_silent_about_what_nobody_sees(bench: &Bench) {
    let [a, b] = bench.remember(["a", "b"]);
    let building = bench.write(|tx| {
        tx.ensure_active_space("model", 2)?;
        tx.add_space("next", 2, SpaceState::Building)
    });
    let before = position(bench);
    bench.write(|tx| {
        tx.link(a.id, b.id, &Relation::from("related"), None)?;
        tx.record_usage(&[(a.id, crate::Usage::new(1, 1))])?;
        tx.insert_vectors(a.row, &[vector(&building, 0, &[1.0, 0.0])])
    });
    assert_eq!(position(bench), before);
}

/// The next change is one after the position that was.
pub fn a_rolled_back_change_is_no_news(bench: &Bench) {
    let [a] = bench.remember(["a"]);
    let (before, last) = (position(bench), bench.store().last_commit());
    let mut tx = bench.store().write().unwrap();
    tx.update(a.id, &EntryPatch::new().title("b")).unwrap();
    assert_ne!(tx.position().unwrap(), before, "a writer sees its own");
    drop(tx);
    assert_eq!((position(bench), bench.store().last_commit()), (before, last));
    bench.write(|tx| tx.update(a.id, &EntryPatch::new().title("c")));
    let Changes::Entries { entries, .. } = bench.read().changes_since(before).unwrap() else {
        panic!("all is known")
    };
    assert_eq!(entries, [a.row]);
    assert_eq!(bench.store().last_commit(), Some(position(bench)));
}

/// Whoever followed the one before reads everything anew.
pub fn another_active_space_is_news_for_all(bench: &Bench) {
    bench.remember(["a"]);
    let new = bench.write(|tx| {
        tx.ensure_active_space("model", 2)?;
        tx.add_space("next", 2, SpaceState::Building)
    });
    let before = position(bench);
    bench.write(|tx| tx.activate_space(new.id));
    assert!(matches!(bench.read().changes_since(before).unwrap(), Changes::Lost { .. }));
    let now = position(bench);
    let nothing = Changes::Entries { position: now, entries: vec![], spaces: false };
    assert_eq!(bench.read().changes_since(now).unwrap(), nothing);
    let elsewhere = LogPosition::new(now.incarnation().wrapping_add(1), now.number());
    assert!(matches!(bench.read().changes_since(elsewhere).unwrap(), Changes::Lost { .. }));
    assert!(matches!(bench.read().changes_since(now.later_by(5)).unwrap(), Changes::Lost { .. }));
}
