//! `cargo xtask bench-processes [PROCESSES]...`: the memory of several processes with all-MiniLM-L6-v2, in floats and in eight
//! bits, of a folder (where each has its own matrices) and of the hub's cache (where all map one file), without a host and with one.

use crate::model::{reference_cache, reference_files};
use crate::run::{Outcome, cargo, step, target};

pub(crate) fn bench_processes(arguments: &[String]) -> Outcome {
    let cache = reference_cache()?;
    let folder = format!("path:{}", reference_files(&cache)?.display());
    let mut build = cargo(&["build", "--quiet", "--release", "-p", "rekall-model"]);
    build.args(["--features", "host,hub", "--example", "many_processes"]);
    step("the example", &mut build)?;
    let example = target().join("release/examples/many_processes");
    for (name, source) in
        [("of a folder", folder.as_str()), ("of the hub", "hub:sentence-transformers/all-MiniLM-L6-v2")]
    {
        for precision in ["f32", "int8"] {
            let mut measure = std::process::Command::new(&example);
            measure.arg(source).args(arguments).env("PRECISION", precision).env("HF_HUB_CACHE", &cache);
            step(&format!("{name}, {precision}"), &mut measure)?;
            step(&format!("{name}, {precision}, with a host"), measure.env("HOST", "1"))?;
        }
    }
    Ok(())
}
