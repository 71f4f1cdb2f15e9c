//! Scoring many passages: micro-batches of pairs, spread over threads.

use std::ops::ControlFlow;

use super::CrossEncoder;
use super::pair::Pair;
use crate::embedder::Progress;
use crate::transformer::encoder::Sequence;
use crate::transformer::micro_batch::{MICRO_BATCH_TOKENS, MicroBatch, batches, run_all};
use crate::transformer::tensor_parallel::Shard;
use crate::transformer::workspace::Workspace;
use crate::unigram::Scratch;
use crate::{Error, Reranker};

impl Reranker for CrossEncoder {
    fn model(&self) -> &str {
        &self.name
    }

    fn max_tokens(&self) -> Option<usize> {
        Some(self.limit - self.pair.count())
    }

    fn scores(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>, Error> {
        self.scores_observed(query, passages, &mut |_| ControlFlow::Continue(()))
    }

    fn scores_observed(
        &self,
        query: &str,
        passages: &[&str],
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Vec<f32>, Error> {
        let total = passages.len();
        let mut done = Progress { texts: 0, total, tokens: 0 };
        if total == 0 {
            return Ok(Vec::new());
        }
        if observe(done).is_break() {
            return Err(Error::Cancelled { done: 0, total });
        }
        let mut scratch = Scratch::default();
        let (mut own, mut other) = (Vec::new(), Vec::new());
        self.tokenizer.encode(query, usize::MAX, &mut scratch, &mut own)?;
        let mut pairs = Vec::with_capacity(total);
        for (index, passage) in passages.iter().enumerate() {
            other.clear();
            self.tokenizer.encode(passage, usize::MAX, &mut scratch, &mut other).map_err(
                |error| match error {
                    Error::Tokenize { reason, .. } => Error::Tokenize { index, reason },
                    other => other,
                },
            )?;
            pairs.push(self.pair.join(&own, &other, self.limit));
        }
        let sequences: Vec<Sequence<'_>> = pairs.iter().map(Pair::sequence).collect();
        let mut scores = vec![0.0; total];
        let batches = batches(&sequences, &mut scores, 1, MICRO_BATCH_TOKENS);
        let tokens = |position: usize| sequences[position].ids.len();
        let run = |workspace: &mut Workspace, batch: &mut MicroBatch<'_>| self.run(workspace, batch);
        done = run_all(batches, self.max_threads, done, &tokens, observe, &self.workspaces, &run)?;
        // Once all is done, stopping would only lose the result.
        let _ = observe(done);
        Ok(scores)
    }

    fn memory_bytes(&self) -> usize {
        let network = self.encoder.memory_bytes() + self.head.memory_bytes();
        self.tokenizer.memory_bytes() + network + self.workspaces.memory_bytes()
    }
}

impl CrossEncoder {
    fn run(&self, workspace: &mut Workspace, batch: &mut MicroBatch<'_>) -> Result<(), Error> {
        let wanted = self.head.wanted();
        self.encoder.encode(workspace, &batch.sequences, wanted, &mut Shard::whole())?;
        let width = self.encoder.width();
        let mut at = 0;
        for (sequence, row) in batch.sequences.iter().zip(&mut batch.rows) {
            let length = wanted.of(sequence.ids.len()).len();
            let tokens = &workspace.hidden[at * width..][..length * width];
            row[0] = self.head.score(tokens, width, &mut workspace.branch);
            if !row[0].is_finite() {
                return Err(Error::Compute {
                    reason: format!("a score of {}: the weights are damaged", row[0]),
                });
            }
            at += length;
        }
        Ok(())
    }
}

impl Pair {
    fn sequence(&self) -> Sequence<'_> {
        Sequence { ids: &self.ids, second: self.second }
    }
}
