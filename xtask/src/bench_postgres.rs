//! `cargo xtask bench-postgres`: a memory on a server beside one in a file, and beside plain pgvector.

use crate::run::{Outcome, cargo, step};
use crate::tools;

pub(crate) fn bench_postgres(arguments: &[String]) -> Outcome {
    let mut bench = cargo(&["bench", "--features", "postgres", "--bench", "on_a_server"]);
    bench.arg("--").args(arguments).env("REKALL_TEST_POSTGRES", tools::postgres()?);
    step("benchmark", &mut bench)
}
