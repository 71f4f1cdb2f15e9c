/* Callbacks: that fail, that call back, that are destroyed once; events and log. C99. Arguments: a folder, the
 * repository. */
#include "support.h"

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

static int asked;

static rekall_status counting_embed(void *user_data, uint32_t purpose, const rekall_str *texts, size_t count,
                                    float *out_vectors, size_t dimensions)
{
    asked++;
    return letters_embed(user_data, purpose, texts, count, out_vectors, dimensions);
}

static size_t cannot_count(void *user_data, const char *text, size_t len)
{
    (void)user_data;
    (void)text;
    (void)len;
    return (size_t)-1;
}

/* Texts that the model makes nothing of cost no further call; a model that cannot count fails the call. */
static void one_ask(const char *folder)
{
    rekall_embedder embedder = letters(NULL);
    rekall_new_entry entries[40];
    rekall_stats stats = REKALL_STATS_INIT;
    rekall_db *db;
    size_t i;

    embedder.embed = counting_embed;
    embedder.memory_bytes = 4321;
    db = open_at(folder, "one_ask.db", &embedder);
    for (i = 0; i < 40; i++) {
        rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
        entry.title = rekall_text(i % 2 == 0 ? "123" : "letters");
        entries[i] = entry;
    }
    OK(rekall_remember_many(db, entries, 40, NULL, NULL, &error));
    CHECK(asked == 1);
    OK(rekall_get_stats(db, &stats, &error));
    CHECK(stats.vectors == 20 && stats.model_bytes == 4321);
    rekall_close(db);

    embedder.count_tokens = cannot_count;
    embedder.max_tokens = 4;
    db = open_at(folder, "one_ask.db", &embedder);
    entries[0].title = rekall_text("longer than four");
    FAILS(REKALL_CALLBACK, rekall_remember(db, &entries[0], NULL, NULL, &error));
    rekall_close(db);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    destroyed_once(argv[1]);
    failing_embedder(argv[1]);
    listening(argv[1]);
    one_ask(argv[1]);
    puts("ok");
    return 0;
}
