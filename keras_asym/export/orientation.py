"""The orientation that encoded images declare, which TensorFlow's decoders do not apply."""

import tensorflow as tf

from keras_asym.export.image_checks import require

_PNG_CHUNK = b"eXIf"
_JPEG_SEGMENT = b"Exif\0\0"  # what the APP1 segment begins with
_APP1 = b"\xff\xe1"
_BYTE_ORDERS = (b"II*\0", b"MM\0*")  # little and big endian: what the tags begin with
_ENTRY = 12  # bytes of a tag: number, type, count and value
_ORIENTATION = 0x0112
_SHORT, _LONG = 3, 4
_XMP = b"tiff:Orientation"
_TURNED = range(2, 9)  # orientations other than upright


def upright(name, files, is_png):
    """The files behind a check that none asks to be turned or mirrored when it is shown.

    Args:
        name: Modality name, for the message.
        files: String tensor `(batch,)` of PNG and JPEG files.
        is_png: Which of them are PNG files.

    Returns:
        The same files.

    Raises:
        tf.errors.InvalidArgumentError: When the graph runs, if a file has an orientation of 2 to 8.
    """
    orientations = tf.map_fn(
        lambda file: _orientation(*file),
        (files, is_png),
        fn_output_signature=tf.TensorSpec((), "int64"),
    )
    check = require(
        tf.reduce_all((orientations < _TURNED.start) | (orientations >= _TURNED.stop)),
        f"`{name}` must hold images with the EXIF orientation 1 or none, as it is not applied: "
        "rotate the pixels, or remove the tag. Received: orientation of each",
        orientations,
    )
    with tf.control_dependencies([check]):
        return tf.identity(files)


def _orientation(data, is_png):
    """int64, what EXIF says, else what XMP says, else 1."""
    exif = _said_by_exif(data, is_png)
    return tf.where(exif > 0, exif, _said_by_xmp(data))


def _said_by_exif(data, is_png):
    """int64, 0 for nothing. What is no tag, or leads out of the file, says nothing."""
    parts = tf.strings.split(data, tf.where(is_png, _PNG_CHUNK, _JPEG_SEGMENT))
    before, after = parts[:-1], parts[1:]
    # A segment's marker and two bytes of its length stand in front.
    start = -tf.minimum(tf.strings.length(before), 4)
    in_segment = tf.strings.substr(before, start, tf.fill(tf.shape(start), 2)) == _APP1
    begins = tf.reduce_any(tf.strings.substr(after, 0, 4)[:, None] == _BYTE_ORDERS, axis=1)
    tags = tf.boolean_mask(after, begins & (in_segment | is_png))
    return _orientation_of_tags(tf.concat([tags, [b""]], axis=0)[0])


def _orientation_of_tags(data):
    octets = tf.cast(tf.io.decode_raw(data, "uint8"), "int64")
    size = tf.size(octets, tf.int64)
    octets = tf.concat([octets, [0]], axis=0)
    little = octets[0] == _BYTE_ORDERS[0][0]

    def number(position, count):
        places = tf.range(count, dtype="int64")
        powers = tf.where(little, places, count - 1 - places)
        taken = tf.gather(octets, tf.minimum(position[..., None] + places, size))
        return tf.reduce_sum(taken * 256**powers, axis=-1)

    directory = number(tf.constant(4, "int64"), 4)
    room = tf.maximum(size - directory - 2, 0) // _ENTRY
    entries = tf.range(tf.minimum(number(directory, 2), room)) * _ENTRY + directory + 2
    kinds = number(entries + 2, 2)
    values = number(entries + 8, 1)
    values = tf.where(kinds == _SHORT, number(entries + 8, 2), values)
    values = tf.where(kinds == _LONG, number(entries + 8, 4), values)
    found = tf.boolean_mask(values, number(entries, 2) == _ORIENTATION)
    return tf.concat([found, tf.zeros(1, "int64")], axis=0)[0]


def _said_by_xmp(data):
    """int64, 1 for nothing: an attribute or an element of the XML that stands in the file."""
    after = tf.strings.split(data, _XMP)[1:, None]
    attributes = tf.strings.substr(after, 0, 3) == [b'="%d' % value for value in _TURNED]
    elements = tf.strings.substr(after, 0, 2) == [b">%d" % value for value in _TURNED]
    said = tf.reduce_any(attributes | elements, axis=0)
    return tf.where(tf.reduce_any(said), tf.argmax(said) + _TURNED.start, 1)
