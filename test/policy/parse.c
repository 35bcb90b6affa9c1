// SPDX-License-Identifier: BSD-2-Clause
/* What a policy's lines say, what is no line, and whose a policy may be. */
#include "rig.h"
#include <grp.h>
#include <pwd.h>

static struct croom_policy *policy;

static int parse(const char *text)
{
	memset(&err, 0, sizeof(err));
	return croom_policy_parse(&policy, text, strlen(text), "/etc/p", &err);
}

static void good(const char *text)
{
	int rc = parse(text);

	if (rc)
		printf("# %s\n", err.text);
	CHECK_EQ(rc, 0);
}

static enum croom_role role_of(uid_t uid, size_t count, ...)
{
	gid_t gids[8];
	va_list args;

	va_start(args, count);
	for (size_t i = 0; i < count; i++)
		gids[i] = va_arg(args, gid_t);
	va_end(args);
	return croom_policy_role(policy, uid, gids, count);
}

static void gives_the_highest_role_of_user_and_groups(void)
{
	good("viewer uid 4000\noperator gid 5000\nadmin gid 5001\noperator uid 4001\n");
	CHECK_EQ(role_of(4000, 0), CROOM_VIEWER);
	CHECK_EQ(role_of(4000, 1, (gid_t)5000), CROOM_OPERATOR);
	CHECK_EQ(role_of(4000, 3, (gid_t)1, (gid_t)5001, (gid_t)5000), CROOM_ADMIN);
	CHECK_EQ(role_of(4002, 1, (gid_t)5000), CROOM_OPERATOR);
	CHECK_EQ(role_of(4001, 0), CROOM_OPERATOR);
	/* A uid is no gid. */
	CHECK_EQ(role_of(5000, 1, (gid_t)4000), CROOM_NOBODY);
	CHECK_EQ(role_of(4002, 0), CROOM_NOBODY);
	CHECK(croom_policy_opens(policy));
	croom_policy_close(policy);
}

static void root_and_ourselves_are_admins_in_any_case(void)
{
	char text[64];

	policy = NULL;
	CHECK_EQ(role_of(0, 0), CROOM_ADMIN);
	CHECK_EQ(role_of(getuid(), 0), CROOM_ADMIN);
	CHECK_EQ(role_of(4000, 1, (gid_t)0), CROOM_NOBODY);
	CHECK(!croom_policy_opens(NULL));
	snprintf(text, sizeof(text), "admin uid %u\n", getuid());
	good(text);
	CHECK_EQ(role_of(0, 0), CROOM_ADMIN);
	CHECK_EQ(role_of(getuid(), 0), CROOM_ADMIN);
	CHECK(!croom_policy_opens(policy));
	croom_policy_close(policy);
	says(parse("# x\n\nviewer uid 0\n"), "/etc/p:3:", "root is an admin whatever", NULL);
	says(parse("operator user root\n"), "/etc/p:1:", "root is an admin whatever", NULL);
}

static void knows_users_and_groups_by_name(void)
{
	const struct passwd *user = getpwnam("daemon");
	const struct group *group = getgrnam("daemon");

	if (!user || !group) {
		SKIP("there is no user daemon, or no group daemon");
		return;
	}
	good("viewer user daemon\noperator group daemon\n");
	CHECK_EQ(role_of(user->pw_uid, 0), CROOM_VIEWER);
	CHECK_EQ(role_of(4000, 1, group->gr_gid), CROOM_OPERATOR);
	croom_policy_close(policy);
	says(parse("viewer user no-such-user-here\n"), "/etc/p:1: there is no user no-such-user-here", "useradd", NULL);
	says(parse("viewer group no-such-group-here\n"), "/etc/p:1: there is no group no-such-group-here", "groupadd", NULL);
}

static void reads_the_limit_on_swaps(void)
{
	struct croom_policy_limit limit;

	good("swaps 10 per 1s burst 20");
	limit = croom_policy_swaps(policy);
	CHECK(limit.interval_ns == 100000000 && limit.burst == 20);
	croom_policy_close(policy);
	good("swaps 3 per 2m\n");
	limit = croom_policy_swaps(policy);
	CHECK(limit.interval_ns == INT64_C(40000000000) && limit.burst == 3);
	croom_policy_close(policy);
	good("swaps 10000 per 1ms burst 10000");
	CHECK_EQ(croom_policy_swaps(policy).interval_ns, 100);
	croom_policy_close(policy);
	good("swaps 1 per 24h burst 1");
	CHECK_EQ(croom_policy_swaps(policy).interval_ns, INT64_C(86400000000000));
	croom_policy_close(policy);
	good("");
	CHECK_EQ(croom_policy_swaps(policy).interval_ns, 0);
	croom_policy_close(policy);
	CHECK_EQ(croom_policy_swaps(NULL).interval_ns, 0);
}

static void takes_comments_blanks_and_quotes(void)
{
	good("# a comment\n\n \t \n\tviewer   uid\t4000   # why\nplugin directory \"/srv/with blank/and#\" # why\n");
	CHECK_EQ(role_of(4000, 0), CROOM_VIEWER);
	croom_policy_close(policy);
	good("viewer uid 4000 #\n#viewer uid 4000");
	croom_policy_close(policy);
}

#define KEY "ed25519:cZuVotHKI6HP5teA3j7eaLuX37C17U/Gpe0BcYw53Mw="

static void refuses_every_line_that_is_not_one(void)
{
	static const struct { const char *text, *where, *what; } bad[] = {
		{ "vewer uid 1\n", ":1:", "no line begins with 'vewer'" },
		{ "viewer uid 1\nnonsense\n", ":2:", "no line begins with" },
		{ "viewer\n", ":1:", "viewer user NAME" },
		{ "viewer uid\n", ":1:", "viewer user NAME" },
		{ "viewer uid 1 2\n", ":1:", "viewer user NAME" },
		{ "viewer uids 1\n", ":1:", "viewer user NAME" },
		{ "viewer u 1\n", ":1:", "viewer user NAME" },
		{ "viewer uid -1\n", ":1:", "a number from 0" },
		{ "viewer uid 4294967295\n", ":1:", "a number from 0" },
		{ "viewer uid 99999999999999999999\n", ":1:", "a number from 0" },
		{ "viewer uid 010\n", ":1:", "a number from 0" },
		{ "viewer uid bob\n", ":1:", "say user" },
		{ "viewer gid staff\n", ":1:", "say group" },
		{ "viewer uid \"\"\n", ":1:", "a number from 0" },
		{ "viewer uid 4000\nviewer uid 4000\n", ":2:", "that role already" },
		{ "viewer uid 4000\nadmin uid 4000\n", ":2:", "another role already" },
		{ "viewer uid 65534\n", ":1:", "anybody who has no number here" },
		{ "viewer gid 65534\n", ":1:", "anybody who has no number here" },
		{ "swaps\n", ":1:", "swaps 10 per 1s" },
		{ "swaps 10\n", ":1:", "swaps 10 per 1s" },
		{ "swaps 0 per 1s\n", ":1:", "swaps 10 per 1s" },
		{ "swaps 10 per 0s\n", ":1:", "swaps 10 per 1s" },
		{ "swaps 10 per 1\n", ":1:", "swaps 10 per 1s" },
		{ "swaps 10 per 1d\n", ":1:", "swaps 10 per 1s" },
		{ "swaps 10 per 25h\n", ":1:", "swaps 10 per 1s" },
		{ "swaps 10 in 1s\n", ":1:", "swaps 10 per 1s" },
		{ "swaps 10 per 1s burst\n", ":1:", "swaps 10 per 1s" },
		{ "swaps 10 per 1s burst 0\n", ":1:", "swaps 10 per 1s" },
		{ "swaps 10 per 1s burst 10001\n", ":1:", "swaps 10 per 1s" },
		{ "swaps 10 per 1s bursts 10\n", ":1:", "swaps 10 per 1s" },
		{ "swaps 10001 per 1s\n", ":1:", "swaps 10 per 1s" },
		{ "swaps 99999999999999999999 per 1s\n", ":1:", "swaps 10 per 1s" },
		{ "swaps 10 per 99999999999999999999s\n", ":1:", "swaps 10 per 1s" },
		{ "swaps 1 per 1s\nswaps 1 per 1s\n", ":2:", "for the second time" },
		{ "plugin\n", ":1:", "plugin directory DIR" },
		{ "plugin directory\n", ":1:", "plugin directory DIR" },
		{ "plugin directories /usr\n", ":1:", "plugin directory DIR" },
		{ "plugin directory /a /b\n", ":1:", "plugin directory DIR" },
		{ "plugin directory usr/lib\n", ":1:", "an absolute path" },
		{ "plugin directory /usr/../lib\n", ":1:", "an absolute path" },
		{ "plugin directory /usr/./lib\n", ":1:", "an absolute path" },
		{ "plugin directory /usr//lib\n", ":1:", "an absolute path" },
		{ "plugin directory /usr/lib/\n", ":1:", "an absolute path" },
		{ "plugin directory /\n", ":1:", "an absolute path" },
		{ "plugin directory \"\"\n", ":1:", "an absolute path" },
		{ "plugin directory /a\nplugin directory /a\n", ":2:", "for the second time" },
		{ "plugin signed-by\n", ":1:", "plugin signed-by KEY" },
		{ "plugin signed-by key.pub\n", ":1:", "absolute path of a public key" },
		{ "plugin signed-by /no/such/key.pub\n", ":1:", "No such file" },
		{ "plugin signed-by /dev/null\n", ":1:", "/dev/null" },
		{ "plugin signed-by ed25519:\n", ":1:", "not a public key" },
		{ "plugin signed-by ed25519:AAAA\n", ":1:", "not a public key" },
		{ "plugin signed-by ed25519:cZuVotHKI6HP5teA3j7eaLuX37C17U/Gpe0BcYw53Mw\n", ":1:", "not a public key" },
		/* libsodium's reader takes the byte for a '/'. */
		{ "plugin signed-by ed25519:cZuVotHKI6HP5teA3j7eaLuX37C17U\xffGpe0BcYw53Mw=\n", ":1:", "not a public key" },
		{ "plugin signed-by " KEY "A\n", ":1:", "not a public key" },
		{ "plugin signed-by " KEY "\nplugin signed-by " KEY "\n", ":2:", "for the second time" },
		{ "plugin require\n", ":1:", "plugin require both" },
		{ "plugin require all\n", ":1:", "plugin require both" },
		{ "plugin require both\nplugin require either\n", ":2:", "for the second time" },
		{ "plugin require both\n", "/etc/p:", "name both" },
		{ "plugin require either\nplugin directory /a\n", "/etc/p:", "name both" },
		{ "plugin require both\nplugin signed-by " KEY "\n", "/etc/p:", "name both" },
		{ "viewer uid \"4000\n", ":1:", "does not end" },
		{ "viewer \"uid\"4000\n", ":1:", "put a blank behind" },
		{ "viewer uid 4000\r\n", ":1:", "carriage return" },
		{ "viewer uid 4000\x01\n", ":1:", "control character" },
		{ "a b c d e f g h i\n", ":1:", "so many words" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int rc = parse(bad[i].text);

		if (rc == 0) {
			printf("# taken: %s", bad[i].text);
			croom_policy_close(policy);
		} else {
			CHECK(policy == NULL);
		}
		says(rc, "/etc/p", bad[i].where, bad[i].what, NULL);
	}
	memset(&err, 0, sizeof(err));
	says(croom_policy_parse(&policy, "viewer\0uid 1\n", 13, "/etc/p", &err), "/etc/p:1:", "control character", NULL);
}

static void is_bounded(void)
{
	char *text = malloc(1 << 20), *at = text;

	memset(text, 'x', 5000);
	text[5000] = 0;
	says(parse(text), ":1:", "a line longer", NULL);
	for (int i = 0; i < 33; i++)
		at += sprintf(at, "plugin directory /d%d\n", i);
	says(parse(text), ":33:", "more than 32", NULL);
	at = text;
	for (int i = 0; i < 1025; i++)
		at += sprintf(at, "viewer uid %d\n", 4000 + i);
	says(parse(text), ":1025:", "more than 1024", "group", NULL);
	free(text);
}

static int open_it(const char *path)
{
	int rc;

	memset(&err, 0, sizeof(err));
	rc = croom_policy_open(&policy, path, &err);
	CHECK((rc == 0) == (policy != NULL));
	return rc;
}

static void opened(const char *path)
{
	int rc = open_it(path);

	if (rc)
		printf("# %s\n", err.text);
	CHECK_EQ(rc, 0);
	croom_policy_close(policy);
}

static void opens_a_file_that_nobody_else_can_write(void)
{
	put(in("p"), 0644, "viewer uid 4000\n");
	CHECK_EQ(open_it(in("p")), 0);
	CHECK(strcmp(croom_policy_path(policy), in("p")) == 0);
	CHECK_EQ(role_of(4000, 0), CROOM_VIEWER);
	croom_policy_close(policy);
	chmod(in("p"), 0600);
	opened(in("p"));
	CHECK(chdir(folder) == 0);
	opened("p");
	opened("./p");
	CHECK(chdir("/") == 0);
	says(open_it(in("none")), "No such file", NULL);
	says(open_it(in("no/p")), "No such file", NULL);
	says(open_it(""), "names no file", NULL);
	says(open_it(in(".")), "names no file", NULL);
	put(in("p"), 0644, "viewer\n");
	says(open_it(in("p")), in("p:1:"), NULL);
}

static void refuses_a_file_that_others_could_have_written(void)
{
	put(in("p"), 0644, "viewer uid 4000\n");
	chmod(in("p"), 0664);
	says(open_it(in("p")), in("p"), "chmod go-w", NULL);
	chmod(in("p"), 0646);
	says(open_it(in("p")), "chmod go-w", NULL);
	chmod(in("p"), 0644);
	chmod(folder, 0775);
	says(open_it(in("p")), folder, "chmod go-w", NULL);
	chmod(folder, 01777);
	says(open_it(in("p")), folder, "mode 1777", NULL);
	chmod(folder, 0700);
	if (geteuid() == 0) {
		CHECK(chown(in("p"), OTHER, OTHER) == 0);
		says(open_it(in("p")), "belongs to uid 65534", NULL);
		CHECK(chown(in("p"), 0, 0) == 0 && chown(folder, OTHER, OTHER) == 0);
		says(open_it(in("p")), folder, "belongs to uid 65534", NULL);
		CHECK(chown(folder, 0, 0) == 0);
	}
	opened(in("p"));
}

static void refuses_what_lies_in_tmp(void)
{
	char place[] = "/tmp/croom-policy-XXXXXX", path[64];

	CHECK(mkdtemp(place) != NULL);
	snprintf(path, sizeof(path), "%s/p", place);
	put(path, 0644, "viewer uid 4000\n");
	says(open_it(path), "/tmp", NULL);
	unlink(path);
	rmdir(place);
}

static void refuses_links_and_what_is_no_file(void)
{
	put(in("p"), 0644, "viewer uid 4000\n");
	CHECK(symlink(in("p"), in("linked")) == 0);
	says(open_it(in("linked")), "symbolic link", "name the place", NULL);
	/* A link on the way is followed, and judged is what it leads to. */
	CHECK(mkdir(in("real"), 0755) == 0 && symlink("real", in("way")) == 0);
	put(in("real/p"), 0644, "viewer uid 4000\n");
	opened(in("way/p"));
	chmod(in("real"), 0777);
	says(open_it(in("way/p")), in("real"), "chmod go-w", NULL);
	chmod(in("real"), 0755);
	says(open_it(in("real")), "is not a file", NULL);
	CHECK(mkfifo(in("pipe"), 0600) == 0);
	says(open_it(in("pipe")), "is not a file", NULL);
	says(open_it("/dev/null"), "/dev/null", NULL);
}

static void refuses_a_key_that_others_could_have_written(void)
{
	char id[CROOM_SIGN_ID + 1], text[PATH_MAX + 32];

	CHECK_EQ(croom_sign_keys(in("k.key"), in("k.pub"), id, &err), 0);
	snprintf(text, sizeof(text), "plugin signed-by %s\n", in("k.pub"));
	put(in("p"), 0644, text);
	opened(in("p"));
	chmod(in("k.pub"), 0666);
	says(open_it(in("p")), in("p:1:"), in("k.pub"), "chmod go-w", NULL);
	chmod(in("k.pub"), 0644);
	snprintf(text, sizeof(text), "plugin signed-by %s\n", in("k.key"));
	put(in("p"), 0644, text);
	says(open_it(in("p")), in("p:1:"), "is a secret key; here a public key is wanted", NULL);
	put(in("k.pub"), 0644, "croom public key 1\nid 0123456789abcdef\n" "ed25519 cZuVotHKI6HP5teA3j7eaLuX37C17U/Gpe0BcYw53Mw=\n");
	snprintf(text, sizeof(text), "plugin signed-by %s\n", in("k.pub"));
	put(in("p"), 0644, text);
	says(open_it(in("p")), in("p:1:"), "is damaged", "4b9e5d1f29e80116", NULL);
}

static void refuses_a_plugin_directory_that_others_can_write(void)
{
	char text[PATH_MAX + 32];

	snprintf(text, sizeof(text), "plugin directory %s\n", in("plugins"));
	put(in("p"), 0644, text);
	/* One that is not there yet can be made later. */
	opened(in("p"));
	CHECK(mkdir(in("plugins"), 0755) == 0);
	opened(in("p"));
	chmod(in("plugins"), 0777);
	says(open_it(in("p")), in("plugins"), "chmod go-w", NULL);
	rmdir(in("plugins"));
	put(in("plugins"), 0644, "");
	says(open_it(in("p")), "is not a directory", NULL);
	put(in("p"), 0644, "plugin directory /tmp\n");
	says(open_it(in("p")), "/tmp", NULL);
}

int main(void)
{
	umask(022);
	RUN(gives_the_highest_role_of_user_and_groups);
	RUN(root_and_ourselves_are_admins_in_any_case);
	RUN(knows_users_and_groups_by_name);
	RUN(reads_the_limit_on_swaps);
	RUN(takes_comments_blanks_and_quotes);
	RUN(refuses_every_line_that_is_not_one);
	RUN(is_bounded);
	RUN(refuses_what_lies_in_tmp);
	if (!folder_make()) {
		puts("skip policy files: no directory here that only root and we can write to, all the way from /");
		return check_result();
	}
	RUN(opens_a_file_that_nobody_else_can_write);
	RUN(refuses_a_file_that_others_could_have_written);
	RUN(refuses_links_and_what_is_no_file);
	RUN(refuses_a_key_that_others_could_have_written);
	RUN(refuses_a_plugin_directory_that_others_can_write);
	folder_remove();
	return check_result();
}
