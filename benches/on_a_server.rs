//! What does a memory on a PostgreSQL server cost, beside one in a file and beside plain pgvector? 100,000 entries, 384
//! dimensions, one machine, the server reached over TCP on its loopback interface.
//!
//! `cargo xtask bench-postgres` fetches the server and runs this. Vectors are given, so that no model takes part. A file and the
//! server are asked in turns; medians. The table says the ratio that matters for each row. With the argument `fill` only the
//! writing is measured, with `searches` only the searches of a process.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod common;

use std::env;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use common::{Vectors, median};
use rekall::{Mode, NewEntry, Rekall, VectorBackend};
use rekall_postgres::testing::Server;

const ROWS: usize = 100_000;
const DIMENSIONS: usize = 384;
const ROUNDS: usize = 41;
/// Entries remembered in one transaction.
const AT_ONCE: usize = 10_000;
const TOP: usize = 10;
/// Searches that a contender answers before it is another one's turn: each finds in the processor's caches what a program does that is asked
/// again and again.
const RUN: usize = 10;
/// Tells the program that it is another process, which opens a memory and searches it once.
const FIRST_ANSWER: &str = "REKALL_BENCH_FIRST_ANSWER";

/// What PostgreSQL is given here, as an operator would: its defaults are for a small machine.
const SETTINGS: [(&str, &str); 4] = [
    ("shared_buffers", "1GB"),
    ("maintenance_work_mem", "512MB"),
    ("max_wal_size", "4GB"),
    ("max_parallel_workers_per_gather", "0"),
];

fn main() {
    if let Ok(place) = env::var(FIRST_ANSWER) {
        let mut vectors = Vectors::new(DIMENSIONS, 9);
        let found = open(&place).recall_vector(vectors.next()).limit(TOP).run().unwrap();
        assert_eq!(found.len(), TOP);
        return;
    }
    // `cargo test` builds and runs benches, too, and is not to wait for this one.
    if !env::args().any(|argument| argument == "--bench") {
        return;
    }
    let Some(server) = Server::start_with(&SETTINGS) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bench.db").to_str().unwrap().to_owned();
    let url = server.memory_url();
    let (entries, mut vectors) = (common::entries(ROWS), Vectors::new(DIMENSIONS, 2));
    let rows: Vec<f32> = (0..ROWS).flat_map(|_| vectors.next()).collect();
    println!("{ROWS} entries, {DIMENSIONS} dimensions, medians of {ROUNDS} in turns");
    println!("{:<44} {:>9} {:>9}", "", "file", "server");

    let in_file = seconds(|| fill(&file, &entries, &rows));
    let before = log_records(&server);
    let on_server = seconds(|| fill(&url, &entries, &rows));
    row("remember all, s", in_file, on_server, "");
    let records = (log_records(&server) - before) / ROWS as f64;
    println!("{:<44} {:>9} {records:9.1}", "records of the server's log for each entry", "");
    let only = |part: &str| env::args().any(|argument| argument == part);
    if !only("searches") {
        copies(&server, &entries, &rows, on_server);
        copy_of_the_memory(&server, &url, on_server);
    }
    if only("fill") {
        return;
    }
    for place in [&file, &url] {
        open(place).rebuild_index().run().unwrap();
    }
    searches(&file, &url);
    if only("searches") {
        return;
    }
    first_answers(&file, &url);
    pgvector(&server, &url, &rows);
    pushed(&url);
}

fn row(what: &str, file: f64, server: f64, note: &str) {
    println!("{what:<44} {file:9.2} {server:9.2}  {:.2} x {note}", server / file);
}

fn open(place: &str) -> Rekall {
    Rekall::builder(place).vectors_of("bench", DIMENSIONS).open().unwrap()
}

fn fill(place: &str, entries: &[NewEntry], rows: &[f32]) {
    let rekall = open(place);
    for (entries, rows) in entries.chunks(AT_ONCE).zip(rows.chunks(AT_ONCE * DIMENSIONS)) {
        rekall.remember_many(entries).vectors(rows).run().unwrap();
    }
}

/// How many records the server has written to its log.
fn log_records(server: &Server) -> f64 {
    server.psql("rekall", "SELECT wal_records FROM pg_stat_wal").unwrap().trim().parse().unwrap()
}

/// The same texts and vectors by the server's own way for bulk loads: two tables with their keys, nothing derived.
fn copies(server: &Server, entries: &[NewEntry], rows: &[f32], ours: f64) {
    let tables = "CREATE TABLE plain_entry (id bigint PRIMARY KEY, title text, content text, tags text);
        CREATE TABLE plain_vector (id bigint PRIMARY KEY, vector bytea)";
    server.psql("rekall", tables).unwrap();
    let (mut texts, mut vectors) = (String::new(), String::new());
    for (id, (entry, row)) in entries.iter().zip(rows.chunks(DIMENSIONS)).enumerate() {
        let content = entry.content.replace('\\', r"\\").replace('\n', r"\n").replace('\t', r"\t");
        writeln!(texts, "{id}\t{}\t{content}\t[\"bench\"]", entry.title).unwrap();
        write!(vectors, "{id}\t\\\\x").unwrap();
        row.iter().flat_map(|x| x.to_le_bytes()).for_each(|byte| write!(vectors, "{byte:02x}").unwrap());
        vectors.push('\n');
    }
    let copied = seconds(|| {
        copy(server, "plain_entry", &texts);
        copy(server, "plain_vector", &vectors);
    });
    beside("COPY of the same texts and vectors, s", copied, ours);
}

/// All rows that remembering made, by the same way, into a memory's own tables with their indexes. Triggers and foreign keys are off, since
/// what they do is among the rows: it is what a memory costs a server that is told each row once, ready made.
fn copy_of_the_memory(server: &Server, url: &str, ours: f64) {
    let other = server.memory_url();
    drop(open(&other));
    let [from, to] = [url, &other].map(|url| url.rsplit_once('=').unwrap().1);
    let tables = format!("SELECT tablename FROM pg_tables WHERE schemaname = '{from}' ORDER BY tablename");
    let tables = server.psql("rekall", &tables).unwrap();
    let rows: Vec<(&str, Vec<u8>)> = tables
        .lines()
        .map(|table| {
            server
                .psql("rekall", &format!("SET session_replication_role = replica; DELETE FROM {to}.{table}"))
                .unwrap();
            let mut psql = server.psql_command("rekall");
            psql.args(["-c", &format!("COPY {from}.{table} TO STDOUT (FORMAT binary)")]);
            (table, psql.output().unwrap().stdout)
        })
        .collect();
    let copied = seconds(|| {
        for (table, rows) in &rows {
            copy_into(server, &format!("{to}.{table}"), "(FORMAT binary)", rows);
        }
    });
    let count =
        |schema: &str| server.psql("rekall", &format!("SELECT count(*) FROM {schema}.embedding")).unwrap();
    assert_eq!(count(to), count(from));
    beside("COPY of all that is stored, s", copied, ours);
}

/// A load by `COPY`, and how fast remembering is beside it.
fn beside(what: &str, copied: f64, ours: f64) {
    println!("{what:<44} {:>9} {copied:9.2}  remember is {:.2} x its speed", "", copied / ours);
}

fn copy(server: &Server, table: &str, rows: &str) {
    copy_into(server, table, "", rows.as_bytes());
}

fn copy_into(server: &Server, table: &str, options: &str, rows: &[u8]) {
    let mut psql = server.psql_command("rekall");
    psql.args(["-c", "SET session_replication_role = replica"]);
    psql.args(["-c", &format!("COPY {table} FROM STDIN {options}")]).stdin(Stdio::piped());
    let mut psql = psql.spawn().unwrap();
    psql.stdin.take().unwrap().write_all(rows).unwrap();
    assert!(psql.wait().unwrap().success());
}

fn searches(file: &str, url: &str) {
    let (file, url) = (open(file), open(url));
    let mut vectors = Vectors::new(DIMENSIONS, 3);
    let questions = common::questions();
    let trip = round_trip(&url);
    println!("{:<44} {:>9} {trip:9.2}", "a round trip, ms", "");
    for (name, mode) in [("meaning", Mode::Semantic), ("words", Mode::Text), ("both", Mode::Hybrid)] {
        let [mut in_file, mut on_server] = [Vec::new(), Vec::new()];
        for question in questions.iter().cycle().take(ROUNDS + 1) {
            let vector = vectors.next();
            for (rekall, times) in [(&file, &mut in_file), (&url, &mut on_server)] {
                let search = rekall.recall(question.as_str()).vector(&vector).mode(mode).limit(TOP);
                let started = Instant::now();
                let found = search.run().unwrap();
                times.push(started.elapsed().as_secs_f64() * 1e3);
                assert!(mode == Mode::Text || found.len() == TOP);
            }
        }
        let (in_file, on_server) = (median(in_file), median(on_server));
        row(&format!("search by {name}, ms"), in_file, on_server, "");
    }
}

fn first_answers(file: &str, url: &str) {
    let [mut in_file, mut on_server] = [Vec::new(), Vec::new()];
    for _ in 0..11 {
        for (place, times) in [(file, &mut in_file), (url, &mut on_server)] {
            let mut process = Command::new(env::current_exe().unwrap());
            process.env(FIRST_ANSWER, place);
            times.push(seconds(|| assert!(process.status().unwrap().success())) * 1e3);
        }
    }
    row("a new process' first answer, ms", median(in_file), median(on_server), "");
}

/// pgvector's exact scan over the same vectors, as `psql` times it, and what a search of ours takes beside it, in turns of [`RUN`] searches.
fn pgvector(server: &Server, url: &str, rows: &[f32]) {
    let table = format!(
        "CREATE EXTENSION vector; CREATE TABLE plain_pgvector (id bigint PRIMARY KEY, v vector({DIMENSIONS}))"
    );
    for statement in table.split(';') {
        server.psql("rekall", statement).unwrap();
    }
    let mut text = String::new();
    for (id, row) in rows.chunks(DIMENSIONS).enumerate() {
        writeln!(text, "{id}\t{row:?}").unwrap();
    }
    copy(server, "plain_pgvector", &text);
    server.psql("rekall", "VACUUM ANALYZE plain_pgvector").unwrap();
    let rekall = open(url);
    let mut vectors = Vectors::new(DIMENSIONS, 4);
    let [mut plain, mut ours] = [Vec::new(), Vec::new()];
    rekall.recall_vector(vectors.next()).limit(TOP).run().unwrap();
    for _ in 0..ROUNDS.div_ceil(RUN) {
        let queries: Vec<Vec<f32>> = (0..RUN).map(|_| vectors.next()).collect();
        for vector in &queries {
            let started = Instant::now();
            rekall.recall_vector(vector).limit(TOP).run().unwrap();
            ours.push(started.elapsed().as_secs_f64() * 1e3);
        }
        let statement = |vector| {
            format!("SELECT id FROM plain_pgvector ORDER BY (v <#> '{vector:?}') + 0, id LIMIT {TOP}")
        };
        plain.extend(timed(server, &queries.iter().map(statement).collect::<Vec<_>>()));
    }
    let (plain, ours) = (median(plain), median(ours));
    println!(
        "{:<44} {:>9} {plain:9.2}  {:.1} x ours ({ours:.2})",
        "pgvector's exact scan, ms",
        "",
        plain / ours
    );
}

/// Searches by the server itself, exactly and by a graph, beside those in the process; making the table and the graph; how much the graph finds.
fn pushed(url: &str) {
    let open = |backend| {
        let builder = Rekall::builder(url).vectors_of("bench", DIMENSIONS).vector_backend(backend);
        builder.open().unwrap()
    };
    let flat = open(VectorBackend::Flat);
    for backend in [VectorBackend::Pgvector, VectorBackend::PgvectorHnsw] {
        let (pushed, mut vectors) = (open(backend), Vectors::new(DIMENSIONS, 5));
        let made = seconds(|| pushed.rebuild_index().run().unwrap());
        println!("{:<44} {:>9} {made:9.2}", format!("making the table of {backend}, s"), "");
        let [mut in_process, mut on_server] = [Vec::new(), Vec::new()];
        let mut right = 0;
        for round in 0..=ROUNDS {
            let vector = vectors.next();
            let mut found =
                [&flat, &pushed].into_iter().zip([&mut in_process, &mut on_server]).map(|(rekall, times)| {
                    let started = Instant::now();
                    let found = rekall.recall_vector(&vector).limit(TOP).run().unwrap();
                    // The first one reads what is there.
                    times.extend((round > 0).then(|| started.elapsed().as_secs_f64() * 1e3));
                    found.iter().map(|hit| hit.entry.id).collect::<Vec<_>>()
                });
            let (exact, other) = (found.next().unwrap(), found.next().unwrap());
            assert_eq!(other.len(), TOP);
            right += exact.iter().filter(|id| other.contains(id)).count();
        }
        let recall = right as f64 / (TOP * (ROUNDS + 1)) as f64;
        let (in_process, on_server) = (median(in_process), median(on_server));
        println!(
            "{:<44} {in_process:>9.2} {on_server:9.2}  {:.2} x flat in the process; recall@{TOP} {recall:.3}",
            format!("search by {backend}, ms"),
            on_server / in_process
        );
    }
}

/// Milliseconds that each statement takes, after the first one ran once before, in the same session.
fn timed(server: &Server, statements: &[String]) -> Vec<f64> {
    let mut psql = server.psql_command("rekall");
    psql.args(["-c", &statements[0], "-c", r"\timing on"]);
    for statement in statements {
        psql.args(["-c", statement]);
    }
    let output = String::from_utf8(psql.output().unwrap().stdout).unwrap();
    let times = output.lines().filter_map(|line| line.strip_prefix("Time: "));
    let times: Vec<f64> = times.map(|time| time.split(' ').next().unwrap().parse().unwrap()).collect();
    assert_eq!(times.len(), statements.len());
    times
}

/// A transaction that reads one number: what the way to the server and back costs.
fn round_trip(rekall: &Rekall) -> f64 {
    let times = (0..200).map(|_| seconds(|| assert!(rekall.change_position().is_ok())) * 1e3);
    median(times.collect())
}

fn seconds(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64()
}
