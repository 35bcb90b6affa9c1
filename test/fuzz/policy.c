/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an administrator may write: policies, key files, signatures (policy/). Input: a byte for which of them, then the
 * text. Beside the sanitizers: an error has a code and a sentence that begins with the file's name; what is taken is taken the
 * same again, and not with a line behind it that is none; a key or a signature is written again as it was read, so there is
 * one way only to write each.
 *
 * No file is read: what a policy names as a key's is one of a few texts. Nor is anybody looked up: users and groups of names
 * that begin with a vowel are there.
 */
#include "../../policy/secret-impl.h"
#include "fuzz.h"
#include <errno.h>
#include <grp.h>
#include <pwd.h>

static const char good[] = "croom public key 1\nid 4b9e5d1f29e80116\ned25519 cZuVotHKI6HP5teA3j7eaLuX37C17U/Gpe0BcYw53Mw=\n";
static const char other[] = "croom public key 1\nid 4b9e5d1f29e80117\ned25519 cZuVotHKI6HP5teA3j7eaLuX37C17U/Gpe0BcYw53Mw=\n";

int __wrap_place_read(const char *path, size_t most, char **text, size_t *size, struct croom_error *err);
int __wrap_place_read(const char *path, size_t most, char **text, size_t *size, struct croom_error *err)
{
	const char *is = strstr(path, "none") ? NULL : strstr(path, "other") ? other : strstr(path, "self") ? path : good;

	*text = is ? strdup(is) : NULL;
	if (!is)
		return croom_error_set(err, -ENOENT, CROOM_ERROR_OTHER, NULL, "cannot look at %.250s: none", path);
	MUST(*text && strlen(is) <= 4096 && most == TEXT_MAX);
	*size = strlen(is);
	return 0;
}

static int there(const char *name)
{
	return strchr("aeiou", *name | 0x20) != NULL && *name;
}

int __wrap_getpwnam_r(const char *name, struct passwd *is, char *buffer, size_t size, struct passwd **found);
int __wrap_getpwnam_r(const char *name, struct passwd *is, char *buffer, size_t size, struct passwd **found)
{
	(void)buffer;
	(void)size;
	is->pw_uid = (uid_t)(unsigned char)*name;
	*found = there(name) ? is : NULL;
	return *name == 'x' ? EIO : 0;
}

int __wrap_getgrnam_r(const char *name, struct group *is, char *buffer, size_t size, struct group **found);
int __wrap_getgrnam_r(const char *name, struct group *is, char *buffer, size_t size, struct group **found)
{
	(void)buffer;
	(void)size;
	is->gr_gid = (gid_t)(unsigned char)*name;
	*found = there(name) ? is : NULL;
	return 0;
}

static int parse(struct croom_policy **policy, const char *text, size_t size)
{
	struct croom_error err = { 0 };
	int rc = croom_policy_parse(policy, text, size, "NAME", &err);

	MUST((rc == 0) == (*policy != NULL) && rc <= 0);
	if (rc && (err.code != rc || strncmp(err.text, "NAME:", 5)))
		fuzz_wrong("an error without its name", err.text, strlen(err.text));
	return rc;
}

static void try_policy(const char *text, size_t size)
{
	static const gid_t gids[] = { 0, 'a', 100, 5000 };
	struct croom_policy *policy, *again;
	struct croom_policy_limit limit;
	char *more = malloc(size + 64);
	size_t length;

	if (parse(&policy, text, size)) {
		free(more);
		return;
	}
	limit = croom_policy_swaps(policy);
	MUST(limit.interval_ns >= 0 && limit.burst <= 10000 && limit.interval_ns <= INT64_C(86400000000000));
	MUST((limit.interval_ns == 0) == (limit.burst == 0));
	MUST(croom_policy_role(policy, 0, NULL, 0) == CROOM_ADMIN);
	memcpy(more, text, size);
	more[size] = '\n';
	MUST(parse(&again, more, size + 1) == 0);
	for (uid_t uid = 0; uid < 300; uid++)
		MUST(croom_policy_role(policy, uid, gids, 4) == croom_policy_role(again, uid, gids, 4));
	MUST(croom_policy_opens(policy) == croom_policy_opens(again));
	croom_policy_close(again);
	length = size + (size_t)sprintf(more + size, "\nviewer uid 1 uid 2");
	MUST(parse(&again, more, length) == -EINVAL);
	/* Whoever stands there already, in whatever role, may not stand there again. */
	for (uid_t uid = 'a'; uid <= 'e'; uid += 4) {
		length = size + (size_t)sprintf(more + size, "\nviewer uid %u\nadmin uid %u", uid, uid);
		MUST(parse(&again, more, length) == -EINVAL);
	}
	croom_policy_close(policy);
	free(more);
}

static void as_it_was(const struct three *three, enum three_kind kind, const char *text, size_t size)
{
	char written[TEXT_MAX];
	size_t length = three_write(three, kind, written);

	/* The last line may lack its end. */
	if (!(size == length || size + 1 == length) || memcmp(written, text, size))
		fuzz_wrong("it is not written as it was read", written, length);
}

static void try_three(enum three_kind kind, const char *text, size_t size)
{
	struct croom_error err = { 0 };
	struct three three = { 0 };
	int rc = three_read(&three, kind, text, size, "NAME", &err);

	MUST(rc == 0 || (rc == -EBADMSG && err.code == rc && strncmp(err.text, "NAME ", 5) == 0));
	if (rc == 0)
		as_it_was(&three, kind, text, size);
	if (kind == PUBLIC_KEY) {
		struct public_key key;

		MUST(rc == 0 || public_key_read(&key, text, size, "NAME", &err));
		if (public_key_read(&key, text, size, "NAME", &err) == 0)
			MUST(strcmp(key.id, three.id) == 0 && memcmp(key.bytes, three.bytes, PUBLIC) == 0);
	} else if (kind == SECRET_KEY) {
		struct secret *secret = secret_new(&err);

		MUST(secret);
		if (secret_read(secret, text, size, "NAME", &err) == 0)
			MUST(rc == 0 && strcmp(secret->key.id, three.id) == 0);
		sodium_free(secret);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct passwd is, *found;
	char buffer[16];

	(void)argc;
	(void)argv;
	MUST(sodium_init() >= 0);
	/* Are they ours? */
	MUST(getpwnam_r("a", &is, buffer, sizeof(buffer), &found) == 0 && found && found->pw_uid == 'a');
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (size == 0)
		return 0;
	switch (data[0] % 4) {
	case 0: try_policy(text, size - 1); break;
	case 1: try_three(PUBLIC_KEY, text, size - 1); break;
	case 2: try_three(SECRET_KEY, text, size - 1); break;
	default: try_three(SIGNATURE_TEXT, text, size - 1); break;
	}
	return 0;
}
