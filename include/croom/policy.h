/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what: a file that says which plugins may be loaded, which users may look, change or load, and how often.
 *
 *	croom_policy_open(&policy, "/etc/croom/policy", &error);
 *	options.policy = policy;                          // of croom_control_open(): roles, and the limit on swaps
 *	croom_policy_allows(policy, path, fd, sealed, &error);   // what a plugin loader asks before it maps anything
 *	croom_policy_close(policy);
 *
 * Without a policy (NULL) nothing may be loaded, and only root and the user who runs the program may connect. With one, too,
 * these two are admins whatever it says: they could stop the process, or look into it, anyway.
 *
 * The file is lines of words (croom-policy(5)):
 *
 *	plugin directory /usr/lib/croom/plugins
 *	plugin signed-by /etc/croom/release.pub
 *	plugin require both
 *	operator group tap
 *	viewer user bob
 *	swaps 10 per 1s burst 20
 *
 * It is read once; a program begins anew to take up another one. Link with libcroom-control. A policy never changes after it
 * was opened, so any thread may ask it.
 */
#ifndef CROOM_POLICY_H
#define CROOM_POLICY_H

#include <croom/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct croom_policy;

/* What a peer may do, each including the ones before. */
enum croom_role {
	CROOM_NOBODY,              /* may not even connect */
	CROOM_VIEWER,              /* lists, histories, watches */
	CROOM_OPERATOR,            /* changes: swap, rollback, confirm, promote, profile */
	CROOM_ADMIN,               /* what decides about changes: freeze, thaw, pardon, and which code there is */
};

struct croom_policy_limit {
	int64_t interval_ns;       /* one more change per so long; 0: no limit */
	unsigned burst;            /* so many at once after a rest */
};

#pragma GCC visibility push(default)

/*
 * Read a policy, the key files that it names, and look at the directories that it names. Errors say which line, and what
 * to do: -EINVAL (a line that is wrong, for a second time, or against another one), -ENOENT, -EACCES (somebody else could
 * have written the policy, a key file, or into a plugin directory: these files and every directory above them must belong
 * to root or to this process's user, and group and others may not write to them, sticky or not), -ENOMEM. The last part of
 * the path may not be a symbolic link; others are followed, and what they lead to is judged.
 */
int croom_policy_open(struct croom_policy **policy, const char *path, struct croom_error *err);

/*
 * The same of a text: name stands in messages for the file's. Whose text it is, is up to who calls. Key files that it
 * names are read; whether directories are safe is seen when something is to be loaded.
 */
int croom_policy_parse(struct croom_policy **policy, const char *text, size_t size, const char *name,
		       struct croom_error *err);

void croom_policy_close(struct croom_policy *policy);

/* As given to croom_policy_open(). */
const char *croom_policy_path(const struct croom_policy *policy);

/* Who this is: the highest of the roles that the policy gives to the user and to its groups. policy may be NULL. */
enum croom_role croom_policy_role(const struct croom_policy *policy, uid_t uid, const gid_t *gids, size_t count);

/* Does it give anybody a role but root and the user who runs this? policy may be NULL. */
bool croom_policy_opens(const struct croom_policy *policy);

/* policy may be NULL. */
struct croom_policy_limit croom_policy_swaps(const struct croom_policy *policy);

/*
 * May this plugin be loaded? path: absolute; original_fd: what was opened there, with O_NOFOLLOW; sealed_fd: its copy in a
 * memfd, sealed against writing, growing and shrinking, which is what will be mapped. 0, or -EACCES and *err (of the kind
 * CROOM_ERROR_NOT_TRUSTED) says which rule is against it and what to do, as words to go on with behind the file's name.
 * policy may be NULL: never.
 *
 * By directory: the file lies in an allowed directory or below; no part of the path is a symbolic link; the file and every
 * directory down to it belong to root, or to this process's user, and can be written by nobody else; and the file there
 * still is original_fd. So what it holds was put there by who may. More names for it elsewhere (hard links) change nothing
 * of that, for owner and mode are the file's and not the name's; a name in the directory only its owner can make.
 *
 * By signature: PATH.sig, as <croom/sign.h> makes it, is of an allowed key and of the sealed bytes. Who owns what is all
 * the same.
 *
 * Where the policy has directories and keys, both must agree, unless it says `plugin require either`.
 */
int croom_policy_allows(const struct croom_policy *policy, const char *path, int original_fd, int sealed_fd,
			struct croom_error *err);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
