//! Embedding many texts: micro-batches bounded by tokens, spread over threads, with progress and
//! cancellation.

use std::ops::ControlFlow;

use super::encoder::Sequence;
use super::micro_batch::{MICRO_BATCH_TOKENS, MicroBatch, batches, run_all};
use super::model::{BertEmbedder, Engine};
use super::tensor_parallel::Shard;
use super::workspace::Workspace;
use crate::Error;
use crate::embedder::{Embedder, Embeddings, Progress};
use crate::unigram::Scratch;

/// Tokens of a micro-batch for a device, which is faster with large products; padding counts here.
#[cfg(feature = "candle")]
const DEVICE_BATCH_TOKENS: usize = 8192;

/// Texts that are tokenized, sorted and embedded together. Enough to find texts of similar length for nearly
/// all, and to keep the threads busy; few enough that a call over a million texts holds little besides its
/// vectors, and reports progress soon.
const WINDOW: usize = 4096;

/// Bytes of text tokenized between two checks for cancellation: a few milliseconds of work.
const LOOK_BYTES: usize = 1 << 16;

impl BertEmbedder {
    /// Embeds and normalizes a micro-batch, with the worker threads if there are any.
    pub(super) fn run_together(&self, texts: &[Sequence<'_>], rows: &mut [&mut [f32]]) -> Result<(), Error> {
        let shard = match &self.engine {
            Engine::Processor(network) => self.workers.split(network, texts),
            #[cfg(feature = "candle")]
            Engine::Candle(_) => Shard::whole(),
        };
        let mut workspace = self.workspaces.take();
        self.run(&mut workspace, texts, rows, shard)?;
        self.workspaces.give_back(workspace);
        Ok(())
    }

    /// Embeds and normalizes a micro-batch.
    fn run(
        &self,
        workspace: &mut Workspace,
        texts: &[Sequence<'_>],
        rows: &mut [&mut [f32]],
        mut shard: Shard,
    ) -> Result<(), Error> {
        match &self.engine {
            Engine::Processor(network) => network.embed(workspace, texts, rows, &mut shard)?,
            #[cfg(feature = "candle")]
            Engine::Candle(network) => network.embed(self.settings.pooling, texts, rows)?,
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
            let mut of_text = tokenized.ids;
            if of_text.is_empty() {
                // Of a tokenizer that adds nothing. Whichever it is, the row is cleared.
                of_text.push(0);
            }
            ids.push(of_text);
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
        let sequences: Vec<Sequence<'_>> = ids.iter().map(|ids| Sequence::of(ids)).collect();
        let tokens = |position: usize| counts[position] as usize;
        let mut batches = batches(&sequences, rows, self.dimensions(), room);
        if let [batch] = &mut batches[..] {
            self.run_together(&batch.sequences, &mut batch.rows)?;
            let tokens = batch.positions.iter().map(|&position| tokens(position)).sum::<usize>();
            return Ok(Progress { texts: done.texts + ids.len(), tokens: done.tokens + tokens, ..done });
        }
        let run = |workspace: &mut Workspace, batch: &mut MicroBatch<'_>| {
            self.run(workspace, &batch.sequences, &mut batch.rows, Shard::whole())
        };
        run_all(batches, self.max_threads, done, &tokens, observe, &self.workspaces, &run)
    }
}
