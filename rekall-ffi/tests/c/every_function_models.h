/* Calls of the functions about the model and its vectors. Part of every_function.c. */
#ifndef EVERY_FUNCTION_MODELS_H
#define EVERY_FUNCTION_MODELS_H

#include "every_function.h"

static rekall_status list_spaces(GIVEN)
{
    rekall_spaces *out = NULL;
    rekall_status status = rekall_list_spaces(shared, &out, error);
    UNUSED;
    rekall_spaces_free(out);
    return status;
}

static rekall_status stored_vector(GIVEN)
{
    float out[TEST_DIMENSIONS];
    UNUSED;
    return rekall_stored_vector(shared, second.text, 0, 0, out, TEST_DIMENSIONS, NULL, error);
}

static rekall_status embed_texts(GIVEN)
{
    rekall_vectors *out = NULL;
    rekall_str text = rekall_text("text");
    rekall_status status = rekall_embed_texts(shared, REKALL_EMBED_QUERY, &text, 1, NULL, &out, error);
    UNUSED;
    if (!status)
        (void)rekall_vectors_known(out, 0);
    rekall_vectors_free(out);
    return status;
}

static rekall_status dimensions(GIVEN)
{
    size_t out = 0;
    UNUSED;
    return rekall_dimensions(shared, &out, error);
}

static rekall_status embed(GIVEN)
{
    float out[TEST_DIMENSIONS];
    UNUSED;
    return rekall_embed(shared, REKALL_EMBED_QUERY, "entry", 5, out, TEST_DIMENSIONS, NULL, error);
}

static rekall_status model_load(GIVEN)
{
    UNUSED;
    return rekall_model_load(shared, error);
}

static rekall_status model_unload(GIVEN)
{
    rekall_unloaded out;
    UNUSED;
    return rekall_model_unload(shared, &out, error);
}

static rekall_status model_state(GIVEN)
{
    uint32_t out = 0;
    UNUSED;
    return rekall_model_state(shared, &out, error);
}

static rekall_status model_touch(GIVEN)
{
    UNUSED;
    return rekall_model_touch(shared, error);
}

static rekall_status reranker_load(GIVEN)
{
    UNUSED;
    return rekall_reranker_load(shared, error);
}

static rekall_status reranker_unload(GIVEN)
{
    rekall_unloaded out;
    UNUSED;
    return rekall_reranker_unload(shared, &out, error);
}

static rekall_status reranker_state(GIVEN)
{
    uint32_t out = 0;
    UNUSED;
    return rekall_reranker_state(shared, &out, error);
}

static rekall_status unload_if_idle(GIVEN)
{
    uint64_t out = 0;
    UNUSED;
    return rekall_unload_if_idle(shared, &out, error);
}

static rekall_status next_deadline_ms(GIVEN)
{
    uint64_t out = 0;
    UNUSED;
    return rekall_next_deadline_ms(shared, &out, error);
}

static rekall_status release_memory(GIVEN)
{
    UNUSED;
    return rekall_release_memory(shared, error);
}

static rekall_status embed_pending(GIVEN)
{
    UNUSED;
    return rekall_embed_pending(shared, NULL, NULL, error);
}

static rekall_status reembed(GIVEN)
{
    rekall_reembed_options options = REKALL_REEMBED_OPTIONS_INIT;
    rekall_embedder same = letters(NULL);
    UNUSED;
    options.embedder = &same;
    return rekall_reembed(shared, &options, NULL, NULL, error);
}

static rekall_status clear_cache(GIVEN)
{
    UNUSED;
    return rekall_clear_cache(shared, error);
}

static rekall_status model_name(GIVEN)
{
    char buffer[200];
    UNUSED;
    return rekall_model_name(shared, buffer, sizeof buffer, NULL, error);
}

static rekall_status fingerprint(GIVEN)
{
    char buffer[400];
    UNUSED;
    return rekall_fingerprint(shared, buffer, sizeof buffer, NULL, error);
}

#endif /* EVERY_FUNCTION_MODELS_H */
