//! A model that runs in a server, behind the interface that most of them offer: `POST /v1/embeddings`.
#![allow(unreachable_pub, reason = "a module to copy into a program of one's own")]

use std::fmt;
use std::time::Duration;

use rekall::Embedder;
use rekall::model::{Error, Fingerprint};
use serde::Deserialize;
use serde_json::json;
use ureq::Agent;

/// Where the server is and how to use it.
#[derive(Clone)]
pub struct HttpOptions {
    /// What comes before `/v1/embeddings`, such as `http://localhost:11434`.
    pub base: String,
    /// The model's name on the server. It also names the vector space in a memory's file: if the server's
    /// model of that name becomes another one, vectors that must not be compared will be.
    pub model: String,
    /// Sent as `Authorization: Bearer …`. Default: none.
    pub api_key: Option<String>,
    /// Text put before each query, if the model needs one; the same for documents. Default: none.
    pub query_prefix: String,
    pub document_prefix: String,
    /// The longest text, in characters; longer ones are split before they are sent. The interface does not
    /// say how many tokens a text has; 1,000 characters are below 512 tokens in European languages. Default:
    /// 1,000.
    pub max_characters: usize,
    /// Most texts of one request. Default: 64.
    pub batch: usize,
    /// The longest that one request may take, connecting included. Default: 60 s.
    pub timeout: Duration,
}

impl HttpOptions {
    pub fn new(base: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base: base.into(),
            model: model.into(),
            api_key: None,
            query_prefix: String::new(),
            document_prefix: String::new(),
            max_characters: 1_000,
            batch: 64,
            timeout: Duration::from_secs(60),
        }
    }
}

/// What a server did wrong. It is the source of the [`Error::Unavailable`] that rekall gets.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("expected an answer within {limit:?}, got none")]
    Timeout { limit: Duration },
    #[error("{0}")]
    Transport(#[source] ureq::Error),
    #[error("expected status 200, got {status}: {message}")]
    Status { status: u16, message: String },
    #[error("expected JSON with `data`, a list of `index` and `embedding`, got {problem}")]
    Answer { problem: String },
    #[error("expected {expected} vectors, got {got}")]
    Count { expected: usize, got: usize },
    #[error("expected each index below {count} once, got {index} again or beyond")]
    Index { count: usize, index: usize },
    #[error("expected {expected} numbers in a vector, got {got}")]
    Dimensions { expected: usize, got: usize },
    #[error("expected a vector with a direction, got one of length {length}")]
    Direction { length: f64 },
}

/// An [`Embedder`] that asks a server. Each call blocks until the server has answered or the time is up.
pub struct HttpEmbedder {
    options: HttpOptions,
    agent: Agent,
    url: String,
    fingerprint: Fingerprint,
    dimensions: usize,
}

/// The largest answer that is read: 64 vectors of 4,096 numbers take about 6 MB as text.
const LARGEST_ANSWER: u64 = 64 << 20;

impl HttpEmbedder {
    /// Asks the server for one vector, to learn how long they are.
    ///
    /// # Errors
    /// [`Error::Unavailable`], with an [`HttpError`] as its source.
    pub fn connect(options: HttpOptions) -> Result<Self, Error> {
        let agent = Agent::config_builder()
            .timeout_global(Some(options.timeout))
            // The body says what is wrong.
            .http_status_as_error(false)
            .build()
            .new_agent();
        let url = format!("{}/v1/embeddings", options.base.trim_end_matches('/'));
        let mut name = options.model.clone();
        for (key, prefix) in [("query", &options.query_prefix), ("document", &options.document_prefix)] {
            if !prefix.is_empty() {
                name += &format!(", {key} prefix {prefix:?}");
            }
        }
        let unknown = Fingerprint::external(&name, 0);
        let mut embedder = Self { options, agent, url, fingerprint: unknown, dimensions: 0 };
        let probe = embedder.ask(&["dimensions".to_owned()]).map_err(|error| embedder.failed(error))?;
        embedder.dimensions = probe[0].len();
        embedder.fingerprint = Fingerprint::external(&name, embedder.dimensions);
        Ok(embedder)
    }

    /// Unit vectors of texts that go into one request, in their order.
    fn request(&self, texts: &[String], rows: &mut Vec<f32>) -> Result<(), HttpError> {
        for vector in self.ask(texts)? {
            if vector.len() != self.dimensions {
                return Err(HttpError::Dimensions { expected: self.dimensions, got: vector.len() });
            }
            let length = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
            if !length.is_normal() {
                return Err(HttpError::Direction { length });
            }
            rows.extend(vector.iter().map(|&x| (f64::from(x) / length) as f32));
        }
        Ok(())
    }

    /// One request: the server's vectors in the order of the texts.
    fn ask(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, HttpError> {
        let failed = |error| match error {
            ureq::Error::Timeout(_) => HttpError::Timeout { limit: self.options.timeout },
            other => HttpError::Transport(other),
        };
        let mut request = self.agent.post(&self.url);
        if let Some(key) = &self.options.api_key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let question = json!({ "model": self.options.model, "input": texts });
        let mut response = request.send_json(question).map_err(failed)?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(LARGEST_ANSWER).read_to_vec().map_err(failed)?;
        if status != 200 {
            let message = String::from_utf8_lossy(&body).chars().take(200).collect();
            return Err(HttpError::Status { status, message });
        }
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|error| HttpError::Answer { problem: error.to_string() })?;
        in_order(answer.data, texts.len())
    }

    fn embed(&self, prefix: &str, texts: &[&str]) -> Result<Vec<f32>, Error> {
        let mut rows = Vec::with_capacity(texts.len() * self.dimensions);
        for batch in texts.chunks(self.options.batch.max(1)) {
            let batch: Vec<String> = batch.iter().map(|text| format!("{prefix}{text}")).collect();
            self.request(&batch, &mut rows).map_err(|error| self.failed(error))?;
        }
        Ok(rows)
    }

    fn failed(&self, error: HttpError) -> Error {
        let reason = format!("{}: {error}", self.url);
        Error::Unavailable { repo: self.options.model.clone(), reason, source: Some(Box::new(error)) }
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Datum>,
}

#[derive(Deserialize)]
struct Datum {
    index: usize,
    embedding: Vec<f32>,
}

/// A server may answer in any order; each text must have its vector.
fn in_order(mut data: Vec<Datum>, count: usize) -> Result<Vec<Vec<f32>>, HttpError> {
    if data.len() != count {
        return Err(HttpError::Count { expected: count, got: data.len() });
    }
    data.sort_by_key(|datum| datum.index);
    if let Some((_, datum)) = data.iter().enumerate().find(|(place, datum)| *place != datum.index) {
        return Err(HttpError::Index { count, index: datum.index });
    }
    Ok(data.into_iter().map(|datum| datum.embedding).collect())
}

impl Embedder for HttpEmbedder {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn max_tokens(&self) -> Option<usize> {
        Some(self.options.max_characters)
    }

    /// Counts characters instead of tokens, in agreement with `max_tokens`.
    fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        Ok(text.chars().count())
    }

    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, Error> {
        self.embed(&self.options.document_prefix, texts)
    }

    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
        self.embed(&self.options.query_prefix, &[text])
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}

impl fmt::Debug for HttpEmbedder {
    /// Shows no key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpEmbedder").field("url", &self.url).field("model", &self.options.model).finish()
    }
}
