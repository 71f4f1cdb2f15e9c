//! An unloaded model leaves nothing behind: the process's own resident size, on the first unload and
//! on the third. Alone in its process, so that no other test's memory is counted.
#![allow(clippy::unwrap_used)]
#![cfg(all(feature = "transformer", target_os = "linux"))]

#[path = "offline/network.rs"]
mod network;
#[path = "offline/real_model.rs"]
mod real_model;

use rekall_model::{
    KeepAlive, LoadOptions, ManagerOptions, ModelManager, ModelSource, ModelState, process_rss,
};

const MB: u64 = 1 << 20;

fn give_back_three_times(source: ModelSource, load: LoadOptions) {
    let mut options = ManagerOptions::default();
    options.keep_alive = KeepAlive::Forever;
    options.release_memory = true;
    let name = source.to_string();
    let manager = ModelManager::new(source, load, options);
    let texts: Vec<String> = (0..12).map(|i| "the server error in the cache ".repeat(1 + i * 3)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();

    let before = process_rss().unwrap();
    for round in 1..=3 {
        let lease = manager.lease().unwrap();
        lease.embed_documents(&texts).unwrap();
        lease.embed_query(texts[3]).unwrap();
        let used = process_rss().unwrap();
        assert!(used > before + 40 * MB, "{name}, round {round}: the model was loaded, {used} bytes");
        assert!(used < before + 120 * MB, "{name}, round {round}: {used} bytes in use");
        drop(lease);
        manager.unload();
        assert_eq!(manager.state(), ModelState::Unloaded);
        let after = process_rss().unwrap();
        assert!(after <= before + 10 * MB, "{name}, round {round}: {before} bytes before, {after} after");
    }
}

/// One test, so that nothing else runs in the process meanwhile.
#[test]
fn unloading_gives_the_memory_back_three_times_over() {
    let folder = tempfile::tempdir().unwrap();
    // All-MiniLM-L6-v2's shape, 90 MB.
    network::write_network(folder.path(), 6, 30_522);
    for threads in [1, 2] {
        let mut options = LoadOptions::default();
        options.max_threads = Some(threads);
        give_back_three_times(ModelSource::Path(folder.path().to_owned()), options);
    }
    if let Some((source, options)) = real_model::real_model("sentence-transformers/all-MiniLM-L6-v2") {
        give_back_three_times(source, options);
    }
}
