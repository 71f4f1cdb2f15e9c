/* What nobody should hand in, at every place where it can be: text that is not UTF-8, numbers at the ends of their range,
 * floats that are none, callbacks that answer nonsense. Each is refused or borne: no crash, no hang, no panic. C99 with
 * POSIX. Arguments: a folder, the repository. */
#define _DEFAULT_SOURCE
#include "support.h"

#include <unistd.h>

static rekall_db *db;
static rekall_id id, other;
static const char *folder;

/* Refused, and the message names the member. */
#define NAMED(member, expected, call)                                                         \
    do {                                                                                      \
        rekall_error *error = NULL;                                                           \
        rekall_status status_ = (call);                                                       \
        if (status_ != (expected) || strstr(rekall_error_message(error), member) == NULL) {   \
            fprintf(stderr, "%s:%d: %s: %s: %s\n", __FILE__, __LINE__, member,                \
                    rekall_status_name(status_), rekall_error_message(error));                \
            exit(1);                                                                          \
        }                                                                                     \
        rekall_error_free(error);                                                             \
    } while (0)

/* Anything but a bug. */
#define BORNE(call)                                                                           \
    do {                                                                                      \
        rekall_error *error = NULL;                                                           \
        rekall_status status_ = (call);                                                       \
        if (status_ == REKALL_PANIC || status_ == REKALL_ERROR) {                             \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__,                            \
                    rekall_status_name(status_), rekall_error_message(error));                \
            exit(1);                                                                          \
        }                                                                                     \
        rekall_error_free(error);                                                             \
    } while (0)

static const rekall_str bad = {"ab\xff", 3};

static rekall_status remembered(const rekall_new_entry *entry, rekall_error **error)
{
    return rekall_remember(db, entry, NULL, NULL, error);
}

static rekall_new_entry entry(void)
{
    rekall_new_entry made = REKALL_NEW_ENTRY_INIT;
    made.title = rekall_text("hostile");
    return made;
}

#define BAD_IN(init, type, member, name, use)                        \
    do {                                                             \
        type given_ = init;                                          \
        given_.member = bad;                                         \
        NAMED(name, REKALL_INVALID_INPUT, use(&given_, &error));     \
    } while (0)
#define BAD_LIST_IN(init, type, member, name, use)                   \
    do {                                                             \
        type given_ = init;                                          \
        given_.member = &bad;                                        \
        given_.member##_count = 1;                                   \
        NAMED(name, REKALL_INVALID_INPUT, use(&given_, &error));     \
    } while (0)

static rekall_status with_context(const rekall_context *context, rekall_error **error)
{
    rekall_new_entry made = entry();
    made.context = context;
    return remembered(&made, error);
}

static rekall_status patched(const rekall_patch *patch, rekall_error **error)
{
    return rekall_update(db, id.text, patch, NULL, error);
}

static rekall_status filtered(const rekall_filter *filter, rekall_error **error)
{
    uint64_t count;
    return rekall_count(db, filter, &count, error);
}

static rekall_status recalled(const rekall_recall_options *options, rekall_error **error)
{
    rekall_hits *hits = NULL;
    rekall_status status = rekall_recall(db, "word", 4, options, &hits, error);
    rekall_hits_free(hits);
    return status;
}

static rekall_status opened(const rekall_open_options *options, rekall_error **error)
{
    rekall_db *made = NULL;
    rekall_status status = rekall_open(in(folder, "hostile-other.db"), options, &made, error);
    rekall_close(made);
    return status;
}

static rekall_status loaded(const rekall_load_options *load, rekall_error **error)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    options.model = "path:nowhere";
    options.load = load;
    return opened(&options, error);
}

static void not_utf8(void)
{
    rekall_metadata_condition condition = {{"a", 1}, {"1", 1}, 0, 0};
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_recall_options snippets = REKALL_RECALL_OPTIONS_INIT;
    rekall_open_options open = REKALL_OPEN_OPTIONS_INIT;
    rekall_load_options load = REKALL_LOAD_OPTIONS_INIT;
    rekall_embedder embedder = letters(NULL);
    rekall_reembed_options reembed = REKALL_REEMBED_OPTIONS_INIT;
    rekall_query query = {{NULL, 0}, NULL, 0};
    rekall_hits *hits = NULL;
    rekall_entry *got = NULL;
    rekall_report *report = NULL;
    float vector[TEST_DIMENSIONS];

    BAD_IN(entry(), rekall_new_entry, title, "title", remembered);
    BAD_IN(entry(), rekall_new_entry, content, "content", remembered);
    BAD_IN(entry(), rekall_new_entry, kind, "kind", remembered);
    BAD_IN(entry(), rekall_new_entry, project, "project", remembered);
    BAD_IN(entry(), rekall_new_entry, memory_type, "memory_type", remembered);
    BAD_IN(entry(), rekall_new_entry, metadata, "metadata", remembered);
    BAD_LIST_IN(entry(), rekall_new_entry, tags, "tags", remembered);
    BAD_IN(REKALL_CONTEXT_INIT, rekall_context, situation, "situation", with_context);
    BAD_IN(REKALL_CONTEXT_INIT, rekall_context, solution, "solution", with_context);
    BAD_IN(REKALL_CONTEXT_INIT, rekall_context, what_failed, "what_failed", with_context);
    BAD_IN(REKALL_CONTEXT_INIT, rekall_context, text, "text", with_context);
    BAD_LIST_IN(REKALL_CONTEXT_INIT, rekall_context, trigger_keywords, "trigger_keywords", with_context);
    BAD_LIST_IN(REKALL_CONTEXT_INIT, rekall_context, error_messages, "error_messages", with_context);
    BAD_LIST_IN(REKALL_CONTEXT_INIT, rekall_context, files, "files", with_context);
    BAD_IN(REKALL_PATCH_INIT, rekall_patch, title, "title", patched);
    BAD_IN(REKALL_PATCH_INIT, rekall_patch, content, "content", patched);
    BAD_IN(REKALL_PATCH_INIT, rekall_patch, kind, "kind", patched);
    BAD_IN(REKALL_PATCH_INIT, rekall_patch, project, "project", patched);
    BAD_IN(REKALL_PATCH_INIT, rekall_patch, memory_type, "memory_type", patched);
    BAD_IN(REKALL_PATCH_INIT, rekall_patch, metadata, "metadata", patched);
    BAD_LIST_IN(REKALL_PATCH_INIT, rekall_patch, tags, "tags", patched);
    BAD_LIST_IN(REKALL_FILTER_INIT, rekall_filter, kinds, "kinds", filtered);
    BAD_LIST_IN(REKALL_FILTER_INIT, rekall_filter, projects, "projects", filtered);
    BAD_LIST_IN(REKALL_FILTER_INIT, rekall_filter, tags_any, "tags_any", filtered);
    BAD_LIST_IN(REKALL_FILTER_INIT, rekall_filter, tags_all, "tags_all", filtered);
    BAD_LIST_IN(REKALL_FILTER_INIT, rekall_filter, memory_types, "memory_types", filtered);
    BAD_LIST_IN(REKALL_FILTER_INIT, rekall_filter, ids, "ids", filtered);
    BAD_LIST_IN(REKALL_FILTER_INIT, rekall_filter, not_kinds, "not_kinds", filtered);
    BAD_LIST_IN(REKALL_FILTER_INIT, rekall_filter, not_projects, "not_projects", filtered);
    BAD_LIST_IN(REKALL_FILTER_INIT, rekall_filter, not_tags, "not_tags", filtered);
    BAD_LIST_IN(REKALL_FILTER_INIT, rekall_filter, not_memory_types, "not_memory_types", filtered);
    BAD_LIST_IN(REKALL_FILTER_INIT, rekall_filter, not_ids, "not_ids", filtered);
    BAD_LIST_IN(REKALL_FILTER_INIT, rekall_filter, sources, "sources", filtered);
    filter.metadata = &condition;
    filter.metadata_count = 1;
    condition.key = bad;
    NAMED("metadata", REKALL_INVALID_INPUT, filtered(&filter, &error));
    condition.key = rekall_text("a");
    condition.value = bad;
    NAMED("metadata", REKALL_INVALID_INPUT, filtered(&filter, &error));
    snippets.flags = REKALL_RECALL_SNIPPETS;
    BAD_IN(snippets, rekall_recall_options, snippet_before, "snippet_before", recalled);
    BAD_IN(snippets, rekall_recall_options, snippet_after, "snippet_after", recalled);
    BAD_IN(REKALL_RECALL_OPTIONS_INIT, rekall_recall_options, supersede, "supersede", recalled);
    BAD_IN(REKALL_OPEN_OPTIONS_INIT, rekall_open_options, config, "config", opened);
    BAD_IN(REKALL_LOAD_OPTIONS_INIT, rekall_load_options, query_prefix, "query_prefix", loaded);
    BAD_IN(REKALL_LOAD_OPTIONS_INIT, rekall_load_options, document_prefix, "document_prefix", loaded);
    load.device = load.hub_endpoint = NULL;
    load.device = "\xff";
    NAMED("device", REKALL_INVALID_INPUT, loaded(&load, &error));
    load.device = NULL;
    load.hub_endpoint = "\xff";
    NAMED("hub_endpoint", REKALL_INVALID_INPUT, loaded(&load, &error));
    open.model = "\xff";
    NAMED("model", REKALL_INVALID_INPUT, opened(&open, &error));
    open.model = NULL;
    open.vectors_name = "\xff";
    NAMED("vectors_name", REKALL_INVALID_INPUT, opened(&open, &error));
    open.vectors_name = NULL;
    open.vector_backend = "\xff";
    NAMED("vector_backend", REKALL_INVALID_INPUT, opened(&open, &error));
    open.vector_backend = NULL;
    embedder.name = "\xff";
    open.embedder = &embedder;
    NAMED("name", REKALL_INVALID_INPUT, opened(&open, &error));
    reembed.embedder = &embedder;
    NAMED("name", REKALL_INVALID_INPUT, rekall_reembed(db, &reembed, NULL, NULL, &error));
    reembed.embedder = NULL;
    reembed.model = "\xff";
    NAMED("model", REKALL_INVALID_INPUT, rekall_reembed(db, &reembed, NULL, NULL, &error));
    NAMED("query", REKALL_INVALID_INPUT, rekall_recall(db, bad.data, bad.len, NULL, &hits, &error));
    query.text = bad;
    NAMED("queries[0]", REKALL_INVALID_INPUT, rekall_recall_batch(db, &query, 1, NULL, &hits, &error));
    NAMED("text", REKALL_INVALID_INPUT,
          rekall_embed(db, REKALL_EMBED_QUERY, bad.data, bad.len, vector, TEST_DIMENSIONS, NULL, &error));
    NAMED("id", REKALL_INVALID_INPUT, rekall_get(db, "\xff", &got, &error));
    NAMED("relation", REKALL_INVALID_INPUT, rekall_link(db, id.text, other.text, "\xff", NULL, 0, &error));
    NAMED("relation", REKALL_INVALID_INPUT, rekall_unlink(db, id.text, other.text, "\xff", NULL, &error));
    NAMED("reason", REKALL_INVALID_INPUT, rekall_link(db, id.text, other.text, "x", bad.data, bad.len, &error));
    OK(rekall_check(db, NULL, &report, &error));
    CHECK(rekall_report_number(report, "\xff") == 0 && rekall_report_number(report, "") == 0);
    rekall_report_free(report);
    NAMED("toml", REKALL_INVALID_INPUT, rekall_config_check(bad.data, bad.len, NULL, &error));
    CHECK(rekall_id_time_ms("\xff") == -1 && rekall_id_time_ms("") == -1);
}

/* Texts with a NUL inside, wherever a length is given. */
static void inner_nul(void)
{
    static const rekall_str nul = {"a\0b", 3};
    rekall_new_entry made = entry();
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_open_options open = REKALL_OPEN_OPTIONS_INIT;
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_error *error = NULL;

    made.tags = &nul;
    made.tags_count = 1;
    BORNE(remembered(&made, &error));
    made = entry();
    made.kind = nul;
    BORNE(remembered(&made, &error));
    made = entry();
    made.metadata = rekall_text("{\"a\":\"\\u0000\"}");
    BORNE(remembered(&made, &error));
    BORNE(rekall_link(db, id.text, other.text, "x", nul.data, nul.len, &error));
    options.flags = REKALL_RECALL_SNIPPETS;
    options.snippet_before = options.snippet_after = options.supersede = nul;
    BORNE(recalled(&options, &error));
    filter.kinds = filter.tags_all = filter.tags_any = filter.projects = &nul;
    filter.kinds_count = filter.tags_all_count = filter.tags_any_count = filter.projects_count = 1;
    BORNE(filtered(&filter, &error));
    open.config = nul;
    /* A message is a C string, whatever it tells of. */
    CHECK(opened(&open, &error) == REKALL_INVALID_INPUT && strlen(rekall_error_message(error)) > 10);
    rekall_error_free(error);
}

static void numbers_at_the_ends(void)
{
    static const uint64_t ends[] = {1, INT64_MAX, (uint64_t)INT64_MAX + 1, REKALL_ZERO - 1, REKALL_ZERO, REKALL_NEVER};
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_similar_options similar = REKALL_SIMILAR_OPTIONS_INIT;
    rekall_remember_options how = REKALL_REMEMBER_OPTIONS_INIT;
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_neighbors *near = NULL;
    rekall_hits *hits = NULL;
    rekall_new_entry made = entry();
    rekall_embedder embedder = letters(NULL);
    rekall_index_audit report = REKALL_INDEX_AUDIT_INIT;
    float vector[TEST_DIMENSIONS] = {1};
    uint64_t deadline;
    size_t at;

    for (at = 0; at < sizeof ends / sizeof *ends; at++) {
        rekall_open_options open = REKALL_OPEN_OPTIONS_INIT;
        rekall_db *made_db = NULL;
        open.embedder = &embedder;
        open.cache_max_size = open.cache_ttl_ms = open.model_idle_timeout_ms = open.busy_timeout_ms = ends[at];
        open.memory_budget_bytes = ends[at];
        open.rescored_rows = ends[at] == REKALL_ZERO ? 0 : ends[at];
        open.search_threads = UINT32_MAX;
        OK(rekall_open(in(folder, "ends.db"), &open, &made_db, &error));
        how.keep_alive_ms = options.keep_alive_ms = ends[at];
        OK(rekall_remember(made_db, &made, &how, NULL, &error));
        OK(rekall_recall(made_db, "hostile", 7, &options, &hits, &error));
        rekall_hits_free(hits);
        OK(rekall_next_deadline_ms(made_db, &deadline, &error));
        OK(rekall_unload_if_idle(made_db, NULL, &error));
        rekall_close(made_db);
        if (rekall_has_feature(REKALL_FEATURE_BUNDLED_MODEL)) {
            open.embedder = NULL;
            OK(rekall_open(in(folder, "ends-bundled.db"), &open, &made_db, &error));
            OK(rekall_remember(made_db, &made, &how, NULL, &error));
            OK(rekall_recall(made_db, "hostile", 7, &options, &hits, &error));
            rekall_hits_free(hits);
            OK(rekall_next_deadline_ms(made_db, &deadline, &error));
            OK(rekall_model_touch(made_db, &error));
            OK(rekall_unload_if_idle(made_db, NULL, &error));
            rekall_close(made_db);
        }
    }
    options.keep_alive_ms = 0;
    options.limit = (size_t)-1;
    NAMED("limit", REKALL_INVALID_INPUT, recalled(&options, &error));
    options.limit = 0;
    options.mode = UINT32_MAX;
    NAMED("mode", REKALL_MISUSE, recalled(&options, &error));
    options.mode = 0;
    options.role = UINT32_MAX;
    NAMED("role", REKALL_MISUSE, recalled(&options, &error));
    options.role = 0;
    options.fusion = UINT32_MAX;
    NAMED("fusion", REKALL_MISUSE, recalled(&options, &error));
    options.fusion = 0;
    similar.limit = (size_t)-1;
    NAMED("limit", REKALL_INVALID_INPUT, rekall_similar(db, id.text, &similar, &hits, &error));
    OK(rekall_neighbors_of(db, id.text, (size_t)-1, &near, &error));
    rekall_neighbors_free(near);
    NAMED("queries", REKALL_INVALID_INPUT, rekall_audit_index(db, 0, 1, NULL, &report, &error));
    NAMED("k", REKALL_INVALID_INPUT, rekall_audit_index(db, 1, (size_t)-1, NULL, &report, &error));
    NAMED("purpose", REKALL_MISUSE,
          rekall_embed(db, UINT32_MAX, "x", 1, vector, TEST_DIMENSIONS, NULL, &error));
    filter.flags = REKALL_FILTER_CREATED_AFTER | REKALL_FILTER_CREATED_BEFORE | REKALL_FILTER_UPDATED_AFTER |
                   REKALL_FILTER_UPDATED_BEFORE;
    filter.created_after_ms = filter.updated_before_ms = INT64_MIN;
    filter.created_before_ms = filter.updated_after_ms = INT64_MAX;
    OK(filtered(&filter, &error));
    BORNE(rekall_import_legacy(db, "/dev/null", INT32_MAX, NULL, NULL, &error));
    BORNE(rekall_import_legacy(db, "/dev/null", INT32_MIN + 1, NULL, NULL, &error));
    filter.flags = 0;
    CHECK(rekall_hits_entry(NULL, (size_t)-1) == NULL);
    CHECK(strcmp(rekall_status_name(INT32_MIN), "REKALL_UNKNOWN") == 0);
    CHECK(rekall_has_feature(UINT32_MAX) == 0);
}

static void floats(void)
{
    static const float bad_floats[] = {NAN, INFINITY, -INFINITY, 1e38f, -1e38f, 2.0f, -1.5f};
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_similar_options similar = REKALL_SIMILAR_OPTIONS_INIT;
    rekall_hits *hits = NULL;
    size_t at;

    similar.flags = REKALL_SIMILAR_THRESHOLD;
    for (at = 0; at < sizeof bad_floats / sizeof *bad_floats; at++) {
        options.flags = REKALL_RECALL_THRESHOLD;
        options.threshold = similar.threshold = bad_floats[at];
        NAMED("threshold", REKALL_INVALID_INPUT, recalled(&options, &error));
        NAMED("threshold", REKALL_INVALID_INPUT, rekall_similar(db, id.text, &similar, &hits, &error));
    }
    for (at = 0; at < 3; at++) {
        float vector[TEST_DIMENSIONS] = {1};
        rekall_query query = {{"word", 4}, NULL, TEST_DIMENSIONS};
        rekall_remember_options how = REKALL_REMEMBER_OPTIONS_INIT;
        rekall_new_entry made = entry();
        vector[5] = bad_floats[at];
        query.vector = how.vectors = vector;
        how.vectors_len = TEST_DIMENSIONS;
        FAILS(REKALL_INVALID_VECTOR, rekall_recall_vector(db, vector, TEST_DIMENSIONS, NULL, &hits, &error));
        FAILS(REKALL_INVALID_VECTOR, rekall_recall_batch(db, &query, 1, NULL, &hits, &error));
        FAILS(REKALL_INVALID_VECTOR, rekall_remember(db, &made, &how, NULL, &error));
        FAILS(REKALL_INVALID_VECTOR,
              rekall_update_with_vector(db, id.text, NULL, vector, TEST_DIMENSIONS, NULL, &error));
        options = (rekall_recall_options)REKALL_RECALL_OPTIONS_INIT;
        options.vector = vector;
        options.vector_len = TEST_DIMENSIONS;
        FAILS(REKALL_INVALID_VECTOR, recalled(&options, &error));
        options = (rekall_recall_options)REKALL_RECALL_OPTIONS_INIT;
        options.flags = REKALL_RECALL_WEIGHTS;
        options.semantic_weight = bad_floats[at];
        NAMED("weight", REKALL_INVALID_INPUT, recalled(&options, &error));
        options.semantic_weight = 1;
        options.text_weight = bad_floats[at];
        NAMED("weight", REKALL_INVALID_INPUT, recalled(&options, &error));
    }
}

/* Clocks that stand at the ends of time, or jump between them. */
static int64_t at_an_end(void *user_data)
{
    int64_t *now = user_data;
    if (*now == 0) {
        static int turn;
        turn++;
        return turn % 2 != 0 ? INT64_MAX : INT64_MIN;
    }
    return *now;
}

static void clocks(void)
{
    static int64_t ends[] = {INT64_MIN, INT64_MAX, -1, 1, 0};
    rekall_embedder embedder = letters(NULL);
    size_t at;

    for (at = 0; at < sizeof ends / sizeof *ends; at++) {
        rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
        rekall_new_entry made = entry();
        rekall_patch patch = REKALL_PATCH_INIT;
        rekall_report *report = NULL;
        rekall_hits *hits = NULL;
        rekall_db *clocked = NULL;
        rekall_id of;
        uint64_t deadline;
        char name[32];
        sprintf(name, "clock-%d.db", (int)at);
        options.now_ms = options.age_ms = at_an_end;
        options.now_user_data = options.age_user_data = &ends[at];
        options.embedder = at % 2 == 0 ? &embedder : NULL;
        options.cache_ttl_ms = 1000;
        OK(rekall_open(in(folder, name), &options, &clocked, &error));
        of.text[0] = '\0';
        BORNE(rekall_remember(clocked, &made, NULL, &of, &error));
        BORNE(rekall_remember(clocked, &made, NULL, NULL, &error));
        patch.title = rekall_text("changed");
        if (of.text[0] != '\0') {
            CHECK(rekall_id_time_ms(of.text) >= -1);
            BORNE(rekall_update(clocked, of.text, &patch, NULL, &error));
        }
        BORNE(rekall_recall(clocked, "hostile", 7, NULL, &hits, &error));
        rekall_hits_free(hits);
        hits = NULL;
        BORNE(rekall_recall(clocked, "hostile", 7, NULL, &hits, &error));
        rekall_hits_free(hits);
        BORNE(rekall_next_deadline_ms(clocked, &deadline, &error));
        BORNE(rekall_unload_if_idle(clocked, NULL, &error));
        BORNE(rekall_check(clocked, NULL, &report, &error));
        CHECK(report == NULL || rekall_report_number(report, "found") == 0);
        rekall_report_free(report);
        rekall_close(clocked);
    }
}

/* Embedders whose answers are nonsense. */
static size_t tokens;

static size_t count_nonsense(void *user_data, const char *text, size_t len)
{
    (void)user_data;
    (void)text;
    (void)len;
    return tokens;
}

static float number;

static rekall_status embed_number(void *user_data, uint32_t purpose, const rekall_str *texts, size_t count,
                                  float *out_vectors, size_t dimensions)
{
    size_t i;
    (void)user_data;
    (void)purpose;
    (void)texts;
    for (i = 0; i < count * dimensions; i++) {
        out_vectors[i] = number;
    }
    return REKALL_OK;
}

static void embedders(void)
{
    static const size_t counts[] = {0, 1, 2, (size_t)-2, (size_t)-1};
    static const float numbers[] = {NAN, INFINITY, 1e-45f, 3.4e38f, -0.0f};
    static char content[20000];
    size_t at;

    memset(content, 'a', sizeof content - 1);
    for (at = 10; at < sizeof content - 1; at += 10) {
        content[at] = ' ';
    }
    for (at = 0; at < sizeof counts / sizeof *counts; at++) {
        rekall_embedder embedder = letters(NULL);
        rekall_new_entry made = entry();
        rekall_db *odd;
        rekall_hits *hits = NULL;
        char name[32];
        sprintf(name, "odd-%d.db", (int)at);
        embedder.max_tokens = 1;
        embedder.count_tokens = count_nonsense;
        tokens = counts[at];
        odd = open_at(folder, name, &embedder);
        made.content = rekall_text(content);
        BORNE(rekall_remember(odd, &made, NULL, NULL, &error));
        BORNE(rekall_recall(odd, "aaaaaaaaa", 9, NULL, &hits, &error));
        rekall_hits_free(hits);
        rekall_close(odd);
    }
    for (at = 0; at < sizeof numbers / sizeof *numbers; at++) {
        rekall_embedder embedder = letters(NULL);
        rekall_new_entry made = entry();
        rekall_db *odd;
        rekall_hits *hits = NULL;
        char name[32];
        sprintf(name, "number-%d.db", (int)at);
        embedder.embed = embed_number;
        embedder.dimensions = 65535;
        number = numbers[at];
        odd = open_at(folder, name, &embedder);
        BORNE(rekall_remember(odd, &made, NULL, NULL, &error));
        BORNE(rekall_recall(odd, "hostile", 7, NULL, &hits, &error));
        rekall_hits_free(hits);
        rekall_close(odd);
    }
}

/* Sizes that no list can have are refused before anything is read. */
static void impossible_counts(void)
{
    rekall_str one = {"a", 1};
    rekall_new_entry made = entry();
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_metadata_condition condition = {{"a", 1}, {"1", 1}, 0, 0};
    rekall_hits *hits = NULL;
    rekall_id ids[1];
    float vector[4] = {1};

    made.tags = &one;
    made.tags_count = (size_t)-1;
    NAMED("tags", REKALL_MISUSE, remembered(&made, &error));
    made = entry();
    made.title.len = (size_t)-2;
    NAMED("title", REKALL_MISUSE, remembered(&made, &error));
    made = entry();
    FAILS(REKALL_MISUSE, rekall_remember_many(db, &made, (size_t)-1, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_remember_many(db, NULL, (size_t)-1, NULL, ids, &error));
    filter.ids = &one;
    filter.ids_count = (size_t)-1;
    NAMED("ids", REKALL_MISUSE, filtered(&filter, &error));
    filter.ids = NULL;
    filter.ids_count = 0;
    filter.metadata = &condition;
    filter.metadata_count = (size_t)-1;
    NAMED("metadata", REKALL_MISUSE, filtered(&filter, &error));
    NAMED("vector", REKALL_MISUSE, rekall_recall_vector(db, vector, (size_t)-1, NULL, &hits, &error));
    NAMED("query", REKALL_MISUSE, rekall_recall(db, "x", (size_t)-2, NULL, &hits, &error));
}

/* One place for two results: the second wins, and nothing is lost or freed twice. */
static void one_place_for_two(void)
{
    void *place = &place;
    rekall_hits *hits = NULL;

    CHECK(rekall_recall(db, "word", 4, NULL, (rekall_hits **)&place, (rekall_error **)&place) == REKALL_OK);
    CHECK(rekall_hits_count(place) > 0);
    rekall_hits_free(place);
    CHECK(rekall_recall(db, "", 0, NULL, (rekall_hits **)&place, (rekall_error **)&place) == REKALL_INVALID_INPUT);
    CHECK(rekall_error_status(place) == REKALL_INVALID_INPUT);
    rekall_error_free(place);
    OK(rekall_recall(db, "word", 4, NULL, &hits, &error));
    rekall_hits_free(hits);
}

/* Files that are none: devices, pipes, folders. */
static void no_files(void)
{
    static const char *const paths[] = {"/dev/null", "/dev/zero", "/", "/proc/self/mem"};
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_report *report = NULL;
    size_t at;

    for (at = 0; at < sizeof paths / sizeof *paths; at++) {
        options.config_file = paths[at];
        if (at > 0) {
            FAILS(REKALL_INVALID_INPUT, opened(&options, &error));
            FAILS(REKALL_INVALID_INPUT, rekall_config_check_file(paths[at], NULL, &error));
        }
        BORNE(rekall_import_jsonl(db, paths[at], REKALL_DUPLICATE_SKIP, NULL, NULL, &error));
        BORNE(rekall_probe_legacy(paths[at], &report, &error));
        rekall_report_free(report);
        report = NULL;
        BORNE(rekall_import_legacy(db, paths[at], REKALL_UTC_OFFSET_AUTO, NULL, NULL, &error));
    }
}

int main(int argc, char **argv)
{
    rekall_embedder embedder = letters(NULL);
    rekall_report *report = NULL;

    CHECK(argc == 3);
    alarm(500); /* a hang, not a slow machine */
    folder = argv[1];
    db = open_at(folder, "hostile.db", &embedder);
    id = remember(db, "a word");
    other = remember(db, "another word");
    not_utf8();
    inner_nul();
    impossible_counts();
    one_place_for_two();
    floats();
    clocks();
    embedders();
    numbers_at_the_ends();
    no_files();
    OK(rekall_check(db, NULL, &report, &error));
    CHECK(rekall_report_number(report, "found") == 0);
    rekall_report_free(report);
    rekall_close(db);
    puts("ok");
    return 0;
}
