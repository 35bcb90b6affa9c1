#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The interface file as a C string: embed.py INPUT OUTPUT. As numbers: C promises string literals of 4,095 bytes only."""
import sys

data = open(sys.argv[1], "rb").read() + b"\0"
rows = "\n".join("\t" + " ".join(f"{byte}," for byte in data[at:at + 20]) for at in range(0, len(data), 20))
with open(sys.argv[2], "w", encoding="ascii") as out:
    out.write('#include "server.h"\n\nconst char croom_control_interface[] = {\n' + rows + "\n};\n")
