//! `cargo xtask train-model`: the built-in static model, from pairs of texts to a folder that can be loaded by its path.
//!
//! Runs the scripts of xtask/training one after another, each in the environment with their packages. A step is skipped
//! when it was done with the same command, and none before it had to run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::model::{reference_cache, reference_files};
use crate::run::{Outcome, cargo, root, step, target};
use crate::venv::environment;

/// The folder of the scripts.
pub(crate) const SCRIPTS: &str = "xtask/training";

const HELP: &str = "\
usage: cargo xtask train-model --pairs FOLDER ... [--sets FOLDER] [--seed N] [--steps N] [--out FOLDER] [--gather]

Trains the built-in static model. xtask/training/README.md describes the recipe.

  --pairs FOLDER  files of pairs, NAME.tsv or NAME.tsv.zst; may be given several times
  --sets FOLDER   judged sets: what overlaps them is left out of the pairs, and the model is measured on them;
                  without, neither is done
  --seed N        seed of each step that chooses at random (default: 1)
  --steps N       batches of the first of train.py's two stages (default: its own)
  --out FOLDER    the model (default: target/training/model)
  --gather        also make pairs out of the packages of xtask/training/packages.tsv (10 minutes, 0.5 GB)

By the times of its steps, some 60 minutes on two cores for 1.4 million pairs, half of them for the teacher's vectors; 3 GB under
target/training, and up to 6 GB of memory. Each step writes target/training/logs/STEP.log.";

struct Options {
    pairs: Vec<PathBuf>,
    sets: Option<PathBuf>,
    seed: u64,
    steps: Option<u64>,
    out: PathBuf,
    gather: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let (mut pairs, mut sets, mut seed, mut steps, mut gather) = (Vec::new(), None, 1, None, false);
        let mut out = target().join("training/model");
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--pairs" => pairs.push(absolute(value()?)?),
                "--sets" => sets = Some(absolute(value()?)?),
                "--seed" => seed = number(name, value()?)?,
                "--steps" => steps = Some(number(name, value()?)?),
                "--out" => out = absolute(value()?)?,
                "--gather" => gather = true,
                _ => return Err(format!("unknown argument {name}\n{HELP}")),
            }
        }
        if pairs.is_empty() && !gather {
            return Err(format!("expected --pairs or --gather\n{HELP}"));
        }
        Ok(Self { pairs, sets, seed, steps, out, gather })
    }
}

/// Scripts run in a folder of their own, so a path of the caller's has to be whole.
fn absolute(path: &str) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("{path}: {error}"))
}

fn number(name: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{name}: expected a whole number, got {value:?}"))
}

pub(crate) fn train_model(arguments: &[String]) -> Outcome {
    if arguments.iter().any(|argument| argument == "--help") {
        println!("{HELP}");
        return Ok(());
    }
    let options = Options::parse(arguments)?;
    let work = target().join("training");
    let python = python()?;
    let teacher = reference_files(&reference_cache()?)?;
    let embedder =
        ["build", "--quiet", "--release", "--package", "rekall-model", "--features", "transformer"];
    step("the teacher's program", cargo(&embedder).args(["--example", "embed_texts"]))?;
    let mut recipe = Recipe::new(&work, python)?;
    recipe.run(
        &options,
        &Teacher { model: teacher, embedder: target().join("release/examples/embed_texts") },
    )?;
    println!("{}", options.out.display());
    Ok(())
}

/// The interpreter with the packages of the scripts.
pub(crate) fn python() -> Result<PathBuf, String> {
    environment(&target().join("training/venv"), &root().join(SCRIPTS).join("requirements.txt"))
}

/// The model whose vectors the static one learns from, and the program that computes them.
struct Teacher {
    model: PathBuf,
    embedder: PathBuf,
}

/// The steps, and which of them are done.
struct Recipe {
    work: PathBuf,
    python: PathBuf,
    /// The steps that are done, as long as none had to run: what later ones left is then of the same run.
    finished: Option<Vec<String>>,
}

impl Recipe {
    fn new(work: &Path, python: PathBuf) -> Result<Self, String> {
        for folder in ["logs", "done"] {
            let folder = work.join(folder);
            fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        Ok(Self { work: work.to_owned(), python, finished: Some(Vec::new()) })
    }

    fn run(&mut self, options: &Options, teacher: &Teacher) -> Outcome {
        const TOKENIZER: &str = "tokenizer/tokenizer.json";
        const TAUGHT: [&str; 3] = ["--taught", "taught.npz", "words.npz"];
        let text = |path: &Path| path.display().to_string();
        let (sources, out) = (text(&root().join(SCRIPTS).join("sources.tsv")), text(&options.out));
        let (model, embedder) = (format!("path:{}", text(&teacher.model)), text(&teacher.embedder));
        let by_teacher = ["--teacher", &model, "--embedder", &embedder];
        let seed = options.seed.to_string();
        let seed = ["--seed", &seed];

        let mut folders: Vec<String> = options.pairs.iter().map(|folder| text(folder)).collect();
        let mut lists = vec!["--sources", &sources];
        if options.gather {
            self.script("gather", &[&["gathered"]])?;
            folders.push("gathered".to_owned());
            lists.push("gathered/sources.tsv");
        }
        let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
        match options.sets.as_deref().map(text) {
            Some(sets) => {
                let judged = ["--sets", &sets];
                self.script("clean", &[&folders, &["--out", "pairs"], &judged, &lists])?;
                self.script("overlap", &[&["pairs"], &judged])?;
            }
            None => self.script("clean", &[&folders, &["--out", "pairs"], &lists])?,
        }
        self.script("make_tokenizer", &[&["pairs", "tokenizer"]])?;
        self.script("encode_pairs", &[&["pairs", TOKENIZER, "encoded.npz"]])?;
        self.script("teach", &[&["pairs", "taught.npz"], &seed, &by_teacher])?;
        let of_words = ["pairs", "words.npz", "--source", "wordnet", "--count", "40000"];
        self.step("teach_words", "teach", &[&of_words, &seed, &by_teacher])?;
        self.script("mine_negatives", &[&["taught.npz"]])?;
        let earlier = text(&root().join("rekall-model-v1/data"));
        let started = ["encoded.npz", TOKENIZER, "start.npy", "--earlier", &earlier];
        self.script("start_rows", &[&started, &TAUGHT, &seed, &by_teacher])?;
        let steps = options.steps.map(|steps| steps.to_string());
        let steps = steps.as_ref().map_or(vec![], |steps| vec!["--steps", steps.as_str()]);
        let mut runs = Vec::new();
        for schedule in ["plain", "openings", "teacher"] {
            let rows = format!("rows_{schedule}.npy");
            let run = ["encoded.npz", TOKENIZER, "start.npy", &rows, "--schedule", schedule];
            self.step(&format!("train_{schedule}"), "train", &[&run, &TAUGHT, &steps, &seed])?;
            runs.push(rows);
        }
        let runs: Vec<&str> = runs.iter().map(String::as_str).collect();
        self.script("average_rows", &[&["rows.npy"], &runs, &["--start", "start.npy"]])?;
        let fewer = ["--dimensions", "320", "--flatten", "0.2"];
        self.script("reduce_rows", &[&["rows.npy", TOKENIZER, "reduced.npy"], &fewer])?;
        self.script("quantize", &[&["reduced.npy", TOKENIZER, &out]])?;
        match options.sets.as_deref().map(text) {
            Some(sets) => self.script("measure", &[&[&sets, TOKENIZER, &format!("{out}/model2vec")]]),
            None => Ok(()),
        }
    }

    /// Runs the step that is a script with one use; its arguments are given in parts.
    fn script(&mut self, name: &str, arguments: &[&[&str]]) -> Outcome {
        self.step(name, name, arguments)
    }

    /// Runs a step unless it is done with the same arguments.
    fn step(&mut self, name: &str, script: &str, arguments: &[&[&str]]) -> Outcome {
        let arguments = arguments.concat();
        let (log, done) =
            (self.work.join(format!("logs/{name}.log")), self.work.join(format!("done/{name}")));
        let command_line = arguments.join("\n");
        if let Some(finished) = &mut self.finished {
            if fs::read_to_string(&done).is_ok_and(|earlier| earlier == command_line) {
                println!("== {name}: done before");
                finished.push(name.to_owned());
                return Ok(());
            }
            self.forget_others()?;
        }
        println!("== {name}: {}", log.display());
        let file = |error| format!("{}: {error}", log.display());
        let output = File::create(&log).map_err(file)?;
        let mut command = Command::new(&self.python);
        command.arg(root().join(SCRIPTS).join(format!("{script}.py"))).args(&arguments);
        command.current_dir(&self.work).env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1");
        command.stdout(output.try_clone().map_err(file)?).stderr(output);
        let started = Instant::now();
        let status = command.status().map_err(|error| format!("{name}: {error}"))?;
        print!("{}", last_lines(&fs::read_to_string(&log).unwrap_or_default()));
        println!("== {name}: {:.0} s", started.elapsed().as_secs_f64());
        if !status.success() {
            return Err(format!("{name}: {status}; see {}", log.display()));
        }
        fs::write(&done, command_line).map_err(|error| format!("{}: {error}", done.display()))
    }

    /// From now on each step runs, also in a later call if this one is stopped in between.
    fn forget_others(&mut self) -> Outcome {
        let finished = self.finished.take().unwrap_or_default();
        let failed = |error| format!("{}: {error}", self.work.join("done").display());
        for entry in fs::read_dir(self.work.join("done")).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if !finished.iter().any(|name| entry.file_name() == name.as_str()) {
                fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// The end of a log, where a script says what came of it.
fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let last = lines.get(lines.len().saturating_sub(12)..).unwrap_or_default();
    last.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_are_read_or_named() {
        let options = parse("--pairs a --pairs b --sets s --seed 7").unwrap();
        assert_eq!(options.pairs, [absolute("a").unwrap(), absolute("b").unwrap()]);
        assert_eq!((options.seed, options.steps, options.gather), (7, None, false));
        for (line, part) in [
            ("--sets s", "expected --pairs or --gather"),
            ("--pairs a --sets", "--sets needs a value"),
            ("--seed x", "--seed: expected a whole number, got \"x\""),
            ("--speed 1", "unknown argument --speed"),
        ] {
            let message = parse(line).err().unwrap_or_default();
            assert!(message.starts_with(part), "{line}: {message}");
        }
    }

    /// The names of the steps that run, of those with these arguments, by a program that succeeds or not.
    fn ran(work: &Path, program: &str, steps: &[(&'static str, &str)]) -> Vec<&'static str> {
        let mut recipe = Recipe::new(work, PathBuf::from(program)).unwrap();
        let mut ran = Vec::new();
        for (name, argument) in steps {
            let log = work.join("logs").join(format!("{name}.log"));
            let _ = fs::remove_file(&log);
            let outcome = recipe.script(name, &[&[argument]]);
            assert_eq!(outcome.is_ok(), program == "true", "{outcome:?}");
            ran.extend(log.exists().then_some(*name));
        }
        ran
    }

    #[test]
    fn a_step_runs_again_when_its_command_or_an_earlier_step_has_changed() {
        let work = std::env::temp_dir().join(format!("rekall-recipe-{}", std::process::id()));
        let steps = [("clean", "a"), ("teach", "b"), ("train", "c")];
        // `true` takes any arguments and does nothing, `false` fails.
        assert_eq!(ran(&work, "true", &steps), ["clean", "teach", "train"]);
        assert!(ran(&work, "true", &steps).is_empty());
        assert_eq!(ran(&work, "true", &[steps[0], ("teach", "new"), steps[2]]), ["teach", "train"]);
        // A run that ends after its first step: the steps that did not follow are not done.
        assert_eq!(ran(&work, "true", &[("clean", "new")]), ["clean"]);
        assert_eq!(ran(&work, "true", &[("clean", "new"), steps[1], steps[2]]), ["teach", "train"]);
        assert_eq!(ran(&work, "false", &[("clean", "other")]), ["clean"]);
        assert_eq!(ran(&work, "true", &[("clean", "other")]), ["clean"]);
        fs::remove_dir_all(work).unwrap();
    }

    /// The data side of the recipe has tests of its own, in Python's standard library.
    #[test]
    fn the_scripts_pass_their_tests() {
        let mut python = Command::new("python3");
        python.args([
            "-m",
            "unittest",
            "discover",
            "--top-level-directory",
            ".",
            "--start-directory",
            "tests",
        ]);
        python.current_dir(root().join(SCRIPTS)).env("PYTHONDONTWRITEBYTECODE", "1");
        let output = python.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
