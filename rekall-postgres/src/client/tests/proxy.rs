//! A way to the server that a test can cut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// When a connection is cut, once.
#[derive(Clone, Copy)]
pub(super) enum Cut {
    /// When the client sends this, which is not handed on.
    Before(&'static [u8]),
    /// When the server answers to this, which is not handed on.
    After(&'static [u8]),
}

/// Hands on what both sides say until the cut. New connections come through afterwards, if that is so wished.
pub(super) struct Proxy {
    pub(super) port: u16,
    done: Arc<AtomicBool>,
}

impl Proxy {
    pub(super) fn start(server: u16, cut: Cut, heals: bool) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let done = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&done);
        thread::spawn(move || {
            for client in listener.incoming() {
                if flag.load(Ordering::SeqCst) && !heals {
                    // The one who connects was to be told at once.
                    return;
                }
                let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", server)).unwrap());
                connect(&client, &server, cut, &flag);
            }
        });
        Self { port, done }
    }

    /// Whether the cut was made.
    pub(super) fn was_cut(&self) -> bool {
        self.done.load(Ordering::SeqCst)
    }
}

fn connect(client: &TcpStream, server: &TcpStream, cut: Cut, done: &Arc<AtomicBool>) {
    let cutting = Arc::new(AtomicBool::new(false));
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (now, ever) = (Arc::clone(&cutting), Arc::clone(done));
    thread::spawn(move || {
        while let Some(bytes) = next(&mut from_client) {
            let (Cut::Before(sign) | Cut::After(sign)) = cut;
            let found = bytes.windows(sign.len()).any(|window| window == sign);
            if found && !ever.swap(true, Ordering::SeqCst) {
                if matches!(cut, Cut::Before(_)) {
                    break;
                }
                now.store(true, Ordering::SeqCst);
            }
            if to_server.write_all(&bytes).is_err() {
                break;
            }
        }
        part(&from_client, &to_server);
    });
    let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || {
        while let Some(bytes) = next(&mut from_server) {
            if cutting.load(Ordering::SeqCst) || to_client.write_all(&bytes).is_err() {
                break;
            }
        }
        part(&from_server, &to_client);
    });
}

fn next(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 1 << 16];
    let length = stream.read(&mut bytes).ok().filter(|&length| length > 0)?;
    bytes.truncate(length);
    Some(bytes)
}

fn part(one: &TcpStream, other: &TcpStream) {
    let _ = (one.shutdown(Shutdown::Both), other.shutdown(Shutdown::Both));
}
