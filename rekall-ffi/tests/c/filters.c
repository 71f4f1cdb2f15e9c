/* Filters that leave out, and that compare values of the metadata. C90. Arguments: a folder, the repository. */
#include "support.h"

static rekall_id ids[4];

/* Which of the four entries pass, as the digits of their numbers; the count, the list and the search agree. */
static const char *passing(rekall_db *db, const rekall_filter *filter)
{
    static char out[8];
    rekall_page *page = NULL;
    rekall_hits *hits = NULL;
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    uint64_t count = 0;
    size_t at, of;

    OK(rekall_list(db, filter, NULL, 10, &page, &error));
    OK(rekall_count(db, filter, &count, &error));
    options.filter = filter;
    OK(rekall_recall(db, "shared", REKALL_NTS, &options, &hits, &error));
    CHECK(rekall_page_count(page) == count && rekall_hits_count(hits) == count);
    for (at = 0; at < count; at++) {
        const char *id = rekall_entry_id(rekall_page_entry(page, at));
        for (of = 0; strcmp(ids[of].text, id) != 0; of++) {
            CHECK(of < 3);
        }
        out[at] = (char)('0' + of);
    }
    out[count] = 0;
    rekall_hits_free(hits);
    rekall_page_free(page);
    return out;
}

static void leaving_out(rekall_db *db)
{
    const rekall_filter init = REKALL_FILTER_INIT;
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_str given[2];
    uint64_t count = 0;

    CHECK(strcmp(passing(db, NULL), "0123") == 0);
    given[0] = rekall_text("bug");
    filter.not_kinds = given;
    filter.not_kinds_count = 1;
    CHECK(strcmp(passing(db, &filter), "123") == 0);
    filter = init;
    given[0] = rekall_text("web");
    filter.not_projects = given;
    filter.not_projects_count = 1;
    CHECK(strcmp(passing(db, &filter), "023") == 0);
    filter = init;
    given[0] = rekall_text("done");
    given[1] = rekall_text("never used");
    filter.not_tags = given;
    filter.not_tags_count = 2;
    CHECK(strcmp(passing(db, &filter), "013") == 0);
    filter = init;
    given[0] = rekall_text("semantic");
    filter.not_memory_types = given;
    filter.not_memory_types_count = 1;
    CHECK(strcmp(passing(db, &filter), "012") == 0);
    filter = init;
    given[0] = rekall_text(ids[0].text);
    given[1] = rekall_text(ids[3].text);
    filter.not_ids = given;
    filter.not_ids_count = 2;
    CHECK(strcmp(passing(db, &filter), "12") == 0);
    given[1] = rekall_text("no id");
    FAILS(REKALL_INVALID_INPUT, rekall_count(db, &filter, &count, &error));
    filter.not_ids = NULL;
    FAILS(REKALL_MISUSE, rekall_count(db, &filter, &count, &error));
}

static void comparing(rekall_db *db)
{
    static const struct {
        uint32_t comparison;
        const char *value, *passing;
    } cases[] = {
        {0, "2", "1"},
        {REKALL_COMPARISON_EQUAL, "2.0", "1"},
        {REKALL_COMPARISON_NOT_EQUAL, "2", "023"},
        {REKALL_COMPARISON_LESS_THAN, "2", "0"},
        {REKALL_COMPARISON_AT_MOST, "2", "01"},
        {REKALL_COMPARISON_GREATER_THAN, "1.5", "1"},
        {REKALL_COMPARISON_AT_LEAST, "1", "01"},
        {REKALL_COMPARISON_AT_LEAST, "\"a\"", "2"},
        {REKALL_COMPARISON_NOT_EQUAL, "true", "0123"},
    };
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_metadata_condition conditions[2] = {{{NULL, 0}, {NULL, 0}, 0, 0}, {{NULL, 0}, {NULL, 0}, 0, 0}};
    uint64_t count = 0;
    size_t at;

    conditions[0].key = conditions[1].key = rekall_text("n");
    filter.metadata = conditions;
    filter.metadata_count = 1;
    for (at = 0; at < sizeof cases / sizeof *cases; at++) {
        conditions[0].comparison = cases[at].comparison;
        conditions[0].value = rekall_text(cases[at].value);
        CHECK(strcmp(passing(db, &filter), cases[at].passing) == 0);
    }
    conditions[0].comparison = REKALL_COMPARISON_AT_LEAST;
    conditions[0].value = rekall_text("1");
    conditions[1].comparison = REKALL_COMPARISON_LESS_THAN;
    conditions[1].value = rekall_text("2");
    filter.metadata_count = 2;
    CHECK(strcmp(passing(db, &filter), "0") == 0);
    conditions[1].value = rekall_text("true");
    FAILS(REKALL_INVALID_INPUT, rekall_count(db, &filter, &count, &error));
    conditions[1].comparison = 7;
    FAILS(REKALL_MISUSE, rekall_count(db, &filter, &count, &error));
    conditions[1].comparison = REKALL_COMPARISON_EQUAL;
    conditions[1].reserved = 1;
    FAILS(REKALL_UNSUPPORTED, rekall_count(db, &filter, &count, &error));
}

int main(int argc, char **argv)
{
    const rekall_new_entry init = REKALL_NEW_ENTRY_INIT;
    rekall_embedder embedder = letters(NULL);
    rekall_new_entry entries[4];
    rekall_id forgotten;
    rekall_str done;
    rekall_db *db;
    size_t at;

    CHECK(argc == 3);
    db = open_at(argv[1], "filters.db", &embedder);
    done = rekall_text("done");
    for (at = 0; at < 4; at++) {
        entries[at] = init;
        entries[at].title = rekall_text("shared");
    }
    entries[0].kind = rekall_text("bug");
    entries[0].metadata = rekall_text("{\"n\": 1}");
    entries[1].project = rekall_text("web");
    entries[1].metadata = rekall_text("{\"n\": 2}");
    entries[2].tags = &done;
    entries[2].tags_count = 1;
    entries[2].metadata = rekall_text("{\"n\": \"b\"}");
    entries[3].memory_type = rekall_text("semantic");
    OK(rekall_remember_many(db, entries, 4, NULL, ids, &error));
    forgotten = remember(db, "shared, and forgotten");
    OK(rekall_forget(db, forgotten.text, &error));
    leaving_out(db);
    comparing(db);
    rekall_close(db);
    puts("ok");
    return 0;
}
