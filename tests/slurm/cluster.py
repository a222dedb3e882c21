"""A real SLURM on this machine: slurmctld, three slurmd with fake GPUs, munge, slurmdbd on MariaDB.

    python tests/slurm/cluster.py up        # ready in seconds; tests/slurm/install.sh first
    python tests/slurm/cluster.py down      # ends exactly what `up` started and removes what it wrote

Node ``g1`` has two GPUs and ``g2`` one (device files that nothing reads), ``c1`` has none; the partitions are
``cpu``, ``gpu`` and ``urgent``, whose jobs preempt those of ``gpu``. Ports are free ones, all state lies in one folder,
but slurm.conf must be the system's own: Snakemake's plugin drops SLURM_CONF on its way to the node. An existing
configuration is therefore never touched: :func:`obstacle` names it.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

STATE = Path("/var/tmp/tradeoffs-slurm")
DEVICES = STATE / "devices.log"  # one line per started task: job, node, CUDA_VISIBLE_DEVICES
ETC = Path("/etc/slurm")
MARK = "# written by tests/slurm/cluster.py"
GPU_NODES = {"g1": 2, "g2": 1}
NODES = [*GPU_NODES, "c1"]
# Of each node, two jobs' worth. Together they may promise more than the machine has: no test uses it.
MEMORY_MB = min(9000, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20 - 500)
PROGRAMS = ("slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd", "sbatch", "squeue", "sacct")
_started: list[subprocess.Popen[bytes]] = []  # kept, so that Python does not complain of living children


def obstacle() -> str | None:
    """Return why no cluster can be started here, or None."""
    if os.getuid() != 0:
        return "a SLURM cluster is started by root only"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed: run tests/slurm/install.sh"
    conf = ETC / "slurm.conf"
    if conf.exists() and MARK not in conf.read_text():
        return f"{conf} belongs to another cluster"
    return None


def cgroups() -> bool:
    """Return whether version 1 control groups are mounted, by which SLURM ends every child and enforces memory."""
    return all(
        Path(f"/sys/fs/cgroup/{name}/cgroup.procs").exists() and os.access(f"/sys/fs/cgroup/{name}", os.W_OK)
        for name in ("freezer", "memory", "cpuset")
    )


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _configure() -> None:
    """Write the daemons' configuration, and the device files that stand for GPUs."""
    host = socket.gethostname().split(".")[0]
    controller, accounting, database, *ports = _free_ports(3 + len(NODES))
    for name in ("state", "spool", "log", "pid", "database"):
        (STATE / name).mkdir(parents=True)
    for index in range(max(GPU_NODES.values())):
        os.mknod(STATE / f"gpu{index}", 0o666 | 0o020000, os.makedev(1, 3))
        (STATE / f"gpu{index}").chmod(0o666)
    if cgroups():
        tracking = "ProctrackType=proctrack/cgroup\nTaskPlugin=task/cgroup"
        (ETC / "cgroup.conf").write_text(f"{MARK}\nCgroupPlugin=cgroup/v1\nConstrainRAMSpace=yes\n")
    else:
        tracking = "ProctrackType=proctrack/pgid\nTaskPlugin=task/none"
    nodes = "\n".join(
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={os.cpu_count()} "
        f"RealMemory={MEMORY_MB}" + (f" Gres=gpu:{GPU_NODES[node]}" if node in GPU_NODES else "")
        for node, port in zip(NODES, ports, strict=True)
    )
    gpu_nodes = ",".join(GPU_NODES)
    (ETC / "slurm.conf").write_text(f"""{MARK}
ClusterName=tradeoffs
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
StateSaveLocation={STATE}/state
SlurmdSpoolDir={STATE}/spool/%n
SlurmctldPidFile={STATE}/pid/slurmctld.pid
SlurmdPidFile={STATE}/pid/slurmd-%n.pid
SlurmctldLogFile={STATE}/log/slurmctld.log
SlurmdLogFile={STATE}/log/%n.log
{tracking}
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=500
GresTypes=gpu
AuthInfo=cred_expire=10
AccountingStoreFlags=job_comment
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={accounting}
AccountingStorageTRES=gres/gpu
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MinJobAge=300
SlurmdTimeout=15
KillWait=5
UnkillableStepTimeout=300
ReturnToService=2
SchedulerParameters=sched_interval=5,bf_interval=5,sched_min_interval=100000
TaskProlog={STATE}/note_devices
MailProg=/bin/true
MpiDefault=none
{nodes}
PartitionName=cpu Nodes=c1 Default=YES PreemptMode=OFF
PartitionName=gpu Nodes={gpu_nodes} PriorityTier=1
PartitionName=urgent Nodes={gpu_nodes} PriorityTier=10 PreemptMode=OFF
""")
    (ETC / "gres.conf").write_text(
        MARK
        + "\n"
        + "\n".join(f"NodeName={n} Name=gpu File={STATE}/gpu[0-{k - 1}]" for n, k in GPU_NODES.items())
        + "\n"
    )
    accounts = ETC / "slurmdbd.conf"
    accounts.touch(0o600)
    accounts.write_text(f"""{MARK}
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={accounting}
SlurmUser=root
PidFile={STATE}/pid/slurmdbd.pid
LogFile={STATE}/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database}
StorageUser=accounts
StoragePass=accounts
StorageLoc=accounts
""")
    (STATE / "first.sql").write_text(
        "CREATE DATABASE IF NOT EXISTS accounts;\n"
        "CREATE USER IF NOT EXISTS accounts@'127.0.0.1' IDENTIFIED BY 'accounts';\n"
        "GRANT ALL ON accounts.* TO accounts@'127.0.0.1';\n"
    )
    note = STATE / "note_devices"
    note.write_text(f'#!/bin/sh\necho "$SLURM_JOB_ID $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES" >> {DEVICES}\n')
    note.chmod(0o755)
    (STATE / "database.port").write_text(str(database))


def _command(daemon: str) -> list[str]:
    """Return how a daemon is run in the foreground."""
    if daemon == "munged":
        return ["munged", "--foreground"]
    if daemon == "mariadbd":
        port = (STATE / "database.port").read_text()
        where = [f"--datadir={STATE}/database", f"--socket={STATE}/database.sock", f"--init-file={STATE}/first.sql"]
        return ["mariadbd", "--no-defaults", "--user=root", "--bind-address=127.0.0.1", f"--port={port}", *where]
    if daemon in NODES:
        return ["slurmd", "-D", "-N", daemon]
    return [daemon, "-D"]


def birth(pid: int) -> str:
    """Return when a process started, which tells it from another with its id; empty where it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def start(daemon: str) -> None:
    """Start one daemon (slurmctld, slurmdbd, mariadbd, munged, a node's slurmd by the node's name) and note its pid."""
    user = {"user": "munge", "group": "munge", "extra_groups": []} if daemon == "munged" else {}
    with (STATE / "log" / f"{daemon}.out").open("ab") as log:
        process = subprocess.Popen(
            _command(daemon), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **user
        )
    _started.append(process)
    (STATE / "pid" / daemon).write_text(f"{process.pid} {birth(process.pid)}")


def stop(daemon: str, how: signal.Signals = signal.SIGTERM) -> None:
    """End a daemon that was started here, and wait until it is gone."""
    note = STATE / "pid" / daemon
    pid, born = note.read_text().split()
    with contextlib.suppress(ProcessLookupError):
        if birth(int(pid)) == born:
            os.kill(int(pid), how)
    wait(lambda: birth(int(pid)) != born, f"{daemon} to end", 60)
    for process in _started:
        process.poll()
    note.unlink()


def wait(condition: Callable[[], object], what: str, seconds: float) -> None:
    """Wait until ``condition()`` is true; raise TimeoutError with ``what`` was waited for after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.1)


def ask(*command: str) -> str:
    """Return what a SLURM command prints, empty where it fails."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def node_states() -> dict[str, str]:
    """Return the state of each node as ``sinfo`` prints it."""
    return dict(line.split() for line in ask("sinfo", "-h", "-N", "-o", "%N %T").splitlines())


def resume_nodes() -> None:
    """Return every node to service, whatever a test did to it, and wait until all are idle."""
    for node, state in node_states().items():
        if not state.startswith(("idle", "mixed", "allocated")):
            ask("scontrol", "update", f"nodename={node}", "state=resume")
    wait(lambda: set(node_states().values()) == {"idle"}, "all nodes to be idle", 90)


def up() -> None:
    """Start the cluster, and return when all its nodes are idle. Raises RuntimeError where none can be started."""
    if (reason := obstacle()) is not None:
        raise RuntimeError(reason)
    down()
    _configure()
    if subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode != 0:
        Path("/run/munge").mkdir(exist_ok=True)
        shutil.chown("/run/munge", "munge", "munge")
        start("munged")
        wait(lambda: subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode == 0, "munge", 20)
    install = ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={STATE}/database", "--skip-test-db"]
    subprocess.run([*install, "--auth-root-authentication-method=normal"], check=True, capture_output=True)
    start("mariadbd")
    wait(lambda: _listens(int((STATE / "database.port").read_text())), "the database", 60)
    start("slurmdbd")
    wait(lambda: ask("sacctmgr", "-n", "list", "cluster") != "" or _answers(), "slurmdbd", 60)
    ask("sacctmgr", "-i", "add", "cluster", "tradeoffs")
    start("slurmctld")
    for node in NODES:
        start(node)
    wait(lambda: "UP" in ask("scontrol", "ping"), "slurmctld", 60)
    wait(lambda: set(node_states().values()) == {"idle"} and len(node_states()) == len(NODES), "the nodes", 60)


def _answers() -> bool:
    return subprocess.run(["sacctmgr", "-n", "list", "cluster"], capture_output=True, check=False).returncode == 0


def _listens(port: int) -> bool:
    with socket.socket() as each:
        return each.connect_ex(("127.0.0.1", port)) == 0


def down() -> None:
    """End the jobs and daemons that ``up`` started and remove what it wrote; nothing where there is nothing."""
    if not STATE.exists():
        return
    running = {path.name for path in (STATE / "pid").glob("*") if path.suffix != ".pid"}
    if "slurmctld" in running:
        ask("scancel", "--state=PENDING", "--me")
        ask("scancel", "--me")
        with contextlib.suppress(TimeoutError):
            wait(lambda: not ask("squeue", "-h", "-o", "%i"), "jobs to end", 30)
    for daemon in ("slurmctld", *NODES, "slurmdbd", "mariadbd", "munged"):
        if daemon in running:
            stop(daemon)
    for name in ("slurm.conf", "gres.conf", "cgroup.conf", "slurmdbd.conf"):
        path = ETC / name
        if path.exists() and MARK in path.read_text():
            path.unlink()
    for node in NODES:
        for controller in Path("/sys/fs/cgroup").glob(f"*/slurm_{node}"):
            for folder in sorted([controller, *controller.rglob("*/")], reverse=True):
                with contextlib.suppress(OSError):
                    folder.rmdir()
    shutil.rmtree(STATE)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["up"]:
            try:
                up()
            except (RuntimeError, TimeoutError) as error:
                sys.exit(f"error: {error}; logs are in {STATE}/log")
        case ["down"]:
            down()
        case _:
            sys.exit("usage: python tests/slurm/cluster.py up|down")
