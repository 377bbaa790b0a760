"""Fusion strategies, and the transformation that makes a plain network multimodal."""

from keras_asym.fusion.asymmetric_fusion import AsymmetricFusion
from keras_asym.fusion.channel_exchanging import ChannelExchanging
from keras_asym.fusion.combined import Combined
from keras_asym.fusion.condition_on_modalities import CANDIDATE, condition_on_modalities
from keras_asym.fusion.normalizations import register_normalization
from keras_asym.fusion.private_normalization import PrivateNormalization
from keras_asym.fusion.select_modalities import modality_names, select_modalities
from keras_asym.fusion.strategy import FusionStrategy, GraphEdits, find_sites
from keras_asym.fusion.to_multimodal import to_multimodal
