/* Every function that takes a handle, from eight threads at once; callbacks on other threads than the caller's; and what a
 * library must leave alone: signal handlers and the locale. C11, threads of POSIX. Arguments: a folder, the repository. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include <locale.h>
#include <pthread.h>
#include <signal.h>

enum { THREADS = 8, ROUNDS = 3 };

static rekall_db *shared;
static const char *place;
static rekall_id first, second, third;

/* A path of one thread's round, where nothing is yet. */
static const char *fresh(char *path, int thread, int round, const char *ending)
{
    sprintf(path, "%.900s/t%d-%d%s", place, thread, round, ending);
    return path;
}

/* What each function is called with. Its status comes back; objects are freed at once. */
#define GIVEN int thread, int round, rekall_error **error
#define UNUSED (void)thread, (void)round

static rekall_status path(GIVEN)
{
    UNUSED;
    *error = NULL;
    return rekall_path(shared) != NULL ? REKALL_OK : REKALL_ERROR;
}

static rekall_status interrupt(GIVEN)
{
    UNUSED;
    *error = NULL;
    rekall_interrupt(shared);
    return REKALL_OK;
}

static rekall_status remember_one(GIVEN)
{
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    UNUSED;
    entry.title = rekall_text("another entry");
    return rekall_remember(shared, &entry, NULL, NULL, error);
}

static rekall_status remember_many(GIVEN)
{
    rekall_new_entry entries[2] = {REKALL_NEW_ENTRY_INIT, REKALL_NEW_ENTRY_INIT};
    UNUSED;
    entries[0].title = entries[1].title = rekall_text("two entries");
    return rekall_remember_many(shared, entries, 2, NULL, NULL, error);
}

static rekall_status get(GIVEN)
{
    rekall_entry *out = NULL;
    rekall_status status = rekall_get(shared, first.text, &out, error);
    UNUSED;
    rekall_entry_free(out);
    return status;
}

static rekall_status update(GIVEN)
{
    rekall_patch patch = REKALL_PATCH_INIT;
    UNUSED;
    patch.title = rekall_text("first, changed");
    return rekall_update(shared, first.text, &patch, NULL, error);
}

static rekall_status update_with_vector(GIVEN)
{
    float vector[TEST_DIMENSIONS] = {1};
    UNUSED;
    return rekall_update_with_vector(shared, first.text, NULL, vector, TEST_DIMENSIONS, NULL, error);
}

static rekall_status forget(GIVEN)
{
    UNUSED;
    return rekall_forget(shared, "01ARZ3NDEKTSV4RRFFQ69G5FAV", error);
}

static rekall_status supersede_entry(GIVEN)
{
    UNUSED;
    return rekall_supersede_entry(shared, third.text, second.text, NULL, error);
}

static rekall_status link_two(GIVEN)
{
    UNUSED;
    return rekall_link(shared, first.text, second.text, "related", "why", 3, error);
}

static rekall_status unlink_two(GIVEN)
{
    UNUSED;
    return rekall_unlink(shared, first.text, second.text, "related", NULL, error);
}

static rekall_status links_of(GIVEN)
{
    rekall_links *out = NULL;
    rekall_status status = rekall_links_of(shared, first.text, &out, error);
    UNUSED;
    rekall_links_free(out);
    return status;
}

static rekall_status neighbors_of(GIVEN)
{
    rekall_neighbors *out = NULL;
    rekall_status status = rekall_neighbors_of(shared, first.text, 2, &out, error);
    UNUSED;
    rekall_neighbors_free(out);
    return status;
}

static rekall_status list(GIVEN)
{
    rekall_page *out = NULL;
    rekall_status status = rekall_list(shared, NULL, NULL, 3, &out, error);
    UNUSED;
    rekall_page_free(out);
    return status;
}

static rekall_status get_many(GIVEN)
{
    rekall_page *out = NULL;
    rekall_str id = rekall_text(first.text);
    rekall_status status = rekall_get_many(shared, &id, 1, &out, error);
    UNUSED;
    rekall_page_free(out);
    return status;
}

static rekall_status new_id(GIVEN)
{
    rekall_id out;
    UNUSED;
    return rekall_new_id(shared, &out, error);
}

static rekall_status apply(GIVEN)
{
    rekall_batch *batch = rekall_batch_new();
    rekall_patch patch = REKALL_PATCH_INIT;
    rekall_status status;
    UNUSED;
    patch.content = rekall_text("changed in a batch");
    status = rekall_batch_update(batch, second.text, &patch, NULL, 0, error);
    if (status == REKALL_OK) {
        status = rekall_batch_link(batch, second.text, first.text, "related", NULL, 0, error);
    }
    if (status == REKALL_OK) {
        status = rekall_apply(shared, batch, NULL, error);
    }
    rekall_batch_free(batch);
    return status;
}

static rekall_status remember_json(GIVEN)
{
    UNUSED;
    return rekall_remember_json(shared, "{\"title\":\"from JSON\"}", REKALL_NTS, NULL, NULL, error);
}

static rekall_status facets_of(GIVEN)
{
    rekall_facets *out = NULL;
    rekall_status status = rekall_facets_of(shared, REKALL_FACET_TAG, NULL, 5, &out, error);
    UNUSED;
    rekall_facets_free(out);
    return status;
}

static rekall_status embed_texts(GIVEN)
{
    rekall_vectors *out = NULL;
    rekall_str text = rekall_text("text");
    rekall_status status = rekall_embed_texts(shared, REKALL_EMBED_QUERY, &text, 1, NULL, &out, error);
    UNUSED;
    rekall_vectors_free(out);
    return status;
}

static rekall_status changes_since(GIVEN)
{
    rekall_changes *out = NULL;
    rekall_status status = rekall_changes_since(shared, NULL, &out, error);
    UNUSED;
    rekall_changes_free(out);
    return status;
}

static rekall_status change_position(GIVEN)
{
    rekall_position out;
    UNUSED;
    return rekall_change_position(shared, &out, error);
}

static rekall_status count(GIVEN)
{
    uint64_t out = 0;
    UNUSED;
    return rekall_count(shared, NULL, &out, error);
}

static rekall_status data_version(GIVEN)
{
    int64_t out = 0;
    UNUSED;
    return rekall_data_version(shared, &out, error);
}

static rekall_status recall(GIVEN)
{
    rekall_hits *out = NULL;
    rekall_status status = rekall_recall(shared, "entry", 5, NULL, &out, error);
    UNUSED;
    rekall_hits_free(out);
    return status;
}

static rekall_status recall_vector(GIVEN)
{
    float vector[TEST_DIMENSIONS] = {1, 2};
    rekall_hits *out = NULL;
    rekall_status status = rekall_recall_vector(shared, vector, TEST_DIMENSIONS, NULL, &out, error);
    UNUSED;
    rekall_hits_free(out);
    return status;
}

static rekall_status recall_batch(GIVEN)
{
    rekall_query query = {{"entry", 5}, NULL, 0};
    rekall_hits *out = NULL;
    rekall_status status = rekall_recall_batch(shared, &query, 1, NULL, &out, error);
    UNUSED;
    rekall_hits_free(out);
    return status;
}

static rekall_status similar(GIVEN)
{
    rekall_hits *out = NULL;
    rekall_status status = rekall_similar(shared, first.text, NULL, &out, error);
    UNUSED;
    rekall_hits_free(out);
    return status;
}

static rekall_status dimensions(GIVEN)
{
    size_t out = 0;
    UNUSED;
    return rekall_dimensions(shared, &out, error);
}

static rekall_status embed(GIVEN)
{
    float out[TEST_DIMENSIONS];
    UNUSED;
    return rekall_embed(shared, REKALL_EMBED_QUERY, "entry", 5, out, TEST_DIMENSIONS, NULL, error);
}

static rekall_status model_load(GIVEN)
{
    UNUSED;
    return rekall_model_load(shared, error);
}

static rekall_status model_unload(GIVEN)
{
    uint32_t out = 0;
    UNUSED;
    return rekall_model_unload(shared, &out, error);
}

static rekall_status model_state(GIVEN)
{
    uint32_t out = 0;
    UNUSED;
    return rekall_model_state(shared, &out, error);
}

static rekall_status model_touch(GIVEN)
{
    UNUSED;
    return rekall_model_touch(shared, error);
}

static rekall_status unload_if_idle(GIVEN)
{
    uint64_t out = 0;
    UNUSED;
    return rekall_unload_if_idle(shared, &out, error);
}

static rekall_status next_deadline_ms(GIVEN)
{
    uint64_t out = 0;
    UNUSED;
    return rekall_next_deadline_ms(shared, &out, error);
}

static rekall_status release_memory(GIVEN)
{
    UNUSED;
    return rekall_release_memory(shared, error);
}

static rekall_status embed_pending(GIVEN)
{
    UNUSED;
    return rekall_embed_pending(shared, NULL, NULL, error);
}

static rekall_status reembed(GIVEN)
{
    rekall_reembed_options options = REKALL_REEMBED_OPTIONS_INIT;
    rekall_embedder same = letters(NULL);
    UNUSED;
    options.embedder = &same;
    return rekall_reembed(shared, &options, NULL, NULL, error);
}

static rekall_status export_jsonl(GIVEN)
{
    char name[1024];
    return rekall_export_jsonl(shared, fresh(name, thread, round, ".jsonl"), NULL, NULL, error);
}

static rekall_status take(void *user_data, const char *bytes, size_t len)
{
    (void)bytes;
    *(size_t *)user_data += len;
    return REKALL_OK;
}

static rekall_status export_jsonl_to(GIVEN)
{
    size_t taken = 0;
    UNUSED;
    return rekall_export_jsonl_to(shared, take, &taken, NULL, NULL, error);
}

static rekall_status import_jsonl(GIVEN)
{
    char name[1024];
    sprintf(name, "%.900s/all.jsonl", place);
    UNUSED;
    return rekall_import_jsonl(shared, name, REKALL_DUPLICATE_SKIP, NULL, NULL, error);
}

static rekall_status give_nothing(void *user_data, char *buffer, size_t capacity, size_t *out_len)
{
    (void)user_data, (void)buffer, (void)capacity;
    *out_len = 0;
    return REKALL_OK;
}

static rekall_status import_jsonl_from(GIVEN)
{
    UNUSED;
    return rekall_import_jsonl_from(shared, give_nothing, NULL, REKALL_DUPLICATE_SKIP, NULL, NULL, error);
}

static rekall_status import_legacy(GIVEN)
{
    UNUSED;
    return rekall_import_legacy(shared, "/nonexistent/x", 0, NULL, NULL, error);
}

static rekall_status check(GIVEN)
{
    rekall_report *out = NULL;
    rekall_status status = rekall_check(shared, NULL, &out, error);
    UNUSED;
    rekall_report_free(out);
    return status;
}

static rekall_status repair(GIVEN)
{
    UNUSED;
    return rekall_repair(shared, NULL, NULL, error);
}

static rekall_status backup(GIVEN)
{
    char name[1024];
    return rekall_backup(shared, fresh(name, thread, round, "-backup.db"), NULL, error);
}

static rekall_status compact(GIVEN)
{
    UNUSED;
    return rekall_compact(shared, NULL, NULL, error);
}

static rekall_status rebuild_index(GIVEN)
{
    UNUSED;
    return rekall_rebuild_index(shared, NULL, error);
}

static rekall_status clear_cache(GIVEN)
{
    UNUSED;
    return rekall_clear_cache(shared, error);
}

static rekall_status audit_index(GIVEN)
{
    rekall_index_audit out = REKALL_INDEX_AUDIT_INIT;
    UNUSED;
    return rekall_audit_index(shared, 2, 2, NULL, &out, error);
}

static rekall_status get_stats(GIVEN)
{
    rekall_stats out = REKALL_STATS_INIT;
    UNUSED;
    return rekall_get_stats(shared, &out, error);
}

static rekall_status model_name(GIVEN)
{
    char buffer[200];
    UNUSED;
    return rekall_model_name(shared, buffer, sizeof buffer, NULL, error);
}

static rekall_status fingerprint(GIVEN)
{
    char buffer[400];
    UNUSED;
    return rekall_fingerprint(shared, buffer, sizeof buffer, NULL, error);
}

static rekall_status index_backend(GIVEN)
{
    char buffer[200];
    UNUSED;
    return rekall_index_backend(shared, buffer, sizeof buffer, NULL, error);
}

/* One line a function; a test holds the names against the header. expected: besides REKALL_OK, and REKALL_INTERRUPTED and
 * REKALL_BUSY, which the other threads may cause. */
static const struct {
    const char *name;
    rekall_status (*call)(GIVEN);
    rekall_status expected;
} functions[] = {
    {"rekall_path", path, REKALL_OK},
    {"rekall_interrupt", interrupt, REKALL_OK},
    {"rekall_remember", remember_one, REKALL_OK},
    {"rekall_remember_many", remember_many, REKALL_OK},
    {"rekall_get", get, REKALL_OK},
    {"rekall_update", update, REKALL_OK},
    {"rekall_update_with_vector", update_with_vector, REKALL_OK},
    {"rekall_forget", forget, REKALL_NOT_FOUND},
    {"rekall_supersede_entry", supersede_entry, REKALL_OK},
    {"rekall_link", link_two, REKALL_OK},
    {"rekall_unlink", unlink_two, REKALL_OK},
    {"rekall_links_of", links_of, REKALL_OK},
    {"rekall_neighbors_of", neighbors_of, REKALL_OK},
    {"rekall_list", list, REKALL_OK},
    {"rekall_get_many", get_many, REKALL_OK},
    {"rekall_new_id", new_id, REKALL_OK},
    {"rekall_apply", apply, REKALL_OK},
    {"rekall_remember_json", remember_json, REKALL_OK},
    {"rekall_facets_of", facets_of, REKALL_OK},
    {"rekall_embed_texts", embed_texts, REKALL_OK},
    {"rekall_changes_since", changes_since, REKALL_OK},
    {"rekall_change_position", change_position, REKALL_OK},
    {"rekall_count", count, REKALL_OK},
    {"rekall_data_version", data_version, REKALL_OK},
    {"rekall_recall", recall, REKALL_OK},
    {"rekall_recall_vector", recall_vector, REKALL_OK},
    {"rekall_recall_batch", recall_batch, REKALL_OK},
    {"rekall_similar", similar, REKALL_OK},
    {"rekall_dimensions", dimensions, REKALL_OK},
    {"rekall_embed", embed, REKALL_OK},
    {"rekall_model_load", model_load, REKALL_OK},
    {"rekall_model_unload", model_unload, REKALL_OK},
    {"rekall_model_state", model_state, REKALL_OK},
    {"rekall_model_touch", model_touch, REKALL_OK},
    {"rekall_unload_if_idle", unload_if_idle, REKALL_OK},
    {"rekall_next_deadline_ms", next_deadline_ms, REKALL_OK},
    {"rekall_release_memory", release_memory, REKALL_OK},
    {"rekall_embed_pending", embed_pending, REKALL_OK},
    {"rekall_reembed", reembed, REKALL_OK},
    {"rekall_export_jsonl", export_jsonl, REKALL_OK},
    {"rekall_export_jsonl_to", export_jsonl_to, REKALL_OK},
    {"rekall_import_jsonl", import_jsonl, REKALL_OK},
    {"rekall_import_jsonl_from", import_jsonl_from, REKALL_INVALID_INPUT},
    {"rekall_import_legacy", import_legacy, REKALL_NOT_FOUND},
    {"rekall_check", check, REKALL_OK},
    {"rekall_repair", repair, REKALL_OK},
    {"rekall_backup", backup, REKALL_OK},
    {"rekall_compact", compact, REKALL_OK},
    {"rekall_rebuild_index", rebuild_index, REKALL_OK},
    {"rekall_clear_cache", clear_cache, REKALL_OK},
    {"rekall_audit_index", audit_index, REKALL_OK},
    {"rekall_get_stats", get_stats, REKALL_OK},
    {"rekall_model_name", model_name, REKALL_OK},
    {"rekall_fingerprint", fingerprint, REKALL_OK},
    {"rekall_index_backend", index_backend, REKALL_OK},
};

enum { FUNCTIONS = sizeof functions / sizeof *functions };

static void *all_functions(void *argument)
{
    int round, me = *(int *)argument;
    size_t i;
    for (round = 0; round < ROUNDS; round++) {
        for (i = 0; i < FUNCTIONS; i++) {
            /* Each thread at another place of the table, and the other way round every second time. */
            size_t step = round % 2 == 0 ? i : FUNCTIONS - 1 - i;
            size_t at = (step + (size_t)me * FUNCTIONS / THREADS) % FUNCTIONS;
            rekall_error *error = NULL;
            rekall_status status = functions[at].call(me, round, &error);
            if (status != REKALL_OK && status != functions[at].expected && status != REKALL_INTERRUPTED &&
                status != REKALL_BUSY) {
                fprintf(stderr, "%s: %s: %s\n", functions[at].name, rekall_status_name(status),
                        rekall_error_message(error));
                exit(1);
            }
            CHECK((status == REKALL_OK) == (error == NULL));
            rekall_error_free(error);
        }
    }
    return NULL;
}

static void every_function_from_eight_threads(const char *folder)
{
    rekall_embedder embedder = letters(NULL);
    pthread_t threads[THREADS];
    int numbers[THREADS], i;
    char name[1024];
    rekall_report *report = NULL;

    place = folder;
    shared = open_at(folder, "every.db", &embedder);
    first = remember(shared, "the first entry");
    second = remember(shared, "the second entry");
    third = remember(shared, "the third entry");
    sprintf(name, "%.900s/all.jsonl", folder);
    OK(rekall_export_jsonl(shared, name, NULL, NULL, &error));
    for (i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&threads[i], NULL, all_functions, &numbers[i]) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    /* All of it left a sound file. */
    OK(rekall_check(shared, NULL, &report, &error));
    CHECK(rekall_report_number(report, "found") == 0 && rekall_report_number(report, "entries") > 2);
    rekall_report_free(report);
    rekall_close(shared);
}

/* A listener that is told on the library's own thread that the idle model was let go. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t caller;
static int unloaded_elsewhere, destroyed;

static void on_event(void *user_data, const rekall_event *event)
{
    (void)user_data;
    if (event->kind == REKALL_EVENT_MODEL_UNLOADED && !pthread_equal(pthread_self(), caller)) {
        pthread_mutex_lock(&lock);
        unloaded_elsewhere = 1;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    }
}

static void on_end(void *user_data)
{
    (void)user_data;
    destroyed++;
}

static void callbacks_from_other_threads(const char *folder, const char *repository)
{
    rekall_listener listener = REKALL_LISTENER_INIT;
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_db *db = NULL;
    char model[1100];

    caller = pthread_self();
    sprintf(model, "path:%.900s/rekall-model/tests/fixtures/static-f32", repository);
    listener.event = on_event;
    listener.destroy = on_end;
    options.listener = &listener;
    options.model = model;
    options.flags = REKALL_OPEN_UNLOAD_THREAD;
    options.model_idle_timeout_ms = 1;
    OK(rekall_open(in(folder, "listened.db"), &options, &db, &error));
    OK(rekall_model_load(db, &error));
    pthread_mutex_lock(&lock);
    while (!unloaded_elsewhere) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    rekall_close(db);
    CHECK(destroyed == 1);
}

/* How the process treats each signal; those that cannot be asked stay zero. */
static void read_handlers(struct sigaction *handlers, int count)
{
    int number;
    memset(handlers, 0, sizeof *handlers * (size_t)count);
    for (number = 1; number < count; number++) {
        sigaction(number, NULL, &handlers[number]);
    }
}

static void the_process_is_left_alone(const char *folder, const char *repository)
{
    enum { SIGNALS = 65 };
    static struct sigaction before[SIGNALS], after[SIGNALS];
    char locale[200];
    int number;

    /* A locale of the user's, which a library that reads or resets it would be caught with. */
    setlocale(LC_ALL, "");
    sprintf(locale, "%.190s", setlocale(LC_ALL, NULL));
    read_handlers(before, SIGNALS);
    every_function_from_eight_threads(folder);
    callbacks_from_other_threads(folder, repository);
    read_handlers(after, SIGNALS);
    for (number = 1; number < SIGNALS; number++) {
        CHECK(before[number].sa_handler == after[number].sa_handler);
        CHECK(before[number].sa_flags == after[number].sa_flags);
    }
    CHECK(strcmp(locale, setlocale(LC_ALL, NULL)) == 0);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    the_process_is_left_alone(argv[1], argv[2]);
    puts("ok");
    return 0;
}
