#!/usr/bin/env python3
"""Quantiles and rank correlations of the table of trained nets.  SPDX-License-Identifier: Apache-2.0"""
import csv
import pathlib
import sys

RUNGS = ("error1", "error3", "error9")


def read_rows(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def ranks(values):
    """Mean rank of each value, equal ones sharing theirs."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    rank = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for i in order[start:end]:
            rank[i] = (start + end - 1) / 2
        start = end
    return rank


def correlation(a, b):
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    products = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b))
    squares = sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)
    return products / squares ** 0.5


def quantiles(values):
    ordered = sorted(values)
    return [ordered[round(q * (len(ordered) - 1))] for q in (0, 0.25, 0.5, 0.75, 1)]


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "trained_nets.csv"
    by_seed = {}
    for row in read_rows(path):
        net = tuple(row[name] for name in ("channels", "kernel", "weights", "activations", "stride"))
        by_seed.setdefault(row["seed"], {})[net] = row
    for seed, nets in sorted(by_seed.items()):
        print(f"seed {seed}: {len(nets)} nets, {sum(row['failed'] != '0' for row in nets.values())} failed")
        errors = {rung: [float(row[rung]) for row in nets.values() if row["failed"] == "0"] for rung in RUNGS}
        for rung in RUNGS:
            print(f"  {rung}: " + " ".join(f"{value:.3f}" for value in quantiles(errors[rung])))
        for rung in RUNGS[:2]:
            print(f"  ranks of {rung} and error9: {correlation(ranks(errors[rung]), ranks(errors['error9'])):.2f}")
    if len(by_seed) < 2:
        return
    first, second = (by_seed[seed] for seed in sorted(by_seed)[:2])
    both = [net for net in first if net in second and first[net]["failed"] == second[net]["failed"] == "0"]
    a, b = ([float(nets[net]["error9"]) for net in both] for nets in (first, second))
    apart = sum(abs(x - y) for x, y in zip(a, b)) / len(both)
    print(f"two seeds: {apart:.3f} apart on average, rank correlation {correlation(ranks(a), ranks(b)):.2f}")


main()
