#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A search on a disk that is full again and again: a tmpfs, made a little larger each time that the search has ended for
want of room. Each such end must be exit code 4 and name a file; nothing may be lost; the end must be that of a search
which had room. Needs a user namespace (or root) to mount it; 77 where there is none.

  full_disk.py [--programs build/release] [--trials 40] [--step 128] [--folder DIR]
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from kill_chaos import ROOT, results, rows


class Disk:
    def __init__(self, folder, kib):
        self.folder, self.kib = folder, kib
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", folder], check=True)

    def grow(self, kib):
        self.kib += kib
        subprocess.run(["mount", "-o", f"remount,size={self.kib}k", self.folder], check=True)


def search(programs, store, trials):
    command = [programs / "bitwright", "search", ROOT / "configs/studies/demo.yaml", f"search.trials={trials}",
               "search.budget=none", "search.jobs=1", "training.epochs=4", "executor.checkpoint_interval=0.001 s", "-q",
               "--store", store]
    return subprocess.run(command, capture_output=True, text=True)


def run(options):
    folder, programs = pathlib.Path(options.folder), pathlib.Path(options.programs).resolve()
    disk = Disk(folder / "disk", options.step)
    store = disk.folder / "full.bw.db"
    full, before, faults, ends = 0, {}, [], {}
    while (end := search(programs, store, options.trials)).returncode == 4:
        full += 1
        said = [line for line in end.stderr.splitlines() if line.startswith("error: ")]
        if len(said) != 1 or str(disk.folder) not in said[0]:
            faults.append(end.stderr)
        for line in said:
            name = pathlib.Path(line.split(": ")[1]).name.split(".tmp")[0]
            ends[name.split("-")[0]] = ends.get(name.split("-")[0], 0) + 1
        disk.grow(options.step)
        after = results(store)
        if any(after.get(number) != row for number, row in before.items()):
            faults.append(f"lost at {disk.kib} KiB")
        before = after
    whole = folder / "whole.bw.db"
    search(programs, whole, options.trials)
    sound = subprocess.run([programs / "bitwright", "store", "check", store], capture_output=True, text=True)
    verdict = {"times full": full, "by file": ends, "last exit code": end.returncode, "said": end.stderr.splitlines()[-1:],
               "KiB in the end": disk.kib, "trials": len(results(store)), "store": sound.stdout.strip(), "faults": faults,
               "as with room": rows(store) == rows(whole)}
    print(json.dumps(verdict, indent=2))
    return full > 0 and end.returncode == 0 and not faults and sound.returncode == 0 and verdict["as with room"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", default=ROOT / "build/release")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--step", type=int, default=128, help="KiB")
    parser.add_argument("--folder")
    options = parser.parse_args()
    if "--inside" not in os.environ.get("FULL_DISK", ""):
        inside = ["unshare", "--map-root-user", "--mount"]
        if shutil.which("unshare") is None or subprocess.run([*inside, "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
                                                             capture_output=True).returncode != 0:
            print("skipped: no file system can be mounted here")
            return 77
        return subprocess.run([*inside, sys.executable, *sys.argv], env={**os.environ, "FULL_DISK": "--inside"}).returncode
    with tempfile.TemporaryDirectory(prefix="bitwright-full-", dir=options.folder) as folder:
        options.folder = folder
        try:
            good = run(options)
        finally:
            subprocess.run(["umount", pathlib.Path(folder) / "disk"], check=False)
    print("as if there had been room" if good else "NOT as it must be")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
