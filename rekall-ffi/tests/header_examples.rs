//! The example of each topic of the header: it compiles, and does what it says, with a file of a few entries.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "support/generate.rs"]
#[allow(dead_code, reason = "shared with the header's tests")]
mod generate;
#[path = "support/toolchain.rs"]
mod toolchain;

use std::fs;
use std::process::Command;

/// What the examples call, and what each of them is given: an open file, and two entries in it.
const PRELUDE: &str = r#"#include "rekall.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int32_t show_progress(void *user_data, uint64_t done, uint64_t total)
{
    (void)user_data;
    return done > total && total > 0;
}

static void on_event(void *user_data, const rekall_event *event)
{
    (void)user_data;
    if (event->message == NULL) exit(3);
}

static int64_t read_clock(void *user_data)
{
    return *(const int64_t *)user_data;
}

static rekall_status count_letters(void *user_data, uint32_t purpose, const rekall_str *texts, size_t count,
                                   float *out_vectors, size_t dimensions)
{
    size_t text, at;
    (void)user_data;
    (void)purpose;
    for (text = 0; text < count; text++)
        for (at = 0; at < texts[text].len; at++)
            if (texts[text].data[at] >= 'a' && texts[text].data[at] <= 'z')
                out_vectors[text * dimensions + (size_t)(texts[text].data[at] - 'a')] += 1;
    return REKALL_OK;
}

static rekall_status prefer_short(void *user_data, rekall_str query, const rekall_str *passages, size_t count,
                                  float *out_scores)
{
    size_t at;
    (void)user_data;
    (void)query;
    for (at = 0; at < count; at++)
        out_scores[at] = -(float)passages[at].len;
    return REKALL_OK;
}

static void expect(rekall_status status, const rekall_error *error, const char *where)
{
    if (status) {
        printf("%s: %s\n", where, rekall_error_message(error));
        exit(1);
    }
}

static void remember(rekall_db *db, const char *title, rekall_id *id)
{
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    rekall_str tag = rekall_text("web");
    rekall_error *error = NULL;
    entry.title = rekall_text(title);
    entry.tags = &tag;
    entry.tags_count = 1;
    expect(rekall_remember(db, &entry, NULL, id, &error), error, title);
}
"#;

/// An example as a function of its own.
fn function(number: usize, code: &[String]) -> String {
    format!(
        "\nstatic void example_{number}(rekall_db *db, const char *id, const char *older)\n{{\n\
         \x20   rekall_error *error = NULL;\n    rekall_status status = REKALL_OK;\n\
         \x20   (void)db; (void)id; (void)older;\n    {{\n{}\n    }}\n    goto end;\nend:\n\
         \x20   expect(status, error, \"example {number}\");\n}}\n",
        code.join("\n")
    )
}

#[test]
fn each_topic_has_an_example_that_runs() {
    let topics = generate::topics::topics();
    let mut program = PRELUDE.to_owned();
    let mut calls = String::new();
    for (number, topic) in topics.iter().enumerate() {
        let code: Vec<String> =
            topic.introduction.iter().filter(|line| line.starts_with("    ")).cloned().collect();
        assert!(code.len() > 1, "{:?} has no example", topic.title);
        assert!(
            topic.names.iter().any(|name| code.iter().any(|line| line.contains(name.as_str()))),
            "the example of {:?} has nothing of it",
            topic.title
        );
        program.push_str(&function(number, &code));
        calls.push_str(&format!(
            "    remember(db, \"CORS fails on Safari\", &id);\n    remember(db, \"a build that fails\", &older);\n\
             \x20   example_{number}(db, id.text, older.text);\n"
        ));
    }
    program.push_str(&format!(
        "\nint main(void)\n{{\n    rekall_db *db = NULL;\n    rekall_error *error = NULL;\n    rekall_id id, older;\n\
         \x20   expect(rekall_open(\"examples.db\", NULL, &db, &error), error, \"open\");\n{calls}\
         \x20   rekall_close(db);\n    puts(\"done\");\n    return 0;\n}}\n"
    ));
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("examples.c"), folder.path().join("examples"));
    fs::write(&source, program).unwrap();
    for compiler in toolchain::c_compilers() {
        for standard in ["-std=c99", "-std=c17"] {
            toolchain::link_shared(compiler, &[&source], &[standard], &target);
        }
        if cfg!(all(feature = "bundled-model", feature = "hub")) {
            let output = toolchain::run(Command::new(&target).current_dir(folder.path()));
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.ends_with("done\n"), "{said}");
            assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
            for database in [
                "examples.db",
                "knowledge.db",
                "clock.db",
                "events.db",
                "own-model.db",
                "judged.db",
                "hub.db",
                "limits.db",
            ] {
                fs::remove_file(folder.path().join(database)).unwrap();
            }
            for made in ["copy.db", "export.jsonl"] {
                assert!(fs::metadata(folder.path().join(made)).unwrap().len() > 100, "{made}");
                fs::remove_file(folder.path().join(made)).unwrap();
            }
        }
    }
    if toolchain::c_compilers().is_empty() {
        toolchain::skip("C compiler");
    }
}
