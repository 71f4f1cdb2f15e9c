/* Calls of the functions that search. Part of every_function.c. */
#ifndef EVERY_FUNCTION_SEARCHES_H
#define EVERY_FUNCTION_SEARCHES_H

#include "every_function.h"

/* Reads what each hit says of its score, and of how much the model knows. */
static void read_scores(const rekall_hits *hits)
{
    uint32_t part, retrieval, role, number;
    size_t i;
    (void)rekall_hits_known(hits);
    (void)rekall_hits_threshold(hits);
    for (i = 0; i < rekall_hits_count(hits); i++) {
        for (part = REKALL_PART_SEMANTIC; part <= REKALL_PART_EXACT; part++) {
            (void)rekall_hits_part(hits, i, part);
            (void)rekall_hits_part_weight(hits, i, part);
        }
        for (retrieval = REKALL_RETRIEVAL_SEMANTIC; retrieval <= REKALL_RETRIEVAL_TEXT; retrieval++)
            (void)rekall_hits_retrieval_passage(hits, i, retrieval, &role, &number);
    }
}

static rekall_status recall(GIVEN)
{
    rekall_recall_options how = REKALL_RECALL_OPTIONS_INIT;
    rekall_hits *out = NULL;
    rekall_status status;
    UNUSED;
    how.flags = REKALL_RECALL_REQUIRE_QUOTES;
    status = rekall_recall(shared, "\"entry\"", 7, &how, &out, error);
    if (!status)
        read_scores(out);
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
    if (!status)
        read_scores(out);
    rekall_hits_free(out);
    return status;
}

static rekall_status near_duplicates(GIVEN)
{
    rekall_duplicates *out = NULL;
    rekall_status status = rekall_near_duplicates(shared, first.text, 0.9f, &out, error);
    UNUSED;
    rekall_duplicates_free(out);
    return status;
}

static rekall_status remember_with_duplicates(GIVEN)
{
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    rekall_duplicates *out = NULL;
    rekall_status status;
    UNUSED;
    entry.title = rekall_text("another entry again");
    status = rekall_remember_with_duplicates(shared, &entry, NULL, 0.9f, NULL, &out, error);
    rekall_duplicates_free(out);
    return status;
}

static rekall_status find_duplicates(GIVEN)
{
    rekall_duplicates *out = NULL;
    rekall_status status = rekall_find_duplicates(shared, NULL, NULL, &out, error);
    UNUSED;
    rekall_duplicates_free(out);
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
