//! `cargo xtask bench-postgres`: a memory on a server beside one in a file, and beside plain pgvector; a scope among many.

use crate::run::{Outcome, cargo, step};
use crate::tools;

pub(crate) fn bench_postgres(arguments: &[String]) -> Outcome {
    let postgres = tools::postgres()?;
    let bench = |name| {
        let mut bench = cargo(&["bench", "--features", "postgres", "--bench", name]);
        bench.env("REKALL_TEST_POSTGRES", &postgres);
        bench
    };
    step("benchmark", bench("on_a_server").arg("--").args(arguments))?;
    // With an argument only a part of the first one is asked for.
    if arguments.is_empty() { step("benchmark of scopes", &mut bench("many_scopes")) } else { Ok(()) }
}
