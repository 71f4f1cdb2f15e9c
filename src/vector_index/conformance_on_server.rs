//! The same on a server, where the server itself searches: rows are written by `psql`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use rekall_postgres::testing::Server;
use rekall_postgres::{PostgresOptions, PostgresStore};

use super::*;

/// A memory on a server that another program writes to.
struct OnServer {
    memory: Memory,
    psql: RefCell<Psql>,
}

/// A session that stays open.
struct Psql {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Psql {
    fn start(server: &Server, schema: &str) -> Self {
        let mut command = server.psql_command("rekall");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut psql = Self { process, input, output: BufReader::new(output) };
        psql.run(&format!("SET search_path TO {schema}"));
        psql
    }

    /// Runs statements in one transaction; gives the last number that they print.
    fn run(&mut self, sql: &str) -> usize {
        writeln!(self.input, "BEGIN;\n{sql};\nCOMMIT;\n\\echo done").unwrap();
        self.input.flush().unwrap();
        let mut number = 0;
        for line in (&mut self.output).lines() {
            match line.unwrap().as_str() {
                "done" => return number,
                line => number = line.parse().unwrap(),
            }
        }
        panic!("psql has ended: {sql}")
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A memory that the server searches, or, where there is no server, what passes anyhow.
fn pushed(dimensions: usize, treatment: Treatment) -> Box<dyn VectorIndex> {
    let Some(server) = Server::shared() else { return Box::new(FlatIndex::new(dimensions).unwrap()) };
    server.create_extension("vector");
    let url = server.memory_url();
    let (_, schema) = url.split_once("schema=").unwrap();
    let store: Arc<dyn Store> = Arc::new(PostgresStore::open(&url, &PostgresOptions::default()).unwrap());
    let psql = RefCell::new(Psql::start(server, schema));
    Box::new(OnServer { memory: of_store(store, dimensions, VectorBackend::Pgvector, None, treatment), psql })
}

impl OnServer {
    fn write(&self, sql: &str) -> usize {
        let count = self.psql.borrow_mut().run(sql);
        self.memory.wrote();
        count
    }
}

impl VectorSearch for OnServer {
    fn dimensions(&self) -> usize {
        self.memory.dimensions
    }

    fn len(&self) -> usize {
        self.memory.len()
    }

    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, Error> {
        self.memory.search(query, options)
    }

    fn search_batch(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Vec<Neighbor>>, Error> {
        self.memory.search_batch(queries, options)
    }

    fn memory_bytes(&self) -> usize {
        self.memory.memory_bytes()
    }
}

impl VectorIndex for OnServer {
    fn upsert(&mut self, keys: &[Key], vectors: &[f32]) -> Result<(), Error> {
        self.memory.rules.upsert(keys, vectors)?;
        self.memory.rules.clear()?;
        if keys.is_empty() {
            return Ok(());
        }
        // No statement may write a row twice: the last one wins.
        let last: BTreeMap<&Key, &[f32]> =
            keys.iter().zip(vectors.chunks_exact(self.memory.dimensions)).collect();
        let (mut entries, mut rows) = (String::new(), String::new());
        for (key, numbers) in &last {
            let entry = row(key.entry);
            write!(entries, ",({entry}, '{entry}', 'a', 0, 0)").unwrap();
            write!(rows, ",({entry}, (SELECT id FROM space), {}, {}, '\\x", key.role, key.chunk).unwrap();
            numbers
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .for_each(|byte| write!(rows, "{byte:02x}").unwrap());
            rows.push_str("')");
        }
        self.write(&format!(
            "INSERT INTO entry (id, ulid, title, created_at, updated_at) OVERRIDING SYSTEM VALUE VALUES {} ON CONFLICT DO NOTHING;
             INSERT INTO embedding (entry_id, space_id, role, chunk, vector) VALUES {}
                 ON CONFLICT (entry_id, space_id, role, chunk) DO UPDATE SET vector = excluded.vector",
            &entries[1..],
            &rows[1..]
        ));
        Ok(())
    }

    fn remove(&mut self, keys: &[Key]) -> Result<usize, Error> {
        let list: Vec<String> =
            keys.iter().map(|key| format!("({}, {}, {})", row(key.entry), key.role, key.chunk)).collect();
        if list.is_empty() {
            return Ok(0);
        }
        Ok(self.write(&counted(&format!("(entry_id, role, chunk) IN ({})", list.join(",")))))
    }

    fn remove_entry(&mut self, entry: i64) -> Result<usize, Error> {
        Ok(self.write(&counted(&format!("entry_id = {}", row(entry)))))
    }

    fn clear(&mut self) -> Result<(), Error> {
        self.write("DELETE FROM entry");
        Ok(())
    }
}

/// Deletes vectors, and says how many.
fn counted(condition: &str) -> String {
    format!("WITH gone AS (DELETE FROM embedding WHERE {condition} RETURNING 1) SELECT count(*) FROM gone")
}

conformance!(pgvector, |dimensions| pushed(dimensions, Treatment::Nothing));
conformance!(rebuilt_pgvector, |dimensions| pushed(dimensions, Treatment::Persist));
