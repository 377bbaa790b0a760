"""Published PyTorch checkpoints and ImageNet weights, read into networks and models."""

from keras_asym.weights.efficientnet_lite import (
    load_efficientnet_lite_checkpoint,
    load_efficientnet_lite_state_dict,
)
from keras_asym.weights.fid_inception import (
    load_fid_inception_checkpoint,
    load_fid_inception_state_dict,
)
from keras_asym.weights.imagenet_backbone import imagenet_backbone
from keras_asym.weights.keras_hub_mix_transformer import load_keras_hub_mix_transformer
from keras_asym.weights.loading import (
    load_imagenet_checkpoint,
    load_imagenet_state_dict,
    load_reference_checkpoint,
    load_reference_state_dict,
)
from keras_asym.weights.mix_transformer import (
    load_mix_transformer_checkpoint,
    load_mix_transformer_state_dict,
    load_segformer_checkpoint,
    load_segformer_state_dict,
)
from keras_asym.weights.named_variables import named_variables
from keras_asym.weights.reading import read_state_dict
