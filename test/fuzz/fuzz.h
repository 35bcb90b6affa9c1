/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fuzzers share. Each is one file that says what its input means; libFuzzer gives it inputs, the sanitizers and
 * MUST() end it with the input saved when something is wrong. See README.md here.
 */
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Called once, before the first input; called with each. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): its message goes to stderr, which a fuzzer may have closed to keep the program under test quiet. */
#define MUST(cond)                                                                                   \
	do {                                                                                         \
		if (!(cond))                                                                         \
			fuzz_not_true(__FILE__, __LINE__, #cond);                                    \
	} while (0)

void fuzz_not_true(const char *file, int line, const char *what) __attribute__((noreturn));
/* The same for something that was written; bytes: NULL where there are none to show. */
void fuzz_wrong(const char *what, const char *bytes, size_t length) __attribute__((noreturn));

struct input {
	const uint8_t *at;
	size_t left;
};

/* A number of so many bytes from the end of the input, so that what remains starts where it did; 0 when it is used up. */
static inline uint64_t input_number(struct input *input, size_t bytes)
{
	uint64_t value = 0;

	for (; bytes && input->left; bytes--)
		value = value << 8 | input->at[--input->left];
	return value;
}

#endif
