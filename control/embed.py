#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The interface file as a C string: embed.py INPUT OUTPUT"""
import json
import sys

text = open(sys.argv[1], encoding="ascii").read()
lines = "\n".join("\t" + json.dumps(line + "\n") for line in text.splitlines())
with open(sys.argv[2], "w", encoding="ascii") as out:
    out.write('#include "server.h"\n\nconst char croom_control_interface[] =\n' + lines + ";\n")
