//! A first look: sample notes, twelve questions, and the times.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rekall::{Filter, Mode, NewEntry, Recalled};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::Cli;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::report::{Report, ms};
use crate::session::{Purpose, Session};
use crate::style::{Style, one_line};

/// In the program itself, so that it works from any folder.
const NOTES: &str = include_str!("../../data/notes.jsonl");
const QUESTIONS: &str = include_str!("../../data/questions.jsonl");

/// Hits shown for each question.
const SHOWN: usize = 3;

#[derive(Deserialize)]
struct Question {
    question: String,
    lang: String,
    expected_title: String,
    /// Whether it is one of those asked here.
    #[serde(default)]
    quickstart: bool,
}

struct Answer {
    question: Question,
    found: Recalled,
}

/// How long each step took.
struct Times {
    open: Duration,
    /// `None`: an earlier run remembered the notes.
    remember: Option<Duration>,
    first_search: Duration,
    median_search: Duration,
}

pub(crate) fn quickstart(cli: &Cli, style: Style) -> Result<Report, Failure> {
    // Only a database named on purpose gets sample notes; without one a temporary file will do, removed at
    // the end.
    match &cli.db {
        Some(path) => run(cli, path, style),
        None => {
            let folder = tempfile::tempdir()
                .map_err(|error| Failure::io("create a folder in", &std::env::temp_dir(), error))?;
            run(cli, &folder.path().join("quickstart.db"), style)
        }
    }
}

fn run(cli: &Cli, path: &Path, style: Style) -> Result<Report, Failure> {
    let notes = notes()?;
    let started = Instant::now();
    let session = Session::open_at(cli, path, Purpose::Write)?;
    let open = started.elapsed();

    // A second run on the same file must not double the notes.
    let sample = Filter::new().any_status().metadata("sample", "quickstart");
    let remember = if session.rekall.store().read()?.matching(&sample)?.is_empty() {
        let progress = Progress::new("remembering", notes.len());
        let started = Instant::now();
        session.rekall.remember_many(&notes).progress(|at| progress.set(at.done)).run()?;
        Some(started.elapsed())
    } else {
        None
    };

    // By meaning alone: a question's little words ("how", "the") would find notes by words too, and all that
    // is to be shown here is that no word has to be shared. Everyday searches are better off with both, the
    // default.
    let ask = |text: &str| {
        session.rekall.recall(text).mode(Mode::Semantic).filter(sample.clone()).limit(SHOWN).run()
    };
    let mut answers = Vec::new();
    for question in questions()? {
        let found = ask(&question.question)?;
        answers.push(Answer { question, found });
    }
    let times = Times {
        open,
        remember,
        first_search: answers.first().map_or(Duration::ZERO, |answer| answer.found.elapsed),
        median_search: median(answers.iter().map(|answer| answer.found.elapsed).collect()),
    };
    let text = text(&answers, notes.len(), &times, cli.db.as_deref(), style);
    let json = json!({
        "database": cli.db,
        "notes": notes.len(),
        "questions": answers.iter().map(answer_json).collect::<Vec<_>>(),
        "times": {
            "open_ms": ms(times.open),
            "remember_ms": times.remember.map(ms),
            "first_search_ms": ms(times.first_search),
            "median_search_ms": ms(times.median_search),
        },
    });
    Ok(Report::new(json, text).notes(session.notes()))
}

fn notes() -> Result<Vec<NewEntry>, Failure> {
    let mut notes = Vec::new();
    for line in NOTES.lines() {
        let mut note: HashMap<String, Value> = parse(line)?;
        let lang = note.remove("lang").unwrap_or_default();
        let note: NewEntry = serde_json::from_value(note.into_iter().collect()).map_err(unreadable)?;
        notes.push(note.metadata("sample", "quickstart").metadata("lang", lang));
    }
    Ok(notes)
}

fn questions() -> Result<Vec<Question>, Failure> {
    let mut all: Vec<Question> = QUESTIONS.lines().map(parse).collect::<Result<_, _>>()?;
    all.retain(|question| question.quickstart);
    Ok(all)
}

fn parse<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, Failure> {
    serde_json::from_str(line).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> Failure {
    Failure::Invalid { what: "examples/data", problem: error.to_string() }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

impl Answer {
    /// Place of the expected note among the hits, from 1.
    fn rank(&self) -> Option<usize> {
        self.found.iter().position(|hit| hit.entry.title == self.question.expected_title).map(|at| at + 1)
    }
}

fn answer_json(answer: &Answer) -> Value {
    json!({
        "question": answer.question.question,
        "lang": answer.question.lang,
        "expected": answer.question.expected_title,
        "rank": answer.rank(),
        "hits": answer.found.hits,
        "elapsed_ms": ms(answer.found.elapsed),
    })
}

fn text(answers: &[Answer], notes: usize, times: &Times, db: Option<&Path>, style: Style) -> String {
    let mut text = format!(
        "{notes} notes in English and French; {} questions that share no words with their answers, asked by\n\
         meaning alone (--mode semantic).\n\n",
        answers.len()
    );
    for answer in answers {
        let time = format!("{:.2} ms", answer.found.elapsed.as_secs_f64() * 1e3);
        text += &format!("{}  {}\n", style.bold(&answer.question.question), style.dim(time));
        for hit in &answer.found {
            let similarity = format!("{:.2}", hit.similarity.unwrap_or_default());
            let title = one_line(&hit.entry.title, style.columns() - 9);
            let expected = hit.entry.title == answer.question.expected_title;
            text += &format!("   {}  {title}\n", if expected { style.green(similarity) } else { similarity });
        }
        text.push('\n');
    }
    let show = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    let remembered = times.remember.map_or("an earlier run did".to_owned(), |time| {
        format!("{} (the model's loading included)", show(time))
    });
    text += &style.table(&[
        ("open", show(times.open)),
        (&format!("remember {notes} notes"), remembered),
        ("first search", format!("{} (the index's filling included)", show(times.first_search))),
        ("median search", show(times.median_search)),
    ]);
    let try_next =
        |arguments: &str| style.dim(format!("   cargo run --release --example cli -- {arguments}\n"));
    text += "\nTry next:\n";
    if let Some(db) = db {
        text += &try_next(&format!("--db {} search \"the site is slow\"", db.display()));
    }
    text += &try_next("add \"CORS fails on Safari\" --content \"The preflight answer lacks a header.\"");
    text += &try_next("index docs");
    text + &try_next("search \"browser blocks my API call\"")
}
