//! What a program can name from the crate's root, and that `use rekall::*` takes no name of its own away.

use rekall::*;

#[test]
fn a_glob_import_hides_no_crate() {
    // `core`, `std` and `alloc` are the crates that every program has.
    assert_eq!(core::mem::size_of::<u32>(), std::mem::size_of::<u32>());
    extern crate alloc;
    assert!(alloc::vec::Vec::<u8>::new().is_empty());
}

/// Fails to compile when one of them cannot be named.
#[test]
fn what_the_operations_give_has_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let memory: Rekall = Rekall::builder(folder.path().join("a.db")).without_model().open().unwrap();
    let id: EntryId = memory.remember(NewEntry::new("a")).unwrap();
    let other: EntryId = memory.remember(NewEntry::new("b")).unwrap();
    let relation: Relation = "solves".into();
    memory.link(id, other, relation, None).unwrap();
    let links: Vec<Link> = memory.links(id).unwrap();
    assert_eq!(links.len(), 1);
    let call: LongCall<'_, upkeep::CheckReport> = memory.check();
    let report: upkeep::CheckReport = call.run().unwrap();
    let problems: Vec<upkeep::Problem> = report.problems;
    assert!(problems.is_empty());
    let _: upkeep::RepairReport = memory.repair().run().unwrap();
    let _: upkeep::CompactReport = memory.compact().run().unwrap();
    let _: upkeep::ExportReport = memory.export_jsonl(&mut Vec::new()).run().unwrap();
    let mut nothing = std::io::empty();
    let import: LongCall<'_, upkeep::JsonlImportReport, upkeep::JsonlImportOptions> =
        memory.import_jsonl(&mut nothing);
    drop(import);
    let legacy: LongCall<'_, upkeep::LegacyImportReport, upkeep::LegacyOptions> =
        memory.import_legacy("none.db");
    drop(legacy);
    let reembed: LongCall<'_, EmbedReport, LoadOptions> = memory.reembed(ModelSource::default());
    drop(reembed);
    let stats: Stats = memory.stats().unwrap();
    let (_, _): (StoreStats, CacheStats) = (stats.store, stats.cache);
    let _: UnloadOutcome = memory.unload_model();
    let _: ReleasedMemory = memory.release_memory();
    let refused: Result<Embeddings, Error> = memory.embed_many(&["a"], Purpose::Query).run();
    assert!(matches!(refused, Err(Error::NoModel)));
}
