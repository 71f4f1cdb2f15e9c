/* Many vectors: several queries in one search, entries changed with a vector, the index held against brute force. C90.
 * Arguments: a folder, the repository. */
#include "support.h"

enum { OWN = 4, MANY = 60 };

static rekall_query query(const char *text, const float *vector, size_t vector_len)
{
    rekall_query out;
    out.text = rekall_text(text);
    out.vector = vector;
    out.vector_len = vector_len;
    return out;
}

static const char *title(const rekall_hits *hits, size_t index)
{
    return rekall_entry_title(rekall_hits_entry(hits, index), NULL);
}

/* The same entries in the same order, with the same figures. */
static void same(const rekall_hits *one, const rekall_hits *other)
{
    size_t i;

    CHECK(rekall_hits_count(one) > 0 && rekall_hits_count(one) == rekall_hits_count(other));
    for (i = 0; i < rekall_hits_count(one); i++) {
        const rekall_entry *entry = rekall_hits_entry(one, i);
        CHECK(strcmp(rekall_entry_id(entry), rekall_entry_id(rekall_hits_entry(other, i))) == 0);
        CHECK(rekall_hits_score(one, i) == rekall_hits_score(other, i));
        CHECK(rekall_hits_retrieval_rank(one, i, REKALL_RETRIEVAL_TEXT) == rekall_hits_retrieval_rank(other, i, REKALL_RETRIEVAL_TEXT));
    }
    CHECK(rekall_hits_degraded_count(one) == rekall_hits_degraded_count(other));
}

/* Each of several queries gets what it gets alone. */
static void batch(rekall_db *db)
{
    static const char *const titles[] = {"aaaa bbb", "cccc ddd", "eeee fff"};
    float vector[TEST_DIMENSIONS] = {0};
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_query queries[4];
    rekall_hits *outs[4], *alone = NULL;
    size_t i;

    for (i = 0; i < 3; i++) {
        remember(db, titles[i]);
    }
    vector[2] = 3;
    queries[0] = query("aaaa", NULL, 0);
    queries[1] = query(NULL, vector, TEST_DIMENSIONS);
    queries[2] = query("eeee", vector, TEST_DIMENSIONS);
    queries[3] = query("fff", NULL, 0);
    queries[3].text.len = REKALL_NTS;
    options.limit = 2;
    OK(rekall_recall_batch(db, queries, 4, &options, outs, &error));
    for (i = 0; i < 4; i++) {
        CHECK(rekall_hits_count(outs[i]) == 2);
    }
    CHECK(strcmp(title(outs[0], 0), "aaaa bbb") == 0 && strcmp(title(outs[1], 0), "cccc ddd") == 0);
    CHECK(rekall_hits_elapsed_us(outs[0]) == rekall_hits_elapsed_us(outs[3]));
    OK(rekall_recall(db, "aaaa", 4, &options, &alone, &error));
    same(outs[0], alone);
    rekall_hits_free(alone);
    OK(rekall_recall_vector(db, vector, TEST_DIMENSIONS, &options, &alone, &error));
    same(outs[1], alone);
    rekall_hits_free(alone);
    options.vector = vector;
    options.vector_len = TEST_DIMENSIONS;
    OK(rekall_recall(db, "eeee", 4, &options, &alone, &error));
    same(outs[2], alone);
    rekall_hits_free(alone);
    for (i = 0; i < 4; i++) {
        rekall_hits_free(outs[i]);
    }

    /* Nothing asked, nothing given; the options count for all. */
    OK(rekall_recall_batch(db, NULL, 0, NULL, NULL, &error));
    OK(rekall_recall_batch(db, queries, 0, NULL, outs, &error));
    FAILS(REKALL_MISUSE, rekall_recall_batch(db, queries, 4, &options, outs, &error));
    CHECK(outs[0] == NULL && outs[3] == NULL);
    options.vector = NULL;
    FAILS(REKALL_MISUSE, rekall_recall_batch(db, queries, 4, &options, outs, &error));
    options.vector_len = 0;
    options.mode = REKALL_MODE_TEXT;
    FAILS(REKALL_INVALID_INPUT, rekall_recall_batch(db, queries, 4, &options, outs, &error));
    queries[1] = query("cccc", NULL, 0);
    OK(rekall_recall_batch(db, queries, 4, &options, outs, &error));
    for (i = 0; i < 4; i++) {
        CHECK(rekall_hits_count(outs[i]) == 1 && IS_NAN(rekall_hits_retrieval_score(outs[i], 0, REKALL_RETRIEVAL_SEMANTIC)));
        rekall_hits_free(outs[i]);
    }
}

/* One query that fails fails them all, and no object is left behind. */
static void batch_fails(rekall_db *db)
{
    float vector[TEST_DIMENSIONS] = {0};
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_query queries[3];
    rekall_hits *outs[3];
    rekall_error *told = NULL;
    size_t i;

    queries[0] = queries[1] = queries[2] = query("aaaa", NULL, 0);
    outs[0] = outs[1] = outs[2] = (rekall_hits *)(void *)&queries;
    queries[2].text.data = "\xff";
    CHECK(rekall_recall_batch(db, queries, 3, NULL, outs, &told) == REKALL_INVALID_INPUT);
    CHECK(strstr(rekall_error_message(told), "queries[2]") != NULL);
    rekall_error_free(told);
    for (i = 0; i < 3; i++) {
        CHECK(outs[i] == NULL);
    }
    queries[2] = query(NULL, NULL, 0);
    FAILS(REKALL_INVALID_INPUT, rekall_recall_batch(db, queries, 3, NULL, outs, &error));
    queries[2] = query(" ", NULL, 0);
    FAILS(REKALL_INVALID_INPUT, rekall_recall_batch(db, queries, 3, NULL, outs, &error));
    queries[2] = query(NULL, NULL, 5);
    FAILS(REKALL_MISUSE, rekall_recall_batch(db, queries, 3, NULL, outs, &error));
    queries[2] = query("aaaa", vector, 0);
    FAILS(REKALL_INVALID_VECTOR, rekall_recall_batch(db, queries, 3, NULL, outs, &error));
    queries[2] = query("aaaa", vector, TEST_DIMENSIONS);
    FAILS(REKALL_INVALID_VECTOR, rekall_recall_batch(db, queries, 3, NULL, outs, &error));
    vector[0] = 1;
    queries[2] = query("aaaa", vector, TEST_DIMENSIONS - 1);
    FAILS(REKALL_INVALID_VECTOR, rekall_recall_batch(db, queries, 3, NULL, outs, &error));
    queries[2] = query("aaaa", vector, TEST_DIMENSIONS);
    options.limit = 100001;
    FAILS(REKALL_INVALID_INPUT, rekall_recall_batch(db, queries, 3, &options, outs, &error));
    options.limit = 0;
    options.token = rekall_token_new();
    rekall_token_cancel(options.token);
    FAILS(REKALL_INTERRUPTED, rekall_recall_batch(db, queries, 3, &options, outs, &error));
    rekall_token_free(options.token);
    for (i = 0; i < 3; i++) {
        CHECK(outs[i] == NULL);
    }
}

static rekall_db *open_own(const char *folder, const char *name, const char *index)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_db *db = NULL;

    options.vectors_name = "the host's own";
    options.vectors_dimensions = OWN;
    options.vector_backend = index;
    OK(rekall_open(in(folder, name), &options, &db, &error));
    return db;
}

static rekall_id with_vector(rekall_db *db, const char *text, const float *vector)
{
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    rekall_remember_options how = REKALL_REMEMBER_OPTIONS_INIT;
    rekall_id id;

    entry.title = rekall_text(text);
    how.vectors = vector;
    how.vectors_len = OWN;
    OK(rekall_remember(db, &entry, &how, &id, &error));
    return id;
}

static float similarity(rekall_db *db, const float *vector)
{
    rekall_hits *hits = NULL;
    float out;

    OK(rekall_recall_vector(db, vector, OWN, NULL, &hits, &error));
    out = rekall_hits_similarity(hits, 0);
    rekall_hits_free(hits);
    return out;
}

static void update_with_vector(const char *folder)
{
    static const float east[OWN] = {2, 0, 0, 0}, north[OWN] = {0, 5, 0, 0}, none[OWN] = {0};
    rekall_db *db = open_own(folder, "own.db", NULL);
    rekall_patch patch = REKALL_PATCH_INIT;
    rekall_entry *entry = NULL;
    rekall_stats stats = REKALL_STATS_INIT;
    rekall_id id = with_vector(db, "before", east);

    CHECK(similarity(db, east) > 0.999f);
    OK(rekall_update_with_vector(db, id.text, NULL, north, OWN, NULL, &error));
    CHECK(similarity(db, north) > 0.999f && similarity(db, east) < 0.001f);
    patch.title = rekall_text("after");
    OK(rekall_update_with_vector(db, id.text, &patch, east, OWN, &entry, &error));
    CHECK(strcmp(rekall_entry_title(entry, NULL), "after") == 0 && similarity(db, east) > 0.999f);
    rekall_entry_free(entry);
    OK(rekall_get_stats(db, &stats, &error));
    CHECK(stats.entries == 1 && stats.vectors == 1 && stats.pending == 0);

    /* Nothing is changed by a call that fails. */
    patch.title = rekall_text("never");
    FAILS(REKALL_INVALID_VECTOR, rekall_update_with_vector(db, id.text, &patch, north, OWN - 1, &entry, &error));
    CHECK(entry == NULL);
    FAILS(REKALL_INVALID_VECTOR, rekall_update_with_vector(db, id.text, &patch, none, OWN, &entry, &error));
    FAILS(REKALL_INVALID_VECTOR, rekall_update_with_vector(db, id.text, &patch, NULL, 0, &entry, &error));
    FAILS(REKALL_NOT_FOUND, rekall_update_with_vector(db, "01ARZ3NDEKTSV4RRFFQ69G5FAV", &patch, north, OWN, NULL, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_update_with_vector(db, "nonsense", &patch, north, OWN, NULL, &error));
    patch.title = rekall_text(" ");
    FAILS(REKALL_INVALID_INPUT, rekall_update_with_vector(db, id.text, &patch, north, OWN, NULL, &error));
    OK(rekall_get(db, id.text, &entry, &error));
    CHECK(strcmp(rekall_entry_title(entry, NULL), "after") == 0 && similarity(db, east) > 0.999f);
    rekall_entry_free(entry);
    rekall_close(db);

    db = NULL;
    {
        rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
        options.flags = REKALL_OPEN_NO_MODEL;
        OK(rekall_open(in(folder, "own.db"), &options, &db, &error));
    }
    FAILS(REKALL_MODEL_UNAVAILABLE, rekall_update_with_vector(db, id.text, NULL, north, OWN, NULL, &error));
    rekall_close(db);
    {
        rekall_embedder embedder = letters(NULL);
        float other[TEST_DIMENSIONS] = {1};
        db = open_at(folder, "own.db", &embedder);
        FAILS(REKALL_MODEL_MISMATCH,
              rekall_update_with_vector(db, id.text, NULL, other, TEST_DIMENSIONS, NULL, &error));
    }
    rekall_close(db);
}

static uint64_t heard, stop_at;

static int32_t hear(void *user_data, uint64_t done, uint64_t total)
{
    (void)user_data;
    CHECK(done <= total && total == MANY);
    heard++;
    return heard == stop_at;
}

static void audit_index(const char *folder, const char *index)
{
    rekall_db *db = open_own(folder, index, index);
    rekall_index_audit report = REKALL_INDEX_AUDIT_INIT;
    rekall_watch watch = REKALL_WATCH_INIT;
    int i;

    memset(report.backend, 'x', sizeof report.backend);
    report.recall = 7;
    OK(rekall_audit_index(db, 10, 3, NULL, &report, &error));
    CHECK(report.backend[0] == 0 && report.rows == 0 && report.queries == 0 && report.k == 3);
    CHECK(report.recall == 1 && report.worst == 1 && report.differing == 0);
    for (i = 0; i < MANY; i++) {
        float vector[OWN];
        vector[0] = (float)(i % 7) - 3;
        vector[1] = (float)(i % 11) - 5;
        vector[2] = (float)(i % 5) - 2;
        vector[3] = 1;
        with_vector(db, "one of many", vector);
    }
    OK(rekall_rebuild_index(db, NULL, &error));
    watch.progress = hear;
    heard = stop_at = 0;
    OK(rekall_audit_index(db, 20, 3, &watch, &report, &error));
    CHECK(strcmp(report.backend, index) == 0 && report.rows == MANY && report.queries == 20 && report.k == 3);
    CHECK(heard >= 1);
    if (strcmp(index, "binary") != 0) {
        CHECK(report.recall == 1 && report.worst == 1 && report.differing == 0);
    } else {
        /* As many rows are compared exactly as there are. */
        CHECK(report.recall == 1);
    }
    OK(rekall_audit_index(db, 100000, 100000, NULL, &report, &error));
    CHECK(report.queries == MANY && report.k == 100000 && report.recall == 1);
    FAILS(REKALL_INVALID_INPUT, rekall_audit_index(db, 100001, 1, NULL, &report, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_audit_index(db, (size_t)-1, 1, NULL, &report, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_audit_index(db, 1, 100001, NULL, &report, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_audit_index(db, 1, (size_t)-1, NULL, &report, &error));

    FAILS(REKALL_INVALID_INPUT, rekall_audit_index(db, 0, 3, NULL, &report, &error));
    CHECK(report.rows == 0 && report.recall == 0 && report.struct_size == sizeof report);
    FAILS(REKALL_INVALID_INPUT, rekall_audit_index(db, 3, 0, NULL, &report, &error));
    stop_at = 1;
    heard = 0;
    FAILS(REKALL_INTERRUPTED, rekall_audit_index(db, 20, 3, &watch, &report, &error));
    CHECK(heard == 1 && report.queries == 0);
    watch.progress = NULL;
    watch.token = rekall_token_new();
    OK(rekall_audit_index(db, 20, 3, &watch, &report, &error));
    rekall_token_cancel(watch.token);
    FAILS(REKALL_INTERRUPTED, rekall_audit_index(db, 20, 3, &watch, &report, &error));
    rekall_token_free(watch.token);
    rekall_close(db);
}

/* What rescored_rows is chosen by: one row that is compared exactly finds less than all of them. */
static void misses_are_told(const char *folder)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_index_audit report = REKALL_INDEX_AUDIT_INIT;
    rekall_db *db = NULL;

    options.vectors_name = "the host's own";
    options.vectors_dimensions = OWN;
    options.vector_backend = "binary";
    options.rescored_rows = 1;
    OK(rekall_open(in(folder, "binary"), &options, &db, &error));
    OK(rekall_audit_index(db, MANY, 1, NULL, &report, &error));
    CHECK(report.queries == MANY && report.recall < 1 && report.worst == 0 && report.differing > 0);
    CHECK(strcmp(report.backend, "binary") == 0);
    rekall_close(db);
}

int main(int argc, char **argv)
{
    rekall_embedder embedder = letters(NULL);
    rekall_db *db;

    CHECK(argc == 3);
    db = open_at(argv[1], "batch.db", &embedder);
    batch(db);
    batch_fails(db);
    rekall_close(db);
    update_with_vector(argv[1]);
    audit_index(argv[1], "flat");
    audit_index(argv[1], "sq8");
    audit_index(argv[1], "binary");
    if (rekall_has_feature(REKALL_FEATURE_SQLITE_VEC)) {
        audit_index(argv[1], "sqlite-vec");
    }
    misses_are_told(argv[1]);
    puts("ok");
    return 0;
}
