//! Hub models, against a small hub on the loopback interface.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rekall_model::{Embedder, Error, ErrorKind, LoadOptions, ModelSource, ProgressObserver, load};
use sha2::{Digest, Sha256};

use crate::common::fixture;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Serves a fixture as `owner/model`, the way the hub does as far as a client can tell.
struct Hub {
    endpoint: String,
    requests: Arc<AtomicUsize>,
    /// Send other bytes than the hash promises.
    corrupt: Arc<AtomicBool>,
}

impl Hub {
    fn serve(name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let hub = Self {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            requests: Arc::default(),
            corrupt: Arc::default(),
        };
        let (requests, corrupt, folder) =
            (Arc::clone(&hub.requests), Arc::clone(&hub.corrupt), fixture(name));
        // Ends with the process: the listener has nothing to clean up.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                requests.fetch_add(1, Ordering::SeqCst);
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let request = lines.next().unwrap().unwrap();
                let mut range = None;
                for line in lines {
                    let line = line.unwrap().to_lowercase();
                    if line.is_empty() {
                        break;
                    }
                    if let Some(bytes) = line.strip_prefix("range: bytes=") {
                        range = Some(bytes.to_owned());
                    }
                }
                let path = request.split(' ').nth(1).unwrap();
                stream.write_all(&answer(&folder, path, range, corrupt.load(Ordering::SeqCst))).unwrap();
            }
        });
        hub
    }

    fn options(&self, cache: &Path) -> LoadOptions {
        let mut options = LoadOptions::default();
        options.hub_cache = Some(cache.to_owned());
        options.hub_endpoint = Some(self.endpoint.clone());
        options
    }
}

fn answer(folder: &Path, path: &str, range: Option<String>, corrupt: bool) -> Vec<u8> {
    let reply = |status: &str, headers: &str, body: &[u8]| {
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    };
    if path == "/api/models/owner/model/revision/main" {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            names.push(if name == "1_Pooling" { "1_Pooling/config.json".into() } else { name });
        }
        let siblings: Vec<String> =
            names.iter().map(|name| format!("{{\"rfilename\":\"{name}\"}}")).collect();
        let body = format!("{{\"sha\":\"{COMMIT}\",\"siblings\":[{}]}}", siblings.join(","));
        return reply("200 OK", "Content-Type: application/json\r\n", body.as_bytes());
    }
    let file = path.strip_prefix("/owner/model/resolve/main/").map(|name| folder.join(name));
    let Some(mut bytes) = file.as_ref().and_then(|file| fs::read(file).ok()) else {
        return reply("404 Not Found", "", b"");
    };
    // Large files bear their SHA-256, small ones a git hash.
    let etag: String = if path.ends_with("safetensors") {
        Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    } else {
        format!("{:040x}", bytes.len())
    };
    if corrupt && path.ends_with("safetensors") {
        bytes[100] ^= 1;
    }
    let range = range.unwrap_or_else(|| "0-".into());
    let (start, end) = range.split_once('-').unwrap();
    let start: usize = start.parse().unwrap();
    let end = end.parse().map_or(bytes.len(), |last: usize| (last + 1).min(bytes.len()));
    let headers = format!(
        "etag: \"{etag}\"\r\nx-repo-commit: {COMMIT}\r\nContent-Range: bytes {start}-{}/{}\r\n",
        end - 1,
        bytes.len()
    );
    reply("206 Partial Content", &headers, &bytes[start..end])
}

fn source() -> ModelSource {
    "hub:owner/model".parse().unwrap()
}

fn refusal(options: &LoadOptions) -> Error {
    load(&source(), options).err().unwrap()
}

#[test]
fn downloaded_once_then_offline() {
    let (hub, cache) = (Hub::serve("static-f32-weights"), tempfile::tempdir().unwrap());
    let mut offline = hub.options(cache.path());
    offline.offline = true;
    let error = refusal(&offline);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("owner/model") && error.to_string().contains("offline"), "{error}");
    assert_eq!(hub.requests.load(Ordering::SeqCst), 0);

    let seen: Arc<Mutex<Vec<(String, u64, u64)>>> = Arc::default();
    let mut options = hub.options(cache.path());
    let told = Arc::clone(&seen);
    options.progress = Some(ProgressObserver::new(move |progress| {
        told.lock().unwrap().push((progress.file.to_owned(), progress.bytes, progress.total));
    }));
    let model = load(&source(), &options).unwrap();
    assert_eq!(model.fingerprint().model(), "model");
    let folder = load(&ModelSource::Path(fixture("static-f32-weights")), &LoadOptions::default()).unwrap();
    assert!(model.fingerprint().same_space(folder.fingerprint()));
    let seen = seen.lock().unwrap();
    let last = seen.last().unwrap();
    assert!(last.0 == "model.safetensors" && last.1 == last.2, "the weights come last: {seen:?}");

    let requests = hub.requests.load(Ordering::SeqCst);
    load(&source(), &offline).unwrap();
    load(&source(), &hub.options(cache.path())).unwrap();
    assert_eq!(hub.requests.load(Ordering::SeqCst), requests, "what is cached asks the hub nothing");
}

#[test]
fn a_download_cut_short_is_not_a_model() {
    let (hub, cache) = (Hub::serve("static-f32-weights"), tempfile::tempdir().unwrap());
    load(&source(), &hub.options(cache.path())).unwrap();
    let weights = cache.path().join("models--owner--model/snapshots").join(COMMIT).join("model.safetensors");
    fs::remove_file(&weights).unwrap();
    let mut offline = hub.options(cache.path());
    offline.offline = true;
    assert_eq!(refusal(&offline).kind(), ErrorKind::Unavailable);
    load(&source(), &hub.options(cache.path())).unwrap();
    assert!(weights.exists());
}

#[test]
fn a_download_with_other_bytes_is_thrown_away() {
    let (hub, cache) = (Hub::serve("static-f32-weights"), tempfile::tempdir().unwrap());
    hub.corrupt.store(true, Ordering::SeqCst);
    let error = refusal(&hub.options(cache.path()));
    assert_eq!(error.kind(), ErrorKind::InvalidModel);
    assert!(error.to_string().contains("SHA-256"), "{error}");
    hub.corrupt.store(false, Ordering::SeqCst);
    load(&source(), &hub.options(cache.path())).unwrap();
}

#[test]
fn no_such_model_and_no_network() {
    let (hub, cache) = (Hub::serve("static-f32-weights"), tempfile::tempdir().unwrap());
    let error = load(&"hub:owner/other".parse().unwrap(), &hub.options(cache.path())).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error.to_string().contains("owner/other") && error.to_string().contains("no such model"),
        "{error}"
    );
    // A port that nobody listens on.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut options = hub.options(cache.path());
    options.hub_endpoint = Some(format!("http://{free}"));
    let error = refusal(&options);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!error.to_string().contains('\n') && std::error::Error::source(&error).is_some(), "{error}");
}
