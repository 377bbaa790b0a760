from keras import ops


def resize_bilinear(inputs, size, align_corners=False):
    """Bilinear resizing that compiles under XLA and exports with dynamic height and width.

    Args:
        inputs: Tensor `(batch, height, width, channels)`.
        size: Pair of output height and width, integers or scalar tensors.
        align_corners: If `True`, the centres of the corner pixels of input and output coincide;
            otherwise pixels are areas with their centres at half coordinates.

    Returns:
        Tensor `(batch, size[0], size[1], channels)`.
    """
    return _resize(inputs, size, align_corners, "linear")


def resize_bicubic(inputs, size):
    """Bicubic resizing (half-pixel centres) of `(batch, height, width, channels)` tensors."""
    return _resize(inputs, size, False, "cubic")


def _resize(inputs, size, align_corners, method):
    shape = ops.shape(inputs)
    scales, offsets = [], []
    for source, target in zip(shape[1:3], size, strict=True):
        source, target = ops.cast(source, "float32"), ops.cast(target, "float32")
        scale, offset = target / source, ops.zeros(())
        if align_corners:
            aligned = ops.maximum(target - 1, 1.0) / ops.maximum(source - 1, 1.0)
            # scale_and_translate works on pixel areas: output centre i + 0.5 reads the input at
            # (i + 0.5 - offset) / scale - 0.5, which must be i / scale. A single pixel has no
            # corners to align: it fills the output, as pixel areas do.
            scale = ops.where(source > 1, aligned, scale)
            offset = ops.where(source > 1, 0.5 - 0.5 * aligned, offset)
        scales.append(scale)
        offsets.append(offset)
    return ops.image.scale_and_translate(
        inputs,
        (shape[0], size[0], size[1], inputs.shape[-1]),
        ops.stack(scales),
        ops.stack(offsets),
        (1, 2),
        method,
        antialias=False,
    )
