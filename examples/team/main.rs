//! Three processes with one memory on a PostgreSQL server: what one of them writes, the others find with their next search.
//!
//! ```text
//! export REKALL_TEAM_URL='postgres://ann@db.example/team?schema=notes'
//! cargo run --release --features postgres --example team
//! ```
//!
//! The program starts itself three times and tells the three in turn what to remember and what to look for. The URL is handed on
//! by the environment, because a command line can be read by everybody on the machine.

#![allow(clippy::print_stdout)]

use std::env;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rekall::{Mode, NewEntry, Rekall};

const URL: &str = "REKALL_TEAM_URL";

/// Who does what, in this order.
const SCRIPT: [(&str, &str); 8] = [
    ("ann", "remember The staging database is wiped every night"),
    ("ben", "remember Invoices are sent on the first day of the month"),
    ("cleo", "ask when is the staging database empty"),
    ("ann", "ask on which day do customers get invoices"),
    ("cleo", "remember Call the supplier before ordering paper"),
    ("ben", "ask how do I order paper"),
    ("ben", "ask when is the staging database empty"),
    ("cleo", "ask on which day do customers get invoices"),
];

fn main() -> Result<(), Box<dyn Error>> {
    if env::args().nth(1).as_deref() == Some("member") {
        return member();
    }
    let mut team = Vec::new();
    for name in ["ann", "ben", "cleo"] {
        team.push((name, Member::start()?));
    }
    for (name, order) in SCRIPT {
        if let Some((_, member)) = team.iter_mut().find(|(member, _)| *member == name) {
            println!("{name}: {order}\n  {}", member.tell(order)?);
        }
    }
    team.into_iter().try_for_each(|(_, member)| member.dismiss())
}

/// A process of the team: takes orders, a line each, and answers each with a line.
fn member() -> Result<(), Box<dyn Error>> {
    let url = env::var(URL).map_err(|_| format!("{URL} must be the URL of a memory: postgres://…"))?;
    let memory = Rekall::builder(url).open()?;
    let mut out = io::stdout();
    for line in io::stdin().lines() {
        let line = line?;
        match line.split_once(' ') {
            Some(("remember", text)) => {
                memory.remember(NewEntry::new(text))?;
                writeln!(out, "stored; there are {} notes", memory.stats()?.store.entries)?;
            }
            Some(("ask", query)) => match memory.recall(query).mode(Mode::Semantic).limit(1).run()?.first() {
                Some(hit) => writeln!(out, "{}", hit.entry.title)?,
                None => writeln!(out, "nothing")?,
            },
            _ => writeln!(out, "expected: remember TEXT, or ask TEXT")?,
        }
        out.flush()?;
    }
    Ok(())
}

/// A process as the one that started it sees it.
struct Member {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Member {
    fn start() -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(env::current_exe()?);
        let mut process = command.arg("member").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(orders), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("a process without pipes".into());
        };
        Ok(Self { process, orders, answers: BufReader::new(answers) })
    }

    fn tell(&mut self, order: &str) -> Result<String, Box<dyn Error>> {
        writeln!(self.orders, "{order}")?;
        let mut answer = String::new();
        match self.answers.read_line(&mut answer)? {
            0 => Err("a process of the team ended early".into()),
            _ => Ok(answer.trim_end().to_owned()),
        }
    }

    /// Closes its input, at whose end it stops.
    fn dismiss(self) -> Result<(), Box<dyn Error>> {
        let Self { mut process, orders, .. } = self;
        drop(orders);
        if process.wait()?.success() { Ok(()) } else { Err("a process of the team failed".into()) }
    }
}
