"""Keras layers for folded modalities."""

from keras_asym.layers.channel_exchange import ChannelExchange
from keras_asym.layers.channel_shuffle import ChannelShuffle
from keras_asym.layers.fold_modalities import FoldModalities
from keras_asym.layers.modality_batch_normalization import ModalityBatchNormalization
from keras_asym.layers.modality_ensemble import ModalityEnsemble
from keras_asym.layers.modality_instance_normalization import ModalityInstanceNormalization
from keras_asym.layers.persistent_dropout import PersistentDropout
from keras_asym.layers.pixel_shift import PixelShift
from keras_asym.layers.repeat_channels import RepeatChannels
from keras_asym.layers.resize_like import ResizeLike
from keras_asym.layers.unfold_modalities import UnfoldModalities
