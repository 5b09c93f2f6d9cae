#!/usr/bin/env python3
"""Compares the CPU time of the example `ofctl` with that of `ovs-ofctl`, on the same flows.

usage: compare.py OFCTL [FLOWS]

OFCTL is the example built with --release, with the example `push` beside it. Both programs read,
encode and print FLOWS flows, 100000 unless told otherwise. Then both push them to a switch in one
bundle, and fetch and print them all; `push` does the same with flows that are not read from text.
The switch is started for this alone, with the dummy datapath. The least of several runs counts, in
seconds of user and system time; for a bundle, also as a share of the switch's own.
"""

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time

REPETITIONS = 5
PUSHES = 2
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
OVS_OFCTL = ["ovs-ofctl", "--no-names", "-O", "OpenFlow13"]


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
    return min(once(command) for _ in range(REPETITIONS))


def once(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


class Switch:
    """Open vSwitch with the bridge br0, in a directory of its own."""

    def __init__(self, directory):
        self.directory = directory
        self.environment = dict(os.environ, OVS_RUNDIR=directory, OVS_LOGDIR=directory)
        self.daemons = []

    def __enter__(self):
        self.run("ovsdb-tool", "create", "conf.db", SCHEMA)
        self.spawn("ovsdb-server", "conf.db", "--remote=punix:db.sock", "--unixctl=db.ctl")
        self.wait_for("db.sock")
        self.vsctl("--no-wait", "init")
        self.spawn(
            "ovs-vswitchd", "unix:db.sock", "--unixctl=vswitchd.ctl",
            "--enable-dummy", "--disable-system", "--disable-system-route",
        )
        self.vsctl(
            "add-br", "br0",
            "--", "set", "bridge", "br0", "datapath_type=dummy", "fail_mode=secure",
        )
        self.wait_for("br0.mgmt")
        return self

    def __exit__(self, *_):
        for daemon in reversed(self.daemons):
            daemon.terminate()
            daemon.wait()

    @property
    def target(self):
        return "unix:" + os.path.join(self.directory, "br0.mgmt")

    def vsctl(self, *arguments):
        self.run("ovs-vsctl", "--db=unix:db.sock", "--timeout=10", *arguments)

    def run(self, *command):
        subprocess.run(command, check=True, cwd=self.directory, env=self.environment)

    def spawn(self, *command):
        log = open(os.path.join(self.directory, command[0] + ".err"), "wb")
        with contextlib.closing(log):
            self.daemons.append(
                subprocess.Popen(
                    command, cwd=self.directory, env=self.environment, stderr=log
                )
            )

    def wait_for(self, name):
        deadline = time.monotonic() + 10
        while not os.path.exists(os.path.join(self.directory, name)):
            if time.monotonic() > deadline:
                raise TimeoutError(name)
            time.sleep(0.01)

    def cpu(self):
        """The user and system time of ovs-vswitchd so far."""
        with open(f"/proc/{self.daemons[-1].pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def push(self, command):
        """The least times of the command and of the switch, which has no flows before."""
        times = []
        for _ in range(PUSHES):
            self.run(*OVS_OFCTL, "del-flows", self.target)
            before = self.cpu()
            times.append((once(command), self.cpu() - before))
        return min(times)


def offline(ofctl, path):
    theirs = cpu([*OVS_OFCTL, "parse-flows", path])
    print(f"ovs-ofctl parse-flows: {theirs:.2f} s")
    for command in ("parse-flows", "encode-flows"):
        ours = cpu([ofctl, command, path])
        print(f"ofctl {command}: {ours:.2f} s, ratio {ours / theirs:.2f}")


def online(ofctl, path, count, switch):
    pushes = {
        "ovs-ofctl": [*OVS_OFCTL, "--bundle", "add-flows", switch.target, path],
        "ofctl": [ofctl, "--bundle", "add-flows", switch.target, path],
    }
    for name, command in pushes.items():
        own, of_switch = switch.push(command)
        share = own / of_switch
        print(f"{name} --bundle add-flows: {own:.2f} s, switch {of_switch:.2f} s, share {share:.1%}")
    push = os.path.join(os.path.dirname(ofctl), "push")
    own, of_switch = switch.push([push, switch.target, str(count)])
    print(f"push: {own:.2f} s, switch {of_switch:.2f} s, share {own / of_switch:.1%}")
    theirs = cpu([*OVS_OFCTL, "dump-flows", switch.target])
    ours = cpu([ofctl, "dump-flows", switch.target])
    print(f"ovs-ofctl dump-flows: {theirs:.2f} s")
    print(f"ofctl dump-flows: {ours:.2f} s, ratio {ours / theirs:.2f}")


def main():
    ofctl = os.path.abspath(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "flows")
        with open(path, "w", encoding="ascii") as file:
            file.writelines(flows(count))
        offline(ofctl, path)
        with Switch(directory) as switch:
            online(ofctl, path, count, switch)


if __name__ == "__main__":
    main()
