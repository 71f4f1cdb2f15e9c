/* Several entries at once: read, changed together, followed, counted, from JSON; many texts embedded; passages. C90. Arguments: a folder, the repository. */
#include "support.h"

static rekall_str id_text(const rekall_id *id)
{
    return rekall_text(id->text);
}

static void reading_many(rekall_db *db)
{
    rekall_page *page = NULL;
    rekall_str ids[4];
    rekall_id first = remember(db, "first"), second = remember(db, "second"), gone = remember(db, "gone");

    OK(rekall_forget(db, gone.text, &error));
    ids[0] = id_text(&second);
    ids[1] = id_text(&gone);
    ids[2] = id_text(&first);
    ids[3] = id_text(&second);
    OK(rekall_get_many(db, ids, 4, &page, &error));
    CHECK(rekall_page_count(page) == 4);
    CHECK(strcmp(rekall_entry_title(rekall_page_entry(page, 0), NULL), "second") == 0);
    CHECK(rekall_page_entry(page, 1) == NULL && rekall_page_entry(page, 4) == NULL);
    CHECK(strcmp(rekall_entry_id(rekall_page_entry(page, 2)), first.text) == 0);
    CHECK(strcmp(rekall_entry_title(rekall_page_entry(page, 3), NULL), "second") == 0);
    rekall_page_free(page);
    OK(rekall_get_many(db, NULL, 0, &page, &error));
    CHECK(rekall_page_count(page) == 0);
    rekall_page_free(page);
    ids[1] = rekall_text("no id");
    FAILS(REKALL_INVALID_INPUT, rekall_get_many(db, ids, 4, &page, &error));
    CHECK(page == NULL);
    ids[1] = rekall_text(NULL);
    FAILS(REKALL_MISUSE, rekall_get_many(db, ids, 4, &page, &error));
    FAILS(REKALL_MISUSE, rekall_get_many(db, NULL, 1, &page, &error));
    FAILS(REKALL_MISUSE, rekall_get_many(db, ids, 1, NULL, &error));
}

static void superseding(rekall_db *db)
{
    rekall_entry *entry = NULL;
    rekall_hits *hits = NULL;
    rekall_patch patch = REKALL_PATCH_INIT;
    rekall_id a = remember(db, "jjjj one"), b = remember(db, "jjjj two"), c = remember(db, "jjjj three");

    OK(rekall_supersede_entry(db, a.text, b.text, &entry, &error));
    CHECK(rekall_entry_status(entry) == REKALL_ENTRY_OBSOLETE);
    CHECK(strcmp(rekall_entry_superseded_by(entry), b.text) == 0);
    rekall_entry_free(entry);
    OK(rekall_supersede_entry(db, b.text, c.text, NULL, &error));
    OK(rekall_recall(db, "jjjj", REKALL_NTS, NULL, &hits, &error));
    CHECK(strcmp(rekall_entry_id(rekall_hits_entry(hits, 0)), c.text) == 0);
    rekall_hits_free(hits);
    /* No circle, neither by this function nor by a patch. */
    FAILS(REKALL_INVALID_INPUT, rekall_supersede_entry(db, c.text, c.text, &entry, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_supersede_entry(db, c.text, a.text, &entry, &error));
    CHECK(entry == NULL);
    patch.superseded_by = c.text;
    FAILS(REKALL_INVALID_INPUT, rekall_update(db, c.text, &patch, NULL, &error));
    patch.superseded_by = b.text;
    FAILS(REKALL_INVALID_INPUT, rekall_update(db, c.text, &patch, NULL, &error));
    FAILS(REKALL_NOT_FOUND, rekall_supersede_entry(db, c.text, "01ARZ3NDEKTSV4RRFFQ69G5FAV", NULL, &error));
    FAILS(REKALL_NOT_FOUND, rekall_supersede_entry(db, "01ARZ3NDEKTSV4RRFFQ69G5FAV", c.text, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_supersede_entry(db, NULL, c.text, NULL, &error));
    OK(rekall_get(db, c.text, &entry, &error));
    CHECK(rekall_entry_status(entry) == REKALL_ENTRY_ACTIVE && rekall_entry_superseded_by(entry) == NULL);
    rekall_entry_free(entry);
}

static void following(rekall_db *db)
{
    rekall_position since = {{0, 0}};
    rekall_changes *changes = NULL;
    rekall_patch patch = REKALL_PATCH_INIT;
    rekall_id kept = remember(db, "kept"), gone = remember(db, "gone");
    int64_t number_of_kept, number_of_gone;
    size_t last;

    OK(rekall_changes_since(db, NULL, &changes, &error));
    CHECK(rekall_changes_complete(changes) == 1 && rekall_changes_count(changes) > 2);
    last = rekall_changes_count(changes) - 1;
    number_of_gone = rekall_changes_number(changes, last);
    number_of_kept = rekall_changes_number(changes, last - 1);
    CHECK(strcmp(rekall_changes_id(changes, last), gone.text) == 0);
    CHECK(strcmp(rekall_changes_id(changes, last - 1), kept.text) == 0);
    CHECK(rekall_changes_id(changes, last + 1) == NULL && rekall_changes_number(changes, last + 1) == 0);
    since = rekall_changes_position(changes);
    rekall_changes_free(changes);

    OK(rekall_forget(db, gone.text, &error));
    patch.title = rekall_text("kept, and changed");
    OK(rekall_update(db, kept.text, &patch, NULL, &error));
    OK(rekall_changes_since(db, &since, &changes, &error));
    CHECK(rekall_changes_complete(changes) == 0 && rekall_changes_count(changes) == 2);
    CHECK(rekall_changes_number(changes, 0) == number_of_gone && rekall_changes_id(changes, 0) == NULL);
    CHECK(rekall_changes_number(changes, 1) == number_of_kept);
    CHECK(strcmp(rekall_changes_id(changes, 1), kept.text) == 0);
    since = rekall_changes_position(changes);
    rekall_changes_free(changes);
    OK(rekall_changes_since(db, &since, &changes, &error));
    CHECK(rekall_changes_complete(changes) == 0 && rekall_changes_count(changes) == 0);
    rekall_changes_free(changes);

    /* A moment of nowhere: all is told. */
    since.words[0] += 1;
    OK(rekall_changes_since(db, &since, &changes, &error));
    CHECK(rekall_changes_complete(changes) == 1 && rekall_changes_count(changes) == last);
    rekall_changes_free(changes);
    OK(rekall_change_position(db, &since, &error));
    OK(rekall_changes_since(db, &since, &changes, &error));
    CHECK(rekall_changes_count(changes) == 0);
    rekall_changes_free(changes);
    FAILS(REKALL_MISUSE, rekall_changes_since(db, &since, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_change_position(db, NULL, &error));
    CHECK(rekall_changes_count(NULL) == 0 && rekall_changes_complete(NULL) == 0);
    since = rekall_changes_position(NULL);
    CHECK(rekall_changes_id(NULL, 0) == NULL && since.words[0] == 0 && since.words[1] == 0);
    rekall_changes_free(NULL);
}

static void applying(rekall_db *db)
{
    rekall_batch *batch = rekall_batch_new();
    rekall_new_entry note = REKALL_NEW_ENTRY_INIT;
    rekall_patch patch = REKALL_PATCH_INIT;
    rekall_entry *entry = NULL;
    rekall_links *links = NULL;
    rekall_id kept = remember(db, "mmmm kept"), gone = remember(db, "gone"), fix, given;
    uint64_t before = 0, after = 0;
    float vector[TEST_DIMENSIONS] = {0, 0, 3};
    rekall_hits *hits = NULL;
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    const char *nobody = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

    CHECK(batch != NULL && rekall_batch_count(batch) == 0);
    OK(rekall_apply(db, batch, NULL, &error));
    OK(rekall_new_id(db, &fix, &error));
    OK(rekall_new_id(db, &given, &error));
    CHECK(strlen(fix.text) == REKALL_ID_LEN && strcmp(fix.text, given.text) < 0);
    note.title = rekall_text("mmmm fix");
    OK(rekall_batch_remember(batch, fix.text, &note, NULL, 0, &error));
    note.title = rekall_text("given");
    OK(rekall_batch_remember(batch, given.text, &note, vector, TEST_DIMENSIONS, &error));
    patch.content = rekall_text("changed in the batch");
    OK(rekall_batch_update(batch, fix.text, &patch, NULL, 0, &error));
    OK(rekall_batch_update(batch, kept.text, NULL, vector, TEST_DIMENSIONS, &error));
    OK(rekall_batch_link(batch, fix.text, kept.text, "solves", "why", 3, &error));
    OK(rekall_batch_link(batch, fix.text, given.text, "related", NULL, 0, &error));
    OK(rekall_batch_unlink(batch, fix.text, given.text, "related", &error));
    OK(rekall_batch_supersede_entry(batch, kept.text, fix.text, &error));
    OK(rekall_batch_forget(batch, gone.text, &error));
    CHECK(rekall_batch_count(batch) == 9);
    OK(rekall_apply(db, batch, NULL, &error));
    OK(rekall_get(db, fix.text, &entry, &error));
    CHECK(strcmp(rekall_entry_content(entry, NULL), "changed in the batch") == 0);
    rekall_entry_free(entry);
    OK(rekall_get(db, kept.text, &entry, &error));
    CHECK(strcmp(rekall_entry_superseded_by(entry), fix.text) == 0);
    rekall_entry_free(entry);
    OK(rekall_links_of(db, fix.text, &links, &error));
    CHECK(rekall_links_count(links) == 1 && strcmp(rekall_links_reason(links, 0, NULL), "why") == 0);
    rekall_links_free(links);
    FAILS(REKALL_NOT_FOUND, rekall_get(db, gone.text, &entry, &error));
    options.mode = REKALL_MODE_SEMANTIC;
    OK(rekall_recall_vector(db, vector, TEST_DIMENSIONS, &options, &hits, &error));
    CHECK(strcmp(rekall_entry_id(rekall_hits_entry(hits, 0)), given.text) == 0);
    CHECK(rekall_hits_similarity(hits, 0) > 0.999f);
    rekall_hits_free(hits);

    /* Again: its ids are taken, and nothing of it happens. */
    OK(rekall_count(db, NULL, &before, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_apply(db, batch, NULL, &error));
    rekall_batch_free(batch);
    batch = rekall_batch_new();
    OK(rekall_batch_forget(batch, fix.text, &error));
    OK(rekall_batch_forget(batch, nobody, &error));
    {
        rekall_error *error = NULL;
        CHECK(rekall_apply(db, batch, NULL, &error) == REKALL_NOT_FOUND);
        CHECK(strstr(rekall_error_message(error), "operation 1") != NULL);
        rekall_error_free(error);
    }
    OK(rekall_count(db, NULL, &after, &error));
    CHECK(before == after);

    /* What is refused is not added. */
    FAILS(REKALL_MISUSE, rekall_batch_remember(batch, fix.text, NULL, NULL, 0, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_batch_remember(batch, "no id", &note, NULL, 0, &error));
    FAILS(REKALL_MISUSE, rekall_batch_remember(batch, fix.text, &note, NULL, 3, &error));
    FAILS(REKALL_MISUSE, rekall_batch_update(batch, fix.text, NULL, NULL, 0, &error));
    FAILS(REKALL_MISUSE, rekall_batch_link(batch, fix.text, given.text, NULL, NULL, 0, &error));
    FAILS(REKALL_MISUSE, rekall_batch_unlink(batch, NULL, given.text, "x", &error));
    FAILS(REKALL_MISUSE, rekall_batch_supersede_entry(batch, fix.text, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_batch_forget(NULL, fix.text, &error));
    CHECK(rekall_batch_count(batch) == 2 && rekall_batch_count(NULL) == 0);
    FAILS(REKALL_MISUSE, rekall_apply(db, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_apply(NULL, batch, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_new_id(db, NULL, &error));
    rekall_batch_free(batch);
    rekall_batch_free(NULL);
}

static void counting_by_name(rekall_db *db)
{
    rekall_new_entry entries[3];
    rekall_str tags[2], project = rekall_text("facets");
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_facets *facets = NULL;
    const rekall_new_entry init = REKALL_NEW_ENTRY_INIT;
    size_t i, len = 0;

    tags[0] = rekall_text("d\303\251j\303\240");
    tags[1] = rekall_text("always");
    for (i = 0; i < 3; i++) {
        entries[i] = init;
        entries[i].title = rekall_text("counted");
        entries[i].project = project;
        entries[i].tags = i < 2 ? tags : tags + 1;
        entries[i].tags_count = i < 2 ? 2 : 1;
    }
    OK(rekall_remember_many(db, entries, 3, NULL, NULL, &error));
    filter.projects = &project;
    filter.projects_count = 1;
    OK(rekall_facets_of(db, REKALL_FACET_TAG, &filter, 10, &facets, &error));
    CHECK(rekall_facets_count(facets) == 2);
    CHECK(strcmp(rekall_facets_name(facets, 0, &len), "always") == 0 && len == 6);
    CHECK(rekall_facets_entries(facets, 0) == 3 && rekall_facets_entries(facets, 1) == 2);
    CHECK(strcmp(rekall_facets_name(facets, 1, NULL), "d\303\251j\303\240") == 0);
    CHECK(rekall_facets_name(facets, 2, &len) == NULL && len == 0 && rekall_facets_entries(facets, 2) == 0);
    rekall_facets_free(facets);
    OK(rekall_facets_of(db, REKALL_FACET_TAG, &filter, 1, &facets, &error));
    CHECK(rekall_facets_count(facets) == 1);
    rekall_facets_free(facets);
    for (i = REKALL_FACET_PROJECT; i <= REKALL_FACET_MEMORY_TYPE; i++) {
        OK(rekall_facets_of(db, (uint32_t)i, &filter, 10, &facets, &error));
        CHECK(rekall_facets_count(facets) == 1 && rekall_facets_entries(facets, 0) == 3);
        rekall_facets_free(facets);
    }
    FAILS(REKALL_MISUSE, rekall_facets_of(db, 0, NULL, 10, &facets, &error));
    FAILS(REKALL_MISUSE, rekall_facets_of(db, 99, NULL, 10, &facets, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_facets_of(db, REKALL_FACET_KIND, NULL, 0, &facets, &error));
    FAILS(REKALL_MISUSE, rekall_facets_of(db, REKALL_FACET_KIND, NULL, 1, NULL, &error));
    CHECK(facets == NULL && rekall_facets_count(NULL) == 0 && rekall_facets_name(NULL, 0, NULL) == NULL);
    rekall_facets_free(NULL);
}

static void from_json(rekall_db *db)
{
    rekall_report *report = NULL;
    rekall_entry *entry = NULL;
    char json[2048];

    OK(rekall_remember_json(db, "[{\"title\":\"one\",\"tags\":[\"t\"]},{\"title\":\"two\"}]", REKALL_NTS, NULL,
                            &report, &error));
    CHECK(rekall_report_number(report, "added") == 2 && rekall_report_line_count(report) == 2);
    OK(rekall_get(db, rekall_report_line(report, 0, NULL), &entry, &error));
    CHECK(strcmp(rekall_entry_tag(entry, 0, NULL), "t") == 0);
    rekall_report_free(report);
    /* What an entry is written as can be read. */
    sprintf(json, "%.2000s", rekall_entry_json(entry, NULL));
    OK(rekall_forget(db, rekall_entry_id(entry), &error));
    OK(rekall_remember_json(db, json, strlen(json), NULL, &report, &error));
    CHECK(strcmp(rekall_report_line(report, 0, NULL), rekall_entry_id(entry)) == 0);
    rekall_report_free(report);
    rekall_entry_free(entry);
    FAILS(REKALL_INVALID_INPUT, rekall_remember_json(db, json, strlen(json), NULL, &report, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_remember_json(db, "{\"titel\":1}", REKALL_NTS, NULL, &report, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_remember_json(db, "", 0, NULL, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_remember_json(db, NULL, 3, NULL, NULL, &error));
    CHECK(report == NULL);
}

static void embedding_many(rekall_db *db)
{
    rekall_str texts[3];
    rekall_vectors *vectors = NULL;
    const uint32_t purposes[2] = {REKALL_EMBED_DOCUMENT, REKALL_EMBED_QUERY};
    float alone[TEST_DIMENSIONS];
    const float *row;
    size_t i;

    texts[0] = rekall_text("aaab");
    texts[1] = rekall_text("123");
    texts[2] = rekall_text("cd");
    for (i = 0; i < 2; i++) {
        OK(rekall_embed_texts(db, purposes[i], texts, 3, NULL, &vectors, &error));
        CHECK(rekall_vectors_count(vectors) == 3 && rekall_vectors_dimensions(vectors) == TEST_DIMENSIONS);
        OK(rekall_embed(db, purposes[i], "cd", 2, alone, TEST_DIMENSIONS, NULL, &error));
        row = rekall_vectors_row(vectors, 2);
        CHECK(row == rekall_vectors_rows(vectors) + (size_t)2 * TEST_DIMENSIONS);
        CHECK(memcmp(row, alone, sizeof alone) == 0);
        CHECK(rekall_vectors_row(vectors, 1) == NULL && rekall_vectors_rows(vectors)[TEST_DIMENSIONS] == 0);
        CHECK(rekall_vectors_row(vectors, 3) == NULL && !rekall_vectors_is_cut(vectors, 0));
        /* A model of the caller's own cannot tell. */
        CHECK(IS_NAN(rekall_vectors_known(vectors, 0)) && IS_NAN(rekall_vectors_known(vectors, 3)));
        rekall_vectors_free(vectors);
    }
    OK(rekall_embed_texts(db, REKALL_EMBED_QUERY, NULL, 0, NULL, &vectors, &error));
    CHECK(rekall_vectors_count(vectors) == 0 && rekall_vectors_rows(vectors) == NULL);
    rekall_vectors_free(vectors);
    FAILS(REKALL_MISUSE, rekall_embed_texts(db, 9, texts, 3, NULL, &vectors, &error));
    FAILS(REKALL_MISUSE, rekall_embed_texts(db, REKALL_EMBED_QUERY, NULL, 3, NULL, &vectors, &error));
    FAILS(REKALL_MISUSE, rekall_embed_texts(db, REKALL_EMBED_QUERY, texts, 3, NULL, NULL, &error));
    texts[1].data = "\377";
    texts[1].len = 1;
    FAILS(REKALL_INVALID_INPUT, rekall_embed_texts(db, REKALL_EMBED_QUERY, texts, 3, NULL, &vectors, &error));
    CHECK(vectors == NULL && rekall_vectors_count(NULL) == 0 && rekall_vectors_dimensions(NULL) == 0);
    CHECK(rekall_vectors_row(NULL, 0) == NULL && rekall_vectors_is_cut(NULL, 0) == 0);
    CHECK(IS_NAN(rekall_vectors_known(NULL, 0)));
    rekall_vectors_free(NULL);
}

static void passages(rekall_db *db)
{
    /* "ete" with accents, and a character of three bytes; the content begins behind them. */
    static const char *title = "\303\251t\303\251 \346\225\260", *content = "kkkk llll";
    rekall_new_entry note = REKALL_NEW_ENTRY_INIT;
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_hits *hits = NULL;
    rekall_passage found;

    note.title = rekall_text(title);
    note.content = rekall_text(content);
    OK(rekall_remember(db, &note, NULL, NULL, &error));
    options.mode = REKALL_MODE_SEMANTIC;
    OK(rekall_recall(db, "kkkkllllt", REKALL_NTS, &options, &hits, &error));
    CHECK(rekall_hits_passage(hits, 0, &found) == 1 && rekall_hits_passage(hits, 0, NULL) == 1);
    CHECK(found.text_len == strlen(title) + 1 + strlen(content) && strlen(found.text) == found.text_len);
    CHECK(found.start == 0 && found.end == found.text_len);
    CHECK(found.content_start == 0 && found.content_end == strlen(content));
    CHECK(memcmp(found.text, title, strlen(title)) == 0);
    CHECK(rekall_hits_passage(hits, 99, &found) == 0 && found.text == NULL && found.end == 0);
    CHECK(rekall_hits_passage(NULL, 0, &found) == 0);
    rekall_hits_free(hits);
}

static void token_families(rekall_db *db)
{
    rekall_token *window = rekall_token_new(), *panel = rekall_token_child(window);
    rekall_token *search = rekall_token_child(panel), *other = rekall_token_child(window), *late;
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_hits *hits = NULL;

    CHECK(window != NULL && panel != NULL && search != NULL && other != NULL);
    CHECK(rekall_token_child(NULL) == NULL);
    rekall_token_cancel(other);
    CHECK(rekall_token_is_cancelled(other) && !rekall_token_is_cancelled(window));
    options.token = search;
    OK(rekall_recall(db, "first", REKALL_NTS, &options, &hits, &error));
    rekall_hits_free(hits);
    /* The family holds together when one of it is freed. */
    rekall_token_free(panel);
    rekall_token_cancel(window);
    CHECK(rekall_token_is_cancelled(search));
    FAILS(REKALL_INTERRUPTED, rekall_recall(db, "first", REKALL_NTS, &options, &hits, &error));
    late = rekall_token_child(window);
    CHECK(rekall_token_is_cancelled(late));
    rekall_token_free(window);
    rekall_token_free(late);
    rekall_token_free(other);
    rekall_token_free(search);
}

int main(int argc, char **argv)
{
    rekall_embedder embedder = letters(NULL);
    rekall_db *db;

    CHECK(argc == 3);
    db = open_at(argv[1], "many.db", &embedder);
    reading_many(db);
    superseding(db);
    following(db);
    applying(db);
    counting_by_name(db);
    from_json(db);
    embedding_many(db);
    passages(db);
    token_families(db);
    rekall_close(db);
    puts("ok");
    return 0;
}
