"""Plain single-modality functional networks; `keras_asym.fusion` makes them multimodal."""

from keras_asym.networks.adapnet_pp import AdapNetPP
from keras_asym.networks.backbones import backbone, feature_pyramid
from keras_asym.networks.deeplab_v3 import DeepLabV3
from keras_asym.networks.deeplab_v3_plus import DeepLabV3Plus
from keras_asym.networks.efficientnet_lite import EfficientNetLite0
from keras_asym.networks.fid_inception import FIDInception
from keras_asym.networks.fid_preprocessing import FIDPreprocessing
from keras_asym.networks.mix_transformer import MixTransformer
from keras_asym.networks.patch_discriminator import PatchDiscriminator
from keras_asym.networks.pspnet import PSPNet
from keras_asym.networks.realtime import Realtime
from keras_asym.networks.refinenet import ENCODER_VARIABLES, HEAD_VARIABLES, RefineNet
from keras_asym.networks.resnet import ResNet
from keras_asym.networks.segformer import SegFormer
from keras_asym.networks.transformer_generator import TransformerGenerator
from keras_asym.networks.unet_generator import UNetGenerator
from keras_asym.networks.xception import Xception
