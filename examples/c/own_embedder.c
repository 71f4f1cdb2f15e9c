/* A model of the program's own: here a toy that knows pairs of letters, elsewhere a call into an inference library. */
#include <rekall.h>

#include <stdio.h>

enum { DIMENSIONS = 256 };

/* Each pair of neighbouring letters counts for one of 256 directions. The library brings the rows to length 1. */
static rekall_status embed(void *user_data, uint32_t purpose, const rekall_str *texts, size_t count,
                           float *out_vectors, size_t dimensions)
{
    size_t *calls = user_data, text, at;
    (void)purpose; /* a model with prefixes would look at it */
    ++*calls;
    for (text = 0; text < count; text++) {
        for (at = 1; at < texts[text].len; at++) {
            unsigned char first = (unsigned char)texts[text].data[at - 1] | 32;
            unsigned char second = (unsigned char)texts[text].data[at] | 32;
            out_vectors[text * dimensions + (first * 31u + second) % dimensions] += 1;
        }
    }
    return REKALL_OK;
}

/* Called once when the library needs the model no more. */
static void destroy(void *user_data)
{
    printf("the model was asked %lu times\n", (unsigned long)*(size_t *)user_data);
}

/* Hears what happens meanwhile. */
static void on_log(void *user_data, int32_t level, const char *message, size_t len)
{
    (void)user_data;
    (void)len;
    printf("[%d] %s\n", (int)level, message);
}

int main(void)
{
    static const char *const titles[] = {"Marmalade recipe", "Marble quarry", "Train timetable"};
    size_t calls = 0, i;
    rekall_error *error = NULL;
    rekall_db *db = NULL;
    rekall_hits *hits = NULL;
    rekall_id ids[3];
    rekall_embedder embedder = REKALL_EMBEDDER_INIT;
    rekall_listener listener = REKALL_LISTENER_INIT;
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;

    embedder.name = "letter pairs, version 1"; /* change it whenever the vectors change their meaning */
    embedder.dimensions = DIMENSIONS;
    embedder.embed = embed;
    embedder.user_data = &calls;
    embedder.destroy = destroy;
    listener.log = on_log;
    options.embedder = &embedder;
    options.listener = &listener;
    if (rekall_open("own_embedder.db", &options, &db, &error)) goto fail;

    for (i = 0; i < 3; i++) {
        rekall_new_entry note = REKALL_NEW_ENTRY_INIT;
        note.title = rekall_text(titles[i]);
        if (rekall_remember(db, &note, NULL, &ids[i], &error)) goto fail;
    }
    if (rekall_recall(db, "marmelade", REKALL_NTS, NULL, &hits, &error)) goto fail;
    for (i = 0; i < rekall_hits_count(hits); i++) {
        printf("%.2f  %s\n", rekall_hits_similarity(hits, i), rekall_entry_title(rekall_hits_entry(hits, i), NULL));
    }
    rekall_hits_free(hits);

    /* Leave nothing behind, so that the program can be run again. */
    for (i = 0; i < 3; i++) {
        if (rekall_forget(db, ids[i].text, &error)) goto fail;
    }
    rekall_close(db);
    return 0;

fail:
    fprintf(stderr, "%s\n", rekall_error_message(error));
    rekall_error_free(error);
    rekall_close(db);
    return 1;
}
