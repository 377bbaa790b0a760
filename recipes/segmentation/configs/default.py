"""Every setting of the segmentation recipe, with the papers' values where they fix one.

The other configs import this one and change what differs. A misspelt key is an error, on the
command line as in a config.
"""

import ml_collections

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def get_config():
    config = ml_collections.ConfigDict()
    config.seed = 0

    config.data = ml_collections.ConfigDict()
    config.data.name = "multimodal_folder"
    config.data.data_dir = ""  # where TFDS keeps what it builds; its own default if empty
    config.data.file_format = ""  # of new data sets: "tfrecord" (TFDS' default), "array_record"
    config.data.hold_out = 0.0  # share of train that becomes the validation split
    config.data.report_on = ""  # split that is reported on; test, or else validation if empty
    config.data.root = ""  # of the folder: this and what follows, see tfds_builders
    config.data.columns = ("rgb", "label", "depth")
    config.data.lists = {"train": "train.txt", "validation": "val.txt", "test": ""}
    config.data.num_classes = 40
    config.data.class_names = ()
    config.data.label_values = ()  # stored values of the classes where they are not 0, 1, ...
    config.data.void_values = ()  # stored values that mean void, beside 255
    config.data.crop_to = ""  # column to whose size others are cropped; the label if empty
    config.data.resize = ()  # columns that are resized to that size
    config.data.eval_size = ()  # (height, width) to pad to when images differ in size
    config.data.width = 160  # of rendered rooms: this and what follows
    config.data.height = 120
    config.data.num_examples = {"train": 400, "validation": 40, "test": 100}

    # How each modality is stored and normalized; recipes/data/specs.py.
    config.modalities = ml_collections.ConfigDict()
    config.modalities.rgb = {
        "channels": 3,
        "scale": 1 / 255,
        "mean": IMAGENET_MEAN,
        "std": IMAGENET_STD,
        "interpolation": "bicubic",
    }
    config.modalities.depth = {
        "channels": 1,
        "scale": 1 / 5000,  # to metres
        "interpolation": "nearest",
        "invalid": 0,  # holes
    }
    config.inputs = ("rgb", "depth")  # the modalities that this run uses, in order

    config.network = ml_collections.ConfigDict()
    # refinenet, deeplabv3plus, deeplabv3, pspnet, segformer, adapnet_pp;
    # recipes/segmentation/networks.py says which of the settings each one reads. None is the
    # published value.
    config.network.name = "refinenet"
    # Or xception65, ...; a class of keras.applications; "kerashub:" and a preset of KerasHub.
    config.network.backbone = "resnet101"
    config.network.weights = None  # or "imagenet", of keras.applications and KerasHub downloaded
    config.network.backbone_width = None  # channels of the first layer: 64, of an Xception 32
    config.network.output_stride = None  # of the encoder: 8, 16, 32
    config.network.decoder = None  # refinenet: "full", "light"; adapnet_pp: "adapnet", "ssma"
    config.network.decoder_widths = (512, 256, 256, 256)  # of refinenet, from coarse to fine
    config.network.filters = None  # of the pooled branches and of the decoder or head
    config.network.skip_filters = None  # to which deeplabv3plus and adapnet_pp reduce skips
    config.network.dropout = None
    config.network.auxiliary_weights = ()  # of auxiliary losses: 1 of pspnet, 2 of adapnet_pp
    # Weights of the encoder: a torchvision ResNet or a published mit_b*.pth (.pth, .safetensors,
    # .npz), or a Keras file (.weights.h5, .h5, .keras) of the same encoder.
    config.pretrained = ""
    config.freeze_statistics = True
    config.checkpoint_gradients = False  # less memory in training, more time
    config.init = ""  # folder of a run to start from: what fits is loaded
    config.class_weights = ()  # in the loss: a number for each class, or ("frequency",)
    config.loss = ml_collections.ConfigDict()  # of each branch, the ensemble, auxiliary outputs
    config.loss.focal_gamma = 0.0  # cross-entropy times (1 - p) ** gamma; 0: the plain one
    config.loss.dice_weight = 0.0  # of the Dice loss beside the cross-entropy

    config.fusion = ml_collections.ConfigDict()
    config.fusion.name = "channel_exchanging"
    config.fusion.threshold = 2e-2
    config.fusion.l1 = 6e-4  # (M + 1) * 2e-4: the published loss counts it once for each output
    config.fusion.share_only = False
    # Share of the penalized channels that is exchanged in the end, by rank of gamma in place of the
    # threshold; and the share at the first step, if it is another one.
    config.fusion.target_rate = None
    config.fusion.start_rate = None
    config.fusion.target_at = 0.5  # part of the training after which it is the target
    config.fusion.exchange_sites = r"block\d+_2_bn$"
    # Of token exchange, in networks on a Mix Transformer; with "sum" the published l1 is 1e-6.
    config.fusion.token_threshold = 2e-2
    config.fusion.token_l1 = 1.0
    config.fusion.token_l1_reduction = "mean"
    config.fusion.token_predictors = "stage"  # or "block"
    config.fusion.token_sites = r"block\d+_attention_proj$"
    config.fusion.shuffle_sites = ""  # the last block of each stage
    config.fusion.shift_source = "input"
    config.fusion.stage = "late"  # where aggregations merge; "early", "middle", "all"
    config.fusion.merge_sites = ""  # names of layers in place of a stage's
    config.fusion.share_encoder = True  # whether aggregations have one encoder for all modalities
    config.fusion.alignment_weight = 1.0
    config.fusion.random_rate = 0.1  # share of the channels that a random exchange exchanges
    config.fusion.ensemble = "global"  # the papers' weights of the branches; "class", "pixel"
    config.fusion.train_ensemble = True  # whether these learn; False is the mean of the branches
    config.fusion.ensemble_rate = 1.0  # their learning rate, in units of the decoder's
    # Probability that a training example lacks a modality: none, one for all or for each of the
    # inputs, or ("uniform",) over all subsets. What a sensor's failure is to be survived by.
    config.fusion.modality_dropout = ()
    # Weight of a loss by which what modality dropout leaves of an example learns from the ensemble
    # of all of its sensors; 0: none, and no forward pass more.
    config.fusion.distillation = 0.0
    config.fusion.distillation_temperature = 2.0

    config.augmentation = ml_collections.ConfigDict()
    config.augmentation.size = (500, 500)
    config.augmentation.scale = (0.5, 2.0)
    config.augmentation.scale_step = 0.0  # between the scales that are drawn; 0: any in the range
    config.augmentation.shorter_side = 350
    config.augmentation.mirror = 0.5

    config.batch_size = 6  # global: over all replicas
    config.eval_batch_size = 1
    config.optimizer = ml_collections.ConfigDict()
    config.optimizer.name = "sgd"
    config.optimizer.momentum = 0.9
    config.optimizer.l2 = 1e-5
    config.optimizer.decay_norms = True  # whether l2 is of gammas and betas, too; False with adamw
    config.optimizer.decay = "none"  # or "cosine", "polynomial"
    config.optimizer.decay_power = 0.9  # of the polynomial
    config.optimizer.warmup_steps = 0  # of each stage, over which the rate rises linearly
    config.optimizer.clipnorm = 0.0  # largest norm of a variable's gradient; 0: any
    config.optimizer.global_clipnorm = 0.0  # of all gradients of encoder or decoder; 0: any
    config.optimizer.clipvalue = 0.0  # largest magnitude of a component; 0: any
    config.stages = (
        {"epochs": 100, "encoder_rate": 5e-4, "decoder_rate": 3e-3},
        {"epochs": 100, "encoder_rate": 2.5e-4, "decoder_rate": 1.5e-3},
        {"epochs": 100, "encoder_rate": 1e-4, "decoder_rate": 7e-4},
    )
    config.jit_compile = False  # XLA on TensorFlow; JAX is always compiled
    config.evaluate_every = 10  # epochs
    config.early_stopping = 0  # epochs after the best one; 0: train to the last
    config.checkpoint_every = 10  # epochs
    config.checkpoint_steps = 0  # and steps; 0: so often that training hardly becomes longer
    config.precision = "float32"  # or "mixed_bfloat16", "mixed_float16"
    config.gradient_accumulation = 1  # batches that make one update of the weights
    config.weight_average = 0.0  # momentum of a moving average of the weights, 0.999 say; 0: none
    config.evaluation_resize = "bicubic"
    config.evaluation = ml_collections.ConfigDict()  # the protocol; flags of evaluate override it
    config.evaluation.scales = (1.0,)  # whose probabilities are averaged
    config.evaluation.flip = False  # whether those of mirror images are averaged in
    config.evaluation.window = ()  # (height, width) of sliding windows; whole images if empty
    config.evaluation.overlap = 0.5  # of the windows
    config.report_examples = 4
    config.tensorboard_examples = 2  # of which each validation writes pictures; 0: none
    config.callbacks = ()  # your own: "module:function" of the task that returns a Keras callback
    return config
