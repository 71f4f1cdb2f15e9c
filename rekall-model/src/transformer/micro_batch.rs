//! Many texts in micro-batches bounded by tokens, spread over threads, with progress and cancellation.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::encoder::Sequence;
use super::workspace::{Workspace, Workspaces};
use crate::Error;
use crate::embedder::Progress;

/// Tokens of a micro-batch. Large enough that reading the weights once per micro-batch costs little, small
/// enough that the intermediate rows stay in the second-level cache.
pub(super) const MICRO_BATCH_TOKENS: usize = 256;

/// What is done with a micro-batch.
pub(super) type Run<'a> = &'a (dyn Fn(&mut Workspace, &mut MicroBatch<'_>) -> Result<(), Error> + Sync);

/// The work that a thread takes at a time: texts by position, and the rows for what is made of them.
pub(super) struct MicroBatch<'a> {
    pub(super) positions: Vec<usize>,
    pub(super) sequences: Vec<Sequence<'a>>,
    pub(super) rows: Vec<&'a mut [f32]>,
}

/// Longest texts first, so that the threads end together; texts of similar length together, so that padding
/// them to the first costs little in an engine that pads. So padded, the texts of a micro-batch have at most
/// `room` tokens; a single longer text is a micro-batch of its own. Each text has `width` numbers of `rows`.
pub(super) fn batches<'a>(
    sequences: &[Sequence<'a>],
    rows: &'a mut [f32],
    width: usize,
    room: usize,
) -> Vec<MicroBatch<'a>> {
    let mut rows: Vec<Option<&mut [f32]>> = rows.chunks_exact_mut(width).map(Some).collect();
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|&position| std::cmp::Reverse(sequences[position].ids.len()));
    let mut batches: Vec<MicroBatch<'a>> = Vec::new();
    for position in order {
        let Some(row) = rows[position].take() else { continue };
        let fits = batches
            .last()
            .is_some_and(|batch| (batch.sequences.len() + 1) * batch.sequences[0].ids.len() <= room);
        if !fits {
            batches.push(MicroBatch { positions: Vec::new(), sequences: Vec::new(), rows: Vec::new() });
        }
        if let Some(batch) = batches.last_mut() {
            batch.positions.push(position);
            batch.sequences.push(sequences[position]);
            batch.rows.push(row);
        }
    }
    batches
}

/// Does all micro-batches on up to `max_threads` threads, the caller's included, and gives the progress of the call with
/// them. `done` is its progress before, `tokens` says how many tokens of progress a text is. `observe` is called on the
/// caller's thread, but not after the last of these micro-batches. A thread keeps its workspace until there are none left.
pub(super) fn run_all(
    batches: Vec<MicroBatch<'_>>,
    max_threads: usize,
    done: Progress,
    tokens: &(dyn Fn(usize) -> usize + Sync),
    observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    workspaces: &Workspaces,
    run: Run<'_>,
) -> Result<Progress, Error> {
    let texts: usize = batches.iter().map(|batch| batch.positions.len()).sum();
    let threads = max_threads.min(batches.len());
    let queue = Queue {
        batches: Mutex::new(batches.into_iter()),
        stop: AtomicBool::new(false),
        texts: AtomicUsize::new(done.texts),
        tokens: AtomicUsize::new(done.tokens),
        end: done.texts + texts,
        total: done.total,
        tokens_of: tokens,
        workspaces,
    };
    if threads <= 1 {
        // A scope would allocate a handle in the host's thread, for as long as that lives.
        queue.work(run, observe)?;
        return Ok(queue.progress());
    }
    std::thread::scope(|scope| {
        let work = || queue.work(run, &mut |_| ControlFlow::Continue(()));
        let start = || std::thread::Builder::new().name("rekall-model".into()).spawn_scoped(scope, work);
        // If the system refuses threads, the existing ones do all the work.
        let workers: Vec<_> = (1..threads).map_while(|_| start().ok()).collect();
        let own = queue.work(run, observe);
        if own.is_err() {
            queue.stop.store(true, Ordering::Relaxed);
        }
        let mut outcome = own;
        for worker in workers {
            let theirs = worker
                .join()
                .unwrap_or_else(|_| Err(Error::Compute { reason: "a worker thread panicked".into() }));
            outcome = outcome.and(theirs);
        }
        outcome
    })?;
    Ok(queue.progress())
}

struct Queue<'a, 'b> {
    batches: Mutex<std::vec::IntoIter<MicroBatch<'b>>>,
    stop: AtomicBool,
    texts: AtomicUsize,
    tokens: AtomicUsize,
    /// Texts of the call that are done when this queue is empty.
    end: usize,
    total: usize,
    tokens_of: &'a (dyn Fn(usize) -> usize + Sync),
    workspaces: &'a Workspaces,
}

impl<'b> Queue<'_, 'b> {
    /// Takes micro-batches until there are none, or the call is cancelled.
    fn work(&self, run: Run<'_>, observe: &mut dyn FnMut(Progress) -> ControlFlow<()>) -> Result<(), Error> {
        let mut workspace = self.workspaces.take();
        while !self.stop.load(Ordering::Relaxed) {
            let Some(mut batch) = self.next() else { break };
            if let Err(error) = run(&mut workspace, &mut batch) {
                self.stop.store(true, Ordering::Relaxed);
                return Err(error);
            }
            let progress = self.note(&batch.positions);
            // The last report is made when all threads are done.
            if progress.texts < self.end && observe(progress).is_break() {
                self.stop.store(true, Ordering::Relaxed);
                return Err(Error::Cancelled { done: progress.texts, total: self.total });
            }
        }
        self.workspaces.give_back(workspace);
        Ok(())
    }

    fn next(&self) -> Option<MicroBatch<'b>> {
        self.batches.lock().ok()?.next()
    }

    fn note(&self, positions: &[usize]) -> Progress {
        let tokens = positions.iter().map(|&position| (self.tokens_of)(position)).sum();
        self.texts.fetch_add(positions.len(), Ordering::Relaxed);
        self.tokens.fetch_add(tokens, Ordering::Relaxed);
        self.progress()
    }

    fn progress(&self) -> Progress {
        Progress {
            texts: self.texts.load(Ordering::Relaxed),
            total: self.total,
            tokens: self.tokens.load(Ordering::Relaxed),
        }
    }
}
