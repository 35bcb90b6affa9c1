/* SPDX-License-Identifier: BSD-2-Clause */
#define ODD_CLASS_SIZE 8
#include "odd.h"
