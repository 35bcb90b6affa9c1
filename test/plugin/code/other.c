/* SPDX-License-Identifier: BSD-2-Clause */
/* A shared object that is no plugin. */
int something(int value);

__attribute__((visibility("default"))) int something(int value)
{
	return value + 1;
}
