//! The host: threads that answer other processes, from when the model is loaded until it is let go.

use std::collections::HashMap;
use std::io;
use std::net::Shutdown;
use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use super::error::{HostError, PATIENCE};
use super::message::{
    self, COUNT, DOCUMENTS, DONE, FAILED, HELLO, In, KNOWN, MAX_QUESTION, MAX_WORDS, Out, PROGRESS, QUERY,
    WELCOME, read_documents, read_hello,
};
use super::place::Bound;
use super::wire::{Frame, Link};
use crate::{Embedder, Error};

/// Most connections at a time. More processes do the work themselves.
const MAX_CONNECTIONS: usize = 256;

/// How long it waits where the system lets it accept nothing.
const PAUSE: Duration = Duration::from_millis(20);

/// Answers until it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    shared: Arc<Shared>,
    /// Closing it ends the thread that accepts.
    wake: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    model: Arc<dyn Embedder>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    stopping: bool,
    next: u64,
    /// The sockets of all connections, to end them.
    sockets: HashMap<u64, UnixStream>,
    /// Questions that are being answered.
    busy: usize,
    last_use: Option<Instant>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Server {
    pub(super) fn start(bound: Bound, model: Arc<dyn Embedder>) -> Result<Self, HostError> {
        let shared = Arc::new(Shared { model, state: Mutex::default() });
        let (wake, woken) = UnixStream::pair()?;
        bound.listener.set_nonblocking(true)?;
        let accepting = Arc::clone(&shared);
        let thread = Builder::new()
            .name("rekall-host".into())
            .spawn(move || accept_all(&bound, &woken, &accepting))?;
        Ok(Self { shared, wake: Some(wake), thread: Some(thread) })
    }

    /// When another process last used the model.
    pub(super) fn last_use(&self) -> Option<Instant> {
        let state = self.shared.lock();
        if state.busy > 0 { Some(Instant::now()) } else { state.last_use }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.stopping = true;
            // Those who wait for an answer hear of it, and ask another process.
            for socket in state.sockets.values() {
                drop(socket.shutdown(Shutdown::Both));
            }
        }
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Accepts connections, each on a thread of its own, until `woken` is closed at its other end; then waits for them to end.
fn accept_all(bound: &Bound, woken: &UnixStream, shared: &Arc<Shared>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    while !shared.lock().stopping {
        let mut ready = [PollFd::new(&bound.listener, PollFlags::IN), PollFd::new(woken, PollFlags::IN)];
        match poll(&mut ready, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                tracing::warn!(%error, "no more processes are answered");
                break;
            }
        }
        if !ready[1].revents().is_empty() {
            break;
        }
        let stream = match bound.listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => {
                // A process that went away at once, or too many open files: the others have to be answered.
                tracing::debug!(%error, "a connection is not accepted");
                std::thread::sleep(PAUSE);
                continue;
            }
        };
        threads.retain(|thread| !thread.is_finished());
        if threads.len() >= MAX_CONNECTIONS {
            continue;
        }
        let answering = Arc::clone(shared);
        match Builder::new().name("rekall-host".into()).spawn(move || converse(&answering, stream)) {
            Ok(thread) => threads.push(thread),
            Err(error) => tracing::debug!(%error, "no thread for a connection"),
        }
    }
    for thread in threads {
        drop(thread.join());
    }
}

/// Answers one connection until it ends.
fn converse(shared: &Shared, stream: UnixStream) {
    let outcome = Link::new(stream).and_then(|mut link| {
        let Some(_registered) = Registered::new(shared, &link)? else { return Ok(()) };
        greet(shared, &mut link)?;
        loop {
            let question = link.receive(MAX_QUESTION, None)?;
            let _busy = Busy::new(shared);
            answer(&*shared.model, &link, &question)?;
        }
    });
    match outcome {
        Err(error) if !error.is_gone() => tracing::debug!(%error, "a connection was ended"),
        _ => {}
    }
}

fn greet(shared: &Shared, link: &mut Link) -> Result<(), HostError> {
    let Frame { kind, body } = link.receive(MAX_WORDS, Some(PATIENCE))?;
    if kind != HELLO {
        return Err(HostError::message("a connection", format!("a greeting, {HELLO}"), kind.to_string()));
    }
    let mut read = In::new(&body);
    read_hello(&mut read, shared.model.fingerprint())?;
    read.end()?;
    link.send(WELCOME, &message::welcome(&*shared.model))
}

fn answer(model: &dyn Embedder, link: &Link, question: &Frame) -> Result<(), HostError> {
    let body = &question.body;
    let text = || {
        let mut read = In::new(body);
        let text = read.text()?;
        read.end().map(|()| text)
    };
    let made = match question.kind {
        DOCUMENTS => embed(model, link, &read_documents(body)?),
        QUERY => model.embed_query(text()?).map(|row| Out::default().floats(&row).0),
        COUNT => model.count_tokens(text()?).map(|count| Out::default().number(count as u64).0),
        KNOWN => model.known_share(text()?).map(message::share),
        other => return Err(HostError::message("a question", "kind 2 to 5", other.to_string())),
    };
    match made {
        Ok(answer) => link.send(DONE, &answer),
        // It is the other side that asked to stop, by closing the connection.
        Err(Error::Cancelled { .. }) => Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
        Err(error) => link.send(FAILED, &message::failed(&error)),
    }
}

fn embed(model: &dyn Embedder, link: &Link, texts: &[&str]) -> Result<Vec<u8>, Error> {
    let made = model.embed_documents_observed(texts, &mut |progress| match link
        .send(PROGRESS, &message::progress(progress))
    {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    })?;
    Ok(message::embeddings(&made))
}

/// A connection that can be ended from elsewhere.
struct Registered<'a>(&'a Shared, u64);

impl<'a> Registered<'a> {
    /// `None` if the host is about to end.
    fn new(shared: &'a Shared, link: &Link) -> Result<Option<Self>, HostError> {
        let socket = link.socket()?;
        let mut state = shared.lock();
        if state.stopping {
            return Ok(None);
        }
        let number = state.next;
        state.next += 1;
        state.sockets.insert(number, socket);
        Ok(Some(Self(shared, number)))
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.0.lock().sockets.remove(&self.1);
    }
}

/// A question that is being answered.
struct Busy<'a>(&'a Shared);

impl<'a> Busy<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.lock().busy += 1;
        Self(shared)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.busy -= 1;
        state.last_use = Some(Instant::now());
    }
}
