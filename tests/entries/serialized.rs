//! Results as JSON: what a handler writes without naming a field.

use std::sync::{Arc, Mutex};

use crate::common::WordModel;
use rekall::{Degraded, Error, Event, Fusion, Mode, NewEntry, Purpose, Query, Rekall, Status, VectorBackend};
use serde_json::{Value, json, to_value};

#[test]
fn a_search_is_written_with_its_entries_scores_and_degradations() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let silent = Rekall::builder(&path).without_model().open().unwrap();
    let memory = Rekall::builder(&path).embedder(Arc::new(WordModel::new(16))).open().unwrap();
    let id = memory.remember(NewEntry::new("disk full").project("ci")).unwrap();
    silent.remember(NewEntry::new("waits")).unwrap();
    let found = memory.recall("disk full").snippets("[", "]").limit(1).run().unwrap();
    let json = to_value(&found).unwrap();
    let hit = &json["hits"][0];
    assert_eq!(hit["entry"]["id"], id.to_string());
    assert_eq!((&hit["entry"]["title"], &hit["entry"]["project"]), (&json!("disk full"), &json!("ci")));
    assert_eq!(hit["score"], found[0].score);
    assert_eq!(hit["chunk"], json!({"role": "summary", "number": 0, "start": 0, "end": 9}));
    assert_eq!(hit["snippet"], "[disk] [full]");
    assert_eq!(hit["explain"]["text"]["rank"], 1);
    assert_eq!(hit["explain"]["text"]["passage"], json!({"role": "summary", "number": 0}));
    assert_eq!(hit["explain"]["fused"]["semantic_weight"], 2.0);
    assert_eq!(json["degraded"], json!([{"kind": "pending", "count": 1}]));
    let ms = json["elapsed_ms"].as_f64().unwrap();
    assert!((ms - found.elapsed.as_secs_f64() * 1e3).abs() < 1e-3);
    assert_eq!(to_value(Degraded::MeaningOnly).unwrap(), json!({"kind": "meaning_only"}));
}

#[test]
fn figures_and_events_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let heard: Arc<Mutex<Vec<Value>>> = Arc::default();
    let hears = Arc::clone(&heard);
    let memory = Rekall::builder(folder.path().join("a.db"))
        .without_model()
        .on_event(move |event: &Event| hears.lock().unwrap().push(to_value(event).unwrap()))
        .open()
        .unwrap();
    let id = memory.remember(NewEntry::new("disk full")).unwrap();
    let expected = json!({"kind": "not_embedded", "id": id, "reason": Error::NoModel.to_string()});
    assert_eq!(*heard.lock().unwrap(), [expected]);
    let stats = to_value(memory.stats().unwrap()).unwrap();
    assert_eq!((&stats["store"]["entries"], &stats["cache"]["hits"]), (&json!(1), &json!(0)));
    assert!(stats["memory"]["cache"].is_u64() && stats["model"].is_null());
    let changes = to_value(memory.changes_since(None).unwrap()).unwrap();
    assert_eq!(changes["entries"][0]["id"], id.to_string());
    assert_eq!(to_value(Error::EmptyQuery.kind()).unwrap(), "invalid_input");
}

#[test]
fn choices_are_read_as_they_are_written() {
    for (value, name) in [(Mode::Hybrid, "hybrid"), (Mode::Semantic, "semantic"), (Mode::Text, "text")] {
        assert_eq!(to_value(value).unwrap(), name);
        assert_eq!(serde_json::from_value::<Mode>(json!(name)).unwrap(), value);
    }
    assert_eq!(to_value(Fusion::ReciprocalRank).unwrap(), "reciprocal_rank");
    assert_eq!(to_value(Purpose::Query).unwrap(), "query");
    assert_eq!(to_value(Status::Obsolete).unwrap(), "obsolete");
    // As in settings.
    for backend in [VectorBackend::Auto, VectorBackend::Sq8, VectorBackend::SqliteVec] {
        assert_eq!(to_value(backend).unwrap(), backend.to_string());
        assert_eq!(serde_json::from_value::<VectorBackend>(json!(backend.to_string())).unwrap(), backend);
    }
}

#[test]
fn queries_and_filters_are_borrowed_or_owned() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Rekall::builder(folder.path().join("a.db")).vectors_of("host", 2).open().unwrap();
    memory.remember_with_vector(NewEntry::new("disk full").project("ci"), &[0.6, 0.8]).unwrap();
    let filter = rekall::Filter::new().project("ci");
    let text = String::from("disk");
    // The search does not borrow the text.
    let search = { memory.recall(format!("{text} full")) };
    assert_eq!(search.filter(&filter).run().unwrap().len(), 1);
    assert_eq!(memory.recall(&text).filter(filter.clone()).run().unwrap().len(), 1);
    assert_eq!(memory.recall(text).vector(vec![0.6, 0.8]).run().unwrap().len(), 1);
    assert_eq!(memory.recall_vector(vec![0.6, 0.8]).run().unwrap().len(), 1);
    let found = memory.recall_batch([Query::from(String::from("full")), (&[0.6, 0.8]).into()]).run().unwrap();
    assert_eq!((found[0].len(), found[1].len()), (1, 1));
    assert_eq!(memory.count(&filter).unwrap(), memory.count(filter).unwrap());
}
