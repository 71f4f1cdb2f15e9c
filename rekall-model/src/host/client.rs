//! Asking the host.

use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};

use super::error::{Failure, HostError, PATIENCE};
use super::message::{
    self, COUNT, DOCUMENTS, DONE, HELLO, In, KNOWN, MAX_WORDS, Out, PROGRESS, Properties, QUERY, WELCOME,
};
use super::place::Place;
use super::wire::{Frame, Link};
use crate::embedder::{Embeddings, Progress};
use crate::{Error, Fingerprint};

/// Connections that are kept between calls.
const MAX_IDLE: usize = 4;

/// A host that is another process. Each call has a connection of its own.
#[derive(Debug)]
pub(super) struct Client {
    place: Place,
    wanted: Fingerprint,
    pub(super) properties: Properties,
    idle: Mutex<Vec<Link>>,
}

impl Client {
    /// Waits for a host that is still loading.
    pub(super) fn connect(place: &Place, wanted: &Fingerprint) -> Result<Self, HostError> {
        let (link, properties) = connect(place, wanted)?;
        let idle = Mutex::new(vec![link]);
        Ok(Self { place: place.clone(), wanted: wanted.clone(), properties, idle })
    }

    pub(super) fn count_tokens(&self, text: &str) -> Result<usize, Failure> {
        let body = self.ask(COUNT, &Out::default().text(text).0, MAX_WORDS)?;
        let mut read = In::new(&body);
        let count = read.size(usize::MAX)?;
        read.end()?;
        Ok(count)
    }

    pub(super) fn known_share(&self, text: &str) -> Result<Option<f32>, Failure> {
        let body = self.ask(KNOWN, &Out::default().text(text).0, MAX_WORDS)?;
        let mut read = In::new(&body);
        let share = message::read_share(read.number()?);
        read.end()?;
        Ok(share)
    }

    pub(super) fn embed_query(&self, text: &str) -> Result<Vec<f32>, Failure> {
        let dimensions = self.properties.dimensions;
        let body = self.ask(QUERY, &Out::default().text(text).0, dimensions * 4 + MAX_WORDS)?;
        let mut read = In::new(&body);
        let row = read.floats(dimensions)?;
        read.end()?;
        Ok(row)
    }

    /// Texts that fit a question. `observe` sees the progress among them; where it breaks, the connection ends, which stops
    /// the host.
    pub(super) fn embed(
        &self,
        texts: &[&str],
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Embeddings, Failure> {
        let dimensions = self.properties.dimensions;
        let most = message::most_of_embeddings(texts.len(), dimensions) + MAX_WORDS;
        let mut link = self.link()?;
        link.send(DOCUMENTS, &message::documents(texts))?;
        loop {
            let Frame { kind, body } = self.answer(&mut link, most)?;
            match kind {
                PROGRESS => {
                    let progress = message::read_progress(&body, texts.len())?;
                    if observe(progress).is_break() {
                        return Err(Error::Cancelled { done: progress.texts, total: progress.total }.into());
                    }
                }
                DONE => {
                    self.give_back(link);
                    return Ok(message::read_embeddings(&body, texts.len(), dimensions)?);
                }
                other => return Err(self.failed(link, other, &body)),
            }
        }
    }

    /// A question that is answered at once.
    fn ask(&self, kind: u8, question: &[u8], most: usize) -> Result<Vec<u8>, Failure> {
        let mut link = self.link()?;
        link.send(kind, question)?;
        let Frame { kind, body } = self.answer(&mut link, most)?;
        if kind != DONE {
            return Err(self.failed(link, kind, &body));
        }
        self.give_back(link);
        Ok(body)
    }

    /// The next frame of an answer. A host at work on a long text says nothing for as long as that takes; whether it is there, it says
    /// to another connection.
    fn answer(&self, link: &mut Link, most: usize) -> Result<Frame, HostError> {
        loop {
            match link.receive(most, Some(PATIENCE)) {
                Err(HostError::Quiet(_)) => drop(connect(&self.place, &self.wanted)?),
                received => return received,
            }
        }
    }

    /// What another frame means; after an error of the model the connection goes on.
    fn failed(&self, link: Link, kind: u8, body: &[u8]) -> Failure {
        let failure = message::other(kind, body);
        if matches!(failure, Failure::Model(_)) {
            self.give_back(link);
        }
        failure
    }

    fn link(&self) -> Result<Link, HostError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(link) => Ok(link),
            None => connect(&self.place, &self.wanted).map(|(link, _)| link),
        }
    }

    fn give_back(&self, link: Link) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(link);
        }
    }
}

fn connect(place: &Place, wanted: &Fingerprint) -> Result<(Link, Properties), HostError> {
    let mut link = Link::new(UnixStream::connect(place.socket())?)?;
    link.send(HELLO, &message::hello(wanted))?;
    let Frame { kind, body } = link.receive(MAX_WORDS, Some(PATIENCE))?;
    if kind != WELCOME {
        return Err(HostError::message("a connection", format!("a welcome, {WELCOME}"), kind.to_string()));
    }
    let properties = message::read_welcome(&body, wanted)?;
    Ok((link, properties))
}
