//! A hub of one model on the loopback interface.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Serves a folder as `hub:owner/model`.
pub(crate) struct FakeHub {
    pub(crate) endpoint: String,
    requests: Arc<Mutex<Vec<String>>>,
    down: Arc<AtomicBool>,
}

impl FakeHub {
    pub(crate) fn serve(folder: impl Into<PathBuf>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let hub = Self {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            requests: Arc::default(),
            down: Arc::default(),
        };
        let (folder, requests, down) = (folder.into(), Arc::clone(&hub.requests), Arc::clone(&hub.down));
        // Ends with the process: the listener has nothing to clean up.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let head: Vec<String> =
                    lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
                requests.lock().unwrap().push(path.to_owned());
                if !down.load(Ordering::SeqCst) {
                    // A client that has given up is no failure of the hub.
                    drop(stream.write_all(&answer(&folder, path, &head)));
                }
            }
        });
        hub
    }

    /// Whether it hangs up on everybody from now on.
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// The paths asked for since the last call.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

fn answer(folder: &Path, path: &str, head: &[String]) -> Vec<u8> {
    let reply = |status: &str, headers: &str, body: &[u8]| {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
        [head.as_bytes(), body].concat()
    };
    let path = path.replace(COMMIT, "main");
    if path == "/api/models/owner/model/revision/main" {
        let mut names = Vec::new();
        list(folder, "", &mut names);
        let siblings: Vec<String> =
            names.iter().map(|name| format!("{{\"rfilename\":\"{name}\"}}")).collect();
        let body = format!("{{\"sha\":\"{COMMIT}\",\"siblings\":[{}]}}", siblings.join(","));
        return reply("200 OK", "Content-Type: application/json\r\n", body.as_bytes());
    }
    let name = path.strip_prefix("/owner/model/resolve/main/").unwrap_or_default();
    let Ok(bytes) = fs::read(folder.join(name)) else { return reply("404 Not Found", "", b"") };
    let range =
        head.iter().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    let range = range.unwrap_or_else(|| "0-".into());
    let (start, end) = range.split_once('-').unwrap();
    let start: usize = start.parse().unwrap();
    let end = end.parse().map_or(bytes.len(), |last: usize| (last + 1).min(bytes.len()));
    // As a mirror names files: not by a digest, which would be checked.
    let headers = format!(
        "etag: \"mirror-{}\"\r\nx-repo-commit: {COMMIT}\r\nContent-Range: bytes {start}-{}/{}\r\n",
        name.replace('/', "-"),
        end - 1,
        bytes.len()
    );
    reply("206 Partial Content", &headers, &bytes[start..end])
}

fn list(folder: &Path, before: &str, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{before}{}", entry.file_name().into_string().unwrap());
        if entry.path().is_dir() {
            list(&entry.path(), &format!("{name}/"), names);
        } else {
            names.push(name);
        }
    }
}
