//! How much memory several processes take that use the same model, and what is left of it when the model is idle.
//!
//! ```text
//! cargo run --release -p rekall-model --features transformer,hub --example many_processes -- SOURCE [PROCESSES]...
//! ```
//!
//! `cargo xtask bench-processes` runs it with all-MiniLM-L6-v2. For each number of processes (1 and 5 if none is given) it starts
//! that many, one after the other; each loads the model, embeds some texts and a query, and keeps the model. Then all let it go,
//! as when its idle time is over. `Pss` divides each shared page among the processes that have it, so that its sum is what they
//! take together; `Rss` counts such a page for each of them. `PRECISION=int8` multiplies in eight bits, `HOST=1` (feature `host`) has one
//! process load the model for all. Linux alone.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use rekall_model::{KeepAlive, LoadOptions, ManagerOptions, ModelManager, ModelSource};

/// The argument of a process that holds a model.
const HOLD: &str = "--hold-model";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().ok_or("SOURCE is missing: hub:OWNER/NAME or path:FOLDER")?;
    if first == HOLD {
        return hold(&arguments.next().ok_or("SOURCE is missing")?);
    }
    let mut counts = arguments.map(|count| count.parse()).collect::<Result<Vec<usize>, _>>()?;
    if counts.is_empty() {
        counts = vec![1, 5];
    }
    println!("{first}, {}", std::env::var("PRECISION").unwrap_or_else(|_| "f32".into()));
    println!(
        "processes | loaded in, each | Pss together | x one | Rss together | at rest: Pss together, most of one"
    );
    let mut of_one = None;
    for count in counts {
        let measured = measure(&first, count)?;
        let of_one = *of_one.get_or_insert(measured.loaded.pss as f64 / count as f64);
        println!(
            "{count:9} | {} ms | {:.0} MB | {:.2} | {:.0} MB | {:.0} MB, {:.0} MB",
            measured.times.iter().map(|time| time.to_string()).collect::<Vec<_>>().join(" "),
            megabytes(measured.loaded.pss),
            measured.loaded.pss as f64 / of_one,
            megabytes(measured.loaded.rss),
            megabytes(measured.at_rest.pss),
            megabytes(measured.at_rest.most),
        );
    }
    Ok(())
}

fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 * 1024.0 / 1e6
}

/// A process that holds a model until it is told to let it go.
struct Holder {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Holder {
    fn start(source: &str) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(std::env::current_exe()?)
            .args([HOLD, source])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = process.stdin.take().ok_or("no input")?;
        let answers = BufReader::new(process.stdout.take().ok_or("no output")?);
        Ok(Self { process, orders, answers })
    }

    /// Sends an order and waits until it is done; returns what the process says.
    fn order(&mut self, order: &str) -> Result<String, Box<dyn Error>> {
        writeln!(self.orders, "{order}")?;
        let mut answer = String::new();
        match self.answers.read_line(&mut answer)? {
            0 => Err(format!("a process ended at `{order}`").into()),
            _ => Ok(answer.trim().to_owned()),
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Kilobytes of several processes.
#[derive(Default)]
struct Memory {
    pss: u64,
    rss: u64,
    /// The largest `Rss` of one.
    most: u64,
}

impl Memory {
    fn of(holders: &[Holder]) -> Result<Self, Box<dyn Error>> {
        let mut sum = Self::default();
        for holder in holders {
            let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", holder.process.id()))?;
            let field = |name: &str| {
                let line = rollup.lines().find_map(|line| line.strip_prefix(name));
                line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok())
                    .ok_or("no such field")
            };
            let (pss, rss) = (field("Pss:")?, field("Rss:")?);
            sum.pss += pss;
            sum.rss += rss;
            sum.most = sum.most.max(rss);
        }
        Ok(sum)
    }
}

struct Measured {
    /// Milliseconds from the order to load the model to its first vectors.
    times: Vec<u128>,
    loaded: Memory,
    at_rest: Memory,
}

fn measure(source: &str, count: usize) -> Result<Measured, Box<dyn Error>> {
    let mut holders = (0..count).map(|_| Holder::start(source)).collect::<Result<Vec<_>, _>>()?;
    let (mut times, mut bits) = (Vec::new(), Vec::new());
    for holder in &mut holders {
        let start = Instant::now();
        bits.push(holder.order("load")?);
        times.push(start.elapsed().as_millis());
    }
    if bits.iter().any(|others| *others != bits[0]) {
        return Err("the processes have made different vectors".into());
    }
    let loaded = Memory::of(&holders)?;
    for holder in &mut holders {
        holder.order("unload")?;
    }
    Ok(Measured { times, loaded, at_rest: Memory::of(&holders)? })
}

/// What a started process does.
fn hold(source: &str) -> Result<(), Box<dyn Error>> {
    let source: ModelSource = source.parse()?;
    let mut load = LoadOptions::new().offline(true);
    if let Ok(precision) = std::env::var("PRECISION") {
        load.precision = precision.parse()?;
    }
    load.model_host = std::env::var_os("HOST").is_some();
    let mut options = ManagerOptions::new().keep_alive(KeepAlive::Forever);
    options.release_memory = true;
    let manager = ModelManager::new(source, load, options);
    for order in std::io::stdin().lines() {
        match order?.as_str() {
            "load" => {
                let model = manager.lease()?;
                let mut numbers = model.embed_documents(&TEXTS)?;
                numbers.extend(model.embed_query("why is it slow?")?);
                let bits = numbers.iter().fold(0_u64, |bits, x| bits.rotate_left(5) ^ u64::from(x.to_bits()));
                println!("{bits:016x}");
            }
            _ => {
                manager.unload();
                println!("unloaded");
            }
        }
    }
    Ok(())
}

const TEXTS: [&str; 6] = [
    "The server does not answer since the update of last night.",
    "A CORS error in the browser when fetching from the local API",
    "memory leak in the long-running worker process after two days",
    "We decided to keep a single file, and no server.",
    "cannot borrow `x` as mutable because it is also borrowed",
    "How do I repair a damaged database without losing anything?",
];
