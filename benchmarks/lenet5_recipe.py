"""Validation accuracy of LeNet-5 on mnist5k by learning rate, for the book's baseline.

Adam, batches of 64, three passes over the training part. The test part is not opened:
the rate with the best mean on the 500 validation images becomes the baseline's.
"""

import keras

from aiarch.foundations import lenet5, load_dataset

SETTINGS = {
    "learning_rates": [0.001, 0.003, 0.01, 0.03],
    "batch_size": 64,
    "epochs": 3,
}
SEEDS = (0, 1, 2, 3, 4)


def run(seed: int, learning_rates: list[float], batch_size: int, epochs: int) -> dict:
    """Validation accuracy for each learning rate, in [0, 1]."""
    data = load_dataset("mnist5k")
    figures = {}
    for rate in learning_rates:
        keras.utils.set_random_seed(seed)
        model = lenet5(seed=seed)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(rate), loss)
        model.fit(data.x_train, data.y_train, batch_size, epochs, verbose=0)
        answers = model.predict(data.x_val, verbose=0).argmax(axis=1)
        figures[f"accuracy_at_{rate}"] = float((answers == data.y_val).mean())
    return figures
