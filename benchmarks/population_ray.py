"""Population-based training by Ray Tune on the toy surface of the chapter.

Needs Ray, an extra: `pip install "aiarch[ray]"`. The same two members, starts, gradient
steps and rounds as on the page; Ray's scheduler in step (`synch`). Its hyperparameters
are either always drawn anew, as the page's `explore="resample"` does, or as Ray's
default has it: drawn anew in a quarter of the cases, else multiplied by 1.2 or 0.8.
"""

import logging
import os
import tempfile

import numpy as np

SETTINGS = {
    "num_trainings": 3,
    "num_rounds": 20,
    "resample_probabilities": {"resampled": 1.0, "default": 0.25},
}
SEEDS = (0,)
QUIET = {"RAY_AIR_NEW_OUTPUT": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


def trainable():
    """Ray's interface to the toy; made here so that it can be pickled."""
    from ray import tune

    class Toy(tune.Trainable):
        """Four gradient steps on the surrogate a round."""

        def setup(self, config):
            self.theta = np.full(2, 0.9)

        def step(self):
            weights = np.array([self.config["h0"], self.config["h1"]])
            for _ in range(4):
                self.theta = self.theta - 0.05 * 2 * weights * self.theta
            return {"value": 1.2 - float(self.theta @ self.theta)}

        def save_checkpoint(self, checkpoint_dir):
            np.save(os.path.join(checkpoint_dir, "theta.npy"), self.theta)

        def load_checkpoint(self, checkpoint_dir):
            self.theta = np.load(os.path.join(checkpoint_dir, "theta.npy"))

        def reset_config(self, new_config):
            self.config, self.theta = new_config, np.full(2, 0.9)
            return True

    return Toy


def best_value(seed, num_rounds, resample_probability):
    """Value of the better of two members at the end."""
    import random

    from ray import tune
    from ray.tune.schedulers import PopulationBasedTraining
    from ray.tune.search.basic_variant import BasicVariantGenerator

    random.seed(seed)
    np.random.seed(seed)
    names = {"h0": tune.uniform(0, 1), "h1": tune.uniform(0, 1)}
    scheduler = PopulationBasedTraining(
        time_attr="training_iteration",
        perturbation_interval=1,
        hyperparam_mutations=names,
        quantile_fraction=0.5,
        resample_probability=resample_probability,
        synch=True,
        log_config=False,
    )
    start = [{"h0": 1.0, "h1": 0.0}, {"h0": 0.0, "h1": 1.0}]
    with tempfile.TemporaryDirectory() as folder:
        found = tune.Tuner(
            trainable(),
            param_space=names,
            tune_config=tune.TuneConfig(
                scheduler=scheduler,
                search_alg=BasicVariantGenerator(points_to_evaluate=start),
                num_samples=2,
                metric="value",
                mode="max",
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                storage_path=folder, stop={"training_iteration": num_rounds}, verbose=0
            ),
        ).fit()
        return float(found.get_best_result().metrics["value"])


def run(seed, num_trainings, num_rounds, resample_probabilities):
    """Best values by each kind of exploring, and Ray's version."""
    os.environ.update(QUIET)
    import ray

    logging.getLogger("ray").setLevel(logging.WARNING)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        values = {
            f"{name}_values": [
                best_value(seed + k, num_rounds, probability)
                for k in range(num_trainings)
            ]
            for name, probability in resample_probabilities.items()
        }
        return {"ray_version": ray.__version__, **values}
    finally:
        ray.shutdown()
