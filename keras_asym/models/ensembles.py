from keras_asym.layers import ModalityEnsemble


def ensembles(network):
    """The `ModalityEnsemble` layers of a multimodal network; none where modalities are merged."""
    return [layer for layer in network.layers if isinstance(layer, ModalityEnsemble)]
