//! A reader that holds its view for long is told of, and no reader of another file is.

use std::sync::{Arc, Mutex};

use rekall::{Event, NewEntry, Rekall};

#[test]
fn a_long_reader_is_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let told: Arc<Mutex<Vec<u64>>> = Arc::default();
    let hears = Arc::clone(&told);
    let rekall = Rekall::builder(folder.path().join("a.db"))
        .without_model()
        .on_event(move |event| {
            if let Event::LongReader { log_bytes } = event {
                hears.lock().unwrap().push(*log_bytes);
            }
        })
        .open()
        .unwrap();
    let grow = || {
        let tx = rekall.store().write().unwrap();
        let sql = "CREATE TABLE IF NOT EXISTS bulk (bytes); INSERT INTO bulk VALUES (randomblob(4194304));";
        let connection: &rusqlite::Connection = tx.native().and_then(|native| native.downcast_ref()).unwrap();
        connection.execute_batch(sql).unwrap();
        tx.commit().unwrap();
        rekall.remember(NewEntry::new("One more")).unwrap();
    };
    (0..20).for_each(|_| grow());
    assert_eq!(*told.lock().unwrap(), [] as [u64; 0], "nobody reads for long");
    let reader = rekall.store().read().unwrap();
    (0..25).for_each(|_| grow());
    drop(reader);
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1, "once until it has doubled: {told:?}");
    assert!(told[0] > 64 << 20, "{told:?}");
}
