/* Calls of the functions that search. Part of every_function.c. */
#ifndef EVERY_FUNCTION_SEARCHES_H
#define EVERY_FUNCTION_SEARCHES_H

#include "every_function.h"

static rekall_status recall(GIVEN)
{
    rekall_hits *out = NULL;
    rekall_status status = rekall_recall(shared, "entry", 5, NULL, &out, error);
    UNUSED;
    rekall_hits_free(out);
    return status;
}

static rekall_status recall_vector(GIVEN)
{
    float vector[TEST_DIMENSIONS] = {1, 2};
    rekall_hits *out = NULL;
    rekall_status status = rekall_recall_vector(shared, vector, TEST_DIMENSIONS, NULL, &out, error);
    UNUSED;
    rekall_hits_free(out);
    return status;
}

static rekall_status recall_batch(GIVEN)
{
    rekall_query query = {{"entry", 5}, NULL, 0};
    rekall_hits *out = NULL;
    rekall_status status = rekall_recall_batch(shared, &query, 1, NULL, &out, error);
    UNUSED;
    rekall_hits_free(out);
    return status;
}

static rekall_status similar(GIVEN)
{
    rekall_hits *out = NULL;
    rekall_status status = rekall_similar(shared, first.text, NULL, &out, error);
    UNUSED;
    rekall_hits_free(out);
    return status;
}

static rekall_status similarity_rank(GIVEN)
{
    float out = 0;
    UNUSED;
    return rekall_similarity_rank(shared, 0.5f, &out, error);
}

static rekall_status audit_index(GIVEN)
{
    rekall_index_audit out = REKALL_INDEX_AUDIT_INIT;
    UNUSED;
    return rekall_audit_index(shared, 2, 2, NULL, &out, error);
}

#endif /* EVERY_FUNCTION_SEARCHES_H */
