//! Blocks of a persisted index.

use std::ops::ControlFlow;

use super::Bench;
use crate::{Error, LogPosition, Space};

const KIND: &str = "codes";

/// The blocks of a kind, if they are all there.
fn blocks(bench: &Bench, space: &Space, kind: &str) -> Option<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let whole = bench.read().each_index_block(space.id, kind, &mut |block| {
        found.push(block.to_vec());
        ControlFlow::Continue(())
    });
    whole.unwrap().then_some(found)
}

fn begin(bench: &Bench) -> (Space, LogPosition) {
    bench.remember(["a"]);
    let space = bench.write(|tx| tx.ensure_active_space("model", 2));
    (space, bench.read().position().unwrap())
}

/// And are nobody's before.
pub fn blocks_come_back_in_order_once_they_are_sealed(bench: &Bench) {
    let (space, position) = begin(bench);
    assert_eq!(
        (blocks(bench, &space, KIND), bench.read().index_position(space.id, KIND).unwrap()),
        (None, None)
    );
    bench.write(|tx| {
        tx.put_index_block(space.id, KIND, 0, position, b"zero")?;
        tx.put_index_block(space.id, KIND, 1, position, b"")
    });
    assert_eq!(bench.read().index_position(space.id, KIND).unwrap(), None);
    bench.write(|tx| tx.seal_index_blocks(space.id, KIND, 2, position));
    assert_eq!(bench.read().index_position(space.id, KIND).unwrap(), Some(position));
    assert_eq!(blocks(bench, &space, KIND), Some(vec![b"zero".to_vec(), Vec::new()]));
    let mut others = [b"other".to_vec()].into_iter();
    bench.write(|tx| tx.replace_index_blocks(space.id, KIND, position, &mut others));
    assert_eq!(blocks(bench, &space, KIND), Some(vec![b"other".to_vec()]));
    // In short transactions, beside the set in use.
    let mut writer = bench.store().begin_index_blocks(&space, KIND, position, 1_000).unwrap().unwrap();
    assert!(writer.put(b"new").unwrap());
    assert_eq!(blocks(bench, &space, KIND), Some(vec![b"other".to_vec()]));
    assert!(writer.finish().unwrap());
    assert_eq!(blocks(bench, &space, KIND), Some(vec![b"new".to_vec()]));
    assert_eq!(bench.read().position().unwrap(), position, "no news for anybody");
}

/// What was made of other rows must not be persisted.
pub fn blocks_of_another_history_are_refused(bench: &Bench) {
    let (space, position) = begin(bench);
    let elsewhere = LogPosition::new(position.incarnation().wrapping_add(1), position.number());
    let error = bench.refused(|tx| tx.put_index_block(space.id, KIND, 0, elsewhere, b"x"));
    assert!(matches!(error, Error::OutOfRange { .. }), "{error:?}");
    assert_eq!(blocks(bench, &space, KIND), None);
}

/// By kind and space, by kind, and all of them.
pub fn blocks_are_dropped(bench: &Bench) {
    let (space, position) = begin(bench);
    let fill = || {
        for kind in [KIND, "other"] {
            let mut data = [b"x".to_vec()].into_iter();
            bench.write(|tx| tx.replace_index_blocks(space.id, kind, position, &mut data));
        }
    };
    let there = || [KIND, "other"].map(|kind| blocks(bench, &space, kind).is_some());
    fill();
    bench.write(|tx| tx.drop_index_blocks(space.id, KIND));
    assert_eq!(there(), [false, true]);
    fill();
    bench.write(|tx| tx.drop_index_blocks_of_kind("other"));
    assert_eq!(there(), [true, false]);
    fill();
    bench.write(|tx| tx.drop_all_index_blocks());
    assert_eq!(there(), [false, false]);
}
