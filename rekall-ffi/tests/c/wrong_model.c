/* A model that can never work is said by the first call that needs it, or at opening; one that cannot be had now is waited
 * for; neither is silent. C99. Arguments: a folder, the repository. The environment's REKALL_TEST_HUB is the address of a hub
 * that has a model of an unknown architecture. */
#include "support.h"

static const char *folder;

static rekall_status titled(rekall_db *db, const char *title, rekall_error **error)
{
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;

    entry.title = rekall_text(title);
    return rekall_remember(db, &entry, NULL, NULL, error);
}

/* Why entries wait, by the figures. */
static const char *reason(rekall_db *db)
{
    static char text[1000];
    size_t len = 9999;

    OK(rekall_pending_reason(db, text, sizeof text, &len, &error));
    CHECK(len == strlen(text));
    return text;
}

/* What a search says about entries that wait. */
static void told(rekall_db *db, const char *why)
{
    rekall_hits *hits = NULL;
    size_t i, found = 0;

    OK(rekall_recall(db, "disk", 4, NULL, &hits, &error));
    CHECK(rekall_hits_count(hits) == 1);
    for (i = 0; i < rekall_hits_degraded_count(hits); i++) {
        if (rekall_hits_degraded_kind(hits, i) == REKALL_DEGRADED_PENDING) {
            CHECK(strstr(rekall_hits_degraded(hits, i, NULL), why) != NULL);
            found++;
        }
    }
    CHECK(found == 1);
    rekall_hits_free(hits);
}

/* An entry of another time waits for vectors; nothing new is stored. */
static void refused(const char *name, const char *model, const rekall_load_options *load, int expected, const char *why)
{
    const char *path = in(folder, name), *other;
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_recall_options semantic = REKALL_RECALL_OPTIONS_INIT;
    rekall_stats stats = REKALL_STATS_INIT;
    rekall_error *error = NULL;
    rekall_hits *hits = NULL;
    rekall_db *db = NULL;

    semantic.mode = REKALL_MODE_SEMANTIC;
    options.flags = REKALL_OPEN_NO_MODEL;
    OK(rekall_open(path, &options, &db, &error));
    FAILS(REKALL_MODEL_UNAVAILABLE, rekall_recall(db, "disk", 4, &semantic, &hits, &error));
    remember(db, "disk full");
    CHECK(strcmp(reason(db), "no model to embed text with") == 0);
    rekall_close(db);

    options.flags = 0;
    options.model = model;
    options.load = load;
    OK(rekall_open(path, &options, &db, &error));
    CHECK(titled(db, "not stored", &error) == expected && rekall_error_status(error) == expected);
    if (strstr(rekall_error_message(error), why) == NULL) {
        fprintf(stderr, "%s does not say %s\n", rekall_error_message(error), why);
        exit(1);
    }
    rekall_error_free(error);
    FAILS(expected, rekall_recall(db, "disk", 4, &semantic, &hits, &error));
    FAILS(expected, rekall_embed_pending(db, NULL, NULL, &error));
    FAILS(expected, rekall_model_load(db, &error));
    told(db, why);
    CHECK(strstr(reason(db), why) != NULL);
    OK(rekall_get_stats(db, &stats, &error));
    CHECK(stats.entries == 1 && stats.pending == 1);
    rekall_close(db);

    options.flags = REKALL_OPEN_CHECK_MODEL;
    FAILS(expected, rekall_open(path, &options, &db, &error));
    other = in(folder, "not-made.db");
    FAILS(expected, rekall_open(other, &options, &db, &error));
    CHECK(fopen(other, "rb") == NULL && db == NULL);
}

static void out_of_reach(void)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_load_options load = REKALL_LOAD_OPTIONS_INIT;
    rekall_db *db = NULL;

    load.hub_endpoint = "http://127.0.0.1:1";
    load.hub_cache = in(folder, "empty");
    options.model = "hub:owner/model";
    options.load = &load;
    options.flags = REKALL_OPEN_CHECK_MODEL;
    OK(rekall_open(in(folder, "later.db"), &options, &db, &error));
    remember(db, "disk full");
    told(db, "model owner/model is unavailable");
    CHECK(strstr(reason(db), "model owner/model is unavailable") == reason(db));
    rekall_close(db);
}

int main(int argc, char **argv)
{
    char model[1200];
    rekall_load_options load = REKALL_LOAD_OPTIONS_INIT;
    FILE *config;

    CHECK(argc == 3);
    folder = argv[1];
    refused("missing.db", "path:/nonexistent/model", NULL, REKALL_INVALID_MODEL, "/nonexistent/model");
    config = fopen(in(folder, "config.json"), "w");
    CHECK(config != NULL && fputs("{\"model_type\": \"llama\"}", config) >= 0 && fclose(config) == 0);
    sprintf(model, "path:%.1000s", folder);
    refused("unknown.db", model, NULL, REKALL_UNSUPPORTED, "got \"llama\"");
    if (rekall_has_feature(REKALL_FEATURE_HUB)) {
        load.hub_endpoint = getenv("REKALL_TEST_HUB");
        load.hub_cache = in(folder, "cache");
        CHECK(load.hub_endpoint != NULL);
        refused("hub.db", "hub:owner/model", &load, REKALL_UNSUPPORTED, "hub:owner/model/config.json: expected one of");
        out_of_reach();
    }
    puts("ok");
    return 0;
}
