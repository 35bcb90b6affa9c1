#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""croomctl keygen, sign and verify, with all that can be in their way: keys.py CROOMCTL SOURCE"""
import base64
import json
import os
import pathlib
import resource
import shutil
import stat
import subprocess
import sys

sys.path.insert(0, f"{sys.argv[2]}/test")
from varlink import PATIENCE, check, finish, folder, skip  # noqa: E402

croomctl = os.path.abspath(sys.argv[1])


def ctl(*args, cwd=None, **more):
    run = subprocess.run([croomctl, *args], cwd=cwd, capture_output=True, text=True, timeout=PATIENCE, check=False, **more)
    return run.returncode, run.stdout, run.stderr


def said(result, code, *words):
    return result[0] == code and all(word in result[1] + result[2] for word in words)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def keygen(top):
    result = ctl("keygen", "-o", "release", cwd=top)
    secret, public = pathlib.Path(top, "release.key"), pathlib.Path(top, "release.pub")
    key = public.read_text().split()[5]
    check("keygen makes both halves, and names the key", said(result, 0, f"key {key}", "release.key", f"signed-by {top}/release.pub"),
          result)
    check("the secret half's mode is 0600, whatever the umask", mode(secret) == 0o600)
    seed = secret.read_text().split("\n")[2].split()[1]
    check("it is 32 bytes, and never printed", len(base64.b64decode(seed)) == 32 and seed not in result[1] + result[2])
    before = secret.read_bytes(), public.read_bytes()
    check("an existing key is not written over", said(ctl("keygen", "-o", "release", cwd=top), 1, "release.key is there already", "-o"))
    secret.unlink()
    result = ctl("keygen", "-o", "release", cwd=top)
    check("nor a public half, and then no secret one is left", said(result, 1, "release.pub is there already") and not secret.exists(),
          result)
    check("and nothing was changed", public.read_bytes() == before[1])
    secret.write_bytes(before[0])
    os.chmod(secret, 0o600)
    os.symlink("elsewhere", f"{top}/link.key")
    check("a link is not followed", said(ctl("keygen", "-o", "link", cwd=top), 1, "is there already") and
          not os.path.exists(f"{top}/elsewhere"))
    os.makedirs(f"{top}/there")
    check("two keys differ", said(ctl("keygen", "-o", "there/x", cwd=top), 0) and
          pathlib.Path(top, "there/x.key").read_bytes() != before[0])
    check("-o without a name: 2", said(ctl("keygen", "-o", "there/", cwd=top), 2, "-o takes a file's name"))
    check("no directory: 1", said(ctl("keygen", "-o", "none/x", cwd=top), 1, "cannot make none/x.key", "No such file"))
    code, out, _ = ctl("keygen", "--json", cwd=top)
    check("--json, and the name without -o", code == 0 and json.loads(out)["secret"] == "croom.key" and
          os.path.exists(f"{top}/croom.pub"), out)
    check("-k is not keygen's", said(ctl("keygen", "-k", "x", cwd=top), 2, "keygen takes no --key"))


def sign_and_verify(top):
    plugin, signature = pathlib.Path(top, "p.so"), pathlib.Path(top, "p.so.sig")
    plugin.write_bytes(os.urandom(200000))
    key = pathlib.Path(top, "release.pub").read_text().split()[5]
    check("verify without a signature: 1", said(ctl("verify", "-k", "release.pub", "p.so", cwd=top), 1, "there is no signature p.so.sig"))
    check("sign says which key", said(ctl("sign", "-k", "release.key", "p.so", cwd=top), 0, f"p.so: signed by key {key}"))
    check("the signature is readable for all", mode(signature) == 0o644)
    check("verify: 0, and which key", said(ctl("verify", "-k", "release.pub", "p.so", cwd=top), 0, f"p.so: signed by key {key}"))
    code, out, _ = ctl("verify", "--json", "-k", "release.pub", "p.so", cwd=top)
    check("verify --json", code == 0 and json.loads(out) == {"file": "p.so", "key": key}, out)
    good = signature.read_bytes()
    check("signing again gives the same", said(ctl("sign", "-k", "release.key", "p.so", cwd=top), 0) and signature.read_bytes() == good)
    result = ctl("verify", "-k", "there/x.pub", "p.so", cwd=top)
    check("another key: 1, and both are named", said(result, 1, f"signed by key {key}", "there/x.pub is key"), result)
    data = plugin.read_bytes()
    for name, other in (("a bit", bytes([data[0] ^ 1]) + data[1:]), ("the last byte", data[:-1]), ("one byte more", data + b"\0")):
        plugin.write_bytes(other)
        check(f"altered, {name}: 1", said(ctl("verify", "-k", "release.pub", "p.so", cwd=top), 1, "is not what key", "changed"))
    plugin.write_bytes(data)
    shutil.copy(plugin, f"{top}/q.so")
    result = ctl("sign", "-k", "release.key", "p.so", "none.so", "q.so", cwd=top)
    check("several: those that can be are signed, and the exit code is 1", said(result, 1, "p.so: signed", "q.so: signed",
                                                                               "cannot open none.so"), result)
    check("several: verified", said(ctl("verify", "-k", "release.pub", "p.so", "q.so", cwd=top), 0, "p.so: ", "q.so: "))
    lines = good.decode().split("\n")
    for name, text in (("nothing", ""), ("two lines", "\n".join(lines[:2])), ("another version", good.decode().replace(" 1", " 2", 1)),
                       ("upper case", good.decode().replace(key, key.upper())), ("a line more", good.decode() + "x\n"),
                       ("base64 cut", "\n".join(lines[:2] + [lines[2][:-4], ""])), ("a carriage return", good.decode().replace("\n", "\r\n"))):
        signature.write_text(text, newline="")
        result = ctl("verify", "-k", "release.pub", "p.so", cwd=top)
        check(f"a signature with {name}: 1", result[0] == 1 and ("is no signature" in result[2] or "is damaged" in result[2]), result)
    signature.write_bytes(good)


def bad_keys(top):
    secret = pathlib.Path(top, "release.key")
    good = secret.read_bytes()
    signature = pathlib.Path(top, "p.so.sig").read_bytes()
    for bits in (0o640, 0o604, 0o660, 0o602):
        os.chmod(secret, bits)
        result = ctl("sign", "-k", "release.key", "p.so", cwd=top)
        check(f"a secret key of mode {bits:o} is refused", said(result, 1, "others may read or write", "chmod 600"), result)
    os.chmod(secret, 0o400)
    check("one of mode 400 is good", said(ctl("sign", "-k", "release.key", "p.so", cwd=top), 0))
    os.chmod(secret, 0o600)
    if os.getuid() == 0:
        os.chown(secret, 65534, 65534)
        check("another user's is refused", said(ctl("sign", "-k", "release.key", "p.so", cwd=top), 1, "belongs to uid 65534"))
        os.chown(secret, 0, 0)
    else:
        skip("another user's is refused", "only root can give a file away")
    result = ctl("sign", "-k", "release.pub", "p.so", cwd=top)
    check("the public half cannot sign", said(result, 1, "release.pub is a public key; here a secret key is wanted"), result)
    result = ctl("verify", "-k", "release.key", "p.so", cwd=top)
    check("the secret half does not verify", said(result, 1, "release.key is a secret key; here a public key is wanted"), result)
    lines = good.decode().split("\n")
    other = pathlib.Path(top, "there/x.key").read_text().split("\n")
    for name, text in (("garbage", b"\xff" * 100), ("empty", b""), ("too long", good * 100), ("NUL", good.replace(b"\n", b"\0")),
                       ("another key's id", "\n".join([lines[0], other[1], lines[2], ""]).encode())):
        secret.write_bytes(text)
        code, out, err = ctl("sign", "-k", "release.key", "p.so", cwd=top)
        check(f"a secret key with {name}: 1", code == 1 and err.startswith("croomctl: release.key is ") and
              lines[2].split()[1] not in out + err, err)
    secret.write_bytes(good)
    check("no key: 1", said(ctl("sign", "-k", "none.key", "p.so", cwd=top), 1, "cannot open none.key"))
    check("a directory: 1", said(ctl("sign", "-k", "there", "p.so", cwd=top), 1, "there is not a file"))
    check("the plugin is a directory: 1", said(ctl("sign", "-k", "release.key", "there", cwd=top), 1, "there is not a file"))
    for verb in ("sign", "verify"):
        check(f"{verb} without a key: 2", said(ctl(verb, "p.so", cwd=top), 2, "-k NAME."))
        check(f"{verb} without a file: 2", said(ctl(verb, "-k", "release.key", cwd=top), 2, "-k NAME."))
    check("after all this the signature is what it was", pathlib.Path(top, "p.so.sig").read_bytes() == signature)


def full_disk(top):
    """A limit on file sizes stands in for a disk that is full."""
    def nothing():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))

    signature = pathlib.Path(top, "p.so.sig").read_bytes()
    before = set(os.listdir(top))
    # SIGXFSZ is ignored by Python, and so by what it starts.
    result = ctl("sign", "-k", "release.key", "p.so", cwd=top, preexec_fn=nothing, restore_signals=False)
    check("no room for the signature: 1, and the old one stays", said(result, 1, "cannot write p.so.sig", "File too large") and
          pathlib.Path(top, "p.so.sig").read_bytes() == signature, result)
    result = ctl("keygen", "-o", "new", cwd=top, preexec_fn=nothing, restore_signals=False)
    check("no room for a key: 1", said(result, 1, "cannot write new.key", "File too large"), result)
    check("and nothing is left behind", set(os.listdir(top)) == before, set(os.listdir(top)) ^ before)


def main():
    os.umask(0)
    top = folder()
    keygen(top)
    sign_and_verify(top)
    bad_keys(top)
    full_disk(top)
    shutil.rmtree(top)
    finish()


main()
