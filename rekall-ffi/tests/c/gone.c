/* What was closed, freed or never was one of the library's: refused, without a look at the memory behind it (so it may run
 * under sanitizers and valgrind). C99. Arguments: a folder, the repository. */
#include "support.h"

/* Calls of all kinds on something that is not an open handle. */
static void is_refused(rekall_db *db)
{
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    rekall_reembed_options reembed = REKALL_REEMBED_OPTIONS_INIT;
    rekall_embedder embedder = letters(NULL);
    rekall_hits *hits = (rekall_hits *)&entry;
    rekall_id ids[2] = {{"x"}, {"x"}};
    uint64_t count = 7;
    rekall_error *error = NULL;

    entry.title = rekall_text("x");
    reembed.embedder = &embedder;
    CHECK(rekall_count(db, NULL, &count, &error) == REKALL_MISUSE && count == 0);
    CHECK(strstr(rekall_error_message(error), "closed") != NULL);
    rekall_error_free(error);
    FAILS(REKALL_MISUSE, rekall_recall(db, "x", 1, NULL, &hits, &error));
    CHECK(hits == NULL);
    FAILS(REKALL_MISUSE, rekall_remember_many(db, &entry, 1, NULL, ids, &error));
    CHECK(ids[0].text[0] == '\0' && ids[1].text[0] == 'x');
    FAILS(REKALL_MISUSE, rekall_reembed(db, &reembed, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_check(db, NULL, (rekall_report **)&hits, &error));
    CHECK(rekall_path(db) == NULL);
    rekall_interrupt(db);
    rekall_close(db);
}

static void handles(const char *folder)
{
    rekall_db *first = open_at(folder, "gone.db", NULL), *second;
    char memory[512] = {0};
    uint64_t count = 0;

    rekall_close(first);
    is_refused(first);
    is_refused((rekall_db *)(void *)memory);
    is_refused((rekall_db *)(void *)(memory + 1));
    is_refused((rekall_db *)(uintptr_t)1);
    /* Others are not touched. */
    second = open_at(folder, "gone.db", NULL);
    is_refused((rekall_db *)(void *)memory);
    OK(rekall_count(second, NULL, &count, &error));
    rekall_close(second);
    rekall_close(second);
}

static void objects(const char *folder)
{
    rekall_embedder embedder = letters(NULL);
    rekall_db *db = open_at(folder, "objects.db", &embedder);
    rekall_id id = remember(db, "a word"), other = remember(db, "another");
    rekall_hits *hits = NULL;
    rekall_page *page = NULL;
    rekall_entry *entry = NULL;
    rekall_links *links = NULL;
    rekall_neighbors *near = NULL;
    rekall_changes *changes = NULL;
    rekall_report *report = NULL;
    rekall_error *error = NULL;
    rekall_watch watch = REKALL_WATCH_INIT;
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;

    /* Each of them once and for all; what belongs to another not at all. */
    OK(rekall_recall(db, "word", 4, NULL, &hits, &error));
    rekall_entry_free((rekall_entry *)(uintptr_t)rekall_hits_entry(hits, 0));
    CHECK(strcmp(rekall_entry_title(rekall_hits_entry(hits, 0), NULL), "a word") == 0);
    rekall_hits_free(hits);
    rekall_hits_free(hits);
    OK(rekall_list(db, NULL, NULL, 10, &page, &error));
    rekall_entry_free((rekall_entry *)(uintptr_t)rekall_page_entry(page, 1));
    CHECK(strcmp(rekall_entry_title(rekall_page_entry(page, 1), NULL), "another") == 0);
    rekall_page_free(page);
    rekall_page_free(page);
    OK(rekall_get(db, id.text, &entry, &error));
    rekall_hits_free((rekall_hits *)(void *)entry);
    CHECK(strcmp(rekall_entry_title(entry, NULL), "a word") == 0);
    rekall_entry_free(entry);
    rekall_entry_free(entry);
    OK(rekall_link(db, id.text, other.text, "related", NULL, 0, &error));
    OK(rekall_links_of(db, id.text, &links, &error));
    OK(rekall_neighbors_of(db, id.text, 1, &near, &error));
    OK(rekall_check(db, NULL, &report, &error));
    OK(rekall_changes_since(db, NULL, &changes, &error));
    rekall_changes_free(changes);
    rekall_changes_free(changes);
    rekall_links_free(links);
    rekall_links_free(links);
    rekall_neighbors_free(near);
    rekall_neighbors_free(near);
    rekall_report_free(report);
    rekall_report_free(report);
    CHECK(rekall_get(db, "nonsense", &entry, &error) == REKALL_INVALID_INPUT);
    rekall_error_free(error);
    rekall_error_free(error);

    /* Tokens. */
    watch.token = rekall_token_new();
    options.token = watch.token;
    OK(rekall_check(db, &watch, &report, &error));
    rekall_report_free(report);
    rekall_token_free(watch.token);
    rekall_token_free(watch.token);
    rekall_token_cancel(watch.token);
    CHECK(rekall_token_is_cancelled(watch.token) == 0 && rekall_token_child(watch.token) == NULL);
    FAILS(REKALL_MISUSE, rekall_check(db, &watch, &report, &error));
    FAILS(REKALL_MISUSE, rekall_recall(db, "word", 4, &options, &hits, &error));
    FAILS(REKALL_MISUSE, rekall_salvage(in(folder, "objects.db"), in(folder, "x"), &watch, NULL, &error));
    rekall_close(db);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    handles(argv[1]);
    objects(argv[1]);
    puts("ok");
    return 0;
}
