//! The one thread that reads from and writes to the sockets of a store.

use std::future::Future;
use std::sync::Mutex;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot};
use tokio::task;
use tokio::time::timeout;

use crate::Error;

/// How long connections have to say goodbye when a store is closed.
const FAREWELL: Duration = Duration::from_secs(1);

/// A thread with a runtime of its own: the client is made of futures, and a caller may be inside another runtime, where it may
/// not run a second one, or in none. It sleeps while nothing is to be done, and ends with the store.
#[derive(Debug)]
pub(super) struct IoThread {
    handle: Handle,
    /// Dropped to end the thread.
    running: Option<oneshot::Sender<()>>,
    /// Each connection has a copy: the thread waits for them at its end.
    connections: Option<mpsc::Sender<()>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl IoThread {
    pub(super) fn start() -> Result<Self, Error> {
        let failed = |source| Error::Thread { source };
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel();
        let (connections, mut farewells) = mpsc::channel(1);
        let body = move || {
            runtime.block_on(async {
                let _ = ended.await;
                // Nothing is ever sent: it is over when the last copy of the sender is gone.
                let _ = timeout(FAREWELL, farewells.recv()).await;
            });
            // A name that is still being looked up, by a thread of the runtime's, is not waited for.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("rekall-postgres".to_owned()).spawn(body).map_err(failed)?;
        Ok(Self {
            handle,
            running: Some(running),
            connections: Some(connections),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Runs a future there. What it gives can be waited for in any thread.
    pub(super) fn spawn<F>(&self, future: F) -> task::JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.handle.spawn(future)
    }

    /// What a connection keeps as long as it lives.
    pub(super) fn presence(&self) -> Option<mpsc::Sender<()>> {
        self.connections.clone()
    }
}

impl Drop for IoThread {
    fn drop(&mut self) {
        drop((self.connections.take(), self.running.take()));
        let thread = self.thread.get_mut().map_or_else(|poisoned| poisoned.into_inner().take(), Option::take);
        // The last who knows the store may be a task of the thread itself.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id()) {
            let _ = thread.join();
        }
    }
}
