#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Searches of one study against each other, by their stores METHOD-SEED.bw.db: the hypervolume over the CPU time of
trainings, in one box for all, and what the fronts are worth on the test set.

The box goes from nothing to an error of 100 % and to the greatest flash and latency that count. "log" is the same for
logarithms, from half a window of error, 4 KiB and 0.5 ms on, so that a halved value counts alike everywhere.
"""
import argparse
import csv
import io
import json
import math
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEAST_FLASH, LEAST_LATENCY = 4096.0, 500.0


def output_of(arguments, command, store, *options):
    words = [str(arguments.programs / "bitwright"), command, str(store), *options]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def results_of(arguments, store):
    """(CPU minutes up to here, (error, flash, latency)) of each complete trial, in the order in which they ended."""
    rows = csv.DictReader(io.StringIO(output_of(arguments, "list", store, "--format", "csv")))
    results, seconds = [], 0.0
    for row in sorted((row for row in rows if row["state"] == "COMPLETE"), key=lambda row: row["ended"]):
        seconds += float(row["train_seconds"])
        costs = float(row["estimate.flash_bytes"]), float(row["estimate.latency_us"])
        results.append((seconds / 60, (1 - float(row["validation.accuracy"]), *costs)))
    return results


def front_of(arguments, store):
    return json.loads(output_of(arguments, "show", store, "--json"))["front"]


def area(points, reference):
    """What points of two objectives dominate of the box below `reference`."""
    covered, height = 0.0, reference[1]
    for x, y in sorted(points):
        if x < reference[0] and y < height:
            covered += (reference[0] - x) * (height - y)
            height = y
    return covered


def share(points, reference):
    """Of the box below `reference`, of three objectives: area by area of rising first objective."""
    inside = sorted(point for point in points if all(a < b for a, b in zip(point, reference)))
    ends = [point[0] for point in inside[1:]] + [reference[0]]
    volume = sum((end - point[0]) * area([p[1:] for p in inside[:i + 1]], reference[1:])
                 for i, (point, end) in enumerate(zip(inside, ends)))
    return volume / math.prod(reference)


class Box:
    def __init__(self, arguments):
        self.reference = 1.0, arguments.flash * 1024, arguments.latency * 1000
        self.least = arguments.least_error, LEAST_FLASH, LEAST_LATENCY

    def linear(self, points):
        return share(points, self.reference)

    def log(self, points):
        return share([self.logarithms(point) for point in points], self.logarithms(self.reference))

    def logarithms(self, point):
        return tuple(math.log(max(value / least, 1.0)) for value, least in zip(point, self.least))


def print_table(title, methods, columns, cell):
    print(f"| {title} | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for method, searches in methods.items():
        print(f"| {method} | " + " | ".join(" ".join(cell(one, column) for one in searches) for column in columns) + " |")
    print()


def test_cells(arguments, box, store):
    """Of the finished front, choices being made by validation alone."""
    front = front_of(arguments, store)
    if not all("test" in trial for trial in front):
        return {}
    points = [(1 - trial["test"]["accuracy"], trial["estimates"]["flash_bytes"], trial["estimates"]["latency_us"])
              for trial in front]
    cells = {"points": str(len(front)), "test hypervolume": f"{box.linear(points):.3f}",
             "test hypervolume, log": f"{box.log(points):.3f}"}
    accurate = [trial for trial in front if trial["validation"]["accuracy"] >= arguments.accuracy]
    for name, figure, unit in (("smallest", "flash_bytes", 1024), ("fastest", "latency_us", 1000)):
        chosen = min(accurate, key=lambda trial: trial["estimates"][figure])
        value = chosen["estimates"][figure] / unit
        cells[name] = f"{100 * chosen['test']['accuracy']:.1f} % ({value:.1f})"
    return cells


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stores", nargs="+", type=pathlib.Path)
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--minutes", nargs="+", type=float, default=[3, 9, 18, 36, 54], help="of CPU")
    parser.add_argument("--flash", type=float, default=32.0, help="KiB")
    parser.add_argument("--latency", type=float, default=25.0, help="ms")
    parser.add_argument("--least-error", type=float, default=0.5 / 1150, help="half a window of the validation split")
    parser.add_argument("--accuracy", type=float, default=0.99, help="on validation, of the network chosen for a test")
    arguments = parser.parse_args()
    box, methods = Box(arguments), {}
    for store in sorted(arguments.stores):
        methods.setdefault(store.name.split("-")[0], []).append((store, results_of(arguments, store)))
    columns = [f"{minutes:g}" for minutes in arguments.minutes]
    for title, size in (("linear", box.linear), ("log", box.log)):
        print_table(f"{title}, at CPU minutes", methods, columns, lambda search, minutes: "{:.3f}".format(
            size([point for spent, point in search[1] if spent <= float(minutes)])))
    print_table("in all", methods, ["trials", "CPU minutes"], lambda search, column: (
        str(len(search[1])) if column == "trials" else f"{search[1][-1][0]:.1f}"))
    tests = {method: [test_cells(arguments, box, store) for store, _ in searches] for method, searches in methods.items()}
    print_table(f"test, from {100 * arguments.accuracy:g} % on validation", tests,
                ["points", "test hypervolume", "test hypervolume, log", "smallest", "fastest"],
                lambda cells, column: cells.get(column, "-"))


if __name__ == "__main__":
    main()
