/* What the calls of every_function.c share. */
#ifndef EVERY_FUNCTION_H
#define EVERY_FUNCTION_H

#include "support.h"

static rekall_db *shared;
static const char *place;
static rekall_id first, second, third;

/* A path of one thread's round, where nothing is yet. */
static const char *fresh(char *path, int thread, int round, const char *ending)
{
    sprintf(path, "%.900s/t%d-%d%s", place, thread, round, ending);
    return path;
}

/* What each function is called with. Its status comes back; objects are freed at once. */
#define GIVEN int thread, int round, rekall_error **error
#define UNUSED (void)thread, (void)round

#endif /* EVERY_FUNCTION_H */
