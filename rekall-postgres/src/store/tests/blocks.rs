//! Sets of index blocks, written in short transactions.

use std::ops::ControlFlow;

use rekall_core::store::{ReadBlocks, ReadChanges, WriteBlocks, WriteSpaces};
use rekall_core::{BlockWriter, LogPosition, Space, SpaceState};

use super::super::PostgresStore;
use super::{foreign, memory};
use crate::testing::Server;

const KIND: &str = "kind";

/// A memory whose log has come to some position.
fn prepared(server: &Server) -> (PostgresStore, Space, [LogPosition; 3]) {
    let store = memory(server);
    let mut tx = store.begin_write().unwrap();
    let space = tx.ensure_active_space("test", 2).unwrap();
    tx.execute("INSERT INTO change (seq, entry_id) VALUES (1000, 7)", &[]).unwrap();
    tx.finish().unwrap();
    let at = [1000, 999, 998].map(|number| store.begin_read().unwrap().position_numbered(number).unwrap());
    (store, space, at)
}

fn read(store: &PostgresStore, space: &Space) -> Option<(LogPosition, Vec<u8>)> {
    let tx = store.begin_read().unwrap();
    let position = tx.index_position(space.id, KIND).unwrap()?;
    let mut bytes = Vec::new();
    let whole = tx.each_index_block(space.id, KIND, &mut |data| {
        bytes.extend_from_slice(data);
        ControlFlow::Continue(())
    });
    whole.unwrap().then_some((position, bytes))
}

fn count(store: &PostgresStore) -> i64 {
    store.begin_read().unwrap().number("SELECT count(*) FROM index_block", &[]).unwrap()
}

fn lay_by(store: &PostgresStore, space: &Space, position: LogPosition, bytes: &[u8]) -> bool {
    let mut writer = store.begin_block_set(space, KIND, position, 0).unwrap().unwrap();
    bytes.iter().all(|byte| writer.put(&[*byte]).unwrap()) && Box::new(writer).finish().unwrap()
}

#[test]
fn the_set_in_use_stays_until_the_new_one_is_whole() {
    let Some(server) = Server::shared() else { return };
    let (store, space, [_, earlier, first_of_all]) = prepared(server);
    assert!(lay_by(&store, &space, first_of_all, b"old"));
    let mut writer = store.begin_block_set(&space, KIND, earlier, 0).unwrap().unwrap();
    for (put, byte) in b"newer".iter().enumerate() {
        assert_eq!(read(&store, &space), Some((first_of_all, b"old".to_vec())), "after {put} blocks");
        assert!(writer.put(&[*byte]).unwrap());
        // Other writers come in between.
        store.begin_write().unwrap().finish().unwrap();
    }
    assert!(Box::new(writer).finish().unwrap());
    assert_eq!(read(&store, &space), Some((earlier, b"newer".to_vec())));
    assert_eq!(count(&store), 6, "five blocks and a seal");
}

#[test]
fn what_was_left_half_done_goes_with_the_next_one() {
    let Some(server) = Server::shared() else { return };
    let (store, space, [now, earlier, _]) = prepared(server);
    let mut killed = store.begin_block_set(&space, KIND, now, 0).unwrap().unwrap();
    for _ in 0..30 {
        killed.put(b"x").unwrap();
    }
    assert_eq!(read(&store, &space), None);
    assert!(store.begin_block_set(&space, KIND, now, 10).unwrap().is_none(), "left to the one who is at it");
    assert!(lay_by(&store, &space, now, b"ab"));
    assert_eq!((read(&store, &space), count(&store)), (Some((now, b"ab".to_vec())), 3));
    // It was not killed, only slow: it notices.
    assert!(!killed.put(b"x").unwrap());
    assert!(!Box::new(killed).finish().unwrap());
    // One of an older position gives way.
    let mut old = store.begin_block_set(&space, KIND, earlier, 0).unwrap().unwrap();
    assert!(old.put(b"o").unwrap() && !Box::new(old).finish().unwrap());
    assert_eq!(read(&store, &space), Some((now, b"ab".to_vec())));
}

#[test]
fn another_space_or_another_life_of_the_memory_ends_it() {
    let Some(server) = Server::shared() else { return };
    let (store, space, [now, ..]) = prepared(server);
    let mut writer = store.begin_block_set(&space, KIND, now, 0).unwrap().unwrap();
    assert!(writer.put(b"x").unwrap());
    server.psql("rekall", &format!("VACUUM (FULL) {}.entry", store.client.address().schema)).unwrap();
    assert!(!writer.put(b"x").unwrap());
    assert!(store.begin_block_set(&space, KIND, now, 0).unwrap().is_none());
    let mut tx = store.begin_write().unwrap();
    let refused = tx.put_index_block(space.id, KIND, 0, now, b"x").unwrap_err();
    assert!(matches!(refused, rekall_core::Error::OutOfRange { field: "position", .. }), "{refused}");
    drop(tx);

    let (store, space, [now, ..]) = prepared(server);
    let mut writer = store.begin_block_set(&space, KIND, now, 0).unwrap().unwrap();
    assert!(writer.put(b"x").unwrap());
    let mut tx = store.begin_write().unwrap();
    let other = tx.add_space("other", 2, SpaceState::Building).unwrap();
    tx.activate_space(other.id).unwrap();
    tx.finish().unwrap();
    assert!(!writer.put(b"x").unwrap() && !Box::new(writer).finish().unwrap());
    assert!(store.begin_block_set(&space, KIND, now, 0).unwrap().is_none());
}

#[test]
fn a_set_with_anything_missing_is_not_whole() {
    let Some(server) = Server::shared() else { return };
    let (store, space, [now, ..]) = prepared(server);
    for damage in [
        "DELETE FROM index_block WHERE number = 0",
        "DELETE FROM index_block WHERE number = 1",
        "DELETE FROM index_block WHERE number = 3",
        "DELETE FROM index_block WHERE number >= 2",
        "UPDATE index_block SET seq = 6 WHERE number = 0",
        "UPDATE index_block SET seq = 6 WHERE number = 2",
        "UPDATE index_block SET number = 9 WHERE number = 1",
        // A seal for fewer blocks than were written.
        "DELETE FROM index_block WHERE number < 3; UPDATE index_block SET number = 0",
        "DELETE FROM index_block WHERE number = 2; UPDATE index_block SET number = 2 WHERE number = 3",
        "UPDATE index_block SET data = '\\x524b4c5345414c01' WHERE number = 3",
        // Of a position that the log never had.
        "UPDATE index_block SET seq = 9223372036854775807",
        "UPDATE index_block SET seq = seq + 1",
        "UPDATE index_block SET seq = -1",
    ] {
        let mut tx = store.begin_write().unwrap();
        let blocks = &mut (0..3).map(|number| vec![number; 10]);
        tx.replace_index_blocks(space.id, KIND, now, blocks).unwrap();
        tx.finish().unwrap();
        assert!(read(&store, &space).is_some_and(|(_, bytes)| bytes.len() == 30));
        foreign(server, &store, damage).unwrap();
        assert_eq!(read(&store, &space), None, "{damage}");
    }
}
