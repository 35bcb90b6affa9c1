/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys and signatures of plugins. These verbs ask no room, and never print a secret. */
#include "ctl.h"
#include <croom/sign.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static int misuse(const struct ctl *ctl, const char *what)
{
	return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "%s; see croomctl --help", what);
}

static int failed(const struct ctl *ctl, const struct croom_error *err)
{
	return ctl_fail(ctl, FAILED, "org.croom.ctl.Failed", "%s", err->text);
}

int verb_keygen(struct ctl *ctl)
{
	char secret[PATH_MAX], public[PATH_MAX], id[CROOM_SIGN_ID + 1], one[300], two[300], *whole;
	const char *name = ctl->output ? ctl->output : "croom";
	struct croom_error err;

	if (!*name || name[strlen(name) - 1] == '/' || strlen(name) + sizeof(".key") > sizeof(secret))
		return misuse(ctl, "-o takes a file's name, to which .key and .pub are added");
	snprintf(secret, sizeof(secret), "%s.key", name);
	snprintf(public, sizeof(public), "%s.pub", name);
	if (croom_sign_keys(secret, public, id, &err))
		return failed(ctl, &err);
	if (ctl->json) {
		json_t *made = json_pack("{s:s, s:o, s:o}", "key", id, "secret", json_text(secret), "public", json_text(public));

		print_json(made, JSON_INDENT(2));
		json_decref(made);
		return DONE;
	}
	whole = realpath(public, NULL);
	printf("key %s\n", id);
	clean(secret, one, sizeof(one));
	printf("%s is its secret half; who can read it can sign: croomctl sign -k %s FILE\n", one, one);
	printf("%s is for everybody; a policy may say: plugin signed-by %s\n", clean(public, one, sizeof(one)),
	       clean(whole ? whole : public, two, sizeof(two)));
	free(whole);
	return DONE;
}

/* One line for each file that went well, or one object. */
static void show_signed(const struct ctl *ctl, const char *file, const char *id)
{
	char shown[300];
	json_t *one;

	if (!ctl->json) {
		printf("%s: signed by key %s\n", clean(file, shown, sizeof(shown)), id);
		return;
	}
	one = json_pack("{s:o, s:s}", "file", json_text(file), "key", id);
	print_json(one, JSON_INDENT(2));
	json_decref(one);
}

static int each_file(struct ctl *ctl, int (*act)(const char *, const char *, char *, struct croom_error *), const char *what)
{
	int code = DONE;

	if (!ctl->key || ctl->argc == 0)
		return misuse(ctl, what);
	for (int i = 0; i < ctl->argc; i++) {
		char id[CROOM_SIGN_ID + 1];
		struct croom_error err;

		if (act(ctl->key, ctl->argv[i], id, &err))
			code = failed(ctl, &err);
		else
			show_signed(ctl, ctl->argv[i], id);
	}
	return code;
}

int verb_sign(struct ctl *ctl)
{
	return each_file(ctl, croom_sign_file, "sign what, with which key? `croomctl sign -k NAME.key FILE`");
}

int verb_verify(struct ctl *ctl)
{
	return each_file(ctl, croom_sign_verify, "verify what, by which key? `croomctl verify -k NAME.pub FILE`");
}
