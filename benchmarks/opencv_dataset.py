"""The papers' training augmentation with OpenCV, as a PyTorch data set: what is compared with."""

import cv2
import numpy as np
import torch


class OpenCVDataset(torch.utils.data.Dataset):
    """Decodes, scales, pads, mirrors, crops and normalizes, in the published order.

    Written to be fast: OpenCV wherever it has the function, bytes until the end, and normalization
    by a table of 256 values.

    Args:
        folder: Folder with `{index}_{rgb,depth,label}.png`.
        count: Number of examples in it.
        draws: Length of the data set, which goes round; each draw has its own random numbers.
        size: Height and width of the crop.
        scale: Range of the random scale.
        shorter_side: Least length of the shorter side after scaling.
        mean, std: Of RGB in 0..1.
        depth_scale: Factor of depth.
    """

    def __init__(self, folder, count, draws, size, scale, shorter_side, mean, std, depth_scale):
        self.folder = folder
        self.count = count
        self.draws = draws
        self.size = size
        self.scale = scale
        self.shorter_side = shorter_side
        self.fill = [round(255 * m) for m in mean]
        table = (np.arange(256)[:, None] / 255 - np.array(mean)) / np.array(std)
        self.table = table[None].astype("float32")
        self.depth_scale = depth_scale

    def __len__(self):
        return self.draws

    def __getitem__(self, index):
        cv2.setNumThreads(0)  # the workers are the threads
        rgb, depth, label = (
            cv2.imread(f"{self.folder}/{index % self.count}_{name}.png", flag)
            for name, flag in (
                ("rgb", cv2.IMREAD_COLOR_RGB),
                ("depth", cv2.IMREAD_UNCHANGED),
                ("label", cv2.IMREAD_UNCHANGED),
            )
        )
        random = np.random.default_rng(index)
        factor = max(random.uniform(*self.scale), self.shorter_side / min(label.shape))
        size = (round(label.shape[1] * factor), round(label.shape[0] * factor))
        images = [
            (cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC), self.fill),
            (cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST), 0),
            (cv2.resize(label, size, interpolation=cv2.INTER_NEAREST), 255),
        ]
        missing = [max(0, self.size[0] - size[1]), max(0, self.size[1] - size[0])]
        border = [missing[0] // 2, missing[0] - missing[0] // 2]
        border += [missing[1] // 2, missing[1] - missing[1] // 2]
        slack = [size[1] + missing[0] - self.size[0], size[0] + missing[1] - self.size[1]]
        row, column = (random.integers(s + 1) for s in slack)
        mirrored = random.random() < 0.5
        crops = []
        for image, value in images:
            if any(missing):
                image = cv2.copyMakeBorder(image, *border, cv2.BORDER_CONSTANT, value=value)
            image = image[row : row + self.size[0], column : column + self.size[1]]
            crops.append(cv2.flip(image, 1) if mirrored else np.ascontiguousarray(image))
        rgb, depth, label = crops
        rgb = cv2.LUT(rgb, self.table)
        depth = depth.astype("float32") * np.float32(self.depth_scale)
        return tuple(torch.from_numpy(array) for array in (rgb, depth, label.astype("int32")))
