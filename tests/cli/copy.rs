//! `copy`: one memory into another, whole, also after a run that was killed.
#![cfg(feature = "files")]

use std::process::Stdio;

use crate::program::{World, count};
use rekall::Rekall;

/// A world with notes that link to others, replaced ones included.
fn filled(notes: usize) -> World {
    let world = World::new();
    world.json(&["generate", &format!("--count={notes}")]);
    let older = world.add(&["An older note"]);
    let newer = world.add(&["A newer note", "--tag=kept"]);
    world.json(&["link", &newer, &older]);
    world.json(&["link", &older, &newer]);
    let path = world.path("knowledge.db");
    let memory = Rekall::builder(path).without_model().open().unwrap();
    memory.supersede_entry(older.parse().unwrap(), newer.parse().unwrap()).unwrap();
    world
}

fn export(place: &str) -> String {
    let mut lines = Vec::new();
    let memory = Rekall::builder(place).without_model().create(false).open().unwrap();
    memory.export_jsonl(&mut lines).run().unwrap();
    String::from_utf8(lines).unwrap()
}

/// Copies the world's memory to a place, once killed on the way, and checks that all is there.
fn copies_to(world: &World, place: &str, notes: u64) {
    let mut killed = world.command(&["copy", "knowledge.db", place]).stderr(Stdio::null()).spawn().unwrap();
    // Until a part is there.
    let there = loop {
        let opened = Rekall::builder(place).without_model().create(false).open();
        let there = opened.ok().and_then(|memory| memory.stats().ok()).map_or(0, |stats| stats.store.entries);
        if there > 0 || killed.try_wait().unwrap().is_some() {
            break there;
        }
        std::thread::yield_now();
    };
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(there > 0);
    let report = world.json(&["copy", "knowledge.db", place]);
    assert!(count(&report, "existing") >= there, "{report}");
    assert_eq!(count(&report, "entries") + count(&report, "existing"), notes, "{report}");
    let original = export(world.path("knowledge.db").to_str().unwrap());
    assert_eq!(export(place), original);
    let again = world.json(&["copy", "knowledge.db", place]);
    assert_eq!((count(&again, "entries"), count(&again, "existing")), (0, notes));
    assert_eq!(export(place), original);
}

#[test]
fn a_copy_goes_on_after_it_was_killed_and_is_whole() {
    let world = filled(2_500);
    let copy = world.path("copy.db");
    copies_to(&world, copy.to_str().unwrap(), 2_502);
    world.add(&["--db=copy.db", "One that the original does not have"]);
    let (kind, message, _) = world.error(&["copy", "knowledge.db", "copy.db"]);
    assert_eq!(kind, "usage");
    assert!(message.contains("does not have (1)"), "{message}");
    assert_eq!(world.error(&["copy", "no-such.db", "new.db"]).0, "not_found");
}

#[cfg(all(feature = "postgres", unix))]
#[test]
fn a_memory_goes_to_a_server_and_back() {
    let Some(server) = rekall_postgres::testing::Server::shared() else { return };
    let world = filled(1_500);
    let url = server.memory_url();
    copies_to(&world, &url, 1_502);
    let report = world.json(&["copy", &url, "back.db"]);
    assert_eq!(count(&report, "entries"), 1_502);
    let (there, back) = (world.path("knowledge.db"), world.path("back.db"));
    assert_eq!(export(back.to_str().unwrap()), export(there.to_str().unwrap()));
    let stats = world.json(&[&format!("--db={url}"), "stats"]);
    assert_eq!(count(&stats["store"], "entries"), 1_502);
    assert!(!stats.to_string().contains(server.password()), "{stats}");
}
