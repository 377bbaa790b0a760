"""Fusion strategies, and the transformation that makes a plain network multimodal."""

from keras_asym.fusion.alignment import Alignment
from keras_asym.fusion.asymmetric_fusion import AsymmetricFusion
from keras_asym.fusion.averaging import Averaging
from keras_asym.fusion.channel_exchanging import ChannelExchanging
from keras_asym.fusion.combined import Combined
from keras_asym.fusion.concatenation import Concatenation
from keras_asym.fusion.condition_on_modalities import CANDIDATE, condition_on_modalities
from keras_asym.fusion.gated_fusion import GatedFusion
from keras_asym.fusion.merging import Merging
from keras_asym.fusion.multi_modal_fusion import MultiModalFusion
from keras_asym.fusion.normalizations import register_normalization
from keras_asym.fusion.private_normalization import PrivateNormalization
from keras_asym.fusion.select_modalities import modality_names, select_modalities
from keras_asym.fusion.shared_normalizations import SharedNormalizations
from keras_asym.fusion.strategy import FusionStrategy, GraphEdits, find_sites
from keras_asym.fusion.to_multimodal import to_multimodal
from keras_asym.fusion.token_exchanging import TokenExchanging
from keras_asym.fusion.unshared_networks import UnsharedNetworks
