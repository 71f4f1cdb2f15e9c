/* Several entries at once: read, changed together, followed, counted. C90. Arguments: a folder, the repository. */
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
    CHECK(rekall_changes_id(NULL, 0) == NULL && rekall_changes_position(NULL).words[1] == 0);
    rekall_changes_free(NULL);
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
    token_families(db);
    rekall_close(db);
    puts("ok");
    return 0;
}
