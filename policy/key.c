/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Key pairs: making them, and reading the secret half. A secret is only ever in memory of sodium_malloc(): locked where
 * the system allows it, left out of core dumps, wiped when freed. No stdio for its file, which would keep a copy.
 */
#include "policy-impl.h"
#include "secret-impl.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int sodium_ready(struct croom_error *err)
{
	return sodium_init() < 0 ? failed(err, -ENOTSUP, "libsodium does not work here") : 0;
}

int small_open(const char *path, struct stat *is, struct croom_error *err)
{
	/* Looked at before it is opened: to open a device may do things, and a pipe must not be waited for. */
	int place = open(path, O_PATH | O_CLOEXEC), fd = -1, rc = 0;
	bool there = place >= 0 && fstat(place, is) == 0, file = there && S_ISREG(is->st_mode);
	char name[40];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", place);
	if (file)
		fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (there && !file)
		rc = failed(err, -EINVAL, "%.250s is not a file", path);
	else if (fd < 0)
		rc = failed(err, -errno, "cannot open %.250s: %s", path, strerror(errno));
	if (place >= 0)
		close(place);
	return rc ? rc : fd;
}

int small_read(int fd, const char *name, char *text, size_t most, size_t *size, struct croom_error *err)
{
	ssize_t got;

	for (*size = 0; *size <= most; *size += (size_t)got) {
		/* One byte more would be one too many. */
		char more;

		got = *size < most ? read(fd, text + *size, most - *size) : read(fd, &more, 1);
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got < 0)
			return failed(err, -errno, "cannot read %.250s: %s", name, strerror(errno));
		else if (got == 0) {
			text[*size] = 0;
			return 0;
		}
	}
	return failed(err, -EFBIG, "%.250s is longer than %zu bytes, and so it is none of ours", name, most);
}

int public_key_file(struct public_key *key, const char *path, struct croom_error *err)
{
	char text[TEXT_MAX + 1];
	struct stat is = { 0 };
	size_t size;
	int fd = small_open(path, &is, err), rc;

	if (fd < 0)
		return fd;
	rc = small_read(fd, path, text, TEXT_MAX, &size, err);
	close(fd);
	rc = rc ? rc : public_key_read(key, text, size, path, err);
	/* It may have been the wrong one of the two. */
	sodium_memzero(text, sizeof(text));
	return rc;
}

struct secret *secret_new(struct croom_error *err)
{
	struct secret *secret = sodium_ready(err) ? NULL : sodium_malloc(sizeof(*secret));

	if (!secret)
		failed(err, -ENOMEM, "out of memory");
	return secret;
}

int secret_read(struct secret *secret, const char *text, size_t size, const char *name, struct croom_error *err)
{
	int rc = three_read(&secret->three, SECRET_KEY, text, size, name, err);

	if (rc)
		return rc;
	crypto_sign_seed_keypair(secret->key.bytes, secret->pair, secret->three.bytes);
	key_id(secret->key.bytes, secret->key.id);
	return strcmp(secret->key.id, secret->three.id) ? failed(err, -EBADMSG, "%.250s is damaged: it says id %s, and the key in "
								 "it is another", name, secret->three.id) : 0;
}

int secret_file(struct secret *secret, const char *path, struct croom_error *err)
{
	struct stat is = { 0 };
	size_t size;
	int fd = small_open(path, &is, err), rc;

	if (fd < 0)
		return fd;
	rc = small_read(fd, path, secret->text, TEXT_MAX, &size, err);
	close(fd);
	rc = rc ? rc : secret_read(secret, secret->text, size, path, err);
	if (rc)
		return rc;
	if (is.st_uid != geteuid() && is.st_uid != 0)
		rc = denied(err, "the secret key %.250s belongs to uid %u; it must belong to who signs with it", path, is.st_uid);
	else if (is.st_mode & 077)
		rc = denied(err, "others may read or write the secret key %.250s (mode %04o): chmod 600 it, and if they may have read "
			    "it, make another one", path, is.st_mode & 07777);
	return rc;
}

/* A file that was not there, whole and on disk, or none. */
static int new_file(const char *path, mode_t mode, const char *text, size_t size, struct croom_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode), rc;

	if (fd < 0 && errno == EEXIST)
		return failed(err, -EEXIST, "%.250s is there already, and keys are never written over; choose another name with -o",
			      path);
	if (fd < 0)
		return failed(err, -errno, "cannot make %.250s: %s", path, strerror(errno));
	rc = write_whole(fd, text, size);
	/* Whatever the umask is. */
	if (rc == 0 && (fchmod(fd, mode) || fsync(fd)))
		rc = -errno;
	if (close(fd) && rc == 0)
		rc = -errno;
	if (rc) {
		unlink(path);
		return failed(err, rc, "cannot write %.250s: %s", path, strerror(-rc));
	}
	return 0;
}

int croom_sign_keys(const char *secret_path, const char *public_path, char id[CROOM_SIGN_ID + 1], struct croom_error *err)
{
	struct secret *secret = secret_new(err);
	char text[TEXT_MAX];
	struct three public = { 0 };
	int rc;

	*id = 0;
	if (!secret)
		return -ENOMEM;
	randombytes_buf(secret->three.bytes, SEED);
	crypto_sign_seed_keypair(secret->key.bytes, secret->pair, secret->three.bytes);
	key_id(secret->key.bytes, secret->key.id);
	memcpy(secret->three.id, secret->key.id, sizeof(secret->three.id));
	memcpy(public.id, secret->key.id, sizeof(public.id));
	memcpy(public.bytes, secret->key.bytes, PUBLIC);
	rc = new_file(secret_path, 0600, secret->text, three_write(&secret->three, SECRET_KEY, secret->text), err);
	if (rc == 0) {
		rc = new_file(public_path, 0644, text, three_write(&public, PUBLIC_KEY, text), err);
		if (rc)
			unlink(secret_path);
		else
			memcpy(id, public.id, CROOM_SIGN_ID + 1);
	}
	sodium_free(secret);
	return rc;
}
