/* Members that count only with a flag or another member: set alone they are refused, and the message names both. C99.
 * Arguments: a folder, the repository. */
#include "support.h"

static rekall_db *db;
static rekall_id id;
static const char *folder;

static void names_both(const char *member, const char *with, rekall_status status, rekall_error *error)
{
    const char *message = rekall_error_message(error);
    if (status != REKALL_MISUSE || strstr(message, member) == NULL || strstr(message, with) == NULL) {
        fprintf(stderr, "%s without %s: %s: %s\n", member, with, rekall_status_name(status), message);
        exit(1);
    }
    rekall_error_free(error);
}

#define ALONE(member, with, call)                                \
    do {                                                         \
        rekall_error *error = NULL;                              \
        rekall_status status_ = (call);                          \
        names_both(member, with, status_, error);                \
    } while (0)

static void entries(void)
{
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    rekall_patch patch = REKALL_PATCH_INIT;
    rekall_str tag = {"tag", 3};
    rekall_entry *changed = NULL;

    entry.title = rekall_text("sure of it");
    entry.confidence = 4;
    ALONE("confidence", "REKALL_NEW_ENTRY_CONFIDENCE", rekall_remember(db, &entry, NULL, NULL, &error));
    entry.flags = REKALL_NEW_ENTRY_CONFIDENCE;
    OK(rekall_remember(db, &entry, NULL, NULL, &error));

    patch.confidence = 5;
    ALONE("confidence", "REKALL_PATCH_CONFIDENCE", rekall_update(db, id.text, &patch, NULL, &error));
    patch.flags = REKALL_PATCH_CONFIDENCE;
    OK(rekall_update(db, id.text, &patch, &changed, &error));
    CHECK(rekall_entry_confidence(changed) == 5);
    rekall_entry_free(changed);
    /* A list of no tags: to remove them takes the flag. */
    patch.tags = &tag;
    ALONE("tags", "REKALL_PATCH_TAGS", rekall_update(db, id.text, &patch, NULL, &error));
    patch.tags_count = 1;
    OK(rekall_update(db, id.text, &patch, &changed, &error));
    CHECK(rekall_entry_tag_count(changed) == 1);
    rekall_entry_free(changed);
    patch.tags_count = 0;
    patch.flags |= REKALL_PATCH_TAGS;
    OK(rekall_update(db, id.text, &patch, &changed, &error));
    CHECK(rekall_entry_tag_count(changed) == 0);
    rekall_entry_free(changed);
}

static rekall_status filtered(const rekall_filter *filter, rekall_error **error)
{
    uint64_t count;
    return rekall_count(db, filter, &count, error);
}

static void filters(void)
{
    static const struct {
        const char *member, *flag;
        uint32_t number;
    } times[] = {
        {"created_after_ms", "REKALL_FILTER_CREATED_AFTER", REKALL_FILTER_CREATED_AFTER},
        {"created_before_ms", "REKALL_FILTER_CREATED_BEFORE", REKALL_FILTER_CREATED_BEFORE},
        {"updated_after_ms", "REKALL_FILTER_UPDATED_AFTER", REKALL_FILTER_UPDATED_AFTER},
        {"updated_before_ms", "REKALL_FILTER_UPDATED_BEFORE", REKALL_FILTER_UPDATED_BEFORE},
    };
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_metadata_condition condition = {{NULL, 0}, {"1", 1}, 0, 0};
    rekall_str given;
    rekall_page *page = NULL;
    size_t at;

    for (at = 0; at < 4; at++) {
        int64_t *member[4];
        rekall_filter one = REKALL_FILTER_INIT;
        member[0] = &one.created_after_ms;
        member[1] = &one.created_before_ms;
        member[2] = &one.updated_after_ms;
        member[3] = &one.updated_before_ms;
        *member[at] = -5;
        ALONE(times[at].member, times[at].flag, filtered(&one, &error));
        one.flags = times[at].number;
        OK(filtered(&one, &error));
    }
    given = rekall_text(id.text);
    filter.ids = &given;
    ALONE("ids", "REKALL_FILTER_IDS", rekall_list(db, &filter, NULL, 5, &page, &error));
    filter.ids_count = 1;
    OK(filtered(&filter, &error));
    filter.ids_count = 0;
    filter.flags = REKALL_FILTER_IDS;
    OK(rekall_list(db, &filter, NULL, 5, &page, &error));
    CHECK(rekall_page_count(page) == 0);
    rekall_page_free(page);
    filter.metadata = &condition;
    filter.metadata_count = 1;
    ALONE("key", "not given", filtered(&filter, &error));
}

static rekall_status recalled(const rekall_recall_options *options, rekall_error **error)
{
    rekall_hits *hits = NULL;
    rekall_query query = {{"word", 4}, NULL, 0};
    rekall_status status = rekall_recall(db, "word", 4, options, &hits, error);
    rekall_hits_free(hits);
    /* The three searches read the same options. */
    CHECK(rekall_recall_batch(db, &query, 1, options, &hits, NULL) == status);
    rekall_hits_free(hits);
    return status;
}

static void searches(void)
{
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_similar_options similar = REKALL_SIMILAR_OPTIONS_INIT;
    float vector[TEST_DIMENSIONS] = {1};
    rekall_hits *hits = NULL;

    options.threshold = 0.99f;
    ALONE("threshold", "REKALL_RECALL_THRESHOLD", recalled(&options, &error));
    options.threshold = (float)NAN;
    ALONE("threshold", "REKALL_RECALL_THRESHOLD", recalled(&options, &error));
    options.threshold = 0.5f;
    options.flags = REKALL_RECALL_THRESHOLD;
    OK(recalled(&options, &error));
    options.semantic_weight = 2;
    ALONE("semantic_weight", "REKALL_RECALL_WEIGHTS", recalled(&options, &error));
    options.semantic_weight = 0;
    options.text_weight = 1e-9;
    ALONE("text_weight", "REKALL_RECALL_WEIGHTS", recalled(&options, &error));
    options.flags |= REKALL_RECALL_WEIGHTS;
    OK(recalled(&options, &error));
    options.snippet_before = rekall_text("<b>");
    ALONE("snippet_before", "REKALL_RECALL_SNIPPETS", recalled(&options, &error));
    options.snippet_before = rekall_text(NULL);
    options.snippet_after = rekall_text("");
    ALONE("snippet_after", "REKALL_RECALL_SNIPPETS", recalled(&options, &error));
    options.flags |= REKALL_RECALL_SNIPPETS;
    OK(recalled(&options, &error));

    options = (rekall_recall_options)REKALL_RECALL_OPTIONS_INIT;
    options.vector_len = TEST_DIMENSIONS;
    ALONE("vector", "query text", rekall_recall_vector(db, vector, TEST_DIMENSIONS, &options, &hits, &error));

    similar.threshold = 0.9f;
    ALONE("threshold", "REKALL_SIMILAR_THRESHOLD", rekall_similar(db, id.text, &similar, &hits, &error));
    similar.flags = REKALL_SIMILAR_THRESHOLD;
    OK(rekall_similar(db, id.text, &similar, &hits, &error));
    rekall_hits_free(hits);
}

static void opening(void)
{
    rekall_embedder embedder = letters(NULL);
    rekall_load_options load = REKALL_LOAD_OPTIONS_INIT;
    rekall_listener listener = REKALL_LISTENER_INIT;
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_reembed_options reembed = REKALL_REEMBED_OPTIONS_INIT;
    rekall_db *other = NULL;
    const char *path = in(folder, "other.db");

    options.vectors_dimensions = 4;
    ALONE("vectors_dimensions", "vectors_name", rekall_open(path, &options, &other, &error));
    options.vectors_dimensions = 0;
    options.load = &load;
    options.embedder = &embedder;
    ALONE("load", "model", rekall_open(path, &options, &other, &error));
    options.embedder = NULL;
    options.flags = REKALL_OPEN_NO_MODEL;
    ALONE("load", "model", rekall_open(path, &options, &other, &error));
    options.load = NULL;
    listener.log_level = REKALL_LOG_WARN;
    options.listener = &listener;
    ALONE("log_level", "log", rekall_open(path, &options, &other, &error));
    reembed.embedder = &embedder;
    reembed.load = &load;
    ALONE("load", "model", rekall_reembed(db, &reembed, NULL, NULL, &error));
    CHECK(other == NULL);
}

int main(int argc, char **argv)
{
    rekall_embedder embedder = letters(NULL);
    CHECK(argc == 3);
    folder = argv[1];
    db = open_at(folder, "flagged.db", &embedder);
    id = remember(db, "a word");
    remember(db, "words");
    entries();
    filters();
    searches();
    opening();
    rekall_close(db);
    puts("ok");
    return 0;
}
