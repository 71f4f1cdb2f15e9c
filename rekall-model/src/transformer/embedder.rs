//! [`Embedder`] for the sentence transformer.

use std::ops::ControlFlow;

use super::encoder::Sequence;
use super::model::{BertEmbedder, Engine, Tokenized};
use crate::embedder::{Embedder, Embeddings, Progress};
use crate::unigram::Scratch;
use crate::{Error, Fingerprint};

impl Embedder for BertEmbedder {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn dimensions(&self) -> usize {
        self.settings.dimensions
    }

    fn max_tokens(&self) -> Option<usize> {
        Some(self.max_tokens)
    }

    fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        Ok(self.tokenize_text("", text, &mut Scratch::default())?.count)
    }

    fn known_share(&self, text: &str) -> Result<Option<f32>, Error> {
        Ok(Some(self.tokenize_text("", text, &mut Scratch::default())?.known.share()))
    }

    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, Error> {
        let made = self.embed_documents_observed(texts, &mut |_| ControlFlow::Continue(()))?;
        made.unembeddable.first().map_or(Ok(made.rows), |&index| Err(Error::Unembeddable { index }))
    }

    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
        let Tokenized { ids, known, .. } =
            self.tokenize_text(&self.settings.query_prefix, text, &mut Scratch::default())?;
        if !known.has_piece() {
            return Err(Error::Unembeddable { index: 0 });
        }
        let mut row = vec![0.0; self.dimensions()];
        self.run_together(&[Sequence::of(&ids)], &mut [&mut row])?;
        Ok(row)
    }

    fn memory_bytes(&self) -> usize {
        let weights = match &self.engine {
            Engine::Processor(network) => network.memory_bytes() + self.workers.memory_bytes(),
            #[cfg(feature = "candle")]
            Engine::Candle(network) => network.memory_bytes(),
        };
        self.tokenizer.memory_bytes() + weights + self.workspaces.memory_bytes()
    }

    fn embed_documents_observed(
        &self,
        texts: &[&str],
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Embeddings, Error> {
        self.embed_in_batches(texts, observe)
    }
}
