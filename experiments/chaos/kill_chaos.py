#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A search that is killed with -9 at random moments, and goes on each time: the program, one of its workers, or all of
them at once. No finished trial may be lost, none be there twice, and the store must be sound after every kill. Of a
search with one worker the end must be that of one which nobody killed, row by row but for times, and so must be the
exported package, byte by byte. With libfaketime every search has a clock that is up to a day wrong, and jumps on the way.

  kill_chaos.py [--programs build/release] [--kills 200] [--who search|worker|all] [--jobs 1] [--seed 1] [--folder DIR]
"""
import argparse
import collections
import contextlib
import glob
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DAY = 86400
LIVES = 0.2, 3.0  # seconds from a start, or from the kill before, to a kill: loading libtorch takes one of them

# What must not depend on kills.
ROWS = {
    "trial": "number, state, finish_sequence, hash, network_json, source, seed, ask_watermark, rejected",
    "param": "trial, name, value",
    "value": "trial, kind, name, value",
    "stage": "idx, trial, fidelity, next_trial, ask_watermark, source, finish_sequence, accuracy",
    "artifact": "trial, kind, sha256",
    "proposal": "trial, source, mean, deviation",
}


def query(store, sql):
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=30)) as database:
        return database.execute(sql).fetchall()


def rows(store):
    return {table: query(store, f"SELECT {columns} FROM {table} ORDER BY 1, 2, 3") for table, columns in ROWS.items()}


def results(store):
    """Number of each finished trial -> what it must keep for ever."""
    if not store.exists():
        return {}
    try:
        return {row[0]: row for row in query(store, "SELECT number, state, finish_sequence, hash, seed, (SELECT value FROM value "
                "WHERE trial = number AND kind = 'validation' AND name = 'accuracy'), (SELECT sha256 FROM artifact WHERE trial = "
                "number) FROM trial WHERE state IN ('COMPLETE', 'INFEASIBLE', 'FAIL')")}
    except sqlite3.OperationalError:  # killed while it was being made
        return {}


def workers_of(pid):
    def is_worker(entry):
        try:
            return int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid
        except OSError:  # it ended meanwhile
            return False
    return [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit() and is_worker(entry)]


def kill_all(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Chaos:
    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(options.folder)
        self.bitwright = pathlib.Path(options.programs).resolve() / "bitwright"
        self.random = random.Random(options.seed)
        self.kills = collections.Counter()
        self.before = {}
        libraries = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
        self.clock = self.folder / "clock"
        self.environment = {**os.environ, "LD_PRELOAD": libraries[0], "FAKETIME_TIMESTAMP_FILE": str(self.clock),
                            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"} if libraries else None

    def set_clock(self):
        self.clock.write_text(f"{self.random.randint(-DAY, DAY):+d}")

    def command(self, store, trials):
        return [self.bitwright, "search", ROOT / "configs/studies/demo.yaml", f"search.trials={trials}", "search.budget=none",
                f"search.jobs={self.options.jobs}", "search.rungs=[50 %]", "training.epochs=10", "executor.checkpoint_interval=0.001 s",
                "-q", "--store", store]

    def check(self, store):
        """After a kill. Ends the program where something is not as it must be."""
        if not store.exists() or store.stat().st_size == 0:
            return
        sound = subprocess.run([self.bitwright, "store", "check", store], capture_output=True, text=True)
        after = results(store)
        lost = [number for number, row in self.before.items() if after.get(number) != row]
        if sound.returncode != 0 or lost:
            sys.exit(f"after {self.kills.total()} kills: trials {lost} are lost or changed; the store: {sound.stdout}{sound.stderr}")
        self.before = after

    def kill(self, search, who):
        workers = workers_of(search.pid)
        if who == "worker":
            if not workers:
                return  # not started yet
            kill_all([self.random.choice(workers)])
        else:
            search.send_signal(signal.SIGKILL)
            search.wait()
            if who == "all":
                kill_all(workers)
        self.kills[who] += 1

    def run(self, store):
        search = None
        while self.kills.total() < self.options.kills:
            if search is None or search.poll() is not None:
                if search is not None and search.returncode != -signal.SIGKILL:
                    sys.exit(f"after {self.kills.total()} kills the search ended with {search.returncode}")
                self.set_clock()
                search = subprocess.Popen(self.command(store, 100000), stdout=subprocess.DEVNULL, env=self.environment)
            life = self.random.uniform(*LIVES)
            time.sleep(life / 2)
            self.set_clock()
            time.sleep(life / 2)
            self.kill(search, self.random.choice(self.options.who))
            self.check(store)
        if search.poll() is None:
            search.kill()
            search.wait()
        self.check(store)

    def finish(self, store, trials):
        subprocess.run(self.command(store, trials), stdout=subprocess.DEVNULL, check=True)

    def package(self, store):
        target = store.with_suffix(".package")
        subprocess.run([self.bitwright, "export", store, "-o", target], stdout=subprocess.DEVNULL, check=True)
        return {path.relative_to(target): path.read_bytes() for path in target.rglob("*") if path.is_file()}

    def judge(self, store, began):
        """The end, beside that of a search that nobody killed."""
        trials = query(store, "SELECT count(*) FROM trial")[0][0] + 2
        self.finish(store, trials)
        self.check(store)
        killed = rows(store)
        failed = query(store, "SELECT count(*) FROM trial WHERE state = 'FAIL'")[0][0]
        by_kills = query(store, "SELECT count(*) FROM trial WHERE state = 'FAIL' AND failure LIKE '%killed by signal 9%'")[0][0]
        verdict = {"kills": dict(self.kills), "seconds": round(time.monotonic() - began, 1), "trials": len(killed["trial"]),
                   "finished": len(self.before), "failed": failed,
                   "attempts": dict(query(store, "SELECT reason, count(*) FROM attempt GROUP BY reason")),
                   "clocks": "up to a day wrong, and jumping" if self.environment else "libfaketime is not installed",
                   "negative durations": query(store, "SELECT count(*) FROM attempt WHERE ended_us < started_us")[0][0],
                   "networks": len({row[3] for row in killed["trial"]})}
        good = verdict["networks"] == verdict["trials"] and failed == by_kills and verdict["negative durations"] == 0
        if self.options.jobs == 1 and failed == 0:
            whole = self.folder / "whole.bw.db"
            self.finish(whole, trials)
            undisturbed = rows(whole)
            verdict["tables that differ"] = [table for table in ROWS if killed[table] != undisturbed[table]]
            verdict["package"] = "equal" if self.package(store) == self.package(whole) else "differs"
            good = good and not verdict["tables that differ"] and verdict["package"] == "equal"
        print(json.dumps(verdict, indent=2))
        return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", default=ROOT / "build/release")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--who", nargs="+", choices=["search", "worker", "all"], default=["search", "all"])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bitwright-kills-", dir=options.folder) as folder:
        options.folder = folder
        chaos = Chaos(options)
        began = time.monotonic()
        store = chaos.folder / "killed.bw.db"
        chaos.run(store)
        good = chaos.judge(store, began)
    print("as if nobody had killed it" if good else "NOT as it must be")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
