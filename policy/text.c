/* SPDX-License-Identifier: BSD-2-Clause */
/* The three lines of a key or a signature, read and written. Strict: what is not exactly one of them is none. */
#include "policy-impl.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *title, *word, *what;
	size_t length;
} kinds[] = {
	[PUBLIC_KEY] = { "croom public key 1", "ed25519 ", "public key", PUBLIC },
	[SECRET_KEY] = { "croom secret key 1", "ed25519-seed ", "secret key", SEED },
	[SIGNATURE_TEXT] = { "croom signature 1", "ed25519ph ", "signature", SIGNATURE },
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

void key_id(const unsigned char key[PUBLIC], char id[CROOM_SIGN_ID + 1])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, key, PUBLIC);
	sodium_bin2hex(id, CROOM_SIGN_ID + 1, hash, CROOM_SIGN_ID / 2);
}

/* The next line without its end. The last one may lack that. */
static const char *line_of(const char **at, const char *end, size_t *length)
{
	const char *start = *at, *stop = memchr(start, '\n', (size_t)(end - start));

	*length = (size_t)((stop ? stop : end) - start);
	*at = stop ? stop + 1 : end;
	return start;
}

static bool is_line(const char *line, size_t length, const char *text)
{
	return length == strlen(text) && memcmp(line, text, length) == 0;
}

static int not_one(struct croom_error *err, enum three_kind kind, const char *name, const char *line, size_t length)
{
	for (int i = 0; i < KINDS; i++)
		if (is_line(line, length, kinds[i].title))
			return failed(err, -EBADMSG, "%.250s is a %s; here a %s is wanted", name, kinds[i].what, kinds[kind].what);
	return failed(err, -EBADMSG, "%.250s is no %s: its first line is not '%s'", name, kinds[kind].what,
		      kinds[kind].title);
}

static bool read_id(const char *line, size_t length, char id[CROOM_SIGN_ID + 1])
{
	if (length != 3 + CROOM_SIGN_ID || memcmp(line, "id ", 3))
		return false;
	for (int i = 0; i < CROOM_SIGN_ID; i++)
		if (!line[3 + i] || !strchr("0123456789abcdef", line[3 + i]))
			return false;
	snprintf(id, CROOM_SIGN_ID + 1, "%.*s", CROOM_SIGN_ID, line + 3);
	return true;
}

/* Written again it has to be the same: libsodium takes what is not ASCII for a '/'. */
bool base64_read(const char *text, size_t length, unsigned char *bytes, size_t size)
{
	char again[sodium_base64_ENCODED_LEN(SIGNATURE, sodium_base64_VARIANT_ORIGINAL)];
	size_t got = 0;
	bool good = sodium_base642bin(bytes, size, text, length, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 && got == size;

	if (good) {
		sodium_bin2base64(again, sizeof(again), bytes, size, sodium_base64_VARIANT_ORIGINAL);
		good = strlen(again) == length && memcmp(again, text, length) == 0;
		/* It may be a secret. */
		sodium_memzero(again, sizeof(again));
	}
	return good;
}

static bool read_bytes(const char *line, size_t length, enum three_kind kind, unsigned char *bytes)
{
	size_t word = strlen(kinds[kind].word);

	return length > word && memcmp(line, kinds[kind].word, word) == 0 &&
	       base64_read(line + word, length - word, bytes, kinds[kind].length);
}

int three_read(struct three *three, enum three_kind kind, const char *text, size_t size, const char *name,
	       struct croom_error *err)
{
	const char *at = text, *end = text + size, *line;
	size_t length;

	line = line_of(&at, end, &length);
	if (!is_line(line, length, kinds[kind].title))
		return not_one(err, kind, name, line, length);
	line = line_of(&at, end, &length);
	if (!read_id(line, length, three->id))
		return failed(err, -EBADMSG, "%.250s is damaged: its second line is not id and 16 hexadecimal digits", name);
	line = line_of(&at, end, &length);
	if (!read_bytes(line, length, kind, three->bytes))
		return failed(err, -EBADMSG, "%.250s is damaged: its third line is not %sand %zu bytes in base64", name,
			      kinds[kind].word, kinds[kind].length);
	if (at != end)
		return failed(err, -EBADMSG, "%.250s is damaged: it has more than three lines", name);
	three->length = kinds[kind].length;
	return 0;
}

size_t three_write(const struct three *three, enum three_kind kind, char *text)
{
	size_t used = (size_t)snprintf(text, TEXT_MAX, "%s\nid %s\n%s", kinds[kind].title, three->id, kinds[kind].word);

	sodium_bin2base64(text + used, TEXT_MAX - used, three->bytes, kinds[kind].length, sodium_base64_VARIANT_ORIGINAL);
	used += strlen(text + used);
	text[used++] = '\n';
	return used;
}

int public_key_read(struct public_key *key, const char *text, size_t size, const char *name, struct croom_error *err)
{
	struct three three = { 0 };
	int rc = three_read(&three, PUBLIC_KEY, text, size, name, err);

	if (rc)
		return rc;
	memcpy(key->bytes, three.bytes, PUBLIC);
	key_id(key->bytes, key->id);
	return strcmp(key->id, three.id) ? failed(err, -EBADMSG, "%.250s is damaged: it says id %s, and the key in it is %s", name,
						  three.id, key->id) : 0;
}
