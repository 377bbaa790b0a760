"""Words in paths: which sensor, which split."""

import re

KINDS = {
    "label": "label labels labelid labelids labeltrainids mask masks gt annotation annotations "
    "segmentation seg segm semantic groundtruth lbl lesion labelstr labelsts roi classes target",
    "rgb": "rgb image images img imgs imagestr imagests color colour photo jpegimages leftimg8bit "
    "optical visible vis s2 sentinel2",
    "depth": "depth depths dep depthmap range tof zbuffer depthraw kinect lidar",
    "disparity": "disparity disp",
    "hha": "hha",
    "thermal": "thermal ir fir lwir infrared temperature temp flir therm",
    "radar": "sar radar s1 sentinel1 vv vh backscatter",
    "gray": "nir flair t1 t2 t1w t2w t1c t1ce t1gd t1post t1n t2f pd adc dwi ct pet gray grey mono",
    "normal": "normal normals",
    "elevation": "dem dsm ndsm elevation height",
}
"""Words of each kind of sensor."""

KIND_OF = {word: kind for kind, words in KINDS.items() for word in words.split()}

SPLITS = {
    "train": "train training tr trn",
    "validation": "val valid validation dev vali",
    "test": "test testing tst ts eval",
}
SPLIT_OF = {word: split for split, words in SPLITS.items() for word in words.split()}

_CHUNKS = re.compile(r"[_\-.\s#]+")
_PARTS = re.compile(r"[^\W\d_]+|\d+")


def tokens(stem):
    """Words in small letters and numbers of a file's stem: `"rgb_0012"` to `("rgb", 12)`.

    Names of sensors with digits, such as `t1`, are words.
    """
    found = []
    for chunk in _CHUNKS.split(stem):
        if chunk.lower() in KIND_OF:
            found.append(chunk.lower())
        else:
            found += [int(p) if p.isdigit() else p.lower() for p in _PARTS.findall(chunk)]
    return tuple(found)


def kind_of(text):
    """Kind of the sensor that a path or a name speaks of, None for none.

    The last word that is known counts: `images/depth/rgb_depth` is depth. A mask is one whatever
    else is said.
    """
    kinds = [KIND_OF[word] for part in re.split(r"[/\\]", text) for word in known_words(part)]
    return "label" if "label" in kinds else kinds[-1] if kinds else None


def known_words(text):
    """Words of sensors in a text, in order."""
    return [word for word in tokens(text) if word in KIND_OF]
