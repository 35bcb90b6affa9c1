#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The text printer writes what tcpdump -nq writes, on made-up packets of every protocol, well-formed and broken, on
every link type: text-like-tcpdump.py CROOMTAP [SEED [ROUNDS]]"""
import os
import shutil
import sys
import text_compare as compare
import text_packets


def main():
    program = sys.argv[1]
    seed = sys.argv[2] if len(sys.argv) > 2 else "1"
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 120
    if not shutil.which("tcpdump"):
        print("skip text like tcpdump: tcpdump is not installed")
        return 0
    table, good = compare.Table(), True
    print(f"# seed {seed}, {rounds} rounds")
    for link in text_packets.LINK_TYPES:
        names, packets = text_packets.make(link, seed, rounds)
        path = os.path.join(compare.PRIVATE, f"{link}.pcap")
        compare.write_pcap(path, link, packets)
        before = sum(table.same.values()), sum(table.all.values())
        try:
            complete = table.add_file(program, path, link, packets, compare.LINKS[link], names)
        except compare.Failed as reason:
            good &= compare.verdict(f"{compare.LINKS[link]} is read", False, str(reason))
            continue
        same, count = sum(table.same.values()) - before[0], sum(table.all.values()) - before[1]
        good &= compare.verdict(f"{compare.LINKS[link]}: every packet has its lines",
                                complete and count == len(packets), f"{count} of {len(packets)} packets")
        good &= compare.verdict(f"{compare.LINKS[link]}: {count} packets as tcpdump shows them",
                                same >= compare.WANTED * count, f"only {same} are identical")
    table.show()
    for name in table.all:
        # What is left may only be what a changed byte made of it.
        other = sum(bool(compare.OTHERS.search(theirs)) for _, theirs, _ in table.differ[name])
        good &= compare.verdict(f"{name} as tcpdump shows it", len(table.differ[name]) == other and
                                table.share([name]) >= compare.WANTED,
                                f"{table.same[name]} of {table.all[name]} are identical")
    good &= compare.verdict("thousands of packets were compared", sum(table.all.values()) > 100 * rounds,
                            f"{sum(table.all.values())}")
    return 0 if good else 1


try:
    sys.exit(main())
finally:
    compare.clean_up()
