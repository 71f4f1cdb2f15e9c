//! The example's embedder against a small server on the loopback interface.

#[allow(dead_code, reason = "shared with the example")]
#[path = "../../examples/http_embedder/embedder.rs"]
mod embedder;

use std::error::Error as _;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{WordModel, memory_with};
use embedder::{HttpEmbedder, HttpError, HttpOptions};
use rekall::model::{Error, ErrorKind};
use rekall::{Degraded, Embedder, Mode, NewEntry};
use serde_json::{Value, json};

/// What a request said.
#[derive(Debug, Clone)]
struct Request {
    line: String,
    key: Option<String>,
    body: Value,
}

/// What the server does with a request: the whole answer, head and body.
type Behaviour = Box<dyn Fn(&Request) -> Vec<u8> + Send>;

struct Server {
    base: String,
    behaviour: Arc<Mutex<Behaviour>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            behaviour: Arc::new(Mutex::new(Box::new(vectors))),
            requests: Arc::default(),
        };
        let (behaviour, requests) = (Arc::clone(&server.behaviour), Arc::clone(&server.requests));
        // Ends with the process: the listener has nothing to clean up.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read(&mut BufReader::new(&stream));
                let answer = behaviour.lock().unwrap()(&request);
                requests.lock().unwrap().push(request);
                // A client that has given up is no failure of the server.
                drop(stream.write_all(&answer));
            }
        });
        server
    }

    fn options(&self) -> HttpOptions {
        HttpOptions::new(&self.base, "words")
    }

    fn connect(&self) -> HttpEmbedder {
        HttpEmbedder::connect(self.options()).unwrap()
    }

    fn behave(&self, behaviour: impl Fn(&Request) -> Vec<u8> + Send + 'static) {
        *self.behaviour.lock().unwrap() = Box::new(behaviour);
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn read(stream: &mut impl BufRead) -> Request {
    let mut lines = stream.by_ref().lines().map(Result::unwrap);
    let line = lines.next().unwrap();
    let (mut length, mut key) = (0, None);
    for header in lines.by_ref().take_while(|header| !header.is_empty()) {
        let (name, value) = header.split_once(": ").unwrap();
        match name.to_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => key = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Request { line, key, body: serde_json::from_slice(&body).unwrap() }
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into()
}

fn texts(request: &Request) -> Vec<String> {
    request.body["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// A server as it should be, but one that answers from last to first, with vectors three units long.
fn vectors(request: &Request) -> Vec<u8> {
    let model = WordModel::new(16);
    let mut data: Vec<Value> = texts(request)
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let vector: Vec<f32> = model.embed_query(text).unwrap().iter().map(|x| x * 3.0).collect();
            json!({ "object": "embedding", "index": index, "embedding": vector })
        })
        .collect();
    data.reverse();
    answer("200 OK", &json!({ "object": "list", "data": data, "model": "words" }).to_string())
}

fn http_error(error: &Error) -> &HttpError {
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    error.source().unwrap().downcast_ref().unwrap()
}

#[test]
fn vectors_come_in_order_of_unit_length_and_in_batches() {
    let server = Server::start();
    let mut options = server.options();
    options.batch = 3;
    options.api_key = Some("secret".into());
    options.document_prefix = "passage: ".into();
    let remote = HttpEmbedder::connect(options).unwrap();
    assert_eq!(remote.dimensions(), 16);
    assert_eq!(remote.fingerprint().model(), "words, document prefix \"passage: \"");

    let notes = ["one", "two words", "three small words", "four", "five", "six", "seven"];
    let rows = remote.embed_documents(&notes).unwrap();
    let prefixed: Vec<String> = notes.iter().map(|note| format!("passage: {note}")).collect();
    let prefixed: Vec<&str> = prefixed.iter().map(String::as_str).collect();
    let expected = WordModel::new(16).embed_documents(&prefixed).unwrap();
    assert!(rows.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6) && rows.len() == expected.len());
    assert_eq!(remote.embed_query("one").unwrap().len(), 16);
    assert!(remote.embed_documents(&[]).unwrap().is_empty());

    let requests = server.requests();
    let sizes: Vec<usize> = requests.iter().map(|request| texts(request).len()).collect();
    assert_eq!(sizes, [1, 3, 3, 1, 1], "the probe, three batches, the query");
    for request in &requests {
        assert_eq!(request.line, "POST /v1/embeddings HTTP/1.1");
        assert_eq!(request.key.as_deref(), Some("Bearer secret"));
        assert_eq!(request.body["model"], "words");
    }
    assert_eq!(texts(&requests[4]), ["one"], "a query has a prefix of its own: none");
    assert!(!format!("{remote:?}").contains("secret"));
}

#[test]
fn each_wrong_answer_has_an_error_of_its_own() {
    let server = Server::start();
    let remote = server.connect();
    let two = |first: Value, second: Value| {
        move |_: &Request| answer("200 OK", &json!({ "data": [first, second] }).to_string())
    };
    let datum = |index: usize, length: usize| json!({ "index": index, "embedding": vec![0.5; length] });
    let fail = || remote.embed_documents(&["one", "two"]).unwrap_err();

    server.behave(|_| answer("500 Internal Server Error", "{\"error\":\"model crashed\"}"));
    let error = fail();
    assert!(
        matches!(http_error(&error), HttpError::Status { status: 500, message } if message.contains("crashed"))
    );
    assert!(error.to_string().contains("expected status 200, got 500"), "{error}");

    server.behave(|_| answer("200 OK", &json!({ "data": [{ "index": 0, "embedding": [1.0] }] }).to_string()));
    assert!(matches!(http_error(&fail()), HttpError::Count { expected: 2, got: 1 }));

    server.behave(two(datum(0, 16), datum(1, 15)));
    assert!(matches!(http_error(&fail()), HttpError::Dimensions { expected: 16, got: 15 }));

    server.behave(two(datum(0, 16), datum(0, 16)));
    assert!(matches!(http_error(&fail()), HttpError::Index { count: 2, index: 0 }));

    server.behave(two(datum(1, 16), datum(2, 16)));
    assert!(matches!(http_error(&fail()), HttpError::Index { count: 2, .. }));

    server.behave(two(datum(0, 16), json!({ "index": 1, "embedding": vec![0.0; 16] })));
    assert!(matches!(http_error(&fail()), HttpError::Direction { length } if *length == 0.0));

    server.behave(two(datum(0, 16), json!({ "index": 1, "embedding": vec![1e39; 16] })));
    let error = fail();
    assert!(matches!(http_error(&error), HttpError::Direction { .. } | HttpError::Answer { .. }), "{error}");

    for body in ["<html>busy</html>", "{}", "{\"data\":[{\"index\":0}]}", ""] {
        server.behave(move |_| answer("200 OK", body));
        assert!(matches!(http_error(&fail()), HttpError::Answer { .. }), "{body:?}");
    }

    // The head promises more than comes.
    server.behave(|request| {
        let mut whole = vectors(request);
        whole.truncate(whole.len() - 40);
        whole
    });
    assert!(matches!(http_error(&fail()), HttpError::Transport(_)));

    server.behave(|_| Vec::new());
    assert!(matches!(http_error(&fail()), HttpError::Transport(_)));

    server.behave(vectors);
    assert_eq!(remote.embed_documents(&["one", "two"]).unwrap().len(), 32, "the next call is none the worse");
}

#[test]
fn nobody_there_and_nobody_answering() {
    // A port that nobody listens on, and one whose connections nobody accepts.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = HttpEmbedder::connect(HttpOptions::new(format!("http://{free}"), "words")).unwrap_err();
    assert!(matches!(http_error(&error), HttpError::Transport(_)), "{error}");

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = HttpOptions::new(format!("http://{}", silent.local_addr().unwrap()), "words");
    options.timeout = Duration::from_millis(50);
    let error = HttpEmbedder::connect(options).unwrap_err();
    assert!(matches!(http_error(&error), HttpError::Timeout { .. }), "{error}");
}

#[test]
fn a_memory_with_a_remote_model() {
    let server = Server::start();
    let calls = Arc::new(AtomicUsize::new(0));
    let mut options = server.options();
    options.max_characters = 40;
    let remote = Arc::new(HttpEmbedder::connect(options).unwrap());
    let memory = memory_with(|builder| builder.embedder(remote));
    memory
        .remember(NewEntry::new("the disk is full").content("no space left on the device ".repeat(4)))
        .unwrap();
    memory.remember(NewEntry::new("the cat sleeps")).unwrap();
    let longest = server.requests().iter().flat_map(texts).map(|text| text.chars().count()).max();
    assert!(longest <= Some(40), "long texts are split before they are sent: {longest:?}");

    let hits = memory.recall("the disk is full").mode(Mode::Semantic).run().unwrap();
    assert_eq!((hits.len(), hits[0].entry.title.as_str()), (2, "the disk is full"));

    let counted = Arc::clone(&calls);
    server.behave(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        answer("503 Service Unavailable", "loading")
    });
    let hits = memory.recall("cat").run().unwrap();
    assert_eq!(hits[0].entry.title, "the cat sleeps", "words still find it");
    assert!(
        hits.degraded.iter().any(|d| matches!(d, Degraded::WordsOnly { reason } if reason.contains("503"))),
        "{:?}",
        hits.degraded
    );
    assert!(memory.recall("cat").mode(Mode::Semantic).run().is_err());
    let later = memory.remember(NewEntry::new("the printer is on fire")).unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 3);

    server.behave(vectors);
    assert_eq!(memory.embed_pending().run().unwrap().entries, 1);
    let hits = memory.recall("the printer is on fire").mode(Mode::Semantic).limit(1).run().unwrap();
    assert_eq!(hits[0].entry.id, later, "what was kept without a vector got one");
}
