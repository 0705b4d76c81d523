# SPDX-License-Identifier: Apache-2.0
"""A private Slurm cluster on this machine: munged, slurmctld and a slurmd for each node, all of it below one folder and
on the loopback device; nothing of the system's configuration is read or changed. Needs Debian's slurm-wlm and munge."""
import getpass
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import time

PROGRAMS = ("sbatch", "squeue", "scancel", "scontrol", "sinfo", "slurmctld", "slurmd", "munged")

# One core and a GPU a node; dead nodes are noticed after some seconds, requeued jobs wait for few; no cgroups.
CONFIGURATION = """\
ClusterName=bitwright
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/pid/slurmctld.pid
SlurmdPidFile={folder}/pid/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
PropagateResourceLimits=NONE
GresTypes=gpu
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=256
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1
ReturnToService=2
SlurmdTimeout=6
SlurmctldTimeout=6
InactiveLimit=0
MessageTimeout=4
TCPTimeout=1
KillWait=2
MinJobAge=600
JobRequeue=1
{nodes}
PartitionName=main Nodes=n[1-{count}] Default=YES MaxTime=INFINITE State=UP
"""


def missing_program():
    """The first program of Slurm that is not there, or None."""
    path = os.environ["PATH"] + ":/usr/sbin"
    return next((program for program in PROGRAMS if not shutil.which(program, path=path)), None)


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def environment_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def processes():
    return [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()]


class Cluster:
    def __init__(self, folder, nodes=3, port=None):
        self.folder = pathlib.Path(folder)
        self.count = nodes
        self.port = port or random.randrange(20000, 30000, nodes + 1)  # and one for each node
        self.environment = dict(os.environ, SLURM_CONF=str(self.folder / "slurm.conf"),
                                PATH=os.environ["PATH"] + ":/usr/sbin")

    def run(self, *command, check=True):
        return subprocess.run(command, env=self.environment, check=check, capture_output=True, text=True).stdout

    def up(self):
        for name in ("munge", "state", "log", "pid", *(f"spool-n{i + 1}" for i in range(self.count))):
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)
        key = self.folder / "munge/key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        self.run("munged", f"--key-file={key}", f"--socket={self.folder}/munge/socket", f"--pid-file={self.folder}/munge/pid",
                 f"--log-file={self.folder}/log/munged.log", f"--seed-file={self.folder}/munge/seed", "--num-threads=2")
        (self.folder / "gpu").touch()  # to be counted: there is no device behind it
        (self.folder / "gres.conf").write_text(f"NodeName=n[1-{self.count}] Name=gpu File={self.folder}/gpu\n")
        host = socket.gethostname().split(".")[0]
        nodes = "\n".join(f"NodeName=n{i} NodeHostname={host} NodeAddr=127.0.0.1 Port={self.port + i} CPUs=1 "
                          "RealMemory=4096 Gres=gpu:1 State=UNKNOWN" for i in range(1, self.count + 1))
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(
            host=host, port=self.port, user=getpass.getuser(), folder=self.folder, nodes=nodes, count=self.count))
        self.start_controller()
        for i in range(1, self.count + 1):
            self.start_node(i)
        self.wait_until(lambda: self.run("sinfo", "-h", "-N", "-t", "idle", check=False).count("\n") >= self.count, 60)

    def start_controller(self):
        self.run("slurmctld", "-i")

    def start_node(self, i):
        self.run("slurmd", "-N", f"n{i}")

    def pid_of(self, name):
        return int((self.folder / "pid" / f"{name}.pid").read_text())

    def kill_controller(self):
        os.kill(self.pid_of("slurmctld"), signal.SIGKILL)

    def of_node(self, i):
        """All processes of a node: its slurmd, the steps of its jobs and what these run."""
        mark = f"SLURMD_NODENAME=n{i}".encode()
        steps = [pid for pid in processes() if f"[" in command_line(pid) and "slurmstepd" in command_line(pid)
                 and self.node_of_step(pid) == f"n{i}"]
        return [self.pid_of(f"slurmd-n{i}"), *steps, *self.jobs_of_node(i, mark)]

    def jobs_of_node(self, i, mark=None):
        mark = mark or f"SLURMD_NODENAME=n{i}".encode()
        conf = f"SLURM_CONF={self.folder}/slurm.conf".encode()
        return [pid for pid in processes() if mark in environment_of(pid) and conf in environment_of(pid)]

    def node_of_step(self, pid):
        """Of a slurmstepd: a child of it says."""
        for child in processes():
            try:
                stat = pathlib.Path(f"/proc/{child}/stat").read_text()
            except OSError:
                continue
            if int(stat.rsplit(")", 1)[1].split()[1]) == pid:
                for entry in environment_of(child):
                    if entry.startswith(b"SLURMD_NODENAME="):
                        return entry.split(b"=", 1)[1].decode()
        return ""

    def send(self, pids, signal_number):
        for pid in pids:
            try:
                os.kill(pid, signal_number)
            except ProcessLookupError:
                pass

    def kill_node(self, i):
        self.send(self.of_node(i), signal.SIGKILL)

    def cut_off(self, i):
        """The node's daemons no longer answer, while its jobs run on: what a broken network looks like from outside."""
        self.send([pid for pid in self.of_node(i) if pid not in self.jobs_of_node(i)], signal.SIGSTOP)

    def reconnect(self, i):
        self.send(self.of_node(i), signal.SIGCONT)

    def wait_until(self, condition, seconds):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"not within {seconds} s; see {self.folder}/log")
            time.sleep(0.2)

    def down(self):
        conf = f"SLURM_CONF={self.folder}/slurm.conf".encode()
        for pid in processes():
            mine = str(self.folder) in command_line(pid) or conf in environment_of(pid)
            if mine and pid != os.getpid() and any(
                    name in command_line(pid) for name in ("slurm", "munged", "bitwright-trial", "job.sh")):
                self.send([pid], signal.SIGCONT)
                self.send([pid], signal.SIGKILL)
