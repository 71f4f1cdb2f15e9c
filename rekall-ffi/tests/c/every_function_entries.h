/* Calls of the functions that write and read entries. Part of every_function.c. */
#ifndef EVERY_FUNCTION_ENTRIES_H
#define EVERY_FUNCTION_ENTRIES_H

#include "every_function.h"

static rekall_status remember_one(GIVEN)
{
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    UNUSED;
    entry.title = rekall_text("another entry");
    return rekall_remember(shared, &entry, NULL, NULL, error);
}

static rekall_status remember_many(GIVEN)
{
    rekall_new_entry entries[2] = {REKALL_NEW_ENTRY_INIT, REKALL_NEW_ENTRY_INIT};
    UNUSED;
    entries[0].title = entries[1].title = rekall_text("two entries");
    return rekall_remember_many(shared, entries, 2, NULL, NULL, error);
}

static rekall_status get(GIVEN)
{
    rekall_entry *out = NULL;
    rekall_status status = rekall_get(shared, first.text, &out, error);
    UNUSED;
    rekall_entry_free(out);
    return status;
}

static rekall_status update(GIVEN)
{
    rekall_patch patch = REKALL_PATCH_INIT;
    UNUSED;
    patch.title = rekall_text("first, changed");
    return rekall_update(shared, first.text, &patch, NULL, error);
}

static rekall_status update_with_vector(GIVEN)
{
    float vector[TEST_DIMENSIONS] = {1};
    UNUSED;
    return rekall_update_with_vector(shared, first.text, NULL, vector, TEST_DIMENSIONS, NULL, error);
}

static rekall_status forget(GIVEN)
{
    UNUSED;
    return rekall_forget(shared, "01ARZ3NDEKTSV4RRFFQ69G5FAV", error);
}

static rekall_status forget_many(GIVEN)
{
    rekall_str id = rekall_text("01ARZ3NDEKTSV4RRFFQ69G5FAV");
    UNUSED;
    return rekall_forget_many(shared, &id, 1, NULL, error);
}

static rekall_status forget_matching(GIVEN)
{
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_str kind = rekall_text("no such kind");
    UNUSED;
    filter.kinds = &kind;
    filter.kinds_count = 1;
    return rekall_forget_matching(shared, &filter, NULL, error);
}

/* Of a file of its own: the other threads need the entries of the shared one. */
static rekall_status forget_all(GIVEN)
{
    char name[1024];
    rekall_db *own = NULL;
    rekall_status status = rekall_open(fresh(name, thread, round, "-own.db"), NULL, &own, error);
    if (status == REKALL_OK) {
        status = rekall_forget_all(own, NULL, error);
    }
    rekall_close(own);
    return status;
}

static rekall_status forget_expired(GIVEN)
{
    UNUSED;
    return rekall_forget_expired(shared, NULL, error);
}

static rekall_status record_use(GIVEN)
{
    rekall_str id = rekall_text(first.text);
    UNUSED;
    return rekall_record_use(shared, &id, 1, error);
}

static rekall_status flush_usage(GIVEN)
{
    UNUSED;
    return rekall_flush_usage(shared, NULL, error);
}

static rekall_status usage_of(GIVEN)
{
    rekall_usage out;
    UNUSED;
    return rekall_usage_of(shared, first.text, &out, error);
}

static rekall_status upsert(GIVEN)
{
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    UNUSED;
    entry.title = rekall_text("one of a key");
    entry.metadata = rekall_text("{\"key\": 1}");
    return rekall_upsert(shared, "key", &entry, NULL, error);
}

static rekall_status supersede_entry(GIVEN)
{
    UNUSED;
    return rekall_supersede_entry(shared, third.text, second.text, NULL, error);
}

static rekall_status link_two(GIVEN)
{
    UNUSED;
    return rekall_link(shared, first.text, second.text, "related", "why", 3, error);
}

static rekall_status unlink_two(GIVEN)
{
    UNUSED;
    return rekall_unlink(shared, first.text, second.text, "related", NULL, error);
}

static rekall_status links_of(GIVEN)
{
    rekall_links *out = NULL;
    rekall_status status = rekall_links_of(shared, first.text, &out, error);
    UNUSED;
    rekall_links_free(out);
    return status;
}

static rekall_status neighbors_of(GIVEN)
{
    rekall_neighbors *out = NULL;
    rekall_status status = rekall_neighbors_of(shared, first.text, 2, &out, error);
    UNUSED;
    rekall_neighbors_free(out);
    return status;
}

static rekall_status list(GIVEN)
{
    rekall_page *out = NULL;
    rekall_status status = rekall_list(shared, NULL, NULL, 3, &out, error);
    UNUSED;
    rekall_page_free(out);
    return status;
}

static rekall_status list_newest(GIVEN)
{
    rekall_page *out = NULL;
    rekall_cursor cursor = {{0, 0}};
    rekall_status status = rekall_list_newest(shared, NULL, REKALL_NEWEST_UPDATED, &cursor, 3, &out, error);
    UNUSED;
    rekall_page_free(out);
    return status;
}

static rekall_status get_many(GIVEN)
{
    rekall_page *out = NULL;
    rekall_str id = rekall_text(first.text);
    rekall_status status = rekall_get_many(shared, &id, 1, &out, error);
    UNUSED;
    rekall_page_free(out);
    return status;
}

static rekall_status new_id(GIVEN)
{
    rekall_id out;
    UNUSED;
    return rekall_new_id(shared, &out, error);
}

static rekall_status apply(GIVEN)
{
    rekall_batch *batch = rekall_batch_new();
    rekall_patch patch = REKALL_PATCH_INIT;
    rekall_status status;
    UNUSED;
    patch.content = rekall_text("changed in a batch");
    status = rekall_batch_update(batch, second.text, &patch, NULL, 0, error);
    if (status == REKALL_OK) {
        status = rekall_batch_link(batch, second.text, first.text, "related", NULL, 0, error);
    }
    if (status == REKALL_OK) {
        status = rekall_apply(shared, batch, NULL, error);
    }
    rekall_batch_free(batch);
    return status;
}

static rekall_status remember_json(GIVEN)
{
    UNUSED;
    return rekall_remember_json(shared, "{\"title\":\"from JSON\"}", REKALL_NTS, NULL, NULL, error);
}

static rekall_status sync_sources(GIVEN)
{
    UNUSED;
    return rekall_sync_sources(shared, "wiki:",
                               "{\"sources\": [{\"uri\": \"wiki:/a\", \"sections\": [{\"title\": \"a\"}]}]}",
                               REKALL_NTS, NULL, NULL, error);
}

static rekall_status sources(GIVEN)
{
    rekall_report *out = NULL;
    rekall_status status = rekall_sources(shared, "", &out, error);
    UNUSED;
    rekall_report_free(out);
    return status;
}

static rekall_status facets_of(GIVEN)
{
    rekall_facets *out = NULL;
    rekall_status status = rekall_facets_of(shared, REKALL_FACET_TAG, NULL, 5, &out, error);
    UNUSED;
    rekall_facets_free(out);
    return status;
}

static rekall_status changes_since(GIVEN)
{
    rekall_changes *out = NULL;
    rekall_status status = rekall_changes_since(shared, NULL, &out, error);
    UNUSED;
    rekall_changes_free(out);
    return status;
}

static rekall_status change_position(GIVEN)
{
    rekall_position out;
    UNUSED;
    return rekall_change_position(shared, &out, error);
}

static rekall_status count(GIVEN)
{
    uint64_t out = 0;
    UNUSED;
    return rekall_count(shared, NULL, &out, error);
}

static rekall_status data_version(GIVEN)
{
    int64_t out = 0;
    UNUSED;
    return rekall_data_version(shared, &out, error);
}

#endif /* EVERY_FUNCTION_ENTRIES_H */
