/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of policy/ share: text.c the files of keys and signatures, place.c whose a file is, key.c and sign.c making
 * and checking, parse.c the policy's lines, policy.c what it says, allow.c whether a plugin may be loaded.
 */
#ifndef POLICY_POLICY_IMPL_H
#define POLICY_POLICY_IMPL_H

#include <croom/policy.h>
#include <croom/sign.h>
#include <sodium.h>
#include <stdbool.h>
#include <sys/stat.h>

enum { TEXT_MAX = 1024, POLICY_MAX = 256 * 1024, DIRECTORIES_MAX = 32, KEYS_MAX = 32, PEERS_MAX = 1024,
       /* Who has no number in this user namespace comes with this one: nobody can tell whether two of them are the same. */
       UNKNOWN = 65534, SEED = crypto_sign_SEEDBYTES, PUBLIC = crypto_sign_PUBLICKEYBYTES, SIGNATURE = crypto_sign_BYTES };

/* Set *err (or not, when it is NULL), and give the code back. */
#define failed(err, code, ...) croom_error_set(err, code, CROOM_ERROR_OTHER, NULL, __VA_ARGS__)
#define denied(err, ...) croom_error_set(err, -EACCES, CROOM_ERROR_NOT_TRUSTED, NULL, __VA_ARGS__)

/* What the three lines of a file say. */
struct three {
	char id[CROOM_SIGN_ID + 1];
	unsigned char bytes[SIGNATURE];
	size_t length;
};

enum three_kind { PUBLIC_KEY, SECRET_KEY, SIGNATURE_TEXT };

struct public_key {
	unsigned char bytes[PUBLIC];
	char id[CROOM_SIGN_ID + 1];
};

struct peer {
	bool group;
	uint32_t id;
	enum croom_role role;
};

struct croom_policy {
	char *path;
	unsigned directories, keys, peers;
	char *directory[DIRECTORIES_MAX];          /* absolute, as plain_path() wants them */
	struct public_key key[KEYS_MAX];
	struct peer *peer;
	enum { NOT_SAID, BOTH, EITHER } require;
	struct croom_policy_limit limit;
};

/* text.c. name stands for the file in messages. *three may hold a secret: the caller wipes it. */
int three_read(struct three *three, enum three_kind kind, const char *text, size_t size, const char *name,
	       struct croom_error *err);
/* How long it is; text has TEXT_MAX bytes. */
size_t three_write(const struct three *three, enum three_kind kind, char *text);
/* Exactly so many bytes in base64, as one writes them. size: at most SIGNATURE. */
bool base64_read(const char *text, size_t length, unsigned char *bytes, size_t size);
void key_id(const unsigned char key[PUBLIC], char id[CROOM_SIGN_ID + 1]);
int public_key_read(struct public_key *key, const char *text, size_t size, const char *name, struct croom_error *err);

/* place.c */
/* Absolute, and without empty parts, "." and "..": what it says is where it leads, but for links. */
bool plain_path(const char *path);
/*
 * Go there from / on, part by part and never through a link: a descriptor (O_PATH) and what is there, or -errno with
 * *err set: to -EACCES when somebody but root and this user could have put it there.
 */
int place_open(const char *path, struct stat *is, struct croom_error *err);
/* A whole file that nobody else can have written: what it holds and a NUL, to be freed; its length in *size. */
int place_read(const char *path, size_t most, char **text, size_t *size, struct croom_error *err);

/* key.c */
int sodium_ready(struct croom_error *err);
/* At most so many bytes of a regular file; text has most + 1. */
int small_read(int fd, const char *name, char *text, size_t most, size_t *size, struct croom_error *err);
int small_open(const char *path, struct stat *is, struct croom_error *err);

/* sign.c. hash: of the words that say what is signed, and of all bytes of fd. */
int sign_hash(int fd, const char *name, crypto_sign_state *hash, struct croom_error *err);
/* PATH.sig */
int signature_read(struct three *signature, const char *path, struct croom_error *err);

/* parse.c */
int policy_parse(struct croom_policy *policy, const char *text, size_t size, const char *name, struct croom_error *err);

#endif
