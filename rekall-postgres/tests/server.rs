//! The server that the other tests use.
#![cfg(unix)]

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use rekall_postgres::testing::Server;

/// Set in the process that is killed.
const CHILD: &str = "REKALL_TEST_ABANDONED_SERVER";

#[test]
fn it_runs_as_another_user_than_root_with_a_password_and_with_pgvector() {
    let Some(server) = Server::shared() else { return };
    let ask = |sql: &str| server.psql("rekall", sql).unwrap();
    assert!(ask("SELECT version()").starts_with("PostgreSQL 18"), "{}", ask("SELECT version()"));
    assert_eq!(ask("SHOW server_encoding"), "UTF8\n");
    assert_eq!(ask("SHOW synchronous_commit"), "on\n");
    ask("CREATE EXTENSION vector");
    assert_eq!(ask("SELECT '[1,2]'::vector <#> '[3,4]'::vector"), "-11\n");
    assert!(server.psql("rekall", "SELECT 1/0").unwrap_err().contains("division by zero"));

    let over_tcp = |password: &str| {
        let url = server.url("rekall").replace(server.password(), password);
        server.program("psql").args(["-w", "-A", "-t", "-c", "SELECT 1", &url]).output().unwrap()
    };
    assert_eq!(over_tcp(server.password()).stdout, b"1\n");
    let refused = over_tcp("wrong");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("password authentication failed"));
    assert_ne!(server.memory_url(), server.memory_url());
}

#[test]
fn what_was_committed_is_there_after_a_kill() {
    let Some(server) = Server::start() else { return };
    server.psql("rekall", "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)").unwrap();
    for n in 2..5 {
        server.kill();
        assert!(server.psql("rekall", "SELECT 1").is_err(), "nobody answers");
        server.restart();
        assert!(server.log().contains("not properly shut down"), "{}", server.log());
        server.psql("rekall", &format!("INSERT INTO kept VALUES ({n})")).unwrap();
    }
    server.stop();
    server.restart();
    assert_eq!(server.psql("rekall", "SELECT array_agg(n) FROM kept").unwrap(), "{1,2,3,4}\n");
    let folder = server.socket_folder().to_owned();
    drop(server);
    assert!(!folder.exists(), "{}", folder.display());
}

#[test]
fn it_goes_when_the_process_of_the_tests_is_killed() {
    if env::var_os(CHILD).is_some() {
        let server = Server::start().expect("the parent has one");
        println!("FOLDER {}", server.socket_folder().display());
        // Until the parent kills this process.
        let _ = std::io::stdin().read(&mut [0]);
        return;
    }
    if Server::shared().is_none() {
        return;
    }
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "--nocapture", "it_goes_when_the_process_of_the_tests_is_killed"]);
    child.env(CHILD, "1").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let mut said = String::new();
    let mut output = child.stdout.take().unwrap();
    while !said.contains("FOLDER ") || !said.ends_with('\n') {
        let mut more = [0; 256];
        let length = output.read(&mut more).unwrap();
        assert!(length > 0, "{said}");
        said.push_str(std::str::from_utf8(&more[..length]).unwrap());
    }
    let folder = Path::new(said.lines().find_map(|line| line.split_once("FOLDER ")).unwrap().1);
    let number = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    let number = number.lines().next().unwrap().to_owned();
    child.kill().unwrap();
    child.wait().unwrap();
    let started = Instant::now();
    while folder.exists() {
        assert!(started.elapsed() < Duration::from_secs(30), "{} stays", folder.display());
        thread::sleep(Duration::from_millis(10));
    }
    let alive = Command::new("/bin/sh").args(["-c", "kill -0 \"$1\"", "test", &number]).output().unwrap();
    assert!(!alive.status.success(), "the server runs on");
}
