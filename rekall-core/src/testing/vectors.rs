//! Vectors.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Bench, vector};
use crate::store::{HitParts, HitRows};
use crate::{Error, NewVector, Role, SpaceId, TextDigest, VectorKey};

/// In batches, by entry and by key.
pub fn vectors_come_back_bit_by_bit(bench: &Bench) {
    let [a, b, c] = bench.remember(["a", "b", "c"]);
    let (first, second) = ([0.6, -0.8, f32::MIN_POSITIVE], [0.0, -0.0, 1.0]);
    let digest = TextDigest::of("text");
    let space = bench.write(|tx| {
        let space = tx.ensure_active_space("model", 3)?;
        let context =
            NewVector { role: Role::Context, start: 2, end: 9, digest, ..vector(&space, 0, &second) };
        tx.insert_vectors(a.row, &[vector(&space, 0, &first), context])?;
        tx.insert_vectors(b.row, &[vector(&space, 3, &second)])?;
        Ok(space)
    });
    let tx = bench.read();
    let key = |entry, role: Role, chunk| VectorKey { entry, role: role.number(), chunk };
    let bits = |row: &[f32]| row.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let found = tx.vectors_of(&space, &[b.row, c.row, a.row]).unwrap();
    assert_eq!(found.keys[0], key(b.row, Role::Summary, 3), "ordered as the entries are given");
    assert_eq!((found.keys.len(), found.dimensions, found.unusable.len()), (3, 3, 0));
    let keys = [key(a.row, Role::Context, 0), key(c.row, Role::Summary, 0), key(a.row, Role::Summary, 0)];
    let at = tx.vectors_at(&space, &keys).unwrap();
    assert_eq!((&at.keys[..], &at.unusable[..]), (&[keys[0], keys[2]][..], &[keys[1]][..]));
    assert_eq!(bits(&at.rows), bits(&[second, first].concat()));
    let mut all = Vec::new();
    tx.each_vectors(&space, 2, &mut |batch| {
        all.extend(batch.keys.iter().copied().zip(batch.rows.chunks(3).map(bits)));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(all.len(), 3);
    assert!(all.contains(&(keys[0], bits(&second))) && all.contains(&(keys[2], bits(&first))));
    let mut batches = 0;
    tx.each_vectors(&space, 1, &mut |_| {
        batches += 1;
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!(batches, 1);
    let stored = tx.stored_vectors(a.row).unwrap();
    let stored = stored.iter().find(|stored| stored.key == keys[0]).unwrap();
    assert_eq!((stored.start, stored.end, stored.digest, stored.space), (2, 9, digest, space.id));
    assert_eq!(tx.spans(space.id, &[keys[1], keys[0]]).unwrap(), [None, Some((2, 9))]);
    assert_eq!(tx.spans(space.id, &[]).unwrap(), []);
    // What a hit shows, together.
    let wanted = HitRows {
        entries: &[c.row, a.row, 9_999],
        space: Some(&space),
        spans: &keys[..2],
        vectors_of: &[a.row, c.row],
        vectors_at: &keys,
    };
    let hits = tx.read_hits(&wanted).unwrap();
    assert_eq!(hits.vectors_at, at);
    let ids: Vec<_> = hits.entries.iter().map(|(row, entry)| (*row, entry.as_ref().unwrap().id)).collect();
    assert_eq!((ids, hits.spans), (vec![(c.row, c.id), (a.row, a.id)], vec![Some((2, 9)), None]));
    assert_eq!(hits.vectors, tx.vectors_of(&space, &[a.row, c.row]).unwrap());
    let without = HitRows { space: None, ..wanted };
    assert_eq!(tx.read_hits(&without).unwrap().entries.len(), 2);
    // The same with the view that it begins, of spans and vectors by the same keys and by others.
    let same_keys = HitRows { vectors_at: &keys[..2], ..wanted };
    for wanted in [HitRows::default(), wanted, without, same_keys, HitRows { entries: &[], ..same_keys }] {
        let (view, found) = bench.store().read_with_hits(&wanted, None).unwrap();
        assert_eq!(view.position().unwrap(), tx.position().unwrap());
        let due = view.read_hits(&wanted).unwrap();
        let entries = |parts: &HitParts| -> Vec<_> {
            parts.entries.iter().map(|(row, entry)| (*row, entry.as_ref().unwrap().id)).collect()
        };
        assert_eq!(entries(&found), entries(&due));
        assert_eq!((found.spans, found.vectors, found.vectors_at), (due.spans, due.vectors, due.vectors_at));
    }
    // More than one statement of a server's asks for, most of them of nothing that is there.
    let many: Vec<i64> = (0..6_000).map(|number| a.row + number).collect();
    let at: Vec<VectorKey> = many.iter().map(|&entry| VectorKey { entry, role: 0, chunk: 0 }).collect();
    let many =
        HitRows { entries: &many, space: Some(&space), spans: &at, vectors_at: &at, vectors_of: &many };
    let (view, found) = bench.store().read_with_hits(&many, None).unwrap();
    assert_eq!((found.entries.len(), found.spans.len()), (view.count_entries().unwrap() as usize, at.len()));
    assert_eq!((&found.vectors_at.keys[..], found.vectors_at.unusable.len()), (&at[..1], at.len() - 1));
    let stopped = Arc::new(AtomicBool::new(true));
    let stopped = bench.store().read_with_hits(&wanted, Some(&stopped)).map(drop);
    assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
}

/// Of an earlier moment, as long as the log shows that they are as they were.
pub fn vectors_of_an_earlier_position_are_told_from_changed_ones(bench: &Bench) {
    let [a, b] = bench.remember(["a", "b"]);
    let space = bench.write(|tx| {
        let space = tx.ensure_active_space("model", 2)?;
        tx.insert_vectors(a.row, &[vector(&space, 0, &[1.0, 0.0])])?;
        tx.insert_vectors(b.row, &[vector(&space, 0, &[0.0, 1.0])])?;
        Ok(space)
    });
    let position = bench.read().position().unwrap();
    let of = |row| VectorKey { entry: row, role: 0, chunk: 0 };
    let keys = [of(b.row), VectorKey { chunk: 7, ..of(a.row) }, of(a.row)];
    let read = |keys: &[VectorKey]| bench.store().vectors_as_of(position, &space, keys).unwrap();
    let found = read(&keys).unwrap();
    assert_eq!((found.keys, found.rows), (vec![keys[0], keys[2]], vec![0.0, 1.0, 1.0, 0.0]));
    assert_eq!(found.unusable, [keys[1]]);
    bench.write(|tx| tx.set_vectors(b.row, space.id, &[], &[vector(&space, 0, &[1.0, 0.0])]));
    assert_eq!(read(&keys), None);
    assert_eq!(read(&keys[2..]).unwrap().keys, [keys[2]], "others have not changed");
}

/// Those kept stay as they are; all others of that space go, and those of other spaces stay.
pub fn vectors_are_replaced_but_for_those_kept(bench: &Bench) {
    let [a] = bench.remember(["a"]);
    let (one, two) = ([1.0, 0.0], [0.0, 1.0]);
    let space = bench.write(|tx| {
        let space = tx.ensure_active_space("model", 2)?;
        let other = tx.add_space("other", 2, crate::SpaceState::Building)?;
        tx.insert_vectors(
            a.row,
            &[vector(&space, 0, &one), vector(&space, 1, &one), vector(&other, 0, &one)],
        )?;
        Ok(space)
    });
    let key = |chunk| VectorKey { entry: a.row, role: 0, chunk };
    bench.write(|tx| tx.set_vectors(a.row, space.id, &[key(1)], &[vector(&space, 2, &two)]));
    let tx = bench.read();
    let found = tx.vectors_of(&space, &[a.row]).unwrap();
    assert_eq!((found.keys, found.rows), (vec![key(1), key(2)], vec![1.0, 0.0, 0.0, 1.0]));
    assert_eq!(tx.stored_vectors(a.row).unwrap().len(), 3);
}

/// Of another length, not finite, not of length 1, or of no space.
pub fn bad_vectors_are_refused(bench: &Bench) {
    let [a] = bench.remember(["a"]);
    let space = bench.write(|tx| tx.ensure_active_space("model", 2));
    let refused = |values: &[f32]| bench.refused(|tx| tx.insert_vectors(a.row, &[vector(&space, 0, values)]));
    assert!(matches!(refused(&[1.0]), Error::VectorLength { expected: 2, got: 1 }));
    for values in [[f32::NAN, 0.0], [f32::INFINITY, 0.0], [0.0, 0.0], [1.0, 1.0]] {
        let error = refused(&values);
        assert!(matches!(error, Error::VectorValue { .. }), "{values:?}: {error:?}");
    }
    let nowhere = NewVector { space: SpaceId(999), ..vector(&space, 0, &[1.0, 0.0]) };
    let error = bench.refused(|tx| tx.insert_vectors(a.row, &[nowhere]));
    assert!(matches!(error, Error::SpaceNotFound { id: 999 }), "{error:?}");
    assert_eq!(bench.read().count_vectors(space.id).unwrap(), 0);
}

/// Spread over the entries, the same ones each time.
pub fn vectors_are_sampled_and_counted(bench: &Bench) {
    let entries: Vec<_> = (0..40).map(|n| crate::NewEntry::new(format!("note {n}"))).collect();
    let rows: Vec<i64> = bench.insert(&entries).iter().map(|entry| entry.row).collect();
    let space = bench.write(|tx| {
        let space = tx.ensure_active_space("model", 2)?;
        for (at, &row) in rows.iter().enumerate() {
            tx.insert_vectors(row, &[vector(&space, 0, &[1.0, 0.0])])?;
            if at % 10 == 3 {
                tx.insert_vectors(row, &[vector(&space, 1, &[0.0, 1.0])])?;
            }
        }
        Ok(space)
    });
    let tx = bench.read();
    assert_eq!(tx.count_vectors(space.id).unwrap(), 44);
    assert_eq!(
        (tx.has_more_vectors_than(space.id, 43).unwrap(), tx.has_more_vectors_than(space.id, 44).unwrap()),
        (true, false)
    );
    let several = tx.entries_of_several_passages(space.id, Role::Summary).unwrap();
    assert_eq!(several, [rows[3], rows[13], rows[23], rows[33]]);
    let sample = tx.sample_of_entries(space.id, Role::Summary, 8).unwrap();
    assert_eq!(sample, tx.sample_of_entries(space.id, Role::Summary, 8).unwrap());
    assert!(sample.len() <= 8 && sample.iter().all(|row| rows.contains(row)) && !sample.is_empty());
    let mut all = tx.sample_of_entries(space.id, Role::Summary, 1_000).unwrap();
    all.sort_unstable();
    assert_eq!(all, rows);
    assert!(tx.sample_of_entries(space.id, Role::Context, 8).unwrap().is_empty());
}
