/* The model: how it is loaded, when it goes, what the caller's clock has to say; settings of opening. C99. Arguments: a
 * folder, the repository. */
#include "support.h"

static const char *folder;
static char static_model[1200];
static int loading, loaded, failed, unloaded;
static uint64_t last_bytes;

static void on_event(void *user_data, const rekall_event *event)
{
    (void)user_data;
    loading += event->kind == REKALL_EVENT_MODEL_LOADING;
    loaded += event->kind == REKALL_EVENT_MODEL_LOADED;
    failed += event->kind == REKALL_EVENT_MODEL_LOAD_FAILED;
    unloaded += event->kind == REKALL_EVENT_MODEL_UNLOADED;
    if (event->kind <= REKALL_EVENT_MODEL_UNLOADED) {
        CHECK(event->model != NULL && event->message != NULL);
        CHECK((event->reason != NULL) == (event->kind == REKALL_EVENT_MODEL_LOAD_FAILED));
    }
    if (event->kind == REKALL_EVENT_MODEL_LOADED) {
        last_bytes = event->bytes;
    }
}

static int64_t read_clock(void *user_data)
{
    return *(const int64_t *)user_data;
}

static uint32_t state(rekall_db *db)
{
    uint32_t out = 99;
    OK(rekall_model_state(db, &out, &error));
    return out;
}

static uint64_t deadline(rekall_db *db)
{
    uint64_t out = 99;
    OK(rekall_next_deadline_ms(db, &out, &error));
    return out;
}

/* Loaded late, touched, let go when idle: all by the caller's clock. */
static void life(void)
{
    int64_t now = 5000;
    rekall_listener listener = REKALL_LISTENER_INIT;
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_recall_options forever = REKALL_RECALL_OPTIONS_INIT;
    rekall_stats stats = REKALL_STATS_INIT;
    rekall_hits *hits = NULL;
    rekall_db *db = NULL;
    rekall_unloaded gone = {9, 9, 9};
    uint64_t bytes = 9;
    char name[40];

    listener.event = on_event;
    options.listener = &listener;
    options.model = static_model;
    options.model_idle_timeout_ms = 1000;
    options.cache_ttl_ms = 3000;
    options.age_ms = read_clock;
    options.age_user_data = &now;
    OK(rekall_open(in(folder, "life.db"), &options, &db, &error));
    CHECK(state(db) == REKALL_MODEL_UNLOADED && deadline(db) == REKALL_NEVER && loading == 0);
    OK(rekall_model_name(db, name, sizeof name, NULL, &error));
    CHECK(name[0] == 0);
    OK(rekall_model_unload(db, &gone, &error));
    CHECK(gone.outcome == REKALL_UNLOAD_NOT_LOADED && gone.bytes == 0);
    OK(rekall_model_load(db, &error));
    CHECK(state(db) == REKALL_MODEL_READY && deadline(db) == 1000 && loading == 1 && loaded == 1);
    OK(rekall_model_name(db, name, sizeof name, NULL, &error));
    CHECK(strcmp(name, "static-f32") == 0);
    OK(rekall_get_stats(db, &stats, &error));
    CHECK(stats.model_bytes == last_bytes);
    now += 400;
    CHECK(deadline(db) == 600);
    OK(rekall_unload_if_idle(db, &bytes, &error));
    CHECK(bytes == 0 && state(db) == REKALL_MODEL_READY);
    OK(rekall_model_touch(db, &error));
    CHECK(deadline(db) == 1000);
    now += 1000;
    CHECK(deadline(db) == 0);
    OK(rekall_unload_if_idle(db, &bytes, &error));
    CHECK(bytes == last_bytes && state(db) == REKALL_MODEL_UNLOADED && unloaded == 1 && deadline(db) == REKALL_NEVER);

    remember(db, "leak");
    CHECK(state(db) == REKALL_MODEL_READY && loaded == 2);
    forever.keep_alive_ms = REKALL_NEVER;
    OK(rekall_recall(db, "leak", 4, &forever, &hits, &error));
    rekall_hits_free(hits);
    CHECK(deadline(db) == REKALL_NEVER);
    OK(rekall_model_unload(db, &gone, &error));
    CHECK(gone.outcome == REKALL_UNLOAD_DONE && gone.bytes > 0 && gone.leases == 0);
    CHECK(state(db) == REKALL_MODEL_UNLOADED);
    /* The query's vector is still in the cache: no model is needed, until it is too old. */
    OK(rekall_recall(db, "leak", 4, NULL, &hits, &error));
    CHECK(rekall_hits_similarity(hits, 0) > 0.99f && state(db) == REKALL_MODEL_UNLOADED);
    rekall_hits_free(hits);
    now += 3000;
    OK(rekall_recall(db, "leak", 4, NULL, &hits, &error));
    rekall_hits_free(hits);
    CHECK(state(db) == REKALL_MODEL_READY && loaded == 3);
    OK(rekall_get_stats(db, &stats, &error));
    CHECK(stats.cache_hits == 1 && stats.cache_misses == 2 && stats.cache_expirations == 1);
    OK(rekall_release_memory(db, &error));
    CHECK(state(db) == REKALL_MODEL_UNLOADED);
    rekall_close(db);
}

static void not_kept_at_all(void)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_db *db = NULL;

    options.model = static_model;
    options.model_idle_timeout_ms = REKALL_ZERO;
    options.flags = REKALL_OPEN_UNLOAD_THREAD | REKALL_OPEN_RELEASE_MEMORY;
    OK(rekall_open(in(folder, "zero.db"), &options, &db, &error));
    remember(db, "leak");
    CHECK(state(db) == REKALL_MODEL_UNLOADED);
    rekall_close(db);
}

/* The dimensions of a vector of this model. */
static size_t dimensions_with(const rekall_load_options *load)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_db *db = NULL;
    size_t len = 0;

    options.model = static_model;
    options.load = load;
    OK(rekall_open(in(folder, "load.db"), &options, &db, &error));
    FAILS(REKALL_BUFFER_TOO_SMALL, rekall_embed(db, REKALL_EMBED_QUERY, "leak", 4, NULL, 0, &len, &error));
    rekall_close(db);
    return len;
}

static rekall_status loading_with(const rekall_load_options *load, const char *model)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_db *db = NULL;
    rekall_error *error = NULL;
    rekall_status status;

    options.model = model;
    options.load = load;
    status = rekall_open(in(folder, "load.db"), &options, &db, &error);
    CHECK((status == REKALL_OK) == (error == NULL));
    rekall_error_free(error);
    if (status == REKALL_OK) {
        status = rekall_model_load(db, NULL);
    }
    rekall_close(db);
    return status;
}

static void never_called(void *user_data, const char *file, uint64_t bytes, uint64_t total)
{
    (void)user_data;
    (void)file;
    (void)bytes;
    (void)total;
    CHECK(!"nothing is downloaded here");
}

static void load_options(void)
{
    rekall_load_options load = REKALL_LOAD_OPTIONS_INIT;
    size_t all = dimensions_with(NULL);

    CHECK(all > 0 && dimensions_with(&load) == all);
    load.max_threads = 2;
    load.max_tokens = 3;
    load.device = "cpu";
    load.query_prefix = rekall_text("query: ");
    load.document_prefix = rekall_text("");
    load.hub_cache = folder;
    load.download = never_called;
    CHECK(dimensions_with(&load) == all);
    load.dimensions = all + 1;
    CHECK(loading_with(&load, static_model) == REKALL_INVALID_INPUT);
    load.dimensions = 0;
    load.device = "abacus";
    CHECK(loading_with(&load, static_model) == REKALL_INVALID_INPUT);
    load.device = "cuda:x";
    CHECK(loading_with(&load, static_model) == REKALL_INVALID_INPUT);
    load.device = NULL;
    load.flags = 4;
    CHECK(loading_with(&load, static_model) == REKALL_MISUSE);
    load.flags = REKALL_LOAD_OFFLINE;
    CHECK(loading_with(&load, "hub:owner/nowhere") ==
          (rekall_has_feature(REKALL_FEATURE_HUB) ? REKALL_MODEL_UNAVAILABLE : REKALL_UNSUPPORTED));
    load.flags = 0;
    load.hub_endpoint = "http://127.0.0.1:1";
    CHECK(loading_with(&load, "hub:owner/nowhere") ==
          (rekall_has_feature(REKALL_FEATURE_HUB) ? REKALL_MODEL_UNAVAILABLE : REKALL_UNSUPPORTED));
    load.hub_endpoint = "\xff";
    CHECK(loading_with(&load, "hub:owner/nowhere") == REKALL_INVALID_INPUT);
    CHECK(loading_with(NULL, "path:/nonexistent/model") == REKALL_INVALID_MODEL);
    CHECK(loading_with(NULL, "path:") == REKALL_INVALID_INPUT);
}

static void transformers(const char *repository)
{
    char model[1200];
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_db *db = NULL;
    rekall_hits *hits = NULL;

    sprintf(model, "path:%.1000s/rekall-model/tests/fixtures/bert-tiny-mean", repository);
    if (!rekall_has_feature(REKALL_FEATURE_TRANSFORMER)) {
        CHECK(loading_with(NULL, model) == REKALL_UNSUPPORTED);
        return;
    }
    options.model = model;
    OK(rekall_open(in(folder, "bert.db"), &options, &db, &error));
    remember(db, "memory leak of the server");
    OK(rekall_recall(db, "memory leak of the server", REKALL_NTS, NULL, &hits, &error));
    CHECK(rekall_hits_similarity(hits, 0) > 0.999f && rekall_hits_degraded_count(hits) == 0);
    rekall_hits_free(hits);
    rekall_close(db);
}

static void bundled(void)
{
    rekall_db *db = NULL;
    rekall_hits *hits = NULL;
    uint64_t bytes = 9;

    OK(rekall_open(in(folder, "bundled.db"), NULL, &db, &error));
    if (!rekall_has_feature(REKALL_FEATURE_BUNDLED_MODEL)) {
        FAILS(REKALL_MODEL_UNAVAILABLE, rekall_model_load(db, &error));
        rekall_close(db);
        return;
    }
    remember(db, "CORS fails on Safari");
    OK(rekall_recall(db, "browser blocks my API call", REKALL_NTS, NULL, &hits, &error));
    CHECK(rekall_hits_count(hits) == 1 && rekall_hits_similarity(hits, 0) > 0);
    rekall_hits_free(hits);
    OK(rekall_unload_if_idle(db, &bytes, &error));
    CHECK(bytes == 0 && state(db) == REKALL_MODEL_READY);
    rekall_close(db);
}

/* A file whose vectors the first built-in model made: searched with them where the library has that model, else by words;
 * either says what to do. After that the vectors are the current model's. */
static void former_model(const char *repository)
{
    static char former[1200];
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_reembed_options current = REKALL_REEMBED_OPTIONS_INIT;
    rekall_stats stats = REKALL_STATS_INIT;
    rekall_embedded made = REKALL_EMBEDDED_INIT;
    rekall_hits *hits = NULL;
    rekall_db *db = NULL;
    int has_former = rekall_has_feature(REKALL_FEATURE_BUNDLED_MODEL_V1);
    int round;

    if (!rekall_has_feature(REKALL_FEATURE_BUNDLED_MODEL)) {
        return;
    }
    sprintf(former, "path:%.1000s/rekall-model-v1/data", repository);
    options.model = former;
    OK(rekall_open(in(folder, "former.db"), &options, &db, &error));
    remember(db, "CORS fails on Safari");
    rekall_close(db);

    OK(rekall_open(in(folder, "former.db"), NULL, &db, &error));
    OK(rekall_get_stats(db, &stats, &error));
    CHECK(stats.former_model == 1 && stats.entries == 1 && stats.pending == 0);
    for (round = 0; round < 2; round++) {
        OK(rekall_recall(db, "browser Safari", REKALL_NTS, NULL, &hits, &error));
        CHECK(rekall_hits_count(hits) == 1);
        if (has_former) {
            CHECK(rekall_hits_similarity(hits, 0) > 0);
            CHECK(rekall_hits_degraded_count(hits) == (size_t)(round == 0));
            CHECK(round > 0 || rekall_hits_degraded_kind(hits, 0) == REKALL_DEGRADED_FORMER_MODEL);
        } else {
            CHECK(rekall_hits_degraded_kind(hits, 0) == REKALL_DEGRADED_WORDS_ONLY);
        }
        CHECK(rekall_hits_degraded_count(hits) == 0 || strstr(rekall_hits_degraded(hits, 0, NULL), "reembed") != NULL);
        rekall_hits_free(hits);
    }
    current.model = "bundled";
    OK(rekall_reembed(db, &current, NULL, &made, &error));
    CHECK(made.entries == 1);
    OK(rekall_recall(db, "browser Safari", REKALL_NTS, NULL, &hits, &error));
    CHECK(rekall_hits_count(hits) == 1 && rekall_hits_similarity(hits, 0) > 0 && rekall_hits_degraded_count(hits) == 0);
    rekall_hits_free(hits);
    OK(rekall_get_stats(db, &stats, &error));
    CHECK(stats.former_model == 0);
    rekall_close(db);
}

/* Ways of opening that show in what a handle does. */
static void ways_of_opening(void)
{
    rekall_embedder embedder = letters(NULL);
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    rekall_hits *hits = NULL;
    rekall_db *db = NULL;
    FILE *file = fopen(in(folder, "settings.toml"), "w");
    const char *path;
    float vector[4] = {0, 3, 0, 0};
    uint64_t left = 0;

    entry.title = rekall_text("x");
    options.embedder = &embedder;
    options.search_threads = 3;
    options.flags = REKALL_OPEN_SECURE_DELETE | REKALL_OPEN_SYNC_FULL;
    OK(rekall_open(in(folder, "ways.db"), &options, &db, &error));
    {
        rekall_id id = remember(db, "a secret");
        OK(rekall_forget(db, id.text, &error));
    }
    remember(db, "no secret");
    rekall_close(db);
    db = open_at(folder, "ways.db", &embedder);
    rekall_close(db);
    options.flags = REKALL_OPEN_READ_ONLY;
    OK(rekall_open(in(folder, "ways.db"), &options, &db, &error));
    FAILS(REKALL_READ_ONLY, rekall_remember(db, &entry, NULL, NULL, &error));
    OK(rekall_recall(db, "secret", 6, NULL, &hits, &error));
    CHECK(rekall_hits_count(hits) == 1);
    rekall_hits_free(hits);
    rekall_close(db);

    CHECK(file != NULL && fputs("[performance]\nmodel_idle_timeout_minutes = 2\ncache_max_size = 1\n", file) >= 0);
    fclose(file);
    options.flags = REKALL_OPEN_EXISTING;
    options.embedder = NULL;
    options.model = static_model;
    options.config_file = in(folder, "settings.toml");
    OK(rekall_open(in(folder, "ways.db"), &options, &db, &error));
    OK(rekall_model_load(db, &error));
    OK(rekall_next_deadline_ms(db, &left, &error));
    CHECK(left > 110000 && left <= 120000);
    rekall_close(db);

    options.flags = REKALL_OPEN_NO_MODEL;
    options.model = options.config_file = NULL;
    path = in(folder, "no \xff text.db"); /* a path is bytes */
    OK(rekall_open(path, &options, &db, &error));
    CHECK(strcmp(rekall_path(db), path) == 0);
    rekall_close(db);
    file = fopen(path, "rb");
    CHECK(file != NULL);
    fclose(file);
    OK(rekall_open(in(folder, "./ways.db"), &options, &db, &error));
    CHECK(strcmp(rekall_path(db), in(folder, "ways.db")) == 0);
    rekall_close(db);

    options.flags = 0;
    options.vectors_name = "the host's own";
    options.vectors_dimensions = 4;
    options.busy_timeout_ms = REKALL_ZERO;
    OK(rekall_open(in(folder, "vectors.db"), &options, &db, &error));
    {
        rekall_remember_options how = REKALL_REMEMBER_OPTIONS_INIT;
        how.vectors = vector;
        how.vectors_len = 4;
        OK(rekall_remember(db, &entry, &how, NULL, &error));
    }
    OK(rekall_recall_vector(db, vector, 4, NULL, &hits, &error));
    CHECK(rekall_hits_count(hits) == 1 && rekall_hits_similarity(hits, 0) > 0.999f);
    rekall_hits_free(hits);
    FAILS(REKALL_MODEL_UNAVAILABLE, rekall_model_load(db, &error));
    rekall_close(db);
}

/* Settings are looked through without a file: what holds comes back, what is wrong is named. */
static void settings(void)
{
    static const char given[] = "[performance]\ncache_max_size = 7\nmodel_idle_timeout_minutes = 0.5\n"
                                "memory_budget_bytes = 99\nvector_backend = 'sq8'\n[model]\nsource = 'path:x y'";
    rekall_report *report = NULL;
    rekall_error *error = NULL;
    const char *path = in(folder, "checked.toml");
    FILE *file = fopen(path, "w");

    CHECK(file != NULL && fputs(given, file) >= 0 && fclose(file) == 0);
    OK(rekall_config_check(given, REKALL_NTS, &report, &error));
    CHECK(rekall_report_number(report, "cache_max_size") == 7);
    CHECK(rekall_report_number(report, "cache_ttl_seconds") == 600);
    CHECK(rekall_report_number(report, "model_idle_timeout_ms") == 30000);
    CHECK(rekall_report_number(report, "memory_budget_bytes") == 99);
    CHECK(rekall_report_number(report, "rescored_rows") == 1000);
    CHECK(strstr(rekall_report_json(report, NULL), "\"vector_backend\":\"sq8\"") != NULL);
    CHECK(strstr(rekall_report_json(report, NULL), "\"model\":\"path:x y\"") != NULL);
    rekall_report_free(report);
    OK(rekall_config_check_file(path, &report, &error));
    CHECK(rekall_report_number(report, "cache_max_size") == 7);
    rekall_report_free(report);
    OK(rekall_config_check(NULL, 0, &report, &error));
    CHECK(rekall_report_number(report, "memory_budget_bytes") == REKALL_NEVER);
    rekall_report_free(report);

    CHECK(rekall_config_check("[performance]\ncache_max_sise = 1", REKALL_NTS, &report, &error) == REKALL_INVALID_INPUT);
    CHECK(report == NULL && strstr(rekall_error_message(error), "cache_max_sise") != NULL);
    rekall_error_free(error);
    FAILS(REKALL_INVALID_INPUT, rekall_config_check("[performance]\nrescored_rows = 0", REKALL_NTS, NULL, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_config_check("[model]\nsource = 'x'", REKALL_NTS, NULL, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_config_check_file(folder, NULL, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_config_check_file(in(folder, "nothing.toml"), NULL, &error));
    if (!rekall_has_feature(REKALL_FEATURE_SQLITE_VEC)) {
        FAILS(REKALL_UNSUPPORTED,
              rekall_config_check("[performance]\nvector_backend = 'sqlite-vec'", REKALL_NTS, NULL, &error));
    }
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    folder = argv[1];
    sprintf(static_model, "path:%.1000s/rekall-model/tests/fixtures/static-f32", argv[2]);
    life();
    not_kept_at_all();
    load_options();
    transformers(argv[2]);
    bundled();
    former_model(argv[2]);
    ways_of_opening();
    settings();
    puts("ok");
    return 0;
}
