/* Calls of the functions about the file as a whole. Part of every_function.c. */
#ifndef EVERY_FUNCTION_FILES_H
#define EVERY_FUNCTION_FILES_H

#include "every_function.h"

static rekall_status path(GIVEN)
{
    UNUSED;
    *error = NULL;
    return rekall_path(shared) != NULL ? REKALL_OK : REKALL_ERROR;
}

static rekall_status interrupt(GIVEN)
{
    UNUSED;
    *error = NULL;
    rekall_interrupt(shared);
    return REKALL_OK;
}

static rekall_status open_scope(GIVEN)
{
    rekall_db *scope = NULL;
    rekall_status status = rekall_open_scope(shared, thread % 2 ? "ann" : "bob", &scope, error);
    UNUSED;
    rekall_close(scope);
    return status;
}

static rekall_status scope_name(GIVEN)
{
    UNUSED;
    *error = NULL;
    return rekall_scope_name(shared) == NULL ? REKALL_OK : REKALL_ERROR;
}

static rekall_status list_scopes(GIVEN)
{
    rekall_report *out = NULL;
    rekall_status status = rekall_list_scopes(shared, &out, error);
    UNUSED;
    rekall_report_free(out);
    return status;
}

static rekall_status remove_scope(GIVEN)
{
    UNUSED;
    return rekall_remove_scope(shared, thread % 2 ? "ann" : "bob", NULL, error);
}

static rekall_status export_jsonl(GIVEN)
{
    char name[1024];
    return rekall_export_jsonl(shared, fresh(name, thread, round, ".jsonl"), REKALL_EXPORT_ALL, NULL, NULL, error);
}

static rekall_status take(void *user_data, const char *bytes, size_t len)
{
    (void)bytes;
    *(size_t *)user_data += len;
    return REKALL_OK;
}

static rekall_status export_jsonl_to(GIVEN)
{
    size_t taken = 0;
    UNUSED;
    return rekall_export_jsonl_to(shared, take, &taken, REKALL_EXPORT_ALL, NULL, NULL, error);
}

static rekall_status import_jsonl(GIVEN)
{
    char name[1024];
    sprintf(name, "%.900s/all.jsonl", place);
    UNUSED;
    return rekall_import_jsonl(shared, name, REKALL_DUPLICATE_SKIP, NULL, NULL, error);
}

static rekall_status give_nothing(void *user_data, char *buffer, size_t capacity, size_t *out_len)
{
    (void)user_data, (void)buffer, (void)capacity;
    *out_len = 0;
    return REKALL_OK;
}

static rekall_status import_jsonl_from(GIVEN)
{
    UNUSED;
    return rekall_import_jsonl_from(shared, give_nothing, NULL, REKALL_DUPLICATE_SKIP, NULL, NULL, error);
}

static rekall_status import_legacy(GIVEN)
{
    UNUSED;
    return rekall_import_legacy(shared, "/nonexistent/x", 0, NULL, NULL, error);
}

static rekall_status check(GIVEN)
{
    rekall_report *out = NULL;
    rekall_status status = rekall_check(shared, NULL, &out, error);
    UNUSED;
    rekall_report_free(out);
    return status;
}

static rekall_status repair(GIVEN)
{
    UNUSED;
    return rekall_repair(shared, NULL, NULL, error);
}

static rekall_status backup(GIVEN)
{
    char name[1024];
    return rekall_backup(shared, fresh(name, thread, round, "-backup.db"), NULL, error);
}

static rekall_status compact(GIVEN)
{
    UNUSED;
    return rekall_compact(shared, NULL, NULL, error);
}

static rekall_status rebuild_index(GIVEN)
{
    UNUSED;
    return rekall_rebuild_index(shared, NULL, error);
}

static rekall_status get_stats(GIVEN)
{
    rekall_stats out = REKALL_STATS_INIT;
    UNUSED;
    return rekall_get_stats(shared, &out, error);
}

static rekall_status index_backend(GIVEN)
{
    char buffer[200];
    UNUSED;
    return rekall_index_backend(shared, buffer, sizeof buffer, NULL, error);
}

static rekall_status pending_reason(GIVEN)
{
    char buffer[400];
    UNUSED;
    return rekall_pending_reason(shared, buffer, sizeof buffer, NULL, error);
}

#endif /* EVERY_FUNCTION_FILES_H */
