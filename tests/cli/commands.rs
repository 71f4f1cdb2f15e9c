//! Every command, on notes that are written, found, changed and forgotten.

#![cfg(all(feature = "bundled-model", feature = "files"))]

use std::fs;

use base64::Engine;

use crate::program::{World, count};

#[test]
fn quickstart_finds_what_shares_no_words() {
    let world = World::new();
    let document = world.json(&["quickstart"]);
    let questions = document["questions"].as_array().unwrap();
    assert_eq!(questions.len(), 12);
    assert_eq!(questions.iter().filter(|question| question["lang"] == "fr").count(), 5);
    // The other six were written before the model was trained; it finds one of them, as all-MiniLM-L6-v2 does.
    let (first, later) = questions.split_at(6);
    assert!(first.iter().all(|question| question["rank"] == 1), "{document}");
    assert!(later.iter().any(|question| question["rank"] == 1), "{document}");
    assert!(document["times"]["median_search_ms"].is_number());
    assert!(!world.path("knowledge.db").exists(), "sample notes belong into no database but one named");
}

#[test]
fn quickstart_on_one_file_twice_remembers_once() {
    let world = World::new();
    let file = world.path("sample.db");
    let file = file.to_str().unwrap();
    assert!(world.json(&["--db", file, "quickstart"])["times"]["remember_ms"].is_number());
    assert!(world.json(&["--db", file, "quickstart"])["times"]["remember_ms"].is_null());
    assert_eq!(count(&world.json(&["--db", file, "stats"])["store"], "entries"), 292);
}

#[test]
fn a_note_goes_in_is_found_changed_and_forgotten() {
    let world = World::new();
    let id = world.add(&[
        "CORS fails on Safari",
        "--content=The preflight answer lacks a header.",
        "--kind=bug",
        "--project=shop",
        "--tag=http",
        "--tag=safari",
        r#"--context={"situation":"The basket stays empty","files":["api.rs"]}"#,
    ]);
    world.add(&["Les sauvegardes échouent la nuit", "--content", "Le disque est plein."]);

    let found = world.json(&["search", "browser", "blocks", "my", "API", "call", "--limit", "1"]);
    let hit = &found["hits"][0];
    assert_eq!(hit["entry"]["id"], *id);
    assert!(hit["similarity"].as_f64().unwrap() > 0.0 && hit["score"].is_number());
    assert!(hit["explain"]["semantic"]["rank"].is_u64() && hit["chunk"]["role"].is_string(), "{hit}");
    assert!(found["elapsed_ms"].is_number() && found["degraded"].as_array().unwrap().is_empty());

    assert_eq!(world.titles(&["disque plein", "--mode", "text"]), ["Les sauvegardes échouent la nuit"]);
    assert_eq!(world.titles(&["basket", "--role=context", "--mode=semantic"]), ["CORS fails on Safari"]);
    assert_eq!(world.titles(&["problem", "--tag=http", "--tag=safari"]).len(), 1);
    assert_eq!(world.titles(&["problem", "--tag=http", "--tag=absent"]).len(), 0);
    assert_eq!(world.titles(&["problem", "--kind=bug", "--project=shop"]).len(), 1);
    assert_eq!(world.titles(&["problem", "--threshold=-1"]).len(), 2);
    assert_eq!(world.titles(&["problem", "--threshold=0.999"]).len(), 0);

    let other = world.add(&["Send the header on errors, too"]);
    world.json(&["link", &other, &id, "--relation=supersedes", "--reason=found later"]);
    let shown = world.json(&["show", &id]);
    assert_eq!(shown["tags"], serde_json::json!(["http", "safari"]));
    assert_eq!(shown["links"][0]["title"], "Send the header on errors, too");

    let updated =
        world.json(&["update", &id, "--title=Cookies vanish", "--no-tags", "--superseded-by", &other]);
    assert_eq!((&updated["title"], &updated["status"]), (&"Cookies vanish".into(), &"obsolete".into()));
    assert_eq!(updated["superseded_by"], *other);
    assert!(!world.titles(&["cookies"]).contains(&"Cookies vanish".to_owned()));
    assert_eq!(world.titles(&["cookies", "--status=obsolete"]), ["Cookies vanish"]);

    world.json(&["forget", &id]);
    assert_eq!(world.error(&["show", &id]).0, "not_found");
    assert_eq!(count(&world.json(&["stats"])["store"], "entries"), 2);
}

#[test]
fn similar_notes_are_found_by_id() {
    let world = World::new();
    let id = world.add(&["The database file is corrupt after a power loss"]);
    world.add(&["A power cut damaged the database"]);
    world.add(&["Recette de la tarte aux pommes"]);
    let found = world.json(&["similar", &id, "--threshold=0.3"]);
    assert_eq!(found["hits"][0]["entry"]["title"], "A power cut damaged the database");
    assert_eq!(found["hits"].as_array().unwrap().len(), 1);
}

/// Those of the built-in model.
fn dimensions() -> usize {
    use rekall::model::{LoadOptions, load};
    load(&rekall::ModelSource::Bundled, &LoadOptions::new()).unwrap().dimensions()
}

#[test]
fn a_vector_stands_for_the_query() {
    let world = World::new();
    world.add(&["One"]);
    world.add(&["Two"]);
    let encode = |values: &[f32]| {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        base64::engine::general_purpose::STANDARD.encode(bytes)
    };
    let dimensions = dimensions();
    let mut direction = vec![0.0; dimensions];
    direction[3] = 2.0;
    assert_eq!(world.titles(&["--vector", &encode(&direction), "--mode=semantic"]).len(), 2);
    assert_eq!(world.titles(&["", "--vector", &encode(&direction)]).len(), 2);
    assert_eq!(world.titles(&["two", "--vector", &encode(&direction)]).len(), 2);

    let (kind, message, code) = world.error(&["search", "--vector", &encode(&[1.0; 3])]);
    assert_eq!((kind.as_str(), code), ("invalid_vector", 1));
    assert_eq!(message, format!("vector must have {dimensions} components, got 3"));
    assert_eq!(
        world.error(&["search", "--vector", &encode(&vec![f32::NAN; dimensions])]).0,
        "invalid_vector"
    );
    assert_eq!(world.error(&["search", "--vector", &encode(&vec![0.0; dimensions])]).0, "invalid_vector");
    assert!(world.error(&["search", "--vector", "AAAA"]).1.ends_with("got 3 bytes"));
    assert_eq!(world.error(&["search", "--vector", "no base64!"]).0, "invalid_vector");
}

#[test]
fn a_second_index_run_takes_up_only_changes() {
    let world = World::new();
    let guide = "Before.\n\n# Guide\n\n## Install\nRun the installer.\n\n## Use\nOpen the file.\n";
    world.write("docs/guide.md", guide);
    world.write("docs/src/main.rs", "fn main() {}\n");
    world.write("docs/notes.txt", "Remember the milk.");
    world.write("docs/.gitignore", "target/\n");
    world.write("docs/target/built.txt", "never");
    world.write("docs/.hidden/secret.txt", "never");
    world.write("docs/image.bin", "PNG\0");
    world.write("docs/large.txt", &"x".repeat((1 << 20) + 1));

    let first = world.json(&["index", "docs"]);
    assert_eq!((count(&first, "added"), count(&first, "read")), (5, 3), "{first}");
    let skipped: Vec<&str> =
        first["skipped"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert!(
        skipped.len() == 2 && skipped[0].ends_with("image.bin") && skipped[1].ends_with("large.txt"),
        "{first}"
    );
    assert_eq!(world.titles(&["installer", "--mode=text", "--project=docs"]), ["Guide > Install"]);
    let found = world.json(&["search", "main", "--mode=text", "--limit=1"]);
    let source = world.json(&["show", found["hits"][0]["entry"]["id"].as_str().unwrap()]);
    assert_eq!(source["title"], "main.rs > fn main");
    assert!(source["source"]["uri"].as_str().unwrap().ends_with("/docs/src/main.rs"));

    // Until the files are old enough for their stamps to be trusted.
    while count(&world.json(&["index", "docs"]), "read") > 0 {}
    let log_rows = count(&world.json(&["stats"])["store"], "log_rows");
    let second = world.json(&["index", "docs"]);
    let counts = ["added", "changed", "kept", "gone"].map(|name| count(&second, name));
    assert_eq!(counts, [0, 0, 5, 0], "{second}");
    assert_eq!(count(&world.json(&["stats"])["store"], "log_rows"), log_rows, "nothing is written");

    world.write("docs/guide.md", "# Guide\n\n## Install\nRun the new installer.\n\n## Use\nOpen the file.\n");
    fs::remove_file(world.path("docs/notes.txt")).unwrap();
    world.write("docs/more.md", "No heading here.\n");
    let third = world.json(&["index", "docs"]);
    let counts = ["added", "changed", "kept", "gone"].map(|name| count(&third, name));
    assert_eq!(counts, [1, 1, 2, 2], "{third}");
    assert_eq!(count(&world.json(&["stats"])["store"], "entries"), 4);
}

#[test]
fn markdown_is_cut_at_its_headings() {
    let world = World::new();
    let text = "---\ntitle: Front matter\n---\n\nUnderlined\n==========\nOne.\n\n```sh\n# no heading\n```\n\n\
                ## Twice ##\nTwo.\n\n## Twice\nThree.\n\nLevel two\n---------\n\n### Leaf\n#nor this\n";
    world.write("a/page.md", text);
    world.json(&["index", "a", "--project=pages"]);
    let mut titles = world.titles(&["anything", "--mode=semantic", "--project=pages"]);
    titles.sort();
    let expected = [
        "Front matter > Underlined",
        "Front matter > Underlined > Level two > Leaf",
        "Front matter > Underlined > Twice",
        "Front matter > Underlined > Twice",
    ];
    assert_eq!(titles, expected);
    let found = world.json(&["search", "no heading", "--mode=text", "--limit=1"]);
    let shown = world.json(&["show", found["hits"][0]["entry"]["id"].as_str().unwrap()]);
    assert_eq!(shown["content"], "One.\n\n```sh\n# no heading\n```");
}

#[test]
fn notes_of_other_origin_survive_an_index_run() {
    let world = World::new();
    let id = world.add(&["Written by hand"]);
    world.write("a/one.txt", "one");
    world.write("b/two.txt", "two");
    world.json(&["index", "a", "b"]);
    fs::remove_file(world.path("b/two.txt")).unwrap();
    assert_eq!(count(&world.json(&["index", "a"]), "gone"), 0, "only what was asked for is looked at");
    let emptied = world.json(&["index", "b"]);
    assert_eq!((count(&emptied, "gone"), count(&emptied, "held_back")), (0, 1), "{emptied}");
    assert_eq!(count(&world.json(&["index", "b", "--prune"]), "gone"), 1);
    world.json(&["show", &id]);
}

#[test]
fn equal_seeds_make_equal_notes() {
    let world = World::new();
    let found = |file: &str, seed: &str, count: &str| {
        let file = world.path(file);
        let file = file.to_str().unwrap();
        world.json(&["--db", file, "generate", "--count", count, "--seed", seed]);
        world.titles(&["--db", file, "stale data", "--limit=1000", "--mode=semantic"])
    };
    let first = found("first.db", "7", "40");
    assert_eq!(first.len(), 40);
    assert_eq!(first, found("second.db", "7", "40"));
    assert_ne!(first, found("third.db", "8", "40"));
    let longer = found("fourth.db", "7", "60");
    assert!(first.iter().all(|title| longer.contains(title)));
}

#[test]
fn an_export_comes_back_whole() {
    let world = World::new();
    let id = world.add(&["A note", "--tag=kept", "--content=With content."]);
    let other = world.add(&["Another"]);
    world.json(&["link", &id, &other]);
    assert_eq!(count(&world.json(&["export", "all.jsonl"]), "entries"), 2);
    assert_eq!(world.error(&["export", "all.jsonl"]).0, "io", "an existing file is not overwritten");

    let imported = world.json(&["--db=copy.db", "import", "all.jsonl"]);
    assert_eq!((count(&imported, "entries"), count(&imported, "links")), (2, 1));
    assert_eq!(count(&world.json(&["--db=copy.db", "import", "all.jsonl"]), "existing"), 2);
    world.json(&["--db=copy.db", "export", "again.jsonl"]);
    let read = |name: &str| fs::read(world.path(name)).unwrap();
    assert!(read("all.jsonl") == read("again.jsonl"));
    assert_eq!(world.json(&["--db=copy.db", "show", &id])["tags"][0], "kept");
    let texts = world.json(&["export", "--without-vectors", "texts.jsonl"]);
    assert_eq!((count(&texts, "entries"), count(&texts, "vectors")), (2, 0));
    assert!(read("texts.jsonl").len() < read("all.jsonl").len());
}

#[test]
fn a_database_is_checked_copied_and_embedded_anew() {
    let world = World::new();
    world.add(&["A note"]);
    assert_eq!(world.json(&["check"])["clean"], true);
    world.json(&["repair"]);
    world.json(&["backup", "backup.db"]);
    assert_eq!(count(&world.json(&["--db=backup.db", "stats"])["store"], "entries"), 1);
    assert_eq!(world.error(&["backup", "backup.db"]).2, 1, "an existing file is not overwritten");
    assert_eq!(world.error(&["reembed"]).0, "usage");
    let again = world.json(&["--model=bundled", "reembed"]);
    assert_eq!(count(&again, "entries"), 0, "the vectors are this model's already");
}

#[test]
fn what_cannot_be_imported_leaves_nothing_behind() {
    let world = World::new();
    world.write("text.db", "just words");
    world.write("empty.db", "");
    for name in ["text.db", "empty.db"] {
        assert_eq!(world.error(&["import", name]).0, "not_a_database");
    }
    assert_eq!(world.error(&["import", "absent.db"]).0, "not_found");
    assert!(!world.path("knowledge.db").exists());
}

#[test]
fn bad_input_is_named() {
    let world = World::new();
    let id = world.add(&["A note"]);
    let expect = |arguments: &[&str], kind: &str, part: &str| {
        let (found, message, code) = world.error(arguments);
        assert_eq!((found.as_str(), code), (kind, 1), "{arguments:?}: {message}");
        assert!(message.contains(part), "{arguments:?}: {message}");
        assert!(!message.contains('\n') || part.contains("toml"), "{message}");
    };
    expect(&["search", ""], "invalid_input", "the query is empty");
    expect(&["search", "x", "--limit=0"], "invalid_input", "limit must be 1 to");
    expect(&["search", "x", "--threshold=2"], "invalid_input", "threshold must be -1 to 1, got 2");
    expect(&["search"], "usage", "QUERY or --vector");
    expect(&["search", "x", "--mode=magic"], "usage", "magic");
    expect(&["show", "nonsense"], "invalid_input", "got \"nonsense\"");
    expect(&["show", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], "not_found", "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    expect(&["forget", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], "not_found", "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    expect(&["add", " "], "invalid_input", "title is empty");
    expect(&["add", "t", "--context", r#"{"mood":1}"#], "invalid_input", "mood");
    expect(&["add", "t", "--confidence=6"], "invalid_input", "0 to 5");
    expect(&["update", &id], "usage", "nothing to change");
    expect(&["index", "absent"], "not_found", "absent");
    expect(&["generate", "--count=0"], "usage", "0");
    expect(&["--model=gpt", "search", "x"], "usage", "gpt");
    expect(&["--db", "absent.db", "search", "x"], "not_found", "absent.db");
    expect(&["--db", "absent/new.db", "add", "x"], "io", "absent");
    assert!(!world.path("absent.db").exists() && !world.path("absent").exists());
}

#[test]
fn what_is_no_database_is_refused_and_kept() {
    let world = World::new();
    fs::create_dir(world.path("folder")).unwrap();
    let text = world.write("text.db", "just words, longer than the header of a database file would be");
    for name in ["folder", "text.db"] {
        for command in [&["search", "x"], &["add", "x"]] {
            let (kind, message, code) = world.error(&[&["--db", name], &command[..]].concat());
            assert_eq!((kind.as_str(), code), ("not_a_database", 1), "{message}");
            assert!(message.contains(name), "{message}");
        }
    }
    assert!(fs::read_to_string(text).unwrap().starts_with("just words"));
}

#[test]
fn a_wrong_configuration_is_refused_by_key() {
    let world = World::new();
    world.write("wrong.toml", "[performance]\ncache_max_sise = 1\n");
    world.write("right.toml", "[performance]\ncache_max_size = 1\nvector_index_backend = 'numpy'\n");
    let (kind, message, code) = world.error(&["--config=wrong.toml", "add", "x"]);
    assert_eq!((kind.as_str(), code), ("invalid_input", 1));
    assert!(message.contains("cache_max_sise"), "{message}");
    assert_eq!(world.error(&["--config=absent.toml", "add", "x"]).2, 1);
    world.json(&["--config=right.toml", "add", "x"]);
}

#[test]
fn the_default_database_is_in_the_data_folder() {
    let world = World::new();
    let output = world.command(&["add", "A note"]).env_remove("REKALL_DB").output().unwrap();
    assert!(output.status.success());
    assert!(world.path("data/rekall/knowledge.db").is_file());
    let id = String::from_utf8(output.stdout).unwrap();
    assert_eq!(id.trim().len(), 26, "add prints the id and nothing else");
}

#[test]
fn people_get_text_without_colours_in_a_pipe() {
    let world = World::new();
    let id = world.add(&["A note", "--content=With content."]);
    for arguments in [&["search", "note"][..], &["show", &id], &["stats", "--memory"], &["rebuild-index"]] {
        let output = world.run(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && !text.contains('\x1b') && !text.starts_with('{'), "{text}");
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(world.run(&["--help"]).status.code(), Some(0));
    assert_eq!(world.run(&["nonsense"]).status.code(), Some(1));
}
