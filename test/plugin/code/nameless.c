/* SPDX-License-Identifier: BSD-2-Clause */
#define ODD_NAME "n a m e"
#include "odd.h"
