#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What Optuna reads of a study, as JSON: read_by_optuna.py URL REFERENCE...; URL is sqlite:///STORE or journal:LOG, the
reference point is of the hypervolume."""
import json
import sys

import numpy
import optuna
from optuna._hypervolume import WFG

optuna.logging.set_verbosity(optuna.logging.ERROR)


def storage_of(url):
    if url.startswith("journal:"):
        return optuna.storages.JournalStorage(optuna.storages.JournalFileStorage(url[len("journal:"):]))
    return optuna.storages.RDBStorage(url)


def importances(study):
    """Of the parameters that all trials have, for the second objective; null without scikit-learn."""
    try:
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=1)
    except ImportError:
        return None
    return dict(optuna.importance.get_param_importances(study, evaluator=evaluator, target=lambda trial: trial.values[1]))


def main():
    study = optuna.load_study(study_name=None, storage=storage_of(sys.argv[1]))
    reference = numpy.array([float(value) for value in sys.argv[2:]])
    trials = study.get_trials()
    best = study.best_trials
    inside = [t.values for t in best if (numpy.array(t.values) < reference).all()]
    print(json.dumps({
        "name": study.study_name,
        "directions": [direction.name for direction in study.directions],
        "states": {str(t.number): t.state.name for t in trials},
        "values": {str(t.number): t.values for t in trials if t.values},
        "parameters": {str(t.number): {name: str(value) for name, value in t.params.items()} for t in trials},
        "epochs": {str(t.number): len(t.intermediate_values) for t in trials},
        "attributes": trials[0].user_attrs if trials else {},
        "seconds": sum(t.duration.total_seconds() for t in trials if t.duration),
        "importances": importances(study),
        "front": sorted(t.number for t in best),
        "hypervolume": float(WFG().compute(numpy.array(inside), reference)) if inside else 0.0,
    }))


main()
