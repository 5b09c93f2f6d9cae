#!/usr/bin/python3
"""Measures this crate beside the Python IDL of Open vSwitch and ovsdb-client.

    cargo build --release -p ovsdb --example measure
    ovsdb/benches/compare.py target/release/examples/measure [ROWS [TRANSACTIONS]]

Needs ovsdb-server, ovsdb-client and python3-openvswitch. One run starts a server with ROWS rows
and has each client replicate them and then change TRANSACTIONS of them, one transaction after the
other; this crate also does with 100 transactions under way, which the Python IDL cannot. All
figures are seconds: how long it took, and what the client and the server used of a processor.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

SCHEMA = {
    "name": "Bench",
    "version": "1.0.0",
    "tables": {"Port": {"isRoot": True, "columns": {
        "name": {"type": "string"},
        "number": {"type": "integer"},
        "external_ids": {"type": {
            "key": "string", "value": "string", "min": 0, "max": "unlimited"}}}}},
}


def idl(remote, parser, transactions):
    """Does with the Python IDL what the example does; runs in a process of its own."""
    import ovs.db.idl
    import ovs.json
    import ovs.poller

    ovs.json.PARSER = ovs.json.PARSER_C if parser == "c" else ovs.json.PARSER_PY
    def used(since=(0, 0)):
        return time.monotonic() - since[0], time.process_time() - since[1]

    start = used()
    helper = ovs.db.idl.SchemaHelper(schema_json=SCHEMA)
    helper.register_all()
    replica = ovs.db.idl.Idl(remote, helper, probe_interval=0)
    replica.index_create("Port", "name").add_column("name")

    def wait():
        poller = ovs.poller.Poller()
        replica.wait(poller)
        poller.block()

    while not replica.has_ever_connected():
        if not replica.run():
            wait()
    replicated = used(start)

    start = used()
    table = replica.tables["Port"]
    by_name = {row.name: row for row in table.rows.values()}
    for number in range(transactions):
        row = by_name["port%d" % number]
        transaction = ovs.db.idl.Transaction(replica)
        row.number = row.number + 1
        assert transaction.commit_block() == ovs.db.idl.Transaction.SUCCESS
    print(len(table.rows), *replicated, *used(start))


def fill(remote, rows):
    """Inserts the rows, as many in each transaction as fit in an argument."""
    for first in range(0, rows, 200):
        operations = ["Bench"]
        for number in range(first, min(first + 200, rows)):
            marks = [["attached-mac", "fa:16:3e:00:00:01"],
                     ["iface-id", "7571157f-bcad-4032-8ad1-%012x" % number],
                     ["iface-status", "active"],
                     ["description", "d" * 250]]
            operations.append({"op": "insert", "table": "Port", "row": {
                "name": "port%d" % number, "external_ids": ["map", marks]}})
        subprocess.run(["ovsdb-client", "transact", remote, json.dumps(operations)],
                       check=True, stdout=subprocess.DEVNULL)


def cpu(process):
    """What a living process has used, in seconds."""
    with open("/proc/%d/stat" % process) as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(name, server, command):
    before = cpu(server)
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - start
    assert status == 0, name
    figures = [float(figure) for figure in output.split()[1:]] if len(output) < 200 else [
        wall, usage.ru_utime + usage.ru_stime, 0, 0]
    print("%-24s %9.2f %9.2f %9.2f %9.2f %9.2f" % (
        name, *figures, cpu(server) - before), flush=True)


def main():
    example = sys.argv[1]
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 100000
    transactions = int(sys.argv[3]) if len(sys.argv) > 3 else 10000
    with tempfile.TemporaryDirectory() as directory:
        schema, database = directory + "/schema", directory + "/db"
        with open(schema, "w") as file:
            json.dump(SCHEMA, file)
        subprocess.run(["ovsdb-tool", "create", database, schema], check=True)
        remote = "unix:%s/sock" % directory
        server = subprocess.Popen([
            "ovsdb-server", "--remote=p" + remote, "--unixctl=%s/ctl" % directory,
            "--no-chdir", "-vconsole:off", database])
        try:
            while not os.path.exists(directory + "/sock"):
                time.sleep(0.01)
            fill(remote, rows)
            print("%d rows, %d transactions" % (rows, transactions))
            print("%-24s %9s %9s %9s %9s %9s" % (
                "", "replica", "its CPU", "changes", "its CPU", "server"))
            measure("ovsdb", server.pid, [example, remote, str(transactions), "1"])
            measure("ovsdb, 100 under way", server.pid, [
                example, remote, str(transactions), "100"])
            for parser in "c", "python":
                measure("Python IDL, parser %s" % parser, server.pid, [
                    "/usr/bin/python3", __file__, "--idl", remote, parser, str(transactions)])
            measure("ovsdb-client dump", server.pid, ["ovsdb-client", "dump", remote, "Bench"])
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--idl"]:
        idl(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
