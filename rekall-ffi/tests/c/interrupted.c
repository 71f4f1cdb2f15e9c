/* An interrupt that comes while a call still reads what it was given is not lost. What it was given lies on a page that
 * nobody may touch; whoever does interrupts the handle, and finds it open. C99 with POSIX. Arguments: a folder, the
 * repository. */
#define _DEFAULT_SOURCE
#include "support.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static rekall_db *db;
static rekall_id id;
static const char *folder;
static char *page;
static size_t page_size;
static volatile sig_atomic_t touched;

static void on_touch(int number, siginfo_t *info, void *context)
{
    const char *at = info->si_addr;
    (void)context;
    if (touched || at < page || at >= page + page_size) {
        signal(number, SIG_DFL);
        return;
    }
    touched = 1;
    mprotect(page, page_size, PROT_READ | PROT_WRITE);
    rekall_interrupt(db);
}

/* These bytes, from the beginning of the page on, or with their end at its end. */
static void *guarded(const void *bytes, size_t len)
{
    CHECK(len <= page_size);
    CHECK(mprotect(page, page_size, PROT_READ | PROT_WRITE) == 0);
    memset(page, 0, page_size);
    memcpy(page, bytes, len);
    touched = 0;
    CHECK(mprotect(page, page_size, PROT_NONE) == 0);
    return page;
}

static rekall_status remember_one(rekall_error **error)
{
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    entry.title = rekall_text("interrupted");
    return rekall_remember(db, guarded(&entry, sizeof entry), NULL, NULL, error);
}

/* The first of two lies before the page. */
static rekall_status remember_many(rekall_error **error)
{
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    rekall_new_entry *second;
    entry.title = rekall_text("interrupted");
    second = guarded(&entry, sizeof entry);
    second[-1] = entry;
    return rekall_remember_many(db, second - 1, 2, NULL, NULL, error);
}

static rekall_status remember_tags(rekall_error **error)
{
    rekall_str tags[2];
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    entry.title = rekall_text("interrupted");
    tags[0] = tags[1] = rekall_text("tag");
    entry.tags = guarded(tags, sizeof tags);
    entry.tags_count = 2;
    return rekall_remember(db, &entry, NULL, NULL, error);
}

static rekall_status remember_context(rekall_error **error)
{
    rekall_context context = REKALL_CONTEXT_INIT;
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    entry.title = rekall_text("interrupted");
    entry.context = guarded(&context, sizeof context);
    return rekall_remember(db, &entry, NULL, NULL, error);
}

/* Where the ids go is written before anything else. */
static rekall_status remember_ids(rekall_error **error)
{
    rekall_id ids[1] = {{{0}}};
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    entry.title = rekall_text("interrupted");
    return rekall_remember_many(db, &entry, 1, NULL, guarded(ids, sizeof ids), error);
}

static rekall_status update(rekall_error **error)
{
    rekall_patch patch = REKALL_PATCH_INIT;
    patch.title = rekall_text("interrupted");
    return rekall_update(db, id.text, guarded(&patch, sizeof patch), NULL, error);
}

static rekall_status update_with_vector(rekall_error **error)
{
    float vector[TEST_DIMENSIONS] = {1};
    rekall_patch patch = REKALL_PATCH_INIT;
    patch.title = rekall_text("interrupted");
    return rekall_update_with_vector(db, id.text, guarded(&patch, sizeof patch), vector, TEST_DIMENSIONS, NULL, error);
}

static rekall_status list(rekall_error **error)
{
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_page *out = NULL;
    rekall_status status = rekall_list(db, guarded(&filter, sizeof filter), NULL, 5, &out, error);
    rekall_page_free(out);
    return status;
}

static rekall_status get_many(rekall_error **error)
{
    rekall_str ids[2];
    rekall_page *out = NULL;
    rekall_status status;
    ids[0] = ids[1] = rekall_text(id.text);
    status = rekall_get_many(db, guarded(ids, sizeof ids), 2, &out, error);
    rekall_page_free(out);
    return status;
}

static rekall_status count(rekall_error **error)
{
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_str kinds[2];
    uint64_t out;
    kinds[0] = kinds[1] = rekall_text("note");
    filter.kinds = guarded(kinds, sizeof kinds);
    filter.kinds_count = 2;
    return rekall_count(db, &filter, &out, error);
}

static rekall_status recall_with(const char *query, const rekall_recall_options *options, rekall_error **error)
{
    rekall_hits *out = NULL;
    rekall_status status = rekall_recall(db, query, 4, options, &out, error);
    CHECK((status == REKALL_OK) == (out != NULL));
    rekall_hits_free(out);
    return status;
}

static rekall_status recall_options(rekall_error **error)
{
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    return recall_with("word", guarded(&options, sizeof options), error);
}

static rekall_status recall_query(rekall_error **error)
{
    return recall_with(guarded("word", 5), NULL, error);
}

static rekall_status recall_filter(rekall_error **error)
{
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    options.filter = guarded(&filter, sizeof filter);
    return recall_with("word", &options, error);
}

static rekall_status recall_ids(rekall_error **error)
{
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_str ids[2];
    ids[0] = ids[1] = rekall_text(id.text);
    filter.ids = guarded(ids, sizeof ids);
    filter.ids_count = 2;
    options.filter = &filter;
    return recall_with("word", &options, error);
}

static rekall_status recall_metadata(rekall_error **error)
{
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_metadata_condition conditions[2] = {{{"a", 1}, {"1", 1}, 0, 0}, {{"b", 1}, {"1", 1}, 0, 0}};
    filter.metadata = guarded(conditions, sizeof conditions);
    filter.metadata_count = 2;
    options.filter = &filter;
    return recall_with("word", &options, error);
}

static rekall_status recall_vector(rekall_error **error)
{
    float vector[TEST_DIMENSIONS] = {1};
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_hits *out = NULL;
    rekall_status status =
        rekall_recall_vector(db, vector, TEST_DIMENSIONS, guarded(&options, sizeof options), &out, error);
    rekall_hits_free(out);
    return status;
}

static rekall_status recall_batch(rekall_error **error)
{
    rekall_query queries[2] = {{{"word", 4}, NULL, 0}, {{"word", 4}, NULL, 0}};
    rekall_hits *outs[2] = {NULL, NULL};
    rekall_status status = rekall_recall_batch(db, guarded(queries, sizeof queries), 2, NULL, outs, error);
    rekall_hits_free(outs[0]);
    rekall_hits_free(outs[1]);
    return status;
}

static rekall_status recall_outs(rekall_error **error)
{
    rekall_query query = {{"word", 4}, NULL, 0};
    rekall_hits *outs[1] = {NULL};
    rekall_status status = rekall_recall_batch(db, &query, 1, NULL, guarded(outs, sizeof outs), error);
    return status;
}

static rekall_status similar(rekall_error **error)
{
    rekall_similar_options options = REKALL_SIMILAR_OPTIONS_INIT;
    rekall_hits *out = NULL;
    rekall_status status = rekall_similar(db, id.text, guarded(&options, sizeof options), &out, error);
    rekall_hits_free(out);
    return status;
}

static rekall_status embed(rekall_error **error)
{
    float vector[TEST_DIMENSIONS];
    return rekall_embed(db, REKALL_EMBED_QUERY, guarded("word", 5), 4, vector, TEST_DIMENSIONS, NULL, error);
}

static const rekall_watch *watch(void)
{
    rekall_watch watch = REKALL_WATCH_INIT;
    return guarded(&watch, sizeof watch);
}

static rekall_status check(rekall_error **error)
{
    rekall_report *out = NULL;
    rekall_status status = rekall_check(db, watch(), &out, error);
    rekall_report_free(out);
    return status;
}

static rekall_status repair(rekall_error **error)
{
    return rekall_repair(db, watch(), NULL, error);
}

static rekall_status compact(rekall_error **error)
{
    return rekall_compact(db, watch(), NULL, error);
}

static rekall_status rebuild(rekall_error **error)
{
    return rekall_rebuild_index(db, watch(), error);
}

static rekall_status backup(rekall_error **error)
{
    return rekall_backup(db, in(folder, "backup.db"), watch(), error);
}

static rekall_status export_file(rekall_error **error)
{
    return rekall_export_jsonl(db, in(folder, "export.jsonl"), REKALL_EXPORT_ALL, watch(), NULL, error);
}

static rekall_status import_file(rekall_error **error)
{
    return rekall_import_jsonl(db, in(folder, "all.jsonl"), REKALL_DUPLICATE_SKIP, watch(), NULL, error);
}

static rekall_status pending(rekall_error **error)
{
    return rekall_embed_pending(db, watch(), NULL, error);
}

static rekall_status self_test(rekall_error **error)
{
    rekall_index_audit out = REKALL_INDEX_AUDIT_INIT;
    return rekall_audit_index(db, 1, 1, watch(), &out, error);
}

static rekall_status reembed_with(const rekall_reembed_options *options, rekall_error **error)
{
    return rekall_reembed(db, options, NULL, NULL, error);
}

static rekall_status reembed_options(rekall_error **error)
{
    rekall_embedder embedder = letters(NULL);
    rekall_reembed_options options = REKALL_REEMBED_OPTIONS_INIT;
    options.embedder = &embedder;
    return reembed_with(guarded(&options, sizeof options), error);
}

static rekall_status reembed_name(rekall_error **error)
{
    rekall_embedder embedder = letters(NULL);
    rekall_reembed_options options = REKALL_REEMBED_OPTIONS_INIT;
    embedder.name = guarded("letters", 8);
    options.embedder = &embedder;
    return reembed_with(&options, error);
}

static const struct {
    const char *name;
    rekall_status (*call)(rekall_error **error);
} calls[] = {
    {"remember", remember_one},
    {"remember_many", remember_many},
    {"tags", remember_tags},
    {"context", remember_context},
    {"out_ids", remember_ids},
    {"update", update},
    {"update_with_vector", update_with_vector},
    {"list", list},
    {"get_many", get_many},
    {"count", count},
    {"recall: options", recall_options},
    {"recall: query", recall_query},
    {"recall: filter", recall_filter},
    {"recall: ids", recall_ids},
    {"recall: metadata", recall_metadata},
    {"recall_vector", recall_vector},
    {"recall_batch: queries", recall_batch},
    {"recall_batch: outs", recall_outs},
    {"similar", similar},
    {"embed", embed},
    {"check", check},
    {"repair", repair},
    {"compact", compact},
    {"rebuild_index", rebuild},
    {"backup", backup},
    {"export_jsonl", export_file},
    {"import_jsonl", import_file},
    {"embed_pending", pending},
    {"audit_index", self_test},
    {"reembed: options", reembed_options},
    {"reembed: name", reembed_name},
};

int main(int argc, char **argv)
{
    rekall_embedder embedder = letters(NULL);
    struct sigaction action;
    rekall_entry *entry = NULL;
    uint64_t entries = 0;
    size_t at, lost = 0;

    CHECK(argc == 3);
    folder = argv[1];
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    page = mmap(NULL, 2 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    page += page_size;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_touch;
    action.sa_flags = SA_SIGINFO;
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0 && sigaction(SIGBUS, &action, NULL) == 0);

    db = open_at(folder, "interrupted.db", &embedder);
    id = remember(db, "a word");
    OK(rekall_export_jsonl(db, in(folder, "all.jsonl"), REKALL_EXPORT_ALL, NULL, NULL, &error));
    for (at = 0; at < sizeof calls / sizeof *calls; at++) {
        rekall_error *error = NULL;
        rekall_status status = calls[at].call(&error);
        CHECK(touched);
        if (status != REKALL_INTERRUPTED) {
            fprintf(stderr, "%s: %s: %s\n", calls[at].name, rekall_status_name(status), rekall_error_message(error));
            lost++;
        }
        rekall_error_free(error);
    }
    CHECK(lost == 0);

    /* Nothing was done, and the next calls are not touched. */
    OK(rekall_count(db, NULL, &entries, &error));
    CHECK(entries == 1);
    OK(rekall_get(db, id.text, &entry, &error));
    CHECK(strcmp(rekall_entry_title(entry, NULL), "a word") == 0);
    rekall_entry_free(entry);
    rekall_close(db);
    munmap(page - page_size, 2 * page_size);
    puts("ok");
    return 0;
}
