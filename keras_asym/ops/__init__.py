"""Stateless functions on folded tensors, written with keras.ops alone."""

from keras_asym.ops.exchange import exchange_channels
from keras_asym.ops.fold import (
    any_other,
    beside,
    fold,
    from_next,
    mean_of_others,
    merge_axis,
    only_present,
    split_axis,
    unfold,
)
from keras_asym.ops.replicas import place_among_replicas, sum_over_replicas
from keras_asym.ops.resize import resize_bicubic, resize_bilinear
from keras_asym.ops.shift import shift_pixels
from keras_asym.ops.shuffle import kept_channels, shuffle_channels
