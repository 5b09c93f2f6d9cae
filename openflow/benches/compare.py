#!/usr/bin/env python3
"""Compares the CPU time of the example `ofctl` with that of `ovs-ofctl`, on the same flows.

usage: compare.py OFCTL [FLOWS]

OFCTL is the example built with --release. Both programs read, encode and print FLOWS flows, 100000
unless told otherwise; the least of several runs counts, in seconds of user and system time.
"""

import os
import resource
import subprocess
import sys
import tempfile

REPETITIONS = 5


def flows(count):
    for n in range(count):
        port = n % 60000 + 1
        address = f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
        yield (
            f"table=82,priority=77,cookie={n:#x},tcp,nw_src={address},reg5={port:#x},"
            f"ct_state=+new-est,tp_dst={port} "
            f"actions=ct(commit,zone=NXM_NX_REG6[0..15]),output:43,resubmit(,92)\n"
        )


def cpu(command):
    """The least user and system time of some runs of a command."""
    least = float("inf")
    for _ in range(REPETITIONS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        least = min(least, used)
    return least


def main():
    ofctl = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "flows")
        with open(path, "w", encoding="ascii") as file:
            file.writelines(flows(count))
        theirs = cpu(["ovs-ofctl", "--no-names", "-O", "OpenFlow13", "parse-flows", path])
        print(f"ovs-ofctl parse-flows: {theirs:.2f} s")
        for command in ("parse-flows", "encode-flows"):
            ours = cpu([ofctl, command, path])
            print(f"ofctl {command}: {ours:.2f} s, ratio {ours / theirs:.2f}")


main()
