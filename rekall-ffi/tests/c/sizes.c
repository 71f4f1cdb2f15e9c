/* Each option struct as older and newer headers have it. C99. Arguments: a folder, the repository. */
#include "support.h"

#include <stddef.h>

enum { ROOM = 4200, ADDED = 64 };

static rekall_db *db;
static rekall_id id;
static const char *folder;

/* A function that is given the struct, and the bytes that it needs to succeed: those up to its last required member. */
struct kind {
    const char *name;
    rekall_status (*use)(const void *given, rekall_error **error);
    const void *init;
    size_t size, needed;
};

static rekall_status zeroes(void *user_data, rekall_str query, const rekall_str *passages, size_t count, float *out_scores)
{
    (void)user_data, (void)query, (void)passages, (void)count, (void)out_scores;
    return REKALL_OK;
}

static rekall_status use_open(const void *given, rekall_error **error)
{
    rekall_db *opened = NULL;
    rekall_status status = rekall_open(in(folder, "opened.db"), given, &opened, error);
    CHECK((opened == NULL) == (status != REKALL_OK));
    rekall_close(opened);
    return status;
}

static rekall_status use_load(const void *given, rekall_error **error)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    options.model = "path:loaded when it is needed";
    options.load = given;
    return use_open(&options, error);
}

static rekall_status use_embedder(const void *given, rekall_error **error)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    options.embedder = given;
    return use_open(&options, error);
}

static rekall_status use_reranker(const void *given, rekall_error **error)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    options.own_reranker = given;
    return use_open(&options, error);
}

static rekall_status use_listener(const void *given, rekall_error **error)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    options.flags = REKALL_OPEN_NO_MODEL;
    options.listener = given;
    return use_open(&options, error);
}

static rekall_status use_entry(const void *given, rekall_error **error)
{
    return rekall_remember(db, given, NULL, NULL, error);
}

static rekall_status use_context(const void *given, rekall_error **error)
{
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    entry.title = rekall_text("with a context");
    entry.context = given;
    return use_entry(&entry, error);
}

static rekall_status use_remember(const void *given, rekall_error **error)
{
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    entry.title = rekall_text("with options");
    return rekall_remember(db, &entry, given, NULL, error);
}

static rekall_status use_patch(const void *given, rekall_error **error)
{
    return rekall_update(db, id.text, given, NULL, error);
}

static rekall_status use_recall(const void *given, rekall_error **error)
{
    rekall_hits *hits = NULL;
    rekall_status status = rekall_recall(db, "word", 4, given, &hits, error);
    CHECK((rekall_hits_count(hits) > 0) == (status == REKALL_OK));
    rekall_hits_free(hits);
    return status;
}

static rekall_status use_batch(const void *given, rekall_error **error)
{
    const rekall_query query = {{"word", 4}, NULL, 0};
    rekall_hits *hits = NULL;
    rekall_status status = rekall_recall_batch(db, &query, 1, given, &hits, error);
    CHECK((rekall_hits_count(hits) > 0) == (status == REKALL_OK));
    rekall_hits_free(hits);
    return status;
}

static rekall_status use_update_with_vector(const void *given, rekall_error **error)
{
    const float vector[TEST_DIMENSIONS] = {1};
    return rekall_update_with_vector(db, id.text, given, vector, TEST_DIMENSIONS, NULL, error);
}

static rekall_status use_audit_index(const void *given, rekall_error **error)
{
    rekall_index_audit report = REKALL_INDEX_AUDIT_INIT;
    return rekall_audit_index(db, 1, 1, given, &report, error);
}

static rekall_status use_filter(const void *given, rekall_error **error)
{
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    options.filter = given;
    return use_recall(&options, error);
}

static rekall_status use_similar(const void *given, rekall_error **error)
{
    rekall_hits *hits = NULL;
    rekall_status status = rekall_similar(db, id.text, given, &hits, error);
    rekall_hits_free(hits);
    return status;
}

static rekall_status use_duplicates(const void *given, rekall_error **error)
{
    rekall_duplicates *found = NULL;
    rekall_status status = rekall_find_duplicates(db, given, NULL, &found, error);
    rekall_duplicates_free(found);
    return status;
}

static rekall_status use_watch(const void *given, rekall_error **error)
{
    return rekall_embed_pending(db, given, NULL, error);
}

static rekall_status use_reembed(const void *given, rekall_error **error)
{
    return rekall_reembed(db, given, NULL, NULL, error);
}

static union {
    size_t struct_size;
    unsigned char bytes[ROOM];
    double aligned;
} place;

static void lay_out(const struct kind *kind, size_t copied, int behind, size_t struct_size)
{
    memset(place.bytes, behind, ROOM);
    memcpy(place.bytes, kind->init, copied);
    place.struct_size = struct_size;
}

static void sizes_of(const struct kind *kind)
{
    static const size_t bad[] = {0, 1, 7, sizeof(size_t) + 1, ROOM, 100000, (size_t)-1};
    size_t at;

    for (at = 0; at < sizeof bad / sizeof *bad; at++) {
        lay_out(kind, kind->size, 0, bad[at]);
        FAILS(REKALL_MISUSE, kind->use(place.bytes, &error));
    }
    /* Older: what lies behind is not read, and is as if it were 0. */
    for (at = sizeof(size_t); at <= kind->size; at += sizeof(void *)) {
        rekall_error *error = NULL;
        rekall_status status;
        lay_out(kind, at, 0xff, at);
        status = kind->use(place.bytes, &error);
        if ((status == REKALL_OK) != (at >= kind->needed)) {
            fprintf(stderr, "%s with %lu bytes: %s\n", kind->name, (unsigned long)at, rekall_error_message(error));
            exit(1);
        }
        rekall_error_free(error);
    }
    /* Newer: zeroes are fine, anything else is not known here. */
    lay_out(kind, kind->size, 0, kind->size + ADDED);
    place.bytes[kind->size + ADDED] = 0xff;
    OK(kind->use(place.bytes, &error));
    for (at = 0; at < ADDED; at += ADDED - 1) {
        lay_out(kind, kind->size, 0, kind->size + ADDED);
        place.bytes[kind->size + at] = 1;
        FAILS(REKALL_UNSUPPORTED, kind->use(place.bytes, &error));
    }
    /* Not where such a struct can lie. */
    FAILS(REKALL_MISUSE, kind->use(place.bytes + 1, &error));
}

static rekall_status fill_stats(void *given, rekall_error **error)
{
    return rekall_get_stats(db, given, error);
}

static rekall_status fill_embedded(void *given, rekall_error **error)
{
    return rekall_embed_pending(db, NULL, given, error);
}

static rekall_status fill_recall(void *given, rekall_error **error)
{
    return rekall_audit_index(db, 1, 1, NULL, given, error);
}

/* A struct that the library fills: an older caller gets less, a newer one zeroes, and nothing is written behind. */
static void filled(rekall_status (*fill)(void *, rekall_error **), size_t size)
{
    static const size_t bad[] = {0, 3, sizeof(size_t) + 1, ROOM, (size_t)-1};
    size_t sizes[3], at, k;

    sizes[0] = 2 * sizeof(size_t);
    sizes[1] = size;
    sizes[2] = size + ADDED;
    for (at = 0; at < 3; at++) {
        memset(place.bytes, 0xff, ROOM);
        place.struct_size = sizes[at];
        OK(fill(place.bytes, &error));
        CHECK(place.struct_size == sizes[at]);
        for (k = sizes[at]; k < ROOM; k++) {
            CHECK(place.bytes[k] == 0xff);
        }
        for (k = size; k < sizes[at]; k++) {
            CHECK(place.bytes[k] == 0);
        }
    }
    for (at = 0; at < sizeof bad / sizeof *bad; at++) {
        memset(place.bytes, 0xff, ROOM);
        place.struct_size = bad[at];
        FAILS(REKALL_MISUSE, fill(place.bytes, &error));
        CHECK(place.bytes[sizeof(size_t)] == 0xff);
    }
}

/* Entries one behind the other must have one size; a newer caller's are wider. */
static void several(void)
{
    const rekall_new_entry init = REKALL_NEW_ENTRY_INIT;
    rekall_new_entry two[2];
    struct {
        rekall_new_entry entry;
        uint64_t added;
    } wide[2];
    rekall_id ids[2];

    two[0] = two[1] = init;
    two[0].title = two[1].title = rekall_text("two");
    two[1].struct_size -= 8;
    FAILS(REKALL_MISUSE, rekall_remember_many(db, two, 2, NULL, ids, &error));
    CHECK(ids[0].text[0] == 0 && ids[1].text[0] == 0);
    two[1].struct_size += 8;
    two[1].title = rekall_text(" ");
    FAILS(REKALL_INVALID_INPUT, rekall_remember_many(db, two, 2, NULL, NULL, &error));
    memset(wide, 0, sizeof wide);
    wide[0].entry = wide[1].entry = init;
    wide[0].entry.title = rekall_text("a wide one");
    wide[1].entry.title = rekall_text("another");
    wide[0].entry.struct_size = wide[1].entry.struct_size = sizeof wide[0];
    OK(rekall_remember_many(db, &wide[0].entry, 2, NULL, ids, &error));
    CHECK(strcmp(ids[0].text, ids[1].text) < 0);
    wide[1].added = 1;
    FAILS(REKALL_UNSUPPORTED, rekall_remember_many(db, &wide[0].entry, 2, NULL, ids, &error));
}

#define KIND(name, value, use, needed) {#name, use, &value, sizeof(name), needed}

int main(int argc, char **argv)
{
    const rekall_open_options open = REKALL_OPEN_OPTIONS_INIT;
    const rekall_load_options load = REKALL_LOAD_OPTIONS_INIT;
    const rekall_embedder embedder = letters(NULL);
    rekall_reranker reranker = REKALL_RERANKER_INIT;
    const rekall_listener listener = REKALL_LISTENER_INIT;
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    const rekall_context context = REKALL_CONTEXT_INIT;
    const rekall_remember_options remembering = REKALL_REMEMBER_OPTIONS_INIT;
    const rekall_patch patch = REKALL_PATCH_INIT;
    const rekall_filter filter = REKALL_FILTER_INIT;
    const rekall_recall_options recall = REKALL_RECALL_OPTIONS_INIT;
    const rekall_similar_options similar = REKALL_SIMILAR_OPTIONS_INIT;
    const rekall_duplicates_options duplicates = REKALL_DUPLICATES_OPTIONS_INIT;
    const rekall_watch watch = REKALL_WATCH_INIT;
    rekall_reembed_options reembed = REKALL_REEMBED_OPTIONS_INIT;
    const struct kind kinds[] = {
        KIND(rekall_open_options, open, use_open, 0),
        KIND(rekall_load_options, load, use_load, 0),
        KIND(rekall_embedder, embedder, use_embedder, offsetof(rekall_embedder, user_data)),
        KIND(rekall_reranker, reranker, use_reranker, offsetof(rekall_reranker, user_data)),
        KIND(rekall_listener, listener, use_listener, 0),
        KIND(rekall_new_entry, entry, use_entry, offsetof(rekall_new_entry, content)),
        KIND(rekall_context, context, use_context, 0),
        KIND(rekall_remember_options, remembering, use_remember, 0),
        KIND(rekall_patch, patch, use_patch, 0),
        KIND(rekall_patch, patch, use_update_with_vector, 0),
        KIND(rekall_filter, filter, use_filter, 0),
        KIND(rekall_recall_options, recall, use_recall, 0),
        KIND(rekall_recall_options, recall, use_batch, 0),
        KIND(rekall_similar_options, similar, use_similar, 0),
        KIND(rekall_duplicates_options, duplicates, use_duplicates, 0),
        KIND(rekall_watch, watch, use_watch, 0),
        KIND(rekall_watch, watch, use_audit_index, 0),
        KIND(rekall_reembed_options, reembed, use_reembed, sizeof(rekall_reembed_options)),
    };
    size_t at;

    CHECK(argc == 3);
    folder = argv[1];
    entry.title = rekall_text("a word");
    reranker.name = "zeroes";
    reranker.rerank = zeroes;
    reembed.embedder = &embedder;
    db = open_at(folder, "sizes.db", &embedder);
    id = remember(db, "the first word");
    for (at = 0; at < sizeof kinds / sizeof *kinds; at++) {
        sizes_of(&kinds[at]);
    }
    filled(fill_stats, sizeof(rekall_stats));
    filled(fill_embedded, sizeof(rekall_embedded));
    filled(fill_recall, sizeof(rekall_index_audit));
    several();
    rekall_close(db);
    puts("ok");
    return 0;
}
