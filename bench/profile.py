"""Where the CPU time of processes went: reads `perf script -F comm,pid,tid,ip,sym,dso` and prints shares as JSON.

usage: perf script … | profile.py PID…

A sample belongs to the first kind in the list that anything of its stack belongs to, so what a kind calls (memory for its
buffers, the kernel for its sockets) counts with it.
"""

import json
import re
import sys
from collections import Counter

KINDS = [
    ("signatures", r"ed25519|curve25519|EVP_DigestSign|EVP_DigestVerify|ossl_ecdsa"),
    ("randomness", r"rand_bytes|RAND_bytes"),
    ("flushes of what was written", r"fsync|fdatasync|sync_file_range|ext4_sync"),
    ("sockets of clients, in the kernel", r"\btcp_|__netif_receive_skb|inet_"),
    ("socket between server and database, in the kernel", r"unix_stream|unix_dgram|sock_def_readable"),
    ("waiting and waking", r"epoll_wait|futex|schedule|worker::Context::park|ep_poll|sched_"),
    ("other work of the kernel", r"do_syscall_64|asm_exc_|asm_sysvec|asm_common_interrupt"),
    ("driver of the database", r"tokio_postgres|postgres_protocol|\bbb8|store::postgres|rusqlite|sqlite3"),
    ("JSON", r"serde_json|serde_core|serde::"),
    ("hashes", r"sha2::|hmac::|digest_blocks"),
    ("rules of this server", r"placet_server::(?!http::listen)|placet_oauth|placet_sdk"),
    ("HTTP", r"hyper|httparse|warp::|http::|placet_server::http::listen"),
    ("memory", r"\bmi_|_mi_|memcpy|memmove|malloc"),
]
OF_DATABASE = [
    ("flushes of what was written", r"fsync|fdatasync|sync_file_range|ext4_sync"),
    ("writes to files", r"vfs_write|pwrite|ext4_"),
    ("socket between server and database, in the kernel", r"unix_stream|sock_def_readable|__libc_send|__libc_recv"),
    ("waiting and waking", r"epoll_wait|futex|schedule|ep_poll|sched_"),
    ("other work of the kernel", r"do_syscall_64|asm_exc_|asm_sysvec|asm_common_interrupt"),
    ("planning and running statements", r""),
]
OTHER = "what has no name here"


def samples(lines):
    """Each sample: the name of its process, its process id, and its stack."""
    head, stack = None, []
    for line in lines:
        if not line.strip():
            if head:
                yield (*head, " ".join(stack))
            head, stack = None, []
        elif line[0].isspace():
            stack.append(line)
        elif found := re.match(r"(.*?)\s+(\d+)/\d+\s*$", line):
            head = found.group(1), int(found.group(2))
    if head:
        yield (*head, " ".join(stack))


def kind(stack, kinds):
    return next((name for name, pattern in kinds if re.search(pattern, stack)), OTHER)


def shares(counted):
    whole = sum(counted.values())
    return [[name, round(100 * count / whole, 1)] for name, count in counted.most_common()]


def main() -> None:
    pids = {int(pid) for pid in sys.argv[1:]}
    server, database = Counter(), Counter()
    for name, pid, stack in samples(sys.stdin):
        if pid in pids:
            server[kind(stack, KINDS)] += 1
        elif name.startswith("postgres"):
            database[kind(stack, OF_DATABASE)] += 1
    print(json.dumps({"server": shares(server), "database": shares(database)}))


if __name__ == "__main__":
    main()
