/* SPDX-License-Identifier: BSD-2-Clause */
/* Between text.c and link.c: links that are neither Ethernet nor bare IP. */
#ifndef TEXT_LINK_H
#define TEXT_LINK_H

#include "inside.h"

bool print_sll(struct line *line, const uint8_t *p, uint32_t length);
bool print_sll2(struct line *line, const uint8_t *p, uint32_t length);
bool print_null(struct line *line, const uint8_t *p, uint32_t length);

#endif
