/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket and who owns its name. A lock file beside it, held as long as the room lives, tells a dead owner from a
 * live one without a race: whoever gets the lock may remove a stale socket, nobody else may.
 */
#include "server.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int croom_control_directory(char *path, size_t size)
{
	const char *own = getenv("CROOM_RUNTIME_DIR"), *user = getenv("XDG_RUNTIME_DIR");
	int length;

	if (own && *own)
		length = snprintf(path, size, "%s", own);
	else if (user && *user)
		length = snprintf(path, size, "%s/croom", user);
	else if (getuid() == 0)
		length = snprintf(path, size, "/run/croom");
	else
		length = snprintf(path, size, "/tmp/croom-%u", (unsigned)getuid());
	return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

/* Make the directory, and refuse one that somebody else could put things into. */
static int check_directory(const char *path, struct croom_error *err)
{
	struct stat is;

	if (mkdir(path, 0700) && errno != EEXIST)
		return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot make the directory %s: %s", path,
				       strerror(errno));
	if (lstat(path, &is))
		return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot look at %s: %s", path, strerror(errno));
	if (!S_ISDIR(is.st_mode) || is.st_uid != getuid() || (is.st_mode & 022))
		return croom_error_set(err, -EPERM, CROOM_ERROR_NOT_PERMITTED, NULL,
				       "%s must be a directory that belongs to this user and that nobody else can write to", path);
	return 0;
}

static int take_lock(struct croom_control *control, struct croom_error *err)
{
	struct stat held, named;

	/* The file may be removed by an owner that ends between open and lock: then it is not the one with the name. */
	for (int tries = 0; tries < 100; tries++) {
		control->lock = open(control->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (control->lock < 0)
			return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot open %s: %s", control->lock_path,
					       strerror(errno));
		if (flock(control->lock, LOCK_EX | LOCK_NB)) {
			close(control->lock);
			control->lock = -1;
			return croom_error_set(err, -EADDRINUSE, CROOM_ERROR_OTHER, NULL,
					       "a live process already serves %s; choose another name", control->path);
		}
		if (fstat(control->lock, &held) == 0 && stat(control->lock_path, &named) == 0 && held.st_ino == named.st_ino)
			return 0;
		close(control->lock);
		control->lock = -1;
	}
	return croom_error_set(err, -EADDRINUSE, CROOM_ERROR_OTHER, NULL, "%s keeps changing hands", control->lock_path);
}

static int listen_at(struct croom_control *control, struct croom_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int rc;

	strcpy(address.sun_path, control->path);
	control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->listener < 0)
		return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot make a socket: %s", strerror(errno));
	/* Ours by the lock: what is left there is of a process that ended. */
	unlink(control->path);
	mask = umask(0177);
	rc = bind(control->listener, (struct sockaddr *)&address, sizeof(address)) || listen(control->listener, 128) ? -errno : 0;
	umask(mask);
	return rc ? croom_error_set(err, rc, CROOM_ERROR_OTHER, NULL, "cannot listen at %s: %s", control->path, strerror(-rc)) : 0;
}

int socket_open(struct croom_control *control, const char *path, struct croom_error *err)
{
	char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int rc;

	if (path) {
		control->path = strdup(path);
	} else {
		rc = croom_control_directory(directory, sizeof(directory));
		if (rc)
			return croom_error_set(err, rc, CROOM_ERROR_OTHER, NULL, "the runtime directory's name is too long");
		rc = check_directory(directory, err);
		if (rc)
			return rc;
		if (asprintf(&control->path, "%s/%s.socket", directory, croom_room_name(control->room)) < 0)
			control->path = NULL;
	}
	if (!control->path || asprintf(&control->lock_path, "%s.lock", control->path) < 0) {
		control->lock_path = NULL;
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	}
	if (strlen(control->path) >= sizeof(directory))
		return croom_error_set(err, -ENAMETOOLONG, CROOM_ERROR_OTHER, NULL, "%s is too long for a socket; the limit is %zu",
				       control->path, sizeof(directory) - 1);
	rc = take_lock(control, err);
	return rc ? rc : listen_at(control, err);
}

void socket_close(struct croom_control *control)
{
	if (control->listener >= 0) {
		close(control->listener);
		unlink(control->path);
	}
	/* The name goes before the lock, so that nobody finds the one without the other. */
	if (control->lock >= 0) {
		unlink(control->lock_path);
		close(control->lock);
	}
	free(control->path);
	free(control->lock_path);
}
