/* Hits that a reranker judges: the caller's own, one from a folder, and none; eight bits. C90. Arguments: a folder, the
 * repository. */
#include "support.h"

/* What the caller's reranker is told to do, and what it saw. */
struct judge {
    rekall_status status;
    float score;
    size_t calls, passages, destroyed;
    char first[100];
    rekall_db *db;
};

/* Loud passages first. */
static rekall_status loud(void *user_data, rekall_str query, const rekall_str *passages, size_t count, float *out_scores)
{
    struct judge *judge = (struct judge *)user_data;
    size_t i, k;
    rekall_error *inner = NULL;

    CHECK(query.len == 4 && memcmp(query.data, "disk", 4) == 0 && count > 0 && count <= 16);
    judge->calls++;
    judge->passages += count;
    sprintf(judge->first, "%.*s", (int)passages[0].len, passages[0].data);
    if (judge->db != NULL) {
        CHECK(rekall_clear_cache(judge->db, &inner) == REKALL_MISUSE);
        rekall_error_free(inner);
    }
    for (i = 0; i < count; i++) {
        CHECK(out_scores[i] == 0.0f);
        out_scores[i] = judge->score;
        for (k = 0; k < passages[i].len; k++) {
            out_scores[i] += passages[i].data[k] == '!' ? 1.0f : 0.0f;
        }
    }
    return judge->status;
}

static void gone(void *user_data)
{
    ((struct judge *)user_data)->destroyed++;
}

/* The first letters of the titles of the hits. */
static const char *order(const rekall_hits *hits)
{
    static char out[64];
    size_t at;
    for (at = 0; at < rekall_hits_count(hits); at++) {
        out[at] = rekall_entry_title(rekall_hits_entry(hits, at), NULL)[0];
    }
    out[at] = 0;
    return out;
}

static void the_callers_own(const char *folder)
{
    static const float query[2] = {1.0f, 0.0f};
    struct judge judge = {REKALL_OK, 0, 0, 0, 0, "", NULL};
    rekall_reranker own = REKALL_RERANKER_INIT;
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_recall_options how = REKALL_RECALL_OPTIONS_INIT;
    rekall_stats stats = REKALL_STATS_INIT;
    rekall_unloaded unloaded;
    rekall_token *token = rekall_token_new();
    rekall_hits *hits = NULL;
    rekall_db *db = NULL;
    uint32_t state = 0;
    int i;

    own.name = "loud";
    own.rerank = loud;
    own.user_data = &judge;
    own.destroy = gone;
    own.memory_bytes = 77;
    options.own_reranker = &own;
    options.flags = REKALL_OPEN_NO_MODEL;

    /* It is let go in any case. */
    own.name = NULL;
    FAILS(REKALL_MISUSE, rekall_open(in(folder, "own.db"), &options, &db, &error));
    own.name = "";
    FAILS(REKALL_INVALID_INPUT, rekall_open(in(folder, "own.db"), &options, &db, &error));
    own.name = "loud";
    own.rerank = NULL;
    FAILS(REKALL_MISUSE, rekall_open(in(folder, "own.db"), &options, &db, &error));
    own.rerank = loud;
    options.reranker = "path:other";
    FAILS(REKALL_MISUSE, rekall_open(in(folder, "own.db"), &options, &db, &error));
    options.reranker = NULL;
    CHECK(judge.destroyed == 4);

    OK(rekall_open(in(folder, "own.db"), &options, &db, &error));
    judge.db = db;
    remember(db, "a disk");
    remember(db, "b disk of some words !");
    remember(db, "c disk of some words more !!");
    how.mode = REKALL_MODE_TEXT;
    OK(rekall_recall(db, "disk", 4, &how, &hits, &error));
    CHECK(strcmp(order(hits), "abc") == 0 && judge.calls == 0);
    CHECK(IS_NAN(rekall_hits_adjustment(hits, 0, REKALL_ADJUSTMENT_RERANK)));
    rekall_hits_free(hits);

    judge.score = -5.0f;
    how.rerank = 2;
    OK(rekall_recall(db, "disk", 4, &how, &hits, &error));
    CHECK(strcmp(order(hits), "bac") == 0 && judge.passages == 2 && strcmp(judge.first, "a disk") == 0);
    CHECK(rekall_hits_score(hits, 0) == -4.0 && rekall_hits_adjustment(hits, 0, REKALL_ADJUSTMENT_RERANK) == -4.0);
    CHECK(rekall_hits_adjustment(hits, 0, REKALL_ADJUSTMENT_RANK_BEFORE_RERANK) == 2.0);
    CHECK(rekall_hits_adjustment(hits, 0, REKALL_ADJUSTMENT_SCORE_BEFORE_RERANK) > 0.0);
    CHECK(IS_NAN(rekall_hits_adjustment(hits, 2, REKALL_ADJUSTMENT_RERANK)) && rekall_hits_score(hits, 2) > 0.0);
    CHECK(IS_NAN(rekall_hits_adjustment(hits, 2, REKALL_ADJUSTMENT_RANK_BEFORE_RERANK)));
    CHECK(IS_NAN(rekall_hits_adjustment(hits, 3, REKALL_ADJUSTMENT_SCORE_BEFORE_RERANK)));
    CHECK(rekall_hits_degraded_count(hits) == 0);
    rekall_hits_free(hits);

    /* More than the limit. */
    how.rerank = 1000;
    how.limit = 1;
    OK(rekall_recall(db, "disk", 4, &how, &hits, &error));
    CHECK(strcmp(order(hits), "c") == 0);
    rekall_hits_free(hits);
    how.rerank = 1001;
    FAILS(REKALL_INVALID_INPUT, rekall_recall(db, "disk", 4, &how, &hits, &error));
    how.rerank = 3;
    how.limit = 0;
    how.mode = 0;
    FAILS(REKALL_INVALID_INPUT, rekall_recall_vector(db, query, 2, &how, &hits, &error));
    how.mode = REKALL_MODE_TEXT;

    /* What fails leaves the hits as they were. */
    judge.status = REKALL_IO;
    OK(rekall_recall(db, "disk", 4, &how, &hits, &error));
    CHECK(strcmp(order(hits), "abc") == 0 && rekall_hits_degraded_count(hits) == 1);
    CHECK(rekall_hits_degraded_kind(hits, 0) == REKALL_DEGRADED_NOT_RERANKED && rekall_hits_degraded_entries(hits, 0) == 0);
    CHECK(strstr(rekall_hits_degraded(hits, 0, NULL), "not re-ranked: ") == rekall_hits_degraded(hits, 0, NULL));
    CHECK(strstr(rekall_hits_degraded(hits, 0, NULL), "REKALL_IO") != NULL);
    rekall_hits_free(hits);
    judge.status = REKALL_MODEL_UNAVAILABLE;
    OK(rekall_recall(db, "disk", 4, &how, &hits, &error));
    CHECK(strstr(rekall_hits_degraded(hits, 0, NULL), "model loud is unavailable") != NULL);
    rekall_hits_free(hits);
    judge.status = REKALL_INTERRUPTED;
    FAILS(REKALL_INTERRUPTED, rekall_recall(db, "disk", 4, &how, &hits, &error));
    judge.status = REKALL_OK;
    judge.score = (float)HUGE_VAL;
    OK(rekall_recall(db, "disk", 4, &how, &hits, &error));
    CHECK(strcmp(order(hits), "abc") == 0 && rekall_hits_degraded_count(hits) == 1);
    rekall_hits_free(hits);
    rekall_token_cancel(token);
    how.token = token;
    judge.calls = 0;
    FAILS(REKALL_INTERRUPTED, rekall_recall(db, "disk", 4, &how, &hits, &error));
    CHECK(judge.calls == 0);
    rekall_token_free(token);

    /* It is there as long as the memory is open. */
    OK(rekall_reranker_load(db, &error));
    OK(rekall_reranker_unload(db, &unloaded, &error));
    CHECK(unloaded.outcome == REKALL_UNLOAD_NOT_LOADED);
    OK(rekall_reranker_state(db, &state, &error));
    CHECK(state == REKALL_MODEL_READY);
    OK(rekall_get_stats(db, &stats, &error));
    CHECK(stats.reranker_bytes == 77);
    for (i = 0; i < 40; i++) {
        remember(db, "d disk");
    }
    judge.score = 0.0f;
    judge.calls = judge.passages = 0;
    how.token = NULL;
    how.rerank = 40;
    OK(rekall_recall(db, "disk", 4, &how, &hits, &error));
    CHECK(judge.calls == 3 && judge.passages == 40);
    rekall_hits_free(hits);
    CHECK(judge.destroyed == 4);
    rekall_close(db);
    CHECK(judge.destroyed == 5);
}

static void none_and_one_that_is_not_there(const char *folder)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_load_options load = REKALL_LOAD_OPTIONS_INIT;
    rekall_recall_options how = REKALL_RECALL_OPTIONS_INIT;
    rekall_hits *hits = NULL;
    rekall_db *db = NULL;
    uint32_t state = 9;

    options.flags = REKALL_OPEN_NO_MODEL;
    OK(rekall_open(in(folder, "none.db"), &options, &db, &error));
    remember(db, "a disk");
    how.mode = REKALL_MODE_TEXT;
    how.rerank = 5;
    FAILS(REKALL_INVALID_INPUT, rekall_recall(db, "disk", 4, &how, &hits, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_reranker_load(db, &error));
    OK(rekall_reranker_state(db, &state, &error));
    CHECK(state == REKALL_MODEL_UNLOADED);
    rekall_close(db);

    options.reranker_load = &load;
    FAILS(REKALL_MISUSE, rekall_open(in(folder, "none.db"), &options, &db, &error));
    options.reranker = "nonsense";
    FAILS(REKALL_INVALID_INPUT, rekall_open(in(folder, "none.db"), &options, &db, &error));
    options.reranker = "path:/nonexistent/reranker";
    load.dimensions = 3;
    FAILS(REKALL_MISUSE, rekall_open(in(folder, "none.db"), &options, &db, &error));
    load.dimensions = 0;
    load.precision = "fp16";
    FAILS(REKALL_INVALID_INPUT, rekall_open(in(folder, "none.db"), &options, &db, &error));
    load.precision = "int8";
    OK(rekall_open(in(folder, "none.db"), &options, &db, &error));
    OK(rekall_recall(db, "disk", 4, &how, &hits, &error));
    CHECK(rekall_hits_count(hits) == 1 && rekall_hits_degraded_kind(hits, 0) == REKALL_DEGRADED_NOT_RERANKED);
    CHECK(strstr(rekall_hits_degraded(hits, 0, NULL), "/nonexistent/reranker") != NULL);
    rekall_hits_free(hits);
    FAILS(REKALL_INVALID_MODEL, rekall_reranker_load(db, &error));
    rekall_close(db);
    options.flags |= REKALL_OPEN_CHECK_MODEL;
    FAILS(REKALL_INVALID_MODEL, rekall_open(in(folder, "none.db"), &options, &db, &error));
}

/* One of random numbers, in floats and in eight bits. */
static void from_a_folder(const char *folder, const char *repository)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_load_options load = REKALL_LOAD_OPTIONS_INIT;
    rekall_recall_options how = REKALL_RECALL_OPTIONS_INIT;
    rekall_stats stats = REKALL_STATS_INIT;
    rekall_unloaded unloaded;
    rekall_hits *hits = NULL;
    rekall_db *db = NULL;
    char reranker[1200], config[1300];
    rekall_status status;
    double scores[2];
    int round;

    sprintf(reranker, "path:%.1000s/rekall-model/tests/fixtures/rerank-bert", repository);
    sprintf(config, "[reranker]\nsource = \"%s\"\n", reranker);
    how.mode = REKALL_MODE_TEXT;
    how.rerank = 5;
    options.flags = REKALL_OPEN_NO_MODEL;
    for (round = 0; round < 2; round++) {
        options.reranker = round == 0 ? reranker : NULL;
        options.config = rekall_text(round == 0 ? NULL : config);
        options.reranker_load = round == 0 ? NULL : &load;
        load.precision = "int8";
        OK(rekall_open(in(folder, "folder.db"), &options, &db, &error));
        if (round == 0) {
            remember(db, "the server error in the cache");
            remember(db, "the server");
        }
        OK(rekall_recall(db, "server", 6, &how, &hits, &error));
        CHECK(rekall_hits_count(hits) == 2 && rekall_hits_degraded_count(hits) == 0);
        CHECK(rekall_hits_score(hits, 0) >= rekall_hits_score(hits, 1));
        scores[round] = rekall_hits_score(hits, 0);
        rekall_hits_free(hits);
        OK(rekall_get_stats(db, &stats, &error));
        CHECK(stats.reranker_bytes > 1000 && stats.model_bytes == 0);
        OK(rekall_reranker_unload(db, &unloaded, &error));
        CHECK(unloaded.outcome == REKALL_UNLOAD_DONE && unloaded.bytes >= stats.reranker_bytes);
        rekall_close(db);
    }
    CHECK(scores[0] != scores[1] && fabs(scores[0] - scores[1]) < 0.1);

    /* Shared among processes, in a build that can: the library below may, also where this one was not asked to. */
    load.flags = REKALL_LOAD_HOST;
    OK(rekall_open(in(folder, "folder.db"), &options, &db, &error));
    status = rekall_reranker_load(db, NULL);
    CHECK(status == REKALL_OK || (status == REKALL_UNSUPPORTED && !rekall_has_feature(REKALL_FEATURE_HOST)));
    rekall_close(db);
}

/* Vectors in eight bits are a space of their own; a static model has none. */
static void eight_bits(const char *folder, const char *repository)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_load_options load = REKALL_LOAD_OPTIONS_INIT;
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    rekall_db *db = NULL;
    char model[1200], fingerprint[1000];

    entry.title = rekall_text("the server");
    sprintf(model, "path:%.1000s/rekall-model/tests/fixtures/static-f32", repository);
    options.model = model;
    options.load = &load;
    load.precision = "int8";
    OK(rekall_open(in(folder, "int8.db"), &options, &db, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_remember(db, &entry, NULL, NULL, &error));
    rekall_close(db);
    if (rekall_has_feature(REKALL_FEATURE_TRANSFORMER)) {
        sprintf(model, "path:%.1000s/rekall-model/tests/fixtures/bert-tiny-mean", repository);
        OK(rekall_open(in(folder, "int8.db"), &options, &db, &error));
        remember(db, "the server");
        OK(rekall_fingerprint(db, fingerprint, sizeof fingerprint, NULL, &error));
        CHECK(strstr(fingerprint, "; precision=int8; ") != NULL);
        rekall_close(db);
        /* What the struct says counts more than settings. */
        load.precision = "f32";
        options.config = rekall_text("[model]\nprecision = \"int8\"\n");
        OK(rekall_open(in(folder, "floats.db"), &options, &db, &error));
        remember(db, "the server");
        OK(rekall_fingerprint(db, fingerprint, sizeof fingerprint, NULL, &error));
        CHECK(strstr(fingerprint, "precision") == NULL);
        rekall_close(db);
    }
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    the_callers_own(argv[1]);
    none_and_one_that_is_not_there(argv[1]);
    if (rekall_has_feature(REKALL_FEATURE_TRANSFORMER)) {
        from_a_folder(argv[1], argv[2]);
    }
    eight_bits(argv[1], argv[2]);
    puts("ok");
    return 0;
}
