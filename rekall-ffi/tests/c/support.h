/* What the C tests share: checks that say where they failed, and a model of ten lines. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include "rekall.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                              \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);   \
            exit(1);                                                                  \
        }                                                                             \
    } while (0)

/* Not every program needs every function. */
#ifdef __GNUC__
#define SHARED __attribute__((unused)) static
#else
#define SHARED static
#endif

/* C90 has no isnan. */
#define IS_NAN(number) ((number) != (number))

/* The call succeeds; its error is freed and shown otherwise. */
#define OK(call)                                                                      \
    do {                                                                              \
        rekall_error *error = NULL;                                                   \
        rekall_status status_ = (call);                                               \
        if (status_ != REKALL_OK) {                                                   \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__,                    \
                    rekall_status_name(status_), rekall_error_message(error));        \
            exit(1);                                                                  \
        }                                                                             \
        CHECK(error == NULL);                                                         \
    } while (0)

/* The call fails with this status, and its error says so in words. */
#define FAILS(expected, call)                                                         \
    do {                                                                              \
        rekall_error *error = NULL;                                                   \
        rekall_status status_ = (call);                                               \
        if (status_ != (expected)) {                                                  \
            fprintf(stderr, "%s:%d: expected %s, got %s: %s\n", __FILE__, __LINE__,   \
                    rekall_status_name(expected), rekall_status_name(status_),        \
                    rekall_error_message(error));                                     \
            exit(1);                                                                  \
        }                                                                             \
        CHECK(error != NULL);                                                         \
        CHECK(rekall_error_status(error) == (expected));                              \
        CHECK(strlen(rekall_error_message(error)) > 5);                               \
        CHECK(strchr(rekall_error_message(error), '\n') == NULL);                     \
        rekall_error_free(error);                                                     \
    } while (0)

enum { TEST_DIMENSIONS = 16 };

/* A model: each letter pulls in a direction of its own. A text without letters has no vector. */
SHARED rekall_status letters_embed(void *user_data, uint32_t purpose, const rekall_str *texts, size_t count,
                                   float *out_vectors, size_t dimensions)
{
    size_t i, k;
    int *status = (int *)user_data;
    (void)purpose;
    if (status != NULL && *status != REKALL_OK) {
        return *status;
    }
    for (i = 0; i < count; i++) {
        for (k = 0; k < texts[i].len; k++) {
            unsigned char letter = (unsigned char)texts[i].data[k];
            if (letter >= 'A' && letter <= 'Z') {
                letter = (unsigned char)(letter + 32);
            }
            if (letter >= 'a' && letter <= 'z') {
                out_vectors[i * dimensions + (size_t)(letter - 'a') % dimensions] += 1.0f;
            }
        }
    }
    return REKALL_OK;
}

SHARED rekall_embedder letters(int *status)
{
    rekall_embedder embedder = REKALL_EMBEDDER_INIT;
    embedder.name = "letters";
    embedder.dimensions = TEST_DIMENSIONS;
    embedder.embed = letters_embed;
    embedder.user_data = status;
    return embedder;
}

/* FOLDER/NAME, until the fourth call from now. */
SHARED const char *in(const char *folder, const char *name)
{
    static char paths[4][1024];
    static int turn;
    turn = (turn + 1) % 4;
    sprintf(paths[turn], "%.900s/%.100s", folder, name);
    return paths[turn];
}

/* Opens FOLDER/NAME with a model of the caller's. */
SHARED rekall_db *open_at(const char *folder, const char *name, const rekall_embedder *embedder)
{
    rekall_db *db = NULL;
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    options.embedder = embedder;
    OK(rekall_open(in(folder, name), &options, &db, &error));
    CHECK(db != NULL);
    return db;
}

SHARED rekall_id remember(rekall_db *db, const char *title)
{
    rekall_id id;
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    entry.title = rekall_text(title);
    OK(rekall_remember(db, &entry, NULL, &id, &error));
    CHECK(strlen(id.text) == REKALL_ID_LEN);
    return id;
}

#endif
