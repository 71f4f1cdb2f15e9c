/* Every function that takes a handle, from eight threads at once; callbacks on other threads than the caller's; and what a
 * library must leave alone: signal handlers and the locale. C11, threads of POSIX. Arguments: a folder, the repository. */
#define _POSIX_C_SOURCE 200809L
#include "every_function_entries.h"
#include "every_function_files.h"
#include "every_function_models.h"
#include "every_function_searches.h"

#include <locale.h>
#include <pthread.h>
#include <signal.h>

enum { THREADS = 8, ROUNDS = 3 };

/* One line a function; a test holds the names against the header. expected: besides REKALL_OK, and REKALL_INTERRUPTED and
 * REKALL_BUSY, which the other threads may cause. */
static const struct {
    const char *name;
    rekall_status (*call)(GIVEN);
    rekall_status expected;
} functions[] = {
    {"rekall_path", path, REKALL_OK},
    {"rekall_interrupt", interrupt, REKALL_OK},
    {"rekall_open_scope", open_scope, REKALL_NOT_FOUND},
    {"rekall_scope_name", scope_name, REKALL_OK},
    {"rekall_list_scopes", list_scopes, REKALL_OK},
    {"rekall_remove_scope", remove_scope, REKALL_NOT_FOUND},
    {"rekall_remember", remember_one, REKALL_OK},
    {"rekall_remember_many", remember_many, REKALL_OK},
    {"rekall_get", get, REKALL_OK},
    {"rekall_update", update, REKALL_OK},
    {"rekall_update_with_vector", update_with_vector, REKALL_OK},
    {"rekall_forget", forget, REKALL_NOT_FOUND},
    {"rekall_forget_many", forget_many, REKALL_OK},
    {"rekall_forget_matching", forget_matching, REKALL_OK},
    {"rekall_forget_all", forget_all, REKALL_OK},
    {"rekall_forget_expired", forget_expired, REKALL_OK},
    {"rekall_record_use", record_use, REKALL_OK},
    {"rekall_flush_usage", flush_usage, REKALL_OK},
    {"rekall_usage_of", usage_of, REKALL_OK},
    {"rekall_upsert", upsert, REKALL_OK},
    {"rekall_supersede_entry", supersede_entry, REKALL_OK},
    {"rekall_link", link_two, REKALL_OK},
    {"rekall_unlink", unlink_two, REKALL_OK},
    {"rekall_links_of", links_of, REKALL_OK},
    {"rekall_neighbors_of", neighbors_of, REKALL_OK},
    {"rekall_list", list, REKALL_OK},
    {"rekall_list_newest", list_newest, REKALL_OK},
    {"rekall_list_spaces", list_spaces, REKALL_OK},
    {"rekall_stored_vector", stored_vector, REKALL_OK},
    {"rekall_get_many", get_many, REKALL_OK},
    {"rekall_new_id", new_id, REKALL_OK},
    {"rekall_apply", apply, REKALL_OK},
    {"rekall_remember_json", remember_json, REKALL_OK},
    {"rekall_sync_sources", sync_sources, REKALL_OK},
    {"rekall_sources", sources, REKALL_OK},
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
    {"rekall_similarity_rank", similarity_rank, REKALL_OK},
    {"rekall_near_duplicates", near_duplicates, REKALL_OK},
    {"rekall_remember_with_duplicates", remember_with_duplicates, REKALL_OK},
    {"rekall_find_duplicates", find_duplicates, REKALL_OK},
    {"rekall_dimensions", dimensions, REKALL_OK},
    {"rekall_embed", embed, REKALL_OK},
    {"rekall_model_load", model_load, REKALL_OK},
    {"rekall_model_unload", model_unload, REKALL_OK},
    {"rekall_model_state", model_state, REKALL_OK},
    {"rekall_model_touch", model_touch, REKALL_OK},
    {"rekall_reranker_load", reranker_load, REKALL_INVALID_INPUT},
    {"rekall_reranker_unload", reranker_unload, REKALL_OK},
    {"rekall_reranker_state", reranker_state, REKALL_OK},
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
    {"rekall_pending_reason", pending_reason, REKALL_OK},
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
    OK(rekall_export_jsonl(shared, name, REKALL_EXPORT_ALL, NULL, NULL, &error));
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
