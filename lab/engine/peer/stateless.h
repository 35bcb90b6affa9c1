/* SPDX-License-Identifier: BSD-2-Clause */
/* begin() and end() of a peer whose readers keep nothing from call to call. No include guard: once per file, after struct self. */

struct local {
	char none;
};

LAB_INLINE struct local begin(struct self *self)
{
	(void)self;
	return (struct local){ 0 };
}

LAB_INLINE void end(struct self *self, struct local *local)
{
	(void)self;
	(void)local;
}

/* A reader that need not register. */
__attribute__((unused)) static void nothing(void *self)
{
	(void)self;
}
