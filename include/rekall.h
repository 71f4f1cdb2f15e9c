/*
 * rekall: a local semantic memory for C and C++. A program remembers entries (a bug and its fix, a decision, any note)
 * and recalls them by meaning, by words, or both: one SQLite file, no server, no network.
 *
 * The rules below hold for every function; its own comment says what is special to it.
 *
 * STATUS. A function that can fail returns a rekall_status: REKALL_OK is 0, all others are positive. Codes are only ever
 * added; treat one that you do not know like REKALL_ERROR. Comments name what is special to a function; besides, any call
 * may return REKALL_MISUSE or REKALL_PANIC, one that reads the file REKALL_IO or REKALL_CORRUPT, and one that writes it
 * REKALL_BUSY, REKALL_FULL or REKALL_READ_ONLY, too.
 *
 * ERRORS. The last parameter of such a function, rekall_error **error, may be NULL. Otherwise it receives NULL, or an
 * object that says in words what was expected and what was found; free it with rekall_error_free(). Nothing is kept by
 * thread or by handle.
 *
 * OUTPUTS are set to NULL or 0 when the call begins, and to the result only when it succeeds; a buffer with a capacity
 * only has its length set to 0. Nothing is half done: a call that writes is one transaction, but for
 * rekall_embed_pending() and rekall_reembed(), which write batch by batch and go on where they were when called again.
 *
 * OWNERSHIP. What comes through a T **out is yours, and goes back with the function of its type: rekall_close(),
 * rekall_hits_free(), ... (NULL is fine). What an accessor returns as a const pointer belongs to the object that was
 * asked, and lives as long. What you hand in is copied, or used only until the call returns, unless said otherwise. A
 * handle or token that is closed or freed, or never was one, is REKALL_MISUSE, and what was freed is not freed again: both
 * are known by their address, until something new comes to stand there. Do not read an object that was freed.
 *
 * TEXT in is UTF-8: a pointer and a length in bytes, without a NUL at the end. NULL with 0 is the empty text; NULL with
 * another length is REKALL_MISUSE; REKALL_NTS as the length means that the text ends at its first NUL. Paths, names and
 * ids (26 characters) are NUL-terminated. Text out is UTF-8 with a NUL after it, and its length on request.
 *
 * LISTS are a pointer and a count; NULL with 0 is the empty list.
 *
 * OPTION STRUCTS start with struct_size. Set them up with their _INIT macro, which zeroes the rest, or, in languages
 * without macros, with their _init() function; 0 or NULL stands for
 * the default of each member. Members are only ever added at the end, so programs compiled against an older header go on
 * working; a program compiled against a newer one gets REKALL_UNSUPPORTED if it sets a member that the library does not
 * know. Unknown flags and numbers are REKALL_MISUSE, and so is a member that is set without the flag or the member that
 * makes it count: nothing is ignored silently. Always say struct_size through the macro, never in numbers.
 *
 * THREADS. One handle may be used from any number of threads at once. Hits, entries, pages, links, neighbors, changes,
 * facets, vectors, spaces, reports, errors and tokens may be used from any thread, also after rekall_close(); a batch by one call at
 * a time. Any number of processes may share a file; a handle
 * must not be used in a child process after fork(). A thread that is cancelled (pthread_cancel) inside a call ends the call
 * first: cancellation is disabled until it returns, in its callbacks, too.
 *
 * CALLBACKS come as a function and a user_data that is handed to it. They must not throw, longjmp, end their thread, or
 * call a function on the same handle (which returns REKALL_MISUSE, also with a call on another handle and its callback in
 * between), but for rekall_interrupt(), tokens and objects. Nor may they wait for another thread that uses the handle:
 * some come while a lock is held. Those of a listener, an embedder, a reranker, a clock or a download may come from any thread, also
 * several at once.
 *
 * BUGS in the library become REKALL_PANIC; the process lives, and the handle then answers only rekall_close(). Where the
 * system has no memory left to give, the process is aborted. The library prints nothing else, installs no signal handlers,
 * reads no locale, and starts no thread that was not asked for; those that it starts are named rekall-...
 *
 * COMPILERS. C90 or later with <stdint.h>, C++11 or later; rekall.hpp needs C++17. Tested with GCC 12 and later and with
 * clang, and with no warning at -Wall -Wextra -pedantic. A status that is dropped is warned of: see REKALL_NODISCARD. No
 * parameter is declared nonnull: the library looks for NULL itself, and a compiler that was told there is none would leave
 * out the checks of the program around the call.
 *
 * LINKING. With the shared library: -lrekall, nothing else. With the static library: what pkg-config
 * --variable=static_libs rekall says. Both show rekall_ names only, so a program may link an SQLite of its own beside them;
 * what it must not do is open a file of rekall's with it (see rekall_open()). Built without the feature bundled-sqlite, the
 * library uses the system's libsqlite3.
 *
 * CONTENTS
 *   Version and build
 *   Status codes
 *   Errors
 *   Text and ids
 *   Numbers for none and for no limit
 *   Stopping calls
 *   Watching long calls
 *   Events and log
 *   The caller's own model
 *   The caller's own reranker
 *   Clocks
 *   Loading a model
 *   Reports: what upkeep, import and export found and did
 *   Settings
 *   Opening
 *   Scopes
 *   Entries as they are handed in
 *   Remembering
 *   Entries as they are stored
 *   Reading and changing entries
 *   Remembering an entry, or changing the one that has its key
 *   Which entries were used
 *   One entry in the place of another
 *   Links between entries
 *   Filters: which entries a search may find
 *   Forgetting entries
 *   Entries page by page
 *   Entries page by page, the newest first
 *   Several operations in one transaction
 *   Entries from JSON
 *   Following a file by its changes
 *   Tags, projects, kinds, and how many entries have each
 *   Keeping entries in step with sources
 *   Sources that the file knows
 *   Hits: what a search found
 *   Recalling
 *   Recalling for several queries at once
 *   Entries like a given one
 *   Entries that say nearly the same
 *   Vectors of texts
 *   The model's life
 *   Making vectors later, or again
 *   Vector spaces, and the vectors in them
 *   Import and export
 *   Looking after the file
 *   How much of what is nearest a search finds
 *   Figures
 */

#ifndef REKALL_H
#define REKALL_H

#include <stddef.h>
#include <stdint.h>

/*
 * Warns where a status is dropped. A program that drops some on purpose defines it as nothing before it includes this file.
 */
#ifndef REKALL_NODISCARD
#if (defined(__cplusplus) && __cplusplus >= 201703L) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L)
#define REKALL_NODISCARD [[nodiscard]]
#elif defined(__GNUC__)
#define REKALL_NODISCARD __attribute__((warn_unused_result))
#else
#define REKALL_NODISCARD
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/* ======================================================================================================== */
/* Version and build                                                                                        */
/* ======================================================================================================== */

/*
 * Looked at once, when a program starts: whether the library that it found is the one that it was compiled for.
 *
 *     if (rekall_abi_version() != REKALL_ABI_VERSION || rekall_version_number() < REKALL_VERSION_NUMBER)
 *         fprintf(stderr, "rekall %s is another library than this program was made for\n", rekall_version());
 *     if (!rekall_has_feature(REKALL_FEATURE_BUNDLED_MODEL))
 *         fprintf(stderr, "a model must be named when a file is opened\n");
 */

/**
 * Version of the header: first number. While it is 0, a change of the second number may break the ABI.
 */
#define REKALL_VERSION_MAJOR 0

/**
 * Version of the header: second number.
 */
#define REKALL_VERSION_MINOR 1

/**
 * Version of the header: third number.
 */
#define REKALL_VERSION_PATCH 0

/**
 * Version of the header as one number, to be compared with rekall_version_number():
 * major * 1000000 + minor * 1000 + patch.
 */
#define REKALL_VERSION_NUMBER 1000

/**
 * Version of the binary interface, to be compared with rekall_abi_version(). It grows by one when a program
 * compiled against an older header could go wrong, and never otherwise: new functions, status codes and members
 * at the end of option structs do not change it.
 */
#define REKALL_ABI_VERSION 1

/**
 * SQLite is compiled in; otherwise the library uses the system's libsqlite3, which must be 3.45.3 or newer.
 */
#define REKALL_FEATURE_BUNDLED_SQLITE 1

/**
 * The model for French and English is compiled in.
 */
#define REKALL_FEATURE_BUNDLED_MODEL 2

/**
 * Batched searches are computed as matrix products.
 */
#define REKALL_FEATURE_FAER 3

/**
 * BERT, its relatives and ModernBERT sentence models can be loaded.
 */
#define REKALL_FEATURE_TRANSFORMER 4

/**
 * Models of a hub can be downloaded, when one is named.
 */
#define REKALL_FEATURE_HUB 5

/**
 * Transformers can be computed by candle: the devices "candle" and, with the next four, more.
 */
#define REKALL_FEATURE_CANDLE 6

/**
 * The devices "cuda:N".
 */
#define REKALL_FEATURE_CUDA 7

/**
 * The devices "metal:N".
 */
#define REKALL_FEATURE_METAL 8

/**
 * The device "candle" uses Intel's matrix products.
 */
#define REKALL_FEATURE_MKL 9

/**
 * The device "candle" uses Apple's matrix products.
 */
#define REKALL_FEATURE_ACCELERATE 10

/**
 * The vector backend "sqlite-vec".
 */
#define REKALL_FEATURE_SQLITE_VEC 11

/**
 * The first built-in model, "bundled-v1", for files with vectors that it made.
 */
#define REKALL_FEATURE_BUNDLED_MODEL_V1 12

/**
 * rekall_open() takes the URL of a memory on a PostgreSQL server.
 */
#define REKALL_FEATURE_POSTGRES 13

/**
 * Processes can share one loaded transformer: REKALL_LOAD_HOST.
 */
#define REKALL_FEATURE_HOST 14

/**
 * The library's version as text, such as "0.1.0". Static; never NULL.
 */
const char *rekall_version(void);

/**
 * The library's version as one number: see REKALL_VERSION_NUMBER. A program that needs a function of a certain
 * version checks rekall_version_number() >= REKALL_VERSION_NUMBER once at its start.
 */
uint32_t rekall_version_number(void);

/**
 * Version of the library's binary interface. Where it is not REKALL_ABI_VERSION, the program was compiled against
 * a header that does not fit the library, and must not call anything else.
 */
uint32_t rekall_abi_version(void);

/**
 * 1 if the library was built with a feature (a REKALL_FEATURE_ number), else 0, also for unknown numbers.
 */
int32_t rekall_has_feature(uint32_t feature);

/* ======================================================================================================== */
/* Status codes                                                                                             */
/* ======================================================================================================== */

/*
 * Every function that can fail returns one of these. 0 is success, so a status can be tested as a condition.
 *
 *     status = rekall_clear_cache(db, &error);
 *     if (status == REKALL_BUSY)
 *         puts("another program writes: try once more later");
 *     else if (status)
 *         printf("%s\n", rekall_status_name(status));
 */

/**
 * What a call ended with: a REKALL_ code. Codes are only ever added; a program treats one that it does not know
 * like REKALL_ERROR.
 */
typedef int32_t rekall_status;

/**
 * All went well.
 */
#define REKALL_OK 0

/**
 * Any other error, or a bug in the library.
 */
#define REKALL_ERROR 1

/**
 * The caller broke the rules of this header: a NULL where something is needed, a wrong struct_size, an unknown
 * constant, a call from a callback. A mistake in the program, not in its data.
 */
#define REKALL_MISUSE 2

/**
 * A bug in the library was met; the handle now answers nothing but rekall_close(). What was being written is
 * undone.
 */
#define REKALL_PANIC 3

/**
 * A value is empty, too long, out of range or malformed (text that is not UTF-8, JSON that does not parse).
 */
#define REKALL_INVALID_INPUT 4

/**
 * No entry, file or space of that name; or an entry without a vector where one is needed.
 */
#define REKALL_NOT_FOUND 5

/**
 * The caller's buffer is too small; the size needed was written.
 */
#define REKALL_BUFFER_TOO_SMALL 6

/**
 * The operating system refused to read or write, or the file was moved away or replaced while it was open.
 */
#define REKALL_IO 7

/**
 * Another writer, thread or process, held the file longer than the time-out.
 */
#define REKALL_BUSY 8

/**
 * The disk, or a limit on the file's size, is full.
 */
#define REKALL_FULL 9

/**
 * The file, its folder or the handle is read-only.
 */
#define REKALL_READ_ONLY 10

/**
 * The file is damaged.
 */
#define REKALL_CORRUPT 11

/**
 * The path holds something else than a rekall file.
 */
#define REKALL_NOT_A_DATABASE 12

/**
 * The file was written by a newer version of the library.
 */
#define REKALL_NEWER_VERSION 13

/**
 * The file was written by the Python tool: import it, or open it with REKALL_OPEN_MIGRATE.
 */
#define REKALL_LEGACY_FILE 14

/**
 * A vector has the wrong length, is zero or is not finite.
 */
#define REKALL_INVALID_VECTOR 15

/**
 * The file's vectors were made by another model.
 */
#define REKALL_MODEL_MISMATCH 16

/**
 * There is no model, or it cannot be had now: later it may be.
 */
#define REKALL_MODEL_UNAVAILABLE 17

/**
 * This build or machine lacks what was asked for, or an option struct is of a newer version than the library.
 */
#define REKALL_UNSUPPORTED 18

/**
 * The call was stopped by rekall_interrupt(), a token or a progress callback. What was being written is undone.
 */
#define REKALL_INTERRUPTED 19

/**
 * One of the caller's callbacks failed.
 */
#define REKALL_CALLBACK 20

/**
 * A newer search took the place of this one (supersede of rekall_recall_options).
 */
#define REKALL_SUPERSEDED 21

/**
 * No memory was left, or less than SQLite was allowed. (The library's own lack of memory ends the process.)
 */
#define REKALL_OUT_OF_MEMORY 22

/**
 * The model cannot be used until somebody changes it: it is missing, broken or refused by the hub. (One of a kind that
 * this build does not run is REKALL_UNSUPPORTED.)
 */
#define REKALL_INVALID_MODEL 23

/**
 * The name of a code, such as "REKALL_NOT_FOUND"; "REKALL_UNKNOWN" for a number that is none. Static; never NULL.
 */
const char *rekall_status_name(rekall_status status);

/* ======================================================================================================== */
/* Errors                                                                                                   */
/* ======================================================================================================== */

/*
 * The object that a failed call leaves in its last parameter, if that is not NULL: the status once more, and one line in
 * words. Free it; a call that succeeds leaves NULL.
 *
 *     if (rekall_forget(db, "not an id", &error) == REKALL_INVALID_INPUT) {
 *         printf("%s\n", rekall_error_message(error));
 *         rekall_error_free(error);
 *         error = NULL;
 *     }
 */

/**
 * What went wrong, in a code and in words. Never changes; may be read from any thread.
 */
typedef struct rekall_error rekall_error;

/**
 * The code of an error: what the call that made it returned. REKALL_OK for NULL.
 */
REKALL_NODISCARD
rekall_status rekall_error_status(const rekall_error *error);

/**
 * The error in words: one line of UTF-8 that says what was expected and what was found. It belongs to the error.
 * "" for NULL; never NULL.
 */
const char *rekall_error_message(const rekall_error *error);

/**
 * Frees an error. NULL is fine.
 */
void rekall_error_free(rekall_error *error);

/* ======================================================================================================== */
/* Text and ids                                                                                             */
/* ======================================================================================================== */

/*
 * Text is a pointer and a length in bytes; an id is 26 characters and a NUL.
 *
 *     const char *line = "CORS fails on Safari";
 *     rekall_str whole = rekall_text(line), word = {NULL, 0};
 *     word.data = line;
 *     word.len = 4;
 *     printf("%.*s of %d bytes; made at %lld ms\n", (int)word.len, word.data, (int)whole.len,
 *            (long long)rekall_id_time_ms(id));
 */

/**
 * A piece of UTF-8 text: not NUL-terminated. In an option struct, data NULL means "not given", and data other than
 * NULL with a length of 0 the empty text.
 */
typedef struct rekall_str {
    /**
     * First byte; may be NULL when len is 0.
     */
    const char *data;
    /**
     * Length in bytes, or REKALL_NTS.
     */
    size_t len;
} rekall_str;

/**
 * Characters of an id, without the NUL at its end.
 */
#define REKALL_ID_LEN 26

/**
 * As a length: the text ends at its first NUL.
 */
#define REKALL_NTS ((size_t)-1)

/**
 * The name of an entry: a ULID, 26 characters, letters in capitals, and a NUL. Ids sort by the time they were made. An id
 * has one spelling: small letters are REKALL_INVALID_INPUT.
 */
typedef struct rekall_id {
    /**
     * The characters, NUL-terminated; "" when there is none.
     */
    char text[27];
} rekall_id;

/**
 * When an id was made: milliseconds since 1970 (UTC). id is NUL-terminated; -1 when it is no id, and for NULL.
 */
int64_t rekall_id_time_ms(const char *id);

/**
 * A NUL-terminated text as a rekall_str that borrows it. Not given for NULL.
 */
rekall_str rekall_text(const char *nul_terminated);

/* ======================================================================================================== */
/* Numbers for none and for no limit                                                                        */
/* ======================================================================================================== */

/*
 * In an option struct 0 stands for the default of a member; these two stand for what 0 cannot say.
 *
 *     rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
 *     rekall_db *other = NULL;
 *     options.model_idle_timeout_ms = REKALL_NEVER; // the model stays loaded
 *     options.cache_max_size = REKALL_ZERO;         // no query vector is kept
 *     status = rekall_open("limits.db", &options, &other, &error);
 *     rekall_close(other);
 */

/**
 * As a number of milliseconds, bytes or entries: no limit, for ever.
 */
#define REKALL_NEVER UINT64_MAX

/**
 * As a number of milliseconds, bytes or entries in an option struct, where 0 stands for the default: none, at once.
 */
#define REKALL_ZERO (UINT64_MAX - 1)

/* ======================================================================================================== */
/* Stopping calls                                                                                           */
/* ======================================================================================================== */

/*
 * A token stops the calls that it is given to, from any thread; rekall_interrupt() stops all calls on a handle.
 *
 *     rekall_token *token = rekall_token_new();
 *     rekall_recall_options how = REKALL_RECALL_OPTIONS_INIT;
 *     rekall_hits *hits = NULL;
 *     how.token = token;
 *     rekall_token_cancel(token); // from any thread, before or while it runs
 *     if (rekall_recall(db, "CORS", REKALL_NTS, &how, &hits, NULL) == REKALL_INTERRUPTED)
 *         puts("stopped");
 *     rekall_hits_free(hits);
 *     rekall_token_free(token);
 */

/**
 * Stops the calls that it was given to, from any thread. One token may serve many calls, also on several handles;
 * once cancelled it stays so.
 */
typedef struct rekall_token rekall_token;

/**
 * Makes a token. Free it with rekall_token_free(). NULL only after a bug in the library.
 */
rekall_token *rekall_token_new(void);

/**
 * Makes a token that is cancelled with parent, and can be cancelled alone: one for all that a window does, say, and a child
 * for each search. Already cancelled when parent is. It stays parent's child when parent is freed: what cancels the token
 * that parent was made of cancels it, too. Free it with rekall_token_free(), before or after parent. NULL for NULL.
 */
rekall_token *rekall_token_child(const rekall_token *parent);

/**
 * Stops the calls that were given the token, those that run now and those to come: they return REKALL_INTERRUPTED. So are
 * its children (rekall_token_child()). Any thread may call this, callbacks included. NULL is fine.
 */
void rekall_token_cancel(rekall_token *token);

/**
 * 1 once the token was cancelled, else 0; 0 for NULL.
 */
int32_t rekall_token_is_cancelled(const rekall_token *token);

/**
 * Frees a token. Calls that were given it and still run go on. NULL is fine.
 */
void rekall_token_free(rekall_token *token);

/* ======================================================================================================== */
/* Watching long calls                                                                                      */
/* ======================================================================================================== */

/*
 * A long call says how far it has come, and can be stopped by its progress function or by a token.
 *
 *     rekall_watch watch = REKALL_WATCH_INIT;
 *     rekall_report *report = NULL;
 *     watch.progress = show_progress; // int32_t show_progress(void *user_data, uint64_t done, uint64_t total)
 *     status = rekall_check(db, &watch, &report, &error);
 *     rekall_report_free(report);
 */

/**
 * Hears how far a call has come: done of total; a total of 0 means that it is not known. Comes on the calling thread.
 * Return 0 to go on; anything else stops the call, which then returns REKALL_INTERRUPTED (unless it was done already).
 */
typedef int32_t (*rekall_progress_fn)(void *user_data, uint64_t done, uint64_t total);

/**
 * How a long call is watched and stopped. Start from REKALL_WATCH_INIT.
 */
typedef struct rekall_watch {
    /**
     * sizeof(rekall_watch).
     */
    size_t struct_size;
    /**
     * Hears how far the call has come; NULL: nobody.
     */
    rekall_progress_fn progress;
    /**
     * Handed to progress.
     */
    void *user_data;
    /**
     * Stops the call; NULL: only rekall_interrupt() does.
     */
    rekall_token *token;
} rekall_watch;

/**
 * A rekall_watch with its size, and the default in all members.
 */
#define REKALL_WATCH_INIT { sizeof(rekall_watch), 0, 0, 0 }

/**
 * As REKALL_WATCH_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_watch_init(rekall_watch *watch,
                       size_t struct_size);

/* ======================================================================================================== */
/* Events and log                                                                                           */
/* ======================================================================================================== */

/*
 * What happens while the library works, as events with numbers in them and as lines of a log. The library itself prints
 * nothing.
 *
 *     rekall_listener listener = REKALL_LISTENER_INIT;
 *     rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
 *     rekall_db *other = NULL;
 *     listener.event = on_event; // void on_event(void *user_data, const rekall_event *event)
 *     options.listener = &listener;
 *     status = rekall_open("events.db", &options, &other, &error);
 *     rekall_close(other);
 */

/**
 * A model is being loaded; searches by meaning wait for it. Has model.
 */
#define REKALL_EVENT_MODEL_LOADING 1

/**
 * The model is ready. Has model, elapsed_us, bytes.
 */
#define REKALL_EVENT_MODEL_LOADED 2

/**
 * The model could not be loaded; the next call that needs it tries again. Has model, reason.
 */
#define REKALL_EVENT_MODEL_LOAD_FAILED 3

/**
 * The model was let go. Has model, bytes.
 */
#define REKALL_EVENT_MODEL_UNLOADED 4

/**
 * The vector index was filled from the file. Has count, elapsed_us.
 */
#define REKALL_EVENT_INDEX_LOADED 5

/**
 * Vectors in the file that no search can use; rekall_check() names them. Has count.
 */
#define REKALL_EVENT_UNUSABLE_VECTORS 6

/**
 * An entry was stored without vectors: words find it, meaning does not yet. Has entry, reason.
 */
#define REKALL_EVENT_NOT_EMBEDDED 7

/**
 * Something that this version of the header has no number for. Has message, like all others.
 */
#define REKALL_EVENT_OTHER 8

/**
 * With secure_delete: a write is done, but what it overwrote or forgot could not be erased from the disk yet; the next
 * write tries again, and so does rekall_compact(). Has reason.
 */
#define REKALL_EVENT_NOT_ERASED 9

/**
 * A reader, in this process or another one, has kept the file's write-ahead log from being restarted for so long that it
 * is over 64 MiB; told again each time that the log has doubled. Has bytes: those of the log.
 */
#define REKALL_EVENT_LONG_READER 10

/**
 * A level of the log: something failed that should not.
 */
#define REKALL_LOG_ERROR 1

/**
 * A level of the log: something a user may want to know.
 */
#define REKALL_LOG_WARN 2

/**
 * A level of the log: what happened.
 */
#define REKALL_LOG_INFO 3

/**
 * A level of the log: for finding a mistake.
 */
#define REKALL_LOG_DEBUG 4

/**
 * A level of the log: everything.
 */
#define REKALL_LOG_TRACE 5

/**
 * Something that happened while the library worked. Made by the library, which may know members beyond those that
 * this header has: read it through the pointer, do not copy it. All pointers are valid until the callback returns;
 * those that the kind does not have are NULL, the numbers 0.
 */
typedef struct rekall_event {
    /**
     * Size of the library's struct.
     */
    size_t struct_size;
    /**
     * A REKALL_EVENT_ number. Pass over those that you do not know.
     */
    uint32_t kind;
    /**
     * How loud it is: a REKALL_LOG_ level.
     */
    int32_t level;
    /**
     * The whole in one line, NUL-terminated; never NULL.
     */
    const char *message;
    /**
     * Which model.
     */
    const char *model;
    /**
     * Why.
     */
    const char *reason;
    /**
     * Id of the entry.
     */
    const char *entry;
    /**
     * How long it took, in microseconds.
     */
    uint64_t elapsed_us;
    /**
     * Memory, in bytes.
     */
    uint64_t bytes;
    /**
     * How many.
     */
    uint64_t count;
} rekall_event;

/**
 * Hears an event.
 */
typedef void (*rekall_event_fn)(void *user_data, const rekall_event *event);

/**
 * Hears a line of the log: its level (REKALL_LOG_), its text (NUL-terminated UTF-8) and the text's length in bytes.
 */
typedef void (*rekall_log_fn)(void *user_data, int32_t level, const char *message, size_t len);

/**
 * Told once when the library will not use user_data any more.
 */
typedef void (*rekall_destroy_fn)(void *user_data);

/**
 * Who receives events and log lines. Start from REKALL_LISTENER_INIT; the library copies it.
 *
 * The functions are called on whatever thread does the work, also on several at once, and must be quick. They must not
 * throw, longjmp, or call back into the same handle (which answers REKALL_MISUSE); rekall_interrupt() and tokens are
 * fine.
 */
typedef struct rekall_listener {
    /**
     * sizeof(rekall_listener).
     */
    size_t struct_size;
    /**
     * Hears events; NULL: nobody.
     */
    rekall_event_fn event;
    /**
     * Hears the log; NULL: nobody.
     */
    rekall_log_fn log;
    /**
     * The quietest level that log receives, a REKALL_LOG_ number. 0: REKALL_LOG_INFO. Only with log.
     */
    int32_t log_level;
    /**
     * Handed to the functions.
     */
    void *user_data;
    /**
     * Called exactly once when user_data is not needed any more: after the rekall_close() of the
     * memory and of the last of its scopes, or before rekall_open() returns
     * with an error (but not when struct_size itself is wrong, and the struct so cannot be read). NULL: nobody.
     */
    rekall_destroy_fn destroy;
} rekall_listener;

/**
 * A rekall_listener with its size, and the default in all members.
 */
#define REKALL_LISTENER_INIT { sizeof(rekall_listener), 0, 0, 0, 0, 0 }

/**
 * As REKALL_LISTENER_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_listener_init(rekall_listener *listener,
                          size_t struct_size);

/* ======================================================================================================== */
/* The caller's own model                                                                                   */
/* ======================================================================================================== */

/*
 * A model that the program brings: a function that turns texts into rows of numbers.
 *
 *     rekall_embedder model = REKALL_EMBEDDER_INIT;
 *     rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
 *     rekall_db *other = NULL;
 *     model.name = "letters, version 1"; // another name once its vectors mean something else
 *     model.dimensions = 26;
 *     model.embed = count_letters; // a rekall_embed_fn
 *     options.embedder = &model;
 *     status = rekall_open("own-model.db", &options, &other, &error);
 *     rekall_close(other);
 */

/**
 * As a purpose: the text is to be found.
 */
#define REKALL_EMBED_DOCUMENT 0

/**
 * As a purpose: the text is to search with. Some models treat the two differently.
 */
#define REKALL_EMBED_QUERY 1

/**
 * Turns texts into vectors: count texts into count * dimensions numbers, row after row, all zero at the call. Rows of
 * any length are fine, the library brings them to length 1. A row left zero means that the model makes nothing of the
 * text. Return REKALL_OK; REKALL_MODEL_UNAVAILABLE when there is no model now (entries are then stored without
 * vectors, hybrid searches use words); REKALL_INTERRUPTED to stop the call; anything else fails it with
 * REKALL_CALLBACK. Called on the threads that call the library (it makes vectors on no thread of its own), also on
 * several at once.
 */
typedef rekall_status (*rekall_embed_fn)(void *user_data,
                                         uint32_t purpose,
                                         const rekall_str *texts,
                                         size_t count,
                                         float *out_vectors,
                                         size_t dimensions);

/**
 * Counts the tokens of a text as the model sees them. (size_t)-1 says that it cannot, and fails the call with
 * REKALL_CALLBACK.
 */
typedef size_t (*rekall_count_tokens_fn)(void *user_data, const char *text, size_t len);

/**
 * A model of the caller's own, instead of one that the library loads. Start from REKALL_EMBEDDER_INIT; the library
 * copies it. The functions must not throw, longjmp, or call back into the same handle.
 */
typedef struct rekall_embedder {
    /**
     * sizeof(rekall_embedder).
     */
    size_t struct_size;
    /**
     * The model's name, NUL-terminated. With the dimensions it is what tells vectors of two models apart: change it
     * whenever the model's vectors change their meaning.
     */
    const char *name;
    /**
     * Numbers in a vector, 1 or more.
     */
    size_t dimensions;
    /**
     * The longest text that embed takes, in tokens; longer ones are split first, and each piece gets a vector. 0: any.
     */
    size_t max_tokens;
    /**
     * Counts tokens for max_tokens. NULL: bytes are counted.
     */
    rekall_count_tokens_fn count_tokens;
    /**
     * Makes vectors. Not NULL.
     */
    rekall_embed_fn embed;
    /**
     * Handed to the functions.
     */
    void *user_data;
    /**
     * Called exactly once when user_data is not needed any more: after the rekall_close() of the
     * memory and of the last of its scopes, when another model took over, or
     * before the call that was given this struct returns with an error (but not when struct_size itself is wrong, and the
     * struct so cannot be read). NULL: nobody.
     */
    rekall_destroy_fn destroy;
    /**
     * Bytes of memory that the model takes, for model_bytes of rekall_stats; 0: not known.
     */
    uint64_t memory_bytes;
} rekall_embedder;

/**
 * A rekall_embedder with its size, and the default in all members.
 */
#define REKALL_EMBEDDER_INIT { sizeof(rekall_embedder), 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * As REKALL_EMBEDDER_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_embedder_init(rekall_embedder *embedder,
                          size_t struct_size);

/* ======================================================================================================== */
/* The caller's own reranker                                                                                */
/* ======================================================================================================== */

/*
 * A function that judges how well passages answer a query, for searches that ask for it (rerank of rekall_recall_options).
 *
 *     rekall_reranker judge = REKALL_RERANKER_INIT;
 *     rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
 *     rekall_db *other = NULL;
 *     judge.name = "short passages first";
 *     judge.rerank = prefer_short; // a rekall_rerank_fn
 *     options.own_reranker = &judge;
 *     status = rekall_open("judged.db", &options, &other, &error);
 *     rekall_close(other);
 */

/**
 * Judges passages: writes count scores, all zero at the call, greater is better, any finite numbers. A passage is what a hit
 * is about, below its title; all texts are valid until the function returns. Return REKALL_OK; REKALL_INTERRUPTED to stop the
 * search; anything else leaves the hits as they were (REKALL_DEGRADED_NOT_RERANKED). Called on the threads that search, also
 * on several at once, with some passages of a search at a time.
 */
typedef rekall_status (*rekall_rerank_fn)(void *user_data,
                                          rekall_str query,
                                          const rekall_str *passages,
                                          size_t count,
                                          float *out_scores);

/**
 * A reranker of the caller's own, instead of one that the library loads. Start from REKALL_RERANKER_INIT; the library
 * copies it. The function must not throw, longjmp, or call back into the same handle.
 */
typedef struct rekall_reranker {
    /**
     * sizeof(rekall_reranker).
     */
    size_t struct_size;
    /**
     * Its name, NUL-terminated, for messages.
     */
    const char *name;
    /**
     * Judges passages. Not NULL.
     */
    rekall_rerank_fn rerank;
    /**
     * Handed to the function.
     */
    void *user_data;
    /**
     * Called exactly once when user_data is not needed any more: after the rekall_close() of the
     * memory and of the last of its scopes, or before the call that was given this
     * struct returns with an error (but not when struct_size itself is wrong, and the struct so cannot be read). NULL: nobody.
     */
    rekall_destroy_fn destroy;
    /**
     * Bytes of memory that it takes, for reranker_bytes of rekall_stats; 0: not known.
     */
    uint64_t memory_bytes;
} rekall_reranker;

/**
 * A rekall_reranker with its size, and the default in all members.
 */
#define REKALL_RERANKER_INIT { sizeof(rekall_reranker), 0, 0, 0, 0, 0 }

/**
 * As REKALL_RERANKER_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_reranker_init(rekall_reranker *reranker,
                          size_t struct_size);

/* ======================================================================================================== */
/* Clocks                                                                                                   */
/* ======================================================================================================== */

/*
 * Time is taken from the system unless a program hands in a clock of its own, in tests for example.
 *
 *     rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
 *     rekall_db *other = NULL;
 *     int64_t milliseconds = 1700000000000;
 *     rekall_now_fn clock = read_clock; // int64_t read_clock(void *user_data)
 *     options.now_ms = clock;
 *     options.now_user_data = &milliseconds;
 *     status = rekall_open("clock.db", &options, &other, &error);
 *     rekall_close(other);
 */

/**
 * A clock of the caller's: milliseconds. Called from any thread, also several at once, until rekall_close() returns,
 * and where scopes are open (rekall_open_scope()), the last of theirs.
 * Must not throw, longjmp, or call back into the same handle.
 */
typedef int64_t (*rekall_now_fn)(void *user_data);

/* ======================================================================================================== */
/* Loading a model                                                                                          */
/* ======================================================================================================== */

/*
 * How a model that the library loads itself is read, downloaded and computed. Without a word of it the model's own files
 * decide.
 *
 *     rekall_load_options load = REKALL_LOAD_OPTIONS_INIT;
 *     rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
 *     rekall_db *other = NULL;
 *     load.flags = REKALL_LOAD_OFFLINE;
 *     load.max_threads = 2;
 *     options.model = "hub:owner/name";
 *     options.load = &load;
 *     status = rekall_open("hub.db", &options, &other, &error); // the model is loaded when it is first needed
 *     rekall_close(other);
 */

/**
 * Flag of rekall_load_options: never touch the network; a model of a hub is read from the cache or refused.
 */
#define REKALL_LOAD_OFFLINE 1

/**
 * Flag of rekall_load_options: the processes of a user share one loaded transformer (REKALL_FEATURE_HOST). The first that loads
 * it answers the others from threads of its own, until its model is unloaded or its handle closed; vectors and scores are the
 * same. Other models are loaded as without it. In load of rekall_open_options it concerns the reranker, too; in reranker_load
 * that alone, also where settings say host = false. Processes meet over a Unix socket, on Windows over a named pipe, where it was
 * never run.
 */
#define REKALL_LOAD_HOST 2

/**
 * Hears how a download of a model's file comes along: its name (NUL-terminated, valid until the function returns), the
 * bytes that are here and those there are in all; the two are equal exactly once, at the end. Comes on whatever thread
 * loads the model. Must not throw, longjmp, or call back into the same handle.
 */
typedef void (*rekall_download_fn)(void *user_data, const char *file, uint64_t bytes, uint64_t total);

/**
 * How a model is loaded. Start from REKALL_LOAD_OPTIONS_INIT; what is 0, NULL or not given follows the model's own
 * files.
 */
typedef struct rekall_load_options {
    /**
     * sizeof(rekall_load_options).
     */
    size_t struct_size;
    /**
     * REKALL_LOAD_ flags.
     */
    uint32_t flags;
    /**
     * The most threads that one call of the model may use; 0: 1.
     */
    uint32_t max_threads;
    /**
     * Keep only the first so many numbers of each vector; only for models that allow it.
     */
    size_t dimensions;
    /**
     * Cut texts at fewer tokens than the model's own limit.
     */
    size_t max_tokens;
    /**
     * What computes a transformer: "cpu" (default), "candle", "cuda:N" or "metal:N", as far as the build has it.
     * NUL-terminated.
     */
    const char *device;
    /**
     * Folder of the hub's cache, a path. NULL: the one that all hub tools share.
     */
    const char *hub_cache;
    /**
     * Text put before each query.
     */
    rekall_str query_prefix;
    /**
     * Text put before each document.
     */
    rekall_str document_prefix;
    /**
     * Address of the hub or a mirror, NUL-terminated. NULL: the environment's HF_ENDPOINT, else the public hub.
     */
    const char *hub_endpoint;
    /**
     * Hears how a download comes along; NULL: nobody. Called until rekall_close() returns, and where scopes are open, the last of
     * theirs.
     */
    rekall_download_fn download;
    /**
     * Handed to download.
     */
    void *download_user_data;
    /**
     * What numbers a transformer's matrices are multiplied in: "f32" or "int8", which takes a quarter of the memory and makes
     * vectors of a space of their own. NUL-terminated. NULL: as config says, which says "f32" unless told otherwise. "int8" is
     * REKALL_INVALID_INPUT for a model that has no such thing, as the built-in one, at the first call that needs it.
     */
    const char *precision;
} rekall_load_options;

/**
 * A rekall_load_options with its size, and the default in all members.
 */
#define REKALL_LOAD_OPTIONS_INIT { sizeof(rekall_load_options), 0, 0, 0, 0, 0, 0, {0, 0}, {0, 0}, 0, 0, 0, \
    0 }

/**
 * As REKALL_LOAD_OPTIONS_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_load_options_init(rekall_load_options *options,
                              size_t struct_size);

/* ======================================================================================================== */
/* Reports: what upkeep, import and export found and did                                                    */
/* ======================================================================================================== */

/*
 * Numbers by their names, lines for a person, and both as JSON. Which numbers there are stands at each function.
 *
 *     rekall_report *report = NULL;
 *     size_t i;
 *     if ((status = rekall_check(db, NULL, &report, &error))) goto end;
 *     printf("%d problems\n", (int)rekall_report_number(report, "found"));
 *     for (i = 0; i < rekall_report_line_count(report); i++)
 *         puts(rekall_report_line(report, i, NULL));
 *     rekall_report_free(report);
 */

/**
 * What a longer piece of work found and did: numbers by name, lines of text, and all of it as JSON. Never changes; may
 * be read from any thread, also after rekall_close(). What its functions return belongs to it and lives as long.
 */
typedef struct rekall_report rekall_report;

/**
 * A number of the report by its name (NUL-terminated), which the function that made the report lists; the number of
 * items where the name is that of a list, 1 for yes. 0 when there is no such number, and for NULL.
 */
uint64_t rekall_report_number(const rekall_report *report,
                              const char *key);

/**
 * How many lines the report has: each something that a person may want to look at.
 */
size_t rekall_report_line_count(const rekall_report *report);

/**
 * Line number index, from 0: NUL-terminated UTF-8; NULL past the last. out_len, which may be NULL, receives its
 * length.
 */
const char *rekall_report_line(const rekall_report *report,
                               size_t index,
                               size_t *out_len);

/**
 * The whole report as one JSON object, NUL-terminated; NULL for NULL. out_len, which may be NULL, receives its length.
 */
const char *rekall_report_json(const rekall_report *report,
                               size_t *out_len);

/**
 * Frees a report. NULL is fine.
 */
void rekall_report_free(rekall_report *report);

/* ======================================================================================================== */
/* Settings                                                                                                 */
/* ======================================================================================================== */

/*
 * Settings that a program lets its users write, as TOML. docs/settings.md has every key.
 *
 *     rekall_report *report = NULL;
 *     const char *toml = "[performance]\ncache_max_size = 100\n";
 *     if ((status = rekall_config_check(toml, REKALL_NTS, &report, &error))) goto end;
 *     puts(rekall_report_json(report, NULL)); // the settings as they would hold
 *     rekall_report_free(report);
 */

/**
 * Looks through settings (config of rekall_open_options) without opening anything. toml is UTF-8 of toml_len bytes (or
 * REKALL_NTS). What is left out has its default; docs/settings.md has each key's range and meaning:
 *
 *   [performance]
 *   cache_max_size = 1000               # query vectors kept; 0: none
 *   cache_ttl_seconds = 600             # how long; 0: not at all
 *   model_idle_timeout_minutes = 10     # may have a fraction; 0: unload after each use
 *   vector_backend = "auto"             # or flat, sq8, binary, sqlite-vec, pgvector, pgvector-hnsw
 *   memory_budget_bytes = 268435456     # of the index; left out: no limit
 *   rescored_rows = 1000                # of the index "binary", 1 or more
 *   [model]
 *   source = "bundled"                  # or bundled-v1, path:FOLDER, hub:OWNER/NAME[@REVISION]
 *   precision = "f32"                   # or int8
 *   host = false                        # or true: processes share one loaded transformer, and one reranker
 *   [reranker]
 *   source = "path:FOLDER"              # or hub:OWNER/NAME[@REVISION]; left out: none
 *   precision = "f32"                   # or int8
 *
 * out, which may be NULL, receives the settings as they would hold. Numbers: cache_max_size, cache_ttl_seconds,
 * model_idle_timeout_ms, memory_budget_bytes (REKALL_NEVER: no limit), rescored_rows; the JSON also has vector_backend,
 * model (null: the built-in one), reranker (null: none), and precision, reranker_precision and model_host (null: as
 * rekall_load_options says). REKALL_INVALID_INPUT names the key, its place or value; REKALL_UNSUPPORTED what this
 * build lacks. No model is looked for.
 */
REKALL_NODISCARD
rekall_status rekall_config_check(const char *toml,
                                  size_t toml_len,
                                  rekall_report **out,
                                  rekall_error **error);

/**
 * As rekall_config_check(), of a file (config_file of rekall_open_options), a mebibyte at the most.
 */
REKALL_NODISCARD
rekall_status rekall_config_check_file(const char *path,
                                       rekall_report **out,
                                       rekall_error **error);

/* ======================================================================================================== */
/* Opening                                                                                                  */
/* ======================================================================================================== */

/*
 * A handle is an open file. Any number of threads may use one at once, and any number of programs may have the same file
 * open.
 *
 *     rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
 *     rekall_db *other = NULL;
 *     options.vector_backend = "flat";
 *     options.busy_timeout_ms = 200;
 *     if ((status = rekall_open("knowledge.db", &options, &other, &error))) goto end;
 *     printf("%s is open\n", rekall_path(other));
 *     rekall_close(other);
 */

/**
 * Flag of rekall_open_options: refuse every write.
 */
#define REKALL_OPEN_READ_ONLY 1

/**
 * Flag of rekall_open_options: fail when there is no file, instead of making one.
 */
#define REKALL_OPEN_EXISTING 2

/**
 * Flag of rekall_open_options: put a new file in the place of one that the Python tool wrote, which is kept beside it.
 */
#define REKALL_OPEN_MIGRATE 4

/**
 * Flag of rekall_open_options: no model; text is found by words only.
 */
#define REKALL_OPEN_NO_MODEL 8

/**
 * Flag of rekall_open_options: overwrite what is forgotten with zeroes. Each commit then takes tens of milliseconds, and
 * one descriptor of the file stays open until the process ends.
 */
#define REKALL_OPEN_SECURE_DELETE 16

/**
 * Flag of rekall_open_options: press each commit onto the disk, so that it survives a loss of power; some milliseconds
 * each. Without it a commit survives the death of the process.
 */
#define REKALL_OPEN_SYNC_FULL 32

/**
 * Flag of rekall_open_options: start a thread that unloads the idle model in time, joined by the last rekall_close() of the memory and its scopes. Without
 * it the library starts no thread, and the host calls rekall_unload_if_idle().
 */
#define REKALL_OPEN_UNLOAD_THREAD 64

/**
 * Flag of rekall_open_options: ask the allocator to give freed memory back to the system after each unload of the
 * model. Concerns the whole process.
 */
#define REKALL_OPEN_RELEASE_MEMORY 128

/**
 * Flag of rekall_open_options: load the model, and the reranker if there is one, while opening, and fail, without making a file, if it cannot be used as it
 * is: REKALL_UNSUPPORTED, REKALL_INVALID_MODEL, REKALL_INVALID_INPUT. One that cannot be had now is no failure. Without the
 * flag the first call that needs the model fails.
 */
#define REKALL_OPEN_CHECK_MODEL 256

/**
 * How a memory is opened. Start from REKALL_OPEN_OPTIONS_INIT; what is 0, NULL or not given has its default. Of
 * model, embedder, vectors_name and REKALL_OPEN_NO_MODEL at most one may be given; without any the built-in model is
 * used, if this build has it.
 */
typedef struct rekall_open_options {
    /**
     * sizeof(rekall_open_options).
     */
    size_t struct_size;
    /**
     * REKALL_OPEN_ flags.
     */
    uint32_t flags;
    /**
     * The most threads that one search may use; 0: 1. Results are the same with any number.
     */
    uint32_t search_threads;
    /**
     * Settings as TOML text, see rekall_config_check(); members of this struct come before them.
     */
    rekall_str config;
    /**
     * The same from a file, a path; a mebibyte at the most. Not together with config.
     */
    const char *config_file;
    /**
     * The model: "bundled", "bundled-v1", "path:FOLDER" or "hub:OWNER/NAME[@REVISION]". NUL-terminated.
     */
    const char *model;
    /**
     * How the model is loaded; only with one that the library loads.
     */
    const rekall_load_options *load;
    /**
     * The caller's own model.
     */
    const rekall_embedder *embedder;
    /**
     * No model: the host hands in vectors of a model that it calls so. NUL-terminated. Text is then found by words, and
     * by meaning when the query comes as a vector.
     */
    const char *vectors_name;
    /**
     * Numbers in those vectors.
     */
    size_t vectors_dimensions;
    /**
     * Which vector index searches use: "auto" (default, exact, what is best for the file's size), "flat" (exact, 4 bytes
     * of memory a number of each vector), "sq8" (exact, 1 byte), "binary" (approximate, 1 bit: see rescored_rows),
     * "sqlite-vec" (exact and slow, no memory: a table in the file, filled by the next write or rekall_rebuild_index();
     * REKALL_UNSUPPORTED in a build without REKALL_FEATURE_SQLITE_VEC), or, of a memory on a server, "pgvector" (exact, no memory:
     * the server searches a table of its own, made by the next write, or of more than 10000 vectors by rekall_rebuild_index()) and
     * "pgvector-hnsw" (the same by a graph, approximate: REKALL_DEGRADED_APPROXIMATE); REKALL_UNSUPPORTED for a file, and for a
     * server without the extension vector, 0.8.4 or newer. NUL-terminated.
     */
    const char *vector_backend;
    /**
     * Query vectors kept; 0: 1000, REKALL_ZERO: none.
     */
    uint64_t cache_max_size;
    /**
     * How long a query vector is kept, in milliseconds; 0: 600000, REKALL_NEVER: for ever, REKALL_ZERO: not at all.
     */
    uint64_t cache_ttl_ms;
    /**
     * How long an unused model stays loaded, in milliseconds; 0: 600000, REKALL_NEVER: for ever, REKALL_ZERO: not at all.
     */
    uint64_t model_idle_timeout_ms;
    /**
     * How long to wait for another writer before REKALL_BUSY, in milliseconds; 0: 5000, REKALL_ZERO: not at all.
     */
    uint64_t busy_timeout_ms;
    /**
     * Who receives events and log lines.
     */
    const rekall_listener *listener;
    /**
     * The clock that entries are stamped by, in milliseconds since 1970 (UTC); NULL: the system's.
     */
    rekall_now_fn now_ms;
    /**
     * Handed to now_ms.
     */
    void *now_user_data;
    /**
     * The most bytes of memory that the vector index may take; 0: as config says, which says REKALL_NEVER unless told
     * otherwise. What does not fit stays in the file and is read at each search. Looked at when the index is filled, and
     * by the index "auto" only.
     */
    uint64_t memory_budget_bytes;
    /**
     * The clock that cached vectors and an idle model age by, in milliseconds since any moment, never going back; NULL:
     * the system's. For tests, and for hosts whose time stands still while they sleep.
     */
    rekall_now_fn age_ms;
    /**
     * Handed to age_ms.
     */
    void *age_user_data;
    /**
     * Rows that a search of the index "binary" compares exactly, 1 or more: more rows, fewer misses, more time;
     * rekall_audit_index() tells how many are missed. REKALL_NEVER: all; 0: as config says, which says 1000 unless told
     * otherwise.
     */
    uint64_t rescored_rows;
    /**
     * The reranker of searches that ask for one (rerank of rekall_recall_options): "path:FOLDER" or
     * "hub:OWNER/NAME[@REVISION]", such as "hub:cross-encoder/ms-marco-MiniLM-L6-v2" (English) or "hub:BAAI/bge-reranker-base".
     * NUL-terminated. NULL: as config says, which has none unless told otherwise. It is looked for when it is first needed, and
     * stays loaded as long as model_idle_timeout_ms says of a model; events tell of it as of a model.
     */
    const char *reranker;
    /**
     * How it is loaded; only with one that the library loads. NULL: with the cache, address, threads, download and
     * flags of load.
     */
    const rekall_load_options *reranker_load;
    /**
     * Or the caller's own reranker.
     */
    const rekall_reranker *own_reranker;
} rekall_open_options;

/**
 * A rekall_open_options with its size, and the default in all members.
 */
#define REKALL_OPEN_OPTIONS_INIT { sizeof(rekall_open_options), 0, 0, {0, 0}, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * An open memory. Any number of threads may use one at once.
 */
typedef struct rekall_db rekall_db;

/**
 * As REKALL_OPEN_OPTIONS_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_open_options_init(rekall_open_options *options,
                              size_t struct_size);

/**
 * Opens the memory in the file at path (a NUL-terminated path; UTF-8 on Windows), which is made, readable for its owner
 * only, if it is not there. Costs about a millisecond: model and index are loaded when first needed.
 *
 * options may be NULL. out receives the handle, to be closed with rekall_close(). REKALL_INVALID_INPUT for "" and
 * ":memory:", which are no file's path; REKALL_NOT_FOUND when there is none and none is to be made. REKALL_NOT_A_DATABASE,
 * REKALL_LEGACY_FILE, REKALL_NEWER_VERSION, REKALL_CORRUPT and REKALL_READ_ONLY say what is wrong with the file, which
 * is then as it was. REKALL_UNSUPPORTED for an index that this build lacks. The functions named destroy in options are called exactly once, also when this fails (but not
 * when options itself has a wrong struct_size, and so cannot be read).
 *
 * A path that begins with postgres:// or postgresql:// is the URL of a memory on a PostgreSQL server, whose parameter
 * schema names the memory (docs/postgres.md); REKALL_UNSUPPORTED in a build without REKALL_FEATURE_POSTGRES. All calls then do
 * what they do on a file, but for those that need one, which are refused with REKALL_UNSUPPORTED and change nothing:
 * REKALL_OPEN_SECURE_DELETE, REKALL_OPEN_MIGRATE and the index "sqlite-vec" here, then rekall_check(), rekall_repair(),
 * rekall_compact(), rekall_backup() and rekall_import_legacy(). The server's settings, not REKALL_OPEN_SYNC_FULL, say when a
 * commit is on its disk. REKALL_IO when the server cannot be reached or refuses the user. No message holds the password.
 *
 * The file, and the files beside it that have its name with -wal and -shm appended, belong to the library: a host with
 * an SQLite of its own must not open them in the same process, since each copy of SQLite would undo the locks of the
 * other.
 */
REKALL_NODISCARD
rekall_status rekall_open(const char *path,
                          const rekall_open_options *options,
                          rekall_db **out,
                          rekall_error **error);

/**
 * Closes a memory: waits for calls that other threads are in, then frees the handle. NULL is fine.
 *
 * Stop long calls first with rekall_interrupt(), if need be. Nobody may use the handle from the moment of this call on:
 * calls on it, and closing it once more, are refused for as long as no other handle has come to the same place in memory.
 * What was got from it (hits, entries, links, reports, errors, tokens) stays valid. From a callback of the same handle
 * nothing is closed.
 */
void rekall_close(rekall_db *db);

/**
 * The file's absolute path, NUL-terminated: the one that was given at opening, from the root on, so that it holds when the
 * program changes its folder. For a memory on a server, where it is, for people: host, port, database and schema, without user
 * and password. It belongs to the handle. NULL for NULL.
 */
const char *rekall_path(const rekall_db *db);

/**
 * Stops all calls that run on the handle now and can be stopped: they return REKALL_INTERRUPTED within about a
 * millisecond of computing, and what they had changed is undone. A call counts from its first moment, also while it still
 * copies what it was given; calls that begin later are not touched. Searches, rekall_remember(), rekall_remember_many(),
 * rekall_similar() and all that take a rekall_watch can be stopped; rekall_update(), rekall_update_with_vector(),
 * rekall_list(), rekall_count(), rekall_get_many() and rekall_embed() while they read what they were given, and not later.
 * May be called from any thread and from callbacks. NULL is fine.
 */
void rekall_interrupt(rekall_db *db);

/* ======================================================================================================== */
/* Scopes                                                                                                   */
/* ======================================================================================================== */

/*
 * Many memories in one file, or on one server: one for each user, tenant or project. Nothing that is done through a handle
 * on a scope sees or writes anything else.
 *
 *     rekall_db *ann = NULL;
 *     rekall_report *scopes = NULL;
 *     size_t i;
 *     if ((status = rekall_open_scope(db, "ann", &ann, &error))) goto end;
 *     if ((status = rekall_list_scopes(db, &scopes, &error))) goto end;
 *     for (i = 0; i < rekall_report_line_count(scopes); i++)
 *         puts(rekall_report_line(scopes, i, NULL));
 *     rekall_report_free(scopes);
 *     rekall_close(ann);
 */

/**
 * Opens a scope of a memory by its name: 1 to 256 bytes of UTF-8, NUL-terminated. It is made if it is not there.
 *
 * A scope is a memory of its own in the same file: its entries, ids, words, sources, links and vectors are in no other. What is searched costs
 * what the scope holds. The memory that rekall_open() gives is one more, without a name, and its handle alone opens, lists and
 * removes scopes: with another one these functions give REKALL_UNSUPPORTED. So do, with a handle on a scope, the calls that look after the
 * whole file (rekall_check(), rekall_repair(), rekall_compact(), rekall_backup()) and rekall_import_legacy(), and this function where the settings ask
 * for the index "sqlite-vec". rekall_export_jsonl() and rekall_import_jsonl() move the scope alone.
 *
 * out receives a handle of its own, to be closed with rekall_close(), before db or after it. It has the settings of db and
 * shares its model, its connections, its listener and its functions, which are called, and kept, until the last of these
 * handles is closed. Handles on one scope share one index. Costs some microseconds, on a server a round trip, where another
 * handle on the scope is open, else about as much as opening a file that is there, and a write for a new scope.
 * REKALL_NOT_FOUND when there is none and none is to be made (REKALL_OPEN_READ_ONLY, REKALL_OPEN_EXISTING).
 * REKALL_INVALID_INPUT for a name that cannot be.
 */
REKALL_NODISCARD
rekall_status rekall_open_scope(rekall_db *db,
                                const char *name,
                                rekall_db **out,
                                rekall_error **error);

/**
 * The name of the scope that a handle is bound to, NUL-terminated; it belongs to the handle. NULL for the memory without a
 * name, for NULL, and for a handle that was closed.
 */
const char *rekall_scope_name(const rekall_db *db);

/**
 * The scopes of a memory. Numbers: scopes. Lines: their names, by their bytes; rekall_report_json() has them in an array.
 *
 *     status = rekall_list_scopes(db, &report, &error);
 */
REKALL_NODISCARD
rekall_status rekall_list_scopes(rekall_db *db,
                                 rekall_report **out,
                                 rekall_error **error);

/**
 * Deletes a scope with everything in it. out_entries, which may be NULL, receives the number of its entries. Handles on the scope
 * answer REKALL_NOT_FOUND from then on, in every process, and are closed as ever. REKALL_NOT_FOUND when there is no scope
 * of that name.
 */
REKALL_NODISCARD
rekall_status rekall_remove_scope(rekall_db *db,
                                  const char *name,
                                  uint64_t *out_entries,
                                  rekall_error **error);

/* ======================================================================================================== */
/* Entries as they are handed in                                                                            */
/* ======================================================================================================== */

/*
 * Only the title is required. What is left out has its default.
 *
 *     rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
 *     rekall_context context = REKALL_CONTEXT_INIT;
 *     rekall_str tags[2];
 *     tags[0] = rekall_text("http");
 *     tags[1] = rekall_text("safari");
 *     context.solution = rekall_text("answer the preflight with the header");
 *     entry.title = rekall_text("CORS fails on Safari");
 *     entry.kind = rekall_text("bug");
 *     entry.tags = tags;
 *     entry.tags_count = 2;
 *     entry.context = &context;
 *     entry.metadata = rekall_text("{\"ticket\": 7}");
 *     status = rekall_remember(db, &entry, NULL, NULL, &error);
 */

/**
 * Status of an entry: it holds; searches find it.
 */
#define REKALL_ENTRY_ACTIVE 1

/**
 * Status of an entry: it no longer holds; searches leave it out unless asked.
 */
#define REKALL_ENTRY_OBSOLETE 2

/**
 * In a filter: entries of any status.
 */
#define REKALL_ENTRY_ANY 3

/**
 * Flag of rekall_new_entry: confidence is given (0 is a value, too).
 */
#define REKALL_NEW_ENTRY_CONFIDENCE 1

/**
 * Flag of rekall_new_entry: created_at_ms is given.
 */
#define REKALL_NEW_ENTRY_CREATED_AT 2

/**
 * Flag of rekall_new_entry: expires_at_ms is given.
 */
#define REKALL_NEW_ENTRY_EXPIRES_AT 4

/**
 * Flag of rekall_new_entry: valid_from_ms is given.
 */
#define REKALL_NEW_ENTRY_VALID_FROM 8

/**
 * Flag of rekall_new_entry: valid_to_ms is given.
 */
#define REKALL_NEW_ENTRY_VALID_TO 16

/**
 * Flag of rekall_patch: set confidence.
 */
#define REKALL_PATCH_CONFIDENCE 1

/**
 * Flag of rekall_patch: set the tags to those given, also when none are.
 */
#define REKALL_PATCH_TAGS 2

/**
 * Flag of rekall_patch: remove the project.
 */
#define REKALL_PATCH_REMOVE_PROJECT 4

/**
 * Flag of rekall_patch: remove the reference to the entry that replaces this one.
 */
#define REKALL_PATCH_REMOVE_SUPERSEDED_BY 8

/**
 * Flag of rekall_patch: remove the context.
 */
#define REKALL_PATCH_REMOVE_CONTEXT 16

/**
 * Flag of rekall_patch: set expires_at_ms.
 */
#define REKALL_PATCH_EXPIRES_AT 32

/**
 * Flag of rekall_patch: the entry does not expire any more.
 */
#define REKALL_PATCH_REMOVE_EXPIRES_AT 64

/**
 * Flag of rekall_patch: set valid_from_ms.
 */
#define REKALL_PATCH_VALID_FROM 128

/**
 * Flag of rekall_patch: leave the begin of the valid time open.
 */
#define REKALL_PATCH_REMOVE_VALID_FROM 256

/**
 * Flag of rekall_patch: set valid_to_ms.
 */
#define REKALL_PATCH_VALID_TO 512

/**
 * Flag of rekall_patch: leave the end of the valid time open.
 */
#define REKALL_PATCH_REMOVE_VALID_TO 1024

/**
 * What surrounded an entry: how a problem showed itself and what helped. Every part may be missing; all of it is
 * searched, by words and by meaning. Start from REKALL_CONTEXT_INIT.
 */
typedef struct rekall_context {
    /**
     * sizeof(rekall_context).
     */
    size_t struct_size;
    /**
     * What was going on.
     */
    rekall_str situation;
    /**
     * What solved it.
     */
    rekall_str solution;
    /**
     * What was tried in vain.
     */
    rekall_str what_failed;
    /**
     * Anything else, as free text.
     */
    rekall_str text;
    /**
     * Words that should bring this entry to mind.
     */
    const rekall_str *trigger_keywords;
    /**
     * How many.
     */
    size_t trigger_keywords_count;
    /**
     * Error messages, as seen.
     */
    const rekall_str *error_messages;
    /**
     * How many.
     */
    size_t error_messages_count;
    /**
     * Files that were touched.
     */
    const rekall_str *files;
    /**
     * How many.
     */
    size_t files_count;
} rekall_context;

/**
 * A rekall_context with its size, and the default in all members.
 */
#define REKALL_CONTEXT_INIT { sizeof(rekall_context), {0, 0}, {0, 0}, {0, 0}, {0, 0}, 0, 0, 0, 0, 0, 0 }

/**
 * An entry to be remembered. Only the title is required. Start from REKALL_NEW_ENTRY_INIT. Everything is copied.
 */
typedef struct rekall_new_entry {
    /**
     * sizeof(rekall_new_entry).
     */
    size_t struct_size;
    /**
     * REKALL_NEW_ENTRY_ flags.
     */
    uint32_t flags;
    /**
     * How sure its author is, 0 to 5, with REKALL_NEW_ENTRY_CONFIDENCE; without it, it must be 0, which means 2.
     */
    uint32_t confidence;
    /**
     * One line that says what it is about: not blank, at most 4 KiB.
     */
    rekall_str title;
    /**
     * The rest, at most 4 MiB.
     */
    rekall_str content;
    /**
     * What kind of note it is, any word: "bug", "pattern", "decision", ... Default "note".
     */
    rekall_str kind;
    /**
     * The project it belongs to. Default: none.
     */
    rekall_str project;
    /**
     * "episodic" (something that happened, the default), "semantic" (something drawn from it), or a word of your own.
     */
    rekall_str memory_type;
    /**
     * Labels, at most 256; repeated ones are kept once.
     */
    const rekall_str *tags;
    /**
     * How many.
     */
    size_t tags_count;
    /**
     * What surrounded it; NULL: nothing.
     */
    const rekall_context *context;
    /**
     * Values of your own: a JSON object as text, at most 1 MiB and 100 levels deep. A number that 64 bits (an integer's, or
     * a double's) cannot hold exactly is refused: give it as text.
     */
    rekall_str metadata;
    /**
     * Its id (26 characters, NUL-terminated), which no other entry may have; NULL: one is made. Entries are listed by id.
     */
    const char *id;
    /**
     * When it was made, in milliseconds since 1970 (UTC), in the years 1 to 9999, with REKALL_NEW_ENTRY_CREATED_AT;
     * without: leave 0, and it is now.
     */
    int64_t created_at_ms;
    /**
     * When it expires, likewise, with REKALL_NEW_ENTRY_EXPIRES_AT; without: leave 0, and it never does. From that moment on no
     * search, list, count or facet shows it; rekall_forget_expired() and rekall_compact() delete it, and until then
     * it is there by its id.
     */
    int64_t expires_at_ms;
    /**
     * From when on what it says holds, likewise, with REKALL_NEW_ENTRY_VALID_FROM; without: leave 0, and it always has. Only
     * searches that ask for a moment look at it: as_of_ms of rekall_filter.
     */
    int64_t valid_from_ms;
    /**
     * From when on it no longer holds, not before valid_from_ms, with REKALL_NEW_ENTRY_VALID_TO; without: leave 0, and it
     * still does.
     */
    int64_t valid_to_ms;
} rekall_new_entry;

/**
 * A rekall_new_entry with its size, and the default in all members.
 */
#define REKALL_NEW_ENTRY_INIT { sizeof(rekall_new_entry), 0, 0, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, 0, \
    0, 0, {0, 0}, 0, 0, 0, 0, 0 }

/**
 * What an update changes: everything not given stays as it is. Start from REKALL_PATCH_INIT.
 */
typedef struct rekall_patch {
    /**
     * sizeof(rekall_patch).
     */
    size_t struct_size;
    /**
     * REKALL_PATCH_ flags.
     */
    uint32_t flags;
    /**
     * New status, REKALL_ENTRY_ACTIVE or REKALL_ENTRY_OBSOLETE; 0: as it is.
     */
    uint32_t status;
    /**
     * New confidence, 0 to 5, with REKALL_PATCH_CONFIDENCE.
     */
    uint32_t confidence;
    /**
     * Reserved: must be 0.
     */
    uint32_t reserved;
    /**
     * New title.
     */
    rekall_str title;
    /**
     * New content.
     */
    rekall_str content;
    /**
     * New kind.
     */
    rekall_str kind;
    /**
     * New project.
     */
    rekall_str project;
    /**
     * New memory type.
     */
    rekall_str memory_type;
    /**
     * New tags, all of them, with REKALL_PATCH_TAGS or a count above 0.
     */
    const rekall_str *tags;
    /**
     * How many.
     */
    size_t tags_count;
    /**
     * New context, all of it; NULL: as it is.
     */
    const rekall_context *context;
    /**
     * New metadata, all of it: a JSON object as text, as in rekall_new_entry.
     */
    rekall_str metadata;
    /**
     * Id of the entry that replaces this one, NUL-terminated; NULL: as it is. The status stays as it is, too:
     * rekall_supersede_entry() sets both.
     */
    const char *superseded_by;
    /**
     * New time of expiry, in milliseconds since 1970 (UTC), with REKALL_PATCH_EXPIRES_AT.
     */
    int64_t expires_at_ms;
    /**
     * New begin of the valid time, likewise, with REKALL_PATCH_VALID_FROM.
     */
    int64_t valid_from_ms;
    /**
     * New end of the valid time, likewise, with REKALL_PATCH_VALID_TO.
     */
    int64_t valid_to_ms;
} rekall_patch;

/**
 * A rekall_patch with its size, and the default in all members.
 */
#define REKALL_PATCH_INIT { sizeof(rekall_patch), 0, 0, 0, 0, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, 0, \
    0, 0, {0, 0}, 0, 0, 0, 0 }

/**
 * As REKALL_PATCH_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_patch_init(rekall_patch *patch,
                       size_t struct_size);

/**
 * As REKALL_CONTEXT_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_context_init(rekall_context *context,
                         size_t struct_size);

/**
 * As REKALL_NEW_ENTRY_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_new_entry_init(rekall_new_entry *entry,
                           size_t struct_size);

/* ======================================================================================================== */
/* Remembering                                                                                              */
/* ======================================================================================================== */

/*
 * An entry is stored with the vectors that the model makes of its texts, in one transaction.
 *
 *     rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
 *     rekall_id made;
 *     entry.title = rekall_text("the build needs CMake 3.20");
 *     if ((status = rekall_remember(db, &entry, NULL, &made, &error))) goto end;
 *     printf("remembered as %s\n", made.text);
 */

/**
 * How entries are remembered. Start from REKALL_REMEMBER_OPTIONS_INIT.
 */
typedef struct rekall_remember_options {
    /**
     * sizeof(rekall_remember_options).
     */
    size_t struct_size;
    /**
     * Vectors made by the host, instead of having them made: one row an entry, row after row, of any length but zero.
     * NULL: the model makes them.
     */
    const float *vectors;
    /**
     * How many numbers in all: entries * dimensions.
     */
    size_t vectors_len;
    /**
     * How long the model stays loaded after this call, in milliseconds; 0: as the memory was opened, REKALL_NEVER,
     * REKALL_ZERO.
     */
    uint64_t keep_alive_ms;
    /**
     * Hears how many entries are embedded; see rekall_watch.
     */
    rekall_progress_fn progress;
    /**
     * Handed to progress.
     */
    void *user_data;
    /**
     * Stops the call; NULL: only rekall_interrupt() does.
     */
    rekall_token *token;
} rekall_remember_options;

/**
 * A rekall_remember_options with its size, and the default in all members.
 */
#define REKALL_REMEMBER_OPTIONS_INIT { sizeof(rekall_remember_options), 0, 0, 0, 0, 0, 0 }

/**
 * As REKALL_REMEMBER_OPTIONS_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_remember_options_init(rekall_remember_options *options,
                                  size_t struct_size);

/**
 * Remembers one entry. One transaction: entry, tags and vectors, all or nothing.
 *
 * options may be NULL. out_id, which may be NULL, receives the entry's id. When no model is at hand the entry is stored
 * all the same: words find it, meaning does not until rekall_embed_pending(); REKALL_EVENT_NOT_EMBEDDED says so.
 * REKALL_INVALID_INPUT for a blank title, a NUL in a text, or too much of it, and for an id that is there already;
 * REKALL_INVALID_VECTOR.
 */
REKALL_NODISCARD
rekall_status rekall_remember(rekall_db *db,
                              const rekall_new_entry *entry,
                              const rekall_remember_options *options,
                              rekall_id *out_id,
                              rekall_error **error);

/**
 * Remembers several entries together: all are stored, or none.
 *
 * entries are count structs one after the other, all with the same struct_size. out_ids, which may be NULL, has room
 * for count ids, which come in the entries' order. See rekall_remember().
 */
REKALL_NODISCARD
rekall_status rekall_remember_many(rekall_db *db,
                                   const rekall_new_entry *entries,
                                   size_t count,
                                   const rekall_remember_options *options,
                                   rekall_id *out_ids,
                                   rekall_error **error);

/* ======================================================================================================== */
/* Entries as they are stored                                                                               */
/* ======================================================================================================== */

/*
 * What a rekall_entry holds is asked for part by part.
 *
 *     rekall_entry *entry = NULL;
 *     size_t i, len;
 *     const char *title;
 *     if ((status = rekall_get(db, id, &entry, &error))) goto end;
 *     title = rekall_entry_title(entry, &len);
 *     printf("%.*s (%s)\n", (int)len, title, rekall_entry_kind(entry, NULL));
 *     for (i = 0; i < rekall_entry_tag_count(entry); i++)
 *         puts(rekall_entry_tag(entry, i, NULL));
 *     rekall_entry_free(entry);
 */

/**
 * An entry as it was when it was read. Never changes; may be read from any thread, also after rekall_close(). What its
 * functions return belongs to it and lives as long. All of them take NULL, for which they return NULL or 0.
 */
typedef struct rekall_entry rekall_entry;

/**
 * Part of a context: what was going on. One text at most.
 */
#define REKALL_CONTEXT_SITUATION 0

/**
 * Part of a context: what solved it. One text at most.
 */
#define REKALL_CONTEXT_SOLUTION 1

/**
 * Part of a context: what was tried in vain. One text at most.
 */
#define REKALL_CONTEXT_WHAT_FAILED 2

/**
 * Part of a context: anything else. One text at most.
 */
#define REKALL_CONTEXT_TEXT 3

/**
 * Part of a context: words that should bring the entry to mind.
 */
#define REKALL_CONTEXT_TRIGGER_KEYWORDS 4

/**
 * Part of a context: error messages.
 */
#define REKALL_CONTEXT_ERROR_MESSAGES 5

/**
 * Part of a context: files.
 */
#define REKALL_CONTEXT_FILES 6

/**
 * A time of an entry: when it expires.
 */
#define REKALL_ENTRY_EXPIRES_AT 1

/**
 * A time of an entry: from when on what it says holds.
 */
#define REKALL_ENTRY_VALID_FROM 2

/**
 * A time of an entry: from when on it no longer holds.
 */
#define REKALL_ENTRY_VALID_TO 3

/**
 * The entry's id, 26 characters, NUL-terminated. NULL for NULL.
 */
const char *rekall_entry_id(const rekall_entry *entry);

/**
 * The title: NUL-terminated UTF-8. out_len, which may be NULL, receives its length in bytes (a text that was imported
 * from an old file may hold NULs).
 */
const char *rekall_entry_title(const rekall_entry *entry,
                               size_t *out_len);

/**
 * The content, possibly empty. See rekall_entry_title().
 */
const char *rekall_entry_content(const rekall_entry *entry, size_t *out_len);

/**
 * The kind. See rekall_entry_title().
 */
const char *rekall_entry_kind(const rekall_entry *entry, size_t *out_len);

/**
 * The project; NULL when there is none. See rekall_entry_title().
 */
const char *rekall_entry_project(const rekall_entry *entry, size_t *out_len);

/**
 * The URI of the source that the entry is kept in step with; NULL when there is none. See rekall_entry_title().
 */
const char *rekall_entry_source_uri(const rekall_entry *entry,
                                    size_t *out_len);

/**
 * The line of the source in which the entry's section begins, from 1; 0 when it is not known. rekall_entry_json() has the
 * headings, too.
 */
uint32_t rekall_entry_source_line(const rekall_entry *entry);

/**
 * The memory type. See rekall_entry_title().
 */
const char *rekall_entry_memory_type(const rekall_entry *entry, size_t *out_len);

/**
 * How many tags the entry has.
 */
size_t rekall_entry_tag_count(const rekall_entry *entry);

/**
 * Tag number index, from 0, in the author's order; NULL past the last. See rekall_entry_title().
 */
const char *rekall_entry_tag(const rekall_entry *entry, size_t index, size_t *out_len);

/**
 * The status: REKALL_ENTRY_ACTIVE or REKALL_ENTRY_OBSOLETE; 0 for NULL.
 */
uint32_t rekall_entry_status(const rekall_entry *entry);

/**
 * Id of the entry that replaced this one, NUL-terminated; NULL when there is none.
 */
const char *rekall_entry_superseded_by(const rekall_entry *entry);

/**
 * How sure the entry's author was, 0 to 5.
 */
uint32_t rekall_entry_confidence(const rekall_entry *entry);

/**
 * When the entry was made: milliseconds since 1970 (UTC).
 */
int64_t rekall_entry_created_at_ms(const rekall_entry *entry);

/**
 * When the entry was last changed: milliseconds since 1970 (UTC).
 */
int64_t rekall_entry_updated_at_ms(const rekall_entry *entry);

/**
 * A time of the entry: REKALL_ENTRY_EXPIRES_AT, REKALL_ENTRY_VALID_FROM or REKALL_ENTRY_VALID_TO. Returns 1 and sets out_ms,
 * which may be NULL, to milliseconds since 1970 (UTC) when the entry has it; else 0, and out_ms is 0.
 */
int32_t rekall_entry_time(const rekall_entry *entry,
                          uint32_t which,
                          int64_t *out_ms);

/**
 * 1 when the entry has a context, also an empty one; else 0.
 */
int32_t rekall_entry_has_context(const rekall_entry *entry);

/**
 * How many texts a part of the entry's context has; part is a REKALL_CONTEXT_ number.
 */
size_t rekall_entry_context_count(const rekall_entry *entry, uint32_t part);

/**
 * Text number index, from 0, of a part of the entry's context; NULL past the last. See rekall_entry_title().
 */
const char *rekall_entry_context_text(const rekall_entry *entry,
                                      uint32_t part,
                                      size_t index,
                                      size_t *out_len);

/**
 * The metadata: a JSON object as text, "{}" when there is none. See rekall_entry_title().
 */
const char *rekall_entry_metadata(const rekall_entry *entry, size_t *out_len);

/**
 * What an imported file said that has no place elsewhere: JSON text; NULL when there is nothing. See
 * rekall_entry_title().
 */
const char *rekall_entry_legacy(const rekall_entry *entry, size_t *out_len);

/**
 * The whole entry as one JSON object. See rekall_entry_title().
 */
const char *rekall_entry_json(const rekall_entry *entry, size_t *out_len);

/**
 * Frees an entry that was got with rekall_get(), rekall_update() or rekall_update_with_vector(); not one that belongs to
 * hits. NULL is fine.
 */
void rekall_entry_free(rekall_entry *entry);

/* ======================================================================================================== */
/* Reading and changing entries                                                                             */
/* ======================================================================================================== */

/*
 * An update changes what its patch gives, and leaves the rest as it is.
 *
 *     rekall_patch patch = REKALL_PATCH_INIT;
 *     rekall_entry *entry = NULL;
 *     patch.title = rekall_text("CORS fails on Safari 17 only");
 *     patch.confidence = 5;
 *     patch.flags = REKALL_PATCH_CONFIDENCE;
 *     if ((status = rekall_update(db, id, &patch, &entry, &error))) goto end;
 *     puts(rekall_entry_title(entry, NULL));
 *     rekall_entry_free(entry);
 */

/**
 * Reads an entry by its id (26 characters, NUL-terminated). out receives it, to be freed with rekall_entry_free().
 * REKALL_NOT_FOUND when no entry has the id, REKALL_INVALID_INPUT when it is no id. Costs tens of microseconds and
 * waits for no writer.
 */
REKALL_NODISCARD
rekall_status rekall_get(rekall_db *db,
                         const char *id,
                         rekall_entry **out,
                         rekall_error **error);

/**
 * Changes an entry, in one transaction; only texts that changed are embedded again. out, which may be NULL, receives the
 * entry as it is now, to be freed with rekall_entry_free(). When no model is at hand, changed texts are found by words
 * only until rekall_embed_pending(). REKALL_NOT_FOUND; REKALL_INVALID_INPUT as for rekall_remember().
 */
REKALL_NODISCARD
rekall_status rekall_update(rekall_db *db,
                            const char *id,
                            const rekall_patch *patch,
                            rekall_entry **out,
                            rekall_error **error);

/**
 * Changes an entry, in one transaction, and gives it this vector, of dimensions numbers and any length but zero, in the
 * place of all that it had: for hosts that make their own (vectors_name of rekall_open_options), and for any other whose
 * vectors are the model's. patch may be NULL: only the vector changes. out, which may be
 * NULL, receives the entry as it is now, to be freed with rekall_entry_free(). REKALL_NOT_FOUND; REKALL_INVALID_INPUT as
 * for rekall_remember(); REKALL_INVALID_VECTOR; REKALL_MODEL_MISMATCH when the file's vectors are another model's;
 * REKALL_MODEL_UNAVAILABLE when the handle was opened with neither a model nor vectors_name.
 */
REKALL_NODISCARD
rekall_status rekall_update_with_vector(rekall_db *db,
                                        const char *id,
                                        const rekall_patch *patch,
                                        const float *vector,
                                        size_t dimensions,
                                        rekall_entry **out,
                                        rekall_error **error);

/* ======================================================================================================== */
/* Remembering an entry, or changing the one that has its key                                               */
/* ======================================================================================================== */

/*
 * The key is a value in the entry's metadata, so that a program that meets a thing again finds its entry.
 *
 *     rekall_new_entry note = REKALL_NEW_ENTRY_INIT;
 *     rekall_upserted done;
 *     note.title = rekall_text("What I did today");
 *     note.metadata = rekall_text("{\"path\": \"notes/today.md\"}");
 *     if ((status = rekall_upsert(db, "path", &note, &done, &error))) goto end;
 *     printf("%s %s\n", done.id.text, done.is_new ? "is new" : "was changed");
 */

/**
 * What rekall_upsert() did.
 */
typedef struct rekall_upserted {
    /**
     * The entry.
     */
    rekall_id id;
    /**
     * 1: it is new; 0: it was there, and says now what was given.
     */
    int32_t is_new;
} rekall_upserted;

/**
 * Remembers an entry, or changes the one that has its key, in one transaction. The key is what the entry's metadata has
 * under field (NUL-terminated), a text or a number: the path of a file, say, or the number of a ticket. out may be NULL.
 *
 * An entry that is there says afterwards what the one given says, and nothing else; it keeps its id, status, links and the
 * time when it was made (id and created_at_ms of rekall_new_entry count for a new one only). Only texts that changed are
 * embedded. Entries of any status are looked for. When several threads or processes do this with one key at once, one of
 * them remembers the entry and the others change it. Cost: besides that of the writing, a look at the metadata of every
 * entry. REKALL_INVALID_INPUT for an entry without such a key and for a key that several entries have; REKALL_CORRUPT when
 * the metadata of an entry cannot be read: it may have the key. Otherwise as rekall_remember() and rekall_update().
 */
REKALL_NODISCARD
rekall_status rekall_upsert(rekall_db *db,
                            const char *field,
                            const rekall_new_entry *entry,
                            rekall_upserted *out,
                            rekall_error **error);

/* ======================================================================================================== */
/* Which entries were used                                                                                  */
/* ======================================================================================================== */

/*
 * What counts as use is for the program to say; searches and reads note nothing by themselves.
 *
 *     rekall_str used[1];
 *     rekall_usage usage;
 *     used[0] = rekall_text(id);
 *     if ((status = rekall_record_use(db, used, 1, &error))) goto end;
 *     // Now and then, and before the end.
 *     if ((status = rekall_flush_usage(db, NULL, &error))) goto end;
 *     status = rekall_usage_of(db, id, &usage, &error);
 */

/**
 * How an entry was used. Never grows.
 */
typedef struct rekall_usage {
    /**
     * When last: milliseconds since 1970 (UTC).
     */
    int64_t last_used_at_ms;
    /**
     * How often; 0: no use is recorded.
     */
    uint64_t uses;
} rekall_usage;

/**
 * Notes that entries were used now: shown to somebody, say, or handed to a model. ids are count texts of 26 characters each.
 * Only in memory: rekall_flush_usage() writes it, and what is not written before rekall_close() is lost. Searches can go by
 * it: recency_time of rekall_recall_options. REKALL_INVALID_INPUT for a text that is no id.
 */
REKALL_NODISCARD
rekall_status rekall_record_use(rekall_db *db,
                                const rekall_str *ids,
                                size_t count,
                                rekall_error **error);

/**
 * Writes the uses that were noted, in one transaction. Nothing else of an entry changes. out_entries, which may be NULL,
 * receives the number of entries; those that are gone are left out. When it fails, the uses stay noted.
 */
REKALL_NODISCARD
rekall_status rekall_flush_usage(rekall_db *db,
                                 uint64_t *out_entries,
                                 rekall_error **error);

/**
 * How an entry was used, as far as it is written: out receives it, all 0 when no use is recorded or no entry has the id.
 */
REKALL_NODISCARD
rekall_status rekall_usage_of(rekall_db *db,
                              const char *id,
                              rekall_usage *out,
                              rekall_error **error);

/* ======================================================================================================== */
/* One entry in the place of another                                                                        */
/* ======================================================================================================== */

/*
 * What no longer holds stays readable, and names what holds instead.
 *
 *     rekall_entry *past = NULL;
 *     if ((status = rekall_supersede_entry(db, older, id, &past, &error))) goto end;
 *     printf("replaced by %s\n", rekall_entry_superseded_by(past));
 *     rekall_entry_free(past);
 */

/**
 * Puts an entry in the place of an older one, in one transaction: the older one becomes obsolete, so that searches leave it
 * out unless asked, and names the new one (rekall_entry_superseded_by()). out, which may be NULL, receives the older one as
 * it is now, to be freed with rekall_entry_free(). Its valid time ends where that of the new one begins, or now, so that a
 * filter with as_of_ms finds it for an earlier moment. Not to be confused with the member supersede of rekall_recall_options,
 * which is about searches.
 *
 * REKALL_NOT_FOUND for either id; REKALL_INVALID_INPUT for an entry in its own place, and for a new_id that the older one
 * replaces, directly or by way of others.
 *
 *     status = rekall_supersede_entry(db, old.text, correction.text, NULL, &error);
 */
REKALL_NODISCARD
rekall_status rekall_supersede_entry(rekall_db *db,
                                     const char *old_id,
                                     const char *new_id,
                                     rekall_entry **out,
                                     rekall_error **error);

/* ======================================================================================================== */
/* Links between entries                                                                                    */
/* ======================================================================================================== */

/*
 * A link leads from one entry to another and has a name, the relation.
 *
 *     rekall_neighbors *near = NULL;
 *     size_t i;
 *     if ((status = rekall_link(db, id, older, "solves", NULL, 0, &error))) goto end;
 *     if ((status = rekall_neighbors_of(db, id, 2, &near, &error))) goto end;
 *     for (i = 0; i < rekall_neighbors_count(near); i++)
 *         printf("%s, %d links away\n", rekall_neighbors_id(near, i), (int)rekall_neighbors_distance(near, i));
 *     rekall_neighbors_free(near);
 */

/**
 * The links of an entry. Never changes; may be read from any thread, also after rekall_close().
 */
typedef struct rekall_links rekall_links;

/**
 * The entries near an entry. Never changes; may be read from any thread, also after rekall_close().
 */
typedef struct rekall_neighbors rekall_neighbors;

/**
 * Links two entries, in one direction. relation is any word, NUL-terminated; usual are "related", "supersedes",
 * "derived_from" and "contradicts". reason is text of reason_len bytes (or REKALL_NTS) that says why; NULL and 0: none.
 * A link of the same relation that is already there gets the new reason. REKALL_NOT_FOUND; REKALL_INVALID_INPUT for an
 * entry linked to itself, a blank relation, a relation over 256 bytes, a reason over 65536.
 */
REKALL_NODISCARD
rekall_status rekall_link(rekall_db *db,
                          const char *source,
                          const char *target,
                          const char *relation,
                          const char *reason,
                          size_t reason_len,
                          rekall_error **error);

/**
 * Removes a link. out_removed, which may be NULL, receives 1 if there was one, else 0. REKALL_NOT_FOUND when one of the
 * entries is not there.
 */
REKALL_NODISCARD
rekall_status rekall_unlink(rekall_db *db,
                            const char *source,
                            const char *target,
                            const char *relation,
                            int32_t *out_removed,
                            rekall_error **error);

/**
 * Reads the links that start or end at an entry, oldest first. out receives them, to be freed with rekall_links_free().
 * REKALL_NOT_FOUND.
 */
REKALL_NODISCARD
rekall_status rekall_links_of(rekall_db *db,
                              const char *id,
                              rekall_links **out,
                              rekall_error **error);

/**
 * How many links there are; 0 for NULL.
 */
size_t rekall_links_count(const rekall_links *links);

/**
 * Id of the entry where link number index (from 0) starts, NUL-terminated. It belongs to links. NULL past the last.
 */
const char *rekall_links_source(const rekall_links *links,
                                size_t index);

/**
 * Id of the entry where link number index ends. See rekall_links_source().
 */
const char *rekall_links_target(const rekall_links *links, size_t index);

/**
 * The relation of link number index: NUL-terminated UTF-8 that belongs to links; out_len, which may be NULL, receives
 * its length. NULL past the last.
 */
const char *rekall_links_relation(const rekall_links *links,
                                  size_t index,
                                  size_t *out_len);

/**
 * The reason of link number index; NULL when none was given and past the last. See rekall_links_relation().
 */
const char *rekall_links_reason(const rekall_links *links, size_t index, size_t *out_len);

/**
 * When link number index was made: milliseconds since 1970 (UTC). 0 past the last.
 */
int64_t rekall_links_created_at_ms(const rekall_links *links, size_t index);

/**
 * Frees links. NULL is fine.
 */
void rekall_links_free(rekall_links *links);

/**
 * Reads which entries are within depth links of an entry, nearest first. out receives them, to be freed with
 * rekall_neighbors_free(). REKALL_NOT_FOUND.
 */
REKALL_NODISCARD
rekall_status rekall_neighbors_of(rekall_db *db,
                                  const char *id,
                                  size_t depth,
                                  rekall_neighbors **out,
                                  rekall_error **error);

/**
 * How many neighbors there are; 0 for NULL.
 */
size_t rekall_neighbors_count(const rekall_neighbors *neighbors);

/**
 * Id of neighbor number index (from 0), NUL-terminated. It belongs to neighbors. NULL past the last.
 */
const char *rekall_neighbors_id(const rekall_neighbors *neighbors, size_t index);

/**
 * How many links away neighbor number index is, 1 or more. 0 past the last.
 */
size_t rekall_neighbors_distance(const rekall_neighbors *neighbors, size_t index);

/**
 * Frees neighbors. NULL is fine.
 */
void rekall_neighbors_free(rekall_neighbors *neighbors);

/* ======================================================================================================== */
/* Filters: which entries a search may find                                                                 */
/* ======================================================================================================== */

/*
 * Conditions for a search, a page or a count; an entry must meet all of them.
 *
 *     rekall_filter filter = REKALL_FILTER_INIT;
 *     rekall_str kinds[1];
 *     uint64_t count = 0;
 *     kinds[0] = rekall_text("bug");
 *     filter.kinds = kinds;
 *     filter.kinds_count = 1;
 *     filter.created_after_ms = 1700000000000;
 *     filter.flags = REKALL_FILTER_CREATED_AFTER;
 *     filter.status = REKALL_ENTRY_ANY;
 *     status = rekall_count(db, &filter, &count, &error);
 */

/**
 * Flag of rekall_filter: created_after_ms is given.
 */
#define REKALL_FILTER_CREATED_AFTER 1

/**
 * Flag of rekall_filter: created_before_ms is given.
 */
#define REKALL_FILTER_CREATED_BEFORE 2

/**
 * Flag of rekall_filter: updated_after_ms is given.
 */
#define REKALL_FILTER_UPDATED_AFTER 4

/**
 * Flag of rekall_filter: updated_before_ms is given.
 */
#define REKALL_FILTER_UPDATED_BEFORE 8

/**
 * Flag of rekall_filter: only the entries in ids, also when there are none (nothing is found then).
 */
#define REKALL_FILTER_IDS 16

/**
 * Flag of rekall_filter: as_of_ms is given.
 */
#define REKALL_FILTER_AS_OF 32

/**
 * Flag of rekall_filter: entries pass, too, that have expired and are not deleted yet.
 */
#define REKALL_FILTER_INCLUDE_EXPIRED 64

/**
 * Comparison of a rekall_metadata_condition (also 0): the value is the same; numbers by their value: 3 is 3.0.
 */
#define REKALL_COMPARISON_EQUAL 1

/**
 * Comparison: the value is another one, or the entry does not have the key.
 */
#define REKALL_COMPARISON_NOT_EQUAL 2

/**
 * Comparison: the value comes before the one given. Numbers are compared with numbers, by value, and texts with texts, by
 * code points; what is of another type does not pass.
 */
#define REKALL_COMPARISON_LESS_THAN 3

/**
 * Comparison: the value comes before the one given, or is the same.
 */
#define REKALL_COMPARISON_AT_MOST 4

/**
 * Comparison: the value comes after the one given.
 */
#define REKALL_COMPARISON_GREATER_THAN 5

/**
 * Comparison: the value comes after the one given, or is the same.
 */
#define REKALL_COMPARISON_AT_LEAST 6

/**
 * A condition on a top-level key of the metadata. Two of them on one key make a range.
 */
typedef struct rekall_metadata_condition {
    /**
     * The key.
     */
    rekall_str key;
    /**
     * What its value is compared with, as JSON text: "3", "true", "\"text\""; a number or a text where an order is asked
     * for (anything else is REKALL_INVALID_INPUT).
     */
    rekall_str value;
    /**
     * A REKALL_COMPARISON_ number; 0: REKALL_COMPARISON_EQUAL.
     */
    uint32_t comparison;
    /**
     * 0.
     */
    uint32_t reserved;
} rekall_metadata_condition;

/**
 * Conditions on entries, all of which must hold, before anything is ranked. What is 0 or NULL is no condition. Start
 * from REKALL_FILTER_INIT.
 */
typedef struct rekall_filter {
    /**
     * sizeof(rekall_filter).
     */
    size_t struct_size;
    /**
     * REKALL_FILTER_ flags.
     */
    uint32_t flags;
    /**
     * REKALL_ENTRY_ACTIVE (also 0), REKALL_ENTRY_OBSOLETE or REKALL_ENTRY_ANY.
     */
    uint32_t status;
    /**
     * Kinds, any of which passes.
     */
    const rekall_str *kinds;
    /**
     * How many.
     */
    size_t kinds_count;
    /**
     * Projects, any of which passes.
     */
    const rekall_str *projects;
    /**
     * How many.
     */
    size_t projects_count;
    /**
     * The entry has at least one of these tags.
     */
    const rekall_str *tags_any;
    /**
     * How many.
     */
    size_t tags_any_count;
    /**
     * The entry has each of these tags.
     */
    const rekall_str *tags_all;
    /**
     * How many.
     */
    size_t tags_all_count;
    /**
     * Memory types, any of which passes.
     */
    const rekall_str *memory_types;
    /**
     * How many.
     */
    size_t memory_types_count;
    /**
     * Ids, 26 characters each: only these entries pass. With a count above 0, or REKALL_FILTER_IDS.
     */
    const rekall_str *ids;
    /**
     * How many.
     */
    size_t ids_count;
    /**
     * Conditions on the metadata. Costs a look at each entry that passes the rest.
     */
    const rekall_metadata_condition *metadata;
    /**
     * How many.
     */
    size_t metadata_count;
    /**
     * Made at this time or later, in milliseconds since 1970 (UTC), with its flag.
     */
    int64_t created_after_ms;
    /**
     * Made before this time, with its flag.
     */
    int64_t created_before_ms;
    /**
     * Changed at this time or later, with its flag.
     */
    int64_t updated_after_ms;
    /**
     * Changed before this time, with its flag.
     */
    int64_t updated_before_ms;
    /**
     * Kinds, none of which passes.
     */
    const rekall_str *not_kinds;
    /**
     * How many.
     */
    size_t not_kinds_count;
    /**
     * Projects, none of which passes; an entry without a project does.
     */
    const rekall_str *not_projects;
    /**
     * How many.
     */
    size_t not_projects_count;
    /**
     * The entry has none of these tags.
     */
    const rekall_str *not_tags;
    /**
     * How many.
     */
    size_t not_tags_count;
    /**
     * Memory types, none of which passes.
     */
    const rekall_str *not_memory_types;
    /**
     * How many.
     */
    size_t not_memory_types_count;
    /**
     * Ids, 26 characters each, of entries that do not pass.
     */
    const rekall_str *not_ids;
    /**
     * How many.
     */
    size_t not_ids_count;
    /**
     * Sources, any of which the entry may come from: the URI of its source, or one that this lies under.
     */
    const rekall_str *sources;
    /**
     * How many.
     */
    size_t sources_count;
    /**
     * What held at this moment, in milliseconds since 1970 (UTC), with its flag: entries whose valid time includes it. An entry
     * that is obsolete today passes as active if its valid time says that it held then; rekall_supersede_entry() ends
     * that of the older entry.
     */
    int64_t as_of_ms;
} rekall_filter;

/**
 * A rekall_filter with its size, and the default in all members.
 */
#define REKALL_FILTER_INIT { sizeof(rekall_filter), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * As REKALL_FILTER_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_filter_init(rekall_filter *filter,
                        size_t struct_size);

/* ======================================================================================================== */
/* Forgetting entries                                                                                       */
/* ======================================================================================================== */

/*
 * One entry, several, those that pass a filter, or all: each call is one transaction.
 *
 *     rekall_str ids[2];
 *     rekall_report *report = NULL;
 *     ids[0] = rekall_text(id);
 *     ids[1] = rekall_text(older);
 *     if ((status = rekall_forget_many(db, ids, 2, &report, &error))) goto end;
 *     printf("%d are forgotten\n", (int)rekall_report_number(report, "forgotten"));
 *     rekall_report_free(report);
 */

/**
 * Forgets an entry with all that hangs on it: vectors, tags, links. References to it are cleared. REKALL_NOT_FOUND.
 */
REKALL_NODISCARD
rekall_status rekall_forget(rekall_db *db,
                            const char *id,
                            rekall_error **error);

/**
 * Forgets several entries in one transaction. ids are count texts of 26 characters each; one that no entry has is left
 * aside. out, which may be NULL, receives a report, to be freed with rekall_report_free(). Numbers: forgotten. Lines: the
 * ids of those that were there, in the order given and each once. REKALL_INVALID_INPUT for a text that is no id.
 */
REKALL_NODISCARD
rekall_status rekall_forget_many(rekall_db *db,
                                 const rekall_str *ids,
                                 size_t count,
                                 rekall_report **out,
                                 rekall_error **error);

/**
 * Forgets the entries that pass a filter, in one transaction. A filter without a condition, or with a status of
 * REKALL_ENTRY_ANY alone, is REKALL_INVALID_INPUT, and so is NULL: rekall_forget_all() forgets everything. Where the
 * filter asks for metadata and those of an entry cannot be read, nothing is forgotten (REKALL_CORRUPT). out, which may be
 * NULL, receives a report as from rekall_forget_many(); lines in the order in which the entries were written.
 */
REKALL_NODISCARD
rekall_status rekall_forget_matching(rekall_db *db,
                                     const rekall_filter *filter,
                                     rekall_report **out,
                                     rekall_error **error);

/**
 * Forgets all entries, whatever their status, in one transaction. out, which may be NULL, receives a report as from
 * rekall_forget_many(); lines in the order in which the entries were written.
 */
REKALL_NODISCARD
rekall_status rekall_forget_all(rekall_db *db,
                                rekall_report **out,
                                rekall_error **error);

/**
 * Forgets the entries that have expired, in one transaction; rekall_compact() does, too. out, which may be NULL, receives a
 * report as from rekall_forget_many(); lines in the order in which the entries were written.
 */
REKALL_NODISCARD
rekall_status rekall_forget_expired(rekall_db *db,
                                    rekall_report **out,
                                    rekall_error **error);

/* ======================================================================================================== */
/* Entries page by page                                                                                     */
/* ======================================================================================================== */

/*
 * Entries without a search: by page, or by their ids.
 *
 *     char after[REKALL_ID_LEN + 1] = "";
 *     size_t count = 0, i;
 *     do {
 *         rekall_page *page = NULL;
 *         if ((status = rekall_list(db, NULL, *after ? after : NULL, 1000, &page, &error))) goto end;
 *         count = rekall_page_count(page);
 *         for (i = 0; i < count; i++)
 *             puts(rekall_entry_title(rekall_page_entry(page, i), NULL));
 *         if (count > 0)
 *             strcpy(after, rekall_entry_id(rekall_page_entry(page, count - 1)));
 *         rekall_page_free(page);
 *     } while (count > 0);
 */

/**
 * A page of entries. Never changes; may be read from any thread, also after rekall_close().
 */
typedef struct rekall_page rekall_page;

/**
 * Reads up to limit (1 to 100,000) entries that pass the filter (NULL: active ones), by id ascending, which is oldest
 * first. after is the last id of the page before, whether that entry still exists or not; NULL: from the beginning. out
 * receives them, to be freed with rekall_page_free(); an empty page is the end. REKALL_INVALID_INPUT for a limit out of its
 * range.
 */
REKALL_NODISCARD
rekall_status rekall_list(rekall_db *db,
                          const rekall_filter *filter,
                          const char *after,
                          size_t limit,
                          rekall_page **out,
                          rekall_error **error);

/**
 * Counts the entries that pass the filter (NULL: active ones) into out. Some milliseconds for 100,000 entries.
 */
REKALL_NODISCARD
rekall_status rekall_count(rekall_db *db,
                           const rekall_filter *filter,
                           uint64_t *out,
                           rekall_error **error);

/**
 * How many entries there are, including those that rekall_get_many() did not find and that rekall_list_newest() could not
 * read; 0 for NULL.
 */
size_t rekall_page_count(const rekall_page *page);

/**
 * Entry number index, from 0. It belongs to page: do not free it. NULL past the last, and where rekall_get_many() found
 * no entry with the id.
 */
const rekall_entry *rekall_page_entry(const rekall_page *page,
                                             size_t index);

/**
 * Frees a page. NULL is fine.
 */
void rekall_page_free(rekall_page *page);

/**
 * Reads several entries by their ids, all of one moment. ids are count texts of 26 characters each. out receives a page
 * with one place an id, in the order of the ids, to be freed with rekall_page_free(): rekall_page_entry() gives NULL where
 * no entry has the id, which is no error. An id that is given twice is answered twice. REKALL_INVALID_INPUT for a text
 * that is no id.
 *
 *     rekall_str ids[2];
 *     ids[0] = rekall_text(first.text);
 *     ids[1] = rekall_text(second.text);
 *     status = rekall_get_many(db, ids, 2, &page, &error);
 */
REKALL_NODISCARD
rekall_status rekall_get_many(rekall_db *db,
                              const rekall_str *ids,
                              size_t count,
                              rekall_page **out,
                              rekall_error **error);

/* ======================================================================================================== */
/* Entries page by page, the newest first                                                                   */
/* ======================================================================================================== */

/*
 * As for a list of what was changed last. The cursor says where the next page begins.
 *
 *     rekall_cursor cursor = {{0, 0}};
 *     rekall_page *page = NULL;
 *     if ((status = rekall_list_newest(db, NULL, REKALL_NEWEST_UPDATED, &cursor, 50, &page, &error))) goto end;
 *     if (rekall_page_count(page) > 0)
 *         puts(rekall_entry_title(rekall_page_entry(page, 0), NULL));
 *     rekall_page_free(page);
 */

/**
 * Which time rekall_list_newest() goes by: when an entry was made.
 */
#define REKALL_NEWEST_CREATED 1

/**
 * Which time rekall_list_newest() goes by: when an entry was last changed.
 */
#define REKALL_NEWEST_UPDATED 2

/**
 * A place in a list of rekall_list_newest(). All 0: before the newest entry. Two numbers that a program may keep; they say
 * nothing by themselves, and only go with the list (REKALL_NEWEST_ number) that they came from.
 */
typedef struct rekall_cursor {
    /**
     * Not to be compared or counted with.
     */
    int64_t words[2];
} rekall_cursor;

/**
 * Reads up to limit (1 to 100,000) entries that pass the filter (NULL: active ones), the newest first: by the time that
 * by, a REKALL_NEWEST_ number, names, and of those of one time the one written later first.
 *
 * cursor, which is required, says where to begin (all 0: with the newest), and receives where the next page begins. out
 * receives the page, to be freed with rekall_page_free(); an empty page is the end. Entries that cannot be read (see
 * rekall_check()) are at its end, as places for which rekall_page_entry() gives NULL.
 *
 * Cost: no index is in this order, so each page looks at all entries that pass; for all of a large file rekall_list() is
 * the faster walk. What others write meanwhile does not move the pages; an entry that is changed goes to the front of a
 * walk by REKALL_NEWEST_UPDATED, which does not come to it again. REKALL_INVALID_INPUT for a limit out of its range.
 */
REKALL_NODISCARD
rekall_status rekall_list_newest(rekall_db *db,
                                 const rekall_filter *filter,
                                 uint32_t by,
                                 rekall_cursor *cursor,
                                 size_t limit,
                                 rekall_page **out,
                                 rekall_error **error);

/* ======================================================================================================== */
/* Several operations in one transaction                                                                    */
/* ======================================================================================================== */

/*
 * A batch is a list of operations that are done in one transaction. Ids are made before, so that one operation can name what
 * another one remembers.
 *
 *     rekall_batch *batch = rekall_batch_new();
 *     rekall_new_entry note = REKALL_NEW_ENTRY_INIT;
 *     rekall_id fix;
 *     note.title = rekall_text("the header must be in the preflight's answer");
 *     if ((status = rekall_new_id(db, &fix, &error))) goto end;
 *     if ((status = rekall_batch_remember(batch, fix.text, &note, NULL, 0, &error))) goto end;
 *     if ((status = rekall_batch_link(batch, fix.text, id, "solves", NULL, 0, &error))) goto end;
 *     if ((status = rekall_batch_supersede_entry(batch, older, fix.text, &error))) goto end;
 *     status = rekall_apply(db, batch, NULL, &error);
 *     rekall_batch_free(batch);
 */

/**
 * Operations that rekall_apply() does together, in the order in which they were added. Plain data: it is made without a
 * handle, and may be applied as often as wanted, also to several files. Not to be used by two calls at once.
 */
typedef struct rekall_batch rekall_batch;

/**
 * Makes an id for an entry to be remembered in a batch: it is known before the batch is applied, so that others of its
 * operations can name it. Ids made by one handle only grow; entries are listed by id, so one that is remembered long after
 * its id was made is listed before others that are older than it.
 */
REKALL_NODISCARD
rekall_status rekall_new_id(rekall_db *db,
                            rekall_id *out,
                            rekall_error **error);

/**
 * Makes a batch without operations. Free it with rekall_batch_free(). NULL only after a bug in the library.
 */
rekall_batch *rekall_batch_new(void);

/**
 * Adds: remember an entry under an id that rekall_new_id() made, or the program, and that no entry has. With a vector of
 * dimensions numbers it is remembered as by rekall_remember_options.vectors; NULL and 0: the model makes it. All is copied.
 */
REKALL_NODISCARD
rekall_status rekall_batch_remember(rekall_batch *batch,
                                    const char *id,
                                    const rekall_new_entry *entry,
                                    const float *vector,
                                    size_t dimensions,
                                    rekall_error **error);

/**
 * Adds: change an entry, as rekall_update() does; with a vector of dimensions numbers, as rekall_update_with_vector() does,
 * and patch may be NULL then. All is copied.
 */
REKALL_NODISCARD
rekall_status rekall_batch_update(rekall_batch *batch,
                                  const char *id,
                                  const rekall_patch *patch,
                                  const float *vector,
                                  size_t dimensions,
                                  rekall_error **error);

/**
 * Adds: forget an entry with all that hangs on it.
 */
REKALL_NODISCARD
rekall_status rekall_batch_forget(rekall_batch *batch, const char *id, rekall_error **error);

/**
 * Adds: put an entry in the place of an older one, as rekall_supersede_entry() does.
 */
REKALL_NODISCARD
rekall_status rekall_batch_supersede_entry(rekall_batch *batch,
                                           const char *old_id,
                                           const char *new_id,
                                           rekall_error **error);

/**
 * Adds: link two entries, as rekall_link() does.
 */
REKALL_NODISCARD
rekall_status rekall_batch_link(rekall_batch *batch,
                                const char *source,
                                const char *target,
                                const char *relation,
                                const char *reason,
                                size_t reason_len,
                                rekall_error **error);

/**
 * Adds: remove a link, if there is one.
 */
REKALL_NODISCARD
rekall_status rekall_batch_unlink(rekall_batch *batch,
                                  const char *source,
                                  const char *target,
                                  const char *relation,
                                  rekall_error **error);

/**
 * How many operations there are; 0 for NULL, and while another call uses the batch.
 */
size_t rekall_batch_count(const rekall_batch *batch);

/**
 * Does all operations of a batch in one transaction: all of them or none. Each sees what those before it did. The batch
 * stays as it is.
 *
 * The model works before the transaction begins: no lock is held meanwhile, and other writers go on. When another writer
 * changed one of the batch's entries by then, or the file's model, the work on the texts is done once more. Each entry is
 * embedded once, as it is after the last operation. Progress counts entries embedded; watch may be NULL. When no model is
 * at hand, words find the entries and meaning does not until rekall_embed_pending(). The status is that of the operation
 * that failed, and the error names it by its number, from 0: what the function of its name fails with, and
 * REKALL_INVALID_INPUT for an id that is there already.
 */
REKALL_NODISCARD
rekall_status rekall_apply(rekall_db *db,
                           const rekall_batch *batch,
                           const rekall_watch *watch,
                           rekall_error **error);

/**
 * Frees a batch. NULL is fine.
 */
void rekall_batch_free(rekall_batch *batch);

/* ======================================================================================================== */
/* Entries from JSON                                                                                        */
/* ======================================================================================================== */

/*
 * One entry as a JSON object, or several as an array, with the keys of docs/jsonl.md.
 *
 *     rekall_report *report = NULL;
 *     const char *json = "[{\"title\": \"one\", \"tags\": [\"x\"]}, {\"title\": \"two\"}]";
 *     if ((status = rekall_remember_json(db, json, REKALL_NTS, NULL, &report, &error))) goto end;
 *     printf("%d entries, the first is %s\n", (int)rekall_report_number(report, "added"), rekall_report_line(report, 0, NULL));
 *     rekall_report_free(report);
 */

/**
 * Remembers one entry given as a JSON object, or several given as an array: all are stored, or none. docs/jsonl.md has the
 * keys; only "title" has to be there. What rekall_entry_json() writes, ids and times included, can be read here.
 *
 * json is UTF-8 of json_len bytes (or REKALL_NTS). References ("superseded_by", "links") may name entries of the same
 * array, also later ones. Progress counts entries embedded; watch and out may be NULL. Numbers: added. Lines: the ids, in
 * the order of the entries. When no model is at hand the entries are stored all the same, as by rekall_remember().
 * REKALL_INVALID_INPUT for what is no such JSON, naming the entry and the key, and for an id that is there already;
 * REKALL_NOT_FOUND for a reference to no entry.
 *
 *     status = rekall_remember_json(db, "{\"title\": \"Renew the certificate\", \"tags\": [\"tls\"]}", REKALL_NTS,
 *                                   NULL, &report, &error);
 */
REKALL_NODISCARD
rekall_status rekall_remember_json(rekall_db *db,
                                   const char *json,
                                   size_t json_len,
                                   const rekall_watch *watch,
                                   rekall_report **out,
                                   rekall_error **error);

/* ======================================================================================================== */
/* Following a file by its changes                                                                          */
/* ======================================================================================================== */

/*
 * For a program that keeps a copy of the file, or shows it: which entries were written, changed or forgotten since a moment,
 * by any program. Links are not told.
 *
 *     rekall_position since = {{0, 0}}; // from the beginning; store it with the copy
 *     rekall_changes *changes = NULL;
 *     size_t i;
 *     if ((status = rekall_changes_since(db, &since, &changes, &error))) goto end;
 *     for (i = 0; i < rekall_changes_count(changes); i++)
 *         if (rekall_changes_id(changes, i) == NULL)
 *             printf("number %lld is gone\n", (long long)rekall_changes_number(changes, i));
 *     since = rekall_changes_position(changes);
 *     rekall_changes_free(changes);
 */

/**
 * A moment of a file's history: store it as it is, beside what was read then. Its numbers tell nothing by themselves. All
 * 0: before everything. Never grows.
 */
typedef struct rekall_position {
    /**
     * Not to be compared or counted with.
     */
    int64_t words[2];
} rekall_position;

/**
 * What changed since a moment. Never changes; may be read from any thread, also after rekall_close(). What its functions
 * return belongs to it and lives as long. All of them take NULL and any index.
 */
typedef struct rekall_changes rekall_changes;

/**
 * Tells which entries were written, changed or forgotten since a moment, by any process; with since NULL or all 0, all
 * entries that there are, which is how a copy begins. out receives them, to be freed with rekall_changes_free().
 *
 * A change of an entry's vectors is a change of the entry; one of its links is not. The file remembers the newest 50,000
 * entries forgotten. Where it no longer reaches back to since, where another model's vectors were put in the place of all,
 * and where the file was restored, compacted, imported into or given another index, all entries are told, and
 * rekall_changes_complete() gives 1. Waits for no writer; some microseconds an entry told.
 */
REKALL_NODISCARD
rekall_status rekall_changes_since(rekall_db *db,
                                   const rekall_position *since,
                                   rekall_changes **out,
                                   rekall_error **error);

/**
 * This moment, without looking at what came before: for hosts that want to hear of what comes from now on.
 */
REKALL_NODISCARD
rekall_status rekall_change_position(rekall_db *db,
                                     rekall_position *out,
                                     rekall_error **error);

/**
 * The moment that the changes are true of: where to ask from the next time. All 0 for NULL.
 */
rekall_position rekall_changes_position(const rekall_changes *changes);

/**
 * 1 when these are all entries that there are, and not changes: whatever is not among them is gone. Else 0.
 */
int32_t rekall_changes_complete(const rekall_changes *changes);

/**
 * How many entries changed; 0 for NULL. Each is there once.
 */
size_t rekall_changes_count(const rekall_changes *changes);

/**
 * The number that entry number index, from 0, has in this file: the same for as long as it lives, and never another
 * entry's. Keep it with the entry, because it is all that is left of one that is gone. Copies made by export and import
 * have numbers of their own. 0 past the last.
 */
int64_t rekall_changes_number(const rekall_changes *changes,
                              size_t index);

/**
 * The id of entry number index, 26 characters, NUL-terminated; NULL when the entry is gone, and past the last.
 */
const char *rekall_changes_id(const rekall_changes *changes,
                              size_t index);

/**
 * Frees changes. NULL is fine.
 */
void rekall_changes_free(rekall_changes *changes);

/* ======================================================================================================== */
/* Tags, projects, kinds, and how many entries have each                                                    */
/* ======================================================================================================== */

/*
 * How many entries have each tag, project, kind or memory type: for menus and overviews.
 *
 *     rekall_facets *tags = NULL;
 *     size_t i;
 *     if ((status = rekall_facets_of(db, REKALL_FACET_TAG, NULL, 20, &tags, &error))) goto end;
 *     for (i = 0; i < rekall_facets_count(tags); i++)
 *         printf("%s: %d\n", rekall_facets_name(tags, i, NULL), (int)rekall_facets_entries(tags, i));
 *     rekall_facets_free(tags);
 */

/**
 * What is counted: tags. An entry counts for each of its own.
 */
#define REKALL_FACET_TAG 1

/**
 * What is counted: projects. Entries without one are not counted.
 */
#define REKALL_FACET_PROJECT 2

/**
 * What is counted: kinds.
 */
#define REKALL_FACET_KIND 3

/**
 * What is counted: memory types.
 */
#define REKALL_FACET_MEMORY_TYPE 4

/**
 * Names with numbers of entries. Never changes; may be read from any thread, also after rekall_close(). What its functions
 * return belongs to it and lives as long. All of them take NULL and any index.
 */
typedef struct rekall_facets rekall_facets;

/**
 * Counts, among the entries that pass the filter (NULL: active ones), how many have each tag, project, kind or memory type
 * (facet is a REKALL_FACET_ number): the most frequent first, equally frequent ones by name, byte by byte; limit (1 to
 * 100,000) of them at the most. out receives them, to be freed with rekall_facets_free(). Cost: O(entries that
 * pass the filter), several times as much for tags as for the rest. REKALL_INVALID_INPUT for a limit out of its range.
 */
REKALL_NODISCARD
rekall_status rekall_facets_of(rekall_db *db,
                               uint32_t facet,
                               const rekall_filter *filter,
                               size_t limit,
                               rekall_facets **out,
                               rekall_error **error);

/**
 * How many names there are; 0 for NULL.
 */
size_t rekall_facets_count(const rekall_facets *facets);

/**
 * Name number index, from 0: NUL-terminated UTF-8. out_len, which may be NULL, receives its length. NULL past the last.
 */
const char *rekall_facets_name(const rekall_facets *facets,
                               size_t index,
                               size_t *out_len);

/**
 * How many entries have name number index; 0 past the last.
 */
uint64_t rekall_facets_entries(const rekall_facets *facets, size_t index);

/**
 * Frees facets. NULL is fine.
 */
void rekall_facets_free(rekall_facets *facets);

/* ======================================================================================================== */
/* Keeping entries in step with sources                                                                     */
/* ======================================================================================================== */

/*
 * A section of a file, a page or anything else that has a URI becomes an entry, and stays that entry wherever it goes and
 * however it is edited, with its id, and with the tags, links and metadata that people gave it.
 *
 *     rekall_report *report = NULL;
 *     const char *found = "{\"sources\": [{\"uri\": \"wiki:/deploy\", \"stamp\": \"rev 7\", \"sections\":"
 *                         " [{\"path\": [\"Deploy\"], \"title\": \"Deploy\", \"content\": \"Push a tag.\"}]}]}";
 *     if ((status = rekall_sync_sources(db, "wiki:", found, REKALL_NTS, NULL, &report, &error))) goto end;
 *     printf("%d added, %d changed, %d moved\n", (int)rekall_report_number(report, "added"),
 *            (int)rekall_report_number(report, "changed"), (int)rekall_report_number(report, "moved"));
 *     rekall_report_free(report);
 */

/**
 * Brings entries in step with all sources under a URI (root, NUL-terminated; empty: with all there are). json, UTF-8 of
 * json_len bytes (or REKALL_NTS), is an object that says what is there now; what it does not name is gone.
 *
 * - "sources": those that were read, each with "uri", "stamp" (by which the caller recognizes that it has not changed),
 *   "sections" in their order, "project" (of all its entries) and "defaults" ("kind", "memory_type", "project",
 *   "metadata" of new ones). A section has "path" (the headings above it and its own), "title", "content", "line", "tags",
 *   "created_at", "metadata"; only "title" has to be there.
 * - "current": URIs of sources that are as they were: see rekall_sources().
 * - "skipped": objects with "uri" and "reason", of sources that are there and could not be read. Their entries stay.
 * - "prune": true: what is gone is forgotten in any case. Otherwise it is if that are at most 10 entries or a fifth of
 *   all under the root, if any source was seen, and if none that has entries was skipped.
 *
 * What belongs to the source is an entry's title, its content and the tags that the source gave it; nothing else of an
 * entry is ever changed. Two runs at once store nothing twice. Progress counts sections; watch and out may be NULL.
 * Numbers: added, changed, moved, kept, gone, held_back (entries that should have gone), current, read (sources), skipped.
 * Lines: "URI: reason" for each source that was skipped, those included that cannot be stored. REKALL_INVALID_INPUT for
 * what is no such JSON, and for a URI that is not under the root.
 */
REKALL_NODISCARD
rekall_status rekall_sync_sources(rekall_db *db,
                                  const char *root,
                                  const char *json,
                                  size_t json_len,
                                  const rekall_watch *watch,
                                  rekall_report **out,
                                  rekall_error **error);

/* ======================================================================================================== */
/* Sources that the file knows                                                                              */
/* ======================================================================================================== */

/*
 * Which sources entries come from, and by what each was recognized when it was synchronized last.
 *
 *     rekall_report *report = NULL;
 *     size_t i;
 *     if ((status = rekall_sources(db, "file:///home/me/notes", &report, &error))) goto end;
 *     for (i = 0; i < rekall_report_line_count(report); i++)
 *         puts(rekall_report_line(report, i, NULL));
 *     rekall_report_free(report);
 */

/**
 * The sources whose URI is this one or lies under it; with an empty one all there are. Numbers: sources. Lines: one for
 * each, by URI: a JSON object with "uri", "stamp" (null: it has to be read), "synced_at" (milliseconds since 1970) and
 * "sections", the number of its entries. rekall_report_json() has them in an array.
 *
 *     status = rekall_sources(db, "", &report, &error);
 */
REKALL_NODISCARD
rekall_status rekall_sources(rekall_db *db,
                             const char *root,
                             rekall_report **out,
                             rekall_error **error);

/* ======================================================================================================== */
/* Hits: what a search found                                                                                */
/* ======================================================================================================== */

/*
 * Hits are read by their index, from 0, best first. What kept the search from being complete stands beside them.
 *
 *     rekall_hits *hits = NULL;
 *     rekall_passage found;
 *     size_t i;
 *     if ((status = rekall_recall(db, "browser blocks my call", REKALL_NTS, NULL, &hits, &error))) goto end;
 *     for (i = 0; i < rekall_hits_count(hits); i++) {
 *         printf("%.3f %s\n", rekall_hits_score(hits, i), rekall_entry_title(rekall_hits_entry(hits, i), NULL));
 *         if (rekall_hits_passage(hits, i, &found))
 *             printf("    %.*s\n", (int)(found.end - found.start), found.text + found.start);
 *     }
 *     for (i = 0; i < rekall_hits_degraded_count(hits); i++)
 *         printf("(%s)\n", rekall_hits_degraded(hits, i, NULL));
 *     rekall_hits_free(hits);
 */

/**
 * What a search found, best first. Never changes; may be read from any thread, also after rekall_close(). What its
 * functions return belongs to it and lives as long. All of them take NULL and any index.
 */
typedef struct rekall_hits rekall_hits;

/**
 * Which text of an entry: title, content and tags.
 */
#define REKALL_ROLE_SUMMARY 1

/**
 * Which text of an entry: its context.
 */
#define REKALL_ROLE_CONTEXT 2

/**
 * A retrieval of a search: by meaning.
 */
#define REKALL_RETRIEVAL_SEMANTIC 1

/**
 * A retrieval of a search: by words.
 */
#define REKALL_RETRIEVAL_TEXT 2

/**
 * A part of a hybrid search's score: meaning.
 */
#define REKALL_PART_SEMANTIC 1

/**
 * A part of a hybrid search's score: words.
 */
#define REKALL_PART_TEXT 2

/**
 * A part of a hybrid search's score: how much of the query stands in the entry exactly as the query writes it joined
 * (src/main.rs, 7.1.3) or quotes it.
 */
#define REKALL_PART_EXACT 3

/**
 * What age made of a score: the factor that it was multiplied by, from the floor to 1.
 */
#define REKALL_ADJUSTMENT_RECENCY 1

/**
 * What being like better hits made of a score: how relevant the hit is, from the worst candidate (0) to the best (1).
 */
#define REKALL_ADJUSTMENT_RELEVANCE 2

/**
 * What being like better hits made of a score: the similarity to the most similar hit before, 0 to 1.
 */
#define REKALL_ADJUSTMENT_REDUNDANCY 3

/**
 * What a reranker made of a hit: its score, which is rekall_hits_score() then; its range is the model's own.
 */
#define REKALL_ADJUSTMENT_RERANK 4

/**
 * What a reranker made of a hit: the score before.
 */
#define REKALL_ADJUSTMENT_SCORE_BEFORE_RERANK 5

/**
 * What a reranker made of a hit: its place before, from 1.
 */
#define REKALL_ADJUSTMENT_RANK_BEFORE_RERANK 6

/**
 * Why a search is less than it could be: the query could not be embedded, only words were searched.
 */
#define REKALL_DEGRADED_WORDS_ONLY 1

/**
 * The query holds no word, only meaning was searched.
 */
#define REKALL_DEGRADED_MEANING_ONLY 2

/**
 * Some entries wait for their vectors, meaning does not find them yet.
 */
#define REKALL_DEGRADED_PENDING 3

/**
 * Some vectors in the file cannot be used.
 */
#define REKALL_DEGRADED_UNUSABLE_VECTORS 4

/**
 * Something that this version of the header has no number for.
 */
#define REKALL_DEGRADED_OTHER 5

/**
 * No index is persisted in the file that fits the memory budget, or the one asked for: every vector was read. Slow, and
 * complete all the same; not said of a mebibyte of vectors or less, unless the index was asked for.
 * rekall_rebuild_index() persists one.
 */
#define REKALL_DEGRADED_NOT_INDEXED 6

/**
 * What searches read besides the entries has lost something, because of another program or a damaged disk: words or tags
 * find less. rekall_check() says more, rekall_repair() rebuilds it.
 */
#define REKALL_DEGRADED_DAMAGED 7

/**
 * Some entries found cannot be read, others took their places. rekall_check() tells what is wrong.
 */
#define REKALL_DEGRADED_UNREADABLE 8

/**
 * The model knows less than half of the query, rekall_hits_known() says how much: what meaning finds may have little to do
 * with it.
 */
#define REKALL_DEGRADED_PARTLY_KNOWN 9

/**
 * A former built-in model made the file's vectors, and is searched with: said once for each rekall_open().
 * rekall_reembed() makes the vectors of the current one, which finds more.
 */
#define REKALL_DEGRADED_FORMER_MODEL 10

/**
 * The reranker could not be had, or failed: the hits are those of the search without it, in its order. Whether it fails for
 * good, the status of rekall_reranker_load() says.
 */
#define REKALL_DEGRADED_NOT_RERANKED 11

/**
 * The index asked for is approximate ("pgvector-hnsw"): entries that are nearer than some hits may be missing. There are as many
 * hits as an exact search has.
 */
#define REKALL_DEGRADED_APPROXIMATE 12

/**
 * A piece of an entry's text. Never grows.
 */
typedef struct rekall_chunk {
    /**
     * Which text: a REKALL_ROLE_ number.
     */
    uint32_t role;
    /**
     * Number of the piece, from 0.
     */
    uint32_t number;
    /**
     * Its first character (not byte) in that text. The text of REKALL_ROLE_SUMMARY is title, newline, content, newline,
     * tags with spaces between, without parts that are empty.
     */
    uint32_t start;
    /**
     * One past its last character.
     */
    uint32_t end;
} rekall_chunk;

/**
 * A piece of an entry's text, in bytes of UTF-8. Never grows.
 */
typedef struct rekall_passage {
    /**
     * The whole text that the piece is of, NUL-terminated; it belongs to the hits. See rekall_chunk.
     */
    const char *text;
    /**
     * Its length in bytes.
     */
    size_t text_len;
    /**
     * Where the piece begins in text.
     */
    size_t start;
    /**
     * One past its last byte.
     */
    size_t end;
    /**
     * Where the part of it that is the entry's content begins, in bytes of rekall_entry_content().
     */
    size_t content_start;
    /**
     * One past that part's last byte; equal to content_start when the piece has none of the content.
     */
    size_t content_end;
} rekall_passage;

/**
 * How many hits there are; 0 for NULL.
 */
size_t rekall_hits_count(const rekall_hits *hits);

/**
 * The entry of hit number index, from 0. It belongs to hits: do not free it. NULL past the last.
 */
const rekall_entry *rekall_hits_entry(const rekall_hits *hits, size_t index);

/**
 * What the hits are ordered by, greater is better: the similarity in a search by meaning, the BM25 score in one by
 * words, the fused score in a hybrid one; of that what age and diversity leave, where rekall_recall_options asks for them; of a
 * hit that a reranker judged its score, which says nothing about those behind that it did not. Comparable only within one search. NaN past the last.
 */
double rekall_hits_score(const rekall_hits *hits,
                         size_t index);

/**
 * Cosine of the angle between the query and the entry's nearest vector, -1 to 1, greater is better. NaN when the entry
 * or the query has no vector, and past the last.
 */
float rekall_hits_similarity(const rekall_hits *hits,
                             size_t index);

/**
 * The passage that the hit is about: of an entry with several, the one that the search scores best. Returns 1 and sets out, which may be NULL, when there is one; else 0, and
 * out is all 0.
 */
int32_t rekall_hits_chunk(const rekall_hits *hits,
                          size_t index,
                          rekall_chunk *out);

/**
 * A piece of the hit's passage (rekall_hits_chunk()) around the words found, as REKALL_RECALL_SNIPPETS asked; of the whole
 * entry where that passage holds none of them. NUL-terminated UTF-8 that belongs to hits; NULL when words did not find
 * the hit or nobody asked, and past the last. out_len, which may be NULL, receives its length.
 */
const char *rekall_hits_snippet(const rekall_hits *hits,
                                size_t index,
                                size_t *out_len);

/**
 * Place of hit number index among those of one retrieval (a REKALL_RETRIEVAL_ number), from 1; 0 when that retrieval did
 * not find it.
 */
size_t rekall_hits_retrieval_rank(const rekall_hits *hits,
                                  size_t index,
                                  uint32_t which);

/**
 * Score of hit number index in one retrieval: the similarity for REKALL_RETRIEVAL_SEMANTIC, BM25 (greater is better)
 * for REKALL_RETRIEVAL_TEXT. NaN when that retrieval did not find it.
 */
double rekall_hits_retrieval_score(const rekall_hits *hits,
                                   size_t index,
                                   uint32_t which);

/**
 * Which passage of hit number index one retrieval (a REKALL_RETRIEVAL_ number) found best. Returns 1 and sets role (a
 * REKALL_ROLE_ number) and number (from 0, as in rekall_chunk), each of which may be NULL; 0, and both 0, when that
 * retrieval did not find the hit. rekall_hits_chunk() tells the passage that both together score best.
 */
int32_t rekall_hits_retrieval_passage(const rekall_hits *hits,
                                      size_t index,
                                      uint32_t which,
                                      uint32_t *role,
                                      uint32_t *number);

/**
 * A part (a REKALL_PART_ number) of what the score of hit number index of a hybrid search is made of: the score is the
 * sum of the three parts, each times its weight. Fused by score, a part is 0 to 1: meaning from the least similar entry that
 * the search considered (and one without a vector) to the most similar one, words relative to the best, exactness by the
 * weight of the query's words. Fused by rank, meaning and words are 1 / (60 + rank). NaN in a search by meaning or by
 * words alone, and past the last.
 */
double rekall_hits_part(const rekall_hits *hits,
                        size_t index,
                        uint32_t which);

/**
 * The weight of that part: as rekall_recall_options has it, or what follows the kind of the file's model (0.95 for
 * meaning by a static one as the built-in is, 2 by others; 1 for words). Exactness weighs as much as the two together. NaN
 * as for rekall_hits_part().
 */
double rekall_hits_part_weight(const rekall_hits *hits,
                               size_t index,
                               uint32_t which);

/**
 * What was made of the score of hit number index after retrieval and fusion: a REKALL_ADJUSTMENT_ number. Where age counts,
 * the score was multiplied by REKALL_ADJUSTMENT_RECENCY. Where diversity does, rekall_hits_score() is
 * lambda * REKALL_ADJUSTMENT_RELEVANCE - (1 - lambda) * REKALL_ADJUSTMENT_REDUNDANCY. A hit that a reranker judged has the three of
 * its numbers. NaN where the search did not ask for it, for a hit that was not judged, and past the last.
 */
double rekall_hits_adjustment(const rekall_hits *hits,
                              size_t index,
                              uint32_t which);

/**
 * How many things kept the search from being complete; usually 0.
 */
size_t rekall_hits_degraded_count(const rekall_hits *hits);

/**
 * What number index of them is: a REKALL_DEGRADED_ number; 0 past the last.
 */
uint32_t rekall_hits_degraded_kind(const rekall_hits *hits, size_t index);

/**
 * How many entries number index of them concerns: those that wait, cannot be read, or whose vectors cannot be used; for
 * REKALL_DEGRADED_NOT_INDEXED, how many vectors were read. 0 for the other kinds, and past the last.
 */
uint64_t rekall_hits_degraded_entries(const rekall_hits *hits,
                                      size_t index);

/**
 * The same in words: NUL-terminated UTF-8 that belongs to hits; NULL past the last. out_len, which may be NULL,
 * receives its length.
 */
const char *rekall_hits_degraded(const rekall_hits *hits,
                                 size_t index,
                                 size_t *out_len);

/**
 * How much of the query the model knows: the share, 0 to 1, of its letters and digits that stand in words, or parts of
 * words, that the model has. The less it is, the less the similarities say. NaN when meaning was not searched, the query
 * was a vector, or the model cannot tell.
 */
float rekall_hits_known(const rekall_hits *hits);

/**
 * The least similarity of a hit that was asked for, or that rekall_similar() found to mean something in this file, for
 * this entry and with this model. NaN: any.
 */
float rekall_hits_threshold(const rekall_hits *hits);

/**
 * How long the search took, loading of model and index included, in microseconds.
 */
uint64_t rekall_hits_elapsed_us(const rekall_hits *hits);

/**
 * Frees hits and the entries that belong to them. NULL is fine.
 */
void rekall_hits_free(rekall_hits *hits);

/**
 * The passage that the hit is about, as rekall_hits_chunk() tells it in characters, here in bytes: for a program
 * that shows it, or marks it in the content. Returns 1 and sets out, which may be NULL, when there is one; else 0, and out
 * is all 0. The text is made when it is first asked for.
 */
int32_t rekall_hits_passage(const rekall_hits *hits,
                            size_t index,
                            rekall_passage *out);

/* ======================================================================================================== */
/* Recalling                                                                                                */
/* ======================================================================================================== */

/*
 * A search by meaning, by words, or by both. Its answer is exact: the best of all entries that pass the filter.
 *
 *     rekall_recall_options how = REKALL_RECALL_OPTIONS_INIT;
 *     rekall_hits *hits = NULL;
 *     how.mode = REKALL_MODE_TEXT;
 *     how.limit = 5;
 *     how.flags = REKALL_RECALL_PREFIX | REKALL_RECALL_SNIPPETS;
 *     how.snippet_before = rekall_text("<b>");
 *     how.snippet_after = rekall_text("</b>");
 *     if ((status = rekall_recall(db, "saf", REKALL_NTS, &how, &hits, &error))) goto end;
 *     if (rekall_hits_count(hits) > 0)
 *         puts(rekall_hits_snippet(hits, 0, NULL));
 *     rekall_hits_free(hits);
 */

/**
 * Mode of a search: meaning and words, fused. Falls back on one of them when the other cannot be searched, and says so
 * (rekall_hits_degraded()).
 */
#define REKALL_MODE_HYBRID 1

/**
 * Mode of a search: meaning alone.
 */
#define REKALL_MODE_SEMANTIC 2

/**
 * Mode of a search: words alone.
 */
#define REKALL_MODE_TEXT 3

/**
 * Flag of rekall_recall_options: threshold is given.
 */
#define REKALL_RECALL_THRESHOLD 1

/**
 * Flag of rekall_recall_options: semantic_weight and text_weight are given.
 */
#define REKALL_RECALL_WEIGHTS 2

/**
 * Flag of rekall_recall_options: the last word of the query may be the beginning of one, for searching while a user is
 * typing.
 */
#define REKALL_RECALL_PREFIX 4

/**
 * Flag of rekall_recall_options: give each hit that words found a piece of its text around them (rekall_hits_snippet()).
 * Costs some 50 microseconds a hit.
 */
#define REKALL_RECALL_SNIPPETS 8

/**
 * Flag of rekall_recall_options: leave out entries that lack something that the query puts in quotes, as words side by
 * side. Without it, quotes only put first what holds them. No effect with REKALL_MODE_SEMANTIC and on a query without
 * quotes.
 */
#define REKALL_RECALL_REQUIRE_QUOTES 16

/**
 * Flag of rekall_recall_options: recency_floor is given.
 */
#define REKALL_RECALL_RECENCY_FLOOR 32

/**
 * Flag of rekall_recall_options: diversity is given.
 */
#define REKALL_RECALL_DIVERSITY 64

/**
 * The time by which an entry is old: when it was last changed.
 */
#define REKALL_RECENCY_UPDATED 1

/**
 * The time by which an entry is old: when it was made.
 */
#define REKALL_RECENCY_CREATED 2

/**
 * The time by which an entry is old: when a use of it was last recorded (rekall_record_use()); when it was made, if none was.
 */
#define REKALL_RECENCY_LAST_USED 3

/**
 * How a hybrid search fuses its two retrievals: by score, the weighted sum of the similarity, from the least (0) to the most
 * similar (1) that the search considered, and of the BM25 score relative to the search's best.
 */
#define REKALL_FUSION_WEIGHTED 1

/**
 * How a hybrid search fuses its two retrievals: by rank alone, the sum of 1 / (60 + rank).
 */
#define REKALL_FUSION_RECIPROCAL_RANK 2

/**
 * How a search is done. Start from REKALL_RECALL_OPTIONS_INIT; what is 0 or NULL has its default.
 */
typedef struct rekall_recall_options {
    /**
     * sizeof(rekall_recall_options).
     */
    size_t struct_size;
    /**
     * REKALL_RECALL_ flags.
     */
    uint32_t flags;
    /**
     * A REKALL_MODE_ number; 0: REKALL_MODE_HYBRID, or REKALL_MODE_SEMANTIC for a vector without text.
     */
    uint32_t mode;
    /**
     * Compare the query with this text of the entries only, a REKALL_ROLE_ number; 0: with all, and the best counts.
     */
    uint32_t role;
    /**
     * The least similarity of a hit, -1 to 1, with REKALL_RECALL_THRESHOLD; leaves out hits that have none.
     */
    float threshold;
    /**
     * The most hits wanted, 1 to 100000; 0: 10. Fewer come back only when fewer entries match.
     */
    size_t limit;
    /**
     * Weight of meaning in a hybrid search, 0 to 1000000, with REKALL_RECALL_WEIGHTS; without it, it must be 0,
     * which means what suits the file's model: 0.95 for a static one as the built-in is, 2 for all others, the host's own
     * included; 1 fused by rank. rekall_hits_part_weight() tells what was used.
     */
    double semantic_weight;
    /**
     * Weight of words, likewise; 0 without REKALL_RECALL_WEIGHTS, which means 1.
     */
    double text_weight;
    /**
     * Which entries may be found; NULL: active ones.
     */
    const rekall_filter *filter;
    /**
     * The query's vector, made by the host with the file's model; the text then only serves to find words.
     */
    const float *vector;
    /**
     * How many numbers it has.
     */
    size_t vector_len;
    /**
     * How long the model stays loaded after this search, in milliseconds; 0: as the memory was opened, REKALL_NEVER,
     * REKALL_ZERO.
     */
    uint64_t keep_alive_ms;
    /**
     * Stops the search; NULL: only rekall_interrupt() does.
     */
    rekall_token *token;
    /**
     * A REKALL_FUSION_ number; 0: REKALL_FUSION_WEIGHTED.
     */
    uint32_t fusion;
    /**
     * The time by which an entry is old, a REKALL_RECENCY_ number; 0: REKALL_RECENCY_UPDATED.
     */
    uint32_t recency_time;
    /**
     * Put before each word found in a snippet, with REKALL_RECALL_SNIPPETS; otherwise nothing is.
     */
    rekall_str snippet_before;
    /**
     * Put after each word found, likewise.
     */
    rekall_str snippet_after;
    /**
     * A key, any text: an older search of the same key on this handle that is still running is stopped, and returns
     * REKALL_SUPERSEDED with a message that names the key. For a field where the user is typing, or any caller that wants
     * the newest answer only. Not given: stops none.
     */
    rekall_str supersede;
    /**
     * Lets newer entries come before older ones that match as well: the score of each is multiplied by
     * floor + (1 - floor) * 0.5^(age / half-life); this is the half-life, in milliseconds. 0: age does not count. By meaning
     * alone and by words alone the hits are exact, too; a hybrid search applies it to those that it fuses.
     */
    uint64_t recency_half_life_ms;
    /**
     * What that factor comes near to with age, 0 to 1, with REKALL_RECALL_RECENCY_FLOOR; without it, it must be 0, which means
     * 0.5.
     */
    double recency_floor;
    /**
     * Chooses hits that are not all alike (maximal marginal relevance, Carbonell and Goldstein 1998), with
     * REKALL_RECALL_DIVERSITY: this is lambda, 0 to 1. Each hit is the candidate with the greatest
     * lambda * relevance - (1 - lambda) * redundancy; 1 leaves the order as it is, 0.7 is a good start. The candidates are
     * the best 100 entries, or twice the limit, which is at most 1000, if that is more. Without the flag it must be 0.
     */
    double diversity;
    /**
     * Lets the reranker of rekall_open_options judge the first so many hits, at most 1000: it reads the query and the passage that
     * a hit is about (rekall_hits_chunk()), below the entry's title, together. They come by its score, equal ones as they were
     * before; other hits follow in their old order. More hits than limit may be judged, the best of them are the hits then.
     * It is the last step: filter, threshold, recency and diversity decide which hits are judged. 0: none.
     * REKALL_INVALID_INPUT without a reranker, and for a vector without text. Where the reranker cannot be loaded, or fails, the
     * answer is that of the search without it, and says so: REKALL_DEGRADED_NOT_RERANKED.
     */
    size_t rerank;
} rekall_recall_options;

/**
 * A rekall_recall_options with its size, and the default in all members.
 */
#define REKALL_RECALL_OPTIONS_INIT { sizeof(rekall_recall_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
    0, {0, 0}, {0, 0}, {0, 0}, 0, 0, 0, 0 }

/**
 * As REKALL_RECALL_OPTIONS_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_recall_options_init(rekall_recall_options *options,
                                size_t struct_size);

/**
 * Searches for entries that a text brings to mind. Any text but a blank one is a valid query, up to a mebibyte. By words the
 * first 256 different ones of it are searched, by meaning what the model reads of it.
 *
 * query is UTF-8 of query_len bytes (or REKALL_NTS); options may be NULL. out receives the hits, to be freed with
 * rekall_hits_free(). They are exact: the best of all entries that pass the filter, as the file is at this moment,
 * no matter which process wrote it; best first, equal ones by id. REKALL_INVALID_INPUT for a blank or too long query, and for a limit, a
 * threshold or weights out of their range; REKALL_INTERRUPTED; REKALL_SUPERSEDED. With REKALL_MODE_SEMANTIC also what keeps the query from being embedded:
 * REKALL_MODEL_UNAVAILABLE, REKALL_MODEL_MISMATCH, REKALL_CALLBACK, and what rekall_model_load() fails with.
 */
REKALL_NODISCARD
rekall_status rekall_recall(rekall_db *db,
                            const char *query,
                            size_t query_len,
                            const rekall_recall_options *options,
                            rekall_hits **out,
                            rekall_error **error);

/**
 * Searches for the entries nearest to a vector of the file's own space: dimensions numbers, of any length but zero.
 * Needs no model. REKALL_INVALID_VECTOR. Otherwise as rekall_recall().
 */
REKALL_NODISCARD
rekall_status rekall_recall_vector(rekall_db *db,
                                   const float *vector,
                                   size_t dimensions,
                                   const rekall_recall_options *options,
                                   rekall_hits **out,
                                   rekall_error **error);

/* ======================================================================================================== */
/* Recalling for several queries at once                                                                    */
/* ======================================================================================================== */

/*
 * Several queries in one search: the vectors are read once for all of them.
 *
 *     rekall_query queries[2] = {{{NULL, 0}, NULL, 0}, {{NULL, 0}, NULL, 0}};
 *     rekall_hits *hits[2] = {NULL, NULL};
 *     queries[0].text = rekall_text("CORS");
 *     queries[1].text = rekall_text("build");
 *     if ((status = rekall_recall_batch(db, queries, 2, NULL, hits, &error))) goto end;
 *     printf("%d and %d hits\n", (int)rekall_hits_count(hits[0]), (int)rekall_hits_count(hits[1]));
 *     rekall_hits_free(hits[0]);
 *     rekall_hits_free(hits[1]);
 */

/**
 * One of several queries: a text, a vector of the file's own space, or a text with the vector that the host made of it
 * (the text then only serves to find words). Never grows.
 */
typedef struct rekall_query {
    /**
     * The text; not given: the vector alone counts.
     */
    rekall_str text;
    /**
     * The vector, of any length but zero; NULL: the model makes one of the text.
     */
    const float *vector;
    /**
     * How many numbers it has.
     */
    size_t vector_len;
} rekall_query;

/**
 * Searches for each of several queries. Each gets the hits that it would get alone (rekall_recall() and
 * rekall_recall_vector()), and all see the file as it is at one moment. Reading the index once for all makes this several
 * times faster than one search after the other where the file is large.
 *
 * queries are count structs; the strings and numbers that they point to are used until the call returns. options, for all
 * of them alike, may be NULL; its member vector must be NULL. outs has room for count pointers, and receives the hits of
 * each query in order, each to be freed with rekall_hits_free(); all NULL when the call fails. It may be NULL when count
 * is 0. One query that fails fails them all: REKALL_INVALID_INPUT for one with neither a text nor a vector, the rest as
 * for rekall_recall(). rekall_hits_elapsed_us() is the time that all took.
 */
REKALL_NODISCARD
rekall_status rekall_recall_batch(rekall_db *db,
                                  const rekall_query *queries,
                                  size_t count,
                                  const rekall_recall_options *options,
                                  rekall_hits **outs,
                                  rekall_error **error);

/* ======================================================================================================== */
/* Entries like a given one                                                                                 */
/* ======================================================================================================== */

/*
 * By the vectors that are stored: no model is needed.
 *
 *     rekall_similar_options how = REKALL_SIMILAR_OPTIONS_INIT;
 *     rekall_hits *hits = NULL;
 *     float rank;
 *     how.threshold = 0.9f; // for duplicates
 *     how.flags = REKALL_SIMILAR_THRESHOLD;
 *     status = rekall_similar(db, id, &how, &hits, &error);
 *     rekall_hits_free(hits);
 *     // What 0.9 is worth in this file: the share of pairs of its entries that are less similar.
 *     status = rekall_similarity_rank(db, 0.9f, &rank, &error);
 */

/**
 * Flag of rekall_similar_options: threshold is given.
 */
#define REKALL_SIMILAR_THRESHOLD 1

/**
 * How a search for like entries is done. Start from REKALL_SIMILAR_OPTIONS_INIT; what is 0 or NULL has its default.
 */
typedef struct rekall_similar_options {
    /**
     * sizeof(rekall_similar_options).
     */
    size_t struct_size;
    /**
     * REKALL_SIMILAR_ flags.
     */
    uint32_t flags;
    /**
     * The least similarity of a hit, -1 to 1, with REKALL_SIMILAR_THRESHOLD; without it, it must be 0, and the similarity
     * is taken that hardly any pairs of the entries around the given one reach: rekall_hits_threshold() says which.
     */
    float threshold;
    /**
     * The most hits wanted, 1 to 100000; 0: 10.
     */
    size_t limit;
    /**
     * Which entries may be found; NULL: active ones.
     */
    const rekall_filter *filter;
    /**
     * Stops the search; NULL: only rekall_interrupt() does.
     */
    rekall_token *token;
} rekall_similar_options;

/**
 * A rekall_similar_options with its size, and the default in all members.
 */
#define REKALL_SIMILAR_OPTIONS_INIT { sizeof(rekall_similar_options), 0, 0, 0, 0, 0 }

/**
 * As REKALL_SIMILAR_OPTIONS_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_similar_options_init(rekall_similar_options *options,
                                 size_t struct_size);

/**
 * Searches for entries whose summary is like that of a given entry, which itself is left out. Goes by stored vectors:
 * needs no model. options may be NULL; out receives the hits, to be freed with rekall_hits_free(). REKALL_NOT_FOUND for
 * an unknown id and for an entry without a vector; REKALL_INVALID_INPUT for a limit or a threshold out of its range;
 * REKALL_INTERRUPTED.
 */
REKALL_NODISCARD
rekall_status rekall_similar(rekall_db *db,
                             const char *id,
                             const rekall_similar_options *options,
                             rekall_hits **out,
                             rekall_error **error);

/**
 * What a similarity is worth in this file: out receives the share, 0 to 1, of pairs of its entries that are less similar,
 * so that similarities of different models can be compared; NaN when there are no two entries with vectors. The pairs are
 * those of a sample of at most 1024 entries, which is taken in some milliseconds after a change of the file. Entries are
 * compared with entries: with a model that embeds queries in another way, a query's similarities lie elsewhere.
 * REKALL_INVALID_INPUT for NaN.
 */
REKALL_NODISCARD
rekall_status rekall_similarity_rank(rekall_db *db,
                                     float similarity,
                                     float *out,
                                     rekall_error **error);

/* ======================================================================================================== */
/* Entries that say nearly the same                                                                         */
/* ======================================================================================================== */

/*
 * Pairs of entries with similar vectors, and where their words differ. Nothing is dropped for it: of notes of one form most
 * such pairs say different things.
 *
 *     rekall_duplicates *pairs = NULL;
 *     rekall_difference at;
 *     size_t i, k;
 *     if ((status = rekall_near_duplicates(db, id, 0.98f, &pairs, &error))) goto end;
 *     for (i = 0; i < rekall_duplicates_count(pairs); i++) {
 *         printf("like %s (%.3f)\n", rekall_duplicates_second(pairs, i), rekall_duplicates_similarity(pairs, i));
 *         for (k = 0; rekall_duplicates_difference(pairs, i, k, &at); k++)
 *             printf("    characters %u to %u are %u to %u there\n", (unsigned)at.first_start, (unsigned)at.first_end,
 *                    (unsigned)at.second_start, (unsigned)at.second_end);
 *     }
 *     rekall_duplicates_free(pairs);
 */

/**
 * Flag of rekall_duplicates_options: threshold is given.
 */
#define REKALL_DUPLICATES_THRESHOLD 1

/**
 * Which pairs rekall_find_duplicates() looks for. Start from REKALL_DUPLICATES_OPTIONS_INIT; what is 0 or NULL has its
 * default.
 */
typedef struct rekall_duplicates_options {
    /**
     * sizeof(rekall_duplicates_options).
     */
    size_t struct_size;
    /**
     * REKALL_DUPLICATES_ flags.
     */
    uint32_t flags;
    /**
     * The least similarity of a pair, -1 to 1, with REKALL_DUPLICATES_THRESHOLD; without it, it must be 0, which means 0.98.
     */
    float threshold;
    /**
     * The most pairs wanted, 1 to 100000; 0: 1000. The number of all is told, too.
     */
    size_t limit;
    /**
     * Which entries are compared with each other; NULL: active ones.
     */
    const rekall_filter *filter;
    /**
     * 0.
     */
    uint64_t reserved;
} rekall_duplicates_options;

/**
 * A rekall_duplicates_options with its size, and the default in all members.
 */
#define REKALL_DUPLICATES_OPTIONS_INIT { sizeof(rekall_duplicates_options), 0, 0, 0, 0, 0 }

/**
 * A place where the texts of two entries differ, in characters (not bytes) of the text of REKALL_ROLE_SUMMARY, which
 * rekall_chunk describes. One of the two pieces is empty where the other text has something more. Never grows.
 */
typedef struct rekall_difference {
    /**
     * Its first character in the first entry.
     */
    uint32_t first_start;
    /**
     * One past its last character there.
     */
    uint32_t first_end;
    /**
     * Its first character in the second entry.
     */
    uint32_t second_start;
    /**
     * One past its last character there.
     */
    uint32_t second_end;
} rekall_difference;

/**
 * Pairs of entries that say nearly the same, the most similar first. Never changes; may be read from any thread, also after
 * rekall_close(). What its functions return belongs to it and lives as long. All of them take NULL and any index.
 */
typedef struct rekall_duplicates rekall_duplicates;

/**
 * As REKALL_DUPLICATES_OPTIONS_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_duplicates_options_init(rekall_duplicates_options *options,
                                    size_t struct_size);

/**
 * Finds the entries that say nearly the same as a given one, the most similar first, equal ones by id: active ones that have
 * not expired, whose similarity as a whole is at least threshold (-1 to 1; 0.98 is a good start).
 * rekall_remember_with_duplicates() tells it of a new one. Goes by stored vectors: needs no model. Entries of several
 * passages are nearly the same if each passage of either has its counterpart in the other.
 *
 * out receives pairs whose first entry is the given one, to be freed with rekall_duplicates_free(). REKALL_NOT_FOUND for an
 * unknown id and for an entry without a vector; REKALL_INVALID_INPUT for a threshold out of its range.
 */
REKALL_NODISCARD
rekall_status rekall_near_duplicates(rekall_db *db,
                                     const char *id,
                                     float threshold,
                                     rekall_duplicates **out,
                                     rekall_error **error);

/**
 * Remembers one entry as rekall_remember() does, and then finds what says nearly the same, as rekall_near_duplicates() says.
 * The entry is stored whatever is like it. Costs a search.
 *
 * options and out_id are those of rekall_remember(). out receives pairs whose first entry is the new one, none for an entry
 * without a vector, to be freed with rekall_duplicates_free(); NULL where the entry was stored and the search failed, of
 * which rekall_near_duplicates() says more. REKALL_INVALID_INPUT for a threshold out of its range: nothing is stored then.
 */
REKALL_NODISCARD
rekall_status rekall_remember_with_duplicates(rekall_db *db,
                                              const rekall_new_entry *entry,
                                              const rekall_remember_options *options,
                                              float threshold,
                                              rekall_id *out_id,
                                              rekall_duplicates **out,
                                              rekall_error **error);

/**
 * Finds all pairs of entries that say nearly the same, as rekall_near_duplicates() says: every pair above the threshold, the
 * most similar first, equal ones by their ids. The first entry of each is the one with the lower id. Entries without a
 * vector, and those that cannot be read, are left out.
 *
 * options and watch may be NULL; progress counts vectors. out receives the pairs, to be freed with rekall_duplicates_free().
 * Costs a search for each entry, many at a time: about a second for 10,000 entries, four times as much for twice as many.
 * REKALL_INVALID_INPUT for a limit or a threshold out of its range; REKALL_INTERRUPTED.
 */
REKALL_NODISCARD
rekall_status rekall_find_duplicates(rekall_db *db,
                                     const rekall_duplicates_options *options,
                                     const rekall_watch *watch,
                                     rekall_duplicates **out,
                                     rekall_error **error);

/**
 * How many pairs there are; 0 for NULL.
 */
size_t rekall_duplicates_count(const rekall_duplicates *duplicates);

/**
 * How many pairs were found, those beyond the limit included; 0 for NULL.
 */
uint64_t rekall_duplicates_found(const rekall_duplicates *duplicates);

/**
 * Id of the first entry of pair number index (from 0), NUL-terminated. NULL past the last.
 */
const char *rekall_duplicates_first(const rekall_duplicates *duplicates, size_t index);

/**
 * Id of its second entry. See rekall_duplicates_first().
 */
const char *rekall_duplicates_second(const rekall_duplicates *duplicates, size_t index);

/**
 * The similarity of pair number index as a whole, -1 to 1. NaN past the last.
 */
float rekall_duplicates_similarity(const rekall_duplicates *duplicates, size_t index);

/**
 * How many differences the texts of pair number index have; 0 where only white space differs, and past the last.
 */
size_t rekall_duplicates_difference_count(const rekall_duplicates *duplicates,
                                          size_t index);

/**
 * Difference number which (from 0) of pair number index. Returns 1 and sets out, which may be NULL, when there is one; else
 * 0, and out is all 0.
 */
int32_t rekall_duplicates_difference(const rekall_duplicates *duplicates,
                                     size_t index,
                                     size_t which,
                                     rekall_difference *out);

/**
 * Frees duplicates. NULL is fine.
 */
void rekall_duplicates_free(rekall_duplicates *duplicates);

/* ======================================================================================================== */
/* Vectors of texts                                                                                         */
/* ======================================================================================================== */

/*
 * What the model makes of a text, for a program that compares, groups or shows vectors itself.
 *
 *     float vector[1024];
 *     size_t dimensions = 0;
 *     if ((status = rekall_embed(db, REKALL_EMBED_QUERY, "CORS", REKALL_NTS, vector, 1024, &dimensions, &error))) goto end;
 *     printf("%d numbers, the first is %f\n", (int)dimensions, vector[0]);
 *
 *     rekall_str texts[2];
 *     rekall_vectors *vectors = NULL;
 *     texts[0] = rekall_text("the first");
 *     texts[1] = rekall_text("the second");
 *     if ((status = rekall_embed_texts(db, REKALL_EMBED_DOCUMENT, texts, 2, NULL, &vectors, &error))) goto end;
 *     printf("%d rows\n", (int)rekall_vectors_count(vectors));
 *     rekall_vectors_free(vectors);
 */

/**
 * Vectors of texts, in the order of the texts. Never changes; may be read from any thread, also after rekall_close(). What
 * its functions return belongs to it and lives as long. All of them take NULL and any index.
 */
typedef struct rekall_vectors rekall_vectors;

/**
 * Numbers in a vector of the file; 0 as long as the file has no vectors.
 */
REKALL_NODISCARD
rekall_status rekall_dimensions(rekall_db *db, size_t *out, rekall_error **error);

/**
 * The vector of a text: what the model makes of it as a query or as a document (purpose is REKALL_EMBED_QUERY or
 * REKALL_EMBED_DOCUMENT), of length 1.
 *
 * text is UTF-8 of text_len bytes (or REKALL_NTS). out has room for capacity numbers; out_len, which may be NULL,
 * receives how many the vector has, also with REKALL_BUFFER_TOO_SMALL, when nothing is written to out. A call with out
 * NULL and capacity 0 asks for that number. REKALL_INVALID_INPUT for a text of which the model knows no word;
 * REKALL_MODEL_UNAVAILABLE; REKALL_CALLBACK.
 */
REKALL_NODISCARD
rekall_status rekall_embed(rekall_db *db,
                           uint32_t purpose,
                           const char *text,
                           size_t text_len,
                           float *out,
                           size_t capacity,
                           size_t *out_len,
                           rekall_error **error);

/**
 * Makes the vectors of count texts, what the model makes of them as queries or as documents (purpose is REKALL_EMBED_QUERY
 * or REKALL_EMBED_DOCUMENT): each of length 1, and the same as rekall_embed() makes. As documents they are embedded
 * together, which is faster than one by one. out receives them, to be freed with rekall_vectors_free(). Progress counts
 * texts; watch may be NULL. REKALL_MODEL_UNAVAILABLE; REKALL_CALLBACK; REKALL_INTERRUPTED.
 */
REKALL_NODISCARD
rekall_status rekall_embed_texts(rekall_db *db,
                                 uint32_t purpose,
                                 const rekall_str *texts,
                                 size_t count,
                                 const rekall_watch *watch,
                                 rekall_vectors **out,
                                 rekall_error **error);

/**
 * How many texts there were; 0 for NULL.
 */
size_t rekall_vectors_count(const rekall_vectors *vectors);

/**
 * Numbers in each vector; 0 for NULL.
 */
size_t rekall_vectors_dimensions(const rekall_vectors *vectors);

/**
 * All vectors, row after row: count times dimensions numbers. The row of a text without a vector is all 0. NULL when there
 * are no texts.
 */
const float *rekall_vectors_rows(const rekall_vectors *vectors);

/**
 * The vector of text number index, from 0. NULL when the model knows no word of it, and past the last.
 */
const float *rekall_vectors_row(const rekall_vectors *vectors, size_t index);

/**
 * How much of text number index the model knows: the share, 0 to 1, of its letters and digits that stand in words, or
 * parts of words, that the model has. NaN when the model cannot tell, and past the last.
 */
float rekall_vectors_known(const rekall_vectors *vectors,
                           size_t index);

/**
 * 1 when text number index was longer than the model reads, and its vector is of its beginning; else 0.
 */
int32_t rekall_vectors_is_cut(const rekall_vectors *vectors, size_t index);

/**
 * Frees vectors. NULL is fine.
 */
void rekall_vectors_free(rekall_vectors *vectors);

/* ======================================================================================================== */
/* The model's life                                                                                         */
/* ======================================================================================================== */

/*
 * The model is loaded when it is first needed, and let go when it was idle for long enough: by a thread of the library's with
 * REKALL_OPEN_UNLOAD_THREAD, or by these functions from the program's own loop.
 *
 *     uint64_t freed = 0, wait_ms = 0;
 *     if ((status = rekall_model_load(db, &error))) goto end; // now, instead of at the first search
 *     if ((status = rekall_next_deadline_ms(db, &wait_ms, &error))) goto end;
 *     if (wait_ms == 0) status = rekall_unload_if_idle(db, &freed, &error);
 */

/**
 * State of the model: not in memory, or there is none.
 */
#define REKALL_MODEL_UNLOADED 0

/**
 * State of the model: some thread is loading it.
 */
#define REKALL_MODEL_LOADING 1

/**
 * State of the model: in memory.
 */
#define REKALL_MODEL_READY 2

/**
 * What rekall_model_unload() did: the model was not in memory.
 */
#define REKALL_UNLOAD_NOT_LOADED 0

/**
 * What rekall_model_unload() did: the model is gone.
 */
#define REKALL_UNLOAD_DONE 1

/**
 * What rekall_model_unload() did: the model is in use, or being loaded, and goes when the last call that uses it ends.
 */
#define REKALL_UNLOAD_PENDING 2

/**
 * What rekall_model_unload() did.
 */
typedef struct rekall_unloaded {
    /**
     * A REKALL_UNLOAD_ number.
     */
    uint32_t outcome;
    /**
     * With REKALL_UNLOAD_PENDING, how many calls use the model; 0 while it is being loaded.
     */
    uint32_t leases;
    /**
     * With REKALL_UNLOAD_DONE, the bytes of heap that this freed: 0 for the built-in model, which takes none.
     */
    uint64_t bytes;
} rekall_unloaded;

/**
 * Loads the model now, so that the first search does not wait for it: below a millisecond for the built-in one, a tenth
 * of a second for 90 MB, and the time of a download where one is needed. REKALL_MODEL_UNAVAILABLE when there is none or
 * it cannot be had now; REKALL_INVALID_MODEL when it is missing, broken or refused by the hub; REKALL_UNSUPPORTED when this
 * build cannot run it; REKALL_INVALID_INPUT when it cannot honour a rekall_load_options.
 */
REKALL_NODISCARD
rekall_status rekall_model_load(rekall_db *db,
                                rekall_error **error);

/**
 * Lets the model go: at once, or when the last call that uses it ends. It is loaded again when needed; cached queries
 * need no model. The caller's own model is not touched. out, which may be NULL, receives what was done.
 */
REKALL_NODISCARD
rekall_status rekall_model_unload(rekall_db *db,
                                  rekall_unloaded *out,
                                  rekall_error **error);

/**
 * Loads the reranker now, so that the first search that re-ranks does not wait for it; and says why it cannot be loaded, where
 * such a search goes on without it: as rekall_model_load(), and REKALL_INVALID_INPUT when there is none.
 */
REKALL_NODISCARD
rekall_status rekall_reranker_load(rekall_db *db,
                                   rekall_error **error);

/**
 * As rekall_model_unload(), of the reranker.
 */
REKALL_NODISCARD
rekall_status rekall_reranker_unload(rekall_db *db,
                                     rekall_unloaded *out,
                                     rekall_error **error);

/**
 * As rekall_model_state(), of the reranker.
 */
REKALL_NODISCARD
rekall_status rekall_reranker_state(rekall_db *db, uint32_t *out, rekall_error **error);

/**
 * Whether the model is in memory: out receives a REKALL_MODEL_ state. The caller's own model is always ready.
 */
REKALL_NODISCARD
rekall_status rekall_model_state(rekall_db *db, uint32_t *out, rekall_error **error);

/**
 * Restarts the idle time of a loaded model, and of a loaded reranker.
 */
REKALL_NODISCARD
rekall_status rekall_model_touch(rekall_db *db, rekall_error **error);

/**
 * Unloads the model and the reranker that have been idle long enough. For hosts with an event loop, at the time that
 * rekall_next_deadline_ms() told; others open with REKALL_OPEN_UNLOAD_THREAD. out_bytes, which may be NULL, receives
 * how many bytes of heap that freed: 0 when there was nothing to do, and for the built-in model, which takes none.
 */
REKALL_NODISCARD
rekall_status rekall_unload_if_idle(rekall_db *db,
                                    uint64_t *out_bytes,
                                    rekall_error **error);

/**
 * In how many milliseconds rekall_unload_if_idle() will next have something to do: out receives 0 for now, REKALL_NEVER
 * while nothing is to be expected (model and reranker are not loaded, in use, or kept for ever).
 */
REKALL_NODISCARD
rekall_status rekall_next_deadline_ms(rekall_db *db,
                                      uint64_t *out,
                                      rekall_error **error);

/**
 * Gives back memory that is not needed now: model and reranker if they are not in use, cached vectors, the index, idle connections;
 * then asks the allocator to return what is free to the system, which concerns the whole process. The next search loads
 * what it needs again. What it brought stands in process_bytes of rekall_get_stats(), before and after.
 */
REKALL_NODISCARD
rekall_status rekall_release_memory(rekall_db *db,
                                    rekall_error **error);

/* ======================================================================================================== */
/* Making vectors later, or again                                                                           */
/* ======================================================================================================== */

/*
 * Vectors that are missing (there was no model when the entry was written) are made later; another model makes all of them
 * once more, while others read and write.
 *
 *     rekall_reembed_options another = REKALL_REEMBED_OPTIONS_INIT;
 *     rekall_embedded made = REKALL_EMBEDDED_INIT;
 *     if ((status = rekall_embed_pending(db, NULL, &made, &error))) goto end;
 *     another.model = "bundled";
 *     status = rekall_reembed(db, &another, NULL, &made, &error);
 */

/**
 * What rekall_embed_pending() or rekall_reembed() did. Set struct_size, or start from REKALL_EMBEDDED_INIT.
 */
typedef struct rekall_embedded {
    /**
     * sizeof(rekall_embedded).
     */
    size_t struct_size;
    /**
     * Entries that got vectors.
     */
    uint64_t entries;
    /**
     * Vectors made for them.
     */
    uint64_t vectors;
    /**
     * Entries of which the model knows no word: words find them, meaning does not.
     */
    uint64_t without_meaning;
    /**
     * Entries that cannot be read and got none; rekall_check() names them.
     */
    uint64_t unreadable;
} rekall_embedded;

/**
 * A rekall_embedded with its size, and the default in all members.
 */
#define REKALL_EMBEDDED_INIT { sizeof(rekall_embedded), 0, 0, 0, 0 }

/**
 * The model for rekall_reembed(): either model or embedder. Start from REKALL_REEMBED_OPTIONS_INIT.
 */
typedef struct rekall_reembed_options {
    /**
     * sizeof(rekall_reembed_options).
     */
    size_t struct_size;
    /**
     * The new model: "bundled", "bundled-v1", "path:FOLDER" or "hub:OWNER/NAME[@REVISION]". NUL-terminated.
     */
    const char *model;
    /**
     * How it is loaded; only with model.
     */
    const rekall_load_options *load;
    /**
     * Or the caller's own model.
     */
    const rekall_embedder *embedder;
} rekall_reembed_options;

/**
 * A rekall_reembed_options with its size, and the default in all members.
 */
#define REKALL_REEMBED_OPTIONS_INIT { sizeof(rekall_reembed_options), 0, 0, 0 }

/**
 * As REKALL_EMBEDDED_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_embedded_init(rekall_embedded *embedded,
                          size_t struct_size);

/**
 * As REKALL_REEMBED_OPTIONS_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_reembed_options_init(rekall_reembed_options *options,
                                 size_t struct_size);

/**
 * Makes the vectors that are missing: of entries remembered or changed while no model was at hand, also by another
 * program. In batches, each one transaction; a call that was stopped goes on where it was. watch and out may be NULL.
 * REKALL_MODEL_UNAVAILABLE; REKALL_MODEL_MISMATCH when the file's vectors are another model's; REKALL_INTERRUPTED.
 */
REKALL_NODISCARD
rekall_status rekall_embed_pending(rekall_db *db,
                                   const rekall_watch *watch,
                                   rekall_embedded *out,
                                   rekall_error **error);

/**
 * Makes all vectors again with another model, beside the old ones: searches and writes of all processes go on with the
 * old model until one transaction switches to the new one, which this handle then uses. A call that was stopped or
 * killed is resumed by calling again with the same model; calling with a third one gives up what was made until then.
 * Handles opened with the old model get REKALL_MODEL_MISMATCH after the switch. watch and out may be NULL.
 * REKALL_MODEL_UNAVAILABLE, REKALL_INVALID_MODEL, REKALL_UNSUPPORTED and REKALL_INVALID_INPUT as for rekall_model_load();
 * REKALL_CALLBACK; REKALL_INTERRUPTED; REKALL_NOT_FOUND when a change to another model was begun meanwhile. Searches then use the old
 * vectors as before.
 */
REKALL_NODISCARD
rekall_status rekall_reembed(rekall_db *db,
                             const rekall_reembed_options *options,
                             const rekall_watch *watch,
                             rekall_embedded *out,
                             rekall_error **error);

/* ======================================================================================================== */
/* Vector spaces, and the vectors in them                                                                   */
/* ======================================================================================================== */

/*
 * A space has the vectors that one model made. Searches use the active one.
 *
 *     float vector[1024];
 *     size_t i, dimensions = 0;
 *     rekall_spaces *spaces = NULL;
 *     if ((status = rekall_list_spaces(db, &spaces, &error))) goto end;
 *     for (i = 0; i < rekall_spaces_count(spaces); i++)
 *         if (rekall_spaces_state(spaces, i) == REKALL_SPACE_ACTIVE)
 *             puts(rekall_spaces_fingerprint(spaces, i, NULL));
 *     rekall_spaces_free(spaces);
 *     status = rekall_stored_vector(db, id, REKALL_ROLE_SUMMARY, 0, vector, 1024, &dimensions, &error);
 *     if (status) goto end;
 *     printf("%d numbers, the first %.3f\n", (int)dimensions, vector[0]);
 */

/**
 * State of a vector space: being filled beside the active one, by rekall_reembed().
 */
#define REKALL_SPACE_BUILDING 1

/**
 * State of a vector space: the one that searches use.
 */
#define REKALL_SPACE_ACTIVE 2

/**
 * State of a vector space: kept, but not searched.
 */
#define REKALL_SPACE_RETIRED 3

/**
 * State of a vector space: replaced, and about to be dropped.
 */
#define REKALL_SPACE_LEAVING 4

/**
 * Vector spaces of a file: sets of vectors that one model made each. Never changes; may be read from any thread, also after
 * rekall_close(). What its functions return belongs to it and lives as long. All of them take NULL and any index.
 */
typedef struct rekall_spaces rekall_spaces;

/**
 * Reads the file's vector spaces, oldest first; none before the first vector. out receives them, to be freed with
 * rekall_spaces_free().
 */
REKALL_NODISCARD
rekall_status rekall_list_spaces(rekall_db *db,
                                 rekall_spaces **out,
                                 rekall_error **error);

/**
 * How many spaces there are; 0 for NULL.
 */
size_t rekall_spaces_count(const rekall_spaces *spaces);

/**
 * The full identity of the model that made the vectors of space number index, from 0: NUL-terminated UTF-8. out_len, which
 * may be NULL, receives its length. NULL past the last.
 */
const char *rekall_spaces_fingerprint(const rekall_spaces *spaces,
                                      size_t index,
                                      size_t *out_len);

/**
 * How many numbers each vector of space number index has; 0 past the last.
 */
size_t rekall_spaces_dimensions(const rekall_spaces *spaces, size_t index);

/**
 * What space number index is used for: a REKALL_SPACE_ number; 0 past the last.
 */
uint32_t rekall_spaces_state(const rekall_spaces *spaces, size_t index);

/**
 * Frees spaces. NULL is fine.
 */
void rekall_spaces_free(rekall_spaces *spaces);

/**
 * Reads back a vector that an entry has in the space that searches use, of length 1: that of its title, content and tags
 * (role is REKALL_ROLE_SUMMARY, or 0) or of its context (REKALL_ROLE_CONTEXT), and of a longer text that of piece number
 * chunk, from 0 (see rekall_chunk).
 *
 * out has room for capacity numbers; out_len, which may be NULL, receives how many the vector has, also with
 * REKALL_BUFFER_TOO_SMALL, when nothing is written to out. A call with out NULL and capacity 0 asks for that number.
 * REKALL_NOT_FOUND when no entry has the id, and when it has no such vector.
 */
REKALL_NODISCARD
rekall_status rekall_stored_vector(rekall_db *db,
                                   const char *id,
                                   uint32_t role,
                                   uint32_t chunk,
                                   float *out,
                                   size_t capacity,
                                   size_t *out_len,
                                   rekall_error **error);

/* ======================================================================================================== */
/* Import and export                                                                                        */
/* ======================================================================================================== */

/*
 * A file as text, one JSON object a line, vectors included; and files of the Python tool that came before this library.
 *
 *     rekall_report *report = NULL;
 *     if ((status = rekall_export_jsonl(db, "export.jsonl", REKALL_EXPORT_ALL, NULL, NULL, &error))) goto end;
 *     if ((status = rekall_import_jsonl(db, "export.jsonl", REKALL_DUPLICATE_SKIP, NULL, &report, &error))) goto end;
 *     printf("%d were here already\n", (int)rekall_report_number(report, "skipped"));
 *     rekall_report_free(report);
 */

/**
 * On import, of an entry that is there already: keep the one that is there.
 */
#define REKALL_DUPLICATE_SKIP 0

/**
 * On import, of an entry that is there already: fail, and import nothing.
 */
#define REKALL_DUPLICATE_REFUSE 1

/**
 * On import, of an entry that is there already: put the imported one in its place.
 */
#define REKALL_DUPLICATE_REPLACE 2

/**
 * Of an export: everything.
 */
#define REKALL_EXPORT_ALL 0

/**
 * Of an export: everything but vectors, which have to be made anew after an import.
 */
#define REKALL_EXPORT_WITHOUT_VECTORS 1

/**
 * As an offset from UTC: take it from the file.
 */
#define REKALL_UTC_OFFSET_AUTO INT32_MIN

/**
 * Takes bytes of an export. Return REKALL_OK, or anything else to fail it with REKALL_CALLBACK.
 */
typedef rekall_status (*rekall_write_fn)(void *user_data, const char *bytes, size_t len);

/**
 * Gives bytes of an import: writes up to capacity of them to buffer and their number to out_len; 0 is the end. Return
 * REKALL_OK, or anything else to fail it with REKALL_CALLBACK.
 */
typedef rekall_status (*rekall_read_fn)(void *user_data, char *buffer, size_t capacity, size_t *out_len);

/**
 * Writes everything as lines of JSON, losslessly, to a new file at path, where nothing may be yet, and which only its owner
 * may read. what is a REKALL_EXPORT_ number: a vector of 384 dimensions takes 2,048 characters of an export.
 * watch and out may be NULL. Numbers: entries, vectors, links, quarantined. It appears when it is whole; after an error there is no file.
 */
REKALL_NODISCARD
rekall_status rekall_export_jsonl(rekall_db *db,
                                  const char *path,
                                  uint32_t what,
                                  const rekall_watch *watch,
                                  rekall_report **out,
                                  rekall_error **error);

/**
 * As rekall_export_jsonl(), to a function, which is called on this thread.
 */
REKALL_NODISCARD
rekall_status rekall_export_jsonl_to(rekall_db *db,
                                     rekall_write_fn write,
                                     void *user_data,
                                     uint32_t what,
                                     const rekall_watch *watch,
                                     rekall_report **out,
                                     rekall_error **error);

/**
 * Reads a file that rekall_export_jsonl() wrote, or one of entries without an export's header, one JSON object a line
 * (docs/jsonl.md has both forms): all of it or nothing. Entries without vectors of the file's model wait for
 * rekall_embed_pending(); words find them at once. on_duplicate is a REKALL_DUPLICATE_ number. watch
 * and out may be NULL. Numbers: added, replaced, skipped, vectors, links, quarantined, spaces. REKALL_INVALID_INPUT
 * names the line that cannot be read; REKALL_NEWER_VERSION.
 */
REKALL_NODISCARD
rekall_status rekall_import_jsonl(rekall_db *db,
                                  const char *path,
                                  uint32_t on_duplicate,
                                  const rekall_watch *watch,
                                  rekall_report **out,
                                  rekall_error **error);

/**
 * As rekall_import_jsonl(), from a function, which is called on this thread.
 */
REKALL_NODISCARD
rekall_status rekall_import_jsonl_from(rekall_db *db,
                                       rekall_read_fn read,
                                       void *user_data,
                                       uint32_t on_duplicate,
                                       const rekall_watch *watch,
                                       rekall_report **out,
                                       rekall_error **error);

/**
 * Reads a file of the Python tool into this one: all of it or nothing. The original is only read. Vectors come along,
 * in a space of their own that answers searches by vector until rekall_reembed(). Entries whose id is here already are
 * left alone.
 *
 * utc_offset_minutes is the offset of the file's local times from UTC, in minutes east of Greenwich, for times whose
 * offset the file does not tell; usually REKALL_UTC_OFFSET_AUTO. watch and out may be NULL. Numbers: entries, existing,
 * tags, links, vectors, quarantined, pending, possibly_stale, normalized, legacy_schema. Lines: what is worth a look.
 * REKALL_NOT_A_DATABASE when the file is not one of the Python tool's.
 */
REKALL_NODISCARD
rekall_status rekall_import_legacy(rekall_db *db,
                                   const char *path,
                                   int32_t utc_offset_minutes,
                                   const rekall_watch *watch,
                                   rekall_report **out,
                                   rekall_error **error);

/**
 * Puts a rekall file in the place of a file of the Python tool, with all that is in it, and leaves the old one beside
 * it: backup in the report's JSON is its path. Atomic, and safe to be killed at any moment. Needs no handle: nobody may
 * have the file open. The rest as for rekall_import_legacy(); REKALL_BUSY when somebody uses the file.
 */
REKALL_NODISCARD
rekall_status rekall_migrate_legacy(const char *path,
                                    int32_t utc_offset_minutes,
                                    const rekall_watch *watch,
                                    rekall_report **out,
                                    rekall_error **error);

/**
 * Reports what a file of the Python tool holds, without leaving a trace on it or beside it. Needs no handle. Numbers:
 * schema, user_version, entries, links, vectors. REKALL_NOT_A_DATABASE when it is none.
 */
REKALL_NODISCARD
rekall_status rekall_probe_legacy(const char *path,
                                  rekall_report **out,
                                  rekall_error **error);

/* ======================================================================================================== */
/* Looking after the file                                                                                   */
/* ======================================================================================================== */

/*
 * In the order in which they help: check says what is wrong, repair mends it in place, salvage carries what can be read into a
 * new file.
 *
 *     rekall_report *report = NULL;
 *     if ((status = rekall_check(db, NULL, &report, &error))) goto end;
 *     if (rekall_report_number(report, "found") > 0)
 *         status = rekall_repair(db, NULL, NULL, &error);
 *     else
 *         status = rekall_backup(db, "copy.db", NULL, &error);
 *     rekall_report_free(report);
 */

/**
 * Looks at every page, row and index of the file and changes nothing; holds up nobody. Some seconds for 100000 entries.
 * Damage is no error, it is in the report: out receives it, to be freed with rekall_report_free(). watch may be NULL;
 * progress counts pages, entries and vectors together. Numbers: found (0: the file is sound), problems (those listed),
 * entries, vectors, tags, links, pages. Lines: the problems. REKALL_INTERRUPTED.
 */
REKALL_NODISCARD
rekall_status rekall_check(rekall_db *db,
                           const rekall_watch *watch,
                           rekall_report **out,
                           rekall_error **error);

/**
 * Repairs what can be repaired, in one transaction, and loses nothing: what cannot be read is kept aside. Holds up
 * other writers meanwhile. watch, whose progress counts pages, entries and vectors together, and out may be NULL.
 * Numbers: repaired (entries with unreadable parts), quarantined (vectors set aside), orphans, pending, spaces, objects.
 * Lines: the entries repaired. REKALL_CORRUPT when pages cannot be read, and rekall_salvage() carries over what can be;
 * REKALL_INTERRUPTED. Nothing is changed then.
 */
REKALL_NODISCARD
rekall_status rekall_repair(rekall_db *db,
                            const rekall_watch *watch,
                            rekall_report **out,
                            rekall_error **error);

/**
 * As rekall_check(), of a file by its path, without a handle: also of one that rekall_open() refuses with
 * REKALL_CORRUPT. Why it is refused is the first problem then, and what can be looked at all the same follows.
 * REKALL_NOT_FOUND, REKALL_NOT_A_DATABASE.
 */
REKALL_NODISCARD
rekall_status rekall_check_file(const char *path,
                                const rekall_watch *watch,
                                rekall_report **out,
                                rekall_error **error);

/**
 * As rekall_repair(), of a file by its path, without a handle: also of one that rekall_open() refuses with
 * REKALL_CORRUPT, as far as that can be repaired. Nobody should have the file open. REKALL_CORRUPT when it cannot, and
 * rekall_salvage() carries over what can be read; REKALL_NOT_FOUND, REKALL_NOT_A_DATABASE.
 */
REKALL_NODISCARD
rekall_status rekall_repair_file(const char *path,
                                 const rekall_watch *watch,
                                 rekall_report **out,
                                 rekall_error **error);

/**
 * Copies the file, as it is at this moment, to target (a path where nothing may be yet), while others read and write.
 * watch may be NULL. REKALL_INVALID_INPUT when the target exists; REKALL_INTERRUPTED.
 */
REKALL_NODISCARD
rekall_status rekall_backup(rekall_db *db,
                            const char *target,
                            const rekall_watch *watch,
                            rekall_error **error);

/**
 * Gives free space in the file back to the disk. Needs about twice the file's size meanwhile and holds up other
 * writers. watch, whose progress counts stages, of 3, and out may be NULL. Numbers: bytes_before, bytes_after, complete (0
 * when a reader of an older state was in the way of emptying the log and, with secure_delete, of erasing what was
 * forgotten: call it once more later). REKALL_INTERRUPTED; the file then has what it had.
 */
REKALL_NODISCARD
rekall_status rekall_compact(rekall_db *db,
                             const rekall_watch *watch,
                             rekall_report **out,
                             rekall_error **error);

/**
 * Drops the vector index, in memory and in the file, and makes it again from the rows. watch may be NULL; its
 * progress counts stages, of 3. REKALL_READ_ONLY; REKALL_BUSY; REKALL_INTERRUPTED, and nothing may be persisted then:
 * searches find the same, the first one of a process begins more slowly.
 */
REKALL_NODISCARD
rekall_status rekall_rebuild_index(rekall_db *db,
                                   const rekall_watch *watch,
                                   rekall_error **error);

/**
 * Forgets cached query vectors. Searches stay the same, the next ones are slower.
 */
REKALL_NODISCARD
rekall_status rekall_clear_cache(rekall_db *db, rekall_error **error);

/**
 * Reads what can be read of a damaged file, row by row around the damage, and writes it to a new file at target, which
 * appears when it is whole. source is only copied from; nobody should be using it. Needs no handle. watch and out may be
 * NULL. Numbers: entries, repaired, lost, vectors, quarantined, links, pending, damage, unreadable_rows (ranges of
 * rows). Lines: what could not be read, and what is lost.
 */
REKALL_NODISCARD
rekall_status rekall_salvage(const char *source,
                             const char *target,
                             const rekall_watch *watch,
                             rekall_report **out,
                             rekall_error **error);

/* ======================================================================================================== */
/* How much of what is nearest a search finds                                                               */
/* ======================================================================================================== */

/*
 * How many of the true nearest entries the vector index finds: all of them, but for the index "binary".
 *
 *     rekall_index_audit report = REKALL_INDEX_AUDIT_INIT;
 *     if ((status = rekall_audit_index(db, 100, 10, NULL, &report, &error))) goto end;
 *     printf("%.4f of the nearest are found (%s)\n", report.recall, report.backend);
 */

/**
 * What rekall_audit_index() found. Set struct_size, or start from REKALL_INDEX_AUDIT_INIT.
 */
typedef struct rekall_index_audit {
    /**
     * sizeof(rekall_index_audit).
     */
    size_t struct_size;
    /**
     * Vectors in the index.
     */
    uint64_t rows;
    /**
     * Searches made.
     */
    uint64_t queries;
    /**
     * Hits asked of each.
     */
    uint64_t k;
    /**
     * Searches whose hits, their order or their similarities were not, to the bit, those of brute force. 0 is required of
     * every index but the approximate one.
     */
    uint64_t differing;
    /**
     * Share of the k nearest entries that were found, 0 to 1, on average; 1 when nothing was searched.
     */
    double recall;
    /**
     * The same of the worst search.
     */
    double worst;
    /**
     * Name of the backend that was tested, as rekall_index_backend() returns it, NUL-terminated; "" when the file has no
     * vectors.
     */
    char backend[32];
} rekall_index_audit;

/**
 * A rekall_index_audit with its size, and the default in all members.
 */
#define REKALL_INDEX_AUDIT_INIT { sizeof(rekall_index_audit), 0, 0, 0, 0, 0, 0, {0} }

/**
 * As REKALL_INDEX_AUDIT_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_index_audit_init(rekall_index_audit *report,
                             size_t struct_size);

/**
 * Compares the vector index with brute force: up to queries stored vectors, taken evenly from the file, serve as queries,
 * each without its own entry, and the k hits of each are held against all vectors of the file, compared one by one.
 * Needs no model. Reads every vector twice; about 0.2 microseconds a vector and query for 384 dimensions. For choosing
 * rescored_rows of rekall_open_options, and for looking after any index.
 *
 * out receives the report. watch may be NULL; progress counts vectors. Fewer queries are made where the file has fewer
 * vectors, none where it has none. REKALL_INVALID_INPUT when queries or k is not 1 to 100000;
 * REKALL_INTERRUPTED.
 */
REKALL_NODISCARD
rekall_status rekall_audit_index(rekall_db *db,
                                 size_t queries,
                                 size_t k,
                                 const rekall_watch *watch,
                                 rekall_index_audit *out,
                                 rekall_error **error);

/* ======================================================================================================== */
/* Figures                                                                                                  */
/* ======================================================================================================== */

/*
 * What the file holds, what memory is taken, and whether anything changed.
 *
 *     rekall_stats stats = REKALL_STATS_INIT;
 *     char backend[64];
 *     if ((status = rekall_get_stats(db, &stats, &error))) goto end;
 *     if ((status = rekall_index_backend(db, backend, sizeof backend, NULL, &error))) goto end;
 *     printf("%d entries, %d bytes of index (%s)\n", (int)stats.entries, (int)stats.index_bytes, backend);
 */

/**
 * Figures about an open memory. Set struct_size, or start from REKALL_STATS_INIT.
 */
typedef struct rekall_stats {
    /**
     * sizeof(rekall_stats).
     */
    size_t struct_size;
    /**
     * Entries, obsolete ones included.
     */
    uint64_t entries;
    /**
     * Entries that no longer hold.
     */
    uint64_t obsolete;
    /**
     * Vectors, in all spaces.
     */
    uint64_t vectors;
    /**
     * Entries that wait for their vectors.
     */
    uint64_t pending;
    /**
     * Vectors set aside as unusable.
     */
    uint64_t quarantined;
    /**
     * Links.
     */
    uint64_t links;
    /**
     * Rows of the change log.
     */
    uint64_t log_rows;
    /**
     * Bytes of the file, without its write-ahead log.
     */
    uint64_t file_bytes;
    /**
     * Vectors in the index; 0 before the first search.
     */
    uint64_t index_rows;
    /**
     * Bytes of memory that the index takes.
     */
    uint64_t index_bytes;
    /**
     * Bytes of heap that the model takes; 0 while it is not loaded.
     */
    uint64_t model_bytes;
    /**
     * Queries whose vector was in the cache.
     */
    uint64_t cache_hits;
    /**
     * Queries whose vector was not.
     */
    uint64_t cache_misses;
    /**
     * Vectors in the cache.
     */
    uint64_t cache_entries;
    /**
     * Bytes of memory that they take.
     */
    uint64_t cache_bytes;
    /**
     * Vectors dropped from the cache to keep within its size.
     */
    uint64_t cache_evictions;
    /**
     * Vectors dropped from the cache because of their age.
     */
    uint64_t cache_expirations;
    /**
     * Queries embedded for the cache.
     */
    uint64_t cache_loads;
    /**
     * Those of them that failed.
     */
    uint64_t cache_load_failures;
    /**
     * Vectors put into the cache.
     */
    uint64_t cache_insertions;
    /**
     * Vectors that the cache did not take: it keeps none, or kept others.
     */
    uint64_t cache_rejections;
    /**
     * Vectors in the cache that a newer one took the place of.
     */
    uint64_t cache_replacements;
    /**
     * Vectors dropped by rekall_clear_cache() and the like.
     */
    uint64_t cache_invalidations;
    /**
     * Bytes of the whole process in memory, where the system tells (Linux); else 0.
     */
    uint64_t process_bytes;
    /**
     * Bytes of memory that the word index takes: a table of its passages, 28 bytes each, and the words of what was
     * written last. 0 before the first search.
     */
    uint64_t word_index_bytes;
    /**
     * 1 if a former built-in model made the file's vectors, else 0. rekall_reembed() makes those of the current one.
     */
    uint64_t former_model;
    /**
     * Bytes of heap that the reranker takes; 0 while it is not loaded.
     */
    uint64_t reranker_bytes;
} rekall_stats;

/**
 * A rekall_stats with its size, and the default in all members.
 */
#define REKALL_STATS_INIT { sizeof(rekall_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
    0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * As REKALL_STATS_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
 */
void rekall_stats_init(rekall_stats *stats,
                       size_t struct_size);

/**
 * Counts what the file holds and what memory is taken; milliseconds for 100000 entries.
 */
REKALL_NODISCARD
rekall_status rekall_get_stats(rekall_db *db, rekall_stats *out, rekall_error **error);

/**
 * Says whether anything changed: out receives a number that is another one whenever something was written to the file, by
 * this handle, another, or another program. Compare it with one of the same handle only. About a microsecond.
 */
REKALL_NODISCARD
rekall_status rekall_data_version(rekall_db *db,
                                  int64_t *out,
                                  rekall_error **error);

/**
 * Writes the name of the loaded model to buffer, NUL-terminated; "" while none is loaded. out_len, which may be NULL,
 * receives its length without the NUL, also with REKALL_BUFFER_TOO_SMALL, when the buffer, of capacity bytes, is left
 * empty. A call with buffer NULL and capacity 0 asks for the length.
 */
REKALL_NODISCARD
rekall_status rekall_model_name(rekall_db *db,
                                char *buffer,
                                size_t capacity,
                                size_t *out_len,
                                rekall_error **error);

/**
 * Writes to buffer what keeps entries from getting vectors, where some wait for them and it is known, one line: the model
 * could not be loaded, or is another one than the file's; else "". The rest as for rekall_model_name().
 */
REKALL_NODISCARD
rekall_status rekall_pending_reason(rekall_db *db,
                                    char *buffer,
                                    size_t capacity,
                                    size_t *out_len,
                                    rekall_error **error);

/**
 * Writes the fingerprint of the file's vectors to buffer: the full identity of the model that made them, one line; ""
 * when the file has none. The rest as for rekall_model_name().
 */
REKALL_NODISCARD
rekall_status rekall_fingerprint(rekall_db *db,
                                 char *buffer,
                                 size_t capacity,
                                 size_t *out_len,
                                 rekall_error **error);

/**
 * Writes the kind of the vector index to buffer: "flat", "sq8", "binary", or one that stays in the file ("sq8 in the
 * file", "sqlite-vec", "pgvector", "pgvector-hnsw", "rows in the file"); "" before the first search. The rest as for rekall_model_name().
 */
REKALL_NODISCARD
rekall_status rekall_index_backend(rekall_db *db,
                                   char *buffer,
                                   size_t capacity,
                                   size_t *out_len,
                                   rekall_error **error);

#ifdef __cplusplus
}  /* extern "C" */
#endif  /* __cplusplus */

#endif  /* REKALL_H */
