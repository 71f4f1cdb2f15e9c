//! Every schema from 0 to 12, built step by step as the Python tool did.

use rekall_core::Store;
use rekall_core::legacy::{self, LegacyImportOptions, Variant};
use rusqlite::Connection;

use crate::support::new_store;

/// What each schema added to the one before, from schema 1 on; the third "12" is the last.
const STEPS: [&str; 12] = [
    "ALTER TABLE entries ADD memory_type TEXT DEFAULT 'episodic'; ALTER TABLE entries ADD last_accessed TEXT;
     ALTER TABLE entries ADD access_count INTEGER DEFAULT 0;
     ALTER TABLE entries ADD consolidation_score REAL DEFAULT 0.0; ALTER TABLE entries ADD next_review TEXT;
     ALTER TABLE entries ADD review_interval INTEGER DEFAULT 1; ALTER TABLE entries ADD ease_factor REAL DEFAULT 2.5;",
    "CREATE TABLE links (id TEXT PRIMARY KEY, source_id TEXT NOT NULL, target_id TEXT NOT NULL,
         relation_type TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE (source_id, target_id, relation_type));
     INSERT INTO links VALUES ('01KCKDBVA3WNJM5A80FRS7R9W0', '01KCKDBVA30Q9CXWJWB3A454X3',
         '01KCKK99MRX43Q4YQJZM4F15VN', 'related', '2025-12-16T12:05:12.771436');",
    "CREATE TABLE embeddings (id TEXT PRIMARY KEY, entry_id TEXT NOT NULL, embedding_type TEXT NOT NULL,
         vector BLOB NOT NULL, dimensions INTEGER NOT NULL, model_name TEXT NOT NULL, created_at TEXT NOT NULL);
     CREATE TABLE suggestions (id TEXT PRIMARY KEY, entry_ids TEXT); CREATE TABLE metadata (key TEXT, value TEXT);
     INSERT INTO metadata VALUES ('last_weekly_check', '2025-12-20');",
    "ALTER TABLE entries ADD context_compressed BLOB;",
    "ALTER TABLE links ADD reason TEXT; UPDATE links SET reason = 'why';",
    "ALTER TABLE entries ADD context_structured TEXT;
     UPDATE entries SET context_structured = '{\"situation\": \"It hangs\", \"solution\": \"Wait\"}';",
    "ALTER TABLE entries ADD context_blob BLOB;
     CREATE TABLE context_keywords (entry_id TEXT, keyword TEXT, PRIMARY KEY (entry_id, keyword));",
    "CREATE TABLE sources (id TEXT PRIMARY KEY, domain TEXT NOT NULL);
     CREATE TABLE entry_sources (id TEXT PRIMARY KEY, entry_id TEXT NOT NULL, source_id TEXT, source_ref TEXT);",
    "ALTER TABLE sources ADD role TEXT DEFAULT 'unclassified'; CREATE TABLE known_domains (domain TEXT);",
    "CREATE TABLE saved_filters (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);",
    "CREATE TABLE sources_inbox (id TEXT); CREATE TABLE sources_staging (id TEXT);
     CREATE TABLE connector_imports (connector TEXT);",
    "ALTER TABLE sources ADD ai_type TEXT; ALTER TABLE sources ADD ai_tags TEXT;",
];

const SCHEMA_0: &str = "
    CREATE TABLE entries (id TEXT PRIMARY KEY, title TEXT NOT NULL, content TEXT, type TEXT NOT NULL, project TEXT,
        confidence INTEGER DEFAULT 2, status TEXT DEFAULT 'active', superseded_by TEXT, created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL, FOREIGN KEY (superseded_by) REFERENCES entries (id) DEFERRABLE INITIALLY DEFERRED);
    BEGIN;
    CREATE TABLE tags (entry_id TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (entry_id, tag));
    CREATE VIRTUAL TABLE entries_fts USING fts5 (id UNINDEXED, title, content, tags, tokenize = 'porter unicode61');
    INSERT INTO entries VALUES ('01KCKDBVA30Q9CXWJWB3A454X3', 'First', 'Text', 'bug', NULL, 2, 'obsolete',
        '01KCKK99MRX43Q4YQJZM4F15VN', '2025-12-16T12:05:12.771436', '2025-12-16T12:05:12.771436');
    INSERT INTO entries VALUES ('01KCKK99MRX43Q4YQJZM4F15VN', 'Second', NULL, 'pattern', 'p', 5, 'active', NULL,
        '2025-12-16T13:48:40.600046', '2026-07-01T00:00:00');
    INSERT INTO tags VALUES ('01KCKDBVA30Q9CXWJWB3A454X3', 'b'), ('01KCKDBVA30Q9CXWJWB3A454X3', 'a');
    COMMIT;";

#[test]
fn each_schema_is_recognized_whatever_its_number_says_and_imported() {
    for schema in 0..=12_i64 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("knowledge.db");
        let file = Connection::open(&path).unwrap();
        file.execute_batch(SCHEMA_0).unwrap();
        for step in &STEPS[..schema as usize] {
            file.execute_batch(step).unwrap();
        }
        // A version that says nothing: what counts are tables and columns.
        file.pragma_update(None, "user_version", 12 - schema).unwrap();
        file.close().unwrap();

        let found = legacy::probe(&path).unwrap();
        assert_eq!((found.schema, found.user_version), (schema, 12 - schema));
        assert_eq!(found.variant, (schema == 12).then_some(Variant::SourcesAi));

        let store = new_store(folder.path());
        let report = store.import_legacy(&path, LegacyImportOptions::default()).unwrap();
        assert_eq!((report.entries, report.tags), (2, 2), "schema {schema}");
        assert_eq!(report.links, u64::from(schema >= 2));
        assert_eq!(report.legacy_schema, schema);
        let mentioned = report.notes.iter().any(|note| note.contains("names another schema"));
        assert_eq!(mentioned, schema != 6, "{:?}", report.notes);

        let (first, second) =
            ("01KCKDBVA30Q9CXWJWB3A454X3".parse().unwrap(), "01KCKK99MRX43Q4YQJZM4F15VN".parse().unwrap());
        let entry = store.get(first).unwrap();
        assert_eq!((entry.superseded_by, entry.tags), (Some(second), vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(entry.memory_type, "episodic");
        assert_eq!(entry.context.is_some(), schema >= 6);
        let legacy = entry.legacy.unwrap();
        assert_eq!(legacy.get("ease_factor").is_some(), schema >= 1);
        assert_eq!(store.read().unwrap().legacy_rows("metadata").unwrap().len(), usize::from(schema >= 3));
    }
}
