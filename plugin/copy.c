/* SPDX-License-Identifier: BSD-2-Clause */
/* A plugin's file, copied into memory that nobody can change any more: what was judged is what will run. */
#include "plugin-impl.h"
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U   /* Linux 6.3: where vm.memfd_noexec is set, it has to be asked for */
#endif

static int cannot(struct croom_error *err, int code, const char *what)
{
	return croom_error_set(err, code, CROOM_ERROR_OTHER, NULL, "cannot be %s: %s", what, strerror(-code));
}

/* Only what is a file is opened to be read: to open a device may do things, and a pipe has to be waited for. */
static int open_original(struct plugin_copy *copy, const char *path, struct stat *stat, struct croom_error *err)
{
	int place = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW), rc = 0;
	char name[40];

	if (place < 0 || fstat(place, stat))
		rc = cannot(err, -errno, "opened");
	else if (S_ISLNK(stat->st_mode))
		rc = croom_error_set(err, -ELOOP, CROOM_ERROR_OTHER, NULL, "is a symbolic link: name the file itself");
	else if (!S_ISREG(stat->st_mode))
		rc = croom_error_set(err, S_ISDIR(stat->st_mode) ? -EISDIR : -EINVAL, CROOM_ERROR_OTHER, NULL, "is not a regular file");
	else if (stat->st_size > CROOM_PLUGIN_BYTES)
		rc = croom_error_set(err, -EFBIG, CROOM_ERROR_OTHER, NULL, "has more than %d MiB: strip it", CROOM_PLUGIN_BYTES >> 20);
	else if (stat->st_size == 0)
		rc = croom_error_set(err, -ENOEXEC, CROOM_ERROR_OTHER, NULL, "is empty");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", place);
	/* The very file that was looked at, whatever has the name by now. */
	if (rc == 0 && (copy->original = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) < 0)
		rc = cannot(err, -errno, "opened");
	if (place >= 0)
		close(place);
	return rc;
}

static int write_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t done = write(fd, bytes, length);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? -errno : -EIO;
		bytes += done;
		length -= (size_t)done;
	}
	return 0;
}

/* Whoever changes the file meanwhile shows by its size or its times. */
static int fill(struct plugin_copy *copy, const struct stat *before, struct croom_error *err)
{
	char buffer[65536];
	struct stat after;
	ssize_t got;
	int rc = 0;

	while (rc == 0 && (got = read(copy->original, buffer, sizeof(buffer))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		rc = got < 0 ? -errno : write_all(copy->sealed, buffer, (size_t)got);
		copy->size += got > 0 ? (size_t)got : 0;
		if (copy->size > (size_t)before->st_size)
			break;
	}
	if (rc)
		return cannot(err, rc, "copied");
	if (fstat(copy->original, &after))
		return cannot(err, -errno, "read");
	if (copy->size != (size_t)before->st_size || after.st_size != before->st_size ||
	    after.st_mtim.tv_sec != before->st_mtim.tv_sec || after.st_mtim.tv_nsec != before->st_mtim.tv_nsec ||
	    after.st_ctim.tv_sec != before->st_ctim.tv_sec || after.st_ctim.tv_nsec != before->st_ctim.tv_nsec)
		return croom_error_set(err, -EBUSY, CROOM_ERROR_OTHER, NULL, "was changed while it was read: load it again");
	return 0;
}

static int new_memory(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char shown[64];
	int fd;

	strncpy(shown, name, sizeof(shown) - 1);
	shown[sizeof(shown) - 1] = 0;
	fd = memfd_create(shown, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(shown, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

int plugin_copy(struct plugin_copy *copy, const char *path, struct croom_error *err)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	struct stat stat;
	int rc = open_original(copy, path, &stat, err);

	if (rc)
		return rc;
	copy->sealed = new_memory(path);
	if (copy->sealed < 0)
		return cannot(err, -errno, "copied into memory");
	rc = fill(copy, &stat, err);
	if (rc)
		return rc;
	if (fcntl(copy->sealed, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return cannot(err, -errno, "sealed in memory");
	copy->bytes = mmap(NULL, copy->size, PROT_READ, MAP_SHARED, copy->sealed, 0);
	if (copy->bytes == MAP_FAILED) {
		copy->bytes = NULL;
		return cannot(err, -errno, "read");
	}
	crypto_hash_sha256(hash, copy->bytes, copy->size);
	sodium_bin2hex(copy->sha256, sizeof(copy->sha256), hash, sizeof(hash));
	return 0;
}

void plugin_copy_close(struct plugin_copy *copy)
{
	if (copy->bytes)
		munmap(copy->bytes, copy->size);
	if (copy->original >= 0)
		close(copy->original);
	if (copy->sealed >= 0)
		close(copy->sealed);
}
