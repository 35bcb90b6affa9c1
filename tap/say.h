/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything that croomtap says about itself is one line on standard error which begins with its name and says what to do.
 * Whatever a path or a config in it holds, nothing of it moves the cursor or begins another line.
 */
#ifndef TAP_SAY_H
#define TAP_SAY_H

/* Say it: one sentence, without a full stop and a newline. Any thread but the lane. */
void tap_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A `?` in place of each character that a terminal might obey, and of each byte that is none. */
void tap_plain(char *text);

#endif
