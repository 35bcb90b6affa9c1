#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The text printer writes what tcpdump -nq writes on the traffic of real servers and clients: text-live.py CROOMTAP

Everything runs in a network namespace of its own, with a second one behind a veth pair: nginx with curl and ab, redis
with its benchmark, dnsmasq with dig, ping; over loopback, veth and a VLAN, IPv4 and IPv6, captured by tcpdump."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import text_compare as compare

NEEDED = ("tcpdump", "unshare", "nsenter", "ip", "nginx", "curl", "ab", "redis-server", "redis-benchmark", "dnsmasq",
          "dig", "ping")
NGINX = """daemon off; master_process off; error_log stderr crit; pid {0}/nginx.pid;
events {{}}
http {{ access_log off; client_body_temp_path {0}; proxy_temp_path {0}; fastcgi_temp_path {0}; uwsgi_temp_path {0};
  scgi_temp_path {0}; server {{ listen 8080; listen [::]:8080; root {0}/www; }} }}
"""
# Not as root: tcpdump and the servers would try to become somebody else, whom the namespace does not know.
NAMESPACE = ("unshare", "-n", "--map-user=65534", "--map-group=65534", "--keep-caps")
FILES = {"lo": compare.ETHERNET, "veth0": compare.ETHERNET, "any": compare.SLL2, "cooked": compare.SLL}
LIVE = ("arp", "ip4 tcp", "ip4 udp", "ip4 icmp", "ip4 fragment", "ip6 tcp", "ip6 udp", "ip6 icmp6", "ip6 fragment")
FAMILIES = {"4": ("127.0.0.1", "10.9.0.1", "10.9.1.1"), "6": ("::1", "fd00:9::1", "fd00:9:1::1")}


class Inside:
    """What runs in the namespace. Everything that it starts ends with it."""

    def __init__(self, directory):
        self.directory = directory
        self.running = []

    def start(self, *command):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        self.running.append(process)
        return process

    def stop(self, process, how=signal.SIGTERM):
        if process.poll() is None:
            process.send_signal(how)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def do(self, *command, far=False):
        """Run a client, here or behind the veth pair; it may fail: its packets are what counts."""
        prefix = ["nsenter", "-t", str(self.far.pid), "-n"] if far else []
        subprocess.run([*prefix, *command], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)

    def wait_for(self, what, good):
        deadline = time.monotonic() + 30
        while not good():
            if time.monotonic() > deadline:
                raise compare.Failed(f"{what} did not come up within 30 s")
            time.sleep(0.02)

    def links(self):
        self.far = self.start("unshare", "-n", "sleep", "600")
        mine = os.stat("/proc/self/ns/net").st_ino
        self.wait_for("a second namespace", lambda: os.stat(f"/proc/{self.far.pid}/ns/net").st_ino != mine)
        setup = ["ip link set lo up", f"ip link add veth0 type veth peer name veth1 netns {self.far.pid}",
                 "ip link add link veth0 name veth0.7 type vlan id 7"]
        near = [("veth0", "10.9.0.1/24", "fd00:9::1/64"), ("veth0.7", "10.9.1.1/24", "fd00:9:1::1/64")]
        far = [("veth1", "10.9.0.2/24", "fd00:9::2/64"), ("veth1.7", "10.9.1.2/24", "fd00:9:1::2/64")]
        for command in setup:
            self.do(*command.split())
        self.do(*"ip link add link veth1 name veth1.7 type vlan id 7".split(), far=True)
        for end, addresses in ((False, near), (True, far)):
            for name, four, six in addresses:
                self.do("ip", "addr", "add", four, "dev", name, far=end)
                self.do("ip", "addr", "add", six, "dev", name, "nodad", far=end)
                self.do("ip", "link", "set", name, "up", far=end)
        self.do("ip", "link", "set", "lo", "up", far=True)

    def servers(self):
        os.makedirs(f"{self.directory}/www")
        with open(f"{self.directory}/www/index.html", "w", encoding="ascii") as page:
            page.write("a page\n" * 2000)
        with open(f"{self.directory}/nginx.conf", "w", encoding="ascii") as conf:
            conf.write(NGINX.format(self.directory))
        self.start("nginx", "-p", self.directory, "-c", f"{self.directory}/nginx.conf")
        self.start("redis-server", "--port", "7777", "--bind", "0.0.0.0", "::", "--protected-mode", "no", "--save", "",
                   "--appendonly", "no", "--dir", self.directory)
        self.start("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--port=5353",
                   "--pid-file=", "--address=/test/10.9.8.7", "--address=/test/fd00::7",
                   "--txt-record=long.test," + "x" * 200)
        for name, port in (("nginx", 8080), ("redis", 7777), ("dnsmasq", 5353)):
            self.wait_for(name, lambda port=port: socket.socket().connect_ex(("127.0.0.1", port)) == 0)

    def captures(self):
        started = []
        for name in FILES:
            path = f"{self.directory}/{name}.pcap"
            interface, types = ("any", ["-y", "LINUX_SLL"]) if name == "cooked" else (name, [])
            started.append(self.start("tcpdump", "-i", interface, *types, "-s", "262144", "-B", "65536", "-U", "-w",
                                      path))
        # They are ready when each has seen a packet.
        self.wait_for("tcpdump", lambda: self.all_capture(started))
        return started

    def clients(self):
        for family, addresses in FAMILIES.items():
            for address in addresses:
                far = address not in ("127.0.0.1", "::1")
                host = f"[{address}]" if family == "6" else address
                for _ in range(3):
                    self.do("curl", "-sg", f"http://{host}:8080/", far=far)
                self.do("curl", "-sg", f"http://{host}:9/", far=far)
                self.do("ab", "-q", "-n", "200", "-c", "8", f"http://{host}:8080/", far=far)
                self.do("redis-benchmark", "-h", address, "-p", "7777", "-n", "1000", "-c", "8", "-P", "4", "-q", "-t",
                        "set,get,lrange_100", far=far)
                for name, kind in (("a.test", "A"), ("a.test", "AAAA"), ("long.test", "TXT"), ("no.where", "MX")):
                    self.do("dig", f"@{address}", "-p", "5353", "+tries=1", "+time=2", name, kind, far=far)
                self.do("dig", f"@{address}", "-p", "5353", "+tcp", "a.test", far=far)
                self.do("dig", f"@{address}", "-p", "9", "+tries=1", "+time=1", "a.test", far=far)
                self.do("ping", "-n", "-" + family, "-c", "5", "-i", "0.01", address, far=far)
                self.do("ping", "-n", "-" + family, "-c", "3", "-i", "0.01", "-s", "4000", address, far=far)
        # Nobody is there: unanswered ARP and neighbour solicitations, and errors about them.
        self.do("ping", "-n", "-c", "1", "-W", "1", "10.9.0.77", far=True)
        self.do("ping", "-n", "-6", "-c", "1", "-W", "1", "fd00:9::77", far=True)

    def run(self):
        try:
            self.links()
            self.servers()
            captures = self.captures()
            self.clients()
            for process in captures:
                self.stop(process, signal.SIGINT)
        finally:
            for process in reversed(self.running):
                self.stop(process)

    def all_capture(self, captures):
        if any(process.poll() is not None for process in captures):
            raise compare.Failed("tcpdump ended early")
        self.do("ping", "-n", "-c", "1", "-W", "1", "127.0.0.1")
        self.do("ping", "-n", "-c", "1", "-W", "1", "10.9.0.2")
        paths = [f"{self.directory}/{name}.pcap" for name in FILES]
        return all(os.path.exists(path) and os.path.getsize(path) > 100 for path in paths)


def main():
    if sys.argv[1] == "--inside":
        os.environ["XDG_RUNTIME_DIR"] = sys.argv[2]
        Inside(sys.argv[2]).run()
        return 0
    missing = [name for name in NEEDED if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
    if missing:
        print(f"skip text on live traffic: {', '.join(missing)} not installed")
        return 0
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode:
        print(f"skip text on live traffic: {' '.join(NAMESPACE)} is not allowed here")
        return 0
    result = subprocess.run([*NAMESPACE, sys.executable, __file__, "--inside", compare.PRIVATE], check=False,
                            capture_output=True, text=True, timeout=240)
    if result.returncode:
        print(f"not ok the servers ran: {result.stderr.strip().splitlines()[-1:]}")
        return 1
    table, good = compare.Table(), True
    for name in FILES:
        path = os.path.join(compare.PRIVATE, f"{name}.pcap")
        with open(path, "rb") as file:
            link, packets = compare.read_pcap(file.read())
        before = sum(table.same.values()), sum(table.all.values())
        complete = table.add_file(sys.argv[1], path, link, packets)
        same, count = sum(table.same.values()) - before[0], sum(table.all.values()) - before[1]
        title = f"traffic on {name}, {compare.LINKS.get(link, link)}: {count} packets as tcpdump shows them"
        good &= compare.verdict(title, complete and link == FILES[name] and count > 1000 and
                                same >= compare.WANTED * count,
                                f"{same} of {count} are identical")
    table.show()
    for name in LIVE:
        good &= compare.verdict(f"live {name} as tcpdump shows it",
                                table.all[name] and table.share([name]) >= compare.WANTED,
                                f"{table.same[name]} of {table.all[name]} are identical")
    return 0 if good else 1


try:
    sys.exit(main())
finally:
    compare.clean_up()
