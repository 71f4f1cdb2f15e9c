/* Remembering where a process or a thread ends, and in forked children. C11, threads of POSIX. Arguments: a folder, the
 * repository. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 6, EACH = 4 };

static rekall_db *shared;
static pthread_key_t key;

/* Ids made in a copy of this process: nothing that the fork copied may make them the same. */
static void children_make_ids_of_their_own(const char *folder)
{
    char made[CHILDREN * EACH][REKALL_ID_LEN + 1];
    pid_t children[CHILDREN];
    int pipes[2], child, i, k;
    rekall_embedder embedder = letters(NULL);
    rekall_db *before = open_at(folder, "before.db", &embedder);

    remember(before, "so that what makes ids has begun");
    rekall_close(before);
    CHECK(pipe(pipes) == 0);
    for (child = 0; child < CHILDREN; child++) {
        children[child] = fork();
        CHECK(children[child] >= 0);
        if (children[child] == 0) {
            char name[32];
            rekall_db *db;
            sprintf(name, "child-%d.db", child);
            db = open_at(folder, name, &embedder);
            for (i = 0; i < EACH; i++) {
                rekall_id id = remember(db, "the same title in each");
                CHECK(write(pipes[1], id.text, sizeof made[0]) == (ssize_t)sizeof made[0]);
            }
            rekall_close(db);
            _exit(0);
        }
    }
    for (i = 0; i < CHILDREN * EACH; i++) {
        CHECK(read(pipes[0], made[i], sizeof made[i]) == (ssize_t)sizeof made[i]);
        for (k = 0; k < i; k++) {
            /* The random part: children may run in different milliseconds. */
            CHECK(strcmp(made[i] + 10, made[k] + 10) != 0);
        }
    }
    for (child = 0; child < CHILDREN; child++) {
        int status;
        CHECK(waitpid(children[child], &status, 0) == children[child]);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    close(pipes[0]);
    close(pipes[1]);
}

/* As a host might save what is left to save. */
static void use_everything(const char *title)
{
    rekall_id id = remember(shared, title);
    rekall_hits *hits = NULL;
    rekall_entry *entry = NULL;

    OK(rekall_get(shared, id.text, &entry, &error));
    CHECK(strcmp(rekall_entry_title(entry, NULL), title) == 0);
    rekall_entry_free(entry);
    OK(rekall_recall(shared, title, REKALL_NTS, NULL, &hits, &error));
    CHECK(rekall_hits_count(hits) > 0);
    rekall_hits_free(hits);
    OK(rekall_forget(shared, id.text, &error));
}

static void at_thread_exit(void *title)
{
    use_everything(title);
}

static void *thread(void *title)
{
    use_everything("while the thread runs");
    CHECK(pthread_setspecific(key, title) == 0);
    return NULL;
}

static void at_exit(void)
{
    use_everything("at exit");
    rekall_close(shared);
    puts("ok");
}

int main(int argc, char **argv)
{
    static char title[] = "when the thread's own data goes";
    pthread_t other;

    CHECK(argc == 3);
    CHECK(atexit(at_exit) == 0);
    children_make_ids_of_their_own(argv[1]);
    shared = open_at(argv[1], "exit.db", NULL);
    use_everything("while the process runs");
    CHECK(pthread_key_create(&key, at_thread_exit) == 0);
    CHECK(pthread_create(&other, NULL, thread, title) == 0);
    CHECK(pthread_join(other, NULL) == 0);
    return 0;
}
