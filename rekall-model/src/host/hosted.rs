//! A model that this process has for others, or another process for it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::client::Client;
use super::error::{Failure, HostError};
use super::message::{Properties, is_too_long, next_texts};
use super::place::Place;
use super::server::Server;
use crate::embedder::{Embeddings, Progress};
use crate::{BertEmbedder, Embedder, Error, Fingerprint, LoadOptions};

/// How long a process tries to be the host or to reach it.
const ELECTION: Duration = Duration::from_secs(5);

/// How long it waits between tries: a host has the lock a moment before its socket, and a moment after.
const PAUSE: Duration = Duration::from_millis(5);

/// A transformer that the processes of a user share.
pub(crate) struct HostedModel {
    fingerprint: Fingerprint,
    properties: Properties,
    files: Files,
    /// `None` where nothing can be shared.
    place: Option<Place>,
    role: Mutex<Arc<Role>>,
}

/// What the model is loaded from, when this process has to.
struct Files {
    folder: PathBuf,
    name: String,
    kept: Option<PathBuf>,
    options: LoadOptions,
}

enum Role {
    /// This process has the model, and answers others.
    Host(Server, Arc<dyn Embedder>),
    /// Another process has it.
    Client(Client),
    /// This process has it for itself.
    Alone(Arc<dyn Embedder>),
}

/// Where a call is done.
enum Way<'a> {
    Here(&'a dyn Embedder),
    There(&'a Client),
}

impl Files {
    fn load(&self, expected: &Fingerprint) -> Result<Arc<dyn Embedder>, Error> {
        let model =
            BertEmbedder::from_named_folder(&self.folder, &self.name, self.kept.as_deref(), &self.options)?;
        // The files may have changed since.
        if model.fingerprint().as_str() != expected.as_str() {
            let got = model.fingerprint().to_string();
            return Err(Error::invalid_file(&self.folder, format!("the files of {expected}"), got));
        }
        Ok(Arc::new(model))
    }
}

impl HostedModel {
    /// The model of a folder; see [`LoadOptions::model_host`].
    pub(crate) fn load(
        folder: &Path,
        name: &str,
        kept: Option<&Path>,
        options: &LoadOptions,
    ) -> Result<Self, Error> {
        let fingerprint = BertEmbedder::space(folder, name, options)?;
        let files = Files {
            folder: folder.to_owned(),
            name: name.to_owned(),
            kept: kept.map(Path::to_owned),
            options: options.clone(),
        };
        let place = Place::of(&fingerprint);
        let place = place.map_err(|error| tracing::warn!(%error, "the model is not shared")).ok();
        let role = elect(&files, place.as_ref(), &fingerprint)?;
        let properties = match &role {
            Role::Client(client) => client.properties,
            Role::Host(_, model) | Role::Alone(model) => Properties::of(&**model),
        };
        Ok(Self { fingerprint, properties, files, place, role: Mutex::new(Arc::new(role)) })
    }

    fn role(&self) -> MutexGuard<'_, Arc<Role>> {
        self.role.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call where the model is. If the host does not answer, another takes its place and the call is made again; if that
    /// one does not either, this process loads the model.
    fn call<T>(&self, mut make: impl FnMut(Way<'_>) -> Result<T, Failure>) -> Result<T, Error> {
        for last in [false, true] {
            let role = Arc::clone(&self.role());
            let error = match &*role {
                Role::Host(_, model) | Role::Alone(model) => return here(&mut make, &**model),
                Role::Client(client) => match make(Way::There(client)) {
                    Ok(made) => return Ok(made),
                    Err(Failure::Model(error)) => return Err(error),
                    Err(Failure::Way(error)) => error,
                },
            };
            tracing::debug!(%error, "the host of the model does not answer");
            let mut current = self.role();
            // Another call may have found another host meanwhile.
            if Arc::ptr_eq(&current, &role) {
                *current = Arc::new(match last {
                    false => elect(&self.files, self.place.as_ref(), &self.fingerprint)?,
                    true => Role::Alone(self.files.load(&self.fingerprint)?),
                });
            }
        }
        let role = Arc::clone(&self.role());
        match &*role {
            Role::Host(_, model) | Role::Alone(model) => here(&mut make, &**model),
            Role::Client(_) => here(&mut make, &*self.files.load(&self.fingerprint)?),
        }
    }
}

fn here<T>(make: &mut impl FnMut(Way<'_>) -> Result<T, Failure>, model: &dyn Embedder) -> Result<T, Error> {
    make(Way::Here(model)).map_err(|failure| match failure {
        Failure::Model(error) => error,
        Failure::Way(error) => Error::Compute { reason: error.to_string() },
    })
}

/// Finds the host, or becomes it; without either this process has the model for itself.
fn elect(files: &Files, place: Option<&Place>, wanted: &Fingerprint) -> Result<Role, Error> {
    let elected = match place {
        Some(place) => join_or_host(files, place, wanted),
        None => return files.load(wanted).map(Role::Alone),
    };
    match elected {
        Ok(role) => Ok(role),
        Err(Failure::Model(error)) => Err(error),
        Err(Failure::Way(error)) => {
            tracing::warn!(%error, "the model is not shared");
            files.load(wanted).map(Role::Alone)
        }
    }
}

fn join_or_host(files: &Files, place: &Place, wanted: &Fingerprint) -> Result<Role, Failure> {
    let mut start = Instant::now();
    loop {
        match Client::connect(place, wanted) {
            Ok(client) => return Ok(Role::Client(client)),
            // One that was waited for has ended: the next is given its time.
            Err(error) if error.is_ended() => start = Instant::now(),
            Err(error) if error.is_gone() => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(held) = place.hold()? {
            // Bound before the model is loaded, so that others wait for it here.
            let bound = place.bind(held)?;
            let model = files.load(wanted)?;
            return Ok(match Server::start(bound, Arc::clone(&model)) {
                Ok(server) => Role::Host(server, model),
                Err(error) => {
                    tracing::warn!(%error, "the model is not shared");
                    Role::Alone(model)
                }
            });
        }
        if start.elapsed() > ELECTION {
            return Err(HostError::Silent(ELECTION).into());
        }
        std::thread::sleep(PAUSE);
    }
}

impl Embedder for HostedModel {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn dimensions(&self) -> usize {
        self.properties.dimensions
    }

    fn max_tokens(&self) -> Option<usize> {
        self.properties.max_tokens
    }

    fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        self.call(|way| match way {
            Way::There(client) if !is_too_long(text) => client.count_tokens(text),
            way => Ok(self.own(way)?.count_tokens(text)?),
        })
    }

    fn known_share(&self, text: &str) -> Result<Option<f32>, Error> {
        self.call(|way| match way {
            Way::There(client) if !is_too_long(text) => client.known_share(text),
            way => Ok(self.own(way)?.known_share(text)?),
        })
    }

    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, Error> {
        let made = self.embed_documents_observed(texts, &mut |_| ControlFlow::Continue(()))?;
        made.unembeddable.first().map_or(Ok(made.rows), |&index| Err(Error::Unembeddable { index }))
    }

    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
        self.call(|way| match way {
            Way::There(client) if !is_too_long(text) => client.embed_query(text),
            way => Ok(self.own(way)?.embed_query(text)?),
        })
    }

    fn memory_bytes(&self) -> usize {
        match &**self.role() {
            Role::Host(_, model) | Role::Alone(model) => model.memory_bytes(),
            Role::Client(_) => 0,
        }
    }

    fn used_elsewhere(&self) -> Option<Instant> {
        // An election holds the lock; then the model is in use anyway.
        match &**self.role.try_lock().ok()? {
            Role::Host(server, _) => server.last_use(),
            Role::Client(_) | Role::Alone(_) => None,
        }
    }

    fn embed_documents_observed(
        &self,
        texts: &[&str],
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Embeddings, Error> {
        // A retry begins again, but what was reported is not taken back.
        let mut reported = Progress { texts: 0, total: texts.len(), tokens: 0 };
        let mut report = |progress: Progress| {
            if progress.texts >= reported.texts {
                reported = progress;
            }
            observe(reported)
        };
        self.call(|way| match way {
            Way::There(client) if !texts.iter().any(|text| is_too_long(text)) => {
                embed_in_questions(client, texts, &mut report)
            }
            way => Ok(self.own(way)?.embed_documents_observed(texts, &mut report)?),
        })
    }
}

/// Embeds any number of texts, as many at a time as fit a question.
fn embed_in_questions(
    client: &Client,
    texts: &[&str],
    observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Embeddings, Failure> {
    let mut made = Embeddings { dimensions: client.properties.dimensions, ..Embeddings::default() };
    let (mut done, mut tokens) = (0, 0_usize);
    while done < texts.len() {
        let asked = next_texts(&texts[done..]);
        let part = client
            .embed(asked, &mut |progress| {
                observe(Progress {
                    texts: done + progress.texts,
                    total: texts.len(),
                    tokens: tokens.saturating_add(progress.tokens),
                })
            })
            .map_err(|failure| within(failure, done, texts.len()))?;
        tokens = part.token_counts.iter().fold(tokens, |sum, &count| sum.saturating_add(count as usize));
        made.rows.extend(part.rows);
        made.token_counts.extend(part.token_counts);
        made.known_shares.extend(part.known_shares);
        made.truncated.extend(part.truncated.iter().map(|position| done + position));
        made.unembeddable.extend(part.unembeddable.iter().map(|position| done + position));
        done += asked.len();
        // A whole call's last report is the model's own.
        let progress = Progress { texts: done, total: texts.len(), tokens };
        if done < texts.len() && observe(progress).is_break() {
            return Err(Error::Cancelled { done, total: texts.len() }.into());
        }
    }
    Ok(made)
}

/// An error among some texts, with positions among all.
fn within(failure: Failure, before: usize, total: usize) -> Failure {
    match failure {
        Failure::Model(Error::Cancelled { done, .. }) => {
            Failure::Model(Error::Cancelled { done: before + done, total })
        }
        Failure::Model(Error::Tokenize { index, reason }) => {
            Failure::Model(Error::Tokenize { index: before + index, reason })
        }
        other => other,
    }
}

/// A model that this process has, if only for one call.
enum Own<'a> {
    Borrowed(&'a dyn Embedder),
    Loaded(Arc<dyn Embedder>),
}

impl<'a> std::ops::Deref for Own<'a> {
    type Target = dyn Embedder + 'a;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Borrowed(model) => *model,
            Self::Loaded(model) => &**model,
        }
    }
}

impl HostedModel {
    /// The model in this process; loaded for a call that no message has room for.
    fn own<'a>(&self, way: Way<'a>) -> Result<Own<'a>, Error> {
        Ok(match way {
            Way::Here(model) => Own::Borrowed(model),
            Way::There(_) => Own::Loaded(self.files.load(&self.fingerprint)?),
        })
    }
}

impl std::fmt::Debug for HostedModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostedModel").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}
