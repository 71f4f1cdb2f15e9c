/* Callbacks: that fail, that come from other threads, that call back, that are destroyed once; stopping calls; transfer;
 * what lives on after close. C11, threads of POSIX. Argument: a folder. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include <pthread.h>

static int destroyed;
static rekall_db *reentered;
static int reentered_calls;
static int events, logs;
static char last_log[512];

static void count_destroy(void *user_data)
{
    (void)user_data;
    destroyed++;
}

static const char *in(const char *folder, const char *name)
{
    static char path[1024];
    sprintf(path, "%.900s/%.100s", folder, name);
    return path;
}

/* destroy is called exactly once: after close, and on each way open can fail. */
static void destroyed_once(const char *folder)
{
    rekall_db *db = NULL;
    rekall_embedder embedder = letters(NULL);
    rekall_listener listener = REKALL_LISTENER_INIT;
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;

    embedder.destroy = count_destroy;
    listener.destroy = count_destroy;
    options.embedder = &embedder;
    options.listener = &listener;
    OK(rekall_open(in(folder, "destroy.db"), &options, &db, &error));
    CHECK(destroyed == 0);
    rekall_close(db);
    CHECK(destroyed == 2);
    FAILS(REKALL_NOT_A_DATABASE, rekall_open(folder, &options, &db, &error));
    CHECK(destroyed == 4);
    FAILS(REKALL_MISUSE, rekall_open(NULL, &options, &db, &error));
    CHECK(destroyed == 6);
    FAILS(REKALL_MISUSE, rekall_open("x", &options, NULL, &error));
    CHECK(destroyed == 8);
    embedder.dimensions = 0;
    listener.log_level = 77;
    FAILS(REKALL_MISUSE, rekall_open(in(folder, "destroy.db"), &options, &db, &error));
    CHECK(destroyed == 10);
    options.model = "bundled";
    listener.log_level = 0;
    embedder.dimensions = 4;
    FAILS(REKALL_MISUSE, rekall_open(in(folder, "destroy.db"), &options, &db, &error));
    CHECK(destroyed == 12);
}

static void failing_embedder(const char *folder)
{
    int status = REKALL_OK;
    rekall_embedder embedder = letters(&status);
    rekall_db *db = open_at(folder, "failing.db", &embedder);
    rekall_hits *hits = NULL;
    rekall_new_entry input = REKALL_NEW_ENTRY_INIT;
    rekall_recall_options semantic = REKALL_RECALL_OPTIONS_INIT;
    rekall_stats stats = REKALL_STATS_INIT;
    rekall_embedded done = REKALL_EMBEDDED_INIT;
    size_t len;

    semantic.mode = REKALL_MODE_SEMANTIC;
    input.title = rekall_text("first");
    OK(rekall_remember(db, &input, NULL, NULL, &error));

    status = REKALL_IO;
    input.title = rekall_text("not stored");
    FAILS(REKALL_CALLBACK, rekall_remember(db, &input, NULL, NULL, &error));
    FAILS(REKALL_CALLBACK, rekall_recall(db, "anything", 8, &semantic, &hits, &error));
    FAILS(REKALL_CALLBACK, rekall_embed(db, REKALL_EMBED_DOCUMENT, "x", 1, NULL, 0, &len, &error));
    OK(rekall_recall(db, "first", 5, NULL, &hits, &error));
    CHECK(rekall_hits_count(hits) == 1 && rekall_hits_degraded_count(hits) == 1);
    CHECK(rekall_hits_degraded_kind(hits, 0) == REKALL_DEGRADED_WORDS_ONLY);
    CHECK(strstr(rekall_hits_degraded(hits, 0, &len), "REKALL_IO") != NULL && len > 10);
    rekall_hits_free(hits);

    status = REKALL_INTERRUPTED;
    FAILS(REKALL_INTERRUPTED, rekall_remember(db, &input, NULL, NULL, &error));

    status = REKALL_MODEL_UNAVAILABLE;
    input.title = rekall_text("stored and waiting");
    OK(rekall_remember(db, &input, NULL, NULL, &error));
    FAILS(REKALL_MODEL_UNAVAILABLE, rekall_recall(db, "unheard", 7, &semantic, &hits, &error));
    OK(rekall_get_stats(db, &stats, &error));
    CHECK(stats.entries == 2 && stats.pending == 1);

    status = REKALL_OK;
    OK(rekall_embed_pending(db, NULL, &done, &error));
    CHECK(done.entries == 1 && done.vectors == 1);
    /* Nothing that the model knows: no vector, no failure. */
    input.title = rekall_text("123");
    OK(rekall_remember(db, &input, NULL, NULL, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_recall(db, "456", 3, &semantic, &hits, &error));
    rekall_close(db);
}

static void on_event(void *user_data, const rekall_event *event)
{
    rekall_stats stats = REKALL_STATS_INIT;
    rekall_error *error = NULL;
    (void)user_data;
    events++;
    CHECK(event->struct_size >= sizeof(size_t) && event->message != NULL && event->kind > 0);
    if (event->kind == REKALL_EVENT_NOT_EMBEDDED) {
        CHECK(event->entry != NULL && strlen(event->entry) == REKALL_ID_LEN && event->reason != NULL);
    }
    /* Back into the same handle: refused, and close is nothing. */
    if (reentered != NULL) {
        CHECK(rekall_get_stats(reentered, &stats, &error) == REKALL_MISUSE);
        CHECK(strstr(rekall_error_message(error), "callback") != NULL);
        rekall_error_free(error);
        rekall_close(reentered);
        reentered_calls++;
    }
}

static void on_log(void *user_data, int32_t level, const char *message, size_t len)
{
    (void)user_data;
    logs++;
    CHECK(level >= REKALL_LOG_ERROR && level <= REKALL_LOG_TRACE && strlen(message) == len);
    sprintf(last_log, "%.500s", message);
}

static int64_t at_noon(void *user_data)
{
    return *(const int64_t *)user_data;
}

static void listening(const char *folder)
{
    int64_t noon = 1700000000000;
    rekall_listener listener = REKALL_LISTENER_INIT;
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_entry *entry = NULL;
    rekall_hits *hits = NULL;
    rekall_id id;

    listener.event = on_event;
    listener.log = on_log;
    listener.log_level = REKALL_LOG_TRACE;
    options.listener = &listener;
    options.flags = REKALL_OPEN_NO_MODEL;
    options.now_ms = at_noon;
    options.now_user_data = &noon;
    OK(rekall_open(in(folder, "listening.db"), &options, &reentered, &error));
    id = remember(reentered, "nobody makes a vector of this");
    CHECK(events == 1 && reentered_calls == 1 && logs >= 1);
    CHECK(strstr(last_log, "without vectors") != NULL);
    OK(rekall_get(reentered, id.text, &entry, &error));
    CHECK(rekall_entry_created_at_ms(entry) == noon);
    rekall_entry_free(entry);
    OK(rekall_recall(reentered, "vector", 6, NULL, &hits, &error));
    CHECK(rekall_hits_count(hits) == 1 && IS_NAN(rekall_hits_similarity(hits, 0)));
    rekall_hits_free(hits);
    rekall_close(reentered);
    reentered = NULL;
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

static rekall_status refuse_write(void *user_data, const char *bytes, size_t len)
{
    (void)user_data;
    (void)bytes;
    (void)len;
    return REKALL_FULL;
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

static rekall_status give(void *user_data, char *buffer, size_t capacity, size_t *out_len)
{
    struct text *text = user_data;
    size_t len = text->len - text->at < capacity ? text->len - text->at : capacity;
    memcpy(buffer, text->bytes + text->at, len);
    text->at += len;
    *out_len = len;
    return REKALL_OK;
}

static rekall_status refuse_read(void *user_data, char *buffer, size_t capacity, size_t *out_len)
{
    (void)user_data;
    (void)buffer;
    *out_len = capacity + 1;
    return REKALL_OK;
}

static void stopping_and_transfer(const char *folder)
{
    int calls = 0;
    size_t i;
    rekall_embedder embedder = letters(NULL);
    rekall_db *db = open_at(folder, "transfer.db", &embedder), *other;
    rekall_watch watch = REKALL_WATCH_INIT;
    rekall_remember_options how = REKALL_REMEMBER_OPTIONS_INIT;
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_reembed_options reembed = REKALL_REEMBED_OPTIONS_INIT;
    rekall_embedded done = REKALL_EMBEDDED_INIT;
    rekall_token *token = rekall_token_new();
    rekall_new_entry input[8];
    rekall_report *report = NULL;
    rekall_stats stats = REKALL_STATS_INIT;
    rekall_hits *hits = NULL;
    struct text text = {NULL, 0, 0};
    const rekall_new_entry init = REKALL_NEW_ENTRY_INIT;
    float vectors[8 * TEST_DIMENSIONS];

    for (i = 0; i < 8; i++) {
        input[i] = init;
        input[i].title = rekall_text("one of eight");
    }
    how.progress = stop_at_once;
    how.user_data = &calls;
    FAILS(REKALL_INTERRUPTED, rekall_remember_many(db, input, 8, &how, NULL, &error));
    CHECK(calls == 1);
    how.progress = go_on;
    OK(rekall_remember_many(db, input, 8, &how, NULL, &error));
    CHECK(calls > 1);
    how.progress = NULL;
    for (i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        vectors[i] = (float)(i % 7) + 1;
    }
    how.vectors = vectors;
    how.vectors_len = 8 * TEST_DIMENSIONS;
    OK(rekall_remember_many(db, input, 8, &how, NULL, &error));
    how.vectors_len = 8;
    FAILS(REKALL_INVALID_VECTOR, rekall_remember_many(db, input, 8, &how, NULL, &error));
    OK(rekall_get_stats(db, &stats, &error));
    CHECK(stats.entries == 16);

    rekall_token_cancel(token);
    CHECK(rekall_token_is_cancelled(token) == 1);
    options.token = token;
    FAILS(REKALL_INTERRUPTED, rekall_recall(db, "eight", 5, &options, &hits, &error));
    watch.token = token;
    FAILS(REKALL_INTERRUPTED, rekall_backup(db, in(folder, "never.db"), &watch, &error));
    rekall_token_free(token);
    watch.token = NULL;
    rekall_interrupt(db); /* touches nothing that begins later */
    OK(rekall_recall(db, "eight", 5, NULL, &hits, &error));
    rekall_hits_free(hits);

    watch.progress = go_on;
    watch.user_data = &calls;
    OK(rekall_export_jsonl(db, in(folder, "all.jsonl"), &watch, &report, &error));
    CHECK(rekall_report_number(report, "entries") == 16 && rekall_report_number(report, "nonsense") == 0);
    CHECK(strstr(rekall_report_json(report, NULL), "\"vectors\":16") != NULL);
    rekall_report_free(report);
    FAILS(REKALL_INVALID_INPUT, rekall_export_jsonl(db, in(folder, "all.jsonl"), NULL, NULL, &error));
    FAILS(REKALL_CALLBACK, rekall_export_jsonl_to(db, refuse_write, NULL, NULL, NULL, &error));
    OK(rekall_export_jsonl_to(db, take, &text, NULL, NULL, &error));
    OK(rekall_backup(db, in(folder, "backup.db"), NULL, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_backup(db, in(folder, "backup.db"), NULL, &error));

    other = open_at(folder, "other.db", &embedder);
    FAILS(REKALL_CALLBACK, rekall_import_jsonl_from(other, refuse_read, NULL, 0, NULL, NULL, &error));
    OK(rekall_import_jsonl_from(other, give, &text, REKALL_DUPLICATE_REFUSE, NULL, &report, &error));
    CHECK(rekall_report_number(report, "added") == 16);
    rekall_report_free(report);
    free(text.bytes);
    OK(rekall_import_jsonl(other, in(folder, "all.jsonl"), REKALL_DUPLICATE_SKIP, &watch, &report, &error));
    CHECK(rekall_report_number(report, "skipped") == 16);
    rekall_report_free(report);
    FAILS(REKALL_INVALID_INPUT,
          rekall_import_jsonl(other, in(folder, "all.jsonl"), REKALL_DUPLICATE_REFUSE, NULL, NULL, &error));
    OK(rekall_check(other, &report, &error));
    CHECK(rekall_report_number(report, "found") == 0 && rekall_report_number(report, "entries") == 16);
    CHECK(rekall_report_line_count(report) == 0 && rekall_report_line(report, 0, NULL) == NULL);
    rekall_report_free(report);
    OK(rekall_repair(other, &report, &error));
    CHECK(rekall_report_number(report, "mended") == 0);
    rekall_report_free(report);
    OK(rekall_compact(other, &report, &error));
    CHECK(rekall_report_number(report, "bytes_after") > 0);
    rekall_report_free(report);
    OK(rekall_rebuild_index(other, &error));
    OK(rekall_clear_cache(other, &error));
    OK(rekall_release_memory(other, &error));

    /* Another model takes over: the first is destroyed when the handle does not need it. */
    embedder.name = "letters, second edition";
    embedder.destroy = count_destroy;
    destroyed = 0;
    reembed.embedder = &embedder;
    watch.progress = stop_at_once;
    calls = 0;
    FAILS(REKALL_INTERRUPTED, rekall_reembed(other, &reembed, &watch, NULL, &error));
    CHECK(destroyed == 1);
    watch.progress = go_on;
    OK(rekall_reembed(other, &reembed, &watch, &done, &error));
    CHECK(done.entries + (uint64_t)16 >= 16 && destroyed == 1);
    OK(rekall_recall(other, "eight", 5, NULL, &hits, &error));
    CHECK(rekall_hits_count(hits) == 10 && rekall_hits_degraded_count(hits) == 0);
    rekall_close(other);
    CHECK(destroyed == 2);
    /* What was got from a handle lives on. */
    CHECK(strcmp(rekall_entry_title(rekall_hits_entry(hits, 0), NULL), "one of eight") == 0);
    rekall_hits_free(hits);

    FAILS(REKALL_NOT_A_DATABASE, rekall_import_legacy(db, in(folder, "backup.db"), REKALL_UTC_OFFSET_AUTO, NULL, NULL, &error));
    FAILS(REKALL_NOT_A_DATABASE, rekall_migrate_legacy(in(folder, "backup.db"), 0, NULL, NULL, &error));
    FAILS(REKALL_NOT_A_DATABASE, rekall_probe_legacy(in(folder, "backup.db"), &report, &error));
    {
        char source[1024];
        strcpy(source, in(folder, "backup.db"));
        OK(rekall_salvage(source, in(folder, "salvaged.db"), &watch, &report, &error));
        CHECK(rekall_report_number(report, "entries") == 16 && rekall_report_number(report, "lost") == 0);
        rekall_report_free(report);
    }
    rekall_close(db);
}

static rekall_db *shared;

static void *worker(void *argument)
{
    int round, me = *(int *)argument;
    for (round = 0; round < 25; round++) {
        rekall_hits *hits = NULL;
        rekall_entry *entry = NULL;
        rekall_error *error = NULL;
        char title[64];
        rekall_id id;
        sprintf(title, "thread %c round %d", 'a' + me, round);
        id = remember(shared, title);
        CHECK(rekall_recall(shared, title, REKALL_NTS, NULL, &hits, &error) == REKALL_OK);
        CHECK(rekall_hits_count(hits) >= 1);
        rekall_hits_free(hits);
        CHECK(rekall_get(shared, id.text, &entry, &error) == REKALL_OK);
        CHECK(strcmp(rekall_entry_title(entry, NULL), title) == 0);
        rekall_entry_free(entry);
        if (round % 2 == 0) {
            CHECK(rekall_forget(shared, id.text, &error) == REKALL_OK);
        }
        CHECK(rekall_get(shared, "nonsense", &entry, &error) == REKALL_INVALID_INPUT);
        CHECK(strstr(rekall_error_message(error), "nonsense") != NULL);
        rekall_error_free(error);
    }
    return NULL;
}

static void many_threads(const char *folder)
{
    rekall_embedder embedder = letters(NULL);
    pthread_t threads[8];
    int numbers[8], i;
    rekall_stats stats = REKALL_STATS_INIT;

    shared = open_at(folder, "threads.db", &embedder);
    for (i = 0; i < 8; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&threads[i], NULL, worker, &numbers[i]) == 0);
    }
    for (i = 0; i < 8; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    OK(rekall_get_stats(shared, &stats, &error));
    CHECK(stats.entries == 8 * 12);
    rekall_close(shared);
}

/* An embedder that waits until another thread says go: close must wait for the call that it is in. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int inside, released, ended;

static rekall_status waiting_embed(void *user_data, uint32_t purpose, const rekall_str *texts, size_t count,
                                   float *out_vectors, size_t dimensions)
{
    (void)user_data;
    pthread_mutex_lock(&lock);
    inside = 1;
    pthread_cond_broadcast(&changed);
    while (!released) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    return letters_embed(NULL, purpose, texts, count, out_vectors, dimensions);
}

static void *remember_slowly(void *argument)
{
    rekall_new_entry input = REKALL_NEW_ENTRY_INIT;
    rekall_error *error = NULL;
    rekall_status status;
    (void)argument;
    input.title = rekall_text("slow");
    status = rekall_remember(shared, &input, NULL, NULL, &error);
    CHECK(status == REKALL_INTERRUPTED);
    rekall_error_free(error);
    pthread_mutex_lock(&lock);
    ended = 1;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void *let_go(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&lock);
    released = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void close_waits(const char *folder)
{
    rekall_embedder embedder = letters(NULL);
    pthread_t slow, other;

    embedder.embed = waiting_embed;
    shared = open_at(folder, "waits.db", &embedder);
    CHECK(pthread_create(&slow, NULL, remember_slowly, NULL) == 0);
    pthread_mutex_lock(&lock);
    while (!inside) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    rekall_interrupt(shared); /* the call in the embedder will notice when it is back */
    CHECK(pthread_create(&other, NULL, let_go, NULL) == 0);
    rekall_close(shared);
    CHECK(pthread_join(slow, NULL) == 0 && pthread_join(other, NULL) == 0);
    CHECK(ended == 1);
}

static void life_of_the_model(const char *folder)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_db *db = NULL;
    uint32_t state = 9, outcome = 9;
    uint64_t left = 0, bytes = 0;

    if (!rekall_has_feature(REKALL_FEATURE_BUNDLED_MODEL)) {
        return;
    }
    options.model_idle_timeout_ms = 1000000;
    OK(rekall_open(in(folder, "model.db"), &options, &db, &error));
    OK(rekall_model_state(db, &state, &error));
    CHECK(state == REKALL_MODEL_UNLOADED);
    OK(rekall_next_deadline_ms(db, &left, &error));
    CHECK(left == REKALL_NEVER);
    OK(rekall_model_load(db, &error));
    OK(rekall_model_state(db, &state, &error));
    CHECK(state == REKALL_MODEL_READY);
    OK(rekall_next_deadline_ms(db, &left, &error));
    CHECK(left > 900000 && left <= 1000000);
    OK(rekall_model_touch(db, &error));
    OK(rekall_unload_if_idle(db, &bytes, &error));
    CHECK(bytes == 0);
    OK(rekall_model_unload(db, &outcome, &error));
    CHECK(outcome == REKALL_UNLOAD_DONE);
    OK(rekall_model_unload(db, &outcome, &error));
    CHECK(outcome == REKALL_UNLOAD_NOT_LOADED);
    rekall_close(db);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    destroyed_once(argv[1]);
    failing_embedder(argv[1]);
    listening(argv[1]);
    stopping_and_transfer(argv[1]);
    many_threads(argv[1]);
    close_waits(argv[1]);
    life_of_the_model(argv[1]);
    puts("ok");
    return 0;
}
