/* Eight threads on one handle; a close that waits for a call; a search that a newer one takes the place of. C11, threads
 * of POSIX. Arguments: a folder, the repository. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include <pthread.h>

static rekall_db *shared;

/* Two queries in one search; what the other threads write at the same time changes neither. */
static void search_both(const char *title)
{
    rekall_query queries[2] = {{{NULL, 0}, NULL, 0}, {{"thread", 6}, NULL, 0}};
    rekall_hits *outs[2];
    queries[0].text = rekall_text(title);
    OK(rekall_recall_batch(shared, queries, 2, NULL, outs, &error));
    CHECK(strcmp(rekall_entry_title(rekall_hits_entry(outs[0], 0), NULL), title) == 0);
    CHECK(rekall_hits_count(outs[1]) >= 1);
    rekall_hits_free(outs[0]);
    rekall_hits_free(outs[1]);
}

static void *worker(void *argument)
{
    int round, me = *(int *)argument;
    for (round = 0; round < 25; round++) {
        rekall_hits *hits = NULL;
        rekall_entry *entry = NULL;
        rekall_error *error = NULL;
        char title[64];
        rekall_id id;
        sprintf(title, "thread %c round %d", 'a' + me, round);
        id = remember(shared, title);
        CHECK(rekall_recall(shared, title, REKALL_NTS, NULL, &hits, &error) == REKALL_OK);
        CHECK(rekall_hits_count(hits) >= 1);
        rekall_hits_free(hits);
        if (round % 5 == 0) {
            search_both(title);
        }
        CHECK(rekall_get(shared, id.text, &entry, &error) == REKALL_OK);
        CHECK(strcmp(rekall_entry_title(entry, NULL), title) == 0);
        rekall_entry_free(entry);
        if (round % 2 == 0) {
            CHECK(rekall_forget(shared, id.text, &error) == REKALL_OK);
        }
        CHECK(rekall_get(shared, "nonsense", &entry, &error) == REKALL_INVALID_INPUT);
        CHECK(strstr(rekall_error_message(error), "nonsense") != NULL);
        rekall_error_free(error);
    }
    return NULL;
}

static void many_threads(const char *folder)
{
    rekall_embedder embedder = letters(NULL);
    pthread_t threads[8];
    int numbers[8], i;
    rekall_stats stats = REKALL_STATS_INIT;

    shared = open_at(folder, "threads.db", &embedder);
    for (i = 0; i < 8; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&threads[i], NULL, worker, &numbers[i]) == 0);
    }
    for (i = 0; i < 8; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    OK(rekall_get_stats(shared, &stats, &error));
    CHECK(stats.entries == 8 * 12);
    rekall_close(shared);
}

/* An embedder that waits until another thread says go: close must wait for the call that it is in. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int inside, released, ended;

static rekall_status waiting_embed(void *user_data, uint32_t purpose, const rekall_str *texts, size_t count,
                                   float *out_vectors, size_t dimensions)
{
    (void)user_data;
    pthread_mutex_lock(&lock);
    inside = 1;
    pthread_cond_broadcast(&changed);
    while (!released) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    return letters_embed(NULL, purpose, texts, count, out_vectors, dimensions);
}

static void *remember_slowly(void *argument)
{
    rekall_new_entry input = REKALL_NEW_ENTRY_INIT;
    rekall_error *error = NULL;
    rekall_status status;
    (void)argument;
    input.title = rekall_text("slow");
    status = rekall_remember(shared, &input, NULL, NULL, &error);
    CHECK(status == REKALL_INTERRUPTED);
    rekall_error_free(error);
    pthread_mutex_lock(&lock);
    ended = 1;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void *let_go(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&lock);
    released = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void close_waits(const char *folder)
{
    rekall_embedder embedder = letters(NULL);
    pthread_t slow, other;

    embedder.embed = waiting_embed;
    shared = open_at(folder, "waits.db", &embedder);
    CHECK(pthread_create(&slow, NULL, remember_slowly, NULL) == 0);
    pthread_mutex_lock(&lock);
    while (!inside) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    rekall_interrupt(shared); /* the call in the embedder will notice when it is back */
    CHECK(pthread_create(&other, NULL, let_go, NULL) == 0);
    rekall_close(shared);
    CHECK(pthread_join(slow, NULL) == 0 && pthread_join(other, NULL) == 0);
    CHECK(ended == 1);
}

/* An embedder that keeps texts beginning with "slow" until another thread says go. */
static rekall_status holding_embed(void *user_data, uint32_t purpose, const rekall_str *texts, size_t count,
                                   float *out_vectors, size_t dimensions)
{
    if (count > 0 && texts[0].len >= 4 && memcmp(texts[0].data, "slow", 4) == 0) {
        return waiting_embed(user_data, purpose, texts, count, out_vectors, dimensions);
    }
    return letters_embed(NULL, purpose, texts, count, out_vectors, dimensions);
}

static void *search_slowly(void *argument)
{
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_hits *hits = NULL;
    rekall_error *error = NULL;
    rekall_status status;
    options.supersede = rekall_text("typing");
    status = rekall_recall(shared, argument, REKALL_NTS, &options, &hits, &error);
    CHECK((status == REKALL_OK) == (hits != NULL));
    if (status != REKALL_OK) {
        CHECK(status == REKALL_SUPERSEDED && strstr(rekall_error_message(error), "superseded") != NULL);
        CHECK(strstr(rekall_error_message(error), "\"typing\"") != NULL);
    }
    rekall_hits_free(hits);
    rekall_error_free(error);
    pthread_mutex_lock(&lock);
    ended = status;
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* How a search of the key "typing" ends when one of this key begins while it runs. */
static rekall_status ends(char *query, const char *newer_key)
{
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_query newer = {{"newer", 5}, NULL, 0};
    rekall_hits *hits = NULL;
    pthread_t older;

    inside = released = 0;
    CHECK(pthread_create(&older, NULL, search_slowly, query) == 0);
    pthread_mutex_lock(&lock);
    while (!inside) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    options.supersede = rekall_text(newer_key);
    OK(rekall_recall_batch(shared, &newer, 1, &options, &hits, &error));
    CHECK(rekall_hits_count(hits) == 1);
    rekall_hits_free(hits);
    let_go(NULL);
    CHECK(pthread_join(older, NULL) == 0);
    return ended;
}

static void a_newer_search_takes_over(const char *folder)
{
    static char first[] = "slow one", second[] = "slow two", third[] = "slow three", fourth[] = "slow four";
    rekall_embedder embedder = letters(NULL);

    embedder.embed = holding_embed;
    shared = open_at(folder, "supersede.db", &embedder);
    remember(shared, "the newer one");
    CHECK(ends(first, "typing") == REKALL_SUPERSEDED);
    CHECK(ends(second, "another field") == REKALL_OK);
    CHECK(ends(third, NULL) == REKALL_OK);
    CHECK(ends(fourth, "typing") == REKALL_SUPERSEDED);
    rekall_close(shared);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    many_threads(argv[1]);
    close_waits(argv[1]);
    a_newer_search_takes_over(argv[1]);
    puts("ok");
    return 0;
}
