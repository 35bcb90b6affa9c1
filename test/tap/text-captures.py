#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The text printer writes what tcpdump -nq writes on captures that come with Debian source packages:
text-captures.py CROOMTAP CACHE PACKAGE...

The packages are fetched once, with this machine's own apt sources and a private apt configuration; only their captures
are kept, in CACHE. Where they cannot be fetched in time, that is a skip."""
import collections
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import text_compare as compare

SECONDS = 30
CAPTURE = re.compile(r"\.(pcap|pcapng|cap|dmp|trc)$", re.IGNORECASE)
LARGEST = 64 * 1024 * 1024


class NotReachable(Exception):
    pass


def source_lines(directory):
    """The machine's own apt sources, as sources of source packages."""
    lines = []
    for path in ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*.list")]:
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                lines += ["deb-src" + line[3:] for line in file if line.startswith("deb ")]
    with open(f"{directory}/own.list", "w", encoding="utf-8") as out:
        out.writelines(lines)
    for path in glob.glob("/etc/apt/sources.list.d/*.sources"):
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"(?mi)^Types:.*$", "Types: deb-src", file.read())
        with open(f"{directory}/{os.path.basename(path)}", "w", encoding="utf-8") as out:
            out.write(text)


def apt(directory, *arguments):
    options = ["-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={directory}/parts",
               "-o", f"Dir::State::Lists={directory}/lists", "-o", f"Dir::Cache={directory}/cache",
               "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=", "-o", "Acquire::Retries=0",
               "-o", "Acquire::http::Timeout=10", "-o", "Acquire::https::Timeout=10", "-qq"]
    try:
        result = subprocess.run(["apt-get", *options, *arguments], cwd=directory, capture_output=True, text=True,
                                check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise NotReachable(f"apt-get {arguments[0]} took more than {SECONDS} s") from None
    if result.returncode:
        errors = [line for line in result.stderr.splitlines() if line.startswith("E:")]
        raise NotReachable(errors[0] if errors else f"apt-get {arguments[0]} failed")


def keep_captures(archive, directory):
    """Write an archive's captures into the directory, under names that say where they were."""
    count = 0
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isreg() and CAPTURE.search(member.name) and 24 <= member.size <= LARGEST:
                name = re.sub(r"[^A-Za-z0-9._-]", "_", "_".join(member.name.split("/")[1:]))
                with tar.extractfile(member) as source, open(f"{directory}/{name[-200:]}", "wb") as out:
                    shutil.copyfileobj(source, out)
                count += 1
    return count


class Store:
    """The captures of packages, fetched when they are not there yet."""

    def __init__(self, cache):
        self.cache = cache
        self.work = None
        self.unreachable = None

    def update(self):
        if self.work:
            return
        self.work = tempfile.mkdtemp(prefix="fetch-", dir=self.cache)
        for name in ("parts", "lists/partial", "cache/archives/partial"):
            os.makedirs(f"{self.work}/{name}")
        source_lines(f"{self.work}/parts")
        apt(self.work, "update")
        # apt only warns when it cannot reach a source.
        if not glob.glob(f"{self.work}/lists/*Sources*"):
            raise NotReachable("apt-get update found no list of source packages")

    def get(self, package):
        kept = f"{self.cache}/{package}"
        if os.path.isdir(kept):
            return kept
        if self.unreachable:
            raise self.unreachable
        try:
            self.update()
        except NotReachable as reason:
            # Nor will the next package be; and one test shall not wait for all of them.
            self.unreachable = reason
            raise
        apt(self.work, "source", "--download-only", "--tar-only", package)
        fresh = f"{self.work}/captures-{package}"
        os.mkdir(fresh)
        for archive in glob.glob(f"{self.work}/{package}_*.tar.*"):
            if archive.endswith((".gz", ".xz", ".bz2")):
                keep_captures(archive, fresh)
                os.unlink(archive)
        os.rename(fresh, kept)
        return kept

    def close(self):
        if self.work:
            shutil.rmtree(self.work, ignore_errors=True)


def compare_file(program, path):
    """A table of one file; None when it is of a link type that croomtap does not read, or not a capture at all."""
    code, data, _ = compare.run(["tcpdump", *(["-Z", "root"] if os.geteuid() == 0 else []), "-w", "-"], path)
    code_ours, _, err = compare.run([program, "--no-control", "--no-status", "--printer", "none"], path)
    if code_ours < 0:
        raise compare.Failed(f"croomtap ended with signal {-code_ours} on {path}")
    if "has link type" in err or len(data) <= 24 or (code and code_ours == 1 and not data):
        return None
    link, packets = compare.read_pcap(data)
    table = compare.Table()
    if not table.add_file(program, path, link, packets):
        table.uneven = True
    return table


def main(program, cache, packages):
    missing = [name for name in ("tcpdump", "apt-get") if not shutil.which(name)]
    if missing:
        print(f"skip captures of source packages: {', '.join(missing)} not installed")
        return 0
    os.makedirs(cache, exist_ok=True)
    store, good, whole = Store(os.path.abspath(cache)), True, compare.Table()
    try:
        for package in packages:
            try:
                directory = store.get(package)
            except (NotReachable, tarfile.TarError, OSError) as reason:
                print(f"skip captures of {package}: its source is not reachable: {reason}")
                continue
            good &= compare_package(program, package, directory, whole)
    finally:
        store.close()
    if whole.all:
        whole.show()
        for name in compare.PROMISED:
            if whole.all[name]:
                good &= compare.verdict(f"captured {name} as tcpdump shows it", whole.share([name]) >= compare.WANTED,
                                        f"{whole.same[name]} of {whole.all[name]} are identical")
        good &= compare.verdict(f"all {sum(whole.all.values())} captured packets as tcpdump shows them",
                                whole.share() >= compare.WANTED, f"only {100 * whole.share():.3f} % are identical")
    return 0 if good else 1


def compare_package(program, package, directory, whole):
    table, uneven, others = compare.Table(), [], collections.Counter()
    files = sorted(glob.glob(f"{directory}/*"))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for path, one in zip(files, pool.map(lambda path: compare_file(program, path), files)):
            others["not read"] += one is None
            if one is not None:
                table.merge(one)
                whole.merge(one)
                if one.uneven:
                    uneven.append(os.path.basename(path))
    count = sum(table.all[name] for name in compare.PROMISED)
    print(f"# {package}: {len(files)} captures, {others['not read']} of them of another link type; "
          f"{sum(table.all.values())} packets, {100 * table.share():.2f} % identical; "
          f"{count} of promised protocols, {100 * table.share(compare.PROMISED):.3f} % identical")
    good = compare.verdict(f"captures of {package}: as many packets as tcpdump shows", not uneven,
                           ", ".join(uneven[:5]))
    if count:
        good &= compare.verdict(f"captures of {package}: {count} packets of promised protocols as tcpdump shows them",
                                table.share(compare.PROMISED) >= compare.WANTED,
                                f"only {100 * table.share(compare.PROMISED):.3f} % are identical")
    return good


try:
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
finally:
    compare.clean_up()
