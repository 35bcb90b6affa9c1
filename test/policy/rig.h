/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A folder in which everything is as a policy wants it: all directories above it belong to root or to us, and nobody else
 * may write to them. /tmp is none.
 */
#ifndef TEST_POLICY_RIG_H
#define TEST_POLICY_RIG_H

#include "check.h"
#include <croom/policy.h>
#include <croom/sign.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OTHER = 65534 };                /* a uid that is not ours */

static char folder[PATH_MAX];
static struct croom_error err;

static int strict(const char *path)
{
	char part[PATH_MAX], real[PATH_MAX];
	struct stat is;

	if (!realpath(path, real) || strcmp(real, path))
		return 0;
	snprintf(part, sizeof(part), "%s", path);
	for (;;) {
		char *slash = strrchr(part, '/');

		if (lstat(*part ? part : "/", &is) || !S_ISDIR(is.st_mode) || (is.st_uid != 0 && is.st_uid != geteuid()) ||
		    (is.st_mode & 022))
			return 0;
		if (!*part)
			return 1;
		*slash = 0;
	}
}

/* False: there is nowhere to make one. */
static int folder_make(void)
{
	char user[64];
	const char *places[] = { "/run", getenv("HOME"), user, "/var/lib" };

	snprintf(user, sizeof(user), "/run/user/%u", (unsigned)getuid());
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!places[i] || !strict(places[i]) || access(places[i], W_OK))
			continue;
		snprintf(folder, sizeof(folder), "%s/croom-policy-test-XXXXXX", places[i]);
		if (mkdtemp(folder))
			return 1;
	}
	return 0;
}

static void folder_remove(void)
{
	char command[PATH_MAX + 16];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (*folder && system(command))
		printf("# cannot remove %s\n", folder);
}

/* A path in the folder; good until the eighth one more. */
static const char *in(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *in(const char *format, ...)
{
	static char paths[8][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 8];
	size_t used = (size_t)snprintf(path, PATH_MAX, "%s/", folder);
	va_list args;

	va_start(args, format);
	vsnprintf(path + used, PATH_MAX - used, format, args);
	va_end(args);
	return path;
}

static void put(const char *path, mode_t mode, const char *text)
{
	FILE *file = fopen(path, "w");

	CHECK(file != NULL);
	if (!file)
		return;
	fputs(text, file);
	CHECK(fclose(file) == 0);
	CHECK(chmod(path, mode) == 0);
}

/* Wrong, and the message has all of these words (NULL at the end). */
static void says(int code, ...)
{
	const char *word;
	va_list args;

	CHECK(code < 0);
	va_start(args, code);
	while ((word = va_arg(args, const char *)))
		if (!strstr(err.text, word)) {
			printf("# no '%s' in '%s'\n", word, err.text);
			CHECK(!"the message says what is wrong");
		}
	va_end(args);
}

#endif
