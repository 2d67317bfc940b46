"""Test accuracy of what `architecture_search.py` found, and of the published net.

Each net is trained on training and validation data together by the recipe of the
search, only longer, and the test data is opened once for each training. Run the search
first: its stored results say which nets to train.
"""

import json
import runpy
from pathlib import Path

import joblib
import numpy as np

SETTINGS = {"epochs": 100, "learning_rate": 0.01, "shift": 3, "n_jobs": 2}
SEEDS = (0, 1, 2, 3, 4)
FOLDER = Path(__file__).parent


def finalists():
    """The configuration (None: the published net) and limit of each net to train.

    Of the nets that a method tried with any seed, the one with the highest validation
    accuracy; and the median one of the first random search.
    """
    (path,) = (FOLDER / "results").glob("*/architecture_search.json")
    stored = json.loads(path.read_text())
    large, small = (
        stored["settings"][name] for name in ("max_parameters", "few_parameters")
    )

    def best(size, method):
        runs = [run for run in stored["runs"] if f"{size}_{method}_nets" in run]
        tried = [
            (value, net)
            for run in runs
            for value, net in zip(
                run[f"{size}_{method}_values"],
                run[f"{size}_{method}_nets"],
                strict=True,
            )
            if value is not None
        ]
        return max(tried, key=lambda pair: pair[0])[1]

    return {
        "published": (None, large),
        "evolved": (best("large", "evolved"), large),
        "small_evolved": (best("small", "evolved"), small),
        "random": (best("large", "random"), large),
        "small_random": (best("small", "random"), small),
        "median": (stored["runs"][0]["large_median_net"], large),
    }


def full(name, configuration, seed, path, max_parameters, epochs, **recipe):
    """Test accuracy after a training on training and validation data."""
    search = runpy.run_path(str(FOLDER / "architecture_search.py"))
    if configuration is None:
        model = search["published"](seed)
    else:
        model = search["small_net"](configuration, max_parameters, seed=seed)
    known = np.load(path)
    search["train"](model, known["x_both"], known["y_both"], epochs, seed, **recipe)
    return search["accuracy"](model, known["x_test"], known["y_test"])


def run(seed, n_jobs, **recipe):
    """Test accuracy of each net, and how many parameters it has."""
    search = runpy.run_path(str(FOLDER / "architecture_search.py"))
    path, nets = search["data_file"](), finalists()
    jobs = [
        joblib.delayed(full)(name, net, 100 + seed, path, limit, **recipe)
        for name, (net, limit) in nets.items()
    ]
    found = joblib.Parallel(n_jobs, batch_size=1)(jobs)
    figures = {f"{name}_test": value for name, value in zip(nets, found, strict=True)}
    return {**figures, "nets": {name: net for name, (net, _) in nets.items()}}
