//! Threads that help with one micro-batch, asleep between calls: to start one for each question would take longer
//! than it saves.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::forward::{Network, Workspace};
use super::share::{Share, Team};

/// Threads beside the caller's; started when first needed, ended with this.
#[derive(Debug)]
pub(super) struct Helpers {
    most: usize,
    threads: Mutex<Vec<Helper>>,
}

#[derive(Debug)]
struct Helper {
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
    share: Share,
}

impl Helpers {
    /// At most so many.
    pub(super) fn new(most: usize) -> Self {
        Self { most, threads: Mutex::default() }
    }

    /// Gives each helper at hand a share of a micro-batch, and the caller the one that remains.
    pub(super) fn share(&self, network: &Arc<Network>, texts: &[&[u32]]) -> Share {
        let most = self.most.min(network.most_members() - 1);
        if most == 0 {
            return Share::all();
        }
        let mut threads = self.locked();
        while threads.len() < most {
            // A system that gives no more threads is no reason to fail.
            let Ok(helper) = Helper::start() else { break };
            threads.push(helper);
        }
        let idle: Vec<&Helper> = threads
            .iter()
            .take(most)
            .filter(|helper| !helper.status.busy.swap(true, Ordering::Acquire))
            .collect();
        if idle.is_empty() {
            return Share::all();
        }
        let team = Team::new(idle.len() + 1);
        for (index, helper) in idle.into_iter().enumerate() {
            let texts = texts.iter().map(|text| text.to_vec()).collect();
            let share = Share::of(Arc::clone(&team), index + 1);
            if let Some(jobs) = &helper.jobs {
                // A helper that is gone will be missed at the first exchange.
                drop(jobs.send(Job { network: Arc::clone(network), texts, share }));
            }
        }
        Share::of(team, 0)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.locked().iter().map(|helper| helper.status.bytes.load(Ordering::Relaxed)).sum()
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Helper>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Helper {
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
    while let Ok(Job { network, texts, mut share }) = inbox.recv() {
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        // What goes wrong goes wrong for the caller as well, who reports it.
        drop(workspace.embed(&network, &texts, &mut [], &mut share));
        workspace.shrink();
        drop(network);
        status.bytes.store(workspace.memory_bytes(), Ordering::Relaxed);
        status.busy.store(false, Ordering::Release);
    }
}

impl Drop for Helpers {
    fn drop(&mut self) {
        let mut threads = self.locked();
        // All are told before the first is waited for.
        for helper in threads.iter_mut() {
            helper.jobs = None;
        }
        for thread in threads.iter_mut().filter_map(|helper| helper.thread.take()) {
            // One that panicked has nothing left to end.
            drop(thread.join());
        }
    }
}
