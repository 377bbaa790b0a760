import keras
import numpy as np

from keras_asym.keras_internals import sublayers
from keras_asym.layers import ChannelExchange, TokenExchange

RATES = {"exchange_rate": ChannelExchange, "token_exchange_rate": TokenExchange}
"""What is logged of each modality, and the layers that it is the mean over."""


class ExchangeRates(keras.callbacks.Callback):
    """Logs at each epoch's end how many channels and tokens a model's modalities exchange.

    `NAME_exchange_rate` is the share of the channels of modality NAME that are replaced, in 0..1,
    the mean over the exchange layers; `NAME_token_exchange_rate` that of its tokens. The model has
    `network` and `modality_names`; one without exchange logs nothing. It must stand before the
    callbacks that read the logs.
    """

    def on_epoch_end(self, epoch, logs=None):
        found = sublayers(self.model.network)
        for ending, kind in RATES.items() if logs is not None else ():
            rates = [np.array(layer.exchange_rate()) for layer in found if isinstance(layer, kind)]
            for name, rate in zip(self.model.modality_names, np.transpose(rates), strict=False):
                logs[f"{name}_{ending}"] = float(rate.mean())
