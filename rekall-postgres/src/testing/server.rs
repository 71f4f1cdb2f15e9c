//! One server: begun, killed, begun again.

use std::env;
use std::fmt;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::account::Account;
use super::guard::Guard;
use super::processes::{children, kill, wait_until};

/// The name of the superuser and of the database.
const NAME: &str = "rekall";

/// The name and password of another user.
const USER: &str = "tenant";

/// A running server, with an empty database and a user who owns it.
pub struct Server {
    installation: PathBuf,
    folder: PathBuf,
    account: Account,
    port: u16,
    password: String,
    settings: Vec<String>,
    process: Mutex<Option<Child>>,
    given: AtomicU32,
    /// Dropped after the process was stopped.
    _guard: Guard,
}

impl Server {
    /// The server that all tests of one program share. `None`, with a printed line, where no server was fetched.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Server>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// A server of the caller's own: for a test that kills it. `None`, with a printed line, where no server was fetched.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// The same with settings of PostgreSQL, such as `("shared_buffers", "1GB")`.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_with(settings: &[(&str, &str)]) -> Option<Self> {
        let Some(installation) = env::var_os("REKALL_TEST_POSTGRES").map(PathBuf::from) else {
            eprintln!("skipped: `cargo xtask test` fetches a server and names it in REKALL_TEST_POSTGRES");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("rekall-pg-").tempdir().unwrap().keep();
        let account = Account::choose(&folder);
        account.own(&folder);
        let guard = Guard::start(account, &folder);
        let server = Self {
            installation: account.reachable(&installation, &folder),
            account,
            port: free_port(),
            password: random(),
            settings: settings.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            process: Mutex::default(),
            given: AtomicU32::default(),
            _guard: guard,
            folder,
        };
        server.make_cluster();
        server.restart();
        server.psql("postgres", &format!("CREATE DATABASE {NAME} TEMPLATE template0")).unwrap();
        Some(server)
    }

    /// Where the server's programs are.
    #[must_use]
    pub fn installation(&self) -> &Path {
        &self.installation
    }

    /// The port on the loopback interface, `127.0.0.1`.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The password of the user `rekall`, which connections over TCP have to give.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The folder of the server's socket.
    #[must_use]
    pub fn socket_folder(&self) -> &Path {
        &self.folder
    }

    /// The URL of a database, over TCP and with the password.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{NAME}:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// The URL of a memory that is not there yet: a schema with a name that was not given before.
    #[must_use]
    pub fn memory_url(&self) -> String {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        format!("{}?schema=memory_{number}", self.url(NAME))
    }

    /// The URL of a memory that is not there yet, for a user who may make one and is no superuser: policies of tables hold for such a one.
    ///
    /// # Panics
    /// When the user cannot be made.
    #[must_use]
    pub fn memory_url_of_user(&self) -> String {
        static MAKING: Mutex<()> = Mutex::new(());
        let making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        let sql = format!(
            "DO $$ BEGIN CREATE ROLE {USER} LOGIN PASSWORD '{USER}'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
             GRANT CREATE ON DATABASE {NAME} TO {USER}"
        );
        self.psql(NAME, &sql).unwrap();
        drop(making);
        let url = self.memory_url();
        url.replace(&format!("{NAME}:{}@", self.password), &format!("{USER}:{USER}@"))
    }

    /// Creates an extension in the database `rekall`, once.
    ///
    /// # Panics
    /// When the server has none of that name.
    pub fn create_extension(&self, name: &str) {
        static MAKING: Mutex<()> = Mutex::new(());
        let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        self.psql(NAME, &format!("CREATE EXTENSION IF NOT EXISTS {name}")).unwrap();
    }

    /// Runs SQL as another program would, in a transaction of its own for each statement; gives what it printed, a line for each
    /// row and `|` between columns.
    ///
    /// # Errors
    /// What the program complained of, from the first statement that failed.
    ///
    /// # Panics
    /// When the program does not run.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut command = self.psql_command(database);
        let output = command.args(["-c", sql]).output().unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// The command that runs SQL: for its standard input, or with arguments of the caller's.
    #[must_use]
    pub fn psql_command(&self, database: &str) -> Command {
        let mut command = self.program("psql");
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", NAME, "-d", database, "-h"]);
        command.arg(&self.folder).args(["-p", &self.port.to_string()]);
        command
    }

    /// One of the programs that come with the server, or another one by its absolute path, run by the user that runs the server.
    #[must_use]
    pub fn program(&self, name: impl AsRef<Path>) -> Command {
        self.account.command(&self.installation.join("bin").join(name), &self.folder)
    }

    /// Kills all processes of the server at once: nothing is flushed, nobody is told.
    ///
    /// # Panics
    /// When it does not run, or does not die.
    pub fn kill(&self) {
        let mut process = self.process().take().expect("a server that runs");
        let id = process.id();
        // Its children are listed while it is there, and those that it begins meanwhile notice that it is gone.
        let children = children(id);
        process.kill().unwrap();
        process.wait().unwrap();
        kill(&children);
    }

    /// Stops the server in order: it ends connections, finishes its files and exits.
    ///
    /// # Panics
    /// When it does not run, or does not stop.
    pub fn stop(&self) {
        let mut process = self.process().take().expect("a server that runs");
        self.interrupt(&process);
        process.wait().unwrap();
    }

    /// Starts the server again after [`kill`](Self::kill) or [`stop`](Self::stop), at the same port, and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&self) {
        let mut process = self.process();
        assert!(process.is_none(), "the server runs already");
        // Memory of a killed server may be in use for a moment yet, which the new one refuses to share.
        wait_until("the server starts", || {
            let mut started = self.spawn();
            let answers = self.answers(&mut started);
            *process = answers.then_some(started);
            answers || !self.log().contains("pre-existing shared memory block")
        });
        assert!(process.is_some(), "the server does not start: {}", self.log());
    }

    /// What the server has written about itself since it was started.
    ///
    /// # Panics
    /// When there is no such file.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("log")).unwrap()).into_owned()
    }

    fn make_cluster(&self) {
        let passwords = self.folder.join("password");
        fs::write(&passwords, &self.password).unwrap();
        self.account.own(&passwords);
        let mut command = self.program("initdb");
        command.args([
            "--username",
            NAME,
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--auth-local=trust",
        ]);
        command.args(["--auth-host=scram-sha-256", "--pwfile"]).arg(&passwords);
        let output = command.arg("--pgdata").arg(self.folder.join("data")).output().unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        fs::remove_file(passwords).unwrap();
    }

    fn spawn(&self) -> Child {
        let log = File::create(self.folder.join("log")).unwrap();
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.folder.join("data")).arg("-k").arg(&self.folder);
        command.args(["-p", &self.port.to_string()]);
        let usual =
            ["listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "shared_buffers=64MB"];
        for setting in usual.into_iter().chain(self.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }

    /// Waits until the server answers, or is gone.
    fn answers(&self, process: &mut Child) -> bool {
        let mut answered = false;
        wait_until("the server answers", || {
            let mut ready = self.program("pg_isready");
            ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
            answered = ready.status().unwrap().success();
            answered || process.try_wait().unwrap().is_some()
        });
        answered && process.try_wait().unwrap().is_none()
    }

    /// What asks a server to stop at once and in order.
    fn interrupt(&self, process: &Child) {
        let mut command = self.account.command(Path::new("/bin/sh"), &self.folder);
        let stopped = command.args(["-c", r#"kill -INT "$1""#, "stop", &process.id().to_string()]).status();
        assert!(stopped.unwrap().success());
    }

    fn process(&self) -> MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("folder", &self.folder)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match self.process().take() {
            Some(mut process) => {
                self.interrupt(&process);
                let _ = process.wait();
            }
            // A killed server leaves its number, which by now may be that of another process.
            None => drop(fs::remove_file(self.folder.join("data/postmaster.pid"))),
        }
    }
}

/// A port that nobody listens at.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn random() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}
