"""NYUDv2, RDFNet ResNet-101 (Park et al. 2017): an encoder for each modality, fused at each scale.

    python -m recipes.segmentation.train \
        --config=nyudv2_rdfnet101 --workdir=runs/rdfnet101 \
        --config.data.root=FILES --config.pretrained=resnet101.pth --strategy=mirrored

The data are those of `nyudv2_builder_refinenet101_cen.py`. The blocks of multi-modal fusion stand
where a RefineNet adapts the encoder's features. Paper, multi-scale: pixel accuracy 75.6, mean
accuracy 62.2, mean IoU 49.1 with HHA; 75.3, 60.9, 48.2 with raw depth, which is what is used here.
Rates 1e-4, and a tenth of it in the encoders, momentum 0.9 and decay 5e-4 are the paper's, which
divides the rates by 10 on plateaus.

substitute: the paper does not give the length of the training, the batch nor the scales, as far as
this package knows it: three stages of 100 epochs, whose rates are divided by 10, and the crops of
CEN. The decoder is that of `refinenet`, its statistics are frozen.
"""

from recipes.segmentation.configs import nyudv2_builder_refinenet101_cen


def get_config():
    config = nyudv2_builder_refinenet101_cen.get_config()
    config.fusion.name = "multi_modal_fusion"
    config.fusion.merge_sites = r"refine\d_adapt_conv$"
    config.fusion.share_encoder = False
    config.optimizer.l2 = 5e-4
    config.stages = tuple(
        {"epochs": 100, "encoder_rate": rate / 10, "decoder_rate": rate}
        for rate in (1e-4, 1e-5, 1e-6)
    )
    config.evaluation.scales = (0.75, 1.0, 1.25)
    return config
