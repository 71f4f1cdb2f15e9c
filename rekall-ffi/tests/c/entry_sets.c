/* Sets of entries: forgotten together, listed by time; ids, times and keys of the program's own; vectors read back. C90.
 * Arguments: a folder, the repository. */
#include "support.h"

static const char *const OWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

static void own_ids_and_times(rekall_db *db)
{
    rekall_new_entry given = REKALL_NEW_ENTRY_INIT;
    rekall_entry *entry = NULL;
    rekall_id id;

    given.title = rekall_text("aaaa, with an id and a time of its own");
    given.id = OWN;
    given.created_at_ms = 5000;
    FAILS(REKALL_MISUSE, rekall_remember(db, &given, NULL, &id, &error));
    given.flags = REKALL_NEW_ENTRY_CREATED_AT;
    OK(rekall_remember(db, &given, NULL, &id, &error));
    CHECK(strcmp(id.text, OWN) == 0);
    OK(rekall_get(db, OWN, &entry, &error));
    CHECK(rekall_entry_created_at_ms(entry) == 5000 && rekall_entry_updated_at_ms(entry) == 5000);
    rekall_entry_free(entry);
    FAILS(REKALL_INVALID_INPUT, rekall_remember(db, &given, NULL, &id, &error));
    given.id = "no id";
    FAILS(REKALL_INVALID_INPUT, rekall_remember(db, &given, NULL, &id, &error));
    given.id = NULL;
    given.created_at_ms = (int64_t)1 << 60;
    FAILS(REKALL_INVALID_INPUT, rekall_remember(db, &given, NULL, &id, &error));
    /* 0 is a time, too. */
    given.created_at_ms = 0;
    OK(rekall_remember(db, &given, NULL, &id, &error));
    OK(rekall_get(db, id.text, &entry, &error));
    CHECK(rekall_entry_created_at_ms(entry) == 0);
    rekall_entry_free(entry);
}

static void newest_first(rekall_db *db)
{
    static const char *const expected[] = {"now", "aaaa, with an id and a time of its own",
                                           "aaaa, with an id and a time of its own"};
    rekall_cursor cursor = {{0, 0}}, before;
    rekall_page *page = NULL;
    size_t at;

    remember(db, "now");
    for (at = 0; at < 3; at++) {
        OK(rekall_list_newest(db, NULL, REKALL_NEWEST_CREATED, &cursor, 1, &page, &error));
        CHECK(rekall_page_count(page) == 1);
        CHECK(strcmp(rekall_entry_title(rekall_page_entry(page, 0), NULL), expected[at]) == 0);
        rekall_page_free(page);
    }
    before = cursor;
    OK(rekall_list_newest(db, NULL, REKALL_NEWEST_CREATED, &cursor, 1, &page, &error));
    CHECK(rekall_page_count(page) == 0 && memcmp(&before, &cursor, sizeof cursor) == 0);
    rekall_page_free(page);
    FAILS(REKALL_INVALID_INPUT, rekall_list_newest(db, NULL, REKALL_NEWEST_CREATED, &cursor, 0, &page, &error));
    FAILS(REKALL_MISUSE, rekall_list_newest(db, NULL, 3, &cursor, 1, &page, &error));
    FAILS(REKALL_MISUSE, rekall_list_newest(db, NULL, REKALL_NEWEST_UPDATED, NULL, 1, &page, &error));
    CHECK(page == NULL);
}

static void keys(rekall_db *db)
{
    rekall_new_entry note = REKALL_NEW_ENTRY_INIT;
    rekall_entry *entry = NULL;
    rekall_upserted first, second;
    uint64_t before = 0, after = 0;

    OK(rekall_count(db, NULL, &before, &error));
    note.title = rekall_text("notes");
    note.content = rekall_text("buy milk");
    note.metadata = rekall_text("{\"path\": \"today.md\"}");
    OK(rekall_upsert(db, "path", &note, &first, &error));
    note.content = rekall_text("buy bread");
    OK(rekall_upsert(db, "path", &note, &second, &error));
    CHECK(first.is_new == 1 && second.is_new == 0 && strcmp(first.id.text, second.id.text) == 0);
    OK(rekall_count(db, NULL, &after, &error));
    CHECK(after == before + 1);
    OK(rekall_get(db, first.id.text, &entry, &error));
    CHECK(strcmp(rekall_entry_content(entry, NULL), "buy bread") == 0);
    rekall_entry_free(entry);
    FAILS(REKALL_INVALID_INPUT, rekall_upsert(db, "number", &note, &second, &error));
    CHECK(second.id.text[0] == 0);
    OK(rekall_remember(db, &note, NULL, NULL, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_upsert(db, "path", &note, NULL, &error));
    FAILS(REKALL_MISUSE, rekall_upsert(db, NULL, &note, NULL, &error));
}

static void vectors(rekall_db *db)
{
    float vector[TEST_DIMENSIONS];
    rekall_spaces *spaces = NULL;
    size_t len = 0;

    OK(rekall_list_spaces(db, &spaces, &error));
    CHECK(rekall_spaces_count(spaces) == 1 && rekall_spaces_state(spaces, 0) == REKALL_SPACE_ACTIVE);
    CHECK(rekall_spaces_dimensions(spaces, 0) == TEST_DIMENSIONS);
    CHECK(strstr(rekall_spaces_fingerprint(spaces, 0, &len), "letters") != NULL && len > 7);
    CHECK(rekall_spaces_fingerprint(spaces, 1, &len) == NULL && len == 0);
    CHECK(rekall_spaces_state(spaces, 1) == 0 && rekall_spaces_dimensions(spaces, 1) == 0);
    rekall_spaces_free(spaces);
    OK(rekall_stored_vector(db, OWN, REKALL_ROLE_SUMMARY, 0, vector, TEST_DIMENSIONS, &len, &error));
    CHECK(len == TEST_DIMENSIONS && vector[0] > 0.5f && vector[0] < 1.0f);
    FAILS(REKALL_BUFFER_TOO_SMALL, rekall_stored_vector(db, OWN, 0, 0, NULL, 0, &len, &error));
    CHECK(len == TEST_DIMENSIONS);
    FAILS(REKALL_NOT_FOUND, rekall_stored_vector(db, OWN, REKALL_ROLE_CONTEXT, 0, vector, TEST_DIMENSIONS, NULL, &error));
    FAILS(REKALL_NOT_FOUND, rekall_stored_vector(db, OWN, 0, 70000, vector, TEST_DIMENSIONS, NULL, &error));
    FAILS(REKALL_NOT_FOUND, rekall_stored_vector(db, "01ARZ3NDEKTSV4RRFFQ69G5FAA", 0, 0, vector, TEST_DIMENSIONS, NULL,
                                                 &error));
    FAILS(REKALL_MISUSE, rekall_stored_vector(db, OWN, 3, 0, vector, TEST_DIMENSIONS, NULL, &error));
}

static void forgetting(rekall_db *db)
{
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_report *report = NULL;
    rekall_str ids[2], kind;
    uint64_t count = 0;

    ids[0] = rekall_text(OWN);
    ids[1] = rekall_text("01ARZ3NDEKTSV4RRFFQ69G5FAA");
    OK(rekall_forget_many(db, ids, 2, &report, &error));
    CHECK(rekall_report_number(report, "forgotten") == 1 && rekall_report_line_count(report) == 1);
    CHECK(strcmp(rekall_report_line(report, 0, NULL), OWN) == 0);
    rekall_report_free(report);
    ids[1] = rekall_text("no id");
    FAILS(REKALL_INVALID_INPUT, rekall_forget_many(db, ids, 2, &report, &error));
    CHECK(report == NULL);
    FAILS(REKALL_INVALID_INPUT, rekall_forget_matching(db, NULL, NULL, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_forget_matching(db, &filter, NULL, &error));
    filter.status = REKALL_ENTRY_ANY;
    FAILS(REKALL_INVALID_INPUT, rekall_forget_matching(db, &filter, NULL, &error));
    kind = rekall_text("no such kind");
    filter.kinds = &kind;
    filter.kinds_count = 1;
    OK(rekall_forget_matching(db, &filter, &report, &error));
    CHECK(rekall_report_number(report, "forgotten") == 0);
    rekall_report_free(report);
    OK(rekall_count(db, NULL, &count, &error));
    CHECK(count > 0);
    OK(rekall_forget_all(db, &report, &error));
    CHECK(rekall_report_number(report, "forgotten") == count && rekall_report_line_count(report) == count);
    rekall_report_free(report);
    OK(rekall_count(db, NULL, &count, &error));
    CHECK(count == 0);
}

int main(int argc, char **argv)
{
    rekall_embedder embedder = letters(NULL);
    rekall_db *db;

    CHECK(argc == 3);
    db = open_at(argv[1], "entry_sets.db", &embedder);
    own_ids_and_times(db);
    newest_first(db);
    keys(db);
    vectors(db);
    forgetting(db);
    rekall_close(db);
    puts("ok");
    return 0;
}
