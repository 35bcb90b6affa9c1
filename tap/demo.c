/* SPDX-License-Identifier: BSD-2-Clause */
#include "tap.h"
int tap_demo(int argc, char **argv) { (void)argc; (void)argv; return 2; }
