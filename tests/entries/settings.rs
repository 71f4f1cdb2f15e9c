//! docs/settings.md and the header have every key that settings know, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rekall::Config;

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The names between the backticks of what the parser says it knows.
fn known(toml: &str) -> BTreeSet<String> {
    let message = toml.parse::<Config>().unwrap_err().to_string();
    let (_, expected) = message.split_once("expected ").expect("the parser says what it expected");
    let names: BTreeSet<_> = expected.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(!names.is_empty(), "{message}");
    names
}

/// Section, key, type and default of each row of the table.
fn rows() -> Vec<[String; 4]> {
    let page = page("docs/settings.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let cell = |row: &str, at: usize| row.split('|').nth(at).unwrap().trim().trim_matches('`').to_owned();
    rows.map(|row| [cell(row, 1), cell(row, 2), cell(row, 3), cell(row, 5)]).collect()
}

#[test]
fn every_key_is_documented() {
    let header = page("include/rekall.h");
    let mut keys = BTreeSet::new();
    for section in known("[not_a_section]") {
        for key in known(&format!("[{section}]\nnot_a_key = 1")) {
            // The old name of another.
            if key != "vector_index_backend" {
                assert!(header.contains(&format!("{key} = ")), "{key} is not in the header");
                keys.insert((section.clone(), key));
            }
        }
    }
    let documented: BTreeSet<_> = rows().into_iter().map(|[section, key, ..]| (section, key)).collect();
    assert_eq!(documented, keys);
    assert!(keys.len() >= 7);
}

#[test]
fn defaults_are_as_documented() {
    for [section, key, kind, default] in rows() {
        let parsed = |value: &str| format!("[{section}]\n{key} = {value}").parse::<Config>();
        let mut expected = Config::default();
        match default.starts_with("none") {
            true => assert!(expected.memory_budget.is_none() && expected.reranker.is_none()),
            false => {
                // What is not given is not the same as what is given as it would be.
                match (section.as_str(), key.as_str()) {
                    ("model", "source") => expected.model = Some(rekall::ModelSource::Bundled),
                    ("model", "precision") => expected.precision = Some(rekall::Precision::F32),
                    ("model", "host") => expected.model_host = Some(false),
                    ("reranker", "precision") => expected.reranker_precision = Some(rekall::Precision::F32),
                    _ => {}
                }
                assert_eq!(parsed(&default).unwrap(), expected, "{key} = {default}");
            }
        }
        let wrong = if kind == "string" { "1" } else { "'text'" };
        assert!(parsed(wrong).unwrap_err().to_string().contains(&key), "{key} takes more than a {kind}");
    }
}

#[test]
fn the_example_sets_every_key() {
    let page = page("docs/settings.md");
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let config: Config = example.parse().unwrap();
    config.check().unwrap();
    assert!(rows().iter().all(|[_, key, ..]| example.contains(&format!("\n{key} = "))));
}

#[test]
fn no_reranker_is_built_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let settings: Config = "[reranker]\nsource = 'bundled'".parse().unwrap();
    let error = rekall::Rekall::builder(&path).config(settings).open().unwrap_err();
    assert_eq!(error.kind(), rekall::ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), "reranker.source must be path:DIR or hub:REPO, got \"bundled\"");
    assert!(!path.exists());
}
