//! A reranker, shared.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::client::Client;
use super::error::{Failure, HostError};
use super::hosted::{Files, Hosted, Way};
use super::kind::{Kind, changed};
use super::message::{In, MAX_QUESTION, Out, SCORES, next_texts};
use super::observed::{Parts, Reports, send_progress};
use super::wire::{Frame, Link};
use crate::embedder::Progress;
use crate::files::{MAX_SETTINGS_BYTES, digest, digest_of_file, read};
use crate::{CrossEncoder, Error, Fingerprint, LoadOptions, Reranker};

/// A reranker that the processes of a user share.
pub(crate) struct HostedReranker(Hosted<Scores>);

/// The kind of models that make scores.
pub(super) struct Scores;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Properties {
    max_tokens: Option<usize>,
}

impl Kind for Scores {
    type Model = dyn Reranker;
    type Properties = Properties;

    /// All files that a reranker is read from, and the options that its scores depend on.
    fn fingerprint(files: &Files) -> Result<Fingerprint, Error> {
        let Files { folder, options, .. } = files;
        CrossEncoder::judge(folder, options)?;
        crate::BertEmbedder::check_files(folder)?;
        let config = digest(&read(&folder.join("config.json"), MAX_SETTINGS_BYTES)?);
        let tokens = folder.join("tokenizer_config.json");
        let tokens = match tokens.exists() {
            true => digest(&read(&tokens, MAX_SETTINGS_BYTES)?),
            false => "none".into(),
        };
        let weights = crate::BertEmbedder::weights_digest(folder)?;
        let tokenizer = digest_of_file(&folder.join("tokenizer.json"))?;
        let limit = options.max_tokens.map_or("none".into(), |most| most.to_string());
        let told_apart = format!(
            "reranker; config={config}; tokens={tokens}; weights={weights}; tokenizer={tokenizer}; precision={}; \
             max_tokens={limit}",
            options.precision
        );
        Ok(Fingerprint::external(&told_apart, 1))
    }

    fn load(files: &Files, expected: &Fingerprint) -> Result<Arc<dyn Reranker>, Error> {
        let Files { folder, name, kept, options } = files;
        let model = CrossEncoder::from_named_folder(folder, name, kept.as_deref(), options)?;
        // The model does not say which files it has read: if they are the same after as before, it was those.
        let got = Self::fingerprint(files)?;
        if got.as_str() != expected.as_str() {
            return Err(changed(files, expected, &got));
        }
        Ok(Arc::new(model))
    }

    fn memory_bytes(model: &dyn Reranker) -> usize {
        model.memory_bytes()
    }

    fn properties(model: &dyn Reranker) -> Properties {
        Properties { max_tokens: model.max_tokens() }
    }

    fn write(Properties { max_tokens }: Properties, out: Out) -> Out {
        out.limit(max_tokens)
    }

    fn read(read: &mut In<'_>) -> Result<Properties, HostError> {
        Ok(Properties { max_tokens: read.limit()? })
    }

    fn answer(
        model: &dyn Reranker,
        link: &Link,
        question: &Frame,
    ) -> Result<Result<Vec<u8>, Error>, HostError> {
        if question.kind != SCORES {
            let got = question.kind.to_string();
            return Err(HostError::message("a question", format!("kind {SCORES}"), got));
        }
        let mut read = In::new(&question.body);
        let (query, passages) = (read.text()?, read.texts()?);
        read.end()?;
        let scores = model.scores_observed(query, &passages, &mut |progress| send_progress(link, progress));
        Ok(scores.map(|scores| Out::default().floats(&scores).0))
    }
}

impl Client<Scores> {
    /// Any number of passages, as many at a time as fit a question.
    fn scores(
        &self,
        query: &str,
        passages: &[&str],
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Vec<f32>, Failure> {
        let mut scores = Vec::with_capacity(passages.len());
        let mut parts = Parts::new(passages.len(), observe);
        while parts.done() < passages.len() {
            let asked = next_texts(&passages[parts.done()..]);
            let question = Out::default().text(query).texts(asked).0;
            let body = parts
                .ask(|observe| self.converse(SCORES, &question, asked.len() * 4, asked.len(), observe))?;
            let mut read = In::new(&body);
            scores.extend(read.floats(asked.len())?);
            read.end()?;
            parts.end(asked.len())?;
        }
        Ok(scores)
    }
}

/// Whether query and passage are too long for a question with both.
fn is_too_long(text: &str) -> bool {
    text.len() > MAX_QUESTION / 3
}

impl HostedReranker {
    /// The reranker of a folder; see [`LoadOptions::model_host`].
    pub(crate) fn load(
        folder: &Path,
        name: &str,
        kept: Option<&Path>,
        options: &LoadOptions,
    ) -> Result<Self, Error> {
        Hosted::load(Files::new(folder, name, kept, options)).map(Self)
    }
}

impl Reranker for HostedReranker {
    fn model(&self) -> &str {
        self.0.name()
    }

    fn max_tokens(&self) -> Option<usize> {
        self.0.properties.max_tokens
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
        if is_too_long(query) || passages.iter().any(|passage| is_too_long(passage)) {
            return self.0.call_here(|model| model.scores_observed(query, passages, observe));
        }
        let mut reports = Reports::new(passages.len(), observe);
        self.0.call(|way| match way {
            Way::Here(model) => {
                Ok(model.scores_observed(query, passages, &mut |progress| reports.report(progress))?)
            }
            Way::There(client) => client.scores(query, passages, &mut |progress| reports.report(progress)),
        })
    }

    fn memory_bytes(&self) -> usize {
        self.0.memory_bytes()
    }

    fn used_elsewhere(&self) -> Option<Instant> {
        self.0.used_elsewhere()
    }
}

impl std::fmt::Debug for HostedReranker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostedReranker").field("name", &self.0.name()).finish_non_exhaustive()
    }
}
