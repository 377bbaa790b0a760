"""Cityscapes, SSMA: two AdapNet++ whose features are merged by gates (arXiv 1808.03833).

    python -m recipes.segmentation.train --config=cityscapes_ssma \
        --workdir=runs/ssma --config.data.root=ARCHIVES --strategy=mirrored

`ARCHIVES` as for `cityscapes_deeplabv3plus_asym.py`. Paper, validation split, 768x384, 11 classes:
mean IoU 82.29 with RGB and depth; RGB alone 80.77, depth alone 65.01. Here are 19 classes, so that
these figures stand for another task. The auxiliary weights 0.6 and 0.5 are AdapNet++'s. Adam and a
polynomial decay are the published program's.

substitute: the paper's rates, batch, stages and crops are not known here. The program begins with
the weights of two trained AdapNet++ and trains the fusion alone; here all is trained at once, from
the auxiliary losses too, on crops of half resolution. Depth is in metres, in place of JET or HHA.
Images have the stored values, which the network's first norm scales.
"""

from recipes.segmentation.configs import default


def get_config():
    config = default.get_config()
    config.data.name = "cityscapes_rgbd/half"
    config.data.report_on = "validation"  # the test split has no labels
    config.modalities.rgb = {"channels": 3, "interpolation": "bilinear"}
    config.modalities.depth = {
        "channels": 1,
        "unit": "metres",
        "interpolation": "nearest",
        "invalid": 0,
    }
    config.network.name = "adapnet_pp"
    config.network.decoder = "ssma"
    config.network.auxiliary_weights = (0.6, 0.5)
    config.freeze_statistics = False
    config.fusion.name = "ssma"
    config.augmentation.size = (384, 768)
    config.augmentation.shorter_side = 384
    config.batch_size = 8
    config.optimizer.name = "adamw"
    config.optimizer.l2 = 0.0
    config.optimizer.decay = "polynomial"
    config.optimizer.warmup_steps = 1000
    config.stages = ({"epochs": 200, "encoder_rate": 1e-3, "decoder_rate": 1e-3},)
    config.evaluation_resize = "bilinear"
    return config
