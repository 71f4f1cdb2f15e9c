//! What a program of the installed library leaves behind in memory, and how much stack its calls need.

use std::fs;
use std::process::Command;

use crate::toolchain::{self, answers, skip};
use crate::tree::{folder, link};

/// A bit of everything, by index backend: a few dozen entries, searches, the whole upkeep.
const PROGRAM: &str = r#"
#define _GNU_SOURCE
#include <rekall.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MUST(call) do { if ((status = (call)) != REKALL_OK) goto end; } while (0)

static int work(const char *name)
{
    char path[64], copy[64], saved[64], lines[64], title[64];
    int i;
    rekall_error *error = NULL;
    rekall_db *db = NULL;
    rekall_hits *hits = NULL;
    rekall_page *page = NULL;
    rekall_report *reports[5] = {NULL, NULL, NULL, NULL, NULL};
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_new_entry note = REKALL_NEW_ENTRY_INIT;
    rekall_status status;

    snprintf(path, sizeof path, "%s.db", name);
    snprintf(copy, sizeof copy, "%s.copy", name);
    snprintf(saved, sizeof saved, "%s.saved", name);
    snprintf(lines, sizeof lines, "%s.jsonl", name);
    if (!rekall_has_feature(REKALL_FEATURE_BUNDLED_MODEL)) options.flags = REKALL_OPEN_NO_MODEL;
    options.vector_backend = name;
    MUST(rekall_open(path, &options, &db, &error));
    for (i = 0; i < 40; i++) {
        snprintf(title, sizeof title, "CORS fails on Safari %d", i);
        note.title = rekall_text(title);
        note.content = rekall_text("The preflight request is cached for too long; a header of the server shortens it.");
        MUST(rekall_remember(db, &note, NULL, NULL, &error));
    }
    MUST(rekall_recall(db, "safari asks too often", REKALL_NTS, NULL, &hits, &error));
    MUST(rekall_list(db, NULL, NULL, 100, &page, &error));
    MUST(rekall_rebuild_index(db, NULL, &error));
    MUST(rekall_check(db, NULL, &reports[0], &error));
    MUST(rekall_repair(db, NULL, &reports[1], &error));
    MUST(rekall_export_jsonl(db, lines, REKALL_EXPORT_ALL, NULL, &reports[2], &error));
    MUST(rekall_backup(db, copy, NULL, &error));
    MUST(rekall_compact(db, NULL, &reports[3], &error));
    MUST(rekall_salvage(copy, saved, NULL, &reports[4], &error));
    if (rekall_hits_count(hits) == 0) status = -1;
end:
    if (status) fprintf(stderr, "%d %s\n", (int)status, rekall_error_message(error));
    for (i = 0; i < 5; i++) rekall_report_free(reports[i]);
    rekall_page_free(page);
    rekall_hits_free(hits);
    rekall_error_free(error);
    rekall_close(db);
    return status;
}

static void *on_thread(void *name)
{
    return (void *)(long)work(name);
}

/* Runs on a thread whose stack was painted before; the bytes of it that were used, or 0. */
static size_t stack_of(const char *name)
{
    const size_t size = 4096 * 1024;
    size_t clean = 0;
    void *failed = NULL;
    pthread_t thread;
    pthread_attr_t attributes;
    unsigned char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset(stack, 0xa5, size);
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, size);
    if (pthread_create(&thread, &attributes, on_thread, (void *)name)) return 0;
    pthread_join(thread, &failed);
    while (clean < size && stack[clean] == 0xa5) clean++;
    munmap(stack, size);
    return failed ? 0 : size - clean;
}
"#;

const PLAIN: &str = "int main(void) { return work(\"flat\"); }\n";

const PAINTED: &str = r#"
int main(int count, char **names)
{
    int i;
    for (i = 1; i < count; i++) printf("%lu\n", (unsigned long)stack_of(names[i]));
    return 0;
}
"#;

/// The program, compiled with the installed library.
fn build(main: &str, is_static: bool, name: &str) -> Command {
    let place = folder(&format!("{name}-{is_static}"));
    let (source, program) = (place.join("program.c"), place.join("program"));
    fs::write(&source, format!("{PROGRAM}{main}")).unwrap();
    let mut command = Command::new("cc");
    command.arg("-g").arg(&source).arg("-o").arg(&program).arg("-pthread");
    toolchain::run(link(&mut command, is_static));
    let mut run = Command::new(&program);
    run.current_dir(&place);
    run
}

/// With its usual settings it also reports what only an inner pointer leads to.
#[test]
fn valgrind_finds_nothing_with_its_usual_settings() {
    if !answers("valgrind") {
        return skip("valgrind");
    }
    for is_static in [false, true] {
        let program = build(PLAIN, is_static, "valgrind");
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--quiet", "--leak-check=full", "--error-exitcode=9"]).arg(program.get_program());
        let output = toolchain::run(valgrind.current_dir(program.get_current_dir().unwrap()));
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// What docs/c.md states, in KB. This build of the library is optimized less than the one that is handed out, which needs less.
fn stated() -> u64 {
    let guide = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/c.md")).unwrap();
    // Wherever the lines break.
    let guide = guide.split_whitespace().collect::<Vec<_>>().join(" ");
    let stated = guide.split_once("A thread that calls the library needs ");
    let (_, rest) = stated.expect("the guide says how much");
    rest.split_once(" KB").unwrap().0.parse().unwrap()
}

#[test]
fn a_small_stack_is_enough() {
    let mut backends = vec!["flat", "sq8", "binary"];
    if cfg!(feature = "sqlite-vec") {
        backends.push("sqlite-vec");
    }
    for is_static in [false, true] {
        let output = toolchain::run(build(PAINTED, is_static, "stack").args(&backends));
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.lines().count(), backends.len(), "{text}");
        for (backend, used) in backends.iter().zip(text.lines()) {
            let used: u64 = used.parse().unwrap();
            println!("{backend}, static: {is_static}: {used} bytes of stack");
            assert!(used > 4096, "{backend} failed");
            assert!(used < stated() * 1024, "{backend}: {used} bytes");
        }
    }
}
