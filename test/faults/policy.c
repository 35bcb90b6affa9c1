// SPDX-License-Identifier: BSD-2-Clause
/* A policy when memory runs out: it is not taken, and never for one that says less. Keys and signatures: none, or whole ones. */
#include "check.h"
#include "scarce.h"
#include <croom/policy.h>
#include <croom/sign.h>
#include <errno.h>
#include <unistd.h>

static const char text[] = "viewer uid 4000\noperator gid 4001\nadmin uid 4002\nswaps 1 per 1s\nplugin directory /a\n"
	"plugin directory /b\nplugin signed-by ed25519:cZuVotHKI6HP5teA3j7eaLuX37C17U/Gpe0BcYw53Mw=\n";

static void a_policy_is_whole_or_none(void)
{
	for (int how = SCARCE_ONE; how <= SCARCE_ON; how++) {
		long failed = 1, n;

		for (n = 1; failed && n < 100; n++) {
			struct croom_policy *policy = NULL;
			struct croom_error err = { 0 };
			int rc;

			scarce_begin((enum scarce_how)how, n);
			rc = croom_policy_parse(&policy, text, sizeof(text) - 1, "p", &err);
			failed = scarce_end();
			CHECK_EQ(rc, failed ? -ENOMEM : 0);
			CHECK((policy != NULL) == !failed);
			if (rc)
				CHECK(strstr(err.text, "out of memory"));
			croom_policy_close(policy);
		}
		CHECK_EQ(failed, 0);
		CHECK(n > 8);
	}
}

static void keys_and_signatures_are_whole_or_none(void)
{
	char folder[] = "/tmp/croom-faults-XXXXXX", id[CROOM_SIGN_ID + 1];
	struct croom_error err = { 0 };
	FILE *file;

	CHECK(mkdtemp(folder) && chdir(folder) == 0);
	file = fopen("p.so", "w");
	CHECK(file && fputs("code", file) >= 0 && fclose(file) == 0);
	scarce_begin(SCARCE_ONE, 1);
	CHECK_EQ(croom_sign_keys("k.key", "k.pub", id, &err), -ENOMEM);
	CHECK_EQ(scarce_end(), 1);
	CHECK(strstr(err.text, "memory") && access("k.key", F_OK) && access("k.pub", F_OK));
	CHECK_EQ(croom_sign_keys("k.key", "k.pub", id, &err), 0);
	scarce_begin(SCARCE_ONE, 1);
	CHECK_EQ(croom_sign_file("k.key", "p.so", id, &err), -ENOMEM);
	CHECK_EQ(scarce_end(), 1);
	CHECK(strstr(err.text, "memory") && access("p.so.sig", F_OK));
	CHECK_EQ(croom_sign_file("k.key", "p.so", id, &err), 0);
	CHECK_EQ(croom_sign_verify("k.pub", "p.so", id, &err), 0);
	unlink("k.key");
	unlink("k.pub");
	unlink("p.so");
	unlink("p.so.sig");
	CHECK(chdir("/") == 0 && rmdir(folder) == 0);
}

int main(void)
{
	struct croom_policy *policy;

	/* What libsodium makes once. */
	if (croom_policy_parse(&policy, "", 0, "p", NULL))
		return 1;
	croom_policy_close(policy);
	RUN(a_policy_is_whole_or_none);
	RUN(keys_and_signatures_are_whole_or_none);
	return check_result();
}
