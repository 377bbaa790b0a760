"""Cloning a plain network with private normalizations and a strategy's operations."""

import functools
from typing import NamedTuple

import keras

from keras_asym.fusion.graph import check_edits, normalizations_inside, rebuild
from keras_asym.fusion.normalizations import Normalization, normalization_of
from keras_asym.layers import ModalityBlock, ModalityCopies
from keras_asym.layers.sublayers import (
    CANNOT_BE_MADE,
    copy_weights,
    copy_what_is_trainable,
    described,
    made_again,
)


class PrivateCopy(NamedTuple):
    """A plain normalization, its entry in the registry, and the private one in its place."""

    plain: keras.layers.Layer
    entry: Normalization
    private: keras.layers.Layer

    def weights(self):
        """Pairs of a plain variable and the function that assigns the values of all rows to the
        private ones."""
        if isinstance(self.private, ModalityCopies):
            for index, variable in enumerate(self.plain.weights):
                yield variable, functools.partial(self._assign_to_copies, index)
        for target, source in self.entry.weights.items():
            source, target = getattr(self.plain, source, None), getattr(self.private, target, None)
            if source is not None:
                yield source, target.assign

    def fill(self):
        """Gives each modality the plain weights."""
        for variable, assign in self.weights():
            rows = (self.private.modalities, *variable.shape)
            assign(keras.ops.broadcast_to(variable, rows))

    def _assign_to_copies(self, index, values):
        for copy, value in zip(self.private.copies, values, strict=True):
            copy.weights[index].assign(value)


def clone(network, source, folded, count, fusion, settings):
    """Clones a flat network onto a tensor of folded modalities, weights copied.

    Args:
        network: Flat functional `keras.Model`.
        source: The network as it was given, the same but for nested models.
        folded: Symbolic tensor of `count` folded modalities.
        count: Number of modalities.
        fusion: Fusion strategy.
        settings: `Settings` of the private normalizations.

    Returns:
        Symbolic features in the structure of the network's, and the list of `PrivateCopy`.
    """
    edits = fusion.edits(network, count)
    check_edits(network, edits)
    shared, private, called = {}, [], set()
    inputs_of_sites = {}
    firsts = {edits.site_of(name) for name in edits.after}

    def private_norm(name, plain, entry):
        norm = entry.private(plain, count, settings)
        private.append(PrivateCopy(plain, entry, norm))
        edit = edits.normalization.get(name)
        return norm if edit is None else edit(norm)

    def block(layer, args, kwargs):
        cls = type(layer)
        with keras.saving.custom_object_scope({keras.saving.get_registered_name(cls): cls}):
            made = ModalityBlock(count, described(layer, source), {}, (args, kwargs))
        copy_weights(layer, made.layer)
        copy_what_is_trainable(layer, made.layer)
        made.replace(
            {
                path: private_norm(f"{layer.name}/{path}", plain, normalization_of(plain))
                for path, plain in normalizations_inside(layer).items()
            }
        )
        return made

    def place_of(layer, args, kwargs):
        entry = normalization_of(layer)
        if entry is not None:
            return private_norm(layer.name, layer, entry)
        if normalizations_inside(layer):
            return block(layer, args, kwargs)
        try:
            return made_again(layer)
        except CANNOT_BE_MADE:
            return block(layer, args, kwargs)

    def call_layer(layer, *args, **kwargs):
        name = layer.name
        if name in firsts or name in edits.before or name in edits.after:
            if name in called:
                raise ValueError(
                    f"A fusion strategy cannot edit layer '{name}': network '{network.name}' calls "
                    "it more than once, and the edit would be meant for one of the calls. Choose "
                    "other `sites`."
                )
            called.add(name)
        if isinstance(layer, keras.layers.Layer):  # not an operation without state
            if layer not in shared:
                shared[layer] = place_of(layer, args, kwargs)
            layer = shared[layer]
        if name in firsts:
            inputs_of_sites[name] = args[0]
        if name in edits.before:
            args = (edits.before[name](args[0]), *args[1:])
        outputs = layer(*args, **kwargs)
        if name in edits.after:
            outputs = edits.after[name](outputs, inputs_of_sites[edits.site_of(name)])
        return outputs

    features = rebuild(network, folded, call_layer)
    made_private = {id(copy.plain) for copy in private}
    for plain, copy in shared.items():
        if id(plain) not in made_private and not isinstance(copy, ModalityBlock):
            copy_weights(plain, copy)
    for copy in private:
        copy.fill()
    return features, private
