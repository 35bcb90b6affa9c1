/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose the journal is. Who keeps it holds a lock on FILE.lock, which is never removed, and which tells a dead keeper
 * from a live one without a race. It is a lock of the open file (OFD), so that a reader can ask without taking it. A
 * child that forks without exec holds it, too.
 */
#include "journal-impl.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int check_directory(const char *path, struct croom_error *err)
{
	struct stat is;

	if (mkdir(path, 0700) && errno != EEXIST)
		return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot make the directory %s: %s", path, strerror(errno));
	if (stat(path, &is))
		return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot look at %s: %s", path, strerror(errno));
	/* Who can put a journal there can have any handler run at the next start. */
	if (!S_ISDIR(is.st_mode) || is.st_uid != geteuid() || (is.st_mode & 022))
		return croom_error_set(err, -EPERM, CROOM_ERROR_NOT_PERMITTED, NULL,
				       "%s must be a directory that belongs to this user and that nobody else can write to", path);
	return 0;
}

static void say_who(int lock)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (ftruncate(lock, 0) || pwrite(lock, text, (size_t)length, 0) != length) {
		/* It is for people only. */
	}
}

static int taken(const char *lock_path, int lock, const char *path, struct croom_error *err)
{
	char who[32] = "";
	ssize_t length = pread(lock, who, sizeof(who) - 1, 0);

	(void)lock_path;
	who[length > 0 ? length : 0] = 0;
	who[strspn(who, "0123456789")] = 0;
	return croom_error_set(err, -EBUSY, CROOM_ERROR_OTHER, NULL, "%s is kept by another process%s%s", path, *who ? ", pid " : "", who);
}

int lock_take(struct croom_journal *journal, struct croom_error *err)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat held, named;
	int rc = check_directory(journal->directory, err);

	if (rc)
		return rc;
	/* Ours may have been removed, and another one made since. */
	if (journal->lock >= 0 && (fstat(journal->lock, &held) || stat(journal->lock_path, &named) || held.st_ino != named.st_ino ||
				   held.st_dev != named.st_dev)) {
		close(journal->lock);
		journal->lock = -1;
	}
	if (journal->lock >= 0)
		return 0;
	journal->lock = open(journal->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (journal->lock < 0)
		return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot open %s: %s", journal->lock_path, strerror(errno));
	if (fcntl(journal->lock, F_OFD_SETLK, &whole)) {
		rc = errno == EAGAIN || errno == EACCES ? taken(journal->lock_path, journal->lock, journal->path, err) :
			croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot lock %s: %s", journal->lock_path, strerror(errno));
		close(journal->lock);
		journal->lock = -1;
		return rc;
	}
	say_who(journal->lock);
	return 0;
}

/* Make the file, if there is none; with a mode that SQLite's own, which are for everybody, would not give it. */
int lock_check_file(const struct croom_journal *journal, struct croom_error *err)
{
	int fd = open(journal->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat is;

	if (fd >= 0)
		close(fd);
	else if (errno != EEXIST)
		return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot make %s: %s", journal->path, strerror(errno));
	/* Not opened to look: SQLite's locks would go with the descriptor, those of a reader in this process. */
	if (lstat(journal->path, &is))
		return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot look at %s: %s", journal->path, strerror(errno));
	if (!S_ISREG(is.st_mode) || is.st_uid != geteuid() || (is.st_mode & 022))
		return croom_error_set(err, -EPERM, CROOM_ERROR_NOT_PERMITTED, NULL,
				       "%s must be a file that belongs to this user and that nobody else can write to", journal->path);
	return 0;
}

bool lock_moved(const struct croom_journal *journal)
{
	struct stat is;

	return stat(journal->path, &is) || is.st_dev != journal->dev || is.st_ino != journal->ino;
}

bool lock_held(const char *path)
{
	struct flock whole = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	char *lock_path;
	bool held = false;
	int fd;

	if (asprintf(&lock_path, "%s.lock", path) < 0)
		return false;
	fd = open(lock_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0) {
		held = fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
		close(fd);
	}
	free(lock_path);
	return held;
}
