// SPDX-License-Identifier: BSD-2-Clause
/* Which plugins a policy lets be loaded: every trick with places, links, owners, modes, copies and signatures. */
#include "rig.h"
#include <sodium.h>
#include <sys/inotify.h>

static struct croom_policy *by_place, *by_key, *both, *either;

static struct croom_policy *policy_of(const char *text)
{
	struct croom_policy *policy = NULL;
	int rc = croom_policy_parse(&policy, text, strlen(text), "the policy", &err);

	if (rc)
		printf("# %s\n", err.text);
	CHECK_EQ(rc, 0);
	return policy;
}

/* As a loader does: open without following a link, copy, seal, ask. */
static int seal_copy(int fd)
{
	int copy = memfd_create("copy", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	char some[4096];
	ssize_t got;

	for (off_t at = 0; (got = pread(fd, some, sizeof(some), at)) > 0; at += got)
		CHECK_EQ(write(copy, some, (size_t)got), got);
	CHECK(fcntl(copy, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) == 0);
	return copy;
}

static int ask(const struct croom_policy *policy, const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), copy, rc;

	if (fd < 0)
		return -errno;
	copy = seal_copy(fd);
	memset(&err, 0, sizeof(err));
	rc = croom_policy_allows(policy, path, fd, copy, &err);
	close(fd);
	close(copy);
	if (rc) {
		CHECK_EQ(rc, -EACCES);
		CHECK_EQ(err.kind, CROOM_ERROR_NOT_TRUSTED);
		CHECK(*err.text);
	}
	return rc;
}

static void loads_nothing_without_a_policy(void)
{
	struct croom_policy *empty = policy_of("# nothing\n");

	put(in("plugins/a.so"), 0644, "code");
	says(ask(NULL, in("plugins/a.so")), "without a policy", "--policy", NULL);
	says(ask(empty, in("plugins/a.so")), "allows no plugin", "plugin directory", NULL);
	croom_policy_close(empty);
}

static void allows_what_lies_in_the_directory_or_below(void)
{
	put(in("plugins/a.so"), 0644, "code");
	CHECK_EQ(ask(by_place, in("plugins/a.so")), 0);
	CHECK(mkdir(in("plugins/deep"), 0755) == 0 && mkdir(in("plugins/deep/er"), 0700) == 0);
	put(in("plugins/deep/er/b.so"), 0600, "code");
	CHECK_EQ(ask(by_place, in("plugins/deep/er/b.so")), 0);
}

static void refuses_what_lies_elsewhere(void)
{
	CHECK(mkdir(in("plugins-not"), 0755) == 0);
	put(in("plugins-not/a.so"), 0644, "code");
	put(in("a.so"), 0644, "code");
	put(in("plugins/a.so"), 0644, "code");
	says(ask(by_place, in("plugins-not/a.so")), "it is not in", "put it there", NULL);
	says(ask(by_place, in("a.so")), "it is not in", NULL);
	says(ask(by_place, in("plugins/../a.so")), "absolute path", NULL);
	says(ask(by_place, in("plugins/./a.so")), "absolute path", NULL);
	says(ask(by_place, in("plugins//a.so")), "absolute path", NULL);
	CHECK(chdir(in("plugins")) == 0);
	says(ask(by_place, "a.so"), "absolute path", NULL);
	CHECK(chdir("/") == 0);
}

static void with_mode(const char *path, mode_t mode, mode_t back)
{
	CHECK(chmod(path, mode) == 0);
	says(ask(by_place, in("plugins/deep/c.so")), path, "chmod go-w", NULL);
	CHECK(chmod(path, back) == 0);
	CHECK_EQ(ask(by_place, in("plugins/deep/c.so")), 0);
}

static void refuses_what_others_can_write_on_any_level(void)
{
	mkdir(in("plugins/deep"), 0755);
	put(in("plugins/deep/c.so"), 0644, "code");
	CHECK_EQ(ask(by_place, in("plugins/deep/c.so")), 0);
	with_mode(in("plugins/deep/c.so"), 0664, 0644);
	with_mode(in("plugins/deep/c.so"), 0646, 0644);
	with_mode(in("plugins/deep"), 0775, 0755);
	with_mode(in("plugins/deep"), 0757, 0755);
	with_mode(in("plugins/deep"), 01777, 0755);
	with_mode(in("plugins"), 0777, 0755);
	with_mode(folder, 01777, 0755);
	with_mode(folder, 0720, 0700);
}

static void refuses_another_owner_on_any_level(void)
{
	if (geteuid()) {
		SKIP("only root can give a file away");
		return;
	}
	mkdir(in("plugins/deep"), 0755);
	put(in("plugins/deep/c.so"), 0644, "code");
	const char *const paths[] = { in("plugins/deep/c.so"), in("plugins/deep"), in("plugins"), folder };
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		CHECK(chown(paths[i], OTHER, OTHER) == 0);
		says(ask(by_place, in("plugins/deep/c.so")), paths[i], "belongs to uid 65534", "must belong to root", NULL);
		CHECK(chown(paths[i], 0, 0) == 0);
	}
	CHECK_EQ(ask(by_place, in("plugins/deep/c.so")), 0);
}

static void refuses_links(void)
{
	struct croom_policy *through;
	char text[PATH_MAX + 32];

	CHECK(mkdir(in("real"), 0755) == 0);
	put(in("real/d.so"), 0644, "code");
	CHECK(symlink(in("real/d.so"), in("plugins/link.so")) == 0);
	CHECK(symlink(in("real"), in("plugins/way")) == 0);
	CHECK(symlink(in("plugins"), in("other")) == 0);
	put(in("plugins/a.so"), 0644, "code");
	/* The loader does not even open the first; should it, it is refused all the same. */
	CHECK_EQ(ask(by_place, in("plugins/link.so")), -ELOOP);
	int fd = open(in("plugins/link.so"), O_RDONLY | O_CLOEXEC), copy = seal_copy(fd);
	says(croom_policy_allows(by_place, in("plugins/link.so"), fd, copy, &err), "symbolic link", NULL);
	close(fd);
	close(copy);
	says(ask(by_place, in("plugins/way/d.so")), "plugins/way is a symbolic link", NULL);
	/* Not even where the policy itself names a link. */
	snprintf(text, sizeof(text), "plugin directory %s\n", in("other"));
	through = policy_of(text);
	says(ask(through, in("other/a.so")), "symbolic link", NULL);
	croom_policy_close(through);
	through = policy_of("plugin directory /proc/self\n");
	snprintf(text, sizeof(text), "/proc/self/root%s", in("plugins/a.so"));
	says(ask(through, text), "symbolic link", NULL);
	croom_policy_close(through);
}

static void judges_a_hard_link_by_its_file(void)
{
	put(in("far.so"), 0644, "code");
	CHECK(link(in("far.so"), in("plugins/hard.so")) == 0);
	CHECK_EQ(ask(by_place, in("plugins/hard.so")), 0);
	CHECK(chmod(in("far.so"), 0666) == 0);
	says(ask(by_place, in("plugins/hard.so")), "can be written by others", NULL);
	CHECK(chmod(in("far.so"), 0644) == 0);
	if (geteuid() == 0) {
		CHECK(chown(in("far.so"), OTHER, OTHER) == 0);
		says(ask(by_place, in("plugins/hard.so")), "belongs to uid", NULL);
	}
}

static void refuses_a_file_that_was_replaced(void)
{
	int fd, copy;

	put(in("plugins/e.so"), 0644, "code");
	put(in("plugins/f.so"), 0644, "code");
	fd = open(in("plugins/e.so"), O_RDONLY | O_CLOEXEC);
	copy = seal_copy(fd);
	CHECK_EQ(croom_policy_allows(by_place, in("plugins/e.so"), fd, copy, &err), 0);
	CHECK(rename(in("plugins/f.so"), in("plugins/e.so")) == 0);
	says(croom_policy_allows(by_place, in("plugins/e.so"), fd, copy, &err), "replaced", "load it again", NULL);
	/* Opened somewhere else, and said to be here. */
	close(fd);
	put(in("elsewhere.so"), 0666, "code");
	fd = open(in("elsewhere.so"), O_RDONLY | O_CLOEXEC);
	says(croom_policy_allows(by_place, in("plugins/e.so"), fd, copy, &err), "replaced", NULL);
	close(fd);
	close(copy);
}

static void refuses_a_copy_that_is_not_sealed(void)
{
	int fd, copy = memfd_create("copy", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	put(in("plugins/a.so"), 0644, "code");
	fd = open(in("plugins/a.so"), O_RDONLY | O_CLOEXEC);
	CHECK_EQ(write(copy, "code", 4), 4);
	says(croom_policy_allows(by_place, in("plugins/a.so"), fd, copy, &err), "not sealed", NULL);
	CHECK(fcntl(copy, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) == 0);
	says(croom_policy_allows(by_place, in("plugins/a.so"), fd, copy, &err), "not sealed", NULL);
	says(croom_policy_allows(by_place, in("plugins/a.so"), fd, fd, &err), "not sealed", NULL);
	CHECK(fcntl(copy, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	CHECK_EQ(croom_policy_allows(by_place, in("plugins/a.so"), fd, copy, &err), 0);
	close(fd);
	close(copy);
}

static char id[CROOM_SIGN_ID + 1];

static void sign(const char *key, const char *path)
{
	int rc = croom_sign_file(in("%s.key", key), path, id, &err);

	if (rc)
		printf("# %s\n", err.text);
	CHECK_EQ(rc, 0);
}

static void allows_what_an_allowed_key_has_signed_wherever_it_lies(void)
{
	char *most = malloc(300001);

	put(in("s.so"), 0666, "signed code");
	says(ask(by_key, in("s.so")), "there is no signature", "croomctl sign", NULL);
	sign("good", in("s.so"));
	CHECK_EQ(ask(by_key, in("s.so")), 0);
	/* Of any length, and empty. */
	memset(most, 'x', 300000);
	most[300000] = 0;
	put(in("long.so"), 0644, most);
	sign("good", in("long.so"));
	CHECK_EQ(ask(by_key, in("long.so")), 0);
	put(in("empty.so"), 0644, "");
	sign("good", in("empty.so"));
	CHECK_EQ(ask(by_key, in("empty.so")), 0);
	free(most);
}

static void refuses_bytes_that_were_altered(void)
{
	static const char *const altered[] = { "Signed code", "signed codE", "signed cod", "signed code\n", "", "code signed" };

	for (size_t i = 0; i < sizeof(altered) / sizeof(altered[0]); i++) {
		put(in("s.so"), 0644, "signed code");
		sign("good", in("s.so"));
		put(in("s.so"), 0644, altered[i]);
		says(ask(by_key, in("s.so")), "it is not what key", "changed", NULL);
	}
}

static void judges_the_copy_and_not_the_file(void)
{
	int fd, copy;

	put(in("s.so"), 0644, "signed code");
	sign("good", in("s.so"));
	fd = open(in("s.so"), O_RDONLY | O_CLOEXEC);
	copy = seal_copy(fd);
	put(in("s.so"), 0644, "other code!");
	CHECK_EQ(croom_policy_allows(by_key, in("s.so"), fd, copy, &err), 0);
	close(copy);
	copy = seal_copy(fd);
	put(in("s.so"), 0644, "signed code");
	says(croom_policy_allows(by_key, in("s.so"), fd, copy, &err), "it is not what key", NULL);
	close(fd);
	close(copy);
}

static void copy_with(const char *from, const char *to, const char *old, const char *fresh)
{
	char text[1024] = "", *at;
	FILE *file = fopen(from, "r");
	size_t size = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	CHECK(size > 0 && strlen(old) == strlen(fresh));
	if (file)
		fclose(file);
	at = strstr(text, old);
	CHECK(at != NULL);
	if (at)
		memcpy(at, fresh, strlen(fresh));
	put(to, 0644, text);
}

static void refuses_another_key(void)
{
	char good[CROOM_SIGN_ID + 1], bad[CROOM_SIGN_ID + 1];

	put(in("s.so"), 0644, "signed code");
	sign("good", in("s.so"));
	strcpy(good, id);
	sign("bad", in("s.so"));
	strcpy(bad, id);
	says(ask(by_key, in("s.so")), bad, "does not name", "plugin signed-by", NULL);
	/* It says that it is of the good one. */
	copy_with(in("s.so.sig"), in("s.so.sig"), bad, good);
	says(ask(by_key, in("s.so")), "it is not what key", good, NULL);
	/* Another file's. */
	put(in("t.so"), 0644, "other code");
	sign("good", in("t.so"));
	CHECK(rename(in("t.so.sig"), in("s.so.sig")) == 0);
	says(ask(by_key, in("s.so")), "it is not what key", NULL);
}

/* The secret half, as the file has it. */
static void pair_of(const char *name, unsigned char *pair)
{
	unsigned char seed[crypto_sign_SEEDBYTES], public[crypto_sign_PUBLICKEYBYTES];
	char text[1024] = "", *at;
	FILE *file = fopen(in("%s.key", name), "r");
	size_t length;

	CHECK(file && fread(text, 1, sizeof(text) - 1, file) > 0);
	if (file)
		fclose(file);
	at = strstr(text, "ed25519-seed ");
	CHECK(at && sodium_base642bin(seed, sizeof(seed), at + 13, strcspn(at + 13, "\n"), NULL, &length, NULL,
				      sodium_base64_VARIANT_ORIGINAL) == 0 && length == sizeof(seed));
	crypto_sign_seed_keypair(public, pair, seed);
}

static void put_signature(const char *path, const unsigned char *signature)
{
	char base64[sodium_base64_ENCODED_LEN(crypto_sign_BYTES, sodium_base64_VARIANT_ORIGINAL)], text[512];

	sodium_bin2base64(base64, sizeof(base64), signature, crypto_sign_BYTES, sodium_base64_VARIANT_ORIGINAL);
	snprintf(text, sizeof(text), "croom signature 1\nid %s\ned25519ph %s\n", id, base64);
	put(path, 0644, text);
}

static void refuses_what_the_key_signed_for_something_else(void)
{
	static const unsigned char code[] = "signed code", with[] = "croom plugin signature 1\0signed code";
	unsigned char pair[crypto_sign_SECRETKEYBYTES], signature[crypto_sign_BYTES];
	crypto_sign_state hash;

	put(in("s.so"), 0644, (const char *)code);
	sign("good", in("s.so"));
	pair_of("good", pair);
	/* The bytes alone, prehashed or not; the right bytes, not prehashed. */
	crypto_sign_init(&hash);
	crypto_sign_update(&hash, code, sizeof(code) - 1);
	crypto_sign_final_create(&hash, signature, NULL, pair);
	put_signature(in("s.so.sig"), signature);
	says(ask(by_key, in("s.so")), "it is not what key", NULL);
	crypto_sign_detached(signature, NULL, code, sizeof(code) - 1, pair);
	put_signature(in("s.so.sig"), signature);
	says(ask(by_key, in("s.so")), "it is not what key", NULL);
	crypto_sign_detached(signature, NULL, with, sizeof(with) - 1, pair);
	put_signature(in("s.so.sig"), signature);
	says(ask(by_key, in("s.so")), "it is not what key", NULL);
	/* What is documented in <croom/sign.h>, by hand: it fits. */
	crypto_sign_init(&hash);
	crypto_sign_update(&hash, with, sizeof(with) - 1);
	crypto_sign_final_create(&hash, signature, NULL, pair);
	put_signature(in("s.so.sig"), signature);
	CHECK_EQ(ask(by_key, in("s.so")), 0);
}

static void refuses_a_signature_that_is_none(void)
{
	struct inotify_event event;
	int watch;

	char most[3000];

	memset(most, 'x', sizeof(most) - 1);
	most[sizeof(most) - 1] = 0;
	put(in("s.so"), 0644, "signed code");
	put(in("s.so.sig"), 0644, "");
	says(ask(by_key, in("s.so")), "is no signature", NULL);
	put(in("s.so.sig"), 0644, most);
	says(ask(by_key, in("s.so")), "longer than", NULL);
	put(in("s.so.sig"), 0644, "croom signature 1\nid 0123\n");
	says(ask(by_key, in("s.so")), "second line", NULL);
	put(in("s.so.sig"), 0644, "croom signature 1\nid 0123456789abcdef\ned25519ph AAAA\n");
	says(ask(by_key, in("s.so")), "third line", NULL);
	sign("good", in("s.so"));
	FILE *file = fopen(in("s.so.sig"), "a");
	fputs("more\n", file);
	fclose(file);
	says(ask(by_key, in("s.so")), "more than three lines", NULL);
	copy_with(in("good.pub"), in("s.so.sig"), "croom", "croom");
	says(ask(by_key, in("s.so")), "is a public key; here a signature is wanted", NULL);
	unlink(in("s.so.sig"));
	CHECK(mkfifo(in("s.so.sig"), 0666) == 0);
	watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	CHECK(inotify_add_watch(watch, in("s.so.sig"), IN_OPEN) >= 0);
	says(ask(by_key, in("s.so")), "is not a file", NULL);
	/* Nor was it opened: of a device that may do things. */
	CHECK(read(watch, &event, sizeof(event)) < 0 && errno == EAGAIN);
	close(watch);
	unlink(in("s.so.sig"));
	CHECK(mkdir(in("s.so.sig"), 0755) == 0);
	says(ask(by_key, in("s.so")), "is not a file", NULL);
	rmdir(in("s.so.sig"));
}

static void wants_both_rules_unless_either_is_enough(void)
{
	put(in("plugins/g.so"), 0644, "code");
	unlink(in("plugins/g.so.sig"));
	says(ask(both, in("plugins/g.so")), "signature rule", "no signature", NULL);
	CHECK_EQ(ask(either, in("plugins/g.so")), 0);
	sign("good", in("plugins/g.so"));
	CHECK_EQ(ask(both, in("plugins/g.so")), 0);
	CHECK_EQ(ask(either, in("plugins/g.so")), 0);
	put(in("g.so"), 0644, "code");
	sign("good", in("g.so"));
	says(ask(both, in("g.so")), "directory rule", "it is not in", NULL);
	CHECK_EQ(ask(either, in("g.so")), 0);
	sign("bad", in("g.so"));
	says(ask(either, in("g.so")), "directory rule", "it is not in", "signature rule", "does not name", NULL);
}

static int begin(void)
{
	char text[2 * PATH_MAX];

	if (sodium_init() < 0 || !folder_make() || mkdir(in("plugins"), 0755))
		return 0;
	if (croom_sign_keys(in("good.key"), in("good.pub"), id, &err) ||
	    croom_sign_keys(in("bad.key"), in("bad.pub"), id, &err))
		return 0;
	snprintf(text, sizeof(text), "plugin directory %s\n", in("plugins"));
	by_place = policy_of(text);
	snprintf(text, sizeof(text), "plugin signed-by %s\n", in("good.pub"));
	by_key = policy_of(text);
	snprintf(text, sizeof(text), "plugin directory %s\nplugin signed-by %s\n", in("plugins"), in("good.pub"));
	both = policy_of(text);
	strcat(text, "plugin require either\n");
	either = policy_of(text);
	return by_place && by_key && both && either;
}

int main(void)
{
	umask(022);
	if (!begin()) {
		puts("skip policy: no directory here that only root and we can write to, all the way from /");
		return 77;
	}
	RUN(loads_nothing_without_a_policy);
	RUN(allows_what_lies_in_the_directory_or_below);
	RUN(refuses_what_lies_elsewhere);
	RUN(refuses_what_others_can_write_on_any_level);
	RUN(refuses_another_owner_on_any_level);
	RUN(refuses_links);
	RUN(judges_a_hard_link_by_its_file);
	RUN(refuses_a_file_that_was_replaced);
	RUN(refuses_a_copy_that_is_not_sealed);
	RUN(allows_what_an_allowed_key_has_signed_wherever_it_lies);
	RUN(refuses_bytes_that_were_altered);
	RUN(judges_the_copy_and_not_the_file);
	RUN(refuses_another_key);
	RUN(refuses_what_the_key_signed_for_something_else);
	RUN(refuses_a_signature_that_is_none);
	RUN(wants_both_rules_unless_either_is_enough);
	croom_policy_close(by_place);
	croom_policy_close(by_key);
	croom_policy_close(both);
	croom_policy_close(either);
	folder_remove();
	return check_result();
}
