//! The example of a team: three processes on one server, each of which finds what the others wrote.
#![cfg(feature = "bundled-model")]

use std::path::Path;
use std::process::Command;

use rekall_postgres::testing::Server;

#[test]
fn three_processes_find_what_the_others_wrote() {
    let Some(server) = Server::shared() else { return };
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/team");
    assert!(program.is_file(), "run `cargo build --features postgres --example team`");
    let output = Command::new(program).env("REKALL_TEAM_URL", server.memory_url()).output().unwrap();
    let (shown, errors) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{shown}\n{errors}");
    let answers: Vec<&str> = shown.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let (staging, invoices) =
        ("The staging database is wiped every night", "Invoices are sent on the first day of the month");
    assert_eq!(
        answers,
        [
            "stored; there are 1 notes",
            "stored; there are 2 notes",
            staging,
            invoices,
            "stored; there are 3 notes",
            "Call the supplier before ordering paper",
            staging,
            invoices,
        ]
    );
}
