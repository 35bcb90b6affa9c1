// SPDX-License-Identifier: BSD-2-Clause
/*
 * The hash of strings.c leaves no bit of a string out, of whatever length. If it did, look-ups would still be right,
 * but strings that differ there only would all lie in one row of places, and each be compared with all of them. So
 * no public call shows it, and this looks at the function itself.
 */
#include "../../lib/strings.c"
#include "../check.h"

static void leaves_no_bit_out(void)
{
	unsigned char bytes[64];
	struct croom_strings *strings;

	CHECK_EQ(croom_strings_open(&strings, 1, 1), 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 37);
	for (size_t length = 1; length <= sizeof(bytes); length++) {
		uint64_t h = hash(strings, bytes, length);

		for (size_t bit = 0; bit < length * 8; bit++) {
			bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
			if (hash(strings, bytes, length) == h) {
				printf("# of %zu bytes: bit %zu of byte %zu\n", length, bit % 8, bit / 8);
				CHECK(!"each bit counts");
			}
			bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
		}
	}
	croom_strings_close(strings);
}

static void knows_how_long_a_string_is(void)
{
	const unsigned char zeros[32] = { 0 };
	struct croom_strings *strings;

	CHECK_EQ(croom_strings_open(&strings, 1, 1), 0);
	for (size_t a = 0; a <= sizeof(zeros); a++)
		for (size_t b = 0; b < a; b++)
			CHECK(hash(strings, zeros, a) != hash(strings, zeros, b));
	croom_strings_close(strings);
}

int main(void)
{
	RUN(leaves_no_bit_out);
	RUN(knows_how_long_a_string_is);
	return check_result();
}
