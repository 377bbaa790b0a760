"""NYUDv2, SegFormer-B2, TokenFusion (arXiv 2204.08721, "Ti" in its Table 2).

    python -m recipes.segmentation.train \
        --config=nyudv2_segformer_b2_tokens --workdir=runs/tokens_b2 \
        --config.data.root=nyudv2 --config.pretrained=mit_b2.pth --strategy=mirrored

The data are those of `nyudv2_refinenet101_cen.py`; `mit_b2.pth` holds the ImageNet weights of
SegFormer's authors, whose licence is non-commercial. 26,018,426 parameters, meant for GPUs. Paper:
pixel accuracy 78.6, mean accuracy 66.2, mean IoU 53.3.

Published: three stages of 100 epochs, each with a new AdamW and a warm-up of 1,500 steps, batch 6,
ten times the encoder's rate for the head, no decay of norms. What its program does otherwise is a
setting. It keeps the initial statistics of the head's norm (--config.freeze_statistics=True), does
not train the ensemble's weights (--config.fusion.train_ensemble=False), and sums the penalty over
tokens, with a weight of 1e-4 or, better by its authors, 1e-6
(--config.fusion.token_l1_reduction=sum --config.fusion.token_l1=1e-6).

substitute: the rate falls to 0 in each stage, the program's, whose schedule is longer than the
stage, to 67 %. The predictors of scores have the head's rate here and the encoder's there.
"""

from recipes.segmentation.configs import nyudv2_refinenet101_cen


def get_config():
    config = nyudv2_refinenet101_cen.get_config()
    config.network.name = "segformer"
    config.network.backbone = "mit_b2"
    config.network.filters = 256
    config.freeze_statistics = False
    config.fusion.name = "token_exchanging"
    config.fusion.exchange_sites = r"block\d+_norm[12]$"
    config.fusion.l1 = 1e-3  # of the paper's channel exchange at these norms
    config.optimizer.name = "adamw"
    config.optimizer.l2 = 1e-2
    config.optimizer.decay_norms = False
    config.optimizer.decay = "polynomial"
    config.optimizer.decay_power = 1.0
    config.optimizer.warmup_steps = 1500
    config.stages = tuple(
        {"epochs": 100, "encoder_rate": rate, "decoder_rate": 10 * rate}
        for rate in (6e-5, 3e-5, 1.5e-5)
    )
    config.evaluation_resize = "bilinear"
    return config
