/* Put before libc (LD_PRELOAD): lets one call of the system fail, and gives a process the number of another.
 *
 * REKALL_FAULT=CALL:ERRNO:FIRST:COUNT:PART: of the calls of that name (open, read, write, fsync, link) on a file whose
 * path has PART in it, number FIRST and the COUNT - 1 behind it fail. REKALL_FAULT_MARK: a file that is made when one
 * did. REKALL_PID: what getpid() says. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long seen;

static int fails(const char *call, const char *path)
{
    char wanted[16];
    int number, part;
    long first, count, now;
    const char *fault = getenv("REKALL_FAULT"), *mark = getenv("REKALL_FAULT_MARK");
    if (fault == NULL || path == NULL
        || sscanf(fault, "%15[^:]:%d:%ld:%ld:%n", wanted, &number, &first, &count, &part) < 4
        || strcmp(wanted, call) != 0 || strstr(path, fault + part) == NULL) {
        return 0;
    }
    now = __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST);
    if (now < first || now >= first + count) {
        return 0;
    }
    if (mark != NULL) {
        long file = syscall(SYS_openat, AT_FDCWD, mark, O_CREAT | O_WRONLY, 0600);
        syscall(SYS_close, file);
    }
    errno = number;
    return 1;
}

static int fails_on(const char *call, int file)
{
    char link[64], path[4096];
    long length;
    if (getenv("REKALL_FAULT") == NULL) {
        return 0;
    }
    sprintf(link, "/proc/self/fd/%d", file);
    length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length < 0) {
        return 0;
    }
    path[length] = 0;
    return fails(call, path);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                                                    \
    int name(const char *path, int flags, ...)                                        \
    {                                                                                 \
        va_list rest;                                                                 \
        mode_t mode;                                                                  \
        va_start(rest, flags);                                                        \
        mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;              \
        va_end(rest);                                                                 \
        return fails("open", path) ? -1 : NEXT(name)(path, flags, mode);              \
    }
OPEN(open)
OPEN(open64)

ssize_t read(int file, void *buffer, size_t length)
{
    return fails_on("read", file) ? -1 : NEXT(read)(file, buffer, length);
}

ssize_t write(int file, const void *buffer, size_t length)
{
    return fails_on("write", file) ? -1 : NEXT(write)(file, buffer, length);
}

#define AT(name, call, buffer_type, offset)                                           \
    ssize_t name(int file, buffer_type *buffer, size_t length, offset at)             \
    {                                                                                 \
        return fails_on(call, file) ? -1 : NEXT(name)(file, buffer, length, at);      \
    }
AT(pread, "read", void, off_t)
AT(pread64, "read", void, off64_t)
AT(pwrite, "write", const void, off_t)
AT(pwrite64, "write", const void, off64_t)

int fsync(int file)
{
    return fails_on("fsync", file) ? -1 : NEXT(fsync)(file);
}

int fdatasync(int file)
{
    return fails_on("fsync", file) ? -1 : NEXT(fdatasync)(file);
}

int linkat(int from, const char *path, int to, const char *name, int flags)
{
    return fails("link", name) ? -1 : NEXT(linkat)(from, path, to, name, flags);
}

int link(const char *path, const char *name)
{
    return fails("link", name) ? -1 : NEXT(link)(path, name);
}

pid_t getpid(void)
{
    const char *given = getenv("REKALL_PID");
    return given != NULL ? atoi(given) : (pid_t)syscall(SYS_getpid);
}
