/* The main path: open, remember, recall, read, change, forget, close; links; figures. C90. Arguments: a folder, the
 * repository. */
#include "support.h"

static void rich_entry(rekall_db *db)
{
    rekall_str tags[2], keywords[2];
    rekall_id id, id2;
    rekall_entry *entry = NULL;
    size_t len = 0;
    rekall_context context = REKALL_CONTEXT_INIT;
    rekall_new_entry given = REKALL_NEW_ENTRY_INIT;
    rekall_patch patch = REKALL_PATCH_INIT;

    tags[0] = rekall_text("http");
    tags[1] = rekall_text("safari");
    keywords[0] = rekall_text("preflight");
    keywords[1] = rekall_text("options");
    context.situation = rekall_text("The browser refuses the answer");
    context.trigger_keywords = keywords;
    context.trigger_keywords_count = 2;
    given.title = rekall_text("CORS fails on Safari");
    given.content = rekall_text("The preflight answer lacks a header.");
    given.kind = rekall_text("bug");
    given.project = rekall_text("web");
    given.memory_type = rekall_text("semantic");
    given.tags = tags;
    given.tags_count = 2;
    given.context = &context;
    given.metadata = rekall_text("{\"severity\":3,\"seen\":true}");
    given.flags = REKALL_NEW_ENTRY_CONFIDENCE;
    given.confidence = 0;
    OK(rekall_remember(db, &given, NULL, &id, &error));

    OK(rekall_get(db, id.text, &entry, &error));
    CHECK(strcmp(rekall_entry_id(entry), id.text) == 0);
    CHECK(strcmp(rekall_entry_title(entry, &len), "CORS fails on Safari") == 0 && len == 20);
    CHECK(strcmp(rekall_entry_content(entry, NULL), "The preflight answer lacks a header.") == 0);
    CHECK(strcmp(rekall_entry_kind(entry, NULL), "bug") == 0);
    CHECK(strcmp(rekall_entry_project(entry, NULL), "web") == 0);
    CHECK(strcmp(rekall_entry_memory_type(entry, NULL), "semantic") == 0);
    CHECK(rekall_entry_tag_count(entry) == 2);
    CHECK(strcmp(rekall_entry_tag(entry, 1, &len), "safari") == 0 && len == 6);
    CHECK(rekall_entry_tag(entry, 2, &len) == NULL && len == 0);
    CHECK(rekall_entry_status(entry) == REKALL_ENTRY_ACTIVE);
    CHECK(rekall_entry_confidence(entry) == 0);
    CHECK(rekall_entry_superseded_by(entry) == NULL);
    CHECK(rekall_entry_created_at_ms(entry) > 0 && rekall_entry_updated_at_ms(entry) > 0);
    CHECK(rekall_id_time_ms(id.text) <= rekall_entry_created_at_ms(entry) + 1000);
    CHECK(rekall_id_time_ms(id.text) >= rekall_entry_created_at_ms(entry) - 1000);
    CHECK(rekall_entry_has_context(entry) == 1);
    CHECK(rekall_entry_context_count(entry, REKALL_CONTEXT_SITUATION) == 1);
    CHECK(rekall_entry_context_count(entry, REKALL_CONTEXT_SOLUTION) == 0);
    CHECK(rekall_entry_context_count(entry, REKALL_CONTEXT_TRIGGER_KEYWORDS) == 2);
    CHECK(rekall_entry_context_count(entry, 99) == 0);
    CHECK(strcmp(rekall_entry_context_text(entry, REKALL_CONTEXT_TRIGGER_KEYWORDS, 1, NULL), "options") == 0);
    CHECK(rekall_entry_context_text(entry, REKALL_CONTEXT_FILES, 0, NULL) == NULL);
    CHECK(strstr(rekall_entry_context_text(entry, REKALL_CONTEXT_SITUATION, 0, NULL), "browser") != NULL);
    CHECK(strstr(rekall_entry_metadata(entry, NULL), "\"severity\":3") != NULL);
    CHECK(rekall_entry_legacy(entry, &len) == NULL && len == 0);
    CHECK(strstr(rekall_entry_json(entry, NULL), "\"memory_type\":\"semantic\"") != NULL);
    rekall_entry_free(entry);

    id2 = remember(db, "Its successor");
    patch.title = rekall_text("CORS failed on Safari");
    patch.status = REKALL_ENTRY_OBSOLETE;
    patch.superseded_by = id2.text;
    patch.flags = REKALL_PATCH_REMOVE_PROJECT | REKALL_PATCH_TAGS | REKALL_PATCH_CONFIDENCE | REKALL_PATCH_REMOVE_CONTEXT;
    patch.confidence = 5;
    OK(rekall_update(db, id.text, &patch, &entry, &error));
    CHECK(strcmp(rekall_entry_title(entry, NULL), "CORS failed on Safari") == 0);
    CHECK(rekall_entry_project(entry, NULL) == NULL);
    CHECK(rekall_entry_tag_count(entry) == 0 && rekall_entry_confidence(entry) == 5);
    CHECK(rekall_entry_status(entry) == REKALL_ENTRY_OBSOLETE && rekall_entry_has_context(entry) == 0);
    CHECK(strcmp(rekall_entry_superseded_by(entry), id2.text) == 0);
    CHECK(strcmp(rekall_entry_kind(entry, NULL), "bug") == 0);
    rekall_entry_free(entry);
    OK(rekall_update(db, id.text, &patch, NULL, &error));
    patch.project = rekall_text("x");
    FAILS(REKALL_MISUSE, rekall_update(db, id.text, &patch, &entry, &error));
    CHECK(entry == NULL);

    OK(rekall_forget(db, id.text, &error));
    OK(rekall_forget(db, id2.text, &error));
    FAILS(REKALL_NOT_FOUND, rekall_forget(db, id.text, &error));
    FAILS(REKALL_NOT_FOUND, rekall_get(db, id.text, &entry, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_get(db, "nonsense", &entry, &error));
}

/* Page by page through the entries of one project. */
static void listing(rekall_db *db)
{
    rekall_page *page = NULL;
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    rekall_str project;
    rekall_id ids[5], last;
    uint64_t count = 0;
    size_t i, seen = 0;

    project = rekall_text("pages");
    entry.title = rekall_text("a page");
    entry.project = project;
    for (i = 0; i < 5; i++) {
        OK(rekall_remember(db, &entry, NULL, &ids[i], &error));
    }
    filter.projects = &project;
    filter.projects_count = 1;
    OK(rekall_count(db, &filter, &count, &error));
    CHECK(count == 5);
    OK(rekall_count(db, NULL, &count, &error));
    CHECK(count >= 5);
    OK(rekall_list(db, &filter, NULL, 2, &page, &error));
    while (rekall_page_count(page) > 0) {
        for (i = 0; i < rekall_page_count(page); i++, seen++) {
            CHECK(strcmp(rekall_entry_id(rekall_page_entry(page, i)), ids[seen].text) == 0);
        }
        CHECK(rekall_page_entry(page, i) == NULL);
        last = ids[seen - 1];
        rekall_page_free(page);
        OK(rekall_list(db, &filter, last.text, 2, &page, &error));
    }
    CHECK(seen == 5);
    rekall_page_free(page);
    for (i = 0; i < 5; i++) {
        OK(rekall_forget(db, ids[i].text, &error));
    }
}

static void linking(rekall_db *db)
{
    rekall_links *links = NULL;
    rekall_neighbors *near = NULL;
    int32_t removed = 7;
    rekall_id a = remember(db, "one end"), b = remember(db, "other end");

    OK(rekall_link(db, a.text, b.text, "supersedes", "newer", REKALL_NTS, &error));
    OK(rekall_link(db, b.text, a.text, "related", NULL, 0, &error));
    OK(rekall_links_of(db, a.text, &links, &error));
    CHECK(rekall_links_count(links) == 2);
    CHECK(strcmp(rekall_links_source(links, 0), a.text) == 0 && strcmp(rekall_links_target(links, 0), b.text) == 0);
    CHECK(strcmp(rekall_links_relation(links, 0, NULL), "supersedes") == 0);
    CHECK(strcmp(rekall_links_reason(links, 0, NULL), "newer") == 0);
    CHECK(rekall_links_reason(links, 1, NULL) == NULL && rekall_links_source(links, 2) == NULL);
    CHECK(rekall_links_created_at_ms(links, 0) > 0);
    rekall_links_free(links);
    OK(rekall_neighbors_of(db, a.text, 2, &near, &error));
    CHECK(rekall_neighbors_count(near) == 1 && rekall_neighbors_distance(near, 0) == 1);
    CHECK(strcmp(rekall_neighbors_id(near, 0), b.text) == 0 && rekall_neighbors_id(near, 1) == NULL);
    rekall_neighbors_free(near);
    OK(rekall_unlink(db, a.text, b.text, "supersedes", &removed, &error));
    CHECK(removed == 1);
    OK(rekall_unlink(db, a.text, b.text, "supersedes", &removed, &error));
    CHECK(removed == 0);
    FAILS(REKALL_INVALID_INPUT, rekall_link(db, a.text, a.text, "related", NULL, 0, &error));
}

int main(int argc, char **argv)
{
    rekall_embedder embedder = letters(NULL);
    rekall_db *db;
    rekall_stats stats = REKALL_STATS_INIT;
    char name[200];
    size_t len = 0;

    CHECK(argc == 3);
    CHECK(rekall_version_number() == REKALL_VERSION_NUMBER && rekall_abi_version() == REKALL_ABI_VERSION);
    CHECK(strlen(rekall_version()) >= 5);
    CHECK(rekall_has_feature(0) == 0 && rekall_has_feature(999) == 0);
    CHECK(rekall_has_feature(REKALL_FEATURE_CUDA) == 0 || rekall_has_feature(REKALL_FEATURE_CANDLE) == 1);
    CHECK(rekall_id_time_ms("01ARZ3NDEKTSV4RRFFQ69G5FAV") == 1469922850259 && rekall_id_time_ms("nonsense") == -1);
    CHECK(strcmp(rekall_status_name(REKALL_BUSY), "REKALL_BUSY") == 0);
    CHECK(strcmp(rekall_status_name(-1), "REKALL_UNKNOWN") == 0);

    db = open_at(argv[1], "main_path.db", &embedder);
    CHECK(strstr(rekall_path(db), "main_path.db") != NULL);
    rich_entry(db);
    listing(db);
    linking(db);
    OK(rekall_get_stats(db, &stats, &error));
    CHECK(stats.entries == 2 && stats.vectors == 2 && stats.links == 1 && stats.index_rows == 0);
    OK(rekall_model_name(db, name, sizeof name, &len, &error));
    CHECK(strcmp(name, "letters") == 0 && len == 7);
    FAILS(REKALL_BUFFER_TOO_SMALL, rekall_model_name(db, name, 7, &len, &error));
    CHECK(name[0] == 0 && len == 7);
    OK(rekall_fingerprint(db, name, sizeof name, NULL, &error));
    CHECK(strstr(name, "letters") != NULL);
    FAILS(REKALL_BUFFER_TOO_SMALL, rekall_fingerprint(db, name, 0, &len, &error));
    CHECK(len > 7);
    rekall_close(db);
    puts("ok");
    return 0;
}
