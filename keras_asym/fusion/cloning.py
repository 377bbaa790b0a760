"""Cloning a plain network with private normalizations and a strategy's operations."""

import functools
from typing import NamedTuple

import keras

from keras_asym.fusion.graph import ancestors, check_edits, normalizations_inside, rebuild
from keras_asym.fusion.normalizations import Normalization, normalization_of
from keras_asym.keras_internals import operation_of
from keras_asym.layers import (
    AverageModalities,
    CropLike,
    ModalityBlock,
    ModalityCopies,
    ResizeLike,
    SharedNormalization,
)
from keras_asym.layers.sublayers import (
    CANNOT_BE_MADE,
    copy_weights,
    copy_what_is_trainable,
    described,
    made_again,
)


class PrivateCopy(NamedTuple):
    """A plain layer, its entry in the registry of normalizations, and what is private in its
    place."""

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


_COPIES = Normalization(None, {})
_OF_A_SIZE = (CropLike, ResizeLike)  # which take a second tensor for its size alone


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
        Symbolic features in the structure of the network's, the list of `PrivateCopy`, and whether
        the features are one stream, as the strategy merges modalities.
    """
    cloning = _Cloning(network, source, count, fusion.edits(network, count), settings)
    features = rebuild(network, folded, cloning.call_layer)
    if cloning.edits.merge:
        features = keras.tree.map_structure(cloning.merged, features)
    cloning.copy_weights()
    return features, cloning.private, bool(cloning.edits.merge)


class _Cloning:
    """The layers of a clone, made as the graph of the plain network is run."""

    def __init__(self, network, source, count, edits, settings):
        check_edits(network, edits)
        self.network, self.source, self.count = network, source, count
        self.edits, self.settings = edits, settings
        self.private = []
        self.firsts = {edits.site_of(name) for name in edits.after}
        self._shared, self._inputs_of_sites = {}, {}
        self._called, self._streams = set(), {}
        self._folded = ancestors(network, edits.merge) if edits.merge else None
        self._one_stream = {}
        self._check_behind_merge()

    def call_layer(self, layer, *args, **kwargs):
        name, edits = layer.name, self.edits
        if name in self.firsts or name in edits.before or name in edits.after:
            self._check_called_once(name)
        stream = self.count
        if self._folded is not None and name not in self._folded:
            args, kwargs = self._merged_inputs(layer, args, kwargs)
            stream = 1
        if isinstance(layer, keras.layers.Layer):  # not an operation without state
            if layer not in self._shared:
                self._shared[layer] = self._place_of(layer, stream, args, kwargs)
            layer = self._shared[layer]
        if name in self.firsts:
            self._inputs_of_sites[name] = args[0]
        if name in edits.before:
            args = (edits.before[name](args[0]), *args[1:])
        outputs = layer(*args, **kwargs)
        if name in edits.after:
            outputs = edits.after[name](outputs, self._inputs_of_sites[edits.site_of(name)])
        if stream != self.count:
            for x in keras.tree.flatten(outputs):
                self._one_stream[id(x)] = x
        elif name in edits.merge:
            self._streams[id(outputs)] = name
        return outputs

    def merged(self, x):
        """A tensor of the clone as one stream."""
        if not isinstance(x, keras.KerasTensor) or id(x) in self._one_stream:
            return x
        key = ("of", id(x))
        if key not in self._one_stream:
            site = self._streams.get(id(x))
            merge = self.edits.merge.get(site) or next(iter(self.edits.merge.values()))
            one = merge(x, site or operation_of(x).name)
            self._one_stream[key] = one
            self._one_stream[id(one)] = one
        return self._one_stream[key]

    def _merged_inputs(self, layer, args, kwargs):
        """The inputs of a layer as one stream."""
        if isinstance(layer, _OF_A_SIZE):  # the mean has the size, and no weights without a use
            x, like = args[0]
            if id(like) not in self._one_stream:
                name = f"{layer.name}_size"
                like = AverageModalities(self.count, name=name, dtype=like.dtype)(like)
            return ([self.merged(x), like], *args[1:]), kwargs
        return keras.tree.map_structure(self.merged, (args, kwargs))

    def copy_weights(self):
        """Gives every layer of the clone the weights of the plain one."""
        made_private = {id(copy.plain) for copy in self.private}
        for plain, copy in self._shared.items():
            if id(plain) not in made_private and not isinstance(copy, ModalityBlock):
                copy_weights(plain, copy)
        for copy in self.private:
            copy.fill()

    def _place_of(self, layer, stream, args, kwargs):
        """What takes the place of a layer, on so many modalities."""
        if layer.name in self.edits.unshared and stream > 1:
            return self._copies(layer, args)
        entry = normalization_of(layer)
        if entry is not None:
            return self._private_norm(layer.name, layer, entry, stream)
        if normalizations_inside(layer):
            return self._block(layer, stream, args, kwargs)
        try:
            return made_again(layer)
        except CANNOT_BE_MADE:
            return self._block(layer, stream, args, kwargs)

    def _private_norm(self, name, plain, entry, stream):
        shared = name in self.edits.shared and stream > 1
        norm = entry.private(plain, 1 if shared else stream, self.settings)
        self.private.append(PrivateCopy(plain, entry, norm))
        if shared:
            norm = SharedNormalization(stream, norm)
        edit = self.edits.normalization.get(name)
        return norm if edit is None else edit(norm)

    def _copies(self, layer, args):
        if not args or not isinstance(args[0], keras.KerasTensor) or len(args) > 1:
            raise ValueError(
                "A layer of which each modality gets its own must be called on one tensor. "
                f"Received: '{layer.name}' ({type(layer).__name__}) of '{self.network.name}'; "
                "leave it out of the layers that are not shared"
            )
        copies = ModalityCopies(self.count, layer)
        copies.trainable = layer.trainable
        self.private.append(PrivateCopy(layer, _COPIES, copies))
        return copies

    def _block(self, layer, stream, args, kwargs):
        cls = type(layer)
        with keras.saving.custom_object_scope({keras.saving.get_registered_name(cls): cls}):
            made = ModalityBlock(stream, described(layer, self.source), {}, (args, kwargs))
        copy_weights(layer, made.layer)
        copy_what_is_trainable(layer, made.layer)
        inside = normalizations_inside(layer)
        names = {path: f"{layer.name}/{path}" for path in inside}
        made.replace(
            {
                path: self._private_norm(names[path], plain, normalization_of(plain), stream)
                for path, plain in inside.items()
            }
        )
        return made

    def _check_called_once(self, name):
        if name in self._called:
            raise ValueError(
                f"A fusion strategy cannot edit layer '{name}': network '{self.network.name}' "
                "calls it more than once, and the edit would be meant for one of the calls. Choose "
                "other `sites`."
            )
        self._called.add(name)

    def _check_behind_merge(self):
        """No edit stands where there is one stream."""
        if self._folded is None:
            return
        edits = self.edits
        for name in (*edits.normalization, *edits.before, *edits.after):
            if name.split("/")[0] not in self._folded:
                raise ValueError(
                    f"A fusion strategy cannot edit '{name}' of '{self.network.name}': the "
                    f"modalities are one stream there, behind {sorted(edits.merge)}, where they "
                    "are merged. Choose other `sites`."
                )
