//! With `secure_delete`, every operation that removes or overwrites something erases it at its commit, whether or not
//! anybody thought of that when the operation was written.

use rekall_core::{
    Draft, EntryPatch, JsonlExportOptions, OnDuplicate, Relation, SqliteStore, Store, WriteTx,
};

use crate::secure_delete::{DIMENSIONS, Haystack, bytes_of, options, secret, secret_note};
use crate::upkeep_common::{assert_clean, id, new_vector, sqlite, vector_of};

const REASON: &[u8] = b"the reason of a link that is to be forgotten";
const CODES: &[u8] = b"codes that were made from the vectors of the active space";

/// Something that can be looked for in the file.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Trace {
    /// Title, content, tags, context and metadata, and the words of the full-text index, of a note.
    Texts(u64),
    Content(u64),
    Metadata(u64),
    Vector(u64),
    Reason,
    Codes,
}

impl Trace {
    fn needles(self) -> Vec<Vec<u8>> {
        // The index may keep the beginning of a word elsewhere.
        let words = |which: &[u64], note: u64| {
            which.iter().map(|&which| secret(note, which).as_bytes()[4..].to_vec()).collect()
        };
        match self {
            Self::Texts(note) => words(&[0, 1, 2, 3, 5, 6, 7], note),
            Self::Content(note) => words(&[3], note),
            Self::Metadata(note) => words(&[6], note),
            Self::Vector(note) => {
                let bytes: Vec<u8> =
                    vector_of(note, DIMENSIONS).iter().flat_map(|value| value.to_le_bytes()).collect();
                [0, 512, 1_024, 1_500].iter().map(|&at| bytes[at..at + 16].to_vec()).collect()
            }
            Self::Reason => vec![REASON.to_vec()],
            Self::Codes => vec![CODES.to_vec()],
        }
    }
}

struct Operation {
    name: &'static str,
    run: fn(&mut dyn WriteTx),
    erases: &'static [Trace],
    keeps: &'static [Trace],
}

/// The active space is 1, the one beside it 2; notes 1 to 3 have their vectors in the first, note 1 that of 101 in the second.
const OPERATIONS: [Operation; 13] = [
    Operation {
        name: "delete",
        run: |tx| tx.delete(id(1)).unwrap(),
        erases: &[Trace::Texts(1), Trace::Vector(1), Trace::Vector(101), Trace::Reason, Trace::Codes],
        keeps: &[Trace::Texts(2), Trace::Vector(2)],
    },
    Operation {
        name: "update of a text",
        run: |tx| {
            let note = secret_note(11);
            let patch = EntryPatch::new().title(note.title).content(note.content).tags(note.tags);
            tx.update(id(1), &patch.context(note.context).metadata(note.metadata)).unwrap();
        },
        erases: &[Trace::Texts(1), Trace::Vector(101)],
        keeps: &[Trace::Texts(11), Trace::Vector(1), Trace::Reason],
    },
    Operation {
        name: "update of metadata",
        run: |tx| {
            tx.update(id(1), &EntryPatch::new().metadata(secret_note(11).metadata)).unwrap();
        },
        erases: &[Trace::Metadata(1)],
        keeps: &[Trace::Metadata(11), Trace::Vector(1), Trace::Codes],
    },
    Operation {
        name: "set_vectors",
        run: |tx| {
            let (row, space) = (tx.row_of(id(1)).unwrap(), tx.active_space().unwrap().unwrap());
            let values = vector_of(11, DIMENSIONS);
            tx.set_vectors(row, space.id, &[], &[new_vector(&space, 11, &values)]).unwrap();
        },
        erases: &[Trace::Vector(1), Trace::Codes],
        keeps: &[Trace::Texts(1), Trace::Vector(11), Trace::Vector(101)],
    },
    Operation {
        name: "link with another reason",
        run: |tx| tx.link(id(1), id(2), &Relation::from("related"), Some("another")).unwrap(),
        erases: &[Trace::Reason],
        keeps: &[Trace::Texts(1), Trace::Codes],
    },
    Operation {
        name: "unlink",
        run: |tx| assert!(tx.unlink(id(1), id(2), &Relation::from("related")).unwrap()),
        erases: &[Trace::Reason],
        keeps: &[Trace::Texts(1), Trace::Codes],
    },
    Operation {
        name: "drop_space",
        run: |tx| {
            let active = tx.active_space().unwrap().unwrap();
            tx.drop_space(active.id).unwrap();
        },
        erases: &[Trace::Vector(1), Trace::Vector(2), Trace::Vector(3), Trace::Codes],
        keeps: &[Trace::Texts(1), Trace::Vector(101)],
    },
    Operation {
        name: "thin_space",
        run: |tx| {
            let spaces = tx.spaces().unwrap();
            tx.abandon_space(spaces[1].id).unwrap();
            assert!(tx.thin_space(spaces[1].id, 2).unwrap(), "more is left");
        },
        erases: &[Trace::Vector(101), Trace::Vector(102)],
        keeps: &[Trace::Vector(1), Trace::Codes],
    },
    Operation {
        name: "drop_index_blocks",
        run: |tx| {
            let active = tx.active_space().unwrap().unwrap();
            tx.drop_index_blocks(active.id, "test").unwrap();
        },
        erases: &[Trace::Codes],
        keeps: &[Trace::Vector(1)],
    },
    Operation {
        name: "SQL that deletes entries",
        run: |tx| {
            sqlite(&*tx).execute("DELETE FROM entry", []).unwrap();
        },
        erases: &[Trace::Texts(1), Trace::Texts(2), Trace::Texts(3), Trace::Vector(3), Trace::Codes],
        keeps: &[],
    },
    Operation {
        name: "SQL that rewrites texts",
        run: |tx| {
            sqlite(&*tx).execute("UPDATE entry SET content = 'none'", []).unwrap();
        },
        erases: &[Trace::Content(1), Trace::Content(2), Trace::Vector(101)],
        keeps: &[Trace::Metadata(1), Trace::Vector(1)],
    },
    Operation {
        name: "SQL that deletes vectors",
        run: |tx| {
            sqlite(&*tx).execute("DELETE FROM embedding", []).unwrap();
        },
        erases: &[Trace::Vector(1), Trace::Vector(2), Trace::Vector(101), Trace::Codes],
        keeps: &[Trace::Texts(1)],
    },
    Operation {
        name: "SQL that overwrites vectors",
        run: |tx| {
            sqlite(&*tx)
                .execute("UPDATE embedding SET vector = (SELECT vector FROM embedding WHERE rowid = 3)", [])
                .unwrap();
        },
        erases: &[Trace::Vector(1), Trace::Vector(3), Trace::Vector(101), Trace::Codes],
        keeps: &[Trace::Texts(1), Trace::Vector(2)],
    },
];

/// A store with three notes, a link, vectors in two spaces, and codes of an index.
fn prepare(store: &SqliteStore) {
    let mut tx = store.write().unwrap();
    let active = tx.ensure_active_space("secret/1", DIMENSIONS).unwrap();
    let other = tx.add_space("secret/2", DIMENSIONS, rekall_core::SpaceState::Building).unwrap();
    for number in 1..=3 {
        let (note, values, others) =
            (secret_note(number), vector_of(number, DIMENSIONS), vector_of(100 + number, DIMENSIONS));
        let vectors = [new_vector(&active, number, &values), new_vector(&other, number, &others)];
        tx.insert(&[Draft::new(&note).vectors(&vectors).id(id(number))]).unwrap();
    }
    let reason = std::str::from_utf8(REASON).unwrap();
    tx.link(id(1), id(2), &Relation::from("related"), Some(reason)).unwrap();
    let position = tx.position().unwrap();
    tx.replace_index_blocks(active.id, "test", position, &mut std::iter::once(CODES.to_vec())).unwrap();
    tx.commit().unwrap();
}

#[test]
fn every_operation_that_removes_or_overwrites_erases_at_its_commit() {
    let folder = tempfile::tempdir().unwrap();
    for Operation { name, run, erases, keeps } in OPERATIONS {
        for secure in [true, false] {
            let path = folder.path().join(format!("{name}, {secure}.db"));
            let store = SqliteStore::open(&path, &options(secure)).unwrap();
            prepare(&store);
            let there = |haystack: &Haystack, trace: &Trace| {
                trace.needles().iter().filter(|needle| haystack.holds(needle)).count()
            };
            let before = Haystack::new(bytes_of(&path));
            for trace in erases {
                assert!(there(&before, trace) > 0, "{name}: {trace:?} is not there to be erased");
            }
            let mut tx = store.write().unwrap();
            run(&mut *tx);
            tx.commit().unwrap();
            let after = Haystack::new(bytes_of(&path));
            let left: Vec<&Trace> = erases.iter().filter(|trace| there(&after, trace) > 0).collect();
            if secure {
                assert!(left.is_empty(), "{name} leaves {left:?}");
                assert_eq!(store.unerased(), None, "{name}");
                let lost: Vec<&Trace> = keeps.iter().filter(|trace| there(&after, trace) == 0).collect();
                assert!(lost.is_empty(), "{name} also erases {lost:?}");
            } else {
                assert_eq!(left.len(), erases.len(), "{name}: without the option nothing is erased");
            }
        }
    }
}

/// An import that replaces entries is a transaction of its own.
#[test]
fn an_import_erases_what_it_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let mut export = Vec::new();
    let other = SqliteStore::open(folder.path().join("other.db"), &options(false)).unwrap();
    let mut tx = other.write().unwrap();
    tx.insert(&[Draft::new(&secret_note(11)).id(id(1))]).unwrap();
    tx.commit().unwrap();
    other.export_jsonl(&mut export, &JsonlExportOptions::default(), &mut |_, _| {}, None).unwrap();

    let store = SqliteStore::open(&path, &options(true)).unwrap();
    prepare(&store);
    let replace = rekall_core::JsonlImportOptions::on_duplicate(OnDuplicate::Replace);
    store.import_jsonl(&mut export.as_slice(), &replace, &mut |_, _| {}, None).unwrap();
    let haystack = Haystack::new(bytes_of(&path));
    for trace in [Trace::Texts(1), Trace::Vector(1), Trace::Vector(101), Trace::Reason, Trace::Codes] {
        assert!(!trace.needles().iter().any(|needle| haystack.holds(needle)), "{trace:?} is left");
    }
    for trace in [Trace::Texts(11), Trace::Texts(2), Trace::Vector(2)] {
        assert!(trace.needles().iter().all(|needle| haystack.holds(needle)), "{trace:?} is lost");
    }
    assert_clean(&store);
}
