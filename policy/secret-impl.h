/* SPDX-License-Identifier: BSD-2-Clause */
/* A secret key in memory. Only in what secret_new() gives; sodium_free() wipes it. */
#ifndef POLICY_SECRET_IMPL_H
#define POLICY_SECRET_IMPL_H

#include "policy-impl.h"

struct secret {
	char text[TEXT_MAX + 1];
	struct three three;
	unsigned char pair[crypto_sign_SECRETKEYBYTES];
	struct public_key key;
};

struct secret *secret_new(struct croom_error *err);
int secret_read(struct secret *secret, const char *text, size_t size, const char *name, struct croom_error *err);
int secret_file(struct secret *secret, const char *path, struct croom_error *err);
int public_key_file(struct public_key *key, const char *path, struct croom_error *err);
/* sign.c. All of it, or -errno. */
int write_whole(int fd, const char *text, size_t size);

#endif
