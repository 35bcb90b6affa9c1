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
	struct stat is;
	int length;

	/* A root that kept a user's environment must not make a directory there, which would then not be the user's. */
	if (user && (stat(user, &is) || is.st_uid != getuid()))
		user = NULL;
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

/* Make the directory, and refuse one that somebody else could put things into. Others may look into it if they may connect. */
static int check_directory(const char *path, bool others, struct croom_error *err)
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
	if (others && (is.st_mode & 055) != 055 && chmod(path, 0755))
		return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot let others look into %s: %s", path,
				       strerror(errno));
	return 0;
}

/* Is it another process's by now? Then a cleaner has removed ours, and the name is that one's. */
static void unlink_made(const char *path, const struct made *made)
{
	struct stat is;

	if (lstat(path, &is) == 0 && is.st_dev == made->dev && is.st_ino == made->ino)
		unlink(path);
}

static int take_lock(struct croom_control *control, struct croom_error *err)
{
	struct stat held, named;
	int rc;

	/* The file may be removed by an owner that ends between open and lock: then it is not the one with the name. */
	for (int tries = 0; tries < 100; tries++) {
		control->lock = open(control->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (control->lock < 0)
			return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot open %s: %s", control->lock_path,
					       strerror(errno));
		if (flock(control->lock, LOCK_EX | LOCK_NB)) {
			rc = errno;
			close(control->lock);
			control->lock = -1;
			if (rc != EWOULDBLOCK)
				return croom_error_set(err, -rc, CROOM_ERROR_OTHER, NULL, "cannot lock %s: %s", control->lock_path,
						       strerror(rc));
			return croom_error_set(err, -EADDRINUSE, CROOM_ERROR_OTHER, NULL,
					       "a live process already serves %s; choose another name", control->path);
		}
		if (fstat(control->lock, &held) == 0 && lstat(control->lock_path, &named) == 0 && held.st_dev == named.st_dev &&
		    held.st_ino == named.st_ino) {
			control->lock_made = (struct made){ held.st_dev, held.st_ino };
			return 0;
		}
		close(control->lock);
		control->lock = -1;
	}
	return croom_error_set(err, -EADDRINUSE, CROOM_ERROR_OTHER, NULL, "%s keeps changing hands", control->lock_path);
}

/* A file lock can be lost: a cleaner of /tmp may have removed the file under its owner. The socket itself tells. */
static bool served(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool live = fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return live;
}

/* What is there under our name, with the lock held, is of a process that ended, if it is a socket. */
static int clear_name(const struct sockaddr_un *address, struct croom_error *err)
{
	struct stat is;

	if (lstat(address->sun_path, &is))
		return 0;
	if (!S_ISSOCK(is.st_mode))
		return croom_error_set(err, -EEXIST, CROOM_ERROR_OTHER, NULL,
				       "%s is there and is not a socket; remove it or choose another name", address->sun_path);
	if (served(address))
		return croom_error_set(err, -EADDRINUSE, CROOM_ERROR_OTHER, NULL,
				       "a live process already serves %s; choose another name", address->sun_path);
	unlink(address->sun_path);
	return 0;
}

static int listen_at(struct croom_control *control, struct croom_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat is;
	int fd, rc;

	strcpy(address.sun_path, control->path);
	rc = clear_name(&address, err);
	if (rc)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot make a socket: %s", strerror(errno));
	/* The mode that bind() gives to the name. umask() is the whole process's: other threads' files would get it, too. */
	if (fchmod(fd, 0600) || bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		rc = croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot listen at %s: %s", control->path,
				     strerror(errno));
		close(fd);
		return rc;
	}
	control->listener = fd;
	/* Everybody, if the policy names anybody: each is asked who he is. bind() has left to the umask what that takes. */
	if (croom_policy_opens(control->policy) && fchmodat(AT_FDCWD, control->path, 0666, AT_SYMLINK_NOFOLLOW))
		return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot let others connect to %s: %s", control->path,
				       strerror(errno));
	/* The name's own numbers; fstat() would give the socket's. */
	if (lstat(control->path, &is) == 0)
		control->socket_made = (struct made){ is.st_dev, is.st_ino };
	if (listen(fd, 128))
		return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot listen at %s: %s", control->path,
				       strerror(errno));
	return 0;
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
		rc = check_directory(directory, croom_policy_opens(control->policy), err);
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
		unlink_made(control->path, &control->socket_made);
	}
	/* The name goes before the lock, so that nobody finds the one without the other. */
	if (control->lock >= 0) {
		unlink_made(control->lock_path, &control->lock_made);
		close(control->lock);
	}
	free(control->path);
	free(control->lock_path);
}
