/* Searching: modes, filters, thresholds, fusion, snippets, degraded searches, indexes and their budget. C90. Arguments: a
 * folder, the repository. */
#include "support.h"

static void recalling(rekall_db *db)
{
    rekall_hits *hits = NULL;
    rekall_chunk chunk;
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_similar_options similar = REKALL_SIMILAR_OPTIONS_INIT;
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_metadata_condition condition = {{NULL, 0}, {NULL, 0}, 0, 0};
    rekall_str kind, id_text;
    rekall_id ids[3];
    rekall_new_entry entries[3];
    const rekall_entry *entry;
    float vector[TEST_DIMENSIONS], zero[TEST_DIMENSIONS] = {0};
    float rank = 0;
    size_t i, dimensions = 0, len = 0;
    uint32_t role, number;
    const rekall_new_entry init = REKALL_NEW_ENTRY_INIT;

    for (i = 0; i < 3; i++) {
        entries[i] = init;
    }
    entries[0].title = rekall_text("aaaa bbb");
    entries[1].title = rekall_text("cccc ddd");
    entries[1].kind = rekall_text("odd");
    entries[1].metadata = rekall_text("{\"n\":1}");
    entries[2].title = rekall_text("eeee fff");
    OK(rekall_remember_many(db, entries, 3, NULL, ids, &error));
    CHECK(strcmp(ids[0].text, ids[1].text) < 0 && strcmp(ids[1].text, ids[2].text) < 0);
    OK(rekall_remember_many(db, NULL, 0, NULL, NULL, &error));

    OK(rekall_dimensions(db, &dimensions, &error));
    CHECK(dimensions == TEST_DIMENSIONS);
    OK(rekall_recall(db, "aaaa", REKALL_NTS, NULL, &hits, &error));
    CHECK(rekall_hits_count(hits) == 3);
    entry = rekall_hits_entry(hits, 0);
    CHECK(strcmp(rekall_entry_title(entry, NULL), "aaaa bbb") == 0);
    CHECK(rekall_hits_score(hits, 0) >= rekall_hits_score(hits, 1));
    CHECK(rekall_hits_similarity(hits, 0) > 0.7f && rekall_hits_similarity(hits, 0) < 0.9f);
    CHECK(rekall_hits_retrieval_rank(hits, 0, REKALL_RETRIEVAL_SEMANTIC) == 1);
    CHECK(rekall_hits_retrieval_rank(hits, 0, REKALL_RETRIEVAL_TEXT) == 1);
    CHECK(rekall_hits_retrieval_rank(hits, 1, REKALL_RETRIEVAL_TEXT) == 0);
    CHECK(IS_NAN(rekall_hits_retrieval_score(hits, 1, REKALL_RETRIEVAL_TEXT)));
    CHECK(rekall_hits_retrieval_score(hits, 0, REKALL_RETRIEVAL_TEXT) > 0);
    role = number = 9;
    CHECK(rekall_hits_retrieval_passage(hits, 0, REKALL_RETRIEVAL_TEXT, &role, &number) == 1);
    CHECK(role == REKALL_ROLE_SUMMARY && number == 0);
    CHECK(rekall_hits_retrieval_passage(hits, 0, REKALL_RETRIEVAL_SEMANTIC, NULL, NULL) == 1);
    CHECK(rekall_hits_retrieval_passage(hits, 1, REKALL_RETRIEVAL_TEXT, &role, &number) == 0 && role == 0);
    /* Best by both: whole parts. A host's own model weighs 2. */
    CHECK(rekall_hits_part(hits, 0, REKALL_PART_SEMANTIC) == 1 && rekall_hits_part(hits, 0, REKALL_PART_TEXT) == 1);
    CHECK(rekall_hits_part(hits, 1, REKALL_PART_TEXT) == 0);
    CHECK(rekall_hits_part_weight(hits, 0, REKALL_PART_SEMANTIC) == 2);
    CHECK(rekall_hits_part_weight(hits, 0, REKALL_PART_TEXT) == 1);
    CHECK(rekall_hits_part(hits, 0, REKALL_PART_EXACT) == 0 && rekall_hits_part_weight(hits, 0, REKALL_PART_EXACT) == 3);
    CHECK(rekall_hits_score(hits, 0) == 3);
    CHECK(IS_NAN(rekall_hits_part(hits, 0, 77)) && IS_NAN(rekall_hits_part_weight(hits, 99, REKALL_PART_TEXT)));
    CHECK(rekall_hits_chunk(hits, 0, &chunk) == 1);
    CHECK(chunk.role == REKALL_ROLE_SUMMARY && chunk.number == 0 && chunk.start == 0 && chunk.end == 8);
    CHECK(rekall_hits_chunk(hits, 99, &chunk) == 0 && chunk.role == 0);
    CHECK(rekall_hits_chunk(hits, 0, NULL) == 1);
    CHECK(rekall_hits_degraded_count(hits) == 0 && rekall_hits_degraded(hits, 0, &len) == NULL);
    CHECK(rekall_hits_degraded_kind(hits, 0) == 0 && rekall_hits_degraded_entries(hits, 0) == 0);
    CHECK(rekall_hits_snippet(hits, 0, &len) == NULL && len == 0);
    CHECK(rekall_hits_entry(hits, 99) == NULL && IS_NAN(rekall_hits_score(hits, 99)));
    (void)rekall_hits_elapsed_us(hits);
    rekall_hits_free(hits);

    options.mode = REKALL_MODE_SEMANTIC;
    options.limit = 1;
    options.filter = &filter;
    kind = rekall_text("odd");
    filter.kinds = &kind;
    filter.kinds_count = 1;
    OK(rekall_recall(db, "aaaa", 4, &options, &hits, &error));
    CHECK(rekall_hits_count(hits) == 1);
    CHECK(strcmp(rekall_entry_id(rekall_hits_entry(hits, 0)), ids[1].text) == 0);
    rekall_hits_free(hits);
    filter.kinds_count = 0;
    condition.key = rekall_text("n");
    condition.value = rekall_text("1");
    filter.metadata = &condition;
    filter.metadata_count = 1;
    OK(rekall_recall(db, "aaaa", 4, &options, &hits, &error));
    CHECK(rekall_hits_count(hits) == 1);
    rekall_hits_free(hits);
    condition.value = rekall_text("not json");
    FAILS(REKALL_INVALID_INPUT, rekall_recall(db, "aaaa", 4, &options, &hits, &error));
    filter.metadata_count = 0;
    filter.flags = REKALL_FILTER_IDS;
    OK(rekall_recall(db, "aaaa", 4, &options, &hits, &error));
    CHECK(rekall_hits_count(hits) == 0);
    rekall_hits_free(hits);
    id_text = rekall_text(ids[2].text);
    filter.ids = &id_text;
    filter.ids_count = 1;
    OK(rekall_recall(db, "aaaa", 4, &options, &hits, &error));
    CHECK(rekall_hits_count(hits) == 1);
    rekall_hits_free(hits);
    filter.flags = REKALL_FILTER_CREATED_BEFORE;
    filter.created_before_ms = 1;
    OK(rekall_recall(db, "aaaa", 4, &options, &hits, &error));
    CHECK(rekall_hits_count(hits) == 0);
    rekall_hits_free(hits);
    options.filter = NULL;
    options.flags = REKALL_RECALL_THRESHOLD;
    options.threshold = 0.99f;
    OK(rekall_recall(db, "aaaa", 4, &options, &hits, &error));
    CHECK(rekall_hits_count(hits) == 0);
    rekall_hits_free(hits);
    options.threshold = 2;
    FAILS(REKALL_INVALID_INPUT, rekall_recall(db, "aaaa", 4, &options, &hits, &error));
    CHECK(hits == NULL);
    options.threshold = 0;
    options.flags = REKALL_RECALL_PREFIX | REKALL_RECALL_WEIGHTS;
    options.mode = REKALL_MODE_TEXT;
    OK(rekall_recall(db, "eee", 3, &options, &hits, &error));
    CHECK(rekall_hits_count(hits) == 1);
    CHECK(strcmp(rekall_entry_id(rekall_hits_entry(hits, 0)), ids[2].text) == 0);
    rekall_hits_free(hits);
    options.mode = 77;
    FAILS(REKALL_MISUSE, rekall_recall(db, "eee", 3, &options, &hits, &error));

    OK(rekall_embed(db, REKALL_EMBED_QUERY, "cccc", 4, vector, TEST_DIMENSIONS, &len, &error));
    CHECK(len == TEST_DIMENSIONS && vector[2] > 0.999f);
    FAILS(REKALL_BUFFER_TOO_SMALL, rekall_embed(db, REKALL_EMBED_QUERY, "cccc", 4, NULL, 0, &len, &error));
    CHECK(len == TEST_DIMENSIONS);
    OK(rekall_recall_vector(db, vector, TEST_DIMENSIONS, NULL, &hits, &error));
    CHECK(strcmp(rekall_entry_id(rekall_hits_entry(hits, 0)), ids[1].text) == 0);
    CHECK(rekall_hits_retrieval_rank(hits, 0, REKALL_RETRIEVAL_TEXT) == 0);
    CHECK(IS_NAN(rekall_hits_part(hits, 0, REKALL_PART_SEMANTIC)));
    rekall_hits_free(hits);
    FAILS(REKALL_INVALID_VECTOR, rekall_recall_vector(db, vector, 3, NULL, &hits, &error));
    FAILS(REKALL_INVALID_VECTOR, rekall_recall_vector(db, zero, TEST_DIMENSIONS, NULL, &hits, &error));

    similar.flags = REKALL_SIMILAR_THRESHOLD;
    similar.threshold = -1;
    similar.limit = 2;
    OK(rekall_similar(db, ids[0].text, &similar, &hits, &error));
    CHECK(rekall_hits_count(hits) == 2 && rekall_hits_threshold(hits) == -1 && IS_NAN(rekall_hits_known(hits)));
    rekall_hits_free(hits);
    /* Too few entries to judge by. */
    OK(rekall_similar(db, ids[0].text, NULL, &hits, &error));
    CHECK(rekall_hits_threshold(hits) == 0.75f);
    rekall_hits_free(hits);
    OK(rekall_similarity_rank(db, 1.5f, &rank, &error));
    CHECK(rank == 1);
    OK(rekall_similarity_rank(db, -1, &rank, &error));
    CHECK(rank == 0);
    FAILS(REKALL_INVALID_INPUT, rekall_similarity_rank(db, rank / rank, &rank, &error));
    CHECK(IS_NAN(rank));
    FAILS(REKALL_MISUSE, rekall_similarity_rank(db, 0, NULL, &error));
}


static void snippets(rekall_db *db)
{
    rekall_hits *hits = NULL;
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    size_t len = 0;

    options.mode = REKALL_MODE_TEXT;
    options.flags = REKALL_RECALL_SNIPPETS;
    options.snippet_before = rekall_text("[");
    options.snippet_after = rekall_text("]");
    OK(rekall_recall(db, "ddd", 3, &options, &hits, &error));
    CHECK(rekall_hits_count(hits) == 1);
    CHECK(strcmp(rekall_hits_snippet(hits, 0, &len), "cccc [ddd]") == 0 && len == 10);
    CHECK(strcmp(rekall_hits_snippet(hits, 0, NULL), "cccc [ddd]") == 0);
    CHECK(rekall_hits_snippet(hits, 1, &len) == NULL && len == 0);
    rekall_hits_free(hits);
    options.snippet_before = options.snippet_after = rekall_text(NULL);
    OK(rekall_recall(db, "ddd", 3, &options, &hits, &error));
    CHECK(strcmp(rekall_hits_snippet(hits, 0, NULL), "cccc ddd") == 0);
    rekall_hits_free(hits);
    options.mode = REKALL_MODE_SEMANTIC;
    OK(rekall_recall(db, "ddd", 3, &options, &hits, &error));
    CHECK(rekall_hits_count(hits) > 0 && rekall_hits_snippet(hits, 0, NULL) == NULL);
    rekall_hits_free(hits);
    options.snippet_after.len = 3;
    FAILS(REKALL_MISUSE, rekall_recall(db, "ddd", 3, &options, &hits, &error));
    options.snippet_after.data = "\xff\xfe";
    options.snippet_after.len = 2;
    FAILS(REKALL_INVALID_INPUT, rekall_recall(db, "ddd", 3, &options, &hits, &error));
}

static void fusions(rekall_db *db)
{
    rekall_hits *hits = NULL;
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    double by_default, by_score;

    OK(rekall_recall(db, "aaaa", 4, &options, &hits, &error));
    by_default = rekall_hits_score(hits, 0);
    rekall_hits_free(hits);
    options.fusion = REKALL_FUSION_WEIGHTED;
    OK(rekall_recall(db, "aaaa", 4, &options, &hits, &error));
    by_score = rekall_hits_score(hits, 0);
    rekall_hits_free(hits);
    /* Best by both: whole parts, of the weights 2 and 1. */
    CHECK(by_score == by_default && by_score == 3);
    options.fusion = REKALL_FUSION_RECIPROCAL_RANK;
    options.flags = REKALL_RECALL_WEIGHTS;
    options.semantic_weight = 1;
    options.text_weight = 3;
    OK(rekall_recall(db, "aaaa", 4, &options, &hits, &error));
    /* First in both retrievals. */
    CHECK(fabs(rekall_hits_score(hits, 0) - 4.0 / 61) < 1e-9);
    rekall_hits_free(hits);
    options.text_weight = -1;
    FAILS(REKALL_INVALID_INPUT, rekall_recall(db, "aaaa", 4, &options, &hits, &error));
    options.flags = 0;
    options.fusion = 3;
    FAILS(REKALL_MISUSE, rekall_recall(db, "aaaa", 4, &options, &hits, &error));
}

static void degraded(const char *folder)
{
    int status = REKALL_MODEL_UNAVAILABLE;
    rekall_embedder embedder = letters(&status);
    rekall_db *db = open_at(folder, "degraded.db", &embedder);
    rekall_hits *hits = NULL;
    const char *words;
    size_t len = 0;

    status = REKALL_OK;
    remember(db, "with a vector");
    status = REKALL_MODEL_UNAVAILABLE;
    remember(db, "first without");
    remember(db, "second without");
    OK(rekall_recall(db, "without", REKALL_NTS, NULL, &hits, &error));
    CHECK(rekall_hits_count(hits) == 2 && rekall_hits_degraded_count(hits) == 2);
    CHECK(rekall_hits_degraded_kind(hits, 0) == REKALL_DEGRADED_WORDS_ONLY);
    CHECK(rekall_hits_degraded_entries(hits, 0) == 0);
    CHECK(rekall_hits_degraded_kind(hits, 1) == REKALL_DEGRADED_PENDING);
    CHECK(rekall_hits_degraded_entries(hits, 1) == 2 && rekall_hits_degraded_entries(hits, 2) == 0);
    words = rekall_hits_degraded(hits, 1, &len);
    CHECK(strncmp(words, "2 entries", 9) == 0 && strlen(words) == len);
    rekall_hits_free(hits);
    status = REKALL_OK;
    OK(rekall_recall(db, "--", 2, NULL, &hits, &error));
    CHECK(rekall_hits_count(hits) == 0);
    rekall_hits_free(hits);
    rekall_close(db);
}

/* Opens with this index and this budget, searches, and tells which index answered. */
static void backend(const char *folder, const char *name, const char *asked, uint64_t budget, const char *expected)
{
    rekall_embedder embedder = letters(NULL);
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_stats stats = REKALL_STATS_INIT;
    rekall_db *db = NULL;
    rekall_hits *hits = NULL;
    char found[40];
    size_t len = 99;

    options.embedder = &embedder;
    options.vector_backend = asked;
    options.memory_budget_bytes = budget;
    options.config = rekall_text("[performance]\nmemory_budget_bytes = 1");
    OK(rekall_open(in(folder, name), &options, &db, &error));
    if (strcmp(expected, "sq8 in the file") != 0) {
        remember(db, "aaaa");
        remember(db, "bbbb");
    }
    OK(rekall_index_backend(db, found, sizeof found, &len, &error));
    CHECK(found[0] == 0 && len == 0);
    OK(rekall_recall(db, "bbbb", 4, NULL, &hits, &error));
    CHECK(rekall_hits_count(hits) > 0 && rekall_hits_similarity(hits, 0) > 0.99f);
    CHECK(rekall_hits_degraded_count(hits) == 0);
    rekall_hits_free(hits);
    OK(rekall_index_backend(db, found, sizeof found, &len, &error));
    if (strcmp(found, expected) != 0 || len != strlen(expected)) {
        fprintf(stderr, "%s with %lu bytes: %s instead of %s\n", asked, (unsigned long)budget, found, expected);
        exit(1);
    }
    FAILS(REKALL_BUFFER_TOO_SMALL, rekall_index_backend(db, found, len, &len, &error));
    CHECK(found[0] == 0 && len == strlen(expected));
    OK(rekall_get_stats(db, &stats, &error));
    CHECK(stats.index_rows >= 2 && stats.word_index_bytes > 0 && stats.process_bytes > 1000000 && stats.cache_bytes > 0 && stats.model_bytes == 0);
    CHECK(stats.index_bytes > 0 || strstr(expected, "file") != NULL || strcmp(expected, "sqlite-vec") == 0);
    OK(rekall_rebuild_index(db, NULL, &error));
    rekall_close(db);
}

/* The index that was asked for is not in the file and must not be made: the search says that every vector was read. */
static void not_indexed(const char *folder)
{
    static const char expected[] = "no index is persisted: all 2 vectors were read from the file";
    rekall_embedder embedder = letters(NULL);
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_db *db = open_at(folder, "plain.db", &embedder);
    rekall_hits *hits = NULL;
    size_t len = 0;

    remember(db, "aaaa");
    remember(db, "bbbb");
    rekall_close(db);
    options.embedder = &embedder;
    options.vector_backend = "sqlite-vec";
    options.flags = REKALL_OPEN_READ_ONLY;
    OK(rekall_open(in(folder, "plain.db"), &options, &db, &error));
    OK(rekall_recall(db, "bbbb", 4, NULL, &hits, &error));
    CHECK(rekall_hits_count(hits) == 2 && rekall_hits_degraded_count(hits) == 1);
    CHECK(rekall_hits_degraded_kind(hits, 0) == REKALL_DEGRADED_NOT_INDEXED);
    CHECK(rekall_hits_degraded_entries(hits, 0) == 2);
    CHECK(strcmp(rekall_hits_degraded(hits, 0, &len), expected) == 0 && len == strlen(expected));
    rekall_hits_free(hits);
    rekall_close(db);
}

/* A backend that not every build has. */
static void vec0(const char *folder)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_db *db = NULL;

    if (rekall_has_feature(REKALL_FEATURE_SQLITE_VEC)) {
        backend(folder, "vec0.db", "sqlite-vec", 0, "sqlite-vec");
        not_indexed(folder);
        return;
    }
    options.vector_backend = "sqlite-vec";
    FAILS(REKALL_UNSUPPORTED, rekall_open(in(folder, "vec0.db"), &options, &db, &error));
    CHECK(db == NULL && fopen(in(folder, "vec0.db"), "r") == NULL);
}

static rekall_db *open_binary(const char *folder, uint64_t rescored_rows)
{
    rekall_embedder embedder = letters(NULL);
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_db *db = NULL;

    options.embedder = &embedder;
    options.vector_backend = "binary";
    options.rescored_rows = rescored_rows;
    OK(rekall_open(in(folder, "rescored.db"), &options, &db, &error));
    return db;
}

/* The sign bits of these titles are the same: only rows that are compared exactly are told apart. */
static void rescored_rows(const char *folder)
{
    static const uint64_t rows[] = {1, 0, 50, REKALL_NEVER};
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_hits *hits = NULL;
    rekall_db *db = open_binary(folder, 0);
    char title[60];
    size_t i, k;

    for (i = 0; i < 40; i++) {
        for (k = 0; k < 40; k++) {
            title[k] = k < i ? 'a' : 'b';
        }
        title[40] = 0;
        remember(db, title);
    }
    rekall_close(db);
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        rekall_recall_options how = REKALL_RECALL_OPTIONS_INIT;
        how.mode = REKALL_MODE_SEMANTIC;
        how.limit = 1;
        db = open_binary(folder, rows[i]);
        OK(rekall_recall(db, "aaabbbbbbb", REKALL_NTS, &how, &hits, &error));
        CHECK(rekall_hits_count(hits) == 1);
        /* 12 of 40 letters are a, as 3 of the query's 10. */
        k = rekall_hits_similarity(hits, 0) > 0.99999f;
        CHECK(k == (rows[i] != 1));
        rekall_hits_free(hits);
        rekall_close(db);
    }
    options.rescored_rows = REKALL_ZERO;
    FAILS(REKALL_INVALID_INPUT, rekall_open(in(folder, "rescored.db"), &options, &db, &error));
}

static void cache_figures(const char *folder)
{
    rekall_embedder embedder = letters(NULL);
    rekall_db *db = open_at(folder, "cache.db", &embedder);
    rekall_stats stats = REKALL_STATS_INIT;
    rekall_hits *hits = NULL;
    int round;

    remember(db, "aaaa");
    for (round = 0; round < 3; round++) {
        OK(rekall_recall(db, "aaaa", 4, NULL, &hits, &error));
        rekall_hits_free(hits);
    }
    OK(rekall_get_stats(db, &stats, &error));
    CHECK(stats.cache_misses == 1 && stats.cache_hits == 2 && stats.cache_entries == 1 && stats.cache_bytes > 0);
    CHECK(stats.cache_loads == 1 && stats.cache_load_failures == 0 && stats.cache_insertions == 1);
    CHECK(stats.cache_rejections == 0 && stats.cache_replacements == 0 && stats.cache_invalidations == 0);
    OK(rekall_recall(db, "7", 1, NULL, &hits, &error)); /* nothing that the model knows */
    rekall_hits_free(hits);
    OK(rekall_clear_cache(db, &error));
    OK(rekall_get_stats(db, &stats, &error));
    CHECK(stats.cache_load_failures == 1 && stats.cache_invalidations == 1 && stats.cache_entries == 0);
    rekall_close(db);
}

int main(int argc, char **argv)
{
    rekall_embedder embedder = letters(NULL);
    rekall_db *db;

    CHECK(argc == 3);
    db = open_at(argv[1], "search.db", &embedder);
    recalling(db);
    snippets(db);
    fusions(db);
    rekall_close(db);
    degraded(argv[1]);
    backend(argv[1], "flat.db", "flat", 0, "flat");
    backend(argv[1], "sq8.db", "sq8", 0, "sq8");
    backend(argv[1], "binary.db", "binary", 0, "binary");
    backend(argv[1], "auto.db", "auto", REKALL_NEVER, "flat");
    backend(argv[1], "enough.db", NULL, 100000, "flat");
    backend(argv[1], "budget.db", NULL, 0, "rows in the file");
    backend(argv[1], "none.db", NULL, REKALL_ZERO, "rows in the file");
    backend(argv[1], "sq8.db", "auto", REKALL_ZERO, "sq8 in the file");
    vec0(argv[1]);
    rescored_rows(argv[1]);
    cache_figures(argv[1]);
    puts("ok");
    return 0;
}
