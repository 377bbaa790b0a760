import inspect

import keras
from keras import ops


class MultimodalModel(keras.Model):
    """Base of the models: what they all have beside their losses.

    A subclass has `network`, which `to_multimodal` has made, and `modality_names`; its
    constructor passes `trainable` and `dtype` on to Keras.
    """

    @property
    def losses(self):
        """Penalties on the weights, in the precision of the losses to which Keras adds them."""
        return [ops.cast(penalty, keras.config.floatx()) for penalty in super().losses]

    def fit(self, *args, **kwargs):
        """As in Keras, but for `class_weight`, which is refused."""
        _refuse_class_weight(super().fit, args, kwargs)
        return super().fit(*args, **kwargs)

    def train_on_batch(self, *args, **kwargs):
        """As in Keras, but for `class_weight`, which is refused."""
        _refuse_class_weight(super().train_on_batch, args, kwargs)
        return super().train_on_batch(*args, **kwargs)

    def export(
        self, filepath, format="tf_saved_model", verbose=None, input_signature=None, **kwargs
    ):
        """As in Keras: the model as it is, from float images to what it gives when called.

        `keras_asym.export.export_saved_model` writes what a server needs: raw or encoded images in,
        preprocessing inside, subsets of the sensors.
        """
        if input_signature is None:  # Keras knows it only of models that were called
            input_signature = [
                {
                    name: keras.InputSpec(shape=self.network.input[name].shape, dtype="float32")
                    for name in self.modality_names
                }
            ]
        super().export(filepath, format, verbose, input_signature, **kwargs)

    def get_config(self):
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }


def _refuse_class_weight(function, args, kwargs):
    if inspect.signature(function).bind(*args, **kwargs).arguments.get("class_weight") is not None:
        raise ValueError(
            "`class_weight` must be None: Keras takes the class of an example from its target, but "
            "here a target is an image. For a Segmenter give the weights to its loss, "
            "compile(optimizer, loss=keras_asym.losses.ValidPixelCrossentropy(class_weights=[...]))"
            "; weigh whole examples by `sample_weight`."
        )
