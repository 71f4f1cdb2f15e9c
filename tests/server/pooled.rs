//! A memory behind pgbouncer, which gives each transaction another session of the server. Where none is installed that gives the
//! session of a `COPY` back, a line says so.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::thread;

use rekall::{Mode, NewEntry, Rekall};
use rekall_postgres::testing::{Server, wait_until};

use crate::common::WordModel;

/// So many at once go by `COPY`.
const MANY: usize = 1_500;

/// Runs the program until its input ends, which it does with the process of the tests, however that goes.
const SCRIPT: &str = r#""$0" "$1" < /dev/null & cat > /dev/null; kill -KILL "$!"; wait "$!" 2> /dev/null"#;

/// A pgbouncer with two sessions of the server for all of its clients.
struct Pooler {
    process: Child,
    input: Option<ChildStdin>,
    port: u16,
}

impl Pooler {
    fn start(server: &Server) -> Option<Self> {
        let Some(program) = installed() else {
            println!("skipped: there is no pgbouncer that gives the session of a COPY back");
            return None;
        };
        // A port that was free a moment ago.
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let (folder, name) = (server.socket_folder(), format!("pgbouncer-{port}"));
        let settings = format!(
            "[databases]\nrekall = host={} port={} user=rekall\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 2\n",
            folder.display(),
            server.port(),
        );
        let file = folder.join(format!("{name}.ini"));
        fs::write(&file, settings).unwrap();
        let log = folder.join(format!("{name}.log"));
        let mut command = server.program("/bin/sh");
        command.args(["-c", SCRIPT]).arg(&program).arg(&file).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut process = command.stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
        let pooler = Self { input: process.stdin.take(), process, port };
        wait_until("pgbouncer answers", || {
            let log = fs::read_to_string(&log).unwrap();
            assert!(!log.contains("FATAL"), "{log}");
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Some(pooler)
    }

    fn url(&self, server: &Server) -> String {
        server.memory_url().replace(&format!(":{}/", server.port()), &format!(":{}/", self.port))
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

/// The program, unless it is of a version that never gives the session of a `COPY` back (docs/postgres.md).
fn installed() -> Option<PathBuf> {
    let places =
        ["/usr/sbin", "/usr/bin", "/usr/local/bin"].map(|folder| Path::new(folder).join("pgbouncer"));
    let program = places.into_iter().find(|program| program.is_file())?;
    let output = Command::new(&program).arg("--version").output().ok()?;
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    (!version.contains(" 1.21.") && !version.contains(" 1.22.0")).then_some(program)
}

fn open(url: &str) -> Rekall {
    Rekall::builder(url).embedder(Arc::new(WordModel::new(16))).open().unwrap()
}

#[test]
fn memories_live_behind_a_pooler() {
    let Some(server) = Server::shared() else { return };
    let Some(pooler) = Pooler::start(server) else { return };
    let url = pooler.url(server);
    let first = open(&url);
    // More threads than sessions, each with a handle of its own, that write one by one and many at once.
    thread::scope(|scope| {
        for writer in 0..3 {
            let url = &url;
            scope.spawn(move || {
                let memory = open(url);
                let notes: Vec<NewEntry> =
                    (0..MANY).map(|n| NewEntry::new(format!("writer{writer} note{n}"))).collect();
                let ids = memory.remember_many(&notes).run().unwrap();
                assert_eq!(memory.get(ids[MANY - 1]).unwrap().title, notes[MANY - 1].title);
                for n in 0..5 {
                    memory.remember(NewEntry::new(format!("writer{writer} single{n}"))).unwrap();
                }
            });
        }
    });
    assert_eq!(first.stats().unwrap().store.entries, 3 * (MANY as u64 + 5));
    for mode in [Mode::Semantic, Mode::Text, Mode::Hybrid] {
        for title in ["writer0 note7", "writer2 single4"] {
            let hits = first.recall(title).mode(mode).run().unwrap();
            assert_eq!(hits[0].entry.title, title, "{mode:?}");
        }
    }
    // What is refused takes no session of the pool along.
    let twice = first.remember(NewEntry::new("there")).unwrap();
    let mut notes: Vec<NewEntry> = (0..MANY).map(|n| NewEntry::new(format!("refused{n}"))).collect();
    notes[MANY / 2] = notes[MANY / 2].clone().id(twice);
    first.remember_many(&notes).run().unwrap_err();
    assert_eq!(first.stats().unwrap().store.entries, 3 * (MANY as u64 + 5) + 1);
    assert_eq!(first.remember_many(&notes[..MANY / 2]).run().unwrap().len(), MANY / 2);
}
