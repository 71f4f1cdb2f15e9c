/* Callbacks that call back into their own handle: refused, from each of them, also with another handle in between. C99.
 * Arguments: a folder, the repository. */
#include "support.h"

enum { FROM_LOG, FROM_BELOW, FROM_EVENT, FROM_CLOCK, FROM_AGE, FROM_EMBED, FROM_COUNT, FROM_PROGRESS, FROM_DESTROY, FROM_B, KINDS };

static rekall_db *db_a, *db_b;
static int refused[KINDS];

/* Any call on the handle is refused, before it can wait for anything. */
static void try_a(int from)
{
    rekall_stats stats = REKALL_STATS_INIT;
    rekall_error *error = NULL;
    rekall_hits *hits = NULL;

    if (db_a == NULL) {
        return;
    }
    CHECK(rekall_get_stats(db_a, &stats, &error) == REKALL_MISUSE);
    CHECK(strstr(rekall_error_message(error), "callback") != NULL);
    rekall_error_free(error);
    CHECK(rekall_recall(db_a, "x", 1, NULL, &hits, NULL) == REKALL_MISUSE && hits == NULL);
    rekall_close(db_a);
    refused[from]++;
}

static void on_log(void *user_data, int32_t level, const char *message, size_t len)
{
    (void)user_data;
    (void)level;
    CHECK(strlen(message) == len);
    /* Said by the part that loads models, while it holds a lock. */
    try_a(strstr(message, "loading model") != NULL ? FROM_BELOW : FROM_LOG);
}

static void on_event(void *user_data, const rekall_event *event)
{
    (void)user_data;
    CHECK(event->message != NULL);
    try_a(FROM_EVENT);
}

static int64_t now(void *user_data)
{
    try_a(*(int *)user_data);
    return 1700000000000;
}

static rekall_status embed_a(void *user_data, uint32_t purpose, const rekall_str *texts, size_t count,
                             float *out_vectors, size_t dimensions)
{
    try_a(FROM_EMBED);
    if (db_b != NULL) {
        /* Another handle may be used; its callback comes while this one runs. */
        remember(db_b, "from a callback");
    }
    return letters_embed(user_data, purpose, texts, count, out_vectors, dimensions);
}

static rekall_status embed_b(void *user_data, uint32_t purpose, const rekall_str *texts, size_t count,
                             float *out_vectors, size_t dimensions)
{
    try_a(FROM_B);
    return letters_embed(user_data, purpose, texts, count, out_vectors, dimensions);
}

static size_t count_tokens(void *user_data, const char *text, size_t len)
{
    (void)user_data;
    CHECK(text != NULL);
    try_a(FROM_COUNT);
    return len;
}

static int32_t on_progress(void *user_data, uint64_t done, uint64_t total)
{
    (void)user_data;
    CHECK(total == 0 || done <= total);
    try_a(FROM_PROGRESS);
    return 0;
}

static void on_destroy(void *user_data)
{
    (void)user_data;
    try_a(FROM_DESTROY);
}

int main(int argc, char **argv)
{
    int clock = FROM_CLOCK, age = FROM_AGE, kind;
    rekall_embedder a = letters(NULL), b = letters(NULL), next = letters(NULL);
    rekall_listener listener = REKALL_LISTENER_INIT;
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_reembed_options with = REKALL_REEMBED_OPTIONS_INIT;
    rekall_watch watch = REKALL_WATCH_INIT;
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    rekall_hits *hits = NULL;
    rekall_db *db = NULL;

    CHECK(argc == 3);
    a.embed = embed_a;
    a.count_tokens = count_tokens;
    a.max_tokens = 8;
    a.destroy = on_destroy;
    listener.event = on_event;
    listener.log = on_log;
    listener.log_level = REKALL_LOG_TRACE;
    options.embedder = &a;
    options.listener = &listener;
    options.now_ms = now;
    options.now_user_data = &clock;
    options.age_ms = now;
    options.age_user_data = &age;
    b.embed = embed_b;
    OK(rekall_open(in(argv[1], "a.db"), &options, &db, &error));
    db_b = open_at(argv[1], "b.db", &b);
    db_a = db;

    entry.title = rekall_text("longer than eight letters");
    OK(rekall_remember(db, &entry, NULL, NULL, &error));
    OK(rekall_recall(db, "longer", 6, NULL, &hits, &error));
    rekall_hits_free(hits);
    watch.progress = on_progress;
    OK(rekall_repair(db, &watch, NULL, &error));
    OK(rekall_embed_pending(db, &watch, NULL, &error));
    next.name = "the next letters";
    with.embedder = &next;
    OK(rekall_reembed(db, &with, &watch, NULL, &error));
    db_a = NULL;
    rekall_close(db);
    rekall_close(db_b);
    if (rekall_has_feature(REKALL_FEATURE_BUNDLED_MODEL)) {
        options.embedder = NULL;
        OK(rekall_open(in(argv[1], "c.db"), &options, &db, &error));
        db_a = db;
        OK(rekall_model_load(db, &error));
        db_a = NULL;
        rekall_close(db);
    } else {
        refused[FROM_BELOW]++;
    }
    for (kind = 0; kind < KINDS; kind++) {
        if (refused[kind] == 0) {
            fprintf(stderr, "callback %d never came\n", kind);
            return 1;
        }
    }
    puts("ok");
    return 0;
}
