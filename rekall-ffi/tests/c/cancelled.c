/* A thread that is cancelled inside of a call ends the call first, and the handle goes on. C11, threads of POSIX.
 * Arguments: a folder, the repository. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include <pthread.h>
#include <unistd.h>

static rekall_db *db;
/* Held by the one who must go first: waiting for a mutex is no cancellation point. */
static pthread_mutex_t begun = PTHREAD_MUTEX_INITIALIZER, cancelled = PTHREAD_MUTEX_INITIALIZER;
static volatile int returned, asked;

/* While the first text is being embedded, the thread is cancelled; before and behind it the call reads and writes. */
static rekall_status slow_embed(void *user_data, uint32_t purpose, const rekall_str *texts, size_t count,
                                float *out_vectors, size_t dimensions)
{
    if (!asked) {
        int state;
        asked = 1;
        pthread_mutex_unlock(&begun);
        pthread_mutex_lock(&cancelled);
        pthread_mutex_unlock(&cancelled);
        /* Also in a callback, and with another call in it. */
        pthread_testcancel();
        CHECK(rekall_token_is_cancelled(NULL) == 0);
        CHECK(rekall_probe_legacy("/nonexistent/x", NULL, NULL) == REKALL_MISUSE);
        pthread_testcancel();
        CHECK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state) == 0 && state == PTHREAD_CANCEL_DISABLE);
    }
    return letters_embed(user_data, purpose, texts, count, out_vectors, dimensions);
}

static void *remember_one(void *argument)
{
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    rekall_id *id = argument;
    pthread_mutex_lock(&begun);
    entry.title = rekall_text("remembered all the same");
    OK(rekall_remember(db, &entry, NULL, id, &error));
    returned = 1;
    pthread_testcancel();
    returned = 2;
    return NULL;
}

/* A thread that cannot be cancelled still cannot be afterwards. */
static void *not_to_be_cancelled(void *argument)
{
    int state;
    uint64_t entries = 0;
    (void)argument;
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL) == 0);
    OK(rekall_count(db, NULL, &entries, &error));
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state) == 0 && state == PTHREAD_CANCEL_DISABLE);
    OK(rekall_count(db, NULL, &entries, &error));
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state) == 0 && state == PTHREAD_CANCEL_ENABLE);
    return NULL;
}

static void *close_it(void *argument)
{
    rekall_db *closed = argument;
    /* Of this thread itself: it ends at the next cancellation point, of which a close has many. */
    CHECK(pthread_cancel(pthread_self()) == 0);
    rekall_close(closed);
    returned = 3;
    pthread_testcancel();
    return NULL;
}

int main(int argc, char **argv)
{
    rekall_embedder embedder = letters(NULL);
    rekall_entry *entry = NULL;
    rekall_report *report = NULL;
    rekall_id id = {{0}};
    pthread_t thread;
    void *end = NULL;

    CHECK(argc == 3);
    alarm(120); /* a hang, not a slow machine */
    embedder.embed = slow_embed;
    db = open_at(argv[1], "cancelled.db", &embedder);
    pthread_mutex_lock(&cancelled);
    CHECK(pthread_create(&thread, NULL, remember_one, &id) == 0);
    for (;;) { /* until it is inside of the embedder, which lets the mutex go */
        pthread_mutex_lock(&begun);
        if (asked) {
            break;
        }
        pthread_mutex_unlock(&begun);
    }
    CHECK(pthread_cancel(thread) == 0);
    pthread_mutex_unlock(&cancelled);
    CHECK(pthread_join(thread, &end) == 0);
    CHECK(end == PTHREAD_CANCELED && returned == 1);

    OK(rekall_get(db, id.text, &entry, &error));
    CHECK(strcmp(rekall_entry_title(entry, NULL), "remembered all the same") == 0);
    rekall_entry_free(entry);
    remember(db, "the next one");
    OK(rekall_check(db, NULL, &report, &error));
    CHECK(rekall_report_number(report, "found") == 0);
    rekall_report_free(report);
    CHECK(pthread_create(&thread, NULL, not_to_be_cancelled, NULL) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(pthread_create(&thread, NULL, close_it, db) == 0 && pthread_join(thread, &end) == 0);
    CHECK(end == PTHREAD_CANCELED && returned == 3);
    puts("ok");
    return 0;
}
