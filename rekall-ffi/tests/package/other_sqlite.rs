//! A program that brings an SQLite of its own: each side uses its own, whichever library of ours it links.
#![cfg(feature = "bundled-sqlite")]

use std::fs;
use std::process::Command;

use crate::toolchain::{self, skip};
use crate::tree::{folder, link};

/// Remembers and recalls by words, then says what its own SQLite is.
const PROGRAM: &str = r#"
#include <rekall.h>
#include <stdio.h>
#include "own.h"

int main(void)
{
    rekall_error *error = NULL;
    rekall_db *db = NULL;
    rekall_hits *hits = NULL;
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_new_entry note = REKALL_NEW_ENTRY_INIT;
    rekall_status status;

    options.flags = REKALL_OPEN_NO_MODEL;
    if (own_sqlite_works() != 0) return 2;
    if ((status = rekall_open("memory.db", &options, &db, &error))) goto end;
    note.title = rekall_text("two libraries");
    if ((status = rekall_remember(db, &note, NULL, NULL, &error))) goto end;
    if ((status = rekall_recall(db, "libraries", REKALL_NTS, NULL, &hits, &error))) goto end;
    if (own_sqlite_works() != 0) return 3;
    printf("%lu hit, own SQLite %s\n", (unsigned long)rekall_hits_count(hits), sqlite3_libversion());
end:
    if (status) fprintf(stderr, "%s\n", rekall_error_message(error));
    rekall_hits_free(hits);
    rekall_error_free(error);
    rekall_close(db);
    return status;
}
"#;

/// Functions with SQLite's names that would wreck whoever took them for SQLite's.
const PRETENDED: &str = r#"
const char *sqlite3_libversion(void);
int own_sqlite_works(void);
"#;
const PRETENDED_BODY: &str = r#"
#include "own.h"
const char *sqlite3_libversion(void) { return "pretended"; }
int sqlite3_initialize(void) { return 4711; }
int sqlite3_open(const char *path, void **db) { (void)path; (void)db; return 4711; }
int sqlite3_open_v2(const char *path, void **db, int flags, const char *vfs)
{
    (void)path; (void)db; (void)flags; (void)vfs;
    return 4711;
}
int sqlite3_prepare_v3(void) { return 4711; }
int sqlite3_step(void *statement) { (void)statement; return 4711; }
void *sqlite3_malloc(int size) { (void)size; return 0; }
int own_sqlite_works(void) { return sqlite3_step(0) == 4711 ? 0 : 1; }
"#;

/// The system's.
const REAL: &str = r#"
#include <sqlite3.h>
static int own_sqlite_works(void)
{
    sqlite3 *db = NULL;
    int status = sqlite3_open(":memory:", &db);
    if (status == SQLITE_OK) status = sqlite3_exec(db, "CREATE TABLE t (x); INSERT INTO t VALUES (1)", NULL, NULL, NULL);
    sqlite3_close(db);
    return status;
}
"#;

/// Links the program with some SQLite, and with our library in both ways; what it prints.
fn answers_with(own: &str, body: Option<&str>, flags: &[&str], name: &str) -> Vec<String> {
    [false, true]
        .into_iter()
        .map(|is_static| {
            let place = folder(&format!("{name}-{is_static}"));
            let program = place.join("program");
            fs::write(place.join("main.c"), PROGRAM).unwrap();
            fs::write(place.join("own.h"), own).unwrap();
            let mut command = Command::new("cc");
            command.arg("-o").arg(&program).arg(place.join("main.c"));
            if let Some(body) = body {
                fs::write(place.join("own.c"), body).unwrap();
                command.arg(place.join("own.c"));
            }
            // Their names are to be seen by shared libraries, too: that is the harder case.
            toolchain::run(link(&mut command, is_static).args(flags).arg("-rdynamic"));
            let output = toolchain::run(Command::new(&program).current_dir(&place));
            String::from_utf8(output.stdout).unwrap()
        })
        .collect()
}

#[test]
fn functions_with_the_names_of_sqlite_do_not_get_in_the_way() {
    for text in answers_with(PRETENDED, Some(PRETENDED_BODY), &[], "pretended") {
        assert_eq!(text, "1 hit, own SQLite pretended\n");
    }
}

#[test]
fn the_system_s_sqlite_lives_beside_ours() {
    let place = folder("sqlite-version");
    let probe = place.join("probe.c");
    fs::write(
        &probe,
        "#include <stdio.h>\n#include <sqlite3.h>\nint main(void) { puts(SQLITE_VERSION); return 0; }\n",
    )
    .unwrap();
    let mut command = Command::new("cc");
    command.arg(&probe).arg("-o").arg(place.join("probe")).arg("-lsqlite3");
    if !command.output().is_ok_and(|output| output.status.success()) {
        return skip("sqlite3.h, or no -lsqlite3");
    }
    let output = toolchain::run(&mut Command::new(place.join("probe")));
    let version = String::from_utf8(output.stdout).unwrap();
    for text in answers_with(REAL, None, &["-lsqlite3"], "system") {
        assert_eq!(text, format!("1 hit, own SQLite {version}"));
    }
}
