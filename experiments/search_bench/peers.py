#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One search by a peer, Optuna's, on a problem of bitwright-search-problem; a CSV row an evaluation on standard output.

  peers.py --program build/release/bitwright-search-problem --problem mcu --peer optuna-tpe [--seed 0]
           [--evaluations 100]

Columns are those of bitwright-search-bench. The CPU time of a proposal is the peer's own: asking, telling, and in
`-known` the proposals that a known limit refused, but not the problem's answers.
Needs Debian's python3-optuna, or another Optuna in PYTHONPATH. docs/search_bench.md says how the peers are set up.
"""

import argparse
import json
import subprocess
import sys
import time
import warnings

import optuna

COLUMNS = "peer,problem,seed,i,ask_cpu_s,known_ok,unknown_ok,dup,f0,f1,f2"
REDRAWS = 50  # of a proposal that breaks a known limit
TRIALS_TAKE_CONSTRAINTS = hasattr(optuna.trial.Trial, "set_constraint")  # since Optuna 5
SAMPLERS = {
    "optuna-tpe": lambda seed, limits: optuna.samplers.TPESampler(
        seed=seed, constraints_func=limits, multivariate=True, group=True, constant_liar=True),
    "optuna-nsga2": lambda seed, limits: optuna.samplers.NSGAIISampler(
        seed=seed, constraints_func=limits, population_size=20),
    "optuna-random": lambda seed, limits: optuna.samplers.RandomSampler(seed=seed),
}
PEERS = [sampler + suffix for sampler in SAMPLERS for suffix in ("", "-known")]


class Problem:
    """A problem behind a pipe. `asking` sums up the CPU time of this process outside of it."""

    def __init__(self, program, name, seed):
        self.process = subprocess.Popen([program, name, "--seed", str(seed)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.description = self.read()
        self.asking, self.resumed = 0.0, time.process_time()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"peers: {' '.join(self.process.args)}: ended with {self.process.wait()}")
        return json.loads(line)

    def request(self, verb, point):
        self.asking += time.process_time() - self.resumed
        self.process.stdin.write(json.dumps({verb: point}) + "\n")
        self.process.stdin.flush()
        answer = self.read()
        self.resumed = time.process_time()
        return answer

    def keeps_known(self, point):
        return all_kept(self.request("known", point)["known_limits"])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def all_kept(limits):
    return all(limit <= 0 for limit in limits)


def suggest(trial, parameters):
    """Values by name, parents first; none for a parameter that is not active."""
    point = {}
    for p in parameters:
        active = p.get("active_where")
        if active and point[active["parameter"]] < active["least"]:
            continue
        if p["kind"] == "category":
            point[p["name"]] = trial.suggest_categorical(p["name"], p["choices"])
        elif p["kind"] == "integer":
            point[p["name"]] = trial.suggest_int(p["name"], int(p["low"]), int(p["high"]))
        else:
            point[p["name"]] = trial.suggest_float(p["name"], p["low"], p["high"], log=p["log"])
    return point


def propose(study, problem, known):
    """A trial and its point. `known`: the first of so many that keeps the known limits, else the last."""
    for _ in range(REDRAWS if known else 0):
        trial = study.ask()
        point = suggest(trial, problem.description["parameters"])
        if problem.keeps_known(point):
            return trial, point
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    trial = study.ask()
    return trial, suggest(trial, problem.description["parameters"])


def study_of(peer, description, seed):
    limited = description["known_limits"] + description["unknown_limits"] > 0
    limits = (lambda trial: trial.user_attrs.get("limits", [1.0])) if limited and not TRIALS_TAKE_CONSTRAINTS else None
    sampler = SAMPLERS[peer.removesuffix("-known")](seed, limits)
    return optuna.create_study(directions=["minimize"] * description["objectives"], sampler=sampler)


def tell(study, trial, answer):
    limits = answer["known_limits"] + answer["unknown_limits"]
    if TRIALS_TAKE_CONSTRAINTS:
        for i, limit in enumerate(limits):
            trial.set_constraint(f"limit{i}", limit)
    else:
        trial.set_user_attr("limits", limits)
    study.tell(trial, answer["objectives"])


def row(arguments, i, seconds, answer):
    scored = [repr(value) for value in answer["scored"]]
    fields = [arguments.peer, arguments.problem, arguments.seed, i, f"{seconds:.6f}",
              int(all_kept(answer["known_limits"])), int(all_kept(answer["unknown_limits"])), int(answer["repeat"])]
    return ",".join(map(str, fields + scored + [""] * (3 - len(scored))))


def search(arguments):
    problem = Problem(arguments.program, arguments.problem, arguments.seed)
    study = study_of(arguments.peer, problem.description, arguments.seed)
    print(COLUMNS)
    for i in range(arguments.evaluations):
        trial, point = propose(study, problem, arguments.peer.endswith("-known"))
        answer = problem.request("evaluate", point)
        print(row(arguments, i, problem.asking, answer))
        problem.asking = 0.0
        tell(study, trial, answer)
    problem.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="bitwright-search-problem")
    parser.add_argument("--problem", required=True)
    parser.add_argument("--peer", required=True, choices=PEERS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument("--version", action="version", version=f"Optuna {optuna.__version__}")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    search(parser.parse_args())


if __name__ == "__main__":
    main()
