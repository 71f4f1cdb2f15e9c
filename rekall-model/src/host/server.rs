//! The host: threads that answer other processes, from before the model is loaded until it is let go.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::error::{HostError, PATIENCE, SIGN};
use super::failure::failed;
use super::kind::Kind;
use super::message::{
    self, DONE, FAILED, FULL, HELLO, In, LOADING, MAX_QUESTION, MAX_WORDS, WELCOME, read_hello,
};
use super::place::Bound;
use super::transport::{Ender, Signal, Stream};
use super::wire::{Frame, Link};
use crate::{Error, Fingerprint};

/// Most connections at a time. More processes do the work themselves.
pub(super) const MAX_CONNECTIONS: usize = 256;

/// How long it waits where the system lets it accept nothing.
const PAUSE: Duration = Duration::from_millis(20);

/// Answers until it is dropped.
pub(super) struct Server<K: Kind> {
    shared: Arc<Shared<K>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared<K: Kind> {
    fingerprint: Fingerprint,
    state: Mutex<State<K>>,
    /// Ends the thread that accepts.
    signal: Signal,
    /// The model is there, or the host is about to end.
    decided: Condvar,
}

struct State<K: Kind> {
    /// `None` while it is being loaded.
    model: Option<Arc<K::Model>>,
    stopping: bool,
    next: u64,
    connections: HashMap<u64, Ender>,
    /// Questions that are being answered.
    busy: usize,
    last_use: Option<Instant>,
}

impl<K: Kind> Shared<K> {
    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Kind> Server<K> {
    /// Accepts connections, and lets them wait for the model.
    pub(super) fn start(bound: Bound, fingerprint: Fingerprint) -> Result<Self, HostError> {
        let state = State {
            model: None,
            stopping: false,
            next: 0,
            connections: HashMap::new(),
            busy: 0,
            last_use: None,
        };
        let (state, signal) = (Mutex::new(state), Signal::new()?);
        let shared = Arc::new(Shared { fingerprint, state, signal, decided: Condvar::new() });
        let accepting = Arc::clone(&shared);
        let thread =
            Builder::new().name("rekall-host".into()).spawn(move || accept_all(bound, &accepting))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// From now on questions are answered.
    pub(super) fn offer(&self, model: Arc<K::Model>) {
        self.shared.lock().model = Some(model);
        self.shared.decided.notify_all();
    }

    /// When another process last used the model.
    pub(super) fn last_use(&self) -> Option<Instant> {
        let state = self.shared.lock();
        if state.busy > 0 { Some(Instant::now()) } else { state.last_use }
    }
}

impl<K: Kind> Drop for Server<K> {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.stopping = true;
            // Those who wait for an answer hear of it, and ask another process.
            state.connections.values().for_each(Ender::end);
        }
        self.shared.decided.notify_all();
        self.shared.signal.raise();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Accepts connections, each on a thread of its own, until the signal is raised; then waits for them to end.
fn accept_all<K: Kind>(mut bound: Bound, shared: &Arc<Shared<K>>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    while !shared.lock().stopping {
        let stream = match bound.listener.accept(&shared.signal) {
            Ok(Some(stream)) => stream,
            Ok(None) => break,
            Err(error) => {
                // A process that went away at once, or too many open files: the others have to be answered.
                tracing::debug!(%error, "a connection is not accepted");
                std::thread::sleep(PAUSE);
                continue;
            }
        };
        threads.retain(|thread| !thread.is_finished());
        if threads.len() >= MAX_CONNECTIONS {
            refuse(stream);
            continue;
        }
        let answering = Arc::clone(shared);
        match Builder::new().name("rekall-host".into()).spawn(move || converse(&answering, stream)) {
            Ok(thread) => threads.push(thread),
            Err(error) => tracing::debug!(%error, "no thread for a connection"),
        }
    }
    // Another process takes the place at once: an answer may take long, and who connected meanwhile would wait for a greeting in vain.
    drop(bound);
    for thread in threads {
        drop(thread.join());
    }
}

/// Tells a process at once that there is no room for it. It fits any connection's buffer, so this does not wait.
fn refuse(stream: Stream) {
    let told = Link::new(stream, PATIENCE).and_then(|link| link.send(FULL, &[]));
    if let Err(error) = told {
        tracing::debug!(%error, "a connection is not accepted");
    }
}

/// Answers one connection until it ends.
fn converse<K: Kind>(shared: &Shared<K>, stream: Stream) {
    let outcome = Link::new(stream, PATIENCE).and_then(|mut link| {
        let Some(_registered) = Registered::new(shared, &link)? else { return Ok(()) };
        let Some(model) = greet(shared, &mut link)? else { return Ok(()) };
        loop {
            let question = link.receive(MAX_QUESTION, None)?;
            // Whoever has the answer finds the time of use set: it does not change afterwards.
            let busy = Busy::new(shared);
            let answer = K::answer(&model, &link, &question);
            drop(busy);
            match answer? {
                Ok(answer) => link.send(DONE, &answer)?,
                // It is the other side that asked to stop, by closing the connection.
                Err(Error::Cancelled { .. }) => return Ok(()),
                Err(error) => link.send(FAILED, &failed(&error))?,
            }
        }
    });
    match outcome {
        Err(error) if !error.is_gone() => tracing::debug!(%error, "a connection was ended"),
        _ => {}
    }
}

/// Says when the model is there; `None` if the host is about to end.
fn greet<K: Kind>(shared: &Shared<K>, link: &mut Link) -> Result<Option<Arc<K::Model>>, HostError> {
    let Frame { kind, body } = link.receive(MAX_WORDS, Some(PATIENCE))?;
    if kind != HELLO {
        return Err(HostError::message("a connection", format!("a greeting, {HELLO}"), kind.to_string()));
    }
    let mut read = In::new(&body);
    read_hello(&mut read, &shared.fingerprint)?;
    read.end()?;
    let mut state = shared.lock();
    let model = loop {
        if state.stopping {
            return Ok(None);
        }
        if let Some(model) = &state.model {
            break Arc::clone(model);
        }
        let (waited, time) = shared.decided.wait_timeout(state, SIGN).unwrap_or_else(PoisonError::into_inner);
        state = waited;
        if time.timed_out() {
            drop(state);
            link.send(LOADING, &[])?;
            state = shared.lock();
        }
    };
    drop(state);
    link.send(WELCOME, &message::welcome::<K>(&shared.fingerprint, K::properties(&model)))?;
    Ok(Some(model))
}

/// A connection that can be ended from elsewhere.
struct Registered<'a, K: Kind>(&'a Shared<K>, u64);

impl<'a, K: Kind> Registered<'a, K> {
    /// `None` if the host is about to end.
    fn new(shared: &'a Shared<K>, link: &Link) -> Result<Option<Self>, HostError> {
        let ender = link.ender()?;
        let mut state = shared.lock();
        if state.stopping {
            return Ok(None);
        }
        let number = state.next;
        state.next += 1;
        state.connections.insert(number, ender);
        Ok(Some(Self(shared, number)))
    }
}

impl<K: Kind> Drop for Registered<'_, K> {
    fn drop(&mut self) {
        self.0.lock().connections.remove(&self.1);
    }
}

/// A question that is being answered.
struct Busy<'a, K: Kind>(&'a Shared<K>);

impl<'a, K: Kind> Busy<'a, K> {
    fn new(shared: &'a Shared<K>) -> Self {
        shared.lock().busy += 1;
        Self(shared)
    }
}

impl<K: Kind> Drop for Busy<'_, K> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.busy -= 1;
        state.last_use = Some(Instant::now());
    }
}
