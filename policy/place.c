/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose a file is: whether anybody but root and the user who runs this process can have put it where it is. Every directory
 * on the way counts, for who can write to one of them can put another in place of what is below; the sticky bit is no help,
 * since whoever came first may own the name.
 *
 * The way is gone part by part with openat(O_PATH | O_NOFOLLOW): each part is judged by the descriptor that the next one
 * is looked up in, so nothing can be put in between, and no link of any kind is followed, as with
 * openat2(RESOLVE_NO_SYMLINKS); but the part that is wrong can be named.
 */
#include "policy-impl.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool plain_path(const char *path)
{
	if (*path != '/' || strlen(path) >= PATH_MAX)
		return false;
	while (*path == '/') {
		size_t length = strcspn(++path, "/");

		if (length == 0 || (length == 1 && path[0] == '.') || (length == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += length;
	}
	return true;
}

/* An access list that lets others write shows as a group that may. */
static int judge(const struct stat *is, const char *path, size_t length, struct croom_error *err)
{
	const char *what = S_ISDIR(is->st_mode) ? "could put anything there" : "could write anything into it";
	int shown = length > 200 ? 200 : (int)length;
	bool ours = is->st_uid == 0 || (is->st_uid == geteuid() && is->st_uid != UNKNOWN);

	if (S_ISLNK(is->st_mode))
		return denied(err, "%.*s is a symbolic link; name the place that it leads to", shown, path);
	if (!ours)
		return denied(err, "%.*s belongs to uid %u, who %s; it must belong to root%s", shown, path, is->st_uid, what,
			      geteuid() ? " or to who runs this program" : "");
	if (is->st_mode & 022)
		return denied(err, "%.*s can be written by others (mode %04o), who %s; chmod go-w it, or use another place", shown,
			      path, is->st_mode & 07777, what);
	return 0;
}

static int look(int fd, struct stat *is, const char *path, size_t length, struct croom_error *err)
{
	if (fd < 0 || fstat(fd, is))
		return failed(err, -errno, "cannot look at %.*s: %s", length > 200 ? 200 : (int)length, path, strerror(errno));
	return judge(is, path, length, err);
}

int place_open(const char *path, struct stat *is, struct croom_error *err)
{
	int fd = open("/", O_PATH | O_CLOEXEC), rc = look(fd, is, "/", 1, err);
	const char *at = path + strspn(path, "/");

	while (rc == 0 && *at) {
		size_t length = strcspn(at, "/");
		char name[NAME_MAX + 1];
		int next;

		if (length > NAME_MAX) {
			rc = failed(err, -ENAMETOOLONG, "a name in %.100s is too long", path);
			break;
		}
		memcpy(name, at, length);
		name[length] = 0;
		next = openat(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		at += length;
		rc = look(next, is, path, (size_t)(at - path), err);
		close(fd);
		fd = next;
		at += *at == '/';
	}
	if (rc && fd >= 0)
		close(fd);
	return rc ? rc : fd;
}

/* Where the path leads, but for its last part, whose link is not followed. */
static int settle(const char *path, char *to, struct croom_error *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char directory[PATH_MAX];
	size_t used;

	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return failed(err, -EISDIR, "%.250s names no file", path);
	if (slash && (size_t)(slash - path) >= sizeof(directory))
		return failed(err, -ENAMETOOLONG, "the name %.100s... is too long", path);
	snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
	if (!realpath(*directory ? directory : "/", to))
		return failed(err, -errno, "cannot look at %.250s: %s", path, strerror(errno));
	used = strlen(to);
	if (used + 1 + strlen(name) >= PATH_MAX)
		return failed(err, -ENAMETOOLONG, "the name %.100s... is too long", path);
	snprintf(to + used, PATH_MAX - used, "%s%s", used > 1 ? "/" : "", name);
	return 0;
}

int place_read(const char *path, size_t most, char **text, size_t *size, struct croom_error *err)
{
	char real[PATH_MAX];
	struct stat is = { 0 }, opened = { 0 };
	int place, fd = -1, rc = settle(path, real, err);

	*text = NULL;
	if (rc)
		return rc;
	place = place_open(real, &is, err);
	if (place < 0)
		return place;
	/* Only what is a file: to open a device may do things. */
	if (!S_ISREG(is.st_mode))
		rc = failed(err, -EINVAL, "%.250s is not a file", path);
	else if ((fd = open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) < 0 || fstat(fd, &opened))
		rc = failed(err, -errno, "cannot read %.250s: %s", path, strerror(errno));
	else if (opened.st_dev != is.st_dev || opened.st_ino != is.st_ino)
		rc = failed(err, -ESTALE, "%.250s was replaced just now; try again", path);
	close(place);
	if (rc) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	*text = malloc(most + 1);
	rc = *text ? small_read(fd, path, *text, most, size, err) :
		failed(err, -ENOMEM, "out of memory");
	close(fd);
	if (rc) {
		free(*text);
		*text = NULL;
	}
	return rc;
}
