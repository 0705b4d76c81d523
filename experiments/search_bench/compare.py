#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares Bitwright's search with Optuna's on problems with known answers.

  compare.py --programs build/release [--problems mcu,osy] [--seeds 5] [--first-seed 0] [--evaluations 100] [--jobs 2]

Each search is a file in --out, PROBLEM/PEER-SEED.csv; one that is there with as many evaluations is not run again.
docs/search_bench.md says what is measured.
"""

import argparse
import collections
import concurrent.futures
import csv
import io
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
OURS = "bitwright-"  # and the sampler
PEERS = ["optuna-tpe", "optuna-nsga2", "optuna-random"]  # and each with `-known`, where a problem has known limits
PROBLEMS = "bnh,tnk,osy,c2dtlz2,mi-c2dtlz2,mw7,cre22,cre23,cre24,cre25,mcu,mcu3,nets,nets-log"
CHECKPOINTS = (50, 100, 200)  # evaluations
TARGET = 0.95  # of the reference
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

Search = collections.namedtuple("Search", "problem peer seed")


# ---- searches -------------------------------------------------------------------------------------------------------

def describe(arguments, problem):
    program = [arguments.programs / "bitwright-search-problem", problem]
    run = subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"compare: {run.stderr.strip()}")
    return json.loads(run.stdout)


def optuna_version():
    run = subprocess.run([HERE / "peers.py", "--version"], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"compare: {(run.stderr.strip().splitlines() or ['peers.py failed'])[-1]}: see packages.debian")
    return run.stdout.strip()


def searches(arguments):
    found = []
    for problem in arguments.problems:
        filtered = [peer + "-known" for peer in PEERS] if describe(arguments, problem)["known_limits"] else []
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            found += [Search(problem, peer, seed) for peer in arguments.ours + PEERS + filtered]
    return found


def path_of(arguments, search):
    return arguments.out / search.problem / f"{search.peer}-{search.seed}.csv"


def read_rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def is_there(arguments, search):
    path = path_of(arguments, search)
    return search.peer not in arguments.again and path.exists() and len(read_rows(path)) >= arguments.evaluations


def command_of(arguments, search, out):
    evaluations = f"--evaluations={arguments.evaluations}"
    if search.peer in arguments.ours:
        return [arguments.programs / "bitwright-search-bench", "--problems", search.problem, evaluations, "--seeds=1",
                "--samplers", search.peer.removeprefix(OURS), f"--first-seed={search.seed}", "--out", out]
    return [HERE / "peers.py", "--program", arguments.programs / "bitwright-search-problem", "--peer", search.peer,
            "--problem", search.problem, evaluations, f"--seed={search.seed}"]


def run_search(arguments, search):
    """Nothing, or why it failed. The file appears once it is whole."""
    path = path_of(arguments, search)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    run = subprocess.run(command_of(arguments, search, partial), stdin=subprocess.DEVNULL, capture_output=True,
                         text=True, env=ENVIRONMENT)
    if run.returncode != 0:
        last = (run.stderr.strip().splitlines() or [""])[-1]
        return f"{search.peer} on {search.problem}, seed {search.seed}: ended with {run.returncode}: {last}"
    if search.peer not in arguments.ours:
        partial.write_text(run.stdout, encoding="utf-8")
    partial.replace(path)
    return None


def run_all(arguments, wanted):
    """Runs those that are not there; the number that failed."""
    missing = [search for search in wanted if not is_there(arguments, search)]
    failed = 0
    pool = concurrent.futures.ThreadPoolExecutor(arguments.jobs)
    try:
        for done, failure in enumerate(pool.map(lambda search: run_search(arguments, search), missing), 1):
            if failure:
                failed += 1
                print(f"compare: {failure}", file=sys.stderr)
            if done % 20 == 0 or done == len(missing):
                print(f"{done} of {len(missing)} searches", file=sys.stderr, flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
    return failed


def scored_rows(arguments, problem, wanted):
    """peer -> seed -> rows, each with the share of the reference reached by then."""
    paths = [path for search in wanted if (path := path_of(arguments, search)).exists()]
    if not paths:
        return {}
    program = [arguments.programs / "bitwright-search-problem", problem, "--score"]
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    scored = subprocess.run(program, input=text, stdout=subprocess.PIPE, text=True, check=True).stdout
    runs = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in csv.DictReader(io.StringIO(scored)):
        runs[row["peer"]][int(row["seed"])].append(row)
    return {peer: {seed: rows[:arguments.evaluations] for seed, rows in seeds.items()} for peer, seeds in runs.items()}


# ---- statistics -----------------------------------------------------------------------------------------------------

def middle_ranks(values):
    ordered = sorted(values)
    first, count = {}, collections.Counter(values)
    for i, value in enumerate(ordered):
        first.setdefault(value, i)
    return [first[value] + (count[value] + 1) / 2 for value in values]


def share_of_orders(u, n, m):
    """Of the orders of n and m values, all different, those whose U is at most u (Mann and Whitney, 1947)."""
    orders = [1] + [0] * (n * m)  # by U: the product over i of (1 - q^(m + i)) / (1 - q^i)
    for i in range(1, n + 1):
        for k in range(n * m, m + i - 1, -1):
            orders[k] -= orders[k - m - i]
        for k in range(i, n * m + 1):
            orders[k] += orders[k - i]
    return sum(orders[:u + 1]) / math.comb(n + m, n)


def mann_whitney(a, b):
    """Two-sided p: exact, or where values are equal by the normal approximation, corrected for ties and continuity."""
    n, m = len(a), len(b)
    if n == 0 or m == 0:
        return 1.0
    u = sum(middle_ranks(a + b)[:n]) - n * (n + 1) / 2
    ties = sum(count ** 3 - count for count in collections.Counter(a + b).values())
    if ties == 0:
        return min(1.0, 2 * share_of_orders(int(min(u, n * m - u)), n, m))
    variance = n * m / 12 * ((n + m + 1) - ties / ((n + m) * (n + m - 1)))
    return math.erfc(max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(2 * variance)) if variance > 0 else 1.0


def holm(p_values):
    """name -> p corrected for as many comparisons (Holm, 1979)."""
    corrected, largest = {}, 0.0
    for i, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, p * (len(p_values) - i)))
        corrected[name] = largest
    return corrected


def quartiles(values):
    if len(values) < 2:
        return [values[0]] * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def shares_at(runs, evaluations):
    return [float(rows[evaluations - 1]["share"]) for rows in runs.values() if len(rows) >= evaluations]


def evaluations_to(runs, target):
    """Median over the searches, those that never reached it counting as infinite."""
    return statistics.median_high([next((i for i, row in enumerate(rows, 1) if float(row["share"]) >= target), math.inf)
                                   for rows in runs.values()])


# ---- tables ---------------------------------------------------------------------------------------------------------

def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))).rstrip())


def share_cell(runs, evaluations):
    values = shares_at(runs, evaluations)
    if not values:
        return ""
    low, median, high = quartiles(values)
    return f"{median:.3f} [{low:.3f}, {high:.3f}]"


def percent_of(rows, column, value):
    return f"{100 * statistics.mean(row[column] == value for row in rows):.1f} %"


def peer_row(peer, runs, p, columns):
    rows = [row for search in runs.values() for row in search]
    reached = evaluations_to(runs, TARGET)
    return [peer, str(len(runs)), *(share_cell(runs, n) for n in columns), "-" if reached == math.inf else str(reached),
            percent_of(rows, "known_ok", "0"), percent_of(rows, "dup", "1"),
            f"{1e3 * statistics.median(float(row['ask_cpu_s']) for row in rows):.1f}", "" if p is None else f"{p:.2g}"]


def problem_table(problem, by_peer, columns, at, own):
    """Prints what each reached; returns peer -> corrected p of the first of our own against it."""
    ours = shares_at(by_peer.get(own[0], {}), at)
    peers = [peer for peer in by_peer if peer not in own]
    against = holm({peer: mann_whitney(ours, shares_at(by_peer[peer], at)) for peer in peers}) if ours else {}
    order = sorted(by_peer, key=lambda peer: (peer != own[0], -statistics.median(shares_at(by_peer[peer], at) or [0.0])))
    print(f"\n{problem}")
    header = ["", "seeds", *(f"share at {n}" for n in columns), f"to {100 * TARGET:.0f} %", "broke known", "repeats",
              "CPU ms", f"p at {at}"]
    print_table([header] + [peer_row(peer, by_peer[peer], against.get(peer), columns) for peer in order])
    return against


def best_row(problem, by_peer, against, at, our_name):
    """Nothing where there is nobody to compare."""
    medians = {peer: statistics.median(shares) for peer in against if (shares := shares_at(by_peer[peer], at))}
    if not medians:
        return None
    best = max(medians, key=medians.get)
    ours = statistics.median(shares_at(by_peer[our_name], at))
    theirs = medians[best]
    return [problem, best, f"{theirs:.3f}", f"{ours:.3f}", f"{ours - theirs:+.3f}", f"{against[best]:.2g}"]


LEGEND = f"""Share of the reference's hypervolume, median [quartiles] over the seeds; evaluations until the median
search has {100 * TARGET:.0f} % of it; proposals that broke a known limit or repeated another; CPU of a proposal, median;
p of Mann-Whitney, the first of ours against the peer, two-sided, corrected by Holm for the peers of the problem."""


def print_comparison(arguments, wanted, version):
    columns = [n for n in CHECKPOINTS if n <= arguments.evaluations] or [arguments.evaluations]
    at = max([n for n in columns if n <= 100], default=columns[0])
    ours = arguments.ours[0]
    print(f"{ours} and {version}\n{LEGEND}")
    best = [[f"at {at}", "best peer", "its share", ours, "difference", "p"]]
    for problem in arguments.problems:
        by_peer = scored_rows(arguments, problem, [search for search in wanted if search.problem == problem])
        against = problem_table(problem, by_peer, columns, at, arguments.ours) if by_peer else {}
        best += filter(None, [best_row(problem, by_peer, against, at, ours)])
    print("\nAgainst the best peer of each problem")
    print_table(best)


def main():
    def listed(text):
        return text.split(",")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="folder of the built programs")
    parser.add_argument("--problems", type=listed, default=PROBLEMS, help="separated by commas; %(default)s")
    parser.add_argument("--samplers", type=listed, default="bayesian",
                        help="our own, of which the first is compared with the peers; %(default)s")
    parser.add_argument("--seeds", type=int, default=5, help="searches a problem and peer; %(default)s")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--evaluations", type=int, default=100, help="%(default)s")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="searches at once; %(default)s")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/search"), help="%(default)s")
    parser.add_argument("--again", type=listed, default=[],
                        help=f"peers whose searches are run anew, such as {OURS}bayesian")
    arguments = parser.parse_args()
    arguments.ours = [OURS + sampler for sampler in arguments.samplers]
    known = arguments.ours + PEERS + [peer + "-known" for peer in PEERS]
    if unknown := [peer for peer in arguments.again if peer not in known]:
        sys.exit(f"compare: --again {unknown[0]}: one of {', '.join(known)}")
    version = optuna_version()
    wanted = searches(arguments)
    failed = run_all(arguments, wanted)
    print_comparison(arguments, wanted, version)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("compare: stopped: the same command goes on", file=sys.stderr)
        sys.exit(6)
