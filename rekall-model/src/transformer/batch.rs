//! Embedding many texts: micro-batches bounded by tokens, spread over threads, with progress and
//! cancellation.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::model::{BertEmbedder, Engine};
use super::tensor_parallel::Shard;
use super::workspace::Workspace;
use crate::Error;
use crate::embedder::{Embedder, Embeddings, Progress};
use crate::unigram::Scratch;

/// Tokens of a micro-batch. Large enough that reading the weights once per micro-batch costs little, small
/// enough that the intermediate rows stay in the second-level cache.
const MICRO_BATCH_TOKENS: usize = 512;

/// The same for a device, which is faster with large products; padding counts here.
#[cfg(feature = "candle")]
const DEVICE_BATCH_TOKENS: usize = 8192;

/// Texts that are tokenized, sorted and embedded together. Enough to find texts of similar length for nearly
/// all, and to keep the threads busy; few enough that a call over a million texts holds little besides its
/// vectors, and reports progress soon.
const WINDOW: usize = 4096;

/// Bytes of text tokenized between two checks for cancellation: a few milliseconds of work.
const LOOK_BYTES: usize = 1 << 16;

/// The work that a thread takes at a time: texts by position, and the rows for their vectors.
struct MicroBatch<'a> {
    positions: Vec<usize>,
    ids: Vec<&'a [u32]>,
    rows: Vec<&'a mut [f32]>,
}

impl BertEmbedder {
    /// Embeds and normalizes a micro-batch, with the worker threads if there are any.
    pub(super) fn run_together(&self, ids: &[&[u32]], rows: &mut [&mut [f32]]) -> Result<(), Error> {
        let shard = match &self.engine {
            Engine::Processor(network) => self.workers.split(network, ids),
            #[cfg(feature = "candle")]
            Engine::Candle(_) => Shard::whole(),
        };
        let mut workspace = self.workspace();
        self.run(&mut workspace, ids, rows, shard)?;
        self.give_back(workspace);
        Ok(())
    }

    /// Embeds and normalizes a micro-batch.
    fn run(
        &self,
        workspace: &mut Workspace,
        ids: &[&[u32]],
        rows: &mut [&mut [f32]],
        mut shard: Shard,
    ) -> Result<(), Error> {
        match &self.engine {
            Engine::Processor(network) => network.embed(workspace, ids, rows, &mut shard)?,
            #[cfg(feature = "candle")]
            Engine::Candle(network) => network.embed(self.settings.pooling, ids, rows)?,
        }
        for row in rows {
            let norm = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
            if !norm.is_finite() || norm == 0.0 {
                return Err(Error::Compute {
                    reason: format!("a vector of length {norm}: the weights are damaged"),
                });
            }
            row.iter_mut().for_each(|x| *x = (f64::from(*x) / norm) as f32);
        }
        Ok(())
    }

    pub(super) fn embed_in_batches(
        &self,
        texts: &[&str],
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Embeddings, Error> {
        let dimensions = self.dimensions();
        let mut result = Embeddings::zeroed(texts.len(), dimensions);
        if texts.is_empty() {
            return Ok(result);
        }
        let mut done = Progress { texts: 0, total: texts.len(), tokens: 0 };
        for window in texts.chunks(WINDOW) {
            let first = done.texts;
            let ids = self.tokenize(window, &mut result, done, observe)?;
            let rows = &mut result.rows[first * dimensions..][..window.len() * dimensions];
            done = self.embed_window(&ids, rows, &result.token_counts[first..], done, observe)?;
            for &index in result.unembeddable.iter().skip_while(|&&index| index < first) {
                result.rows[index * dimensions..][..dimensions].fill(0.0);
            }
            // Once all is done, stopping would only lose the result.
            if observe(done).is_break() && done.texts < done.total {
                return Err(Error::Cancelled { done: done.texts, total: done.total });
            }
        }
        Ok(result)
    }

    /// The ids of some texts, the first of which is number `done.texts` of the call. Checks for cancellation
    /// in between.
    fn tokenize(
        &self,
        texts: &[&str],
        result: &mut Embeddings,
        done: Progress,
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u32>>, Error> {
        let prefix = &self.settings.document_prefix;
        let prefix_tokens = self.settings.limit - self.special.count() - self.max_tokens;
        let mut scratch = Scratch::default();
        let mut ids = Vec::with_capacity(texts.len());
        let mut bytes = 0;
        for (index, text) in (done.texts..).zip(texts) {
            bytes += text.len();
            if bytes > LOOK_BYTES {
                bytes = 0;
                if observe(done).is_break() {
                    return Err(Error::Cancelled { done: done.texts, total: done.total });
                }
            }
            let tokenized = self.tokenize_text(prefix, text, &mut scratch).map_err(|error| match error {
                Error::Tokenize { reason, .. } => Error::Tokenize { index, reason },
                other => other,
            })?;
            let count = tokenized.count.saturating_sub(prefix_tokens);
            result.note_tokens(index, count, Some(self.max_tokens));
            result.known_shares[index] = Some(tokenized.known.share());
            if !tokenized.known.has_piece() {
                // It goes through the network like the others, which keeps positions simple; the row is cleared.
                result.unembeddable.push(index);
            }
            ids.push(tokenized.ids);
        }
        Ok(ids)
    }

    /// Embeds the texts of a window; returns the progress of the call with them.
    fn embed_window(
        &self,
        ids: &[Vec<u32>],
        rows: &mut [f32],
        counts: &[u32],
        done: Progress,
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Progress, Error> {
        let room = match &self.engine {
            Engine::Processor(_) => MICRO_BATCH_TOKENS,
            #[cfg(feature = "candle")]
            Engine::Candle(_) => DEVICE_BATCH_TOKENS,
        };
        let mut batches = batches(ids, rows, self.dimensions(), room);
        if let [batch] = &mut batches[..] {
            self.run_together(&batch.ids, &mut batch.rows)?;
            let tokens = batch.positions.iter().map(|&position| counts[position] as usize).sum::<usize>();
            return Ok(Progress { texts: done.texts + ids.len(), tokens: done.tokens + tokens, ..done });
        }
        let queue = BatchQueue {
            batches: Mutex::new(batches.into_iter()),
            stop: AtomicBool::new(false),
            texts: AtomicUsize::new(done.texts),
            tokens: AtomicUsize::new(done.tokens),
            end: done.texts + ids.len(),
            total: done.total,
            counts,
        };
        std::thread::scope(|scope| {
            let work = || self.work(&queue, &mut |_| ControlFlow::Continue(()));
            let start = || std::thread::Builder::new().name("rekall-model".into()).spawn_scoped(scope, work);
            // If the system refuses threads, the existing ones do all the work.
            let workers: Vec<_> =
                (1..self.max_threads.min(queue.len())).map_while(|_| start().ok()).collect();
            let own = self.work(&queue, observe);
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

    /// Takes micro-batches until there are none, or the call is cancelled.
    fn work(
        &self,
        queue: &BatchQueue<'_>,
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let mut workspace = self.workspace();
        while !queue.stop.load(Ordering::Relaxed) {
            let Some(mut batch) = queue.next() else { break };
            if let Err(error) = self.run(&mut workspace, &batch.ids, &mut batch.rows, Shard::whole()) {
                queue.stop.store(true, Ordering::Relaxed);
                return Err(error);
            }
            let progress = queue.note(&batch.positions);
            // The last report of a window is made when all threads are done.
            if progress.texts < queue.end && observe(progress).is_break() {
                queue.stop.store(true, Ordering::Relaxed);
                return Err(Error::Cancelled { done: progress.texts, total: queue.total });
            }
        }
        self.give_back(workspace);
        Ok(())
    }
}

/// Longest texts first, so that the threads end together; texts of similar length together, so that padding
/// them to the first costs little in an engine that pads. So padded, the texts of a micro-batch have at most
/// `room` tokens; a single longer text is a micro-batch of its own.
fn batches<'a>(
    ids: &'a [Vec<u32>],
    rows: &'a mut [f32],
    dimensions: usize,
    room: usize,
) -> Vec<MicroBatch<'a>> {
    let mut rows: Vec<Option<&mut [f32]>> = rows.chunks_exact_mut(dimensions).map(Some).collect();
    let mut order: Vec<usize> = (0..ids.len()).collect();
    order.sort_by_key(|&position| std::cmp::Reverse(ids[position].len()));
    let mut batches: Vec<MicroBatch<'a>> = Vec::new();
    for position in order {
        let Some(row) = rows[position].take() else { continue };
        let fits = batches.last().is_some_and(|batch| (batch.ids.len() + 1) * batch.ids[0].len() <= room);
        if !fits {
            batches.push(MicroBatch { positions: Vec::new(), ids: Vec::new(), rows: Vec::new() });
        }
        if let Some(batch) = batches.last_mut() {
            batch.positions.push(position);
            batch.ids.push(&ids[position]);
            batch.rows.push(row);
        }
    }
    batches
}

struct BatchQueue<'a> {
    batches: Mutex<std::vec::IntoIter<MicroBatch<'a>>>,
    stop: AtomicBool,
    texts: AtomicUsize,
    tokens: AtomicUsize,
    /// Texts of the call that are done when this queue is empty.
    end: usize,
    total: usize,
    counts: &'a [u32],
}

impl<'a> BatchQueue<'a> {
    fn len(&self) -> usize {
        self.batches.lock().map_or(0, |batches| batches.len())
    }

    fn next(&self) -> Option<MicroBatch<'a>> {
        self.batches.lock().ok()?.next()
    }

    fn note(&self, positions: &[usize]) -> Progress {
        let tokens = positions.iter().map(|&position| self.counts[position] as usize).sum();
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
