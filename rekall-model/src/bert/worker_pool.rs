//! Threads that help with one micro-batch, asleep between calls: to start one for each question would take
//! longer than it saves.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::forward::{Network, Workspace};
use super::tensor_parallel::{Group, Shard};

/// Threads beside the caller's; started when first needed, ended with this.
#[derive(Debug)]
pub(super) struct WorkerPool {
    max_workers: usize,
    workers: Mutex<Vec<Worker>>,
}

#[derive(Debug)]
struct Worker {
    /// Gone only while the thread is being ended.
    jobs: Option<Sender<Job>>,
    status: Arc<Status>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Status {
    /// At work, or just let down by a caller who went on alone.
    busy: AtomicBool,
    /// Memory it keeps.
    bytes: AtomicUsize,
}

#[derive(Debug)]
struct Job {
    network: Arc<Network>,
    texts: Vec<Vec<u32>>,
    shard: Shard,
}

impl WorkerPool {
    /// At max_workers so many.
    pub(super) fn new(max_workers: usize) -> Self {
        Self { max_workers, workers: Mutex::default() }
    }

    /// Gives each worker at hand a shard of a micro-batch, and the caller the one that remains.
    pub(super) fn split(&self, network: &Arc<Network>, texts: &[&[u32]]) -> Shard {
        let max_workers = self.max_workers.min(network.max_shards() - 1);
        if max_workers == 0 {
            return Shard::whole();
        }
        let mut workers = self.locked();
        while workers.len() < max_workers {
            // A system that gives no more workers is no reason to fail.
            let Ok(worker) = Worker::start() else { break };
            workers.push(worker);
        }
        let idle: Vec<&Worker> = workers
            .iter()
            .take(max_workers)
            .filter(|worker| !worker.status.busy.swap(true, Ordering::Acquire))
            .collect();
        if idle.is_empty() {
            return Shard::whole();
        }
        let group = Group::new(idle.len() + 1);
        for (index, worker) in idle.into_iter().enumerate() {
            let texts = texts.iter().map(|text| text.to_vec()).collect();
            let shard = Shard::of(Arc::clone(&group), index + 1);
            if let Some(jobs) = &worker.jobs {
                // A worker that is gone will be missed at the first exchange.
                drop(jobs.send(Job { network: Arc::clone(network), texts, shard }));
            }
        }
        Shard::of(group, 0)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.locked().iter().map(|worker| worker.status.bytes.load(Ordering::Relaxed)).sum()
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    fn start() -> std::io::Result<Self> {
        let (jobs, inbox) = channel();
        let status = Arc::<Status>::default();
        let own = Arc::clone(&status);
        let thread =
            std::thread::Builder::new().name("rekall-model".into()).spawn(move || work(&inbox, &own))?;
        Ok(Self { jobs: Some(jobs), status, thread: Some(thread) })
    }
}

fn work(inbox: &Receiver<Job>, status: &Status) {
    let mut workspace = Workspace::default();
    while let Ok(Job { network, texts, mut shard }) = inbox.recv() {
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        // What goes wrong goes wrong for the caller as well, who reports it.
        drop(workspace.embed(&network, &texts, &mut [], &mut shard));
        workspace.shrink();
        drop(network);
        status.bytes.store(workspace.memory_bytes(), Ordering::Relaxed);
        status.busy.store(false, Ordering::Release);
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        let mut workers = self.locked();
        // All are told before the first is waited for.
        for worker in workers.iter_mut() {
            worker.jobs = None;
        }
        for thread in workers.iter_mut().filter_map(|worker| worker.thread.take()) {
            // One that panicked has nothing left to end.
            drop(thread.join());
        }
    }
}
