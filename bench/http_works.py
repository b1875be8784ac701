# SPDX-License-Identifier: Apache-2.0
"""The works of bench/run http: jzsed against nginx, a bare Beast server and the library itself, over loopback.

The server runs on the first processor, the load (wrk, or a client of Python's for one large file) on the others. nginx runs with what makes it fastest
for each work: sendfile, open_file_cache and no log for reads; DAV into a fresh directory, which it does not sync, for writes. jzsed runs without
a line in the log for each request, as nginx does.
"""

import contextlib
import functools
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import measures
from measures import GIB, KIB, MIB

CPUS = [str(cpu) for cpu in sorted(os.sched_getaffinity(0))]  # a container may have been given any
SERVER_CPU, LOAD_CPUS = CPUS[0], ",".join(CPUS[1:] or CPUS)
FILES = 1000  # of 4 KiB, read in turn
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
START_S = 20

GET_SCRIPT = """
local n, i, requests = %d, 0, {}
function init(args)
  for k = 0, n - 1 do requests[k + 1] = wrk.format("GET", "%s" .. k) end
  i = math.random(n)
end
function request() i = i %% n + 1 return requests[i] end
"""
PUT_SCRIPT = """
-- Bytes that do not compress, and in every 4 KiB of them the number of the request: nothing is stored twice.
local thread, blocks = 0, {}
function setup(t) t:set("id", thread) thread = thread + 1 end
function init(args)
  math.randomseed(%d + id)
  i = 0
  local byte, random = string.char, math.random
  for k = 1, 64 do
    local piece = {}
    for j = 1, 255 do
      piece[j] = byte(random(0, 255), random(0, 255), random(0, 255), random(0, 255), random(0, 255), random(0, 255), random(0, 255), random(0, 255),
        random(0, 255), random(0, 255), random(0, 255), random(0, 255), random(0, 255), random(0, 255), random(0, 255), random(0, 255))
    end
    blocks[k] = table.concat(piece)
  end
end
function request()
  i = i + 1
  local body, stamp = {}, string.format("%%016d", i * 64 + id)
  for k = 1, %d / 4096 do
    body[2 * k - 1] = stamp
    body[2 * k] = blocks[(i * 7 + k) %% 64 + 1]
  end
  return wrk.format("PUT", "%s" .. id .. "-" .. i, nil, table.concat(body))
end
function response(status) if status >= 300 then bad = (bad or 0) + 1 end end
function done(summary, latency, requests)
  io.write(string.format('JSON {"requests": %%d, "p50": %%d, "p99": %%d, "errors": %%d}\\n', summary.requests, latency:percentile(50), latency:percentile(99),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""
DONE = PUT_SCRIPT[PUT_SCRIPT.index("function done"):].replace("%%", "%")


def beside(bench, name, folder):
    """A program of the build, by the place of the driver."""
    return os.path.join(os.path.dirname(os.path.dirname(bench.driver)), folder, name)


def missing(bench, who):
    """Why a server of these works cannot run, or None."""
    programs = {"jzsed": beside(bench, "jzsed", "server/jzsed"), "beast": beside(bench, "jzse-bench-beast", "bench"), "nginx": NGINX}
    if who in programs and not os.path.exists(programs[who]):
        return f"no program {programs[who]}"
    return None


@contextlib.contextmanager
def process(words, **how):
    started = subprocess.Popen(["taskset", "-c", SERVER_CPU, *words], **how)
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(60)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def free_port():
    """Below those that the system gives to clients, so that nobody's connection takes it before the server does."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        lowest = int(file.read().split()[0])
    for _ in range(1000):
        port = random.randrange(12_000, lowest) if lowest > 13_000 else 0
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return probe.getsockname()[1]
    raise OSError("no port is free")


@contextlib.contextmanager
def jzsed(bench, path, *options):
    words = [beside(bench, "jzsed", "server/jzsed"), "--store", os.path.join(path, "store"), "--port", "0", "--threads", "1",
             "--no-log-requests", *options]
    with process(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as started:
        line = started.stdout.readline()
        if "serving" not in line:
            raise bench.Error("jzsed did not start")
        port = int(line.rsplit(":", 1)[1].strip(" /\n"))
        yield port, "/v1/namespaces/default/files/", started.pid


@contextlib.contextmanager
def nginx(bench, path, *_):
    port = free_port()
    root = os.path.join(path, "root")
    os.makedirs(root, exist_ok=True)
    os.makedirs(os.path.join(path, "temp"), exist_ok=True)
    user = "user root;" if os.geteuid() == 0 else ""
    config = f"""{user} daemon off; worker_processes 1; pid {path}/pid; error_log /dev/null crit; worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{ access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_timeout 65; keepalive_requests 1000000000; default_type application/octet-stream;
 open_file_cache max=100000 inactive=600s; open_file_cache_valid 600s; open_file_cache_min_uses 1; client_max_body_size 0; client_body_buffer_size 128k;
 client_body_temp_path {root}/.temp; proxy_temp_path {path}/temp/p; fastcgi_temp_path {path}/temp/f; uwsgi_temp_path {path}/temp/u; scgi_temp_path {path}/temp/s;
 server {{ listen 127.0.0.1:{port} backlog=1024; root {root}; location / {{ dav_methods PUT DELETE; create_full_put_path on; }} }} }}"""
    with open(os.path.join(path, "nginx.conf"), "w", encoding="ascii") as file:
        file.write(config)
    with process([NGINX, "-p", path, "-c", os.path.join(path, "nginx.conf")], stderr=subprocess.DEVNULL) as started:
        wait_for(port)
        yield port, "/", started.pid


@contextlib.contextmanager
def beast(bench, path, *_):
    program = beside(bench, "jzse-bench-beast", "bench")
    with process([program, str(4 * KIB)], stdout=subprocess.PIPE, text=True) as started:
        yield int(started.stdout.readline()), "/", started.pid


SERVERS = {"jzsed": jzsed, "nginx": nginx, "beast": beast}


def wait_for(port):
    end = time.monotonic() + START_S
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def wrk(bench, port, path, script, connections, seconds):
    file = os.path.join(path, "load.lua")
    with open(file, "w", encoding="ascii") as out:
        out.write(script)
    done = subprocess.run(["taskset", "-c", LOAD_CPUS, "wrk", "-t", str(min(connections, max(1, len(CPUS) - 1))), "-c", str(connections),
                           "-d", f"{max(1, round(seconds))}s", "--timeout", "30s", "-s", file, f"http://127.0.0.1:{port}/"],
                          capture_output=True, text=True, check=False, timeout=seconds + 120)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    summary = re.search(r"JSON (.*)", done.stdout)
    if not rate or not summary:
        raise bench.Error(f"wrk: {done.stdout[-300:]} {done.stderr[-300:]}")
    summary = json.loads(summary.group(1))
    if summary["errors"]:
        raise bench.Error(f"wrk: {summary['errors']} requests failed")
    return {"value": float(rate.group(1)), "verified": summary["requests"], "p50_us": summary["p50"], "p99_us": summary["p99"],
            "p99_by_p50": summary["p99"] / max(1, summary["p50"])}


def seconds_of(bench):
    return 1 if bench.sizes.quick else max(2, bench.sizes.measured_ms * 4 / 1000)


def fill(port, prefix, contents):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    for name, data in contents:
        connection.request("PUT", prefix + name, data)
        answer = connection.getresponse()
        answer.read()
        assert answer.status in (200, 201, 204), answer.status
    connection.close()


def dataset(bench, who, name, contents):
    """Files stored through the server itself, once. The bare one stores nothing: it has one content, in memory."""
    def make(path):
        if who == "beast":
            return
        with SERVERS[who](bench, path) as (port, prefix, _):
            fill(port, prefix, contents())
    return bench.dataset("http-" + name, who, make)


def gets(connections, size, files):
    def measure(bench, who, role, number):
        count = 20 if bench.sizes.quick else files
        path = dataset(bench, who, f"get-{size}", lambda: ((str(i), os.urandom(size)) for i in range(count)))
        with SERVERS[who](bench, path) as (port, prefix, _):
            script = GET_SCRIPT % (count, prefix) + DONE
            if not bench.sizes.quick:
                wrk(bench, port, path, script, connections, 1)
            return wrk(bench, port, path, script, connections, seconds_of(bench))
    return measure


def puts(connections, size):
    def measure(bench, who, role, number):
        if who == "library":
            return measures.put(connections)(bench, "jzse", role, number)
        with bench.directory() as path, SERVERS[who](bench, path) as (port, prefix, _):
            return wrk(bench, port, path, PUT_SCRIPT % (bench.seed + number, size, prefix + "f"), connections, seconds_of(bench))
    return measure


def receive(port, target):
    """Seconds until all of the body has arrived, which nobody looks at; its size."""
    buffer = bytearray(MIB)
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        start = time.perf_counter()
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        total = 0
        while count := connection.recv_into(buffer):
            total += count
        return time.perf_counter() - start, total


def evict(path):
    """Nothing below `path` stays in the page cache."""
    os.sync()
    for folder, _, names in os.walk(path):
        for name in names:
            fd = os.open(os.path.join(folder, name), os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


def put_large(bench, port, prefix):
    """Seconds of storing one file of stream_bytes, none of which is there twice; it comes from the page cache."""
    with open(measures.source(bench), "rb") as source, socket.create_connection(("127.0.0.1", port), 600) as connection:
        while source.read(MIB):
            pass
        source.seek(0)
        start = time.perf_counter()
        connection.sendall(f"PUT {prefix}large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                           f"Content-Length: {bench.sizes.stream_bytes}\r\n\r\n".encode())
        connection.sendfile(source)
        answer = b""
        while more := connection.recv(4096):
            answer += more
        seconds = time.perf_counter() - start
    assert answer.split(b" ")[1] in (b"201", b"204"), answer
    return seconds


def get_large(cold):
    def measure(bench, who, role, number):
        def make(path):
            with SERVERS[who](bench, path) as (port, prefix, _):
                put_large(bench, port, prefix)
        path = bench.dataset("http-large", who, make)
        if cold:
            evict(path)
        with SERVERS[who](bench, path) as (port, prefix, pid):
            if not cold:
                receive(port, prefix + "large")
            seconds, total = receive(port, prefix + "large")
            fetched = bytes_fetched(pid)
        if total < bench.sizes.stream_bytes:
            raise bench.Error(f"{who} sent {total} bytes")
        if cold and fetched < bench.sizes.stream_bytes * 0.99:  # opening may have left a page
            raise bench.Error(f"{who} fetched only {fetched} bytes from the disk")
        return {"value": bench.sizes.stream_bytes / MIB / seconds, "seconds": seconds, "verified": total}
    return measure


def put_large_work(bench, who, role, number):
    if who == "library":
        return measures.stream_put(bench, "jzse", role, number)
    with bench.directory() as path, SERVERS[who](bench, path) as (port, prefix, _):
        return {"value": bench.sizes.stream_bytes / MIB / put_large(bench, port, prefix), "verified": bench.sizes.stream_bytes}


def bytes_fetched(pid):
    """What a server and its children had the disk deliver."""
    pids = [pid] + subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    total = 0
    for each in pids:
        with open(f"/proc/{each}/io", encoding="ascii") as file:
            total += int(re.search(r"^read_bytes: (\d+)", file.read(), re.MULTILINE).group(1))
    return total


def resident(pid, what="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(what + r":\s+(\d+)", file.read()).group(1)) * KIB


def transfers(bench, who, role, number):
    """Peak memory of a server that took in and gave out big_bytes, by that of the library's own writer and reader with the same limit."""
    size = bench.sizes.big_bytes
    with bench.directory() as path, jzsed(bench, path, "--memory-limit", str(measures.MEMORY_LIMIT)) as (port, prefix, pid):
        def blocks():
            for number in range(0, size, MIB):
                yield os.urandom(min(MIB, size - number))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        start = time.perf_counter()
        connection.request("PUT", prefix + "big", blocks(), {"Content-Length": str(size)})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201, answer.status
        stored = time.perf_counter()
        put_peak = resident(pid, "VmHWM")
        _, total = receive(port, prefix + "big")
        end = time.perf_counter()
        peak = resident(pid, "VmHWM")
    if total < size:
        raise bench.Error(f"only {total} bytes came back")
    return {"value": peak / MIB, "put_peak_mib": put_peak / MIB, "put_mib_s": size / MIB / (stored - start),
            "get_mib_s": size / MIB / (end - stored), "verified": total}


def idle_memory(bench, who, role, number):
    """What 1,000 idle connections, each of which has sent a request, add to the server's memory."""
    count = 50 if bench.sizes.quick else 1000
    with bench.directory() as path, jzsed(bench, path) as (port, prefix, pid):
        fill(port, prefix, [("a", b"x" * 4096)])
        before = resident(pid)
        connections = []
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), 60)
            connection.sendall(f"GET {prefix}a HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            connection.recv(65536)
            connections.append(connection)
        value = (resident(pid) - before) / MIB
        for connection in connections:
            connection.close()
    return {"value": value, "verified": count}


def attackers(bench, who, role, number):
    """The 99th percentile of healthy clients' gets among 1,000 connections that drip a byte a second, by that without them."""
    count = 50 if bench.sizes.quick else 1000
    with bench.directory() as path, jzsed(bench, path, "--connections-max", "4096", "--connections-per-address-max", "2048") as (port, prefix, _):
        fill(port, prefix, ((str(i), os.urandom(4 * KIB)) for i in range(100)))
        script = GET_SCRIPT % (100, prefix) + DONE
        wrk(bench, port, path, script, 16, 1)
        baseline = wrk(bench, port, path, script, 16, seconds_of(bench))
        stop = threading.Event()
        drippers = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(count)]
        for dripper in drippers:
            dripper.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ")

        def drip():
            """A byte a second from each, spread over the second: together they would stop the load's processor, not the server."""
            turn = 0
            while not stop.wait(0.02):
                for dripper in drippers[turn::50]:
                    with contextlib.suppress(OSError):
                        dripper.send(b"x")
                turn = (turn + 1) % 50
        thread = threading.Thread(target=drip)
        thread.start()
        attacked = wrk(bench, port, path, script, 16, seconds_of(bench))
        stop.set()
        thread.join()
        for dripper in drippers:
            dripper.close()
    return {"value": attacked["p99_us"] / max(1, baseline["p99_us"]), "p99_us": attacked["p99_us"], "baseline_p99_us": baseline["p99_us"],
            "verified": attacked["verified"]}


def start_time(bench, who, role, number):
    """Milliseconds from exec to the first answer, on a store of 100k files."""
    count = 500 if bench.sizes.quick else 100_000

    def make(path):
        with jzsed(bench, path) as (port, _, _):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
            for at in range(0, count, 1000):
                operations = [{"op": "put", "namespace": "default", "path": f"d{i % 100}/{i}", "text": str(i)}
                              for i in range(at, min(at + 1000, count))]
                connection.request("POST", "/v1/batch", json.dumps({"operations": operations}), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200, answer.status
            connection.close()
    path = bench.dataset("http-100k", who, make)
    start = time.perf_counter()
    with jzsed(bench, path) as (port, _, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
        value = (time.perf_counter() - start) * 1000
        connection.close()
    if status != 200:
        raise bench.Error(f"not ready: {status}")
    return {"value": value, "verified": 1}


def make_works(Work, Figure, at_most):
    """The works, made of works.py's classes."""
    read = functools.partial(Work, contender="jzsed", reads=True, needs="wrk", rounds=7)
    write = functools.partial(Work, contender="jzsed", needs="wrk", rounds=7)
    alone = functools.partial(Work, contender="jzsed", needs="wrk")
    disk = {"disk_bytes": lambda sizes: 4 * sizes.stream_bytes + GIB}
    return [
        read("http-get-4k-16", "GET of 4 KiB, 16 connections kept alive, server on one processor", "gets/s", gets(16, 4 * KIB, FILES),
             peers=("nginx", "beast"), targets={"nginx": 1.05, "beast": 0.85}, seconds=25, dataset="http-4k"),
        read("http-get-4k-64", "the same with 64 connections", "gets/s", gets(64, 4 * KIB, FILES),
             peers=("nginx", "beast"), targets={"nginx": 1.05, "beast": 0.85}, seconds=25, dataset="http-4k"),
        read("http-get-1m", "GET of 1 MiB, 8 connections", "gets/s", gets(8, MIB, 64), peers=("nginx",), targets={"nginx": 1.1}, seconds=18),
        read("http-get-1g", "GET of 1 GiB from the page cache", "MiB/s", get_large(False), peers=("nginx",), targets={"nginx": 1.1},
             seconds=20, dataset="http-large", **disk),
        read("http-get-1g-cold", "the same, nothing of it in the page cache", "MiB/s", get_large(True), peers=("nginx",), targets={"nginx": 1.2},
             seconds=20, cold=True, dataset="http-large", **disk),
        write("http-put-4k-64", "durable PUT of 4 KiB, 64 connections; nginx does not sync", "puts/s", puts(64, 4 * KIB), peers=("nginx", "library"),
              targets={"nginx": 3, "library": 0.5}, seconds=20, also=(
                  Figure("http-put-4k-64-tail", "99th percentile of its latency by the median", "x", "p99_by_p50", **at_most("bar of 5", 5.0)),)),
        write("http-put-1m", "durable PUT of 1 MiB, 8 connections; nginx does not sync", "puts/s", puts(8, MIB), peers=("nginx",), targets={"nginx": 3},
              seconds=20, disk_bytes=lambda sizes: 20 * GIB),
        write("http-put-1g", "durable PUT of 1 GiB", "MiB/s", put_large_work, peers=("library",), targets={"library": 0.7}, seconds=20, **disk),
        alone("http-idle", "memory that 1,000 idle connections add", "MiB", idle_memory, rounds=3, seconds=3, **at_most("bar of 128 MiB", 128.0)),
        alone("http-slow", "99th percentile of GETs among 1,000 slow attackers, by that without", "x", attackers, rounds=5, seconds=12,
              **at_most("bar of 2", 2.0)),
        alone("http-big", "peak memory of jzsed while 10 GiB go in and out, memory limit 128 MiB", "MiB", transfers, rounds=1, exact=True, seconds=90,
              disk_bytes=lambda sizes: sizes.big_bytes * 3 // 2 + GIB, **at_most("bar of 256 MiB", 256.0)),
        alone("http-start", "jzsed ready on a store of 100k files", "ms", start_time, rounds=7, seconds=2, setup_seconds=10, dataset="http-100k",
              **at_most("bar of 300 ms", 300.0)),
    ]
