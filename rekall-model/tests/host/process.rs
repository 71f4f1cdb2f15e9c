//! A process of its own that has a model, or asks the one that has it.

use std::fmt::Debug;
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rekall_model::{
    Embedder, Error, KeepAlive, LoadOptions, ManagerOptions, ModelManager, ModelSource, Progress, Reranker,
    UnloadOutcome, load, load_reranker,
};
use tempfile::TempDir;

/// In the environment of such a process: the kind of its model.
const KIND: &str = "REKALL_TEST_HOSTED_KIND";

/// In the environment of any process: where the folder is in which users of a model meet.
const BASE: &str = if cfg!(windows) { "LOCALAPPDATA" } else { "XDG_RUNTIME_DIR" };

const TEXTS: [&str; 6] =
    ["the server error", "le serveur", "", "base memory cache file", "token login page 12", "cache"];

/// More than fit one question.
fn many() -> Vec<String> {
    (0..1_100).map(|number| format!("{} page {number}", TEXTS[number % TEXTS.len()])).collect()
}

/// What a model may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Vectors,
    Scores,
}

impl Kind {
    fn source(self) -> ModelSource {
        let name = match self {
            Self::Vectors => "bert-tiny-mean",
            Self::Scores => "rerank-bert",
        };
        ModelSource::Path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name))
    }
}

type Observe<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// What is asked of a model.
trait Asked {
    /// Everything that it says of the texts, as one line.
    fn say(&self) -> String;

    /// What it says of many texts.
    fn say_much(&self, observe: Observe<'_>) -> Result<String, Error>;
}

impl Asked for dyn Embedder {
    fn say(&self) -> String {
        let observe = &mut |_| ControlFlow::Continue(());
        let long = "the server error in the cache ".repeat(500);
        let few = self.embed_documents_observed(&[&TEXTS[..], &[&long]].concat(), observe).unwrap();
        assert_eq!((&few.unembeddable[..], &few.truncated[..]), (&[2][..], &[6][..]));
        let query = self.embed_query(TEXTS[0]).unwrap();
        let shares = TEXTS.map(|text| (self.count_tokens(text).unwrap(), self.known_share(text).unwrap()));
        let refused = format!(
            "{:?} {:?}",
            self.embed_query("").unwrap_err(),
            self.embed_documents(&TEXTS).unwrap_err()
        );
        let properties = (self.fingerprint().as_str(), self.dimensions(), self.max_tokens());
        digest(&(few, self.say_much(observe).unwrap(), query, shares, refused, properties))
    }

    fn say_much(&self, observe: Observe<'_>) -> Result<String, Error> {
        let texts = many();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        self.embed_documents_observed(&texts, observe).map(|made| digest(&made))
    }
}

impl Asked for dyn Reranker {
    fn say(&self) -> String {
        let long = "the server error in the cache ".repeat(500);
        let passages = [&TEXTS[..], &[&long]].concat();
        let few = ["server", "", &long].map(|query| self.scores(query, &passages).unwrap());
        assert_ne!(few[0], few[1]);
        let none = self.scores("server", &[]).unwrap();
        let all = self.say_much(&mut |_| ControlFlow::Continue(())).unwrap();
        digest(&(few, none, all, self.model(), self.max_tokens()))
    }

    fn say_much(&self, observe: Observe<'_>) -> Result<String, Error> {
        let texts = many();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        self.scores_observed("the server error", &texts, observe).map(|scores| digest(&scores))
    }
}

fn digest(said: &impl Debug) -> String {
    let bytes = format!("{said:?}");
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", bytes.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
}

/// What a process of its own does. In the tests' own process, nothing.
#[test]
fn of_its_own() {
    let Some(kind) = std::env::var_os(KIND) else { return };
    let keep_alive = KeepAlive::For(Duration::from_secs(60));
    let (options, manager) =
        (LoadOptions::new().model_host(true), ManagerOptions::new().keep_alive(keep_alive));
    if kind == "Vectors" {
        serve(Box::new(ModelManager::new(Kind::Vectors.source(), options, manager)));
    } else {
        serve(Box::new(ModelManager::for_reranker(Kind::Scores.source(), options, manager)));
    }
    answer("gone");
}

/// A manager of a model of either kind.
trait Managed {
    fn holds(&self) -> bool;
    fn say(&self) -> String;
    fn say_much(&self, observe: Observe<'_>) -> Result<String, Error>;
    fn next_deadline(&self) -> Option<Instant>;
    fn unload_if_idle(&self, now: Instant) -> bool;
    fn unload(&self) -> bool;
}

macro_rules! managed {
    ($model:ident) => {
        impl Managed for ModelManager<dyn $model> {
            fn holds(&self) -> bool {
                self.lease().unwrap().memory_bytes() > 0
            }
            fn say(&self) -> String {
                Asked::say(&*self.lease().unwrap())
            }
            fn say_much(&self, observe: Observe<'_>) -> Result<String, Error> {
                Asked::say_much(&*self.lease().unwrap(), observe)
            }
            fn next_deadline(&self) -> Option<Instant> {
                ModelManager::next_deadline(self)
            }
            fn unload_if_idle(&self, now: Instant) -> bool {
                ModelManager::unload_if_idle(self, now).is_some()
            }
            fn unload(&self) -> bool {
                matches!(ModelManager::unload(self), UnloadOutcome::Done { .. })
            }
        }
    };
}

managed!(Embedder);
managed!(Reranker);

/// One order a line, one answer a line.
fn serve(manager: Box<dyn Managed>) {
    let mut deadline = None;
    let mut orders = std::io::stdin().lines();
    while let Some(order) = orders.next() {
        let answer = match order.unwrap().as_str() {
            "load" => format!("holds {}", manager.holds()),
            "say" => manager.say(),
            "say slowly" => {
                let (mut reports, mut last) = (0, 0);
                let mut observe = |progress: Progress| {
                    assert!(progress.texts >= last && progress.total == many().len());
                    (reports, last) = (reports + 1, progress.texts);
                    if reports == 1 {
                        answer("begun");
                        assert_eq!(orders.next().unwrap().unwrap(), "go on");
                    }
                    ControlFlow::Continue(())
                };
                let said = manager.say_much(&mut observe).unwrap();
                assert_eq!(last, many().len(), "all is reported");
                said
            }
            "say a little" => {
                format!("{}", manager.say_much(&mut |_| ControlFlow::Break(())).unwrap_err())
            }
            // Stopping when all is done would only lose the result.
            "say all but the last" => {
                let mut observe = |progress: Progress| match progress.texts < progress.total {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                };
                manager.say_much(&mut observe).unwrap()
            }
            "note the deadline" => {
                deadline = manager.next_deadline();
                format!("{}", deadline.is_some())
            }
            "unload if idle then" => {
                let unloaded = manager.unload_if_idle(deadline.unwrap());
                format!("{unloaded}, later {}", manager.next_deadline() > deadline)
            }
            "unload" => format!("{}", manager.unload()),
            _ => break,
        };
        self::answer(&answer);
    }
}

fn answer(line: &str) {
    println!("\n> {line}");
}

/// Such a process.
pub(crate) struct User {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl User {
    pub(crate) fn start(scene: &Scene) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["process::of_its_own", "--exact", "--nocapture"])
            .env(KIND, format!("{:?}", scene.kind))
            .env(BASE, scene.runtime.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self { process, orders, answers }
    }

    pub(crate) fn tell(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
    }

    pub(crate) fn hear(&mut self) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the process ended");
            if let Some(answer) = line.strip_prefix("> ") {
                return answer.trim_end().to_owned();
            }
        }
    }

    pub(crate) fn asked(&mut self, order: &str) -> String {
        self.tell(order);
        self.hear()
    }

    /// Loads the model, and says whether it is this process that holds it.
    pub(crate) fn holds(&mut self) -> bool {
        self.asked("load") == "holds true"
    }

    pub(crate) fn leave(mut self) {
        assert_eq!(self.asked("leave"), "gone");
        assert!(self.process.wait().unwrap().success());
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Sends a signal, by its name.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let process = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &process]).status().unwrap().success());
    }
}

impl Drop for User {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A folder where the users of a model meet.
pub(crate) struct Scene {
    runtime: TempDir,
    kind: Kind,
}

impl Scene {
    pub(crate) fn of(kind: Kind) -> Self {
        Self { runtime: tempfile::tempdir().unwrap(), kind }
    }

    pub(crate) fn of_each_kind() -> impl Iterator<Item = Self> {
        [Kind::Vectors, Kind::Scores].into_iter().map(Self::of)
    }

    pub(crate) fn folder(&self) -> PathBuf {
        let folder = self.runtime.path().join("rekall");
        if cfg!(windows) { folder.join("host") } else { folder }
    }

    /// What a model says that no other process has a part in.
    pub(crate) fn expected(&self) -> String {
        let options = LoadOptions::new();
        match self.kind {
            Kind::Vectors => load(&self.kind.source(), &options).unwrap().say(),
            Kind::Scores => load_reranker(&self.kind.source(), &options).unwrap().say(),
        }
    }

    /// The same of many texts.
    pub(crate) fn expected_much(&self) -> String {
        let (options, observe) = (LoadOptions::new(), &mut |_| ControlFlow::Continue(()));
        let said = match self.kind {
            Kind::Vectors => load(&self.kind.source(), &options).unwrap().say_much(observe),
            Kind::Scores => load_reranker(&self.kind.source(), &options).unwrap().say_much(observe),
        };
        said.unwrap()
    }

    pub(crate) fn files(&self, ending: &str) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.folder()).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|found| found == ending)).collect()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.files("socket").pop().unwrap()
    }
}

/// The fingerprint of the model that makes vectors.
pub(crate) fn fingerprint() -> String {
    load(&Kind::Vectors.source(), &LoadOptions::new()).unwrap().fingerprint().as_str().to_owned()
}
