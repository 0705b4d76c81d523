#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A search on a private Slurm cluster of three nodes, to which everything happens that happens to clusters: a node dies, a
worker freezes, slurmctld is killed, a node is cut off, the search itself is killed. In the end every trial must be there,
once. With --rungs trainings stop on their way, two share a job, each job asks for a GPU, and the search is also ended by two
Ctrl-C.

  slurm_chaos.py [--programs build/release] [--trials 60] [--rungs] [--folder DIR]
"""
import argparse
import json
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from slurm_cluster import Cluster, missing_program

RUNGS = ["search.rungs=[30 %]", "executor.trials_per_job=2", "executor.gres=gpu:1", "executor.checkpoint_interval=0.001 s"]
ROOT = pathlib.Path(__file__).resolve().parents[2]


def finished(store):
    if not store.exists():
        return 0
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=30) as database:
        try:
            return database.execute("SELECT count(*) FROM trial WHERE finish_sequence IS NOT NULL").fetchone()[0]
        except sqlite3.OperationalError:  # it is just being made
            return 0


class Chaos:
    def __init__(self, options):
        self.folder = pathlib.Path(options.folder)
        self.folder.chmod(0o755)  # munged wants its socket within everyone's reach
        self.programs = pathlib.Path(options.programs).resolve()
        self.trials = options.trials
        self.overrides = RUNGS if options.rungs else []
        self.store = self.folder / "chaos.bw.db"
        self.cluster = Cluster(self.folder / "cluster")
        self.search = None

    def start(self):
        command = [self.programs / "bitwright", "search", ROOT / "configs/studies/demo.yaml", f"search.trials={self.trials}",
                   "search.jobs=3", "training.epochs=30", "executor.kind=slurm", "executor.lease=30 s",
                   "executor.result_grace=3 s", *self.overrides, "--store", self.store]
        log = open(self.folder / "search.log", "a")
        self.search = subprocess.Popen(command, env=self.cluster.environment, stdout=log, stderr=log)

    def until(self, share):
        wanted = share * self.trials
        end = time.monotonic() + 300
        while finished(self.store) < wanted:
            if self.search.poll() is not None:
                raise RuntimeError(f"the search ended with {self.search.returncode}: see {self.folder}/search.log")
            if time.monotonic() > end:
                raise TimeoutError(f"{finished(self.store)} trials, and no more: see {self.folder}/search.log")
            time.sleep(0.2)

    def say(self, what):
        print(f"{time.monotonic() - self.began:6.1f} s  {finished(self.store):3} trials  {what}", flush=True)

    def run(self):
        self.began = time.monotonic()
        self.cluster.up()
        self.start()
        self.until(0.1)
        self.cluster.kill_node(1)
        self.say("killed node n1: slurmd, steps and jobs")
        self.until(0.25)
        self.cluster.start_node(1)
        self.say("n1 is back")
        self.until(0.35)
        self.cluster.wait_until(lambda: self.cluster.jobs_of_node(2), 60)
        frozen = self.cluster.jobs_of_node(2)
        self.cluster.send(frozen, signal.SIGSTOP)
        self.say("froze the worker on n2, past its lease")
        self.until(0.5)
        self.cluster.kill_controller()
        self.say("killed slurmctld")
        time.sleep(4)
        self.cluster.start_controller()
        self.until(0.65)
        self.cluster.cut_off(3)
        self.say("cut off n3, whose jobs run on")
        self.until(0.75)
        self.cluster.reconnect(3)
        self.say("n3 is back")
        if self.overrides:
            self.until(0.8)
            for _ in range(2):
                self.search.send_signal(signal.SIGINT)
                time.sleep(0.3)
            self.say(f"the search ended with {self.search.wait(timeout=60)} at the second Ctrl-C")
            self.start()
        self.until(0.85)
        self.search.send_signal(signal.SIGKILL)
        self.search.wait()
        self.say("killed the search")
        self.start()
        code = self.search.wait(timeout=300)
        self.say(f"the search ended with {code}")
        return code

    def judge(self, code):
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as database:
            states = dict(database.execute("SELECT state, count(*) FROM trial GROUP BY state"))
            attempts = dict(database.execute("SELECT reason, count(*) FROM attempt GROUP BY reason"))
            hashes = database.execute("SELECT count(DISTINCT hash) FROM trial").fetchone()[0]
        sound = subprocess.run([self.programs / "bitwright", "store", "check", self.store], capture_output=True, text=True)
        replay = subprocess.run([self.programs / "bitwright", "replay", "-q", self.store], capture_output=True, text=True)
        verdict = {"seconds": round(time.monotonic() - self.began, 1), "exit_code": code, "states": states,
                   "attempts": attempts, "networks": hashes, "store": sound.stdout.strip() or sound.stderr.strip(),
                   "replay": replay.stdout.strip()}
        print(json.dumps(verdict, indent=2))
        whole = states.get("COMPLETE", 0) == self.trials if not self.overrides else set(states) == {"COMPLETE", "STOPPED"}
        left = [path.name for path in self.folder.glob("*.jobs/*")]
        if not self.overrides and left:
            print("left behind:", left)
            return False
        return code == 0 and whole and hashes == sum(states.values()) and sound.returncode == 0 and replay.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", default=ROOT / "build/release")
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--rungs", action="store_true")
    parser.add_argument("--folder")
    options = parser.parse_args()
    if missing := missing_program():
        print(f"skipped: there is no {missing}: apt-get install slurm-wlm munge")
        return 77
    with tempfile.TemporaryDirectory(prefix="bitwright-chaos-", dir=options.folder) as folder:
        options.folder = folder
        chaos = Chaos(options)
        try:
            good = chaos.judge(chaos.run())
        except Exception:
            print((chaos.folder / "search.log").read_text()[-3000:] if (chaos.folder / "search.log").exists() else "")
            raise
        finally:
            if chaos.search and chaos.search.poll() is None:
                chaos.search.kill()
            chaos.cluster.down()
    print("every trial is there, once" if good else "NOT as it must be")
    return 0 if good else 1


sys.exit(main())
