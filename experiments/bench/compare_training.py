#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares training speed: Bitwright's trainer, plain libtorch and Python PyTorch; or one worker and two.

  compare_training.py --program build/release/bitwright-train-bench [--rounds 5] [--filter NAME] [--no-python]
  compare_training.py --program build/release/bitwright-train-bench --workers [--filter NAME]

The three take turns in every round, so that a busy machine slows all of them; figures are medians over the rounds.
docs/training_speed.md says what is measured.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# OpenMP threads that wait must not take the core from the others.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def start(command):
    return subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                            env=ENVIRONMENT)


def output(process):
    text = process.communicate()[0]
    if process.returncode != 0:
        sys.exit(f"compare_training: {' '.join(process.args)}: ended with {process.returncode}")
    return text


def start_program(arguments, pattern):
    return start([arguments.program, f"--benchmark_filter={pattern}", "--benchmark_format=json",
                  "--benchmark_repetitions=3", "--benchmark_report_aggregates_only=true"])


def rows(process):
    """name -> the row of medians over the benchmark's repetitions."""
    found = json.loads(output(process))["benchmarks"]
    return {row["run_name"].split("/iterations")[0]: row for row in found if row["aggregate_name"] == "median"}


def one_round(arguments):
    """(network, by) -> CPU microseconds a window."""
    found = {}
    for name, row in rows(start_program(arguments, f"{arguments.filter}.*/")).items():
        found[tuple(name.split("/"))] = row["real_time"]
    if not arguments.no_python:
        script = [arguments.python, HERE / "train_speed.py", f"--filter={arguments.filter}"]
        for network, microseconds in json.loads(output(start(script))).items():
            found[network, "python"] = microseconds
    return found


def compare(arguments):
    rounds = []
    for i in range(arguments.rounds):
        rounds.append(one_round(arguments))
        print(f"round {i + 1} of {arguments.rounds}", file=sys.stderr)
    others = ["plain_torch"] + ([] if arguments.no_python else ["python"])
    print("us per training window of thread CPU time, batch 64; in brackets: times Bitwright's")
    print(f"{'network':18}{'bitwright':>12}" + "".join(f"{other:>20}" for other in others))
    ratios = {other: [] for other in others}
    for network in dict.fromkeys(network for network, _ in rounds[0]):
        ours = [r[network, "bitwright"] for r in rounds]
        line = f"{network:18}{statistics.median(ours):12.1f}"
        for other in others:
            theirs = [r[network, other] for r in rounds]
            ratio = statistics.median(b / a for a, b in zip(ours, theirs))  # within a round
            ratios[other].append(ratio)
            line += f"{statistics.median(theirs):12.1f} ({ratio:4.2f}x)"
        print(line)
    print(f"{'median ratio':30}" + "".join(f"{statistics.median(ratios[o]):18.2f}x " for o in others))


def workers(arguments):
    """Throughput of two processes side by side over that of one: 2 would be perfect."""
    print("two workers over one: by the wall clock, and by CPU time (what remains when each has a core of its own)")
    pattern = f"{arguments.filter}.*/bitwright"
    ratios = []
    for i in range(arguments.rounds):
        alone = rows(start_program(arguments, pattern))
        pair = [rows(p) for p in [start_program(arguments, pattern) for _ in range(2)]]
        for key in ("wall_us", "real_time"):
            ratios.append((key, statistics.median(
                sum(alone[n][key] / p[n][key] for p in pair) for n in alone)))
        print(f"round {i + 1}: wall {ratios[-2][1]:.2f}x, cpu {ratios[-1][1]:.2f}x", flush=True)
    for key, label in (("wall_us", "wall"), ("real_time", "cpu")):
        print(f"median {label}: {statistics.median(r for k, r in ratios if k == key):.2f}x")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="bitwright-train-bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--filter", default="", help="only networks whose name contains this")
    parser.add_argument("--python", default="/usr/bin/python3", help="that has PyTorch (Debian: python3-torch)")
    parser.add_argument("--no-python", action="store_true", help="leave Python PyTorch out")
    parser.add_argument("--workers", action="store_true", help="compare one worker with two")
    arguments = parser.parse_args()
    (workers if arguments.workers else compare)(arguments)


if __name__ == "__main__":
    main()
