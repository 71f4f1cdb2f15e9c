//! Hub models, against a small hub on the loopback interface.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rekall_model::{Embedder, Error, ErrorKind, LoadOptions, ModelSource, ProgressObserver, load};
use sha1::Sha1;
use sha2::{Digest, Sha256};

#[cfg(feature = "transformer")]
use crate::common::copy_of;
use crate::common::fixture;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Serves a fixture as `owner/model`, as the hub does from a client's view.
struct Hub {
    endpoint: String,
    requests: Arc<AtomicUsize>,
    /// The suffix of files for which other bytes are sent than their hash says.
    corrupt: Arc<Mutex<String>>,
}

impl Hub {
    fn serve(name: &str) -> Self {
        Self::serve_folder(fixture(name))
    }

    fn serve_folder(folder: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let hub = Self {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            requests: Arc::default(),
            corrupt: Arc::new(Mutex::new("none".into())),
        };
        let (requests, corrupt) = (Arc::clone(&hub.requests), Arc::clone(&hub.corrupt));
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
                stream.write_all(&answer(&folder, path, range, &corrupt.lock().unwrap())).unwrap();
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

fn answer(folder: &Path, path: &str, range: Option<String>, corrupt: &str) -> Vec<u8> {
    let reply = |status: &str, headers: &str, body: &[u8]| {
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    };
    let path = path.replace(COMMIT, "main");
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
        let mut hasher = Sha1::new_with_prefix(format!("blob {}\0", bytes.len()));
        hasher.update(&bytes);
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    };
    if path.ends_with(corrupt) {
        bytes[10] ^= 1;
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
    for (file, digest) in [("safetensors", "SHA-256"), ("tokenizer.json", "git SHA-1")] {
        *hub.corrupt.lock().unwrap() = file.into();
        let error = refusal(&hub.options(cache.path()));
        assert_eq!(error.kind(), ErrorKind::InvalidModel, "{error}");
        assert!(error.to_string().contains(digest) && error.to_string().contains(file), "{error}");
        fs::remove_dir_all(cache.path().join("models--owner--model")).unwrap();
    }
    *hub.corrupt.lock().unwrap() = "none".into();
    load(&source(), &hub.options(cache.path())).unwrap();
}

#[cfg(feature = "transformer")]
mod transformer {
    use rekall_model::{check, check_reranker, load_reranker};

    use super::*;

    fn snapshot(cache: &Path) -> PathBuf {
        cache.join("models--owner--model/snapshots").join(COMMIT)
    }

    #[test]
    fn what_another_program_left_out_is_fetched_or_missed() {
        let (hub, cache) = (Hub::serve("xlmr-tiny-cls-f16"), tempfile::tempdir().unwrap());
        let whole = load(&source(), &hub.options(cache.path())).unwrap();
        assert!(whole.fingerprint().as_str().contains("pooling=cls"));
        // Without the missing files the pooling would be the mean.
        for name in ["modules.json", "1_Pooling/config.json", "config_sentence_transformers.json"] {
            fs::remove_file(snapshot(cache.path()).join(name)).unwrap();
        }
        let mut offline = hub.options(cache.path());
        offline.offline = true;
        let error = refusal(&offline);
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("lacks 1_Pooling/config.json"), "{error}");
        let again = load(&source(), &hub.options(cache.path())).unwrap();
        assert_eq!(again.fingerprint(), whole.fingerprint());
        assert_eq!(load(&source(), &offline).unwrap().fingerprint(), whole.fingerprint());
    }

    /// A network that cannot be run by its settings, of an architecture that can.
    #[test]
    fn what_cannot_be_run_is_refused_before_its_weights_come() {
        let (folder, cache) = (copy_of("bert-tiny-mean"), tempfile::tempdir().unwrap());
        let modules = folder.path().join("modules.json");
        let dense = fs::read_to_string(&modules).unwrap().replace("Normalize", "LSTM");
        fs::write(&modules, dense).unwrap();
        let hub = Hub::serve_folder(folder.path().to_owned());
        let options = hub.options(cache.path());
        let error = refusal(&options);
        assert!(error.is_permanent() && error.kind() == ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().starts_with("hub:owner/model/modules.json: expected modules"), "{error}");
        for large in ["tokenizer.json", "model.safetensors"] {
            assert!(!snapshot(cache.path()).join(large).exists(), "{large}");
        }
        // A tokenizer that the repository does not have is missed before, too.
        fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
        let error = refusal(&hub.options(tempfile::tempdir().unwrap().path()));
        assert!(error.is_permanent() && error.kind() == ErrorKind::NotFound, "{error}");
        assert!(error.to_string().starts_with("hub:owner/model/tokenizer.json: expected"), "{error}");
    }

    #[test]
    fn what_is_in_the_cache_is_judged_without_the_network() {
        let (hub, cache) = (Hub::serve("bert-tiny-mean"), tempfile::tempdir().unwrap());
        let options = hub.options(cache.path());
        check(&source(), &options).unwrap();
        load(&source(), &options).unwrap();
        let requests = hub.requests.load(Ordering::SeqCst);
        check(&source(), &options).unwrap();
        let error = check(&source(), &options.clone().dimensions(5)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let config = snapshot(cache.path()).join("config.json");
        let text = fs::read_to_string(&config).unwrap().replace("\"bert\"", "\"deberta\"");
        fs::remove_file(&config).unwrap();
        fs::write(&config, text).unwrap();
        for error in [check(&source(), &options).unwrap_err(), refusal(&options)] {
            assert!(error.to_string().starts_with("hub:owner/model/config.json: expected one of"), "{error}");
            assert!(error.to_string().contains("\"deberta\""), "{error}");
        }
        assert_eq!(hub.requests.load(Ordering::SeqCst), requests);
    }

    #[test]
    fn a_reranker_is_downloaded_once_and_nothing_else_is() {
        let (hub, cache) = (Hub::serve("rerank-bert"), tempfile::tempdir().unwrap());
        let mut offline = hub.options(cache.path());
        offline.offline = true;
        assert_eq!(load_reranker(&source(), &offline).err().unwrap().kind(), ErrorKind::Unavailable);
        check_reranker(&source(), &offline).unwrap();
        let model = load_reranker(&source(), &hub.options(cache.path())).unwrap();
        assert_eq!(model.model(), "model");
        let requests = hub.requests.load(Ordering::SeqCst);
        let again = load_reranker(&source(), &offline).unwrap();
        let passages = ["memory cache file", "le serveur"];
        assert_eq!(
            model.scores("the server error", &passages).unwrap(),
            again.scores("the server error", &passages).unwrap()
        );
        check_reranker(&source(), &offline).unwrap();
        // What is cached as a reranker is still none that makes vectors.
        assert!(check(&source(), &offline).unwrap_err().to_string().ends_with("a reranker"));
        assert_eq!(hub.requests.load(Ordering::SeqCst), requests);

        let (hub, cache) = (Hub::serve("bert-tiny-mean"), tempfile::tempdir().unwrap());
        let error = load_reranker(&source(), &hub.options(cache.path())).err().unwrap();
        assert!(error.is_permanent() && error.kind() == ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().starts_with("hub:owner/model/config.json: expected a reranker"), "{error}");
        for large in ["tokenizer.json", "model.safetensors"] {
            assert!(!snapshot(cache.path()).join(large).exists(), "{large}");
        }
    }

    #[test]
    fn weights_in_several_files_are_downloaded_or_refused_together() {
        let (folder, cache) = (copy_of("bert-tiny-mean"), tempfile::tempdir().unwrap());
        crate::common::split(folder.path());
        let [first, second] = crate::common::FILES;
        let hub = Hub::serve_folder(folder.path().to_owned());
        let options = hub.options(cache.path());
        let whole = load(&source(), &options).unwrap();
        let in_folder = load(&ModelSource::Path(folder.path().to_owned()), &LoadOptions::new()).unwrap();
        assert!(whole.fingerprint().same_space(in_folder.fingerprint()));
        let offline = options.clone().offline(true);
        load(&source(), &offline).unwrap();
        // One that another program did not fetch is missed, and fetched.
        fs::remove_file(snapshot(cache.path()).join(second)).unwrap();
        assert_eq!(refusal(&offline).kind(), ErrorKind::Unavailable);
        load(&source(), &options).unwrap();
        assert!(snapshot(cache.path()).join(second).exists());
        // One that the repository does not have is missed before any is downloaded.
        fs::remove_file(folder.path().join(second)).unwrap();
        let cache = tempfile::tempdir().unwrap();
        let error = refusal(&hub.options(cache.path()));
        assert!(!snapshot(cache.path()).join(first).exists());
        assert!(error.is_permanent() && error.kind() == ErrorKind::NotFound, "{error}");
        assert!(
            error.to_string().starts_with(&format!("hub:owner/model/{second}: expected a file")),
            "{error}"
        );
        // Nor is a network that cannot be run.
        let config = fs::read_to_string(folder.path().join("config.json")).unwrap();
        let unknown = config.replace("\"gelu\"", "\"sine\"");
        assert_ne!(unknown, config);
        fs::write(folder.path().join("config.json"), unknown).unwrap();
        let cache = tempfile::tempdir().unwrap();
        assert_eq!(refusal(&hub.options(cache.path())).kind(), ErrorKind::Unsupported);
        assert!(!snapshot(cache.path()).join(first).exists());
    }

    #[test]
    fn a_plain_transformer_is_asked_about_once() {
        let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for name in ["config.json", "model.safetensors", "tokenizer.json"] {
            fs::copy(fixture("bert-tiny-mean").join(name), folder.path().join(name)).unwrap();
        }
        let hub = Hub::serve_folder(folder.path().to_owned());
        load(&source(), &hub.options(cache.path())).unwrap();
        let requests = hub.requests.load(Ordering::SeqCst);
        let mut offline = hub.options(cache.path());
        offline.offline = true;
        load(&source(), &offline).unwrap();
        load(&source(), &hub.options(cache.path())).unwrap();
        assert_eq!(hub.requests.load(Ordering::SeqCst), requests);
        // As a program leaves it that downloads a whole repository.
        fs::remove_dir_all(cache.path().join("models--owner--model/.no_exist")).unwrap();
        assert_eq!(refusal(&offline).kind(), ErrorKind::Unavailable);
        fs::write(snapshot(cache.path()).join(".gitattributes"), "").unwrap();
        load(&source(), &offline).unwrap();
    }
}

#[test]
fn no_such_model_and_no_network() {
    let (hub, cache) = (Hub::serve("static-f32-weights"), tempfile::tempdir().unwrap());
    let error = load(&"hub:owner/other".parse().unwrap(), &hub.options(cache.path())).err().unwrap();
    assert_eq!((error.kind(), error.is_permanent()), (ErrorKind::Unavailable, true));
    assert!(
        error.to_string().contains("owner/other") && error.to_string().contains("no such model"),
        "{error}"
    );
    // A port without a listener.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut options = hub.options(cache.path());
    options.hub_endpoint = Some(format!("http://{free}"));
    let error = refusal(&options);
    assert_eq!((error.kind(), error.is_permanent()), (ErrorKind::Unavailable, false));
    assert!(!error.to_string().contains('\n') && std::error::Error::source(&error).is_some(), "{error}");
}

#[cfg(unix)]
#[test]
fn notes_of_the_cache_that_would_not_end() {
    let cache = tempfile::tempdir().unwrap();
    let mut options = LoadOptions::default();
    options.hub_cache = Some(cache.path().to_owned());
    options.offline = true;
    let source = ModelSource::Hub { repo: "owner/model".into(), revision: None };
    let references = cache.path().join("models--owner--model/refs");
    fs::create_dir_all(&references).unwrap();
    let reference = references.join("main");
    let refusal = || load(&source, &options).err().unwrap().to_string();
    // A pipe would make the test hang if it were read; reading a device ends at the bound.
    std::os::unix::fs::symlink("/dev/zero", &reference).unwrap();
    assert!(refusal().contains("a regular file"), "{}", refusal());
    fs::remove_file(&reference).unwrap();
    fs::write(&reference, vec![b'a'; 5000]).unwrap();
    assert!(refusal().contains("at most 4096 bytes"), "{}", refusal());
    for elsewhere in ["../../..", "/etc", "", "a/b"] {
        fs::write(&reference, elsewhere).unwrap();
        assert!(refusal().contains("the name of a commit"), "{}", refusal());
    }
    fs::remove_file(&reference).unwrap();
    assert!(refusal().contains("not in the cache"), "{}", refusal());
}
