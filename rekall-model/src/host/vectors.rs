//! A transformer that makes vectors, shared.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::client::Client;
use super::error::{Failure, HostError};
use super::hosted::{Files, Hosted, Way};
use super::kind::{Kind, changed};
use super::message::{COUNT, DOCUMENTS, In, KNOWN, MAX_WORDS, Out, QUERY, is_too_long, next_texts};
use super::observed::{Parts, Reports, send_progress};
use super::wire::{Frame, Link};
use crate::embedder::{Embeddings, Progress};
use crate::{BertEmbedder, Embedder, Error, Fingerprint, LoadOptions};

/// A transformer that the processes of a user share.
pub(crate) struct HostedEmbedder(Hosted<Vectors>);

/// The kind of models that make vectors.
pub(super) struct Vectors;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Properties {
    dimensions: usize,
    max_tokens: Option<usize>,
}

impl Kind for Vectors {
    type Model = dyn Embedder;
    type Properties = Properties;

    fn fingerprint(files: &Files) -> Result<Fingerprint, Error> {
        BertEmbedder::space(&files.folder, &files.name, &files.options)
    }

    fn load(files: &Files, expected: &Fingerprint) -> Result<Arc<dyn Embedder>, Error> {
        let Files { folder, name, kept, options } = files;
        let model = BertEmbedder::from_named_folder(folder, name, kept.as_deref(), options)?;
        if model.fingerprint().as_str() != expected.as_str() {
            return Err(changed(files, expected, model.fingerprint()));
        }
        Ok(Arc::new(model))
    }

    fn memory_bytes(model: &dyn Embedder) -> usize {
        model.memory_bytes()
    }

    fn properties(model: &dyn Embedder) -> Properties {
        Properties { dimensions: model.dimensions(), max_tokens: model.max_tokens() }
    }

    fn write(Properties { dimensions, max_tokens }: Properties, out: Out) -> Out {
        out.number(dimensions as u64).limit(max_tokens)
    }

    fn read(read: &mut In<'_>) -> Result<Properties, HostError> {
        Ok(Properties { dimensions: read.size(1 << 20)?, max_tokens: read.limit()? })
    }

    fn answer(
        model: &dyn Embedder,
        link: &Link,
        question: &Frame,
    ) -> Result<Result<Vec<u8>, Error>, HostError> {
        let mut read = In::new(&question.body);
        let made = match question.kind {
            DOCUMENTS => {
                let texts = read.texts()?;
                read.end()?;
                let made =
                    model.embed_documents_observed(&texts, &mut |progress| send_progress(link, progress));
                return Ok(made.map(|made| embeddings(&made)));
            }
            QUERY | COUNT | KNOWN => read.text()?,
            other => return Err(HostError::message("a question", "kind 2 to 5", other.to_string())),
        };
        read.end()?;
        Ok(match question.kind {
            QUERY => model.embed_query(made).map(|row| Out::default().floats(&row).0),
            COUNT => model.count_tokens(made).map(|count| Out::default().number(count as u64).0),
            _ => model.known_share(made).map(share),
        })
    }
}

impl Client<Vectors> {
    fn count_tokens(&self, text: &str) -> Result<usize, Failure> {
        let body = self.ask(COUNT, &Out::default().text(text).0, MAX_WORDS)?;
        let mut read = In::new(&body);
        let count = read.size(usize::MAX)?;
        read.end()?;
        Ok(count)
    }

    fn known_share(&self, text: &str) -> Result<Option<f32>, Failure> {
        let body = self.ask(KNOWN, &Out::default().text(text).0, MAX_WORDS)?;
        let mut read = In::new(&body);
        let share = read_share(read.number()?);
        read.end()?;
        Ok(share)
    }

    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Failure> {
        let dimensions = self.properties.dimensions;
        let body = self.ask(QUERY, &Out::default().text(text).0, dimensions * 4)?;
        let mut read = In::new(&body);
        let row = read.floats(dimensions)?;
        read.end()?;
        Ok(row)
    }

    /// Any number of texts, as many at a time as fit a question.
    fn embed(
        &self,
        texts: &[&str],
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Embeddings, Failure> {
        let dimensions = self.properties.dimensions;
        let mut made = Embeddings { dimensions, ..Embeddings::default() };
        let mut parts = Parts::new(texts.len(), observe);
        while parts.done() < texts.len() {
            let asked = next_texts(&texts[parts.done()..]);
            let most = most_of_embeddings(asked.len(), dimensions);
            let question = Out::default().texts(asked).0;
            let body =
                parts.ask(|observe| self.converse(DOCUMENTS, &question, most, asked.len(), observe))?;
            let part = read_embeddings(&body, asked.len(), dimensions)?;
            let before = parts.done();
            made.rows.extend(part.rows);
            made.token_counts.extend(part.token_counts);
            made.known_shares.extend(part.known_shares);
            made.truncated.extend(part.truncated.iter().map(|position| before + position));
            made.unembeddable.extend(part.unembeddable.iter().map(|position| before + position));
            parts.end(asked.len())?;
        }
        Ok(made)
    }
}

impl HostedEmbedder {
    /// The model of a folder; see [`LoadOptions::model_host`].
    pub(crate) fn load(
        folder: &Path,
        name: &str,
        kept: Option<&Path>,
        options: &LoadOptions,
    ) -> Result<Self, Error> {
        Hosted::load(Files::new(folder, name, kept, options)).map(Self)
    }
}

impl Embedder for HostedEmbedder {
    fn fingerprint(&self) -> &Fingerprint {
        &self.0.fingerprint
    }

    fn dimensions(&self) -> usize {
        self.0.properties.dimensions
    }

    fn max_tokens(&self) -> Option<usize> {
        self.0.properties.max_tokens
    }

    fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        if is_too_long(text) {
            return self.0.call_here(|model| model.count_tokens(text));
        }
        self.0.call(|way| match way {
            Way::Here(model) => Ok(model.count_tokens(text)?),
            Way::There(client) => client.count_tokens(text),
        })
    }

    fn known_share(&self, text: &str) -> Result<Option<f32>, Error> {
        if is_too_long(text) {
            return self.0.call_here(|model| model.known_share(text));
        }
        self.0.call(|way| match way {
            Way::Here(model) => Ok(model.known_share(text)?),
            Way::There(client) => client.known_share(text),
        })
    }

    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, Error> {
        let made = self.embed_documents_observed(texts, &mut |_| ControlFlow::Continue(()))?;
        made.unembeddable.first().map_or(Ok(made.rows), |&index| Err(Error::Unembeddable { index }))
    }

    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
        if is_too_long(text) {
            return self.0.call_here(|model| model.embed_query(text));
        }
        self.0.call(|way| match way {
            Way::Here(model) => Ok(model.embed_query(text)?),
            Way::There(client) => client.embed_query(text),
        })
    }

    fn memory_bytes(&self) -> usize {
        self.0.memory_bytes()
    }

    fn used_elsewhere(&self) -> Option<Instant> {
        self.0.used_elsewhere()
    }

    fn embed_documents_observed(
        &self,
        texts: &[&str],
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Embeddings, Error> {
        if texts.iter().any(|text| is_too_long(text)) {
            return self.0.call_here(|model| model.embed_documents_observed(texts, observe));
        }
        let mut reports = Reports::new(texts.len(), observe);
        self.0.call(|way| match way {
            Way::Here(model) => {
                Ok(model.embed_documents_observed(texts, &mut |progress| reports.report(progress))?)
            }
            Way::There(client) => client.embed(texts, &mut |progress| reports.report(progress)),
        })
    }
}

impl std::fmt::Debug for HostedEmbedder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostedEmbedder").field("fingerprint", &self.0.fingerprint).finish_non_exhaustive()
    }
}

fn embeddings(made: &Embeddings) -> Vec<u8> {
    let positions = |positions: &[usize]| positions.iter().map(|&x| x as u64).collect::<Vec<_>>().into_iter();
    let known = made.known_shares.iter().map(|share| share.map_or(u64::MAX, |x| x.to_bits().into()));
    Out::default()
        .floats(&made.rows)
        .numbers(made.token_counts.iter().map(|&count| u64::from(count)))
        .numbers(known)
        .numbers(positions(&made.truncated))
        .numbers(positions(&made.unembeddable))
        .0
}

/// Most bytes of what [`embeddings`] makes of so many texts.
fn most_of_embeddings(texts: usize, dimensions: usize) -> usize {
    texts.saturating_mul(dimensions.saturating_mul(4).saturating_add(32)).saturating_add(32)
}

fn read_embeddings(body: &[u8], texts: usize, dimensions: usize) -> Result<Embeddings, HostError> {
    let mut read = In::new(body);
    let mut made = Embeddings::zeroed(texts, dimensions);
    made.rows = read.floats(texts.saturating_mul(dimensions))?;
    let exactly = |read: &mut In<'_>| match read.size(texts)? {
        count if count == texts => Ok(()),
        count => Err(HostError::message("an answer", format!("{texts} texts"), count.to_string())),
    };
    exactly(&mut read)?;
    for count in &mut made.token_counts {
        *count = u32::try_from(read.size(u32::MAX as usize)?).unwrap_or(u32::MAX);
    }
    exactly(&mut read)?;
    for share in &mut made.known_shares {
        *share = read_share(read.number()?);
    }
    made.truncated = read.positions(texts)?;
    made.unembeddable = read.positions(texts)?;
    read.end()?;
    Ok(made)
}

fn share(share: Option<f32>) -> Vec<u8> {
    Out::default().number(share.map_or(u64::MAX, |x| x.to_bits().into())).0
}

fn read_share(number: u64) -> Option<f32> {
    u32::try_from(number).ok().map(f32::from_bits)
}
