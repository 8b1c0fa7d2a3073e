/* What a disk holds after the power fails: a preload shim for tests.
 *
 * Only what was fsynced survives. The shim watches one directory (POWERLOSS_WATCH) and keeps the
 * image of a disk in another (POWERLOSS_SHADOW):
 *
 *   fsync or fdatasync of a file       its content, as it is now, becomes <shadow>/data.<identity>
 *   fsync or fdatasync of the watched  the names in it, as they are now, become <shadow>/names,
 *   directory itself                   one line "identity name" each
 *
 * So a file whose name was never synced is lost whatever its content, and a name whose file was
 * never synced is an empty file: the least that POSIX promises. Each step is one rename, hence the
 * image is whole at any moment, also when the process is killed inside the shim.
 *
 * Identity is inode and time of birth, since inodes are given out again. The real fsync is not
 * called: the machine keeps its power, and the tests are quicker.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 16, NAME_BYTES = PATH_MAX + 64 };

static void die(const char *what) {
    fprintf(stderr, "powerloss: %s: %s\n", what, strerror(errno));
    abort();
}

static const char *setting(const char *name) {
    const char *value = getenv(name);
    if (value == NULL) {
        errno = ENOENT;
        die(name);
    }
    return value;
}

/* The file's identity, as text; returns its mode, 0 when it has just been removed. */
static mode_t identify(int directory, const char *name, char *identity, size_t size) {
    struct statx status;
    int flags = name[0] == '\0' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
    if (statx(directory, name, flags, STATX_BASIC_STATS | STATX_BTIME, &status) != 0) {
        if (errno == ENOENT)
            return 0;
        die("statx");
    }
    snprintf(identity, size, "%llu-%lld-%u", (unsigned long long)status.stx_ino,
             (long long)status.stx_btime.tv_sec, status.stx_btime.tv_nsec);
    return status.stx_mode;
}

/* Where in the watched directory the descriptor points: 1 inside, 0 the directory, -1 elsewhere. */
static int place(int descriptor) {
    char link[64];
    char path[PATH_MAX];
    const char *watched = setting("POWERLOSS_WATCH");
    size_t length = strlen(watched);
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t read = readlink(link, path, sizeof path - 1);
    if (read < 0)
        die("readlink");
    path[read] = '\0';
    if (strncmp(path, watched, length) != 0)
        return -1;
    return path[length] == '\0' ? 0 : path[length] == '/' ? 1 : -1;
}

static int create_draft(char *draft) {
    snprintf(draft, NAME_BYTES, "%s/draft.XXXXXX", setting("POWERLOSS_SHADOW"));
    int descriptor = mkstemp(draft);
    if (descriptor < 0)
        die("mkstemp");
    return descriptor;
}

static void publish(int descriptor, const char *draft, const char *name) {
    char target[NAME_BYTES];
    snprintf(target, sizeof target, "%s/%s", setting("POWERLOSS_SHADOW"), name);
    if (close(descriptor) != 0 || rename(draft, target) != 0)
        die("publish");
}

static void keep_content(int descriptor, const char *identity) {
    static __thread char buffer[COPY_BYTES];
    char draft[NAME_BYTES];
    char name[128];
    off_t offset = 0;
    ssize_t length;
    int copy = create_draft(draft);
    while ((length = pread(descriptor, buffer, sizeof buffer, offset)) > 0) {
        if (write(copy, buffer, (size_t)length) != length)
            die("write");
        offset += length;
    }
    if (length < 0)
        die("pread");
    snprintf(name, sizeof name, "data.%s", identity);
    publish(copy, draft, name);
}

static void keep_names(void) {
    char draft[NAME_BYTES];
    char identity[96];
    int list = create_draft(draft);
    DIR *directory = opendir(setting("POWERLOSS_WATCH"));
    if (directory == NULL)
        die("opendir");
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (S_ISREG(identify(dirfd(directory), entry->d_name, identity, sizeof identity)))
            dprintf(list, "%s %s\n", identity, entry->d_name);
    closedir(directory);
    publish(list, draft, "names");
}

static int survive(int descriptor) {
    char identity[96];
    int where = place(descriptor);
    if (where == 0)
        keep_names();
    else if (where == 1 && S_ISREG(identify(descriptor, "", identity, sizeof identity)))
        keep_content(descriptor, identity);
    return 0;
}

int fsync(int descriptor) { return survive(descriptor); }

int fdatasync(int descriptor) { return survive(descriptor); }
