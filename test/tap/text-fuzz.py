#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""croomtap stands what is in no book: packets with bytes changed, pieces moved, and noise, each beside tcpdump's line:
text-fuzz.py CROOMTAP [SEED [FILES]]"""
import os
import random
import shutil
import sys
import text_compare as compare
import text_packets

PER_FILE = 6000


def damage(dice, data):
    """Some bytes changed, a piece doubled or left out, or nothing but noise."""
    way = dice.randint(0, 9)
    if way == 0:
        return dice.randbytes(dice.randint(1, 200))
    data = bytearray(data)
    if way == 1 and len(data) > 20:
        at, size = dice.randrange(len(data) - 8), dice.randint(1, 8)
        data[at:at + size] = data[at:at + size] * 2 if dice.randint(0, 1) else b""
    for _ in range(dice.choice([1, 1, 1, 2, 4, 8])):
        data[dice.randrange(len(data))] = dice.choice([0, 1, 255, dice.randint(0, 255)])
    return bytes(data)


def main():
    program = sys.argv[1]
    seed = sys.argv[2] if len(sys.argv) > 2 else "1"
    files = int(sys.argv[3]) if len(sys.argv) > 3 else 12
    if not shutil.which("tcpdump"):
        print("skip text under fuzz: tcpdump is not installed")
        return 0
    dice, table, good = random.Random(f"fuzz {seed}"), compare.Table(), True
    print(f"# seed {seed}, {files} files")
    for number in range(files):
        link = text_packets.LINK_TYPES[number % len(text_packets.LINK_TYPES)]
        _, packets = text_packets.make(link, f"{seed} {number}", PER_FILE // 22)
        damaged = [(s, f, damage(dice, data), length) for s, f, data, length in packets]
        # A length below what was captured is a broken file rather than a broken packet: tcpdump says no more than that.
        damaged = [(s, f, data, max(length, len(data))) for s, f, data, length in damaged]
        path = os.path.join(compare.PRIVATE, f"{number}.pcap")
        compare.write_pcap(path, link, damaged)
        try:
            complete = table.add_file(program, path, link, [(data, length) for _, _, data, length in damaged],
                                      f"{compare.LINKS[link]} {number}")
        except compare.Failed as reason:
            complete = False
            print(f"# {reason}")
        good &= compare.verdict(f"fuzzed file {number}, {compare.LINKS[link]}", complete, f"see {path}")
        if complete:
            os.unlink(path)
    table.show()
    total = sum(table.all[name] for name in compare.PROMISED)
    unlike = [one for name in compare.PROMISED for one in table.differ[name] if not compare.OTHERS.search(one[1])]
    for where, theirs, ours in unlike[:10]:
        print(f"# {where}\n#   tcpdump  {theirs[:300]!r}\n#   croomtap {ours[:300]!r}")
    good &= compare.verdict(f"{total} damaged packets as tcpdump shows them",
                            total > 1000 * files and len(unlike) <= (1 - compare.WANTED) * total,
                            f"{len(unlike)} differ")
    return 0 if good else 1


try:
    sys.exit(main())
finally:
    compare.clean_up()
