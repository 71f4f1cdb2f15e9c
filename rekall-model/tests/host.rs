//! Processes that share a model: the same bits as without a host, and an answer whatever becomes of it. Each process is real, and a
//! host that is killed is killed.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::fmt::Debug;
use std::io::{BufRead, BufReader, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use rekall_model::{
    Embedder, KeepAlive, LoadOptions, ManagerOptions, ModelManager, ModelSource, UnloadOutcome, load,
};
use tempfile::TempDir;

/// In the environment of a process that uses a model: the model's folder.
const MODEL: &str = "REKALL_TEST_HOSTED_MODEL";

const TEXTS: [&str; 6] =
    ["the server error", "le serveur", "", "base memory cache file", "token login page 12", "cache"];

/// More than fit one question.
fn many() -> Vec<String> {
    (0..1_100).map(|number| format!("{} page {number}", TEXTS[number % TEXTS.len()])).collect()
}

/// Everything that a model says of the texts, as one line.
fn said_by(model: &dyn Embedder) -> String {
    let observe = &mut |_| ControlFlow::Continue(());
    let long = "the server error in the cache ".repeat(500);
    let few = model.embed_documents_observed(&[&TEXTS[..], &[&long]].concat(), observe).unwrap();
    assert_eq!((&few.unembeddable[..], &few.truncated[..]), (&[2][..], &[6][..]));
    let texts = many();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let all = model.embed_documents_observed(&texts, observe).unwrap();
    let query = model.embed_query(TEXTS[0]).unwrap();
    let shares = TEXTS.map(|text| (model.count_tokens(text).unwrap(), model.known_share(text).unwrap()));
    let refused =
        format!("{:?} {:?}", model.embed_query("").unwrap_err(), model.embed_documents(&TEXTS).unwrap_err());
    let properties = (model.fingerprint().as_str(), model.dimensions(), model.max_tokens());
    digest(&(few, all, query, shares, refused, properties))
}

fn digest(said: &impl Debug) -> String {
    let bytes = format!("{said:?}");
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", bytes.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
}

/// What a process of its own does: one order a line, one answer a line. In the tests' own process, nothing.
#[test]
fn process_of_its_own() {
    let Some(folder) = std::env::var_os(MODEL) else { return };
    let keep_alive = KeepAlive::For(Duration::from_secs(60));
    let manager = ModelManager::new(
        ModelSource::Path(folder.into()),
        LoadOptions::new().model_host(true),
        ManagerOptions::new().keep_alive(keep_alive),
    );
    let mut deadline = None;
    let mut orders = std::io::stdin().lines();
    while let Some(order) = orders.next() {
        let answer = match order.unwrap().as_str() {
            "load" => format!("holds {}", manager.lease().unwrap().memory_bytes() > 0),
            "say" => said_by(&*manager.lease().unwrap()),
            "say slowly" => {
                let (texts, model) = (many(), manager.lease().unwrap());
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let (mut reports, mut last) = (0, 0);
                let mut observe = |progress: rekall_model::Progress| {
                    assert!(progress.texts >= last && progress.total == texts.len());
                    (reports, last) = (reports + 1, progress.texts);
                    if reports == 1 {
                        answer("begun");
                        assert_eq!(orders.next().unwrap().unwrap(), "go on");
                    }
                    ControlFlow::Continue(())
                };
                digest(&model.embed_documents_observed(&texts, &mut observe).unwrap())
            }
            "say a little" => {
                let (texts, model) = (many(), manager.lease().unwrap());
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                format!(
                    "{}",
                    model.embed_documents_observed(&texts, &mut |_| ControlFlow::Break(())).unwrap_err()
                )
            }
            "note the deadline" => {
                deadline = manager.next_deadline();
                format!("{}", deadline.is_some())
            }
            "unload if idle then" => {
                let unloaded = manager.unload_if_idle(deadline.unwrap()).is_some();
                format!("{unloaded}, later {}", manager.next_deadline() > deadline)
            }
            "unload" => format!("{}", matches!(manager.unload(), UnloadOutcome::Done { .. })),
            _ => break,
        };
        self::answer(&answer);
    }
    drop(manager);
    answer("gone");
}

fn answer(line: &str) {
    println!("\n> {line}");
}

/// Such a process.
struct User {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl User {
    fn start(scene: &Scene) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["process_of_its_own", "--exact", "--nocapture"])
            .env(MODEL, model())
            .env("XDG_RUNTIME_DIR", scene.runtime.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self { process, orders, answers }
    }

    fn tell(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the process ended");
            if let Some(answer) = line.strip_prefix("> ") {
                return answer.trim_end().to_owned();
            }
        }
    }

    fn asked(&mut self, order: &str) -> String {
        self.tell(order);
        self.hear()
    }

    /// Loads the model, and says whether it is this process that holds it.
    fn holds(&mut self) -> bool {
        self.asked("load") == "holds true"
    }

    fn leave(mut self) {
        assert_eq!(self.asked("leave"), "gone");
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for User {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bert-tiny-mean")
}

/// A folder where the users of a model meet.
struct Scene {
    runtime: TempDir,
}

impl Scene {
    fn new() -> Self {
        Self { runtime: tempfile::tempdir().unwrap() }
    }

    fn folder(&self) -> PathBuf {
        self.runtime.path().join("rekall")
    }

    fn alone(&self) -> std::sync::Arc<dyn Embedder> {
        load(&ModelSource::Path(model()), &LoadOptions::new()).unwrap()
    }

    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.folder()).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|found| found == ending)).collect()
    }

    fn socket(&self) -> PathBuf {
        self.files("socket").pop().unwrap()
    }
}

#[test]
fn the_first_process_has_the_model_for_all_with_the_same_bits() {
    let scene = Scene::new();
    let expected = said_by(&*scene.alone());
    let mut users = [User::start(&scene), User::start(&scene), User::start(&scene)];
    assert_eq!(users.each_mut().map(User::holds), [true, false, false]);
    // All at the same time.
    users.iter_mut().for_each(|user| user.tell("say"));
    assert_eq!(users.each_mut().map(User::hear), [(); 3].map(|()| expected.clone()));
    // A call that is stopped ends, and leaves the connection's owner as it was.
    assert!(users[1].asked("say a little").starts_with("cancelled after "));
    assert_eq!(users[1].asked("say"), expected);
    let [host, mut second, mut third] = users;
    let socket = scene.socket();
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o170_000, 0o140_000);
    // The host leaves; the next call of another process takes its place.
    host.leave();
    assert!(!socket.exists());
    assert_eq!(second.asked("say"), expected);
    assert_eq!((second.holds(), third.asked("say"), third.holds()), (true, expected, false));
    third.leave();
    second.leave();
    assert!(scene.files("socket").is_empty(), "the last one has gone");
}

#[test]
fn a_killed_host_costs_a_retry_and_no_answer() {
    let scene = Scene::new();
    let texts = many();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let alone = scene.alone();
    let expected =
        digest(&alone.embed_documents_observed(&texts, &mut |_| ControlFlow::Continue(())).unwrap());
    let mut host = User::start(&scene);
    assert!(host.holds());
    for _ in 0..3 {
        let (mut next, mut other) = (User::start(&scene), User::start(&scene));
        assert!(!next.holds() && !other.holds());
        // It is killed in the middle of its answer, and its socket stays.
        assert_eq!(next.asked("say slowly"), "begun");
        host.process.kill().unwrap();
        host.process.wait().unwrap();
        assert!(scene.socket().exists());
        next.tell("go on");
        assert_eq!(next.hear(), expected);
        assert!(next.holds());
        // Between calls the connection that it kept is broken.
        assert_eq!(other.asked("say"), said_by(&*alone));
        assert!(!other.holds());
        host = next;
    }
}

#[test]
fn many_that_begin_at_once_have_one_host() {
    let scene = Scene::new();
    let mut users: Vec<User> = (0..6).map(|_| User::start(&scene)).collect();
    users.iter_mut().for_each(|user| user.tell("load"));
    let holders = users.iter_mut().map(User::hear).filter(|answer| answer == "holds true").count();
    assert_eq!(holders, 1);
}

#[test]
fn a_model_is_idle_when_no_process_uses_it() {
    let scene = Scene::new();
    let (mut host, mut other) = (User::start(&scene), User::start(&scene));
    assert!(host.holds() && !other.holds());
    assert_eq!(host.asked("note the deadline"), "true");
    // Another process uses it, so that the host keeps it beyond its own time.
    let said = other.asked("say");
    assert_eq!(host.asked("unload if idle then"), "false, later true");
    assert_eq!(host.asked("note the deadline"), "true");
    assert_eq!(host.asked("unload if idle then"), "true, later false");
    assert!(scene.files("socket").is_empty());
    assert_eq!((other.asked("say"), other.holds(), host.holds()), (said, true, false));
    // One that lets it go while it is used elsewhere costs the others a retry.
    assert_eq!(other.asked("unload"), "true");
    assert_eq!((host.asked("say"), host.holds()), (other.asked("say"), true));
}

#[test]
fn what_is_no_host_is_not_believed() {
    let scene = Scene::new();
    let expected = said_by(&*scene.alone());
    let mut user = User::start(&scene);
    assert!(user.holds());
    let socket = scene.socket();
    user.leave();
    let long = [u32::MAX.to_le_bytes().as_slice(), &[65]].concat();
    let other_model = [&20_u32.to_le_bytes()[..], &[65], b"rekall-1\x01\0\0\0\0\0\0\0\x01\0\0\0"].concat();
    let other_kind = [&0_u32.to_le_bytes()[..], &[67]].concat();
    for wrong in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &long, &other_model, &other_kind] {
        let listener = UnixListener::bind(&socket).unwrap();
        let wrong = wrong.to_owned();
        let impostor = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(&wrong).unwrap();
            // Until the other side has had enough.
            drop(stream.read_to_end(&mut Vec::new()));
        });
        let mut user = User::start(&scene);
        assert!(user.holds(), "it has the model for itself");
        impostor.join().unwrap();
        assert_eq!(user.asked("say"), expected);
        user.leave();
        std::fs::remove_file(&socket).unwrap();
    }
}

#[test]
fn a_host_outlives_what_is_no_client() {
    let scene = Scene::new();
    let expected = said_by(&*scene.alone());
    let mut host = User::start(&scene);
    assert!(host.holds());
    let fingerprint = scene.alone().fingerprint().as_str().to_owned();
    let frame = |kind: u8, body: &[u8]| {
        [&u32::try_from(body.len()).unwrap().to_le_bytes()[..], &[kind], body].concat()
    };
    let number = |number: u64| number.to_le_bytes();
    let length = number(fingerprint.len() as u64);
    let hello = |version: u64| {
        frame(1, &[&b"rekall-1"[..], &number(version), &length, fingerprint.as_bytes()].concat())
    };
    let greeted = |question: &[u8]| [&hello(1)[..], question].concat();
    let wrong = [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        hello(2),
        frame(1, b"short"),
        frame(2, &number(0)),
        [u32::MAX.to_le_bytes().as_slice(), &[1]].concat(),
        greeted(&frame(9, b"")),
        // More texts than a question may have, a length beyond its end, no UTF-8, more than its end.
        greeted(&frame(2, &number(5_000))),
        greeted(&frame(3, &number(u64::MAX))),
        greeted(&frame(3, &[&number(2)[..], &[0xff, 0xfe]].concat())),
        greeted(&frame(4, &[&number(1)[..], b"ab"].concat())),
        greeted(&[u32::MAX.to_le_bytes().as_slice(), &[2]].concat()),
    ];
    for bytes in &wrong {
        let mut stream = UnixStream::connect(scene.socket()).unwrap();
        stream.write_all(bytes).unwrap();
        // The host ends the connection, after a welcome at most.
        let mut heard = Vec::new();
        drop(stream.read_to_end(&mut heard));
        assert!(heard.len() < 1_000);
    }
    // One that goes away in the middle of a question.
    drop(UnixStream::connect(scene.socket()).unwrap().write_all(&greeted(&[9, 0, 0])));
    let mut user = User::start(&scene);
    assert_eq!((user.holds(), user.asked("say")), (false, expected));
}

#[test]
fn a_folder_that_others_can_write_is_not_used() {
    let scene = Scene::new();
    std::fs::create_dir(scene.folder()).unwrap();
    std::fs::set_permissions(scene.folder(), PermissionsExt::from_mode(0o777)).unwrap();
    let (mut one, mut two) = (User::start(&scene), User::start(&scene));
    assert!(one.holds() && two.holds());
    assert_eq!(one.asked("say"), two.asked("say"));
    assert!(Path::read_dir(&scene.folder()).unwrap().next().is_none());
}
