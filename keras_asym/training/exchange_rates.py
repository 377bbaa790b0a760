import keras
import numpy as np

from keras_asym.keras_internals import sublayers
from keras_asym.layers import ChannelExchange


class ExchangeRates(keras.callbacks.Callback):
    """Logs at each epoch's end how many channels a model's modalities exchange.

    `NAME_exchange_rate` is the share of the channels of modality NAME that are replaced, in 0..1,
    the mean over the exchange layers. The model has `network` and `modality_names`; one without
    exchange logs nothing. It must stand before the callbacks that read the logs.
    """

    def on_epoch_end(self, epoch, logs=None):
        layers = [x for x in sublayers(self.model.network) if isinstance(x, ChannelExchange)]
        if layers and logs is not None:
            rates = np.mean([np.array(layer.exchange_rate()) for layer in layers], axis=0)
            for name, rate in zip(self.model.modality_names, rates, strict=True):
                logs[f"{name}_exchange_rate"] = float(rate)
