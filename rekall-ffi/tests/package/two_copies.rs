//! Two copies of the shared library in one process, as two plugins of a host may bring them.

use std::fs;
use std::process::Command;

use crate::toolchain;
use crate::tree::{folder, prefix, soname};

/// Loads both, uses a file with each, then one file with both. Arguments: the two libraries.
const PROGRAM: &str = r#"
#include <dlfcn.h>
#include <rekall.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) do { if (!(condition)) { printf("line %d: not so: %s\n", __LINE__, #condition); exit(1); } } while (0)

struct copy {
    rekall_status (*open)(const char *, const rekall_open_options *, rekall_db **, rekall_error **);
    rekall_status (*remember)(rekall_db *, const rekall_new_entry *, const rekall_remember_options *, rekall_id *, rekall_error **);
    rekall_status (*count)(rekall_db *, const rekall_filter *, uint64_t *, rekall_error **);
    rekall_status (*check)(rekall_db *, const rekall_watch *, rekall_report **, rekall_error **);
    uint64_t (*number)(const rekall_report *, const char *);
    void (*report_free)(rekall_report *);
    const char *(*message)(const rekall_error *);
    void (*error_free)(rekall_error *);
    void (*close)(rekall_db *);
};

static void find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    CHECK(found != NULL);
    memcpy(function, &found, sizeof found);
}

static struct copy load(const char *path)
{
    struct copy copy;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) { puts(dlerror()); exit(1); }
    find(library, "rekall_open", &copy.open);
    find(library, "rekall_remember", &copy.remember);
    find(library, "rekall_count", &copy.count);
    find(library, "rekall_check", &copy.check);
    find(library, "rekall_report_number", &copy.number);
    find(library, "rekall_report_free", &copy.report_free);
    find(library, "rekall_error_message", &copy.message);
    find(library, "rekall_error_free", &copy.error_free);
    find(library, "rekall_close", &copy.close);
    return copy;
}

static rekall_db *opened(const struct copy *copy, const char *path)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_db *db = NULL;
    options.flags = REKALL_OPEN_NO_MODEL;
    CHECK(copy->open(path, &options, &db, NULL) == REKALL_OK);
    return db;
}

static rekall_status remember(const struct copy *copy, rekall_db *db, rekall_error **error)
{
    rekall_new_entry note = REKALL_NEW_ENTRY_INIT;
    note.title.data = "two copies";
    note.title.len = REKALL_NTS;
    return copy->remember(db, &note, NULL, NULL, error);
}

static uint64_t count(const struct copy *copy, rekall_db *db)
{
    uint64_t entries = 0;
    CHECK(copy->count(db, NULL, &entries, NULL) == REKALL_OK);
    return entries;
}

int main(int argc, char **argv)
{
    struct copy one, two;
    rekall_db *first, *second;
    rekall_error *error = NULL;
    rekall_report *report = NULL;
    CHECK(argc == 3);
    one = load(argv[1]);
    two = load(argv[2]);
    CHECK(one.open != two.open);

    /* A file each: neither knows of the other, and neither takes the other's handle. */
    first = opened(&one, "first.db");
    second = opened(&two, "second.db");
    CHECK(remember(&one, first, NULL) == REKALL_OK && remember(&two, second, NULL) == REKALL_OK);
    CHECK(remember(&two, second, NULL) == REKALL_OK);
    CHECK(count(&one, first) == 1 && count(&two, second) == 2);
    CHECK(remember(&one, second, NULL) == REKALL_MISUSE && remember(&two, first, NULL) == REKALL_MISUSE);
    two.close(first);
    CHECK(count(&one, first) == 1);
    two.close(second);
    CHECK(remember(&one, first, NULL) == REKALL_OK && count(&one, first) == 2);

    /* One file: each sees what the other wrote, until one of them closes it and takes the log away. The other one writes
     * to no log that nobody reads: it says so, and what was written before is there when it opens the file again. */
    second = opened(&two, "first.db");
    CHECK(count(&two, second) == 2 && remember(&two, second, NULL) == REKALL_OK && count(&one, first) == 3);
    two.close(second);
    CHECK(remember(&one, first, &error) == REKALL_IO);
    CHECK(strstr(one.message(error), "first.db-wal") != NULL);
    one.error_free(error);
    one.close(first);
    first = opened(&one, "first.db");
    CHECK(count(&one, first) == 3 && remember(&one, first, NULL) == REKALL_OK);
    CHECK(one.check(first, NULL, &report, NULL) == REKALL_OK && one.number(report, "found") == 0);
    one.report_free(report);
    one.close(first);
    puts("ok");
    return 0;
}
"#;

#[test]
fn two_copies_of_the_library_live_in_one_process() {
    let place = folder("two-copies");
    let (source, program) = (place.join("main.c"), place.join("program"));
    fs::write(&source, PROGRAM).unwrap();
    let installed = prefix().join("lib").join(soname());
    let copy = place.join("copy.so");
    fs::copy(&installed, &copy).unwrap();
    let mut command = Command::new("cc");
    command.args(toolchain::WARNINGS).arg("-I").arg(prefix().join("include")).arg(&source);
    toolchain::run(command.arg("-ldl").arg("-o").arg(&program));
    let output = toolchain::run(Command::new(&program).arg(&installed).arg(&copy).current_dir(&place));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
