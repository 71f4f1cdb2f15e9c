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
  --steps N       batches of 1024 pairs (default: 6000)
  --out FOLDER    the model (default: target/training/model)
  --gather        also make pairs out of the packages of xtask/training/packages.tsv (20 minutes, 1 GB)

On two cores some 60 minutes for 1.4 million pairs, half of them for the teacher's vectors; 3 GB under
target/training, and up to 6 GB of memory. Each step writes target/training/logs/STEP.log.";

struct Options {
    pairs: Vec<PathBuf>,
    sets: Option<PathBuf>,
    seed: u64,
    steps: u64,
    out: PathBuf,
    gather: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let (mut pairs, mut sets, mut seed, mut steps, mut gather) = (Vec::new(), None, 1, 6000, false);
        let mut out = target().join("training/model");
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--pairs" => pairs.push(PathBuf::from(value()?)),
                "--sets" => sets = Some(PathBuf::from(value()?)),
                "--seed" => seed = number(name, value()?)?,
                "--steps" => steps = number(name, value()?)?,
                "--out" => out = PathBuf::from(value()?),
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
    /// Whether a step has run, so that the results of later ones are of an earlier run.
    has_run: bool,
}

impl Recipe {
    fn new(work: &Path, python: PathBuf) -> Result<Self, String> {
        for folder in ["logs", "done"] {
            let folder = work.join(folder);
            fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        Ok(Self { work: work.to_owned(), python, has_run: false })
    }

    fn run(&mut self, options: &Options, teacher: &Teacher) -> Outcome {
        let work = self.work.clone();
        let at = |name: &str| work.join(name).display().to_string();
        let (pairs, sets, seed) = (
            at("pairs"),
            options.sets.as_ref().map(|sets| sets.display().to_string()),
            options.seed.to_string(),
        );
        let (tokenizer, encoded, taught) =
            (at("tokenizer/tokenizer.json"), at("encoded.npz"), at("taught.npz"));
        let (start, rows, out) = (at("start.npy"), at("rows.npy"), options.out.display().to_string());
        let sources = root().join(SCRIPTS).join("sources.tsv").display().to_string();
        let (gathered, gathered_sources) = (at("gathered"), at("gathered/sources.tsv"));
        let earlier = root().join("rekall-model-v1/data").display().to_string();
        let (model, embedder) =
            (format!("path:{}", teacher.model.display()), teacher.embedder.display().to_string());
        let by_teacher = ["--teacher", &model, "--embedder", &embedder];

        let mut clean: Vec<String> =
            options.pairs.iter().map(|folder| folder.display().to_string()).collect();
        let mut lists = vec![sources.as_str()];
        if options.gather {
            self.script("gather", &[&[&gathered]])?;
            clean.push(gathered.clone());
            lists.push(&gathered_sources);
        }
        let clean: Vec<&str> = clean.iter().map(String::as_str).collect();
        let judged: &[&str] = match &sets {
            Some(sets) => &["--sets", sets],
            None => &[],
        };
        self.script("clean", &[&clean, &["--out", &pairs], judged, &["--sources"], &lists])?;
        if sets.is_some() {
            self.script("overlap", &[&[&pairs], judged])?;
        }
        self.script("make_tokenizer", &[&[&pairs, &at("tokenizer")]])?;
        self.script("encode_pairs", &[&[&pairs, &tokenizer, &encoded]])?;
        self.script("teach", &[&[&pairs, &taught, "--seed", &seed], &by_teacher])?;
        self.script("mine_negatives", &[&[&taught]])?;
        let start_of = [&encoded, &tokenizer, &taught, &start, "--earlier", &earlier, "--seed", &seed];
        self.script("start_rows", &[&start_of, &by_teacher])?;
        let steps = options.steps.to_string();
        let learn = ["--taught", &taught, "--steps", &steps, "--seed", &seed];
        self.script("train", &[&[&encoded, &tokenizer, &start, &rows], &learn])?;
        self.script("quantize", &[&[&rows, &tokenizer, &out]])?;
        match &sets {
            Some(sets) => self.script("measure", &[&[sets, &tokenizer, &format!("{out}/model2vec")]]),
            None => Ok(()),
        }
    }

    /// Runs a script with its arguments, given in parts, unless the same command is done.
    fn script(&mut self, name: &str, arguments: &[&[&str]]) -> Outcome {
        let arguments = arguments.concat();
        let (log, done) =
            (self.work.join(format!("logs/{name}.log")), self.work.join(format!("done/{name}")));
        let command_line = arguments.join("\n");
        if !self.has_run && fs::read_to_string(&done).is_ok_and(|earlier| earlier == command_line) {
            println!("== {name}: done before");
            return Ok(());
        }
        self.has_run = true;
        println!("== {name}: {}", log.display());
        let file = |error| format!("{}: {error}", log.display());
        let output = File::create(&log).map_err(file)?;
        let mut command = Command::new(&self.python);
        command.arg(root().join(SCRIPTS).join(format!("{name}.py"))).args(&arguments);
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1");
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
        assert_eq!(options.pairs, [PathBuf::from("a"), PathBuf::from("b")]);
        assert_eq!((options.seed, options.steps, options.gather), (7, 6000, false));
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

    #[test]
    fn a_step_runs_again_when_its_command_or_an_earlier_step_has_changed() {
        let work = std::env::temp_dir().join(format!("rekall-recipe-{}", std::process::id()));
        let ran = |recipe: &mut Recipe, name: &str, arguments: &[&str]| {
            recipe.has_run = false;
            recipe.script(name, &[arguments]).unwrap();
            recipe.has_run
        };
        // `true` takes any arguments and does nothing.
        let mut recipe = Recipe::new(&work, PathBuf::from("true")).unwrap();
        assert!(ran(&mut recipe, "clean", &["a"]));
        assert!(!ran(&mut recipe, "clean", &["a"]));
        assert!(ran(&mut recipe, "clean", &["b"]));
        assert!(ran(&mut recipe, "train", &["x"]));
        recipe.has_run = true;
        fs::remove_file(work.join("done/train")).unwrap();
        recipe.script("train", &[&["x"]]).unwrap();
        assert!(work.join("done/train").exists());
        // One that fails is not done.
        let mut failing = Recipe::new(&work, PathBuf::from("false")).unwrap();
        let message = failing.script("train", &[&["y"]]).unwrap_err();
        assert!(message.contains("train.log"), "{message}");
        assert_ne!(fs::read_to_string(work.join("done/train")).unwrap(), "y");
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
