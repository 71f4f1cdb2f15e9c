//! What stops a server when the tests are gone, however they went.

use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};

use super::account::Account;

/// Waits for the end of its input, which comes when the process that holds the other end is gone; then stops the server and
/// removes its folder.
const SCRIPT: &str = r#"
cat > /dev/null
if pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null); then
    kill -QUIT "$pid" 2> /dev/null
    while kill -0 "$pid" 2> /dev/null; do sleep 0.05; done
fi
rm -rf "$1"/* "$1"/.s.*
rmdir "$1" 2> /dev/null
"#;

/// The process that watches over a server.
#[derive(Debug)]
pub(super) struct Guard {
    process: Child,
    input: Option<ChildStdin>,
}

impl Guard {
    pub(super) fn start(account: Account, folder: &Path) -> Self {
        let mut command = account.command(Path::new("/bin/sh"), Path::new("/"));
        // What it inherited it would keep open, and a reader of the tests' output would wait for it.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.args(["-c", SCRIPT, "guard"]).arg(folder).spawn().unwrap();
        Self { input: process.stdin.take(), process }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}
