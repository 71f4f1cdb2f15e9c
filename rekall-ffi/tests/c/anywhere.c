/* The same program on a file and on a server: remember, recall, change, forget, a second handle, scopes; what only a
 * file can do. C90. Arguments: a folder, the repository. REKALL_TEST_PLACE: a URL, instead of a file in the folder. */
#include "support.h"

static const char *place;
static int is_url;

static rekall_db *open_place(void)
{
    rekall_db *db = NULL;
    rekall_embedder embedder = letters(NULL);
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    options.embedder = &embedder;
    OK(rekall_open(place, &options, &db, &error));
    CHECK(db != NULL);
    return db;
}

/* The title found first, and how many there are. */
static void finds(rekall_db *db, uint32_t mode, const char *query, const char *title, size_t count)
{
    rekall_hits *hits = NULL;
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    options.mode = mode;
    OK(rekall_recall(db, query, REKALL_NTS, &options, &hits, &error));
    CHECK(rekall_hits_count(hits) == count);
    CHECK(count == 0 || strcmp(rekall_entry_title(rekall_hits_entry(hits, 0), NULL), title) == 0);
    CHECK(rekall_hits_degraded_count(hits) == 0);
    rekall_hits_free(hits);
}

static void settings_of_a_file(void)
{
    rekall_db *db = NULL;
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    if (is_url) {
        options.flags = REKALL_OPEN_NO_MODEL | REKALL_OPEN_SECURE_DELETE;
        FAILS(REKALL_UNSUPPORTED, rekall_open(place, &options, &db, &error));
        options.flags = REKALL_OPEN_NO_MODEL | REKALL_OPEN_MIGRATE;
        FAILS(REKALL_UNSUPPORTED, rekall_open(place, &options, &db, &error));
        options.flags = REKALL_OPEN_NO_MODEL;
        options.vector_backend = "sqlite-vec";
        FAILS(REKALL_UNSUPPORTED, rekall_open(place, &options, &db, &error));
    } else {
        options.flags = REKALL_OPEN_NO_MODEL;
        options.vector_backend = "pgvector";
        FAILS(REKALL_UNSUPPORTED, rekall_open(place, &options, &db, &error));
        options.vector_backend = "pgvector-hnsw";
        FAILS(REKALL_UNSUPPORTED, rekall_open(place, &options, &db, &error));
    }
    options.vector_backend = NULL;
    options.flags = REKALL_OPEN_NO_MODEL | REKALL_OPEN_EXISTING;
    FAILS(REKALL_NOT_FOUND, rekall_open(place, &options, &db, &error));
    CHECK(db == NULL);
}

static void calls_on_a_file(rekall_db *db, const char *folder)
{
    rekall_report *report = NULL;
    const char *copy = in(folder, "copy.db");
    if (is_url) {
        FAILS(REKALL_UNSUPPORTED, rekall_check(db, NULL, &report, &error));
        FAILS(REKALL_UNSUPPORTED, rekall_repair(db, NULL, &report, &error));
        FAILS(REKALL_UNSUPPORTED, rekall_compact(db, NULL, &report, &error));
        FAILS(REKALL_UNSUPPORTED, rekall_backup(db, copy, NULL, &error));
        CHECK(report == NULL);
    } else {
        OK(rekall_check(db, NULL, &report, &error));
        CHECK(rekall_report_number(report, "found") == 0);
        rekall_report_free(report);
        OK(rekall_backup(db, copy, NULL, &error));
    }
}

static void names(rekall_db *db, const char *first, size_t count)
{
    rekall_report *report = NULL;
    OK(rekall_list_scopes(db, &report, &error));
    CHECK(rekall_report_number(report, "scopes") == count && rekall_report_line_count(report) == count);
    CHECK(count == 0 || strcmp(rekall_report_line(report, 0, NULL), first) == 0);
    rekall_report_free(report);
}

/* Memories beside the one without a name, whose handle is closed first. */
static void scopes(void)
{
    rekall_db *db = open_place(), *ann = NULL, *bob = NULL, *out = NULL;
    rekall_report *report = NULL;
    rekall_entry *entry = NULL;
    uint64_t entries = 0;
    rekall_id note;

    names(db, NULL, 0);
    FAILS(REKALL_INVALID_INPUT, rekall_open_scope(db, " ", &ann, &error));
    FAILS(REKALL_MISUSE, rekall_open_scope(db, NULL, &ann, &error));
    FAILS(REKALL_NOT_FOUND, rekall_remove_scope(db, "ann", &entries, &error));
    OK(rekall_open_scope(db, "bob", &bob, &error));
    OK(rekall_open_scope(db, "ann", &ann, &error));
    CHECK(strcmp(rekall_scope_name(ann), "ann") == 0 && rekall_scope_name(db) == NULL);
    CHECK(rekall_scope_name(NULL) == NULL);
    CHECK(strcmp(rekall_path(ann), rekall_path(db)) == 0);
    names(db, "ann", 2);

    note = remember(ann, "aaaa ggg");
    remember(bob, "aaaa hhh");
    finds(ann, REKALL_MODE_SEMANTIC, "aaaa", "aaaa ggg", 1);
    finds(bob, REKALL_MODE_HYBRID, "aaaa", "aaaa hhh", 1);
    finds(bob, REKALL_MODE_TEXT, "ggg", "", 0);
    finds(db, REKALL_MODE_TEXT, "aaaa", "", 0);
    FAILS(REKALL_NOT_FOUND, rekall_get(bob, note.text, &entry, &error));
    FAILS(REKALL_NOT_FOUND, rekall_forget(db, note.text, &error));

    FAILS(REKALL_UNSUPPORTED, rekall_open_scope(ann, "bob", &out, &error));
    FAILS(REKALL_UNSUPPORTED, rekall_list_scopes(ann, &report, &error));
    FAILS(REKALL_UNSUPPORTED, rekall_remove_scope(ann, "bob", NULL, &error));
    FAILS(REKALL_UNSUPPORTED, rekall_check(ann, NULL, &report, &error));
    CHECK(out == NULL && report == NULL);

    OK(rekall_remove_scope(db, "bob", &entries, &error));
    CHECK(entries == 1);
    FAILS(REKALL_NOT_FOUND, rekall_get(bob, note.text, &entry, &error));
    names(db, "ann", 1);
    rekall_close(db);
    finds(ann, REKALL_MODE_SEMANTIC, "aaaa", "aaaa ggg", 1);
    rekall_close(ann);
    rekall_close(bob);
}

int main(int argc, char **argv)
{
    rekall_db *db, *other;
    rekall_id disk, login;
    rekall_entry *entry = NULL;
    rekall_patch patch = REKALL_PATCH_INIT;
    rekall_stats stats = REKALL_STATS_INIT;
    rekall_page *page = NULL;
    rekall_db *refused = NULL;
    const char *url = getenv("REKALL_TEST_PLACE");

    CHECK(argc == 3);
    is_url = url != NULL;
    place = is_url ? url : in(argv[1], "a.db");
    if (!rekall_has_feature(REKALL_FEATURE_POSTGRES)) {
        CHECK(!is_url);
        FAILS(REKALL_UNSUPPORTED, rekall_open("postgres://ann@db.example/team", NULL, &refused, &error));
        CHECK(refused == NULL);
    }
    settings_of_a_file();

    db = open_place();
    other = open_place();
    CHECK(strcmp(rekall_path(db), rekall_path(other)) == 0);
    CHECK((strstr(rekall_path(db), ", schema ") != NULL) == is_url);
    CHECK(strstr(rekall_path(db), "://") == NULL);

    disk = remember(db, "aaaa bbb");
    login = remember(db, "cccc ddd");
    finds(other, REKALL_MODE_SEMANTIC, "aaaa", "aaaa bbb", 2);
    finds(db, REKALL_MODE_SEMANTIC, "dddd", "cccc ddd", 2);
    finds(other, REKALL_MODE_TEXT, "bbb", "aaaa bbb", 1);
    finds(db, REKALL_MODE_HYBRID, "ddd", "cccc ddd", 2);

    patch.title = rekall_text("eeee fff");
    OK(rekall_update(other, disk.text, &patch, &entry, &error));
    CHECK(strcmp(rekall_entry_title(entry, NULL), "eeee fff") == 0);
    rekall_entry_free(entry);
    finds(db, REKALL_MODE_SEMANTIC, "eeee", "eeee fff", 2);
    finds(db, REKALL_MODE_TEXT, "bbb", "", 0);
    OK(rekall_link(db, disk.text, login.text, "related", NULL, 0, &error));

    OK(rekall_list(other, NULL, NULL, 10, &page, &error));
    CHECK(rekall_page_count(page) == 2);
    rekall_page_free(page);
    OK(rekall_forget(db, login.text, &error));
    FAILS(REKALL_NOT_FOUND, rekall_get(other, login.text, &entry, &error));
    finds(other, REKALL_MODE_SEMANTIC, "cccc", "eeee fff", 1);

    calls_on_a_file(db, argv[1]);
    OK(rekall_get_stats(db, &stats, &error));
    CHECK(stats.entries == 1 && stats.vectors == 1 && stats.links == 0);
    rekall_close(other);
    rekall_close(db);

    db = open_place();
    finds(db, REKALL_MODE_SEMANTIC, "eeee", "eeee fff", 1);
    rekall_close(db);
    scopes();
    puts("ok");
    return 0;
}
