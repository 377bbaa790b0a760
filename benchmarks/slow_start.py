"""What might make fusion slow to pay, each by itself, for `docs/measured.md`: callbacks of a run.

python -m recipes.segmentation.train --config=rendered_rooms --workdir=runs/gammas \
    --config.callbacks=benchmarks.slow_start:random_gammas
"""

import keras
import numpy as np

from keras_asym import layers


def random_gammas(task):
    """The scales of private norms begin between 0.5 and 1.5, in place of at 1."""

    class RandomGammas(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            if int(self.model.optimizer.iterations):
                return  # a run that goes on
            random = np.random.default_rng(task.config.seed)
            for layer in self.model.network.layers:
                if isinstance(layer, layers.ModalityBatchNormalization):
                    layer.gamma.assign(random.uniform(0.5, 1.5, layer.gamma.shape))

    return RandomGammas()


def mean_of_losses(task):
    """The loss is the mean over the branches and the ensemble, in place of the papers' sum."""
    del task

    class MeanOfLosses(keras.callbacks.Callback):
        def set_model(self, model):
            super().set_model(model)
            total, count = type(model).compute_loss, len(model.loss_keys)
            model.compute_loss = lambda *args, **kwargs: total(model, *args, **kwargs) / count

    return MeanOfLosses()
