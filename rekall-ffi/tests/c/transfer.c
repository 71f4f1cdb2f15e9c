/* Long calls watched and stopped; export, import, the Python tool's files, backup, upkeep, change of model; what lives on
 * after close. C99. Arguments: a folder, the repository. */
#include "support.h"

static int destroyed;
static rekall_db *reading;

static void count_destroy(void *user_data)
{
    (void)user_data;
    destroyed++;
}

static int32_t stop_at_once(void *user_data, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    ++*(int *)user_data;
    return 1;
}

static int32_t go_on(void *user_data, uint64_t done, uint64_t total)
{
    CHECK(total == 0 || done <= total);
    ++*(int *)user_data;
    return 0;
}

static int32_t interrupt_from_within(void *user_data, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    rekall_interrupt((rekall_db *)user_data);
    return 0;
}

/* A watch that counts its calls. */
static rekall_watch watching(rekall_progress_fn progress, int *calls)
{
    rekall_watch watch = REKALL_WATCH_INIT;
    *calls = 0;
    watch.progress = progress;
    watch.user_data = calls;
    return watch;
}

/* The number of that name in the report, which is freed. */
static uint64_t take_number(rekall_report *report, const char *key)
{
    uint64_t number = rekall_report_number(report, key);
    rekall_report_free(report);
    return number;
}

struct text {
    char *bytes;
    size_t len, at;
};

static rekall_status take(void *user_data, const char *bytes, size_t len)
{
    struct text *text = user_data;
    text->bytes = realloc(text->bytes, text->len + len);
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    return REKALL_OK;
}

static rekall_status refuse_write(void *user_data, const char *bytes, size_t len)
{
    (void)user_data;
    (void)bytes;
    (void)len;
    return REKALL_FULL;
}

static rekall_status give(void *user_data, char *buffer, size_t capacity, size_t *out_len)
{
    struct text *text = user_data;
    size_t len = text->len - text->at < capacity ? text->len - text->at : capacity;
    memcpy(buffer, text->bytes + text->at, len);
    text->at += len;
    *out_len = len;
    return REKALL_OK;
}

/* Stops the call that reads. */
static rekall_status give_and_interrupt(void *user_data, char *buffer, size_t capacity, size_t *out_len)
{
    rekall_interrupt(reading);
    return give(user_data, buffer, capacity, out_len);
}

static rekall_status give_too_much(void *user_data, char *buffer, size_t capacity, size_t *out_len)
{
    (void)user_data;
    (void)buffer;
    *out_len = capacity + 1;
    return REKALL_OK;
}

static rekall_status refuse_read(void *user_data, char *buffer, size_t capacity, size_t *out_len)
{
    (void)user_data;
    (void)buffer;
    (void)capacity;
    (void)out_len;
    return REKALL_IO;
}

/* Sixteen entries, half of them with vectors made by the host. */
static void remember_sixteen(rekall_db *db)
{
    const rekall_new_entry init = REKALL_NEW_ENTRY_INIT;
    rekall_new_entry input[8];
    rekall_remember_options how = REKALL_REMEMBER_OPTIONS_INIT;
    rekall_stats stats = REKALL_STATS_INIT;
    rekall_id ids[8];
    float vectors[8 * TEST_DIMENSIONS];
    size_t i;
    int calls = 0;

    for (i = 0; i < 8; i++) {
        input[i] = init;
        input[i].title = rekall_text("one of eight");
    }
    how.progress = stop_at_once;
    how.user_data = &calls;
    FAILS(REKALL_INTERRUPTED, rekall_remember_many(db, input, 8, &how, ids, &error));
    CHECK(calls == 1 && ids[0].text[0] == 0 && ids[7].text[0] == 0);
    how.progress = go_on;
    OK(rekall_remember_many(db, input, 8, &how, NULL, &error));
    CHECK(calls > 1);
    how.progress = NULL;
    for (i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        vectors[i] = (float)(i % 7) + 1;
    }
    how.vectors = vectors;
    how.vectors_len = 8;
    FAILS(REKALL_INVALID_VECTOR, rekall_remember_many(db, input, 8, &how, ids, &error));
    how.vectors = NULL;
    FAILS(REKALL_MISUSE, rekall_remember_many(db, input, 8, &how, ids, &error));
    how.vectors = vectors;
    how.vectors_len = 8 * TEST_DIMENSIONS;
    OK(rekall_remember_many(db, input, 8, &how, ids, &error));
    CHECK(strlen(ids[7].text) == REKALL_ID_LEN);
    OK(rekall_get_stats(db, &stats, &error));
    CHECK(stats.entries == 16 && stats.vectors == 16);
}

static void stopping(const char *folder, rekall_db *db)
{
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_similar_options similar = REKALL_SIMILAR_OPTIONS_INIT;
    rekall_remember_options how = REKALL_REMEMBER_OPTIONS_INIT;
    rekall_new_entry input = REKALL_NEW_ENTRY_INIT;
    rekall_watch watch = REKALL_WATCH_INIT;
    rekall_token *token = rekall_token_new();
    rekall_hits *hits = NULL;
    rekall_report *report = NULL;
    rekall_id id = remember(db, "to be forgotten");

    input.title = rekall_text("never");
    CHECK(rekall_token_is_cancelled(token) == 0);
    rekall_token_cancel(token);
    CHECK(rekall_token_is_cancelled(token) == 1);
    options.token = similar.token = how.token = watch.token = token;
    FAILS(REKALL_INTERRUPTED, rekall_recall(db, "eight", 5, &options, &hits, &error));
    FAILS(REKALL_INTERRUPTED, rekall_similar(db, id.text, &similar, &hits, &error));
    FAILS(REKALL_INTERRUPTED, rekall_remember(db, &input, &how, NULL, &error));
    FAILS(REKALL_INTERRUPTED, rekall_backup(db, in(folder, "never.db"), &watch, &error));
    FAILS(REKALL_INTERRUPTED, rekall_export_jsonl(db, in(folder, "never.jsonl"), REKALL_EXPORT_ALL, &watch, &report, &error));
    FAILS(REKALL_INTERRUPTED, rekall_embed_pending(db, &watch, NULL, &error));
    CHECK(fopen(in(folder, "never.jsonl"), "r") == NULL && report == NULL);
    rekall_token_free(token);
    rekall_interrupt(db); /* touches nothing that begins later */
    OK(rekall_recall(db, "eight", 5, NULL, &hits, &error));
    rekall_hits_free(hits);
    OK(rekall_forget(db, id.text, &error));
}

static void exporting(const char *folder, rekall_db *db, struct text *text)
{
    int calls;
    rekall_watch watch = watching(go_on, &calls);
    rekall_report *report = NULL;
    size_t len = 0;

    OK(rekall_export_jsonl(db, in(folder, "all.jsonl"), REKALL_EXPORT_ALL, &watch, &report, &error));
    CHECK(rekall_report_number(report, "entries") == 16 && rekall_report_number(report, "nonsense") == 0);
    CHECK(rekall_report_number(report, NULL) == 0 && calls > 0);
    CHECK(strstr(rekall_report_json(report, &len), "\"vectors\":16") != NULL);
    CHECK(strlen(rekall_report_json(report, NULL)) == len);
    rekall_report_free(report);
    OK(rekall_export_jsonl(db, in(folder, "texts.jsonl"), REKALL_EXPORT_WITHOUT_VECTORS, NULL, &report, &error));
    CHECK(rekall_report_number(report, "vectors") == 0 && take_number(report, "entries") == 16);
    FAILS(REKALL_MISUSE, rekall_export_jsonl(db, in(folder, "none.jsonl"), 2, NULL, NULL, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_export_jsonl(db, in(folder, "all.jsonl"), REKALL_EXPORT_ALL, NULL, NULL, &error));
    FAILS(REKALL_IO, rekall_export_jsonl(db, in(folder, "no/folder.jsonl"), REKALL_EXPORT_ALL, NULL, NULL, &error));
    FAILS(REKALL_CALLBACK, rekall_export_jsonl_to(db, refuse_write, NULL, REKALL_EXPORT_ALL, NULL, NULL, &error));
    watch = watching(stop_at_once, &calls);
    /* Told for the first time when it is done: too late to be stopped. */
    OK(rekall_export_jsonl_to(db, take, text, REKALL_EXPORT_ALL, &watch, &report, &error));
    CHECK(calls == 1 && text->len > 1000);
    CHECK(take_number(report, "entries") == 16);
}

static void importing(const char *folder, rekall_db *db, struct text *text)
{
    int calls;
    rekall_watch watch = watching(go_on, &calls);
    rekall_report *report = NULL;
    const char *path = in(folder, "all.jsonl");

    FAILS(REKALL_CALLBACK, rekall_import_jsonl_from(db, give_too_much, NULL, 0, NULL, NULL, &error));
    FAILS(REKALL_CALLBACK, rekall_import_jsonl_from(db, refuse_read, NULL, 0, NULL, &report, &error));
    reading = db;
    FAILS(REKALL_INTERRUPTED, rekall_import_jsonl_from(db, give_and_interrupt, text, 0, NULL, &report, &error));
    text->at = 0;
    OK(rekall_import_jsonl_from(db, give, text, REKALL_DUPLICATE_REFUSE, NULL, &report, &error));
    CHECK(take_number(report, "added") == 16);
    OK(rekall_import_jsonl(db, path, REKALL_DUPLICATE_SKIP, &watch, &report, &error));
    CHECK(take_number(report, "skipped") == 16 && calls > 0);
    OK(rekall_import_jsonl(db, path, REKALL_DUPLICATE_REPLACE, NULL, &report, &error));
    CHECK(take_number(report, "replaced") == 16);
    FAILS(REKALL_INVALID_INPUT, rekall_import_jsonl(db, path, REKALL_DUPLICATE_REFUSE, NULL, NULL, &error));
}

/* Upkeep tells how far it is; the function, a token or rekall_interrupt() stops it, and nothing is handed over. */
static void stopped_upkeep(rekall_db *db)
{
    int calls[4], way;
    rekall_report *report = NULL;
    rekall_token *token = rekall_token_new();
    rekall_watch watch = watching(go_on, &calls[0]);

    OK(rekall_check(db, &watch, &report, &error));
    rekall_report_free(report);
    watch = watching(go_on, &calls[1]);
    OK(rekall_repair(db, &watch, NULL, &error));
    watch = watching(go_on, &calls[2]);
    OK(rekall_compact(db, &watch, NULL, &error));
    watch = watching(go_on, &calls[3]);
    OK(rekall_rebuild_index(db, &watch, &error));
    CHECK(calls[0] > 1 && calls[1] > 1 && calls[2] > 1 && calls[3] > 1);
    rekall_token_cancel(token);
    for (way = 0; way < 3; way++) {
        if (way == 0) {
            watch = watching(stop_at_once, &calls[0]);
        } else if (way == 1) {
            watch = watching(NULL, &calls[0]);
            watch.token = token;
        } else {
            watch = watching(interrupt_from_within, &calls[0]);
            watch.user_data = db;
        }
        FAILS(REKALL_INTERRUPTED, rekall_check(db, &watch, &report, &error));
        CHECK(report == NULL);
        FAILS(REKALL_INTERRUPTED, rekall_repair(db, &watch, &report, &error));
        FAILS(REKALL_INTERRUPTED, rekall_compact(db, &watch, &report, &error));
        FAILS(REKALL_INTERRUPTED, rekall_rebuild_index(db, &watch, &error));
    }
    rekall_token_free(token);
    OK(rekall_rebuild_index(db, NULL, &error));
}

static void upkeep(const char *folder, rekall_db *db)
{
    int calls;
    rekall_watch watch = watching(go_on, &calls);
    rekall_report *report = NULL;
    const char *backup = in(folder, "backup.db");
    int64_t before = 0, after = 0;
    rekall_id id;

    OK(rekall_data_version(db, &before, &error));
    OK(rekall_data_version(db, &after, &error));
    CHECK(before == after);
    id = remember(db, "seventeen");
    OK(rekall_data_version(db, &after, &error));
    CHECK(before != after);
    OK(rekall_forget(db, id.text, &error));
    OK(rekall_check(db, NULL, &report, &error));
    CHECK(rekall_report_number(report, "found") == 0 && rekall_report_number(report, "pages") > 0);
    CHECK(rekall_report_line_count(report) == 0 && rekall_report_line(report, 0, NULL) == NULL);
    CHECK(take_number(report, "entries") == 16);
    OK(rekall_repair(db, NULL, &report, &error));
    CHECK(take_number(report, "repaired") == 0);
    OK(rekall_compact(db, NULL, &report, &error));
    CHECK(rekall_report_number(report, "complete") == 1);
    CHECK(take_number(report, "bytes_after") > 0);
    OK(rekall_backup(db, backup, &watch, &error));
    CHECK(calls > 0);
    FAILS(REKALL_INVALID_INPUT, rekall_backup(db, backup, NULL, &error));
    OK(rekall_salvage(backup, in(folder, "salvaged.db"), &watch, &report, &error));
    CHECK(rekall_report_number(report, "lost") == 0);
    CHECK(take_number(report, "entries") == 16);
    watch = watching(stop_at_once, &calls);
    FAILS(REKALL_INTERRUPTED, rekall_salvage(backup, in(folder, "never.db"), &watch, NULL, &error));
    OK(rekall_rebuild_index(db, NULL, &error));
    stopped_upkeep(db);
    OK(rekall_clear_cache(db, &error));
    OK(rekall_release_memory(db, &error));
}

static void copy(const char *from, const char *to)
{
    FILE *source = fopen(from, "rb"), *target = fopen(to, "wb");
    char bytes[4096];
    size_t len;
    CHECK(source != NULL && target != NULL);
    while ((len = fread(bytes, 1, sizeof bytes, source)) > 0) {
        CHECK(fwrite(bytes, 1, len, target) == len);
    }
    fclose(source);
    fclose(target);
}

/* Overwrites the page of a database that holds a text. */
static void spoil(const char *path, const char *text)
{
    FILE *file = fopen(path, "r+b");
    unsigned char head[18];
    char *page;
    size_t size, at;

    CHECK(file != NULL && fread(head, sizeof head, 1, file) == 1);
    size = (size_t)head[16] << 8 | head[17];
    page = malloc(size);
    CHECK(page != NULL);
    rewind(file);
    for (;;) {
        CHECK(fread(page, size, 1, file) == 1);
        for (at = 0; at + strlen(text) <= size && memcmp(page + at, text, strlen(text)) != 0; at++) {
        }
        if (at + strlen(text) <= size) {
            break;
        }
    }
    memset(page, 0x5a, size);
    CHECK(fseek(file, ftell(file) - (long)size, SEEK_SET) == 0 && fwrite(page, size, 1, file) == 1);
    free(page);
    fclose(file);
}

/* The entries' page of a copy is overwritten: found, not repaired, salvaged around. */
static void damaged(const char *folder, const rekall_embedder *embedder)
{
    const char *path = in(folder, "damaged.db");
    rekall_report *report = NULL;
    rekall_db *db;
    const char *line;
    size_t len = 0;

    copy(in(folder, "backup.db"), path);
    spoil(path, "one of eight");
    db = open_at(folder, "damaged.db", embedder);
    OK(rekall_check(db, NULL, &report, &error));
    CHECK(rekall_report_number(report, "found") > 0 && rekall_report_number(report, "problems") > 0);
    line = rekall_report_line(report, 0, &len);
    CHECK(line != NULL && len > 5 && strlen(line) == len);
    CHECK(rekall_report_line_count(report) == rekall_report_number(report, "problems"));
    rekall_report_free(report);
    FAILS(REKALL_CORRUPT, rekall_repair(db, NULL, &report, &error));
    CHECK(report == NULL);
    rekall_close(db);
    OK(rekall_salvage(in(folder, "damaged.db"), in(folder, "saved.db"), NULL, &report, &error));
    CHECK(rekall_report_number(report, "entries") == 0 && rekall_report_number(report, "lost") == 16);
    CHECK(rekall_report_line_count(report) == 16 + rekall_report_number(report, "unreadable_rows"));
    CHECK(strstr(rekall_report_line(report, 16, NULL), "is lost") != NULL);
    rekall_report_free(report);
}

/* Another model takes over: the first is destroyed when the handle does not need it. */
static void another_model(const char *folder, rekall_db *db, rekall_embedder embedder)
{
    int calls;
    rekall_watch watch = watching(stop_at_once, &calls);
    rekall_reembed_options options = REKALL_REEMBED_OPTIONS_INIT;
    rekall_embedded done = REKALL_EMBEDDED_INIT;
    rekall_hits *hits = NULL;

    embedder.name = "letters, second edition";
    embedder.destroy = count_destroy;
    options.embedder = &embedder;
    FAILS(REKALL_INTERRUPTED, rekall_reembed(db, &options, &watch, &done, &error));
    CHECK(destroyed == 1 && done.entries == 0 && calls == 1);
    watch = watching(go_on, &calls);
    OK(rekall_reembed(db, &options, &watch, &done, &error));
    /* The call that was stopped had made them all. */
    CHECK(done.entries == 0 && done.vectors == 0 && destroyed == 1);
    embedder.name = "letters, third edition";
    OK(rekall_reembed(db, &options, &watch, &done, &error));
    CHECK(done.entries == 16 && done.vectors == 16 && done.without_meaning == 0 && destroyed == 2 && calls > 0);
    options.model = "bundled";
    FAILS(REKALL_MISUSE, rekall_reembed(db, &options, &watch, &done, &error));
    CHECK(destroyed == 3);
    FAILS(REKALL_MISUSE, rekall_reembed(NULL, &options, &watch, &done, &error));
    CHECK(destroyed == 4);
    done.struct_size = 3;
    FAILS(REKALL_MISUSE, rekall_reembed(db, &options, &watch, &done, &error));
    CHECK(destroyed == 5);
    OK(rekall_recall(db, "eight", 5, NULL, &hits, &error));
    CHECK(rekall_hits_count(hits) == 10 && rekall_hits_degraded_count(hits) == 0);
    rekall_close(db);
    CHECK(destroyed == 6);
    /* What was got from a handle lives on. */
    CHECK(strcmp(rekall_entry_title(rekall_hits_entry(hits, 0), NULL), "one of eight") == 0);
    rekall_hits_free(hits);
    /* Who opens the file with the first model now finds another's vectors. */
    embedder.name = "letters";
    db = open_at(folder, "other.db", &embedder);
    FAILS(REKALL_MODEL_MISMATCH, rekall_embed_pending(db, NULL, NULL, &error));
    rekall_close(db);
}

/* A file of the Python tool, brought in and put in the place of. */
static void legacy(const char *folder, const char *repository, rekall_db *db)
{
    int calls;
    rekall_watch watch = watching(go_on, &calls);
    rekall_report *report = NULL;
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_recall_options by_words = REKALL_RECALL_OPTIONS_INIT;
    rekall_hits *hits = NULL;
    rekall_db *opened = NULL;
    const char *path = in(folder, "python.db");
    const char *again = in(folder, "python-again.db");

    copy(in(repository, "rekall-core/tests/data/python-rekall/v12-head.db"), path);
    copy(path, again);
    OK(rekall_probe_legacy(path, &report, &error));
    CHECK(rekall_report_number(report, "schema") == 12 && rekall_report_number(report, "links") == 36);
    CHECK(take_number(report, "entries") == 123);
    options.flags = REKALL_OPEN_NO_MODEL;
    FAILS(REKALL_LEGACY_FILE, rekall_open(path, &options, &opened, &error));

    OK(rekall_import_legacy(db, path, REKALL_UTC_OFFSET_AUTO, &watch, &report, &error));
    CHECK(rekall_report_number(report, "entries") == 123 && rekall_report_number(report, "links") == 36);
    CHECK(calls >= 123 && strstr(rekall_report_json(report, NULL), "\"legacy_schema\":12") != NULL);
    rekall_report_free(report);
    OK(rekall_import_legacy(db, path, 60, NULL, &report, &error));
    CHECK(take_number(report, "existing") == 123);
    watch = watching(stop_at_once, &calls);
    FAILS(REKALL_INTERRUPTED, rekall_import_legacy(db, path, 60, &watch, NULL, &error));
    /* They wait for their vectors. */
    by_words.mode = REKALL_MODE_TEXT;
    OK(rekall_recall(db, "postgres table bloat", REKALL_NTS, &by_words, &hits, &error));
    CHECK(rekall_hits_count(hits) > 0 && rekall_entry_legacy(rekall_hits_entry(hits, 0), NULL) != NULL);
    rekall_hits_free(hits);

    FAILS(REKALL_INTERRUPTED, rekall_migrate_legacy(path, 60, &watch, &report, &error));
    watch = watching(go_on, &calls);
    OK(rekall_migrate_legacy(path, 60, &watch, &report, &error));
    CHECK(calls >= 123 && strstr(rekall_report_json(report, NULL), "\"backup\":\"") != NULL);
    CHECK(take_number(report, "entries") == 123);
    OK(rekall_open(path, &options, &opened, &error));
    rekall_close(opened);
    options.flags |= REKALL_OPEN_MIGRATE;
    OK(rekall_open(again, &options, &opened, &error));
    rekall_close(opened);
    FAILS(REKALL_NOT_A_DATABASE, rekall_import_legacy(db, path, REKALL_UTC_OFFSET_AUTO, NULL, NULL, &error));
    FAILS(REKALL_NOT_A_DATABASE, rekall_migrate_legacy(path, 0, NULL, NULL, &error));
    FAILS(REKALL_NOT_A_DATABASE, rekall_probe_legacy(path, &report, &error));
}

int main(int argc, char **argv)
{
    struct text text = {NULL, 0, 0};
    rekall_embedder embedder = letters(NULL);
    rekall_db *db, *other;

    CHECK(argc == 3);
    db = open_at(argv[1], "transfer.db", &embedder);
    remember_sixteen(db);
    stopping(argv[1], db);
    exporting(argv[1], db, &text);
    upkeep(argv[1], db);
    damaged(argv[1], &embedder);
    other = open_at(argv[1], "other.db", &embedder);
    importing(argv[1], other, &text);
    free(text.bytes);
    another_model(argv[1], other, embedder);
    legacy(argv[1], argv[2], db);
    rekall_close(db);
    puts("ok");
    return 0;
}
