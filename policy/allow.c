/* SPDX-License-Identifier: BSD-2-Clause */
/* May a plugin be loaded: by where it lies, by who signed it. */
#include "policy-impl.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 && path[length] == '/';
}

/* 0, or why not in *why. */
static int by_directory(const struct croom_policy *policy, const char *path, int original_fd, struct croom_error *why)
{
	struct stat is, original;
	unsigned i = 0;
	int fd;

	if (!plain_path(path))
		return denied(why, "name the file by its absolute path, without '.', '..' or '//'");
	while (i < policy->directories && !below(path, policy->directory[i]))
		i++;
	if (i == policy->directories)
		return denied(why, "it is not in %.200s%s; put it there", policy->directory[0],
			      policy->directories > 1 ? ", or another directory that the policy names" : "");
	fd = place_open(path, &is, why);
	if (fd < 0)
		return fd;
	close(fd);
	if (!S_ISREG(is.st_mode))
		return denied(why, "it is not a file");
	if (fstat(original_fd, &original) || original.st_dev != is.st_dev || original.st_ino != is.st_ino)
		return denied(why, "it was replaced while it was being loaded; load it again");
	return 0;
}

static int by_signature(const struct croom_policy *policy, const char *path, int sealed_fd, struct croom_error *why)
{
	struct three signature;
	crypto_sign_state hash;
	unsigned i = 0;
	int rc = signature_read(&signature, path, why);

	if (rc)
		return rc;
	while (i < policy->keys && strcmp(policy->key[i].id, signature.id))
		i++;
	if (i == policy->keys)
		return denied(why, "it is signed by key %s, which the policy does not name; sign it with one that it does, or "
			      "add: plugin signed-by PUBLIC-KEY-FILE", signature.id);
	rc = sign_hash(sealed_fd, path, &hash, why);
	if (rc)
		return rc;
	if (crypto_sign_final_verify(&hash, signature.bytes, policy->key[i].bytes))
		return denied(why, "it is not what key %s has signed: it, or its signature, was changed since; sign it again",
			      signature.id);
	return 0;
}

/* Otherwise what was judged might not be what is mapped. */
static bool sealed(int fd)
{
	const int want = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & want) == want;
}

static int refuse(struct croom_error *err, const struct croom_policy *policy, const char *rule, const char *why)
{
	return denied(err, "may not be loaded: by the %s rule of %.60s, %s", rule, policy->path, why);
}

int croom_policy_allows(const struct croom_policy *policy, const char *path, int original_fd, int sealed_fd,
			struct croom_error *err)
{
	struct croom_error directory = { 0 }, signature = { 0 };
	int place, sign;

	if (!policy)
		return denied(err, "may not be loaded: without a policy no plugin is; begin the program with one, such as croomtap "
			      "--policy /etc/croom/policy (croom-policy(5))");
	if (!policy->directories && !policy->keys)
		return denied(err, "may not be loaded: the policy %.60s allows no plugin; add a line such as: plugin directory "
			      "/usr/lib/croom/plugins", policy->path);
	if (!sealed(sealed_fd))
		return denied(err, "may not be loaded: its copy is not sealed");
	place = policy->directories ? by_directory(policy, path, original_fd, &directory) : 0;
	sign = policy->keys ? by_signature(policy, path, sealed_fd, &signature) : 0;
	if (policy->directories && policy->keys && policy->require == EITHER)
		return place && sign ? denied(err, "may not be loaded: by the directory rule of %.60s, %.180s; and by its signature "
					      "rule, %.180s", policy->path, directory.text, signature.text) : 0;
	if (place)
		return refuse(err, policy, "directory", directory.text);
	if (sign)
		return refuse(err, policy, "signature", signature.text);
	return 0;
}
