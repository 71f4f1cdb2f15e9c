//! The command line program: many memories in one database.
#![cfg(feature = "bundled-model")]

use crate::program::{World, count};
use serde_json::json;

#[test]
fn a_scope_has_its_own_notes_and_is_removed_with_them() {
    let world = World::new();
    world.add(&["--scope", "ann", "the staging password is rotated"]);
    world.add(&["the build machine has a full disk"]);
    assert_eq!(world.titles(&["--scope", "ann", "staging password"]), ["the staging password is rotated"]);
    assert!(!world.titles(&["staging password"]).contains(&"the staging password is rotated".to_owned()));
    assert_eq!(world.json(&["scopes"]), json!({ "scopes": [{ "name": "ann", "entries": 1 }] }));

    // A misspelt name must not look like a memory that knows nothing.
    let (kind, message, code) = world.error(&["search", "--scope", "anne", "staging"]);
    assert_eq!((kind.as_str(), code), ("not_found", 1), "{message}");
    assert!(message.contains("no scope has the name \"anne\""), "{message}");
    let (kind, message, _) = world.error(&["check", "--scope", "ann"]);
    assert_eq!(kind, "unsupported", "{message}");

    // All of it is copied, or one scope alone.
    let copied = world.json(&["copy", "knowledge.db", "all.db"]);
    assert_eq!((count(&copied, "entries"), &copied["scopes"]), (2, &json!(["ann"])));
    assert_eq!(world.json(&["copy", "knowledge.db", "all.db"])["existing"], 2);
    let found = world.titles(&["--db", "all.db", "--scope", "ann", "staging password"]);
    assert_eq!(found, ["the staging password is rotated"]);
    let copied = world.json(&["copy", "--scope", "ann", "knowledge.db", "ann.db"]);
    assert_eq!((count(&copied, "entries"), &copied["scopes"]), (1, &json!(["ann"])));
    assert_eq!(world.json(&["--db", "ann.db", "stats"])["store"]["entries"], 0);

    assert_eq!(world.json(&["scopes", "--remove", "ann"]), json!({ "removed": "ann", "entries": 1 }));
    assert_eq!(world.json(&["scopes"]), json!({ "scopes": [] }));
    assert_eq!(world.json(&["stats"])["store"]["entries"], 1);
}
