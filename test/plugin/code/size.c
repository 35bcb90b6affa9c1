/* SPDX-License-Identifier: BSD-2-Clause */
#define ODD_SIZE 8
#include "odd.h"
