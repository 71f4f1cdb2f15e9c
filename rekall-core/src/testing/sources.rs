//! Sources, and the places that entries have in them.

use std::time::Duration;

use super::Bench;
use crate::{Error, ErrorKind, Filter, NewPlace, TextDigest};

fn place<'p>(source: i64, number: i64, path: &'p [String], tags: &'p [String]) -> NewPlace<'p> {
    NewPlace { source, number, path, line: Some(3), digest: TextDigest::of("section"), tags }
}

/// A URI lies under another one at a slash only.
pub fn sources_are_found_by_what_they_lie_under(bench: &Bench) {
    let uris = ["file:///a", "file:///a/b", "file:///a/b/c", "file:///ab", "file:///a0"];
    let digest = TextDigest::of("all");
    bench.write(|tx| uris.iter().rev().try_for_each(|uri| tx.put_source(uri, Some("v1"), digest).map(drop)));
    let tx = bench.read();
    let under = |scope: &str| -> Vec<String> {
        tx.sources(scope).unwrap().into_iter().map(|source| source.uri).collect()
    };
    assert_eq!(under("file:///a"), uris[..3]);
    assert_eq!(under("file:///a/"), uris[..3]);
    assert_eq!((under("").len(), under("file:///x").len()), (5, 0));
    let source = tx.source("file:///a/b").unwrap().unwrap();
    assert_eq!((source.stamp.as_deref(), source.digest, source.synced_at), (Some("v1"), digest, bench.now()));
    assert_eq!((source.sections, tx.source("file:///x").unwrap()), (0, None));
    drop(tx);
    bench.pass(5);
    let again = bench.write(|tx| tx.put_source("file:///a/b", None, digest));
    let now = bench.read().source("file:///a/b").unwrap().unwrap();
    assert_eq!(
        (again, now.number, now.stamp, now.synced_at),
        (source.number, source.number, None, bench.now())
    );
    assert_eq!(bench.refused(|tx| tx.put_source("", None, digest)).kind(), ErrorKind::InvalidInput);
}

/// One place for an entry, and one entry for a place.
pub fn sections_have_places(bench: &Bench) {
    let [a, b, c] = bench.remember(["a", "b", "c"]);
    let digest = TextDigest::unknown();
    let (path, tags) = (["Birds".to_owned(), "Herons".to_owned()], ["md".to_owned()]);
    let (first, second) = bench.write(|tx| {
        Ok((tx.put_source("file:///1", None, digest)?, tx.put_source("file:///2", None, digest)?))
    });
    bench.write(|tx| {
        tx.place_section(a.row, &place(first, 1, &path, &tags))?;
        tx.place_section(b.row, &place(first, 0, &[], &[]))
    });
    let tx = bench.read();
    let rows: Vec<i64> = tx.sections(first).unwrap().iter().map(|section| section.row).collect();
    assert_eq!(rows, [b.row, a.row]);
    let section = tx.section_of(a.row).unwrap().unwrap();
    assert_eq!((section.id, section.source, section.number, section.line), (a.id, first, 1, Some(3)));
    assert_eq!(
        (&section.path[..], &section.tags[..], section.digest),
        (&path[..], &tags[..], TextDigest::of("section"))
    );
    let of_entry = tx.get(a.id).unwrap().source.unwrap();
    assert_eq!((&*of_entry.uri, &of_entry.path[..]), ("file:///1", &path[..]));
    assert_eq!((tx.section_of(c.row).unwrap(), tx.count_sections("file:///1").unwrap()), (None, 2));
    assert_eq!(tx.matching(&Filter::new().source("file:///1")).unwrap(), [a.row, b.row]);
    drop(tx);
    let taken = bench.refused(|tx| tx.place_section(c.row, &place(first, 0, &[], &[])));
    assert!(matches!(taken, Error::Engine { .. }), "{taken:?}");
    bench.write(|tx| tx.place_section(a.row, &place(second, 0, &[], &[])));
    assert_eq!(bench.read().section_of(a.row).unwrap().unwrap().source, second);
    bench.write(|tx| tx.delete_source(second));
    let tx = bench.read();
    assert_eq!(
        (tx.section_of(a.row).unwrap(), tx.get(a.id).unwrap().source),
        (None, None),
        "the entry stays"
    );
}

/// Until they get a new place, or their run is over.
pub fn orphans_wait_for_their_run(bench: &Bench) {
    let [a, b] = bench.remember(["a", "b"]);
    let source = bench.write(|tx| {
        let source = tx.put_source("file:///1", None, TextDigest::unknown())?;
        tx.place_section(a.row, &place(source, 0, &[], &[]))?;
        tx.place_section(b.row, &place(source, 1, &[], &[]))?;
        tx.orphan_sections(source, &[a.row, b.row])?;
        Ok(source)
    });
    let orphans = || {
        bench
            .read()
            .orphaned_sections("file:///1")
            .unwrap()
            .iter()
            .map(|section| section.row)
            .collect::<Vec<_>>()
    };
    let abandoned = |age| bench.read().abandoned_sections("", Duration::from_millis(age)).unwrap();
    assert_eq!(orphans().len(), 2);
    assert!(abandoned(50).is_empty());
    bench.write(|tx| tx.place_section(a.row, &place(source, 0, &[], &[])));
    assert_eq!(orphans(), [b.row]);
    bench.pass(60);
    assert_eq!(abandoned(50), [b.row], "their run is too old");
    assert!(abandoned(5_000).is_empty());
    bench.write(|tx| tx.release_sections(&[b.row]));
    assert_eq!(abandoned(5_000), [b.row]);
}
