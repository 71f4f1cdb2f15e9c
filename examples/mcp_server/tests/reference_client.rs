//! The server with the reference client of the protocol, which `client.py` drives. It starts servers through a shell, and
//! kills them as only Unix does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::Path;
use std::process::Command;

#[test]
fn the_reference_client_is_served() {
    let Some(python) = std::env::var_os("REKALL_TEST_MCP_PYTHON") else {
        eprintln!("skipped: `cargo xtask test` fetches the client and names it in REKALL_TEST_MCP_PYTHON");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client.py");
    let server = env!("CARGO_BIN_EXE_rekall-mcp-server");
    let run = Command::new(python).arg(script).arg(server).output().unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    assert!(said.contains("\nOK"), "tests were run: {said}");
}
