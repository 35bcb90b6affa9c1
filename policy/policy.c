/* SPDX-License-Identifier: BSD-2-Clause */
/* A policy as a whole, and what it says of users and of how often. */
#include "policy-impl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int croom_policy_parse(struct croom_policy **out, const char *text, size_t size, const char *name, struct croom_error *err)
{
	struct croom_policy *policy = calloc(1, sizeof(*policy));
	int rc = sodium_ready(err);

	*out = NULL;
	if (policy)
		policy->path = strdup(name);
	if (!policy || !policy->path)
		rc = failed(err, -ENOMEM, "out of memory");
	rc = rc ? rc : policy_parse(policy, text, size, name, err);
	if (rc) {
		croom_policy_close(policy);
		return rc;
	}
	*out = policy;
	return 0;
}

/* One that is not there yet may be made later; one that is not safe will not become so. */
static int look_at_directories(const struct croom_policy *policy, struct croom_error *err)
{
	for (unsigned i = 0; i < policy->directories; i++) {
		struct croom_error why;
		struct stat is = { 0 };
		int fd = place_open(policy->directory[i], &is, &why);

		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return croom_error_set(err, fd, why.kind, NULL, "%.60s: plugin directory: %.400s", policy->path,
					       why.text);
		close(fd);
		if (!S_ISDIR(is.st_mode))
			return failed(err, -ENOTDIR, "%.100s: plugin directory: %.200s is not a directory", policy->path,
				      policy->directory[i]);
	}
	return 0;
}

int croom_policy_open(struct croom_policy **out, const char *path, struct croom_error *err)
{
	struct croom_policy *policy;
	size_t size;
	char *text;
	int rc;

	*out = NULL;
	rc = place_read(path, POLICY_MAX, &text, &size, err);
	if (rc)
		return rc;
	rc = croom_policy_parse(&policy, text, size, path, err);
	free(text);
	rc = rc ? rc : look_at_directories(policy, err);
	if (rc) {
		croom_policy_close(policy);
		return rc;
	}
	*out = policy;
	return 0;
}

void croom_policy_close(struct croom_policy *policy)
{
	if (!policy)
		return;
	for (unsigned i = 0; i < policy->directories; i++)
		free(policy->directory[i]);
	free(policy->peer);
	free(policy->path);
	free(policy);
}

const char *croom_policy_path(const struct croom_policy *policy)
{
	return policy->path;
}

enum croom_role croom_policy_role(const struct croom_policy *policy, uid_t uid, const gid_t *gids, size_t count)
{
	enum croom_role role = CROOM_NOBODY;

	if (uid == 0 || uid == getuid())
		return CROOM_ADMIN;
	for (unsigned i = 0; policy && i < policy->peers; i++) {
		const struct peer *peer = &policy->peer[i];
		bool is = !peer->group && peer->id == uid;

		for (size_t j = 0; peer->group && j < count && !is; j++)
			is = gids[j] == peer->id;
		if (is && peer->role > role)
			role = peer->role;
	}
	return role;
}

bool croom_policy_opens(const struct croom_policy *policy)
{
	for (unsigned i = 0; policy && i < policy->peers; i++)
		if (policy->peer[i].group || (policy->peer[i].id != 0 && policy->peer[i].id != getuid()))
			return true;
	return false;
}

struct croom_policy_limit croom_policy_swaps(const struct croom_policy *policy)
{
	return policy ? policy->limit : (struct croom_policy_limit){ 0 };
}
