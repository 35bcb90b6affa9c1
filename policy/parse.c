/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of a policy. Whatever is not exactly one of them is refused: a misspelt rule must not be taken for none. */
#include "policy-impl.h"
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 8, LINE_MAX_BYTES = 4096, NAMES_BYTES = 65536, SWAPS_MAX = 10000 };
#define DAY_NS (INT64_C(86400) * 1000000000)

struct lines {
	struct croom_policy *policy;
	const char *name;
	unsigned line;
	char text[LINE_MAX_BYTES];
	char *word[WORDS_MAX];
	int words;
	struct croom_error *err;
};

static int wrong(const struct lines *lines, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int wrong(const struct lines *lines, int code, const char *format, ...)
{
	char what[400];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return failed(lines->err, code, "%.100s:%u: %s", lines->name, lines->line, what);
}

static int no_memory(const struct lines *lines)
{
	return failed(lines->err, -ENOMEM, "out of memory");
}

/* In place. A # begins a comment where a word could begin; a word in double quotes may hold blanks. */
static int split(struct lines *lines)
{
	char *at = lines->text;

	lines->words = 0;
	for (;;) {
		char *end;

		at += strspn(at, " \t");
		if (!*at || *at == '#')
			return 0;
		if (lines->words == WORDS_MAX)
			return wrong(lines, -EINVAL, "no line has so many words");
		if (*at == '"') {
			end = strchr(++at, '"');
			if (!end)
				return wrong(lines, -EINVAL, "a quoted word does not end");
			if (end[1] && end[1] != ' ' && end[1] != '\t')
				return wrong(lines, -EINVAL, "put a blank behind the quoted word \"%.100s", at);
		} else {
			end = at + strcspn(at, " \t");
		}
		lines->word[lines->words++] = at;
		at = *end ? end + 1 : end;
		*end = 0;
	}
}

static bool whole(const char *text, unsigned long long most, unsigned long long *value)
{
	unsigned long long sum = 0;

	for (const char *at = text; *at; at++) {
		if (*at < '0' || *at > '9' || sum > (most - (unsigned)(*at - '0')) / 10)
			return false;
		sum = sum * 10 + (unsigned)(*at - '0');
	}
	*value = sum;
	return *text && (*text != '0' || !text[1]);
}

static int take_directory(struct lines *lines)
{
	struct croom_policy *policy = lines->policy;
	const char *path = lines->word[2];

	if (!plain_path(path))
		return wrong(lines, -EINVAL, "a plugin directory is an absolute path without '.', '..', '//' or a '/' at its end, not "
			     "'%.200s'", path);
	for (unsigned i = 0; i < policy->directories; i++)
		if (strcmp(policy->directory[i], path) == 0)
			return wrong(lines, -EINVAL, "the directory %.200s for the second time; remove one", path);
	if (policy->directories == DIRECTORIES_MAX)
		return wrong(lines, -EINVAL, "more than %d plugin directories; name one above them", DIRECTORIES_MAX);
	policy->directory[policy->directories] = strdup(path);
	if (!policy->directory[policy->directories])
		return no_memory(lines);
	policy->directories++;
	return 0;
}

static int inline_key(struct lines *lines, const char *text, struct public_key *key)
{
	if (!base64_read(text, strlen(text), key->bytes, PUBLIC))
		return wrong(lines, -EINVAL, "ed25519:%.100s is not a public key, which is 32 bytes in base64", text);
	key_id(key->bytes, key->id);
	return 0;
}

static int key_of_file(struct lines *lines, const char *path, struct public_key *key)
{
	struct croom_error why;
	size_t size;
	char *text;
	int rc;

	if (!plain_path(path))
		return wrong(lines, -EINVAL, "signed-by takes ed25519:BASE64 or the absolute path of a public key's file, not '%.200s'",
			     path);
	rc = place_read(path, TEXT_MAX, &text, &size, &why);
	if (rc == 0) {
		rc = public_key_read(key, text, size, path, &why);
		/* It may have been the wrong one of the two. */
		sodium_memzero(text, size);
		free(text);
	}
	return rc ? wrong(lines, rc, "%s", why.text) : 0;
}

static int take_key(struct lines *lines)
{
	struct croom_policy *policy = lines->policy;
	const char *word = lines->word[2];
	struct public_key key;
	int rc = strncmp(word, "ed25519:", 8) ? key_of_file(lines, word, &key) : inline_key(lines, word + 8, &key);

	if (rc)
		return rc;
	for (unsigned i = 0; i < policy->keys; i++)
		if (memcmp(policy->key[i].bytes, key.bytes, PUBLIC) == 0)
			return wrong(lines, -EINVAL, "the key %s for the second time; remove one", key.id);
	if (policy->keys == KEYS_MAX)
		return wrong(lines, -EINVAL, "more than %d keys", KEYS_MAX);
	policy->key[policy->keys++] = key;
	return 0;
}

static int take_plugin(struct lines *lines)
{
	struct croom_policy *policy = lines->policy;

	if (lines->words == 3 && strcmp(lines->word[1], "directory") == 0)
		return take_directory(lines);
	if (lines->words == 3 && strcmp(lines->word[1], "signed-by") == 0)
		return take_key(lines);
	if (lines->words == 3 && strcmp(lines->word[1], "require") == 0) {
		bool both = strcmp(lines->word[2], "both") == 0;

		if (policy->require)
			return wrong(lines, -EINVAL, "plugin require for the second time; remove one");
		policy->require = both ? BOTH : EITHER;
		if (both || strcmp(lines->word[2], "either") == 0)
			return 0;
	}
	return wrong(lines, -EINVAL, "it must be: plugin directory DIR, plugin signed-by KEY, plugin require both, or either");
}

/* A name of this machine's, by getpwnam(3) or getgrnam(3). */
static int look_up(struct lines *lines, bool group, const char *name, uint32_t *id)
{
	char *buffer = malloc(NAMES_BYTES);
	struct passwd user, *found_user = NULL;
	struct group its, *found_group = NULL;
	int rc;

	if (!buffer)
		return no_memory(lines);
	rc = group ? getgrnam_r(name, &its, buffer, NAMES_BYTES, &found_group) :
		getpwnam_r(name, &user, buffer, NAMES_BYTES, &found_user);
	if (found_user)
		*id = found_user->pw_uid;
	if (found_group)
		*id = found_group->gr_gid;
	free(buffer);
	if (found_user || found_group)
		return 0;
	/* Some say in a number that there is none. */
	if (rc && rc != ENOENT && rc != ESRCH && rc != EBADF && rc != EPERM)
		return wrong(lines, -rc, "cannot look up the %s %.100s: %s", group ? "group" : "user", name, strerror(rc));
	return wrong(lines, -ENOENT, "there is no %s %.100s on this machine; %s", group ? "group" : "user", name,
		     group ? "groupadd makes one, or name a gid" : "useradd makes one, or name a uid");
}

static int add_peer(struct lines *lines, const struct peer *peer)
{
	struct croom_policy *policy = lines->policy;
	const char *kind = peer->group ? "gid" : "uid";
	struct peer *more;

	if (!peer->group && peer->id == 0 && peer->role != CROOM_ADMIN)
		return wrong(lines, -EINVAL, "root is an admin whatever a policy says; remove the line");
	if (peer->id == UNKNOWN)
		return wrong(lines, -EINVAL, "%s %u is what the kernel shows for anybody who has no number here; give it no role", kind,
			     peer->id);
	for (unsigned i = 0; i < policy->peers; i++)
		if (policy->peer[i].group == peer->group && policy->peer[i].id == peer->id)
			return wrong(lines, -EINVAL, "%s %u has %s already; keep one of the lines", kind, peer->id,
				     policy->peer[i].role == peer->role ? "that role" : "another role");
	if (policy->peers == PEERS_MAX)
		return wrong(lines, -EINVAL, "more than %d users and groups; put the users into a group", PEERS_MAX);
	more = realloc(policy->peer, (policy->peers + 1) * sizeof(*more));
	if (!more)
		return no_memory(lines);
	policy->peer = more;
	policy->peer[policy->peers++] = *peer;
	return 0;
}

static int take_peer(struct lines *lines, enum croom_role role)
{
	const char *kind = lines->words == 3 ? lines->word[1] : "";
	struct peer peer = { .role = role };
	unsigned long long id;
	int rc = 0;

	peer.group = *kind == 'g';
	if (strcmp(kind, "uid") == 0 || strcmp(kind, "gid") == 0) {
		/* The last one means none. */
		if (!whole(lines->word[2], UINT32_MAX - 1, &id))
			return wrong(lines, -EINVAL, "%s takes a number from 0 to 4294967294, not '%.100s'; for a name say %s",
				     kind, lines->word[2], peer.group ? "group" : "user");
		peer.id = (uint32_t)id;
	} else if (strcmp(kind, "user") == 0 || strcmp(kind, "group") == 0) {
		rc = look_up(lines, peer.group, lines->word[2], &peer.id);
	} else {
		return wrong(lines, -EINVAL, "it must be: %s user NAME, or uid N, group NAME, gid N", lines->word[0]);
	}
	return rc ? rc : add_peer(lines, &peer);
}

static bool duration(const char *text, int64_t *ns)
{
	static const struct { const char *name; int64_t ns; } units[] = {
		{ "ms", 1000000 }, { "s", 1000000000 }, { "m", INT64_C(60000000000) }, { "h", INT64_C(3600000000000) } };
	size_t digits = strspn(text, "0123456789");
	unsigned long long value;
	char number[16];

	if (digits == 0 || digits >= sizeof(number))
		return false;
	memcpy(number, text, digits);
	number[digits] = 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(text + digits, units[i].name) == 0 && whole(number, (uint64_t)(DAY_NS / units[i].ns), &value) && value) {
			*ns = (int64_t)value * units[i].ns;
			return true;
		}
	return false;
}

static int take_swaps(struct lines *lines)
{
	static const char want[] = "it must be: swaps N per TIME, or swaps N per TIME burst M; such as swaps 10 per 1s burst "
		"20, with numbers from 1 to 10000 and times from 1ms to 24h";
	struct croom_policy_limit *limit = &lines->policy->limit;
	unsigned long long count, burst;
	int64_t ns;

	if (limit->interval_ns)
		return wrong(lines, -EINVAL, "swaps for the second time; remove one");
	if ((lines->words != 4 && lines->words != 6) || strcmp(lines->word[2], "per") ||
	    !whole(lines->word[1], SWAPS_MAX, &count) || count == 0 || !duration(lines->word[3], &ns))
		return wrong(lines, -EINVAL, "%s", want);
	burst = count;
	if (lines->words == 6 &&
	    (strcmp(lines->word[4], "burst") || !whole(lines->word[5], SWAPS_MAX, &burst) || burst == 0))
		return wrong(lines, -EINVAL, "%s", want);
	limit->interval_ns = ns / (int64_t)count;
	limit->burst = (unsigned)burst;
	return 0;
}

static int take_line(struct lines *lines)
{
	const char *first;
	int rc = split(lines);

	if (rc || lines->words == 0)
		return rc;
	first = lines->word[0];
	if (strcmp(first, "plugin") == 0)
		return take_plugin(lines);
	if (strcmp(first, "swaps") == 0)
		return take_swaps(lines);
	if (strcmp(first, "viewer") == 0)
		return take_peer(lines, CROOM_VIEWER);
	if (strcmp(first, "operator") == 0)
		return take_peer(lines, CROOM_OPERATOR);
	if (strcmp(first, "admin") == 0)
		return take_peer(lines, CROOM_ADMIN);
	return wrong(lines, -EINVAL, "no line begins with '%.100s'; they begin with plugin, viewer, operator, admin or swaps",
		     first);
}

/* The text's next line, as a string. */
static int next_line(struct lines *lines, const char **at, const char *end)
{
	const char *stop = memchr(*at, '\n', (size_t)(end - *at));
	size_t length = (size_t)((stop ? stop : end) - *at);

	lines->line++;
	if (length >= sizeof(lines->text))
		return wrong(lines, -EINVAL, "a line longer than %d bytes", LINE_MAX_BYTES - 1);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)(*at)[i] < 32 && (*at)[i] != '\t')
			return wrong(lines, -EINVAL, (*at)[i] == '\r' ?
				     "the line ends as on Windows; remove the carriage return" : "a control character in the line; remove it");
	memcpy(lines->text, *at, length);
	lines->text[length] = 0;
	*at = stop ? stop + 1 : end;
	return 0;
}

int policy_parse(struct croom_policy *policy, const char *text, size_t size, const char *name, struct croom_error *err)
{
	struct lines *lines = calloc(1, sizeof(*lines));
	const char *at = text, *end = text + size;
	int rc = 0;

	if (!lines)
		return failed(err, -ENOMEM, "out of memory");
	lines->policy = policy;
	lines->name = name;
	lines->err = err;
	while (rc == 0 && at < end) {
		rc = next_line(lines, &at, end);
		rc = rc ? rc : take_line(lines);
	}
	free(lines);
	if (rc == 0 && policy->require && (!policy->directories || !policy->keys))
		rc = failed(err, -EINVAL, "%.100s: plugin require is for where a plugin directory and a key are named; remove the "
			    "line, or name both", name);
	return rc;
}
