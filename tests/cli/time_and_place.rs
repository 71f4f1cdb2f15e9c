//! The command line program's filters by source and by time, supersession, and near duplicates.

#![cfg(all(feature = "bundled-model", feature = "files"))]

use std::fs;

use serde_json::Value;

use crate::program::{World, count};

fn listed(world: &World, arguments: &[&str]) -> Vec<String> {
    let page = world.json(&[&["list"], arguments].concat());
    let entries = page["entries"].as_array().unwrap();
    let mut titles: Vec<String> =
        entries.iter().map(|entry| entry["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

#[test]
fn a_note_that_was_replaced_held_until_then() {
    let world = World::new();
    let old = world.add(&["The server is called gea", "--valid-from=2025-01-01"]);
    let new = world.add(&["The server is called io", "--valid-from=2025-03-01T12:00"]);
    let replaced = world.json(&["update", &old, "--superseded-by", &new]);
    assert_eq!((&replaced["status"], &replaced["superseded_by"]), (&"obsolete".into(), &new.as_str().into()));
    let noon = 1_740_830_400_000_i64;
    assert_eq!(replaced["valid_to"], noon, "{replaced}");

    for (moment, held) in [
        ("2024-12-31", &[][..]),
        ("2025-01-01", &["The server is called gea"]),
        ("2025-03-01 11:59", &["The server is called gea"]),
        ("2025-03-01 12:00", &["The server is called io"]),
        ("2026-01-01", &["The server is called io"]),
    ] {
        assert_eq!(listed(&world, &["--as-of", moment]), held, "{moment}");
        assert_eq!(world.titles(&["server name", "--as-of", moment]), held, "{moment}");
    }
    assert_eq!(listed(&world, &[]), ["The server is called io"]);
    let shown = String::from_utf8(world.run(&["show", &old]).stdout).unwrap();
    assert!(shown.contains("valid from     2025-01-01 00:00 UTC"), "{shown}");
    assert!(shown.contains("valid to       2025-03-01 12:00 UTC"), "{shown}");

    // What is named goes before what follows from that.
    let other = world.add(&["The server is called leda"]);
    let both =
        world.json(&["update", &new, "--superseded-by", &other, "--valid-to=2025-06-01", "--tag=moon"]);
    assert_eq!((&both["status"], &both["tags"][0]), (&"obsolete".into(), &"moon".into()));
    assert_eq!(listed(&world, &["--as-of=2025-05-31"]), ["The server is called io"]);
    assert_eq!(listed(&world, &["--as-of=2025-06-01"]), [""; 0]);
    assert!(world.json(&["update", &new, "--no-valid-to", "--no-valid-from"])["valid_to"].is_null());

    // A note can name another one and hold all the same.
    let third = world.add(&["The server is called metis"]);
    let active = world.json(&["update", &other, "--superseded-by", &third, "--status=active"]);
    assert_eq!(world.error(&["update", &other, "--superseded-by", &other]).0, "invalid_input");
    assert_eq!(active["status"], "active");
    assert!(active["valid_to"].is_null(), "{active}");
}

#[test]
fn what_cannot_take_a_notes_place_is_named() {
    let world = World::new();
    let id = world.add(&["A note"]);
    let unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let (kind, message, _) = world.error(&["update", &id, "--superseded-by", unknown, "--title=Other"]);
    assert_eq!(kind, "not_found");
    assert!(message.contains(unknown) && !message.contains("operation"), "{message}");
    assert_eq!(listed(&world, &[]), ["A note"], "all or nothing");
    for wrong in ["yesterday", "2025-02-30", "2025-01-01 25:00"] {
        let (kind, message, _) = world.error(&["list", "--as-of", wrong]);
        assert_eq!(kind, "usage");
        assert!(message.contains("2026-01-31"), "{message}");
    }
    assert_eq!(
        world.error(&["add", "x", "--valid-from=2025-02-01", "--valid-to=2025-01-01"]).0,
        "invalid_input"
    );
}

#[test]
fn notes_are_found_by_the_file_or_folder_that_they_come_from() {
    let world = World::new();
    world.write("docs/one.md", "# One\nA crank.\n");
    world.write("docs/sub/two.md", "# Two\nA crank.\n");
    world.write("docs2/three.md", "# Three\nA crank.\n");
    world.json(&["index", "docs", "docs2"]);
    world.add(&["By hand", "--content=A crank."]);
    let uri = world.json(&["list", "--source=docs/one.md"])["entries"][0]["source"]["uri"].clone();
    for (sources, found) in [
        (&["docs"][..], &["One", "Two"][..]),
        (&["docs/"], &["One", "Two"]),
        (&["./docs/../docs/sub"], &["Two"]),
        (&["docs/one.md", "docs2"], &["One", "Three"]),
        (&[uri.as_str().unwrap()], &["One"]),
        (&["docs/absent.md"], &[]),
        (&["doc"], &[]),
        (&["wiki:deploy"], &[]),
    ] {
        let sources: Vec<String> = sources.iter().map(|source| format!("--source={source}")).collect();
        let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
        assert_eq!(listed(&world, &sources), found, "{sources:?}");
        let mut titles = world.titles(&[&["crank"], &sources[..]].concat());
        titles.sort();
        assert_eq!(titles, found, "{sources:?}");
    }
    // A file that is gone is still named by its path.
    fs::remove_dir_all(world.path("docs/sub")).unwrap();
    assert_eq!(listed(&world, &["--source=docs/sub/two.md"]), ["Two"]);
}

#[test]
fn notes_that_say_nearly_the_same_are_listed_with_what_differs() {
    let world = World::new();
    let port = |number: u32| format!("Port {number} is taken on the build machine by the proxy");
    let first = world.add(&[&port(8080), "--project=shop"]);
    let second = world.add(&[&port(9090), "--project=shop"]);
    world.write("docs/bread.md", "# Bread\nFlour, water, salt and time.\n");
    world.write("docs/copy.md", "# Bread\nFlour, water, salt and time.\n");
    world.json(&["index", "docs"]);

    let found = world.json(&["duplicates", "--threshold=0.8"]);
    assert_eq!(count(&found, "found"), 2, "{found}");
    let pair = found["pairs"].as_array().unwrap().iter().find(|pair| pair["first"] == *first).unwrap();
    assert_eq!(pair["second"], *second);
    let difference = &pair["differences"][0];
    assert_eq!(
        (&difference["first"]["text"], &difference["second"]["text"]),
        (&"8080".into(), &"9090".into())
    );
    assert_eq!((&difference["first"]["start"], &difference["first"]["end"]), (&5.into(), &9.into()));
    assert_eq!(pair["entries"][1]["title"], port(9090));

    let text = String::from_utf8(world.run(&["duplicates", "--threshold=0.8"]).stdout).unwrap();
    let shown: Vec<&str> = text.lines().map(str::trim).collect();
    for line in ["- 8080", "+ 9090", "docs/bread.md:1", "docs/copy.md:1", "the words are the same", "2 pairs"]
    {
        assert!(shown.contains(&line), "{line}: {text}");
    }
    let narrowed = world.json(&["duplicates", "--threshold=0.8", "--project=shop"]);
    assert_eq!(count(&narrowed, "found"), 1);
    let limited =
        String::from_utf8(world.run(&["duplicates", "--threshold=0.8", "--limit=1"]).stdout).unwrap();
    assert!(limited.contains("1 of 2 pairs; --limit shows more"), "{limited}");
    let none: Value = world.json(&["duplicates", "--project=absent"]);
    assert_eq!(count(&none, "found"), 0);
    assert_eq!(world.error(&["duplicates", "--threshold=2"]).0, "invalid_input");
    assert_eq!(world.json(&["list"])["count"], 4, "none is dropped");
}
