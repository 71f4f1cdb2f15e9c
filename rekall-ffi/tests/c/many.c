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

int main(int argc, char **argv)
{
    rekall_embedder embedder = letters(NULL);
    rekall_db *db;

    CHECK(argc == 3);
    db = open_at(argv[1], "many.db", &embedder);
    reading_many(db);
    rekall_close(db);
    puts("ok");
    return 0;
}
