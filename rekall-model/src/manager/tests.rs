use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::{Duration, Instant};

use super::sync::lock;
use super::*;
use crate::{Embedder, Embeddings, Error, ErrorKind, Fingerprint, Progress};

/// A clock moved by hand.
struct ManualClock(Mutex<Instant>);

impl ManualClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Instant::now())))
    }

    fn advance(&self, seconds: u64) {
        *self.0.lock().unwrap() += Duration::from_secs(seconds);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }
}

struct Fake(Fingerprint);

impl Embedder for Fake {
    fn fingerprint(&self) -> &Fingerprint {
        &self.0
    }
    fn dimensions(&self) -> usize {
        2
    }
    fn max_tokens(&self) -> Option<usize> {
        Some(3)
    }
    fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        Ok(text.len())
    }
    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, Error> {
        match texts.iter().position(|text| text.is_empty()) {
            Some(index) => Err(Error::Unembeddable { index }),
            None => Ok(texts.iter().flat_map(|_| [1.0, 0.0]).collect()),
        }
    }
    fn embed_query(&self, _: &str) -> Result<Vec<f32>, Error> {
        Ok(vec![1.0, 0.0])
    }
    fn memory_bytes(&self) -> usize {
        1_000
    }
}

fn fake() -> Result<Arc<dyn Embedder>, Error> {
    Ok(Arc::new(Fake(Fingerprint::external("fake", 2))))
}

struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn observer(&self) -> EventObserver {
        let lines = Arc::clone(&self.0);
        Arc::new(move |event| lines.lock().unwrap().push(name(event)))
    }

    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn name(event: &ModelEvent<'_>) -> String {
    match event {
        ModelEvent::Loading { source } => format!("loading {source}"),
        ModelEvent::Loaded { bytes, .. } => format!("loaded {bytes}"),
        ModelEvent::LoadFailed { error, .. } => format!("failed {error}"),
        ModelEvent::Unloaded { bytes, .. } => format!("unloaded {bytes}"),
    }
}

fn manager(clock: &Arc<ManualClock>, log: &Log) -> ModelManager {
    let options = ManagerOptions {
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        observer: Some(log.observer()),
        keep_alive: KeepAlive::For(Duration::from_secs(60)),
        ..ManagerOptions::default()
    };
    ModelManager::with_loader("fake", fake, options)
}

#[test]
fn idle_counts_from_the_last_release() {
    let (clock, log) = (ManualClock::new(), Log::new());
    let manager = manager(&clock, &log);
    assert_eq!(manager.next_deadline(), None);
    let first = manager.lease().unwrap();
    let second = manager.lease().unwrap();
    drop(first);
    clock.advance(1_000);
    assert_eq!(manager.next_deadline(), None, "in use");
    assert_eq!(manager.unload_if_idle(clock.now()), None);
    drop(second);
    assert_eq!(manager.next_deadline(), Some(clock.now() + Duration::from_secs(60)));
    clock.advance(59);
    assert_eq!(manager.unload_if_idle(clock.now()), None);
    assert_eq!(manager.stats().idle, Some(Duration::from_secs(59)));
    manager.touch();
    clock.advance(59);
    assert_eq!(manager.unload_if_idle(clock.now()), None);
    clock.advance(1);
    assert_eq!(manager.unload_if_idle(clock.now()), Some(1_000));
    assert_eq!(manager.state(), ModelState::Unloaded);
    assert!(manager.lease_if_ready().is_none());
    drop(manager.lease().unwrap());
    assert!(manager.lease_if_ready().is_some());
    let stats = manager.stats();
    assert_eq!((stats.loads, stats.unloads, stats.bytes, stats.leases), (2, 1, 1_000, 0));
    assert_eq!(log.taken(), ["loading fake", "loaded 1000", "unloaded 1000", "loading fake", "loaded 1000"]);
    assert_eq!(manager.fingerprint().unwrap().model(), "fake");
}

#[test]
fn keep_alive_per_call() {
    let (clock, log) = (ManualClock::new(), Log::new());
    let manager = manager(&clock, &log);
    let with = |keep_alive| {
        manager.lease_with(&LeaseOptions { keep_alive: Some(keep_alive), ..LeaseOptions::default() }).unwrap()
    };
    let other = manager.lease().unwrap();
    drop(with(KeepAlive::Unload));
    assert_eq!(manager.state(), ModelState::Ready, "another caller holds it");
    drop(other);
    drop(with(KeepAlive::Unload));
    assert_eq!(manager.state(), ModelState::Unloaded);
    drop(with(KeepAlive::Forever));
    clock.advance(1_000_000);
    assert_eq!((manager.next_deadline(), manager.unload_if_idle(clock.now())), (None, None));
    drop(with(KeepAlive::For(Duration::from_secs(5))));
    clock.advance(5);
    assert_eq!(manager.unload_if_idle(clock.now()), Some(1_000));
}

#[test]
fn unloading_on_request() {
    let (clock, log) = (ManualClock::new(), Log::new());
    let manager = manager(&clock, &log);
    assert_eq!(manager.unload(), UnloadOutcome::NotLoaded);
    let lease = manager.lease().unwrap();
    assert_eq!(manager.unload(), UnloadOutcome::Pending { leases: 1 });
    assert_eq!(lease.embed_query("x").unwrap(), [1.0, 0.0]);
    drop(lease);
    assert_eq!(manager.state(), ModelState::Unloaded);
    drop(manager.lease().unwrap());
    assert_eq!(manager.unload(), UnloadOutcome::Done { bytes: 1_000 });
    assert_eq!(manager.stats().unloads, 2);
}

#[test]
fn everyone_waits_for_one_load_and_is_told_once() {
    const CALLERS: usize = 8;
    let (begun, go) = (Arc::new(Barrier::new(2)), Arc::new(AtomicBool::new(false)));
    let calls = Arc::new(AtomicUsize::new(0));
    let (tx, rx) = mpsc::channel::<()>();
    let rx = Mutex::new(rx);
    let loader = {
        let (begun, calls) = (Arc::clone(&begun), Arc::clone(&calls));
        move || {
            calls.fetch_add(1, Ordering::SeqCst);
            begun.wait();
            // Ends when all others are known to wait.
            rx.lock().unwrap().recv().unwrap();
            fake()
        }
    };
    let log = Log::new();
    let options = ManagerOptions { observer: Some(log.observer()), ..ManagerOptions::default() };
    let manager = ModelManager::with_loader("fake", loader, options);
    let waiting = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                let told = Mutex::new(Vec::new());
                let observer = |event: &ModelEvent<'_>| {
                    told.lock().unwrap().push(name(event));
                    // The last of all to be told lets the load end.
                    if matches!(event, ModelEvent::Loading { .. })
                        && waiting.fetch_add(1, Ordering::SeqCst) + 1 == CALLERS
                    {
                        tx.send(()).unwrap();
                    }
                };
                let options = LeaseOptions { observer: Some(&observer), ..LeaseOptions::default() };
                drop(manager.lease_with(&options).unwrap());
                assert_eq!(*told.lock().unwrap(), ["loading fake", "loaded 1000"]);
            });
        }
        begun.wait();
        go.store(true, Ordering::SeqCst);
    });
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(log.taken(), ["loading fake", "loaded 1000"]);
}

#[test]
fn a_failed_load_is_told_and_tried_again() {
    let broken = Arc::new(AtomicBool::new(true));
    let loader = {
        let broken = Arc::clone(&broken);
        move || {
            if broken.load(Ordering::SeqCst) {
                return Err(Error::MissingFile {
                    path: "model.safetensors".into(),
                    expected: "weights".into(),
                });
            }
            fake()
        }
    };
    let log = Log::new();
    let options = ManagerOptions { observer: Some(log.observer()), ..ManagerOptions::default() };
    let manager = ModelManager::with_loader("fake", loader, options);
    let error = manager.lease().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.to_string(), "model.safetensors: expected weights, got no such file");
    assert_eq!(manager.state(), ModelState::Unloaded);
    broken.store(false, Ordering::SeqCst);
    drop(manager.lease().unwrap());
    let stats = manager.stats();
    assert_eq!((stats.loads, stats.failed_loads), (1, 1));
}

#[test]
fn a_panicking_loader_leaves_the_manager_usable() {
    let first = AtomicBool::new(true);
    let loader = move || {
        assert!(!first.swap(false, Ordering::SeqCst), "out of luck");
        fake()
    };
    let manager = ModelManager::with_loader("fake", loader, ManagerOptions::default());
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| manager.lease())).unwrap_err();
    assert_eq!(manager.state(), ModelState::Unloaded);
    assert!(manager.lease().is_ok());
}

/// An observer that panics at the first event of which `at` says so.
fn panics_once(at: fn(&ModelEvent<'_>) -> bool) -> EventObserver {
    let first = AtomicBool::new(true);
    Arc::new(move |event| {
        assert!(!at(event) || !first.swap(false, Ordering::SeqCst), "the observer's own fault")
    })
}

fn caught<T>(action: impl FnOnce() -> T) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(action)).is_err()
}

#[test]
fn a_model_unloaded_while_it_is_loaded_goes_when_its_callers_let_go() {
    let manager: Arc<std::sync::OnceLock<ModelManager>> = Arc::default();
    let own = Arc::clone(&manager);
    let loader = move || {
        // As another thread would, while this one loads.
        assert_eq!(own.get().unwrap().unload(), UnloadOutcome::Pending { leases: 0 });
        fake()
    };
    let options = ManagerOptions { keep_alive: KeepAlive::Forever, ..ManagerOptions::default() };
    let manager = manager.get_or_init(|| ModelManager::with_loader("fake", loader, options));
    let lease = manager.lease().unwrap();
    assert_eq!(lease.embed_query("x").unwrap(), [1.0, 0.0]);
    drop(lease);
    assert_eq!((manager.state(), manager.stats().unloads), (ModelState::Unloaded, 1));
}

#[test]
fn a_panicking_observer_keeps_no_lease_and_no_turn() {
    let loading = |event: &ModelEvent<'_>| matches!(event, ModelEvent::Loading { .. });
    let loaded = |event: &ModelEvent<'_>| matches!(event, ModelEvent::Loaded { .. });
    for (at, loads) in [(loading as fn(&ModelEvent<'_>) -> bool, 0), (loaded, 1)] {
        // The manager's observer, then a call's own.
        let options = ManagerOptions { observer: Some(panics_once(at)), ..ManagerOptions::default() };
        let managed = ModelManager::with_loader("fake", fake, options);
        assert!(caught(|| managed.lease()));
        let plain = ModelManager::with_loader("fake", fake, ManagerOptions::default());
        let observer = panics_once(at);
        let options = LeaseOptions { observer: Some(&*observer), ..LeaseOptions::default() };
        assert!(caught(|| plain.lease_with(&options)));
        for manager in [managed, plain] {
            let stats = manager.stats();
            assert_eq!((stats.leases, stats.loads), (0, loads));
            assert!(manager.lease().is_ok(), "the next caller is served");
            assert!(matches!(manager.unload(), UnloadOutcome::Done { .. }));
        }
    }
}

#[test]
fn an_observer_that_panics_twice_does_not_end_the_process() {
    let options = ManagerOptions {
        keep_alive: KeepAlive::Unload,
        observer: Some(Arc::new(|event| assert!(matches!(event, ModelEvent::Loading { .. }), "{event:?}"))),
        ..ManagerOptions::default()
    };
    let manager = ModelManager::with_loader("fake", fake, options);
    // Told of the load it panics, and again when the lease that this ends unloads the model.
    assert!(caught(|| manager.lease()));
    assert_eq!((manager.state(), manager.stats().leases), (ModelState::Unloaded, 0));
}

#[test]
fn the_reaper_survives_an_observer_that_panics() {
    let (tx, rx) = mpsc::channel();
    let tx = Mutex::new(tx);
    let options = ManagerOptions {
        keep_alive: KeepAlive::For(Duration::from_millis(1)),
        observer: Some(Arc::new(move |event| {
            if let ModelEvent::Unloaded { bytes, .. } = event {
                lock(&tx).send(*bytes).unwrap();
                panic!("the observer's own fault");
            }
        })),
        ..ManagerOptions::default()
    };
    let manager = ModelManager::with_loader("fake", fake, options);
    manager.start_reaper().unwrap();
    for _ in 0..2 {
        drop(manager.lease().unwrap());
        assert_eq!(rx.recv_timeout(Duration::from_secs(60)), Ok(1_000));
    }
}

#[test]
fn the_reaper_unloads_and_is_joined() {
    let (tx, rx) = mpsc::channel();
    let tx = Mutex::new(tx);
    let options = ManagerOptions {
        keep_alive: KeepAlive::For(Duration::from_millis(1)),
        observer: Some(Arc::new(move |event| {
            if let ModelEvent::Unloaded { bytes, .. } = event {
                tx.lock().unwrap().send(*bytes).unwrap();
            }
        })),
        ..ManagerOptions::default()
    };
    let manager = ModelManager::with_loader("fake", fake, options);
    manager.start_reaper().unwrap();
    manager.start_reaper().unwrap();
    for _ in 0..3 {
        drop(manager.lease().unwrap());
        assert_eq!(rx.recv_timeout(Duration::from_secs(60)), Ok(1_000));
    }
    let weak = Arc::downgrade(&manager.lifecycle);
    drop(manager);
    assert!(weak.upgrade().is_none(), "the thread is gone and holds nothing");
}

#[test]
fn the_default_report_carries_on_past_texts_without_a_vector() {
    let model = fake().unwrap();
    let mut seen: Vec<Progress> = Vec::new();
    let report: Embeddings = model
        .embed_documents_observed(&["ab", "", "abcd", ""], &mut |progress| {
            seen.push(progress);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((report.unembeddable, report.truncated), (vec![1, 3], vec![2]));
    assert_eq!(report.rows, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(seen.len(), 1);
}
