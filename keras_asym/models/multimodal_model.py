import inspect

import keras
from keras import ops

from keras_asym.models.presets import load_preset, save_preset


class MultimodalModel(keras.Model):
    """Base of the models: what they all have beside their losses.

    A subclass has `network`, which `to_multimodal` has made, and `modality_names`; its
    constructor passes `trainable` and `dtype` on to Keras, and calls `set_preprocessor`.
    """

    NETWORK = "network"
    """The key of `network` in the model's config."""
    OF_TRAINING = ()
    """Pairs of a key of its config, of training alone, and what a preset has there."""

    preprocessor = None

    def set_preprocessor(self, preprocessor):
        """Makes the model take raw images.

        Args:
            preprocessor: `keras_asym.models.SensorPreprocessor`, or `None` for a model that takes
                the network's inputs. A model that was called before must be compiled anew.

        Raises:
            ValueError: If it does not make what the network takes.
        """
        self.preprocessor = preprocessor
        if preprocessor is None:
            return
        self.autocast = False  # raw values are not to be rounded
        for name in self.modality_names:
            converter = preprocessor.converters.get(name)
            made = None if converter is None else converter.output_channels
            expected = self.network.input[name].shape[-1]
            if made != expected:
                raise ValueError(
                    f"`preprocessor` must make {expected} channels of '{name}', which the network "
                    f"takes. Received: preprocessor for {sorted(preprocessor.converters)}, which "
                    f"makes {made}"
                )

    def _prepared(self, inputs):
        """The network's inputs of what the model is called on."""
        if self.preprocessor is None or not isinstance(inputs, dict):
            return inputs
        return self.preprocessor(inputs)

    @classmethod
    def from_preset(cls, preset, preprocessor=True):
        """A trained model of a preset that `save_to_preset` has written.

        Nothing in a preset is executed, and each file's SHA-256 is compared with the one that the
        preset states, so that a damaged or mixed-up preset is an error.

        Args:
            preset: Its folder; `hf://USER/NAME`, also with `@REVISION`, for one on the Hugging Face
                Hub (needs the extra `presets`); or the name of a folder in the folder
                `KERAS_ASYM_PRESETS`, an environment variable.
            preprocessor: Whether the model takes raw images, by the preset's preprocessor. `False`
                for a model that takes the network's inputs.

        Returns:
            The model, not compiled.

        Raises:
            ValueError: If it is no such folder, of another class, or not whole.
        """
        return load_preset(cls, preset, preprocessor)

    def save_to_preset(self, folder, metadata=None, card=""):
        """Writes the model for others to use: `from_preset` reads it without a recipe.

        The folder, which must not hold anything, gets `config.json` (the network), `task.json` (the
        model around it), `preprocessor.json`, `metadata.json`, `model.weights.h5` and `README.md`,
        the files of KerasHub's presets. What only training needs is left out: auxiliary outputs,
        a discriminator, the optimizer's state.

        Args:
            folder: Path of the new folder.
            metadata: Dictionary of more that `metadata.json` is to say, such as `"class_names"`.
            card: Text of `README.md`, the model card.
        """
        save_preset(self, folder, metadata, card)

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
            input_signature = [{name: self._spec_of(name) for name in self.modality_names}]
        super().export(filepath, format, verbose, input_signature, **kwargs)

    def _spec_of(self, name):
        shape, dtype = self.network.input[name].shape, "float32"
        if self.preprocessor is not None:
            converter = self.preprocessor.converters[name]
            shape, dtype = (*shape[:-1], converter.channels), converter.raw_dtype or dtype
        return keras.InputSpec(shape=shape, dtype=dtype)

    def get_config(self):
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "preprocessor": keras.saving.serialize_keras_object(self.preprocessor),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        objects = {
            key: keras.saving.deserialize_keras_object(config[key], custom_objects=custom_objects)
            for key in (cls.NETWORK, "discriminator", "preprocessor")
            if config.get(key) is not None
        }
        return cls(**{**config, **objects})


def _refuse_class_weight(function, args, kwargs):
    if inspect.signature(function).bind(*args, **kwargs).arguments.get("class_weight") is not None:
        raise ValueError(
            "`class_weight` must be None: Keras takes the class of an example from its target, but "
            "here a target is an image. For a Segmenter give the weights to its loss, "
            "compile(optimizer, loss=keras_asym.losses.ValidPixelCrossentropy(class_weights=[...]))"
            "; weigh whole examples by `sample_weight`."
        )
