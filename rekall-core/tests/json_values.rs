//! The host's own JSON: what is accepted by any way in is read back as it was, and found by it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use rekall_core::{
    Comparison, Draft, EntryId, EntryPatch, Error, ErrorKind, Filter, JsonlExportOptions, JsonlImportOptions,
    JsonlImportReport, MetadataCondition, NewEntry, SqliteStore, Store, StoreOptions,
};
use rusqlite::Connection;
use serde_json::{Map, Value, json};

struct Memory {
    folder: tempfile::TempDir,
    store: SqliteStore,
}

impl Memory {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
        Self { folder, store }
    }

    fn insert(&self, entry: &NewEntry) -> Result<EntryId, Error> {
        let mut tx = self.store.write()?;
        let id = tx.insert(&[Draft::new(entry)])?[0].id;
        tx.commit()?;
        Ok(id)
    }

    fn update(&self, id: EntryId, patch: &EntryPatch) -> Result<(), Error> {
        let mut tx = self.store.write()?;
        tx.update(id, patch)?;
        tx.commit()
    }

    /// The JSON that another program puts there.
    fn overwrite(&self, id: EntryId, metadata: &str) {
        let raw = Connection::open(self.folder.path().join("a.db")).unwrap();
        raw.execute("UPDATE entry SET metadata = ?2 WHERE ulid = ?1", (id.to_string(), metadata)).unwrap();
    }

    fn found(&self, filter: &Filter) -> Vec<EntryId> {
        let tx = self.store.read().unwrap();
        let listed: Vec<EntryId> =
            tx.list(filter, None, 1_000).unwrap().iter().map(|entry| entry.id).collect();
        assert_eq!(tx.count(filter).unwrap(), listed.len() as u64);
        let mut matching: Vec<EntryId> =
            tx.ids(&tx.matching(filter).unwrap()).unwrap().into_values().collect();
        matching.sort();
        assert_eq!(matching, listed);
        listed
    }

    fn export(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        self.store.export_jsonl(&mut lines, &JsonlExportOptions::default(), &mut |_, _| {}, None).unwrap();
        lines
    }

    fn import(&self, lines: &[u8]) -> Result<JsonlImportReport, Error> {
        let mut input = lines;
        self.store.import_jsonl(&mut input, &JsonlImportOptions::default(), &mut |_, _| {}, None)
    }

    /// It is read back as it was given, and found by it.
    fn holds(&self, id: EntryId, value: &Value) {
        let entry = self.store.get(id).unwrap();
        assert_eq!(entry.metadata["k"].to_string(), value.to_string());
        assert_eq!(self.found(&Filter::new().metadata("k", value.clone())), [id], "{value}");
        assert!(self.found(&Filter::new().metadata("other", value.clone())).is_empty());
    }

    /// By every way in.
    fn takes(value: &Value) {
        let memory = Self::new();
        memory.insert(&NewEntry::new("another").metadata("k", "no such value")).unwrap();
        let id = memory.insert(&NewEntry::new("new").metadata("k", value.clone())).unwrap();
        memory.holds(id, value);
        memory.update(id, &EntryPatch::new().metadata(Map::new())).unwrap();
        assert!(memory.found(&Filter::new().metadata("k", value.clone())).is_empty());
        let map = Map::from_iter([("k".to_owned(), value.clone())]);
        memory.update(id, &EntryPatch::new().metadata(map)).unwrap();
        memory.holds(id, value);
        // Of the entry, something else is changed.
        memory.update(id, &EntryPatch::new().title("changed")).unwrap();
        memory.holds(id, value);
        let other = Self::new();
        other.import(&memory.export()).unwrap();
        other.holds(id, value);
        assert_eq!(other.export(), memory.export());
    }
}

fn numbers() -> Vec<Value> {
    let mut numbers = vec![
        json!(0),
        json!(-0.0),
        json!(1),
        json!(-1),
        json!(1.0),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(1_u64 << 63),
        json!(123_456_789.123_456_79),
        json!(0.1),
        json!(1.0 / 3.0),
    ];
    let doubles = [
        1e15,
        1e16,
        1e17,
        1e20,
        1e21,
        1e22,
        1e23,
        1.5e-7,
        1e-7,
        5e-324,
        2.2250738585072014e-308,
        f64::MAX,
        f64::EPSILON,
        9_007_199_254_740_993.0,
        1.844_674_407_370_955_2e19,
    ];
    numbers.extend(doubles.into_iter().flat_map(|number: f64| [json!(number), json!(-number)]));
    numbers
}

#[test]
fn every_number_is_read_as_it_was_and_found_by_it() {
    for number in numbers() {
        Memory::takes(&number);
        Memory::takes(&json!([number, { "inner": number }]));
    }
}

fn values() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("JSON has finite numbers only", |number| {
            serde_json::Number::from_f64(number).map(Value::Number)
        }),
        (-400..400_i32, any::<i32>()).prop_map(|(exponent, digits)| {
            serde_json::from_str(&format!("{digits}e{}", exponent.clamp(-300, 290))).unwrap()
        }),
    ];
    let text = prop_oneof![".*", "\\PC*", Just("\0".to_owned()), Just("a\"b\\c/\u{7f}\u{2028}".to_owned())];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((".*", inner), 0..6)
                .prop_map(|pairs| Value::Object(Map::from_iter(pairs))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(0x5eed),
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_value_is_read_as_it_was_and_found_by_it(value in values()) {
        Memory::takes(&value);
    }
}

#[test]
fn numbers_that_others_spelt_are_found_by_their_value() {
    for (spelt, sought) in [
        ("1e16", json!(10_000_000_000_000_000_u64)),
        ("1E+16", json!(1e16)),
        ("10000000000000000.0", json!(1e16)),
        ("1.50e-7", json!(1.5e-7)),
        ("0.00000015", json!(1.5e-7)),
        ("-0", json!(-0.0)),
        ("0.0", json!(-0.0)),
        ("1.0", json!(1)),
        ("10e-1", json!(1)),
        ("18446744073709551615", json!(u64::MAX)),
        ("100000000000000000000", json!(1e20)),
        ("123456789.123456790", json!(123_456_789.123_456_79)),
        ("4.9406564584124654e-324", json!(5e-324)),
        ("0.10000000000000001", json!(0.1)),
        ("[1, {\"b\": 2.0}]", json!([1.0, {"b": 2}])),
        ("{\"a\": 1, \"b\": 2}", json!({"b": 2, "a": 1})),
    ] {
        let memory = Memory::new();
        let id = memory.insert(&NewEntry::new("t")).unwrap();
        memory.overwrite(id, &format!("{{ \"k\" : {spelt} }}"));
        assert_eq!(memory.found(&Filter::new().metadata("k", sought.clone())), [id], "{spelt}");
        assert!(memory.found(&Filter::new().metadata("k", spelt)).is_empty(), "the text is something else");
        // What comes from the file by an export is found likewise.
        let other = Memory::new();
        other.import(&memory.export()).unwrap();
        assert_eq!(other.found(&Filter::new().metadata("k", sought)), [id], "{spelt}");
    }
    let memory = Memory::new();
    let id = memory.insert(&NewEntry::new("t").metadata("k", u64::MAX)).unwrap();
    assert!(memory.found(&Filter::new().metadata("k", 1.844_674_407_370_955_2e19)).is_empty(), "one more");
    assert_eq!(memory.found(&Filter::new().metadata("k", u64::MAX)), [id]);
}

#[test]
fn no_digit_is_lost_of_numbers_that_64_bits_cannot_hold() {
    for spelt in
        ["18446744073709551617", "123456789012345678901234567890", "123456789.123456789", "1e400", "-1e-400"]
    {
        let memory = Memory::new();
        let id = memory.insert(&NewEntry::new("t").metadata("k", 1)).unwrap();
        memory.overwrite(id, &format!("{{\"k\":{spelt}}}"));
        assert_eq!(memory.store.get(id).unwrap().metadata["k"], spelt);
        assert_eq!(memory.found(&Filter::new().metadata("k", spelt)), [id]);
        let other = Memory::new();
        other.import(&memory.export()).unwrap();
        assert_eq!(other.store.get(id).unwrap().metadata["k"], spelt);
        // A change of something else writes the entry anew.
        memory.update(id, &EntryPatch::new().title("changed")).unwrap();
        assert_eq!(memory.store.get(id).unwrap().metadata["k"], spelt);
    }
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::Null, |inner, level| match level % 2 {
        0 => Value::Array(vec![inner]),
        _ => json!({ "k": inner }),
    })
}

fn is_invalid<T: std::fmt::Debug>(result: Result<T, Error>) -> bool {
    match result {
        Err(error) => error.kind() == ErrorKind::InvalidInput && error.to_string().contains("levels"),
        Ok(_) => false,
    }
}

#[test]
fn what_is_too_deep_is_refused_by_every_way_in() {
    // Metadata is an object, which is the first of a hundred levels.
    Memory::takes(&nested(99));
    for levels in [100, 126, 127, 128, 500, 1_001, 5_000] {
        let memory = Memory::new();
        let id = memory.insert(&NewEntry::new("t").metadata("k", 1)).unwrap();
        let deep = nested(levels);
        assert!(is_invalid(NewEntry::new("t").metadata("k", deep.clone()).validate()), "{levels}");
        assert!(is_invalid(memory.insert(&NewEntry::new("t").metadata("k", deep.clone()))), "{levels}");
        let map = Map::from_iter([("k".to_owned(), deep.clone())]);
        assert!(is_invalid(memory.update(id, &EntryPatch::new().metadata(map))), "{levels}");
        let tx = memory.store.read().unwrap();
        if levels > 100 {
            assert!(is_invalid(tx.matching(&Filter::new().metadata("k", deep.clone()))), "{levels}");
        }
        drop(tx);
        let lines = String::from_utf8(memory.export()).unwrap();
        let lines = lines.replace("\"metadata\":{\"k\":1}", &format!("\"metadata\":{{\"k\":{deep}}}"));
        let other = Memory::new();
        match other.import(lines.as_bytes()) {
            // An older version took it, so it is carried along; it can be read.
            Ok(_) => {
                assert_eq!((other.store.get(id).unwrap().metadata["k"] == deep, levels < 127), (true, true))
            }
            Err(Error::BadLine { line: 2, .. }) => assert!(levels >= 127),
            Err(error) => panic!("{levels}: {error}"),
        }
        memory.holds(id, &json!(1));
        assert_eq!(memory.found(&Filter::new()), [id]);
    }
}

#[test]
fn a_value_of_any_depth_ends_nobodys_process() {
    // As deep as only a host can build it, on a stack that is too small to walk it.
    let run = || {
        let deep = || (0..100_000).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        let memory = Memory::new();
        let id = memory.insert(&NewEntry::new("t")).unwrap();
        assert!(is_invalid(memory.insert(&NewEntry::new("t").metadata("k", deep()))));
        let map = Map::from_iter([("k".to_owned(), deep())]);
        assert!(is_invalid(memory.update(id, &EntryPatch::new().metadata(map))));
        let filter = Filter::new().metadata("k", deep());
        assert!(is_invalid(memory.store.read().unwrap().matching(&filter)));
    };
    std::thread::Builder::new().stack_size(512 << 10).spawn(run).unwrap().join().unwrap();
}

#[test]
fn lists_of_a_filter_may_be_long() {
    let memory = Memory::new();
    let note = NewEntry::new("t").kind("k7").project("p7").tags(["t1", "t7"]).metadata("m7", 7);
    let id = memory.insert(&note).unwrap();
    let many = |letter: &str| (0..100_000).map(|number| format!("{letter}{number}")).collect::<Vec<_>>();
    let mut filter = Filter::new().any_status();
    filter.kinds = many("k");
    filter.projects = many("p");
    filter.tags_any = many("t");
    filter.memory_types = vec!["episodic".to_owned(); 100_000];
    filter.tags_all = vec!["t7".to_owned(); 100_000];
    filter.metadata = vec![MetadataCondition::new("m7", Comparison::Equal, 7.0); 3_000];
    filter.ids = Some(vec![id; 100_000]);
    assert_eq!(memory.found(&filter), [id]);
    filter.metadata.push(MetadataCondition::new("m8", Comparison::Equal, 8));
    assert!(memory.found(&filter).is_empty());
    filter.metadata.pop();
    filter.tags_all = many("t");
    assert!(memory.found(&filter).is_empty());
    filter.tags_all = vec!["t7".to_owned(), "t1".to_owned()];
    assert_eq!(memory.found(&filter), [id]);
}

#[test]
fn a_list_beyond_all_bounds_names_them() {
    let memory = Memory::new();
    let huge = "x".repeat(40 << 20);
    for filter in [
        Filter::new().tag_all(huge.clone()).tag_all(huge.clone()),
        Filter::new().kind(huge.clone()).kind(huge.clone()),
        Filter::new().metadata("a", huge.clone()).metadata("b", huge.clone()),
    ] {
        let error = memory.store.read().unwrap().matching(&filter).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("of the filter is too long: at most 67108864 bytes"), "{error}");
    }
}

#[test]
fn an_entry_is_not_superseded_by_itself() {
    let memory = Memory::new();
    let id = memory.insert(&NewEntry::new("t")).unwrap();
    let refused = memory.update(id, &EntryPatch::new().superseded_by(Some(id))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    assert!(refused.to_string().starts_with("superseded_by must be another entry"), "{refused}");
    let lines = String::from_utf8(memory.export()).unwrap();
    let lines = lines.replace("\"superseded_by\":null", &format!("\"superseded_by\":\"{id}\""));
    let refused = Memory::new().import(lines.as_bytes()).unwrap_err();
    assert!(matches!(refused, Error::BadLine { line: 2, .. }), "{refused}");
}

#[test]
fn an_import_takes_no_nul_in_a_name() {
    let memory = Memory::new();
    memory.insert(&NewEntry::new("name").kind("kind").project("project").tags(["tag"])).unwrap();
    let lines = String::from_utf8(memory.export()).unwrap();
    for part in ["\"name\"", "\"kind\",", "\"project\",", "\"tag\"", "\"episodic\""] {
        assert!(lines.contains(part), "{part} in {lines}");
        let with_nul =
            lines.replacen(&format!(":{part}"), &format!(":{}", part.replacen('"', "\"\\u0000", 1)), 1);
        let with_nul = with_nul.replacen(
            "[\"tag\"]",
            if part == "\"tag\"" { "[\"\\u0000tag\"]" } else { "[\"tag\"]" },
            1,
        );
        let refused = Memory::new().import(with_nul.as_bytes()).expect_err(part);
        assert!(matches!(refused, Error::BadLine { line: 2, .. }), "{part}: {refused}");
    }
}
