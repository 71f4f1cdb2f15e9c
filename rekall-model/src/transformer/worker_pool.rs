//! Worker threads for one micro-batch, asleep between calls: starting threads for each query would take
//! longer than they save.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::encoder::{Network, Sequence};
use super::tensor_parallel::{Group, Shard};
use super::workspace::Workspace;

/// Threads besides the caller's; started when first needed, joined when this is dropped.
#[derive(Debug)]
pub(super) struct WorkerPool {
    max_workers: usize,
    workers: Mutex<Vec<Worker>>,
}

#[derive(Debug)]
struct Worker {
    /// `None` only while the thread is being ended.
    jobs: Option<Sender<Job>>,
    status: Arc<Status>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Status {
    /// At work, possibly for a caller that has continued alone.
    busy: AtomicBool,
    /// Bytes of the workspace it keeps.
    bytes: AtomicUsize,
}

#[derive(Debug)]
struct Job {
    network: Arc<Network>,
    /// Ids, and where the second type begins.
    texts: Vec<(Vec<u32>, Option<usize>)>,
    shard: Shard,
}

impl WorkerPool {
    /// A pool of at most `max_workers` threads. Starts none yet.
    pub(super) fn new(max_workers: usize) -> Self {
        Self { max_workers, workers: Mutex::default() }
    }

    /// Gives each idle worker a shard of a micro-batch, and returns the caller's.
    pub(super) fn split(&self, network: &Arc<Network>, texts: &[Sequence<'_>]) -> Shard {
        let max_workers = self.max_workers.min(network.max_shards() - 1);
        if max_workers == 0 {
            return Shard::whole();
        }
        let mut workers = self.locked();
        while workers.len() < max_workers {
            // If the system refuses more threads, the existing ones do the work.
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
            let texts = texts.iter().map(|text| (text.ids.to_vec(), text.second)).collect();
            let shard = Shard::of(Arc::clone(&group), index + 1);
            if let Some(jobs) = &worker.jobs {
                // A worker that is gone is missed at the first gather, and the caller continues alone.
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
        let texts: Vec<_> = texts.iter().map(|(ids, second)| Sequence { ids, second: *second }).collect();
        // The same error occurs in the caller, which reports it.
        drop(network.embed(&mut workspace, &texts, &mut [], &mut shard));
        workspace.shrink();
        drop(network);
        status.bytes.store(workspace.memory_bytes(), Ordering::Relaxed);
        status.busy.store(false, Ordering::Release);
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        let mut workers = self.locked();
        // All are told to end before the first is joined.
        for worker in workers.iter_mut() {
            worker.jobs = None;
        }
        for thread in workers.iter_mut().filter_map(|worker| worker.thread.take()) {
            // A thread that panicked has ended.
            drop(thread.join());
        }
    }
}
