//! Asking the host.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use super::error::{Failure, GREETING, HostError, SILENCE};
use super::failure;
use super::kind::Kind;
use super::message::{self, DONE, FULL, HELLO, LOADING, MAX_WORDS, PROGRESS, WELCOME};
use super::place::Place;
use super::server::MAX_CONNECTIONS;
use super::wire::{Frame, Link};
use crate::embedder::Progress;
use crate::{Error, Fingerprint};

/// Connections that are kept between calls.
const MAX_IDLE: usize = 4;

/// A host that is another process. Each call has a connection of its own.
#[derive(Debug)]
pub(super) struct Client<K: Kind> {
    place: Place,
    wanted: Fingerprint,
    pub(super) properties: K::Properties,
    idle: Mutex<Vec<Link>>,
}

impl<K: Kind> Client<K> {
    /// Waits for a host that is still loading.
    pub(super) fn connect(place: &Place, wanted: &Fingerprint) -> Result<Self, HostError> {
        let (link, properties) = connect::<K>(place, wanted)?;
        let idle = Mutex::new(vec![link]);
        Ok(Self { place: place.clone(), wanted: wanted.clone(), properties, idle })
    }

    /// A question that is answered at once, with at most `most` bytes.
    pub(super) fn ask(&self, kind: u8, question: &[u8], most: usize) -> Result<Vec<u8>, Failure> {
        let mut link = self.link()?;
        link.send(kind, question)?;
        let Frame { kind, body } = self.answer(&mut link, most)?;
        if kind != DONE {
            return Err(self.failed(link, kind, &body));
        }
        self.give_back(link);
        Ok(body)
    }

    /// A question about so many texts. `observe` sees the progress among them; where it breaks before all are done, the connection
    /// ends, which stops the host.
    pub(super) fn converse(
        &self,
        kind: u8,
        question: &[u8],
        most: usize,
        texts: usize,
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Vec<u8>, Failure> {
        let mut link = self.link()?;
        link.send(kind, question)?;
        loop {
            let Frame { kind, body } = self.answer(&mut link, most)?;
            match kind {
                PROGRESS => {
                    let progress = message::read_progress(&body, texts)?;
                    // Once all is done, stopping would only lose the result.
                    if observe(progress).is_break() && progress.texts < texts {
                        return Err(Error::Cancelled { done: progress.texts, total: texts }.into());
                    }
                }
                DONE => {
                    self.give_back(link);
                    return Ok(body);
                }
                other => return Err(self.failed(link, other, &body)),
            }
        }
    }

    /// The next frame of an answer. A host at work on a long text says nothing for as long as that takes; whether it is there, it says
    /// to another connection.
    fn answer(&self, link: &mut Link, most: usize) -> Result<Frame, HostError> {
        loop {
            match link.receive(most.max(MAX_WORDS), Some(SILENCE)) {
                Err(HostError::Quiet(time)) if time == SILENCE => {
                    // Any other error is of this second connection; of a host that is gone the first one tells.
                    if let Err(error @ HostError::Quiet(_)) = connect::<K>(&self.place, &self.wanted) {
                        return Err(error);
                    }
                }
                received => return received,
            }
        }
    }

    /// What another frame means; after an error of the model the connection goes on.
    fn failed(&self, link: Link, kind: u8, body: &[u8]) -> Failure {
        let failure = failure::other(kind, body);
        if matches!(failure, Failure::Model(_)) {
            self.give_back(link);
        }
        failure
    }

    fn link(&self) -> Result<Link, HostError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(link) => Ok(link),
            None => connect::<K>(&self.place, &self.wanted).map(|(link, _)| link),
        }
    }

    fn give_back(&self, link: Link) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(link);
        }
    }
}

fn connect<K: Kind>(place: &Place, wanted: &Fingerprint) -> Result<(Link, K::Properties), HostError> {
    let mut link = Link::connect(&place.socket(), GREETING)?;
    // One that is full says so without being asked, and ends the connection.
    let sent = link.send(HELLO, &message::hello(wanted));
    loop {
        let Frame { kind, body } = match link.receive(MAX_WORDS, Some(GREETING)) {
            Ok(frame) => frame,
            Err(error) => return Err(sent.err().unwrap_or(error)),
        };
        match kind {
            LOADING => {}
            FULL => return Err(HostError::Full { most: MAX_CONNECTIONS }),
            WELCOME => return Ok((link, message::read_welcome::<K>(&body, wanted)?)),
            other => {
                return Err(HostError::message(
                    "a connection",
                    format!("a welcome, {WELCOME}"),
                    other.to_string(),
                ));
            }
        }
    }
}
