/* Every function with NULL for each pointer, with wrong texts and numbers. C99. Arguments: a folder, the repository. */
#include "support.h"

static rekall_db *db;
static rekall_id id;

/* Metadata is stored as it can be read again, or refused; weights give finite scores. */
static void what_would_not_come_back_is_refused(rekall_db *db)
{
    static char deep[4096];
    static const char *const inexact[] = {"18446744073709551617", "123456789.123456789", "1e400", "-1e400", "1e-400"};
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_metadata_condition condition = {{NULL, 0}, {NULL, 0}, 0, 0};
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_entry *read = NULL;
    rekall_hits *hits = NULL;
    rekall_id id;
    uint64_t count = 0;
    char json[128];
    size_t at;

    entry.title = rekall_text("numbers");
    strcpy(deep, "{\"k\":");
    for (at = 0; at < 1000; at++) {
        strcat(deep, "[");
    }
    for (at = 0; at < 1000; at++) {
        strcat(deep, "]");
    }
    strcat(deep, "}");
    entry.metadata = rekall_text(deep);
    FAILS(REKALL_INVALID_INPUT, rekall_remember(db, &entry, NULL, &id, &error));
    for (at = 0; at < sizeof inexact / sizeof *inexact; at++) {
        sprintf(json, "{\"k\": [%s]}", inexact[at]);
        entry.metadata = rekall_text(json);
        FAILS(REKALL_INVALID_INPUT, rekall_remember(db, &entry, NULL, &id, &error));
    }
    entry.metadata = rekall_text("{\"k\": 1e16, \"l\": 123456789.12345679, \"m\": -0.0, \"n\": 18446744073709551615}");
    OK(rekall_remember(db, &entry, NULL, &id, &error));
    OK(rekall_get(db, id.text, &read, &error));
    CHECK(strcmp(rekall_entry_metadata(read, NULL),
                 "{\"k\":1e+16,\"l\":123456789.12345679,\"m\":-0.0,\"n\":18446744073709551615}") == 0);
    rekall_entry_free(read);
    filter.metadata = &condition;
    filter.metadata_count = 1;
    condition.key = rekall_text("k");
    condition.value = rekall_text("10000000000000000");
    OK(rekall_count(db, &filter, &count, &error));
    CHECK(count == 1);
    condition.value = rekall_text("18446744073709551617");
    FAILS(REKALL_INVALID_INPUT, rekall_count(db, &filter, &count, &error));
    OK(rekall_forget(db, id.text, &error));

    options.flags = REKALL_RECALL_WEIGHTS;
    options.semantic_weight = 1;
    options.text_weight = 1e308;
    FAILS(REKALL_INVALID_INPUT, rekall_recall(db, "x", 1, &options, &hits, &error));
    options.text_weight = 1e6;
    OK(rekall_recall(db, "x", 1, &options, &hits, &error));
    rekall_hits_free(hits);
}

/* An id has one spelling: what lenient decoders would read as another entry's must not get, and not forget, that one. */
static void other_spellings_name_nothing(rekall_db *db)
{
    rekall_id id = remember(db, "has one name"), other;
    rekall_entry *entry = NULL;
    size_t at;

    other = id;
    other.text[0] = '8'; /* one bit more than an id has */
    FAILS(REKALL_INVALID_INPUT, rekall_get(db, other.text, &entry, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_forget(db, other.text, &error));
    other = id;
    for (at = 0; at < REKALL_ID_LEN; at++) {
        if (other.text[at] >= 'A') {
            other.text[at] = (char)(other.text[at] + ('a' - 'A'));
        }
    }
    FAILS(REKALL_INVALID_INPUT, rekall_get(db, other.text, &entry, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_forget(db, other.text, &error));
    other = id;
    other.text[0] = 'O'; /* read as 0 */
    FAILS(REKALL_INVALID_INPUT, rekall_get(db, other.text, &entry, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_get(db, "zzzzzzzzzzzzzzzzzzzzzzzzzz", &entry, &error));
    OK(rekall_forget(db, id.text, &error));
}

static void null_pointers(const char *folder)
{
    rekall_db *opened = (rekall_db *)folder;
    rekall_entry *entry;
    rekall_hits *hits;
    rekall_links *links;
    rekall_page *page;
    uint64_t entries;
    rekall_neighbors *near;
    rekall_report *report;
    rekall_new_entry input = REKALL_NEW_ENTRY_INIT;
    rekall_patch patch = REKALL_PATCH_INIT;
    rekall_reembed_options reembed = REKALL_REEMBED_OPTIONS_INIT;
    rekall_stats stats = REKALL_STATS_INIT;
    rekall_index_audit recalled = REKALL_INDEX_AUDIT_INIT;
    rekall_query query = {{"x", 1}, NULL, 0};
    uint32_t number;
    int64_t version = 7;
    size_t size = 7;
    float vector[TEST_DIMENSIONS] = {1};
    char buffer[8];

    FAILS(REKALL_MISUSE, rekall_open(NULL, NULL, &opened, &error));
    CHECK(opened == NULL);
    FAILS(REKALL_MISUSE, rekall_open("x", NULL, NULL, &error));
    CHECK(rekall_open(NULL, NULL, NULL, NULL) == REKALL_MISUSE);

    /* The handle. */
    FAILS(REKALL_MISUSE, rekall_remember(NULL, &input, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_remember_many(NULL, &input, 1, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_get(NULL, id.text, &entry, &error));
    FAILS(REKALL_MISUSE, rekall_update(NULL, id.text, &patch, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_update_with_vector(NULL, id.text, NULL, vector, TEST_DIMENSIONS, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_forget(NULL, id.text, &error));
    FAILS(REKALL_MISUSE, rekall_link(NULL, id.text, id.text, "x", NULL, 0, &error));
    FAILS(REKALL_MISUSE, rekall_unlink(NULL, id.text, id.text, "x", NULL, &error));
    FAILS(REKALL_MISUSE, rekall_links_of(NULL, id.text, &links, &error));
    FAILS(REKALL_MISUSE, rekall_neighbors_of(NULL, id.text, 1, &near, &error));
    page = (rekall_page *)folder;
    entries = 7;
    FAILS(REKALL_MISUSE, rekall_list(NULL, NULL, NULL, 1, &page, &error));
    FAILS(REKALL_MISUSE, rekall_count(NULL, NULL, &entries, &error));
    CHECK(page == NULL && entries == 0);
    FAILS(REKALL_MISUSE, rekall_recall(NULL, "x", 1, NULL, &hits, &error));
    FAILS(REKALL_MISUSE, rekall_recall_vector(NULL, vector, TEST_DIMENSIONS, NULL, &hits, &error));
    hits = (rekall_hits *)folder;
    FAILS(REKALL_MISUSE, rekall_recall_batch(NULL, &query, 1, NULL, &hits, &error));
    CHECK(hits == NULL);
    FAILS(REKALL_MISUSE, rekall_similar(NULL, id.text, NULL, &hits, &error));
    FAILS(REKALL_MISUSE, rekall_dimensions(NULL, &size, &error));
    CHECK(size == 0);
    FAILS(REKALL_MISUSE, rekall_embed(NULL, REKALL_EMBED_QUERY, "x", 1, vector, TEST_DIMENSIONS, &size, &error));
    FAILS(REKALL_MISUSE, rekall_model_load(NULL, &error));
    FAILS(REKALL_MISUSE, rekall_model_unload(NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_model_state(NULL, &number, &error));
    FAILS(REKALL_MISUSE, rekall_model_touch(NULL, &error));
    FAILS(REKALL_MISUSE, rekall_reranker_load(NULL, &error));
    FAILS(REKALL_MISUSE, rekall_reranker_unload(NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_reranker_state(NULL, &number, &error));
    FAILS(REKALL_MISUSE, rekall_unload_if_idle(NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_next_deadline_ms(NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_release_memory(NULL, &error));
    FAILS(REKALL_MISUSE, rekall_embed_pending(NULL, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_reembed(NULL, &reembed, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_check(NULL, NULL, &report, &error));
    FAILS(REKALL_MISUSE, rekall_repair(NULL, NULL, &report, &error));
    FAILS(REKALL_MISUSE, rekall_data_version(NULL, &version, &error));
    CHECK(version == 0);
    FAILS(REKALL_MISUSE, rekall_backup(NULL, "x", NULL, &error));
    FAILS(REKALL_MISUSE, rekall_compact(NULL, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_rebuild_index(NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_clear_cache(NULL, &error));
    FAILS(REKALL_MISUSE, rekall_audit_index(NULL, 1, 1, NULL, &recalled, &error));
    FAILS(REKALL_MISUSE, rekall_export_jsonl(NULL, "x", REKALL_EXPORT_ALL, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_export_jsonl_to(NULL, NULL, NULL, REKALL_EXPORT_ALL, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_import_jsonl(NULL, "x", 0, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_import_jsonl_from(NULL, NULL, NULL, 0, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_import_legacy(NULL, "x", 0, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_get_stats(NULL, &stats, &error));
    FAILS(REKALL_MISUSE, rekall_model_name(NULL, buffer, sizeof buffer, &size, &error));
    FAILS(REKALL_MISUSE, rekall_fingerprint(NULL, buffer, sizeof buffer, &size, &error));
    FAILS(REKALL_MISUSE, rekall_index_backend(NULL, buffer, sizeof buffer, &size, &error));
    FAILS(REKALL_MISUSE, rekall_pending_reason(NULL, buffer, sizeof buffer, &size, &error));

    /* The other pointers. */
    FAILS(REKALL_MISUSE, rekall_remember(db, NULL, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_remember_many(db, NULL, 2, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_get(db, NULL, &entry, &error));
    FAILS(REKALL_MISUSE, rekall_get(db, id.text, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_update(db, NULL, &patch, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_update(db, id.text, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_update_with_vector(db, NULL, &patch, vector, TEST_DIMENSIONS, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_update_with_vector(db, id.text, &patch, NULL, TEST_DIMENSIONS, NULL, &error));
    OK(rekall_update_with_vector(db, id.text, NULL, vector, TEST_DIMENSIONS, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_forget(db, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_link(db, NULL, id.text, "x", NULL, 0, &error));
    FAILS(REKALL_MISUSE, rekall_link(db, id.text, NULL, "x", NULL, 0, &error));
    FAILS(REKALL_MISUSE, rekall_link(db, id.text, id.text, NULL, NULL, 0, &error));
    FAILS(REKALL_MISUSE, rekall_link(db, id.text, id.text, "x", NULL, 3, &error));
    FAILS(REKALL_MISUSE, rekall_unlink(db, NULL, id.text, "x", NULL, &error));
    FAILS(REKALL_MISUSE, rekall_unlink(db, id.text, NULL, "x", NULL, &error));
    FAILS(REKALL_MISUSE, rekall_unlink(db, id.text, id.text, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_links_of(db, NULL, &links, &error));
    FAILS(REKALL_MISUSE, rekall_links_of(db, id.text, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_neighbors_of(db, NULL, 1, &near, &error));
    FAILS(REKALL_MISUSE, rekall_neighbors_of(db, id.text, 1, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_list(db, NULL, NULL, 1, NULL, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_list(db, NULL, "nonsense", 1, &page, &error));
    other_spellings_name_nothing(db);
    what_would_not_come_back_is_refused(db);
    FAILS(REKALL_INVALID_INPUT, rekall_list(db, NULL, NULL, 0, &page, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_list(db, NULL, NULL, (size_t)-1, &page, &error));
    FAILS(REKALL_MISUSE, rekall_count(db, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_recall(db, NULL, 5, NULL, &hits, &error));
    FAILS(REKALL_MISUSE, rekall_recall(db, "x", 1, NULL, NULL, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_recall(db, NULL, 0, NULL, &hits, &error));
    FAILS(REKALL_MISUSE, rekall_recall_vector(db, NULL, 5, NULL, &hits, &error));
    FAILS(REKALL_INVALID_VECTOR, rekall_recall_vector(db, NULL, 0, NULL, &hits, &error));
    FAILS(REKALL_MISUSE, rekall_recall_vector(db, vector, TEST_DIMENSIONS, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_recall_batch(db, NULL, 1, NULL, &hits, &error));
    FAILS(REKALL_MISUSE, rekall_recall_batch(db, &query, 1, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_recall_batch(db, &query, (size_t)-1, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_similar(db, NULL, NULL, &hits, &error));
    FAILS(REKALL_MISUSE, rekall_similar(db, id.text, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_dimensions(db, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_embed(db, REKALL_EMBED_QUERY, NULL, 1, vector, TEST_DIMENSIONS, &size, &error));
    FAILS(REKALL_MISUSE, rekall_embed(db, REKALL_EMBED_QUERY, "x", 1, NULL, TEST_DIMENSIONS, &size, &error));
    FAILS(REKALL_MISUSE, rekall_embed(db, 9, "x", 1, vector, TEST_DIMENSIONS, &size, &error));
    OK(rekall_embed(db, REKALL_EMBED_QUERY, "x", 1, vector, TEST_DIMENSIONS, NULL, &error));
    OK(rekall_model_unload(db, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_model_state(db, NULL, &error));
    OK(rekall_reranker_unload(db, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_reranker_state(db, NULL, &error));
    OK(rekall_unload_if_idle(db, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_next_deadline_ms(db, NULL, &error));
    OK(rekall_embed_pending(db, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_reembed(db, NULL, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_reembed(db, &reembed, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_check(db, NULL, NULL, &error));
    OK(rekall_repair(db, NULL, NULL, &error));
    OK(rekall_compact(db, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_audit_index(db, 1, 1, NULL, NULL, &error));
    OK(rekall_audit_index(db, 1, 1, NULL, &recalled, &error));
    FAILS(REKALL_MISUSE, rekall_backup(db, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_export_jsonl(db, NULL, REKALL_EXPORT_ALL, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_export_jsonl_to(db, NULL, NULL, REKALL_EXPORT_ALL, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_import_jsonl(db, NULL, 0, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_import_jsonl(db, "x", 9, NULL, NULL, &error));
    FAILS(REKALL_NOT_FOUND, rekall_import_jsonl(db, "/nonexistent/x", 0, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_import_jsonl_from(db, NULL, NULL, 0, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_import_legacy(db, NULL, 0, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_config_check(NULL, 5, &report, &error));
    FAILS(REKALL_MISUSE, rekall_config_check_file(NULL, &report, &error));
    FAILS(REKALL_MISUSE, rekall_migrate_legacy(NULL, 0, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_probe_legacy(NULL, &report, &error));
    FAILS(REKALL_MISUSE, rekall_probe_legacy("x", NULL, &error));
    FAILS(REKALL_MISUSE, rekall_salvage(NULL, "x", NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_check_file(NULL, NULL, &report, &error));
    FAILS(REKALL_MISUSE, rekall_check_file("x", NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_repair_file(NULL, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_salvage("x", NULL, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_get_stats(db, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_model_name(db, NULL, 5, NULL, &error));
    FAILS(REKALL_BUFFER_TOO_SMALL, rekall_fingerprint(db, NULL, 0, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_fingerprint(db, NULL, 5, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_index_backend(db, NULL, 5, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_pending_reason(db, NULL, 5, NULL, &error));

    /* What cannot fail. */
    rekall_close(NULL);
    rekall_interrupt(NULL);
    rekall_error_free(NULL);
    rekall_entry_free(NULL);
    rekall_hits_free(NULL);
    rekall_links_free(NULL);
    rekall_neighbors_free(NULL);
    rekall_page_free(NULL);
    CHECK(rekall_page_count(NULL) == 0 && rekall_page_entry(NULL, 0) == NULL);
    rekall_report_free(NULL);
    rekall_token_free(NULL);
    rekall_token_cancel(NULL);
    CHECK(rekall_token_is_cancelled(NULL) == 0);
    CHECK(rekall_path(NULL) == NULL && rekall_text(NULL).data == NULL && rekall_text(NULL).len == 0);
    CHECK(rekall_error_status(NULL) == REKALL_OK && strcmp(rekall_error_message(NULL), "") == 0);
    CHECK(rekall_entry_id(NULL) == NULL && rekall_entry_title(NULL, &size) == NULL && size == 0);
    CHECK(rekall_entry_content(NULL, NULL) == NULL && rekall_entry_kind(NULL, NULL) == NULL);
    CHECK(rekall_entry_source_uri(NULL, NULL) == NULL && rekall_entry_source_line(NULL) == 0);
    CHECK(rekall_entry_project(NULL, NULL) == NULL && rekall_entry_memory_type(NULL, NULL) == NULL);
    CHECK(rekall_entry_tag_count(NULL) == 0 && rekall_entry_tag(NULL, 0, NULL) == NULL);
    CHECK(rekall_entry_status(NULL) == 0 && rekall_entry_superseded_by(NULL) == NULL);
    CHECK(rekall_entry_confidence(NULL) == 0 && rekall_entry_created_at_ms(NULL) == 0);
    CHECK(rekall_entry_updated_at_ms(NULL) == 0 && rekall_entry_has_context(NULL) == 0);
    CHECK(rekall_entry_context_count(NULL, 0) == 0 && rekall_entry_context_text(NULL, 0, 0, NULL) == NULL);
    CHECK(rekall_entry_metadata(NULL, NULL) == NULL && rekall_entry_legacy(NULL, NULL) == NULL);
    CHECK(rekall_entry_json(NULL, NULL) == NULL);
    CHECK(rekall_hits_count(NULL) == 0 && rekall_hits_entry(NULL, 0) == NULL && IS_NAN(rekall_hits_score(NULL, 0)));
    CHECK(IS_NAN(rekall_hits_similarity(NULL, 0)) && rekall_hits_chunk(NULL, 0, NULL) == 0);
    CHECK(rekall_hits_retrieval_passage(NULL, 0, 1, NULL, NULL) == 0);
    CHECK(IS_NAN(rekall_hits_part(NULL, 0, 1)) && IS_NAN(rekall_hits_part_weight(NULL, 0, 1)));
    CHECK(rekall_hits_retrieval_rank(NULL, 0, 1) == 0 && IS_NAN(rekall_hits_retrieval_score(NULL, 0, 1)));
    CHECK(rekall_hits_degraded_count(NULL) == 0 && rekall_hits_degraded(NULL, 0, NULL) == NULL);
    CHECK(rekall_hits_degraded_kind(NULL, 0) == 0 && rekall_hits_elapsed_us(NULL) == 0);
    CHECK(IS_NAN(rekall_hits_known(NULL)) && IS_NAN(rekall_hits_threshold(NULL)));
    CHECK(rekall_hits_degraded_entries(NULL, 0) == 0 && rekall_hits_snippet(NULL, 0, &size) == NULL && size == 0);
    CHECK(rekall_id_time_ms(NULL) == -1);
    CHECK(rekall_links_count(NULL) == 0 && rekall_links_source(NULL, 0) == NULL && rekall_links_target(NULL, 0) == NULL);
    CHECK(rekall_links_relation(NULL, 0, NULL) == NULL && rekall_links_reason(NULL, 0, NULL) == NULL);
    CHECK(rekall_links_created_at_ms(NULL, 0) == 0);
    CHECK(rekall_neighbors_count(NULL) == 0 && rekall_neighbors_id(NULL, 0) == NULL);
    CHECK(rekall_neighbors_distance(NULL, 0) == 0);
    CHECK(rekall_report_number(NULL, "x") == 0 && rekall_report_line_count(NULL) == 0);
    CHECK(rekall_report_line(NULL, 0, NULL) == NULL && rekall_report_json(NULL, NULL) == NULL);
}

static void bad_texts(void)
{
    rekall_hits *hits = NULL;
    rekall_new_entry input = REKALL_NEW_ENTRY_INIT;
    char *aligned = malloc(256);

    FAILS(REKALL_INVALID_INPUT, rekall_recall(db, "\xff\xfe", 2, NULL, &hits, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_recall(db, " \t\n", 3, NULL, &hits, &error));
    FAILS(REKALL_MISUSE, rekall_recall(db, "x", (size_t)-5, NULL, &hits, &error));
    OK(rekall_recall(db, "a\0b", 3, NULL, &hits, &error));
    rekall_hits_free(hits);
    FAILS(REKALL_INVALID_INPUT, rekall_remember(db, &input, NULL, NULL, &error));
    input.title.data = "a\0b";
    input.title.len = 3;
    FAILS(REKALL_INVALID_INPUT, rekall_remember(db, &input, NULL, NULL, &error));
    input.title = rekall_text("x");
    input.metadata = rekall_text("[1]");
    FAILS(REKALL_INVALID_INPUT, rekall_remember(db, &input, NULL, NULL, &error));
    input.metadata = rekall_text("{");
    FAILS(REKALL_INVALID_INPUT, rekall_remember(db, &input, NULL, NULL, &error));
    input.metadata = rekall_text(NULL);
    input.flags = REKALL_NEW_ENTRY_CONFIDENCE;
    input.confidence = 6;
    FAILS(REKALL_INVALID_INPUT, rekall_remember(db, &input, NULL, NULL, &error));
    input.confidence = 600;
    FAILS(REKALL_INVALID_INPUT, rekall_remember(db, &input, NULL, NULL, &error));
    input.flags = 0;
    input.tags_count = 3;
    FAILS(REKALL_MISUSE, rekall_remember(db, &input, NULL, NULL, &error));
    /* Not aligned. */
    FAILS(REKALL_MISUSE, rekall_remember(db, (const rekall_new_entry *)(const void *)(aligned + 1), NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_recall_vector(db, (const float *)(const void *)(aligned + 1), 4, NULL, &hits, &error));
    FAILS(REKALL_MISUSE,
          rekall_recall_batch(db, (const rekall_query *)(const void *)(aligned + 1), 1, NULL, &hits, &error));
    free(aligned);
}

/* Numbers and flags that the header does not have. */
static void unknown_numbers(void)
{
    rekall_hits *hits = NULL;
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_similar_options similar = REKALL_SIMILAR_OPTIONS_INIT;
    rekall_patch patch = REKALL_PATCH_INIT;
    rekall_new_entry input = REKALL_NEW_ENTRY_INIT;

    options.flags = 1u << 31;
    FAILS(REKALL_MISUSE, rekall_recall(db, "word", 4, &options, &hits, &error));
    options.flags = 0;
    options.role = 3;
    FAILS(REKALL_MISUSE, rekall_recall(db, "word", 4, &options, &hits, &error));
    options.role = 0;
    options.supersede.len = 3;
    FAILS(REKALL_MISUSE, rekall_recall(db, "word", 4, &options, &hits, &error));
    options.supersede.data = "\xff\xfe\xfd";
    FAILS(REKALL_INVALID_INPUT, rekall_recall(db, "word", 4, &options, &hits, &error));
    options.supersede = rekall_text(NULL);
    options.filter = &filter;
    filter.flags = 1u << 31;
    FAILS(REKALL_MISUSE, rekall_recall(db, "word", 4, &options, &hits, &error));
    filter.flags = 0;
    filter.status = 4;
    FAILS(REKALL_MISUSE, rekall_recall(db, "word", 4, &options, &hits, &error));
    similar.flags = 2;
    FAILS(REKALL_MISUSE, rekall_similar(db, id.text, &similar, &hits, &error));
    patch.flags = 1u << 31;
    FAILS(REKALL_MISUSE, rekall_update(db, id.text, &patch, NULL, &error));
    patch.flags = 0;
    patch.status = REKALL_ENTRY_ANY;
    FAILS(REKALL_MISUSE, rekall_update(db, id.text, &patch, NULL, &error));
    patch.status = 0;
    patch.reserved = 1;
    FAILS(REKALL_UNSUPPORTED, rekall_update(db, id.text, &patch, NULL, &error));
    input.title = rekall_text("x");
    input.flags = 1u << 31;
    FAILS(REKALL_MISUSE, rekall_remember(db, &input, NULL, NULL, &error));
}

static void opening(const char *folder)
{
    char path[1024];
    rekall_db *other = NULL;
    rekall_embedder embedder = letters(NULL);
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_listener listener = REKALL_LISTENER_INIT;
    FILE *file;

    sprintf(path, "%.900s/other.db", folder);
    options.flags = 1u << 30;
    FAILS(REKALL_MISUSE, rekall_open(path, &options, &other, &error));
    options.flags = REKALL_OPEN_EXISTING;
    FAILS(REKALL_NOT_FOUND, rekall_open(path, &options, &other, &error));
    options.flags = REKALL_OPEN_NO_MODEL;
    options.model = "bundled";
    FAILS(REKALL_MISUSE, rekall_open(path, &options, &other, &error));
    options.flags = 0;
    options.model = "nonsense";
    FAILS(REKALL_INVALID_INPUT, rekall_open(path, &options, &other, &error));
    options.model = NULL;
    options.vectors_name = "own";
    FAILS(REKALL_INVALID_INPUT, rekall_open(path, &options, &other, &error));
    options.vectors_name = NULL;
    options.vector_backend = "faiss";
    FAILS(REKALL_INVALID_INPUT, rekall_open(path, &options, &other, &error));
    options.vector_backend = "flat";
    options.config = rekall_text("[performance]\ncache_max_sise = 1");
    FAILS(REKALL_INVALID_INPUT, rekall_open(path, &options, &other, &error));
    options.config = rekall_text("[performance]\ncache_max_size = 1");
    options.config_file = path;
    FAILS(REKALL_MISUSE, rekall_open(path, &options, &other, &error));
    options.config = rekall_text(NULL);
    FAILS(REKALL_INVALID_INPUT, rekall_open(path, &options, &other, &error));
    options.config_file = NULL;
    listener.log_level = 6;
    options.listener = &listener;
    FAILS(REKALL_MISUSE, rekall_open(path, &options, &other, &error));
    options.listener = NULL;
    options.embedder = &embedder;
    embedder.embed = NULL;
    FAILS(REKALL_MISUSE, rekall_open(path, &options, &other, &error));
    embedder = letters(NULL);
    embedder.dimensions = 0;
    FAILS(REKALL_INVALID_INPUT, rekall_open(path, &options, &other, &error));
    embedder = letters(NULL);
    embedder.name = NULL;
    FAILS(REKALL_MISUSE, rekall_open(path, &options, &other, &error));
    FAILS(REKALL_NOT_A_DATABASE, rekall_open(folder, NULL, &other, &error));
    file = fopen(path, "w");
    CHECK(file != NULL);
    fputs("just text", file);
    fclose(file);
    FAILS(REKALL_NOT_A_DATABASE, rekall_open(path, NULL, &other, &error));
    CHECK(other == NULL);
}

int main(int argc, char **argv)
{
    rekall_embedder embedder = letters(NULL);
    CHECK(argc == 3);
    db = open_at(argv[1], "misuse.db", &embedder);
    id = remember(db, "a word");
    null_pointers(argv[1]);
    bad_texts();
    unknown_numbers();
    opening(argv[1]);
    rekall_close(db);
    puts("ok");
    return 0;
}
