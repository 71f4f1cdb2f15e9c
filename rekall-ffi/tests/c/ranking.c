/* Recency, diversity, expiry, valid time, use and near duplicates. C90. Arguments: a folder, the repository. */
#include "support.h"

static int64_t now_ms = 1800000000000;

static int64_t clock_ms(void *user_data)
{
    (void)user_data;
    return now_ms;
}

static rekall_id noted(rekall_db *db, const char *title, double x, double y, const rekall_new_entry *times)
{
    rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
    rekall_remember_options options = REKALL_REMEMBER_OPTIONS_INIT;
    rekall_id id;
    float vector[2];
    if (times != NULL) {
        entry = *times;
    }
    vector[0] = (float)x;
    vector[1] = (float)y;
    entry.title = rekall_text(title);
    options.vectors = vector;
    options.vectors_len = 2;
    OK(rekall_remember(db, &entry, &options, &id, &error));
    return id;
}

/* The first letters of the titles of the hits. */
static const char *order(rekall_db *db, const rekall_recall_options *options)
{
    static char out[16];
    const float query[2] = {1.0f, 0.0f};
    rekall_hits *hits = NULL;
    size_t at;
    OK(rekall_recall_vector(db, query, 2, options, &hits, &error));
    for (at = 0; at < rekall_hits_count(hits); at++) {
        out[at] = rekall_entry_title(rekall_hits_entry(hits, at), NULL)[0];
    }
    out[at] = 0;
    rekall_hits_free(hits);
    return out;
}

static void recency(rekall_db *db)
{
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    const float query[2] = {1.0f, 0.0f};
    rekall_hits *hits = NULL;
    rekall_new_entry times = REKALL_NEW_ENTRY_INIT;
    rekall_str used[1];
    rekall_usage usage;
    rekall_id old;
    uint64_t count = 0;

    times.flags = REKALL_NEW_ENTRY_CREATED_AT;
    times.created_at_ms = now_ms - 2 * 86400000;
    old = noted(db, "old", 1, 0, &times);
    noted(db, "new", 1, 0, NULL);
    CHECK(strcmp(order(db, NULL), "on") == 0);
    options.recency_half_life_ms = 86400000;
    CHECK(strcmp(order(db, &options), "no") == 0);
    options.recency_floor = 0.2;
    FAILS(REKALL_MISUSE, rekall_recall_vector(db, query, 2, &options, &hits, &error));
    options.flags = REKALL_RECALL_RECENCY_FLOOR;
    OK(rekall_recall_vector(db, query, 2, &options, &hits, &error));
    CHECK(rekall_hits_adjustment(hits, 0, REKALL_ADJUSTMENT_RECENCY) == 1.0);
    CHECK(fabs(rekall_hits_adjustment(hits, 1, REKALL_ADJUSTMENT_RECENCY) - 0.4) < 1e-12);
    CHECK(fabs(rekall_hits_score(hits, 1) - 0.4) < 1e-12);
    CHECK(IS_NAN(rekall_hits_adjustment(hits, 1, REKALL_ADJUSTMENT_RELEVANCE)));
    CHECK(IS_NAN(rekall_hits_adjustment(hits, 2, REKALL_ADJUSTMENT_RECENCY)));
    CHECK(IS_NAN(rekall_hits_adjustment(NULL, 0, REKALL_ADJUSTMENT_RECENCY)));
    CHECK(IS_NAN(rekall_hits_adjustment(hits, 0, 99)));
    rekall_hits_free(hits);
    options.recency_floor = 2.0;
    FAILS(REKALL_INVALID_INPUT, rekall_recall_vector(db, query, 2, &options, &hits, &error));
    options.recency_floor = 0.0;
    options.recency_time = 99;
    FAILS(REKALL_MISUSE, rekall_recall_vector(db, query, 2, &options, &hits, &error));

    /* By use. */
    options.recency_time = REKALL_RECENCY_LAST_USED;
    CHECK(strcmp(order(db, &options), "no") == 0);
    now_ms += 86400000;
    used[0] = rekall_text(old.text);
    OK(rekall_record_use(db, used, 1, &error));
    OK(rekall_usage_of(db, old.text, &usage, &error));
    CHECK(usage.uses == 0 && usage.last_used_at_ms == 0);
    OK(rekall_flush_usage(db, &count, &error));
    CHECK(count == 1);
    OK(rekall_usage_of(db, old.text, &usage, &error));
    CHECK(usage.uses == 1 && usage.last_used_at_ms == now_ms);
    CHECK(strcmp(order(db, &options), "on") == 0);
    used[0] = rekall_text("no id");
    FAILS(REKALL_INVALID_INPUT, rekall_record_use(db, used, 1, &error));
    options.recency_half_life_ms = 0;
    options.flags = 0;
    FAILS(REKALL_MISUSE, rekall_recall_vector(db, query, 2, &options, &hits, &error));
    OK(rekall_forget_all(db, NULL, &error));
}

static void diversity_and_duplicates(rekall_db *db)
{
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_duplicates_options pairs = REKALL_DUPLICATES_OPTIONS_INIT;
    rekall_duplicates *found = NULL;
    rekall_difference at;
    const float query[2] = {1.0f, 0.0f};
    rekall_hits *hits = NULL;
    rekall_id first = noted(db, "a disk is full", 1, 0, NULL), second = noted(db, "b disk is full", 1, 0.01, NULL);
    rekall_new_entry again = REKALL_NEW_ENTRY_INIT;
    rekall_remember_options how = REKALL_REMEMBER_OPTIONS_INIT;
    rekall_id third;

    noted(db, "quota", 0.6, 0.8, NULL);
    CHECK(strcmp(order(db, NULL), "abq") == 0);
    options.diversity = 0.2;
    FAILS(REKALL_MISUSE, rekall_recall_vector(db, query, 2, &options, &hits, &error));
    options.flags = REKALL_RECALL_DIVERSITY;
    CHECK(strcmp(order(db, &options), "aqb") == 0);
    OK(rekall_recall_vector(db, query, 2, &options, &hits, &error));
    CHECK(rekall_hits_adjustment(hits, 0, REKALL_ADJUSTMENT_RELEVANCE) == 1.0);
    CHECK(rekall_hits_adjustment(hits, 0, REKALL_ADJUSTMENT_REDUNDANCY) == 0.0);
    CHECK(fabs(rekall_hits_adjustment(hits, 1, REKALL_ADJUSTMENT_REDUNDANCY) - 0.6) < 1e-6);
    rekall_hits_free(hits);
    options.diversity = 1.5;
    FAILS(REKALL_INVALID_INPUT, rekall_recall_vector(db, query, 2, &options, &hits, &error));

    OK(rekall_near_duplicates(db, second.text, 0.98f, &found, &error));
    CHECK(rekall_duplicates_count(found) == 1 && rekall_duplicates_found(found) == 1);
    CHECK(strcmp(rekall_duplicates_first(found, 0), second.text) == 0);
    CHECK(strcmp(rekall_duplicates_second(found, 0), first.text) == 0);
    rekall_duplicates_free(found);
    OK(rekall_find_duplicates(db, NULL, NULL, &found, &error));
    CHECK(rekall_duplicates_count(found) == 1);
    CHECK(strcmp(rekall_duplicates_first(found, 0), first.text) == 0);
    CHECK(rekall_duplicates_similarity(found, 0) > 0.999f && IS_NAN(rekall_duplicates_similarity(found, 1)));
    CHECK(rekall_duplicates_difference_count(found, 0) == 1 && rekall_duplicates_difference_count(found, 1) == 0);
    CHECK(rekall_duplicates_difference(found, 0, 0, &at) == 1);
    CHECK(at.first_start == 0 && at.first_end == 1 && at.second_start == 0 && at.second_end == 1);
    CHECK(rekall_duplicates_difference(found, 0, 1, &at) == 0 && at.first_end == 0);
    CHECK(rekall_duplicates_first(found, 1) == NULL && rekall_duplicates_count(NULL) == 0);
    rekall_duplicates_free(found);
    rekall_duplicates_free(NULL);
    pairs.flags = REKALL_DUPLICATES_THRESHOLD;
    pairs.threshold = 0.5f;
    pairs.limit = 1;
    OK(rekall_find_duplicates(db, &pairs, NULL, &found, &error));
    CHECK(rekall_duplicates_count(found) == 1 && rekall_duplicates_found(found) == 3);
    rekall_duplicates_free(found);
    pairs.threshold = 2.0f;
    FAILS(REKALL_INVALID_INPUT, rekall_find_duplicates(db, &pairs, NULL, &found, &error));
    pairs.flags = 0;
    FAILS(REKALL_MISUSE, rekall_find_duplicates(db, &pairs, NULL, &found, &error));
    FAILS(REKALL_INVALID_INPUT, rekall_near_duplicates(db, first.text, 2.0f, &found, &error));
    FAILS(REKALL_NOT_FOUND, rekall_near_duplicates(db, "01ARZ3NDEKTSV4RRFFQ69G5FAV", 0.9f, &found, &error));
    again.title = rekall_text("c disk is full");
    how.vectors = query;
    how.vectors_len = 2;
    FAILS(REKALL_INVALID_INPUT, rekall_remember_with_duplicates(db, &again, &how, 2.0f, &third, &found, &error));
    CHECK(found == NULL && third.text[0] == 0);
    OK(rekall_remember_with_duplicates(db, &again, &how, 0.98f, &third, &found, &error));
    CHECK(rekall_duplicates_count(found) == 2 && strcmp(rekall_duplicates_first(found, 1), third.text) == 0);
    CHECK(strcmp(rekall_duplicates_second(found, 0), first.text) == 0);
    rekall_duplicates_free(found);
    FAILS(REKALL_MISUSE, rekall_remember_with_duplicates(db, &again, &how, 0.98f, NULL, NULL, &error));
    OK(rekall_forget_all(db, NULL, &error));
}

static void times_of(rekall_db *db)
{
    rekall_new_entry given = REKALL_NEW_ENTRY_INIT;
    rekall_patch patch = REKALL_PATCH_INIT;
    rekall_filter filter = REKALL_FILTER_INIT;
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_entry *entry = NULL;
    rekall_report *report = NULL;
    rekall_id ends, stays;
    uint64_t count = 0;
    int64_t ms = 1;
    const int64_t from = now_ms;

    given.expires_at_ms = now_ms + 10;
    FAILS(REKALL_MISUSE, rekall_remember(db, &given, NULL, NULL, &error));
    given.flags = REKALL_NEW_ENTRY_EXPIRES_AT | REKALL_NEW_ENTRY_VALID_FROM | REKALL_NEW_ENTRY_VALID_TO;
    given.valid_from_ms = now_ms - 5;
    given.valid_to_ms = now_ms;
    ends = noted(db, "ends", 1, 0, &given);
    stays = noted(db, "stays", 1, 0.1, NULL);
    OK(rekall_get(db, ends.text, &entry, &error));
    CHECK(rekall_entry_time(entry, REKALL_ENTRY_EXPIRES_AT, &ms) == 1 && ms == now_ms + 10);
    CHECK(rekall_entry_time(entry, REKALL_ENTRY_VALID_FROM, &ms) == 1 && ms == now_ms - 5);
    CHECK(rekall_entry_time(entry, REKALL_ENTRY_VALID_TO, &ms) == 1 && ms == now_ms);
    CHECK(rekall_entry_time(entry, 99, &ms) == 0 && ms == 0 && rekall_entry_time(NULL, 1, NULL) == 0);
    rekall_entry_free(entry);
    CHECK(strcmp(order(db, NULL), "es") == 0);
    /* Its valid time is over. */
    options.filter = &filter;
    filter.as_of_ms = now_ms;
    filter.flags = REKALL_FILTER_AS_OF;
    CHECK(strcmp(order(db, &options), "s") == 0);
    now_ms += 10;
    CHECK(strcmp(order(db, NULL), "s") == 0);
    filter.as_of_ms = 0;
    filter.flags = REKALL_FILTER_INCLUDE_EXPIRED;
    CHECK(strcmp(order(db, &options), "es") == 0);
    patch.flags = REKALL_PATCH_EXPIRES_AT | REKALL_PATCH_REMOVE_EXPIRES_AT;
    FAILS(REKALL_MISUSE, rekall_update(db, ends.text, &patch, NULL, &error));
    patch.flags = REKALL_PATCH_REMOVE_EXPIRES_AT | REKALL_PATCH_REMOVE_VALID_TO | REKALL_PATCH_VALID_FROM;
    patch.valid_from_ms = from;
    OK(rekall_update(db, ends.text, &patch, &entry, &error));
    CHECK(rekall_entry_time(entry, REKALL_ENTRY_EXPIRES_AT, &ms) == 0 && ms == 0);
    CHECK(rekall_entry_time(entry, REKALL_ENTRY_VALID_TO, NULL) == 0);
    CHECK(rekall_entry_time(entry, REKALL_ENTRY_VALID_FROM, &ms) == 1 && ms == from);
    rekall_entry_free(entry);
    CHECK(strcmp(order(db, NULL), "es") == 0);
    patch.flags = REKALL_PATCH_EXPIRES_AT;
    patch.valid_from_ms = 0;
    patch.expires_at_ms = from;
    OK(rekall_update(db, ends.text, &patch, NULL, &error));
    OK(rekall_forget_expired(db, &report, &error));
    CHECK(rekall_report_number(report, "forgotten") == 1);
    CHECK(strcmp(rekall_report_line(report, 0, NULL), ends.text) == 0);
    rekall_report_free(report);
    FAILS(REKALL_NOT_FOUND, rekall_get(db, ends.text, &entry, &error));
    /* One in the place of another: each held at its time. */
    now_ms += 10;
    ends = noted(db, "later", 1, 0, NULL);
    OK(rekall_supersede_entry(db, stays.text, ends.text, NULL, &error));
    filter.flags = REKALL_FILTER_AS_OF;
    filter.as_of_ms = now_ms - 1;
    CHECK(strcmp(order(db, &options), "s") == 0);
    filter.as_of_ms = now_ms;
    CHECK(strcmp(order(db, &options), "l") == 0);
    filter.flags = 0;
    FAILS(REKALL_MISUSE, rekall_count(db, &filter, &count, &error));
}

int main(int argc, char **argv)
{
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_db *db = NULL;
    char path[1024];
    CHECK(argc == 3);
    sprintf(path, "%s/ranking.db", argv[1]);
    options.now_ms = clock_ms;
    options.vectors_name = "host";
    options.vectors_dimensions = 2;
    OK(rekall_open(path, &options, &db, &error));
    recency(db);
    diversity_and_duplicates(db);
    times_of(db);
    rekall_close(db);
    puts("ok");
    return 0;
}
