"""Stateless functions on folded tensors, written with keras.ops alone."""

from keras_asym.ops.exchange import exchange_channels
from keras_asym.ops.fold import fold, from_next, merge_axis, split_axis, unfold
from keras_asym.ops.resize import resize_bicubic, resize_bilinear
from keras_asym.ops.shift import shift_pixels
from keras_asym.ops.shuffle import kept_channels, shuffle_channels
