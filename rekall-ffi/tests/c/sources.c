/* Sources: sections that become entries, move, and keep what people gave them. C90. Arguments: a folder, the repository. */
#include "support.h"

static const char *const FIRST =
    "{\"sources\": [{\"uri\": \"wiki:/a\", \"stamp\": \"1\", \"sections\": ["
    "{\"path\": [\"Ship\"], \"title\": \"Ship\", \"content\": \"Tag it, push it, announce it.\", \"line\": 1,"
    " \"tags\": [\"of the page\"]},"
    "{\"path\": [\"Test\"], \"title\": \"Test\", \"content\": \"Each script, on two machines.\", \"line\": 5}]}]}";

/* One section has gone to another page, where it stands behind another one of its name. */
static const char *const SECOND =
    "{\"sources\": [{\"uri\": \"wiki:/a\", \"stamp\": \"2\", \"sections\": ["
    "{\"path\": [\"Test\"], \"title\": \"Test\", \"content\": \"Each script, on two machines.\", \"line\": 1}]},"
    "{\"uri\": \"wiki:/b\", \"stamp\": \"1\", \"sections\": ["
    "{\"path\": [\"Ship\"], \"title\": \"Ship\", \"content\": \"By truck, on Monday.\", \"line\": 1},"
    "{\"path\": [\"Ship\"], \"title\": \"Ship\", \"content\": \"Tag it, push it, announce it.\", \"line\": 4}]}],"
    "\"skipped\": [{\"uri\": \"wiki:/c\", \"reason\": \"it is not text\"}]}";

static rekall_report *synchronized(rekall_db *db, const char *found)
{
    rekall_report *report = NULL;
    OK(rekall_sync_sources(db, "wiki:", found, REKALL_NTS, NULL, &report, &error));
    return report;
}

int main(int argc, char **argv)
{
    rekall_embedder embedder = letters(NULL);
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_patch patch = REKALL_PATCH_INIT;
    rekall_str tags[2], source;
    rekall_report *report;
    rekall_page *page = NULL;
    rekall_entry *entry = NULL;
    rekall_id id;
    rekall_db *db;

    CHECK(argc == 3);
    db = open_at(argv[1], "sources.db", &embedder);
    report = synchronized(db, FIRST);
    CHECK(rekall_report_number(report, "added") == 2 && rekall_report_number(report, "read") == 1);
    rekall_report_free(report);
    source = rekall_text("wiki:/a");
    filter.sources = &source;
    filter.sources_count = 1;
    OK(rekall_list(db, &filter, NULL, 10, &page, &error));
    CHECK(rekall_page_count(page) == 2);
    strcpy(id.text, rekall_entry_id(rekall_page_entry(page, 0)));
    rekall_page_free(page);

    tags[0] = rekall_text("of the page");
    tags[1] = rekall_text("of a person");
    patch.tags = tags;
    patch.tags_count = 2;
    patch.flags = REKALL_PATCH_TAGS;
    OK(rekall_update(db, id.text, &patch, NULL, &error));

    report = synchronized(db, SECOND);
    CHECK(rekall_report_number(report, "added") == 1 && rekall_report_number(report, "gone") == 0);
    CHECK(rekall_report_number(report, "changed") == 1 && rekall_report_number(report, "kept") == 1);
    CHECK(rekall_report_number(report, "skipped") == 1 && rekall_report_line_count(report) == 1);
    CHECK(strcmp(rekall_report_line(report, 0, NULL), "wiki:/c: it is not text") == 0);
    rekall_report_free(report);
    OK(rekall_get(db, id.text, &entry, &error));
    CHECK(strcmp(rekall_entry_source_uri(entry, NULL), "wiki:/b") == 0 && rekall_entry_source_line(entry) == 4);
    CHECK(rekall_entry_tag_count(entry) == 1 && strcmp(rekall_entry_tag(entry, 0, NULL), "of a person") == 0);
    CHECK(strstr(rekall_entry_json(entry, NULL), "\"path\":[\"Ship\"]") != NULL);
    rekall_entry_free(entry);

    OK(rekall_sources(db, "wiki:", &report, &error));
    CHECK(rekall_report_number(report, "sources") == 2);
    CHECK(strstr(rekall_report_line(report, 1, NULL), "\"sections\":2") != NULL);
    rekall_report_free(report);

    /* A scope without a source is a disk that is not there. */
    report = synchronized(db, "{}");
    CHECK(rekall_report_number(report, "held_back") == 3 && rekall_report_number(report, "gone") == 0);
    rekall_report_free(report);
    report = synchronized(db, "{\"prune\": true}");
    CHECK(rekall_report_number(report, "gone") == 3);
    rekall_report_free(report);

    report = NULL;
    FAILS(REKALL_INVALID_INPUT, rekall_sync_sources(db, "wiki:", "{\"source\": []}", REKALL_NTS, NULL, &report, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_sync_sources(db, "wiki:", "{\"sources\": [{\"uri\": \"else\"}]}", REKALL_NTS,
                                                    NULL, &report, &error));
    FAILS(REKALL_MISUSE, rekall_sync_sources(db, NULL, "{}", REKALL_NTS, NULL, &report, &error));
    FAILS(REKALL_MISUSE, rekall_sources(db, NULL, &report, &error));
    CHECK(report == NULL);
    rekall_close(db);
    puts("ok");
    return 0;
}
