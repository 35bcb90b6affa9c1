/* SPDX-License-Identifier: BSD-2-Clause */
/* Signing a file and checking that. What is hashed begins with words that nothing else signs, so no other signature fits. */
#include "policy-impl.h"
#include "secret-impl.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const unsigned char words[] = "croom plugin signature 1";   /* with its NUL */

int sign_hash(int fd, const char *name, crypto_sign_state *hash, struct croom_error *err)
{
	unsigned char some[16384];
	off_t at = 0;

	crypto_sign_init(hash);
	crypto_sign_update(hash, words, sizeof(words));
	for (;;) {
		ssize_t got = pread(fd, some, sizeof(some), at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return failed(err, -errno, "cannot read %.250s: %s", name, strerror(errno));
		if (got == 0)
			return 0;
		crypto_sign_update(hash, some, (unsigned long long)got);
		at += got;
	}
}

/* PATH.sig; false: too long to be a name. */
static bool signature_name(const char *path, char *name, struct croom_error *err)
{
	if ((size_t)snprintf(name, PATH_MAX, "%s.sig", path) < PATH_MAX)
		return true;
	failed(err, -ENAMETOOLONG, "the name %.100s... is too long", path);
	return false;
}

int signature_read(struct three *signature, const char *path, struct croom_error *err)
{
	char name[PATH_MAX], text[TEXT_MAX + 1];
	struct stat is;
	size_t size;
	int fd, rc;

	if (!signature_name(path, name, err))
		return -ENAMETOOLONG;
	fd = small_open(name, &is, err);
	if (fd < 0)
		return fd == -ENOENT ? failed(err, fd, "there is no signature %.250s; `croomctl sign -k KEY FILE` makes one",
					      name) : fd;
	rc = small_read(fd, name, text, TEXT_MAX, &size, err);
	close(fd);
	return rc ? rc : three_read(signature, SIGNATURE_TEXT, text, size, name, err);
}

int write_whole(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t wrote = write(fd, text, size);

		if (wrote < 0 && errno != EINTR)
			return -errno;
		text += wrote > 0 ? wrote : 0;
		size -= wrote > 0 ? (size_t)wrote : 0;
	}
	return 0;
}

/* Under another name first, so that there is always a whole one. */
static int replace(const char *name, const char *text, size_t size, struct croom_error *err)
{
	char other[PATH_MAX + 8];
	int fd, rc;

	snprintf(other, sizeof(other), "%s.XXXXXX", name);
	fd = mkostemp(other, O_CLOEXEC);
	if (fd < 0)
		return failed(err, -errno, "cannot make %.250s: %s", name, strerror(errno));
	rc = write_whole(fd, text, size);
	if (rc == 0 && (fchmod(fd, 0644) || fsync(fd)))
		rc = -errno;
	if (close(fd) && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(other, name))
		rc = -errno;
	if (rc) {
		unlink(other);
		return failed(err, rc, "cannot write %.250s: %s", name, strerror(-rc));
	}
	return 0;
}

static int open_and_hash(const char *path, crypto_sign_state *hash, struct croom_error *err)
{
	struct stat is;
	int fd = small_open(path, &is, err), rc;

	if (fd < 0)
		return fd;
	rc = sign_hash(fd, path, hash, err);
	close(fd);
	return rc;
}

int croom_sign_file(const char *secret_path, const char *path, char id[CROOM_SIGN_ID + 1], struct croom_error *err)
{
	struct secret *secret = secret_new(err);
	char name[PATH_MAX], text[TEXT_MAX];
	crypto_sign_state hash;
	struct three signature = { 0 };
	int rc;

	*id = 0;
	if (!secret)
		return -ENOMEM;
	rc = signature_name(path, name, err) ? secret_file(secret, secret_path, err) : -ENAMETOOLONG;
	rc = rc ? rc : open_and_hash(path, &hash, err);
	if (rc == 0) {
		crypto_sign_final_create(&hash, signature.bytes, NULL, secret->pair);
		memcpy(signature.id, secret->key.id, sizeof(signature.id));
	}
	sodium_free(secret);
	rc = rc ? rc : replace(name, text, three_write(&signature, SIGNATURE_TEXT, text), err);
	if (rc == 0)
		memcpy(id, signature.id, sizeof(signature.id));
	return rc;
}

int croom_sign_verify(const char *public_path, const char *path, char id[CROOM_SIGN_ID + 1], struct croom_error *err)
{
	crypto_sign_state hash;
	struct three signature = { 0 };
	struct public_key key;
	int rc = sodium_ready(err);

	*id = 0;
	rc = rc ? rc : public_key_file(&key, public_path, err);
	rc = rc ? rc : signature_read(&signature, path, err);
	if (rc)
		return rc;
	memcpy(id, signature.id, sizeof(signature.id));
	if (strcmp(signature.id, key.id))
		return croom_error_set(err, -EKEYREJECTED, CROOM_ERROR_NOT_TRUSTED, NULL,
				       "%.200s is signed by key %s, and %.200s is key %s", path, signature.id, public_path, key.id);
	rc = open_and_hash(path, &hash, err);
	if (rc == 0 && crypto_sign_final_verify(&hash, signature.bytes, key.bytes))
		rc = croom_error_set(err, -EKEYREJECTED, CROOM_ERROR_NOT_TRUSTED, NULL,
				     "%.200s is not what key %s has signed: the file, or its signature, was changed since", path,
				     key.id);
	return rc;
}
