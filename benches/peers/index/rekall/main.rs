//! rekall's side of `cargo xtask bench-peers`: one contender a process, told by JSON lines what to do.
//!
//! It knows the same commands as the Python peers (`build`, `search`, `ids`, `reload`), and more that only rekall needs:
//! `generate` and `truth` make what all contenders share, `wear`, `freshness`, `cancel` and `cold` measure what peers lack.
#![allow(missing_docs, unreachable_pub, clippy::print_stdout, reason = "a program, not a library")]

mod cancel;
mod cold;
mod contender;
mod input;
mod limit;
mod measure;
mod sources;
mod truth;
mod vectors;
mod wear;

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Instant;

use rekall_index::testing::{Simd, limit_simd};
use serde::Deserialize;
use serde_json::{Value, json};

use contender::{Built, Contender, Kind, build};
use input::Input;

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Neighbors asked for.
pub const K: usize = 10;

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Command {
    Generate {
        file: PathBuf,
        rows: usize,
        dimensions: usize,
        seed: u64,
    },
    Truth {
        input: Input,
    },
    Build {
        kind: Kind,
        input: Input,
        folder: PathBuf,
    },
    /// Searches one query after the other, or `batch` at once, for about so many seconds.
    Search {
        batch: usize,
        threads: usize,
        seconds: f64,
    },
    /// What is found for every query.
    Ids,
    Reload,
    Wear {
        changes: usize,
    },
    Freshness,
    Cancel {
        batch: usize,
    },
    /// A new process's first answer, out of a database that a contender of kind `sq8-sqlite` has left.
    Cold {
        input: Input,
        folder: PathBuf,
    },
}

fn main() -> Result<(), BoxError> {
    let started = Instant::now();
    match std::env::args().nth(1).as_deref() {
        Some("portable") => limit_simd(Simd::Portable),
        Some("avx2") => limit_simd(Simd::Avx2),
        None | Some("native") => {}
        Some(other) => return Err(format!("expected native, avx2 or portable, got {other}").into()),
    }
    let mut session = Session { started, state: None };
    for line in std::io::stdin().lock().lines() {
        let answer = session.obey(serde_json::from_str(&line?)?);
        let answer = answer.unwrap_or_else(|error| json!({ "error": error.to_string() }));
        let mut out = std::io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

struct Session {
    started: Instant,
    state: Option<State>,
}

struct State {
    built: Built,
    input: Input,
    queries: Vec<f32>,
    /// The batch to ask next.
    next: usize,
}

impl Session {
    fn obey(&mut self, command: Command) -> Result<Value, BoxError> {
        match command {
            Command::Generate { file, rows, dimensions, seed } => {
                vectors::write(&file, rows, dimensions, seed)?;
                Ok(json!({}))
            }
            Command::Truth { input } => Ok(json!({ "ids": truth::nearest(&input, K)? })),
            Command::Cold { input, folder } => cold::first_answer(&input, &folder, self.started),
            Command::Build { kind, input, folder } => {
                let before = measure::resident_bytes();
                let built = build(kind, &input, &folder)?;
                let own = built.contender.memory_bytes();
                let resident =
                    before.zip(measure::resident_bytes()).map(|(before, now)| now.saturating_sub(before));
                let seconds = built.seconds;
                self.state = Some(State { built, queries: input.queries()?, input, next: 0 });
                Ok(json!({
                    "seconds": seconds, "resident_bytes": resident, "own_bytes": own,
                    "version": env!("CARGO_PKG_VERSION"), "simd": simd(),
                }))
            }
            other => self.state.as_mut().ok_or("build first")?.obey(other),
        }
    }
}

impl State {
    fn obey(&mut self, command: Command) -> Result<Value, BoxError> {
        let contender = &mut self.built.contender;
        match command {
            Command::Search { batch, threads, seconds } => {
                let width = batch * self.input.dimensions;
                let mut batches = self.queries.chunks_exact(width).cycle().skip(self.next);
                let turn = measure::turn(seconds, || {
                    self.next = (self.next + 1) % (self.input.queries / batch);
                    let queries = batches.next().unwrap_or_default();
                    contender.search(queries, batch > 1, threads).map(drop)
                })?;
                if let Contender::Read(limit) = contender {
                    std::hint::black_box(limit.sum());
                }
                Ok(serde_json::to_value(turn)?)
            }
            Command::Ids => {
                let before = contender.stats();
                let mut ids = Vec::new();
                for query in self.queries.chunks_exact(self.input.dimensions) {
                    let lists = contender.search(query, false, 1)?;
                    ids.push(lists[0].iter().map(|hit| hit.key.entry).collect::<Vec<_>>());
                }
                let rescored = before.zip(contender.stats()).map(|(before, now)| {
                    (now.rescored_rows - before.rescored_rows) as f64 / self.input.queries as f64
                });
                Ok(json!({ "ids": ids, "rescored_rows": rescored }))
            }
            Command::Reload => Ok(serde_json::to_value(self.built.reload(self.input.dimensions)?)?),
            Command::Wear { changes } => {
                let index = contender.as_resident().ok_or("not a resident index")?;
                let before = measure::resident_bytes();
                wear::wear(index, &self.input, changes)?;
                let grown =
                    before.zip(measure::resident_bytes()).map(|(before, now)| now as i64 - before as i64);
                Ok(json!({ "own_bytes": contender.memory_bytes(), "grown_bytes": grown }))
            }
            Command::Freshness => {
                let index = contender.as_resident().ok_or("not a resident index")?;
                Ok(serde_json::to_value(wear::freshness(index, &self.input)?)?)
            }
            Command::Cancel { batch } => {
                let queries = &self.queries[..batch * self.input.dimensions];
                let index = contender.as_search().ok_or("not an index")?;
                Ok(serde_json::to_value(cancel::latency(index, queries, batch > 1)?)?)
            }
            _ => Err("not a command for a built index".into()),
        }
    }
}

/// The instructions there are, as far as rekall has a use for them.
fn simd() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let there = [
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bw", is_x86_feature_detected!("avx512bw")),
        ("avx512vnni", is_x86_feature_detected!("avx512vnni")),
        ("avx512vpopcntdq", is_x86_feature_detected!("avx512vpopcntdq")),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let there = [("portable", true)];
    there.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
}
