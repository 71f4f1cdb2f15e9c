/* Files that are missing, moved, full or too damaged to be opened. C99 and POSIX. Arguments: a folder, the repository. */
#define _XOPEN_SOURCE 700

#include "support.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static void close_filled(const char *folder, const char *name, int entries)
{
    rekall_embedder embedder = letters(NULL);
    rekall_db *db = open_at(folder, name, &embedder);
    int i;
    for (i = 0; i < entries; i++) {
        remember(db, "An entry of words");
    }
    rekall_close(db);
}

static uint64_t entries_of(const char *folder, const char *name)
{
    rekall_embedder embedder = letters(NULL);
    rekall_db *db = open_at(folder, name, &embedder);
    rekall_report *report = NULL;
    uint64_t entries;
    OK(rekall_check(db, NULL, &report, &error));
    CHECK(rekall_report_number(report, "found") == 0);
    entries = rekall_report_number(report, "entries");
    rekall_report_free(report);
    rekall_close(db);
    return entries;
}

static void odd_paths(const char *folder)
{
    static const char *const odd[] = {"", ":memory:"};
    rekall_embedder embedder = letters(NULL);
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_report *report;
    rekall_db *db = NULL, *none = NULL;
    size_t i;

    options.flags = REKALL_OPEN_EXISTING | REKALL_OPEN_NO_MODEL;
    FAILS(REKALL_NOT_FOUND, rekall_open(in(folder, "missing.db"), &options, &none, &error));
    FAILS(REKALL_NOT_FOUND, rekall_check_file(in(folder, "missing.db"), NULL, &report, &error));
    FAILS(REKALL_NOT_FOUND, rekall_repair_file(in(folder, "missing.db"), NULL, NULL, &error));
    FAILS(REKALL_NOT_FOUND,
          rekall_salvage(in(folder, "missing.db"), in(folder, "never.db"), NULL, NULL, &error));
    db = open_at(folder, "odd.db", &embedder);
    for (i = 0; i < 2; i++) {
        FAILS(REKALL_INVALID_INPUT, rekall_open(odd[i], NULL, &none, &error));
        FAILS(REKALL_INVALID_INPUT, rekall_backup(db, odd[i], NULL, &error));
        FAILS(REKALL_INVALID_INPUT, rekall_export_jsonl(db, odd[i], REKALL_EXPORT_ALL, NULL, NULL, &error));
        FAILS(REKALL_INVALID_INPUT, rekall_check_file(odd[i], NULL, &report, &error));
    }
    CHECK(none == NULL && fopen(":memory:", "rb") == NULL);
    rekall_close(db);
}

/* Another file takes the name: neither is written to, and both are whole. */
static void replaced(const char *folder)
{
    rekall_embedder embedder = letters(NULL);
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    rekall_hits *hits = NULL;
    rekall_db *db;
    int i;

    close_filled(folder, "theirs.db", 5);
    close_filled(folder, "ours.db", 3);
    db = open_at(folder, "ours.db", &embedder);
    CHECK(link(in(folder, "ours.db"), in(folder, "kept.db")) == 0);
    CHECK(rename(in(folder, "theirs.db"), in(folder, "ours.db")) == 0);
    entry.title = rekall_text("Lost");
    for (i = 0; i < 20; i++) {
        FAILS(REKALL_IO, rekall_remember(db, &entry, NULL, NULL, &error));
    }
    FAILS(REKALL_IO, rekall_recall(db, "words", REKALL_NTS, NULL, &hits, &error));
    rekall_close(db);
    CHECK(entries_of(folder, "ours.db") == 5);
    CHECK(entries_of(folder, "kept.db") == 3);
}

/* A limit on the size of files is a full disk. */
static void limited(const char *folder)
{
    static char words[200000];
    rekall_embedder embedder = letters(NULL);
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    rekall_error *failed = NULL;
    rekall_status status = REKALL_OK;
    struct rlimit limit, before;
    rekall_db *db = open_at(folder, "limited.db", &embedder);
    uint64_t done = 0;

    memset(words, 'w', sizeof words - 1);
    entry.title = rekall_text("Long");
    entry.content = rekall_text(words);
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    limit = before;
    limit.rlim_cur = 4u << 20;
    signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    while (done < 1000 && (status = rekall_remember(db, &entry, NULL, NULL, &failed)) == REKALL_OK) {
        done++;
    }
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    if (status != REKALL_FULL) {
        fprintf(stderr, "%s: %s\n", rekall_status_name(status), rekall_error_message(failed));
    }
    CHECK(status == REKALL_FULL && done > 3);
    rekall_error_free(failed);
    rekall_close(db);
    CHECK(entries_of(folder, "limited.db") == done);
}

/* Writes over each place where the file has these bytes: SQLite leaves older copies on its pages. */
static void overwrite(const char *path, const char *bytes, const char *with)
{
    size_t length, at, found = 0, wanted = strlen(bytes);
    char *content;
    FILE *file = fopen(path, "r+b");
    CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
    length = (size_t)ftell(file);
    content = malloc(length);
    rewind(file);
    CHECK(content != NULL && fread(content, 1, length, file) == length);
    for (at = 0; at + wanted <= length; at++) {
        if (memcmp(content + at, bytes, wanted) == 0) {
            CHECK(fseek(file, (long)at, SEEK_SET) == 0 && fwrite(with, 1, wanted, file) == wanted);
            found++;
        }
    }
    CHECK(found > 0);
    free(content);
    CHECK(fclose(file) == 0);
}

/* What the guide says to do with REKALL_CORRUPT can be begun without a handle. */
static void damaged(const char *folder)
{
    rekall_report *report = NULL;
    rekall_db *db = NULL;
    char path[1024];

    close_filled(folder, "trigger.db", 4);
    strcpy(path, in(folder, "trigger.db"));
    overwrite(path, "CREATE TRIGGER entry_updated", "CREATE TRIGGEX entry_updated");
    FAILS(REKALL_CORRUPT, rekall_open(path, NULL, &db, &error));
    OK(rekall_check_file(path, NULL, &report, &error));
    CHECK(rekall_report_number(report, "found") >= 1);
    CHECK(rekall_report_line_count(report) >= 1 && rekall_report_number(report, "entries") == 4);
    rekall_report_free(report);
    OK(rekall_repair_file(path, NULL, &report, &error));
    rekall_report_free(report);
    CHECK(entries_of(folder, "trigger.db") == 4);

    close_filled(folder, "table.db", 4);
    strcpy(path, in(folder, "table.db"));
    overwrite(path, "CREATE TABLE tag", "CREATE TABLX tag");
    FAILS(REKALL_CORRUPT, rekall_open(path, NULL, &db, &error));
    OK(rekall_check_file(path, NULL, &report, &error));
    CHECK(rekall_report_number(report, "found") >= 1);
    rekall_report_free(report);
    FAILS(REKALL_CORRUPT, rekall_repair_file(path, NULL, NULL, &error));
    OK(rekall_salvage(path, in(folder, "saved.db"), NULL, &report, &error));
    CHECK(rekall_report_number(report, "entries") == 4);
    rekall_report_free(report);
    CHECK(entries_of(folder, "saved.db") == 4);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    odd_paths(argv[1]);
    replaced(argv[1]);
    limited(argv[1]);
    damaged(argv[1]);
    puts("ok");
    return 0;
}
