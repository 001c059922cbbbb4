"""The table of who resolves NAME.localhost, row by row, and hosts files that lead astray: with the real programs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doctor.real import Verdict, examine
from tests.netns import Network, network

PLAIN = "127.0.0.1 localhost\n"
FULL = "127.0.0.1 localhost\n::1 localhost\n"
FILES_ONLY = {"/etc/nsswitch.conf": "hosts: files\n", "/etc/resolv.conf": "# nobody\n"}
ASK = "import socket; socket.getaddrinfo('api.localhost', 80)"
SILENT = """
import socket, sys
server = socket.socket(type=socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print(1, flush=True)
sys.stdin.read()
"""
LOOKUP = "require('dns').lookup('api.localhost', (error, found) => console.log(error ? error.code : found))"

JAVA = """
public class Resolve {
    public static void main(String[] names) {
        try {
            System.out.println(java.net.InetAddress.getByName(names[0]));
        } catch (java.net.UnknownHostException error) {
            System.out.println("unknown");
        }
    }
}
"""
MUSL = """
#include <netdb.h>
#include <stdio.h>

int main(int count, char **words) {
    struct addrinfo *found;
    int error = getaddrinfo(words[1], "80", 0, &found);
    puts(error ? gai_strerror(error) : "found");
    return 0;
}
"""
# Says its port, then the Host of every request.
HOSTS = """
import os, socket
listener = socket.create_server(("127.0.0.1", 0))
os.write(1, b"%d\\n" % listener.getsockname()[1])
while True:
    client, _ = listener.accept()
    for line in client.recv(65536).splitlines():
        if line.lower().startswith(b"host:"):
            os.write(1, line.split()[1] + b"\\n")
    client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\nConnection: close\\r\\n\\r\\nhello")
    client.close()
"""


@pytest.fixture
def net() -> Iterator[Network]:
    with network(files={"/etc/hosts": PLAIN, **FILES_ONLY}) as made:
        yield made


def resolved(verdict: Verdict) -> dict[str, list[str]]:
    facts = verdict.report["walks"][0]["facts"]
    return {one["client"]: one["addresses"] for one in facts["names"]}


def test_what_the_doctor_says_of_each_client(net: Network) -> None:
    port, _ = net.listen("127.0.0.1:0")
    verdict = examine(net, f"http://api.localhost:{port}/")
    assert (verdict.status, verdict.codes, verdict.notes) == (0, [], ["name-only-in-browsers"])
    assert resolved(verdict) == {
        "browser": ["::1", "127.0.0.1"],
        "curl": ["::1", "127.0.0.1"],
        "getaddrinfo": [],
        "node": [],
    }


def test_python_asks_the_system(net: Network) -> None:
    done = net.run(sys.executable, "-c", ASK, check=False)
    assert "gaierror" in done.stderr


@pytest.mark.counterpart("node")
def test_node_asks_the_system(net: Network) -> None:
    assert net.run("node", "-e", LOOKUP).stdout == "ENOTFOUND\n"


@pytest.mark.counterpart("javac", "java")
def test_java_asks_the_system(net: Network) -> None:
    net.run("mount", "-t", "tmpfs", "none", "/mnt")
    net.run("sh", "-c", "cat > /mnt/Resolve.java", stdin=JAVA)
    assert net.run("java", "/mnt/Resolve.java", "api.localhost").stdout == "unknown\n"
    assert net.run("java", "/mnt/Resolve.java", "localhost").stdout == "localhost/127.0.0.1\n"


@pytest.mark.counterpart("musl-gcc")
def test_musl_asks_the_hosts_file_and_servers(net: Network, tmp_path: Path) -> None:
    source, program = tmp_path / "resolve.c", str(tmp_path / "resolve")
    source.write_text(MUSL)
    net.run("musl-gcc", "-static", "-o", program, str(source))
    assert net.run(program, "api.localhost").stdout != "found\n"
    assert net.run(program, "localhost").stdout == "found\n"


@pytest.mark.counterpart("firefox-esr")
def test_firefox_knows_it_by_itself_whatever_hosts_says() -> None:
    with network(files={"/etc/hosts": PLAIN + "192.0.2.7 api.localhost\n", **FILES_ONLY}) as net:
        server = net.start(sys.executable, "-c", HOSTS)
        assert server.stdout
        port = server.stdout.readline().strip()
        net.run("mount", "-t", "tmpfs", "none", "/mnt")
        words = ["--headless", "--no-remote", "--profile", "/mnt", "--screenshot", "/mnt/page.png"]
        net.run("firefox-esr", *words, f"http://api.localhost:{port}/", env={"HOME": "/mnt"})
        assert server.stdout.readline() == f"api.localhost:{port}\n"


@pytest.mark.counterpart("curl")
def test_curl_knows_it_by_itself(net: Network) -> None:
    port, _ = net.listen("127.0.0.1:0")
    assert net.run("curl", "-sS", f"http://api.localhost:{port}/").stdout == "hello"
    dotted = net.run("curl", "-sS", f"http://api.localhost.:{port}/", check=False)
    assert "Could not resolve" in dotted.stderr, "not with a dot at its end"


@pytest.mark.counterpart("chromium")
def test_chromium_knows_it_by_itself_whatever_hosts_says() -> None:
    with network(files={"/etc/hosts": PLAIN + "192.0.2.7 api.localhost\n", **FILES_ONLY}) as net:
        port, _ = net.listen("127.0.0.1:0")
        net.run("mount", "-t", "tmpfs", "none", "/mnt")
        words = ["--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=/mnt/profile", "--dump-dom"]
        program = shutil.which("chromium") or "chromium"
        assert "hello" in net.run(program, *words, f"http://api.localhost:{port}/").stdout
        verdict = examine(net, f"http://api.localhost:{port}/")
        assert (verdict.status, verdict.codes) == (2, ["name-leads-away"])
        assert "192.0.2.7 api.localhost" in verdict.said("name-leads-away")


def test_where_the_system_knows_it_there_is_no_note() -> None:
    with network(files={"/etc/hosts": PLAIN + "127.0.0.1 api.localhost\n", **FILES_ONLY}) as net:
        port, _ = net.listen("127.0.0.1:0")
        verdict = examine(net, f"http://api.localhost:{port}/")
        assert (verdict.status, verdict.codes, verdict.notes) == (0, [], [])


@pytest.mark.counterpart("node")
def test_localhost_is_ipv6_first_for_those_who_take_one() -> None:
    with network(files={"/etc/hosts": "::1 localhost\n127.0.0.1 localhost\n", **FILES_ONLY}) as net:
        port, _ = net.listen("127.0.0.1:0")
        verdict = examine(net, f"http://localhost:{port}/")
        assert (verdict.status, verdict.notes) == (0, ["one-family"])
        assert resolved(verdict)["node"] == ["::1", "127.0.0.1"]
        script = (
            f"require('http').get({{host: 'localhost', port: {port}, autoSelectFamily: false}})"
            ".on('error', error => console.log(error.code, error.address))"
        )
        assert net.run("node", "-e", script).stdout.split() == ["ECONNREFUSED", "::1"]


def test_a_server_on_ipv6_alone_is_out_of_reach_where_localhost_is_ipv4() -> None:
    with network(files={"/etc/hosts": PLAIN, **FILES_ONLY}) as net:
        port, _ = net.listen("::1:0")
        verdict = examine(net, f"http://localhost:{port}/")
        assert (verdict.status, verdict.codes) == (1, ["one-family"])
        assert "programs that ask the system (Python, Java)" in verdict.said("one-family")


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ("# empty\n", "hosts-file"),
        ("192.0.2.7 localhost\n", "hosts-file"),
        ("127.0.0.1 localhots\n", "hosts-file"),
        (PLAIN, None),
        (FULL, None),
    ],
)
def test_the_hosts_file_is_at_fault(hosts: str, expected: str | None) -> None:
    with network(files={"/etc/hosts": hosts, **FILES_ONLY}) as net:
        port, _ = net.listen("127.0.0.1:0", "::1:0")
        codes = [expected] if expected else []
        assert examine(net).codes == codes
        assert examine(net, f"http://localhost:{port}/").codes == codes


def test_a_name_that_nobody_knows(net: Network) -> None:
    verdict = examine(net, "http://shop.test:8080/")
    assert (verdict.status, verdict.codes) == (2, ["name-not-found"])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("loclahost", "localhost"),
        ("localhots", "localhost"),
        ("api.locahost", "api.localhost"),
        ("lokalhost", "localhost"),
    ],
)
def test_a_slip_of_the_pen(net: Network, typed: str, meant: str) -> None:
    verdict = examine(net, f"http://{typed}:3000/shop")
    assert (verdict.status, verdict.codes) == (2, ["name-not-found"])
    assert verdict.said("name-not-found").endswith(f"open http://{meant}:3000/shop")


def test_a_resolver_that_says_nothing() -> None:
    """A port on which somebody holds a UDP socket and never answers."""
    files = {
        "/etc/hosts": PLAIN,
        "/etc/nsswitch.conf": "hosts: files dns\n",
        "/etc/resolv.conf": "nameserver 127.0.0.1\n",
    }
    with network(files=files) as net:
        server = net.start(sys.executable, "-c", SILENT)
        assert server.stdout
        assert server.stdout.readline() == "1\n"
        verdict = examine(net, "http://shop.test:8080/")
        assert (verdict.status, verdict.codes) == (2, ["resolver-silent"])
