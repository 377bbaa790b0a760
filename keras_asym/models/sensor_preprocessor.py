import keras

from keras_asym.layers.sensor_converter import SensorConverter, check_raw_image


@keras.saving.register_keras_serializable(package="keras_asym")
class SensorPreprocessor(keras.layers.Layer):
    """Turns the raw images of several sensors into the inputs of a multimodal model.

    A model that has one, `Segmenter(..., preprocessor=...)`, takes raw images wherever it is called
    and is saved with it.

    Args:
        converters: Dictionary of modality name -> `SensorConverter`, or a layer of your own with
            `channels`, `output_channels` and `raw_dtype`.

    Call arguments:
        inputs: Dictionary of raw images by modality name. What else it holds, such as `"present"`,
            is passed on.

    Input shape:
        `(batch, height, width, channels)` for each modality, of the channels of its converter.

    Output shape:
        `(batch, height, width, output_channels)` for each modality.

    Raises:
        ValueError: If `converters` is no such dictionary.

    Example:

    >>> preprocessor = keras_asym.models.SensorPreprocessor({
    ...     "rgb": keras_asym.layers.SensorConverter(3, "uint8", encoding="uint8"),
    ...     "depth": keras_asym.layers.SensorConverter(1, "uint16", scale=0.001, invalid=0)})
    >>> raw = {"rgb": np.zeros((1, 4, 4, 3), "uint8"), "depth": np.ones((1, 4, 4, 1), "uint16")}
    >>> sorted(preprocessor(raw))
    ['depth', 'rgb']
    """

    def __init__(self, converters, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.autocast = False
        if not isinstance(converters, dict) or not converters:
            raise ValueError(
                '`converters` must be a dictionary such as {"rgb": SensorConverter(3), "depth": '
                f"SensorConverter(1)}}. Received: converters={converters}"
            )
        self.converters = {name: _layer(name, x) for name, x in converters.items()}
        self.built = True

    def call(self, inputs):
        for name, converter in self.converters.items():
            if name in inputs:
                check_raw_image(name, inputs[name], converter)
        return {
            name: self.converters[name](value) if name in self.converters else value
            for name, value in inputs.items()
        }

    def select(self, names):
        """The preprocessor of some of the sensors."""
        return SensorPreprocessor({name: self.converters[name] for name in names})

    def compute_output_shape(self, input_shape):
        return {
            name: self.converters[name].compute_output_shape(shape)
            if name in self.converters
            else shape
            for name, shape in input_shape.items()
        }

    def get_config(self):
        converters = {
            name: keras.saving.serialize_keras_object(x) for name, x in self.converters.items()
        }
        return {**super().get_config(), "converters": converters}


def _layer(name, converter):
    if isinstance(converter, dict):
        converter = keras.saving.deserialize_keras_object(converter)
    needed = ("channels", "output_channels", "raw_dtype")
    if isinstance(converter, SensorConverter) or all(hasattr(converter, x) for x in needed):
        return converter
    raise ValueError(
        f"`converters['{name}']` must be a SensorConverter, or a layer with {needed}. Received: "
        f"{converter}"
    )
