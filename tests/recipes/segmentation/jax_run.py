"""Trains from a data set on disk and prints what was loaded; run by array_pipeline_test.py."""

import json
import sys

import keras
import tensorflow_datasets as tfds

from recipes.data.datasets import open_data_source
from recipes.segmentation.array_pipeline import eval_batches, steps_per_epoch, train_batches

CONFIG = {
    "num_classes": 13,
    "modalities": {
        "rgb": {"channels": 3, "scale": 1 / 255, "interpolation": "bicubic"},
        "depth": {"channels": 1, "scale": 1e-3, "invalid": 0, "validity": True},
    },
    "augmentation": {"size": (16, 16), "scale": (0.8, 1.25), "mirror": 0.5},
}


def main(path):
    builder = tfds.builder_from_directory(path)
    train, test = (open_data_source(builder, split) for split in ("train", "test"))
    batches = train_batches(train, CONFIG, 2)
    inputs = {
        name: keras.Input((None, None, image.shape[-1]), name=name)
        for name, image in batches[0][0].items()
    }
    logits = keras.layers.Conv2D(13, 1)(keras.layers.Concatenate()(list(inputs.values())))
    model = keras.Model(inputs, logits)
    loss = keras.losses.SparseCategoricalCrossentropy(True, ignore_class=255)
    model.compile(keras.optimizers.SGD(0.1), loss)
    steps = steps_per_epoch(train, 2)
    losses = [model.evaluate(eval_batches(test, CONFIG, 2), verbose=0)]
    model.fit(batches, epochs=2, steps_per_epoch=steps, shuffle=False, verbose=0)
    losses.append(model.evaluate(eval_batches(test, CONFIG, 2), verbose=0))
    loaded = {"tensorflow": "tensorflow" in sys.modules, "backend": keras.backend.backend()}
    print(json.dumps({"losses": losses, **loaded}))


if __name__ == "__main__":
    main(sys.argv[1])
