# SPDX-License-Identifier: BSD-2-Clause
"""A folder as a policy wants it: all directories above it belong to root or to us, and nobody else may write to them."""
import os
import stat
import tempfile


def strict(path):
    if not path or os.path.realpath(path) != path or not os.access(path, os.W_OK):
        return False
    while True:
        is_ = os.lstat(path)
        if not stat.S_ISDIR(is_.st_mode) or is_.st_uid not in (0, os.geteuid()) or is_.st_mode & 0o022:
            return False
        if path == "/":
            return True
        path = os.path.dirname(path)


def make():
    """None: there is nowhere to make one."""
    for place in ("/run", os.environ.get("HOME"), f"/run/user/{os.getuid()}", "/var/lib"):
        if strict(place):
            return tempfile.mkdtemp(prefix="croom-policy-test-", dir=place)
    return None
