"""Every setting of the image translation recipe, with the papers' values where they fix one.

The other configs import this one and change what differs. A misspelt key is an error, on the
command line as in a config.
"""

import ml_collections


def get_config():
    config = ml_collections.ConfigDict()
    config.seed = 0

    config.data = ml_collections.ConfigDict()
    config.data.name = "taskonomy"
    config.data.data_dir = ""  # where TFDS keeps what it builds; its own default if empty
    config.data.file_format = ""  # of new data sets: "tfrecord" (TFDS' default), "array_record"
    config.data.hold_out = 0.0  # share of train that becomes the validation split
    config.data.report_on = ""  # split that is reported on; test, or else validation if empty
    config.data.root = ""  # of a folder: this and what follows, see tfds_builders
    config.data.columns = ()
    config.data.lists = {"train": "", "validation": "", "test": ""}
    config.data.splits = ""  # of Taskonomy: tiny, medium, full, fullplus; or lists
    config.data.image_size = ()  # of Taskonomy: (height, width), 512x512 if empty
    config.data.num_classes = 0  # of a folder that has masks, too
    config.data.class_names = ()
    config.data.label_values = ()  # stored values of the classes where they are not 0, 1, ...
    config.data.void_values = ()  # stored values that mean void, beside 255
    config.data.crop_to = ""  # column to whose size others are cropped
    config.data.resize = ()  # columns that are resized to that size
    config.data.width = 160  # of rendered rooms: this and what follows
    config.data.height = 160
    config.data.num_examples = {"train": 400, "validation": 40, "test": 100}

    # How each domain is stored and becomes [-1, 1]; recipes/data/values.py.
    config.modalities = ml_collections.ConfigDict()
    config.modalities.rgb = {"channels": 3, "encoding": "uint8"}
    config.modalities.normal = {"channels": 3, "encoding": "uint8"}
    config.modalities.reshading = {"channels": 3, "encoding": "uint8"}
    config.modalities.depth_euclidean = {"channels": 1, "encoding": "log_depth", "invalid": 65535}
    config.modalities.depth_zbuffer = {"channels": 1, "encoding": "log_depth", "invalid": 65535}
    config.modalities.edge_texture = {"channels": 1, "encoding": "scaled", "maximum": 11355}
    config.modalities.edge_occlusion = {"channels": 1, "encoding": "scaled", "maximum": 11584}
    config.modalities.principal_curvature = {"channels": 3, "encoding": "uint8"}
    config.inputs = ("reshading", "edge_texture")
    config.target = "rgb"

    config.generator = ml_collections.ConfigDict()
    config.generator.name = "unet"  # or "transformer"
    config.generator.filters = 64  # of the first block or stage
    config.generator.depth = 8  # of the U-Net: this and what follows
    config.generator.dropout = 0.5
    config.generator.depths = (3, 4, 4, 6, 3)  # of the transformer: this and what follows
    config.generator.decoder_depths = (1, 1, 1, 1)
    config.generator.drop_path = 0.1
    config.discriminator = ml_collections.ConfigDict()
    config.discriminator.filters = 64
    config.dropout_at_test = True
    config.instance_statistics = True
    config.l1_weight = 100.0

    config.fusion = ml_collections.ConfigDict()
    config.fusion.name = "channel_exchanging"
    config.fusion.threshold = 1e-2
    config.fusion.l1 = 1e-3
    config.fusion.share_only = False
    # Share of the penalized channels that is exchanged in the end, by rank of gamma in place of the
    # threshold; and the share at the first step, if it is another one.
    config.fusion.target_rate = None
    config.fusion.start_rate = None
    config.fusion.target_at = 0.5  # part of the training after which it is the target
    config.fusion.exchange_sites = r"down\d+_norm$"  # encoder blocks 2 to 7
    # Of token exchange, in networks on a Mix Transformer; with "sum" the published l1 is 1e-6.
    config.fusion.token_threshold = 2e-2
    config.fusion.token_l1 = 1.0
    config.fusion.token_l1_reduction = "mean"
    config.fusion.token_predictors = "stage"  # or "block"
    config.fusion.token_sites = r"block\d+_attention_proj$"
    # Every second one; which blocks of a U-Net shuffle and shift, the paper does not say.
    config.fusion.shuffle_sites = r"down[246]_conv$"
    config.fusion.shift_source = "output"
    config.fusion.stage = "late"  # where aggregations merge; "early", "middle", "all"
    config.fusion.merge_sites = ""  # names of layers in place of a stage's
    config.fusion.share_encoder = True  # whether aggregations have one encoder for all modalities
    config.fusion.alignment_weight = 1.0
    config.fusion.random_rate = 0.1  # share of the channels that a random exchange exchanges
    # Learning rate of the weights of the branches in the ensemble, in units of the others'.
    config.fusion.ensemble_rate = 1.0

    config.augmentation = ml_collections.ConfigDict()
    config.augmentation.resize = (286, 286)
    config.augmentation.size = (256, 256)
    config.augmentation.mirror = 0.5

    config.batch_size = 1  # global: over all replicas
    config.eval_batch_size = 1
    config.epochs = 300
    config.optimizer = ml_collections.ConfigDict()  # Adam, one for each player
    config.optimizer.rate = 2e-4
    config.optimizer.beta_1 = 0.5
    config.optimizer.beta_2 = 0.999
    config.optimizer.decay = "none"  # or "cosine", "polynomial"
    config.optimizer.decay_power = 0.9  # of the polynomial
    config.optimizer.warmup_steps = 0  # of each stage, over which the rate rises linearly
    config.optimizer.clipnorm = 0.0  # largest norm of a variable's gradient; 0: any
    config.optimizer.global_clipnorm = 0.0  # of all gradients of a player; 0: any
    config.optimizer.clipvalue = 0.0  # largest magnitude of a component; 0: any
    config.jit_compile = False  # XLA on TensorFlow; JAX is always compiled
    config.evaluate_every = 10  # epochs
    config.early_stopping = 0  # epochs after the best one; 0: train to the last
    config.checkpoint_every = 10  # epochs
    config.checkpoint_steps = 0  # and steps; 0: so often that training hardly becomes longer
    config.precision = "float32"  # or "mixed_bfloat16"
    config.gradient_accumulation = 1  # batches that make one update of the weights
    config.weight_average = 0.0  # momentum of a moving average of the weights, 0.999 say; 0: none
    config.report_examples = 4
    config.tensorboard_examples = 2  # of which each validation writes pictures; 0: none
    config.init = ""  # folder of a run to start from: what fits is loaded
    config.callbacks = ()  # your own: "module:function" of the task that returns a Keras callback

    config.inception = ml_collections.ConfigDict()
    config.inception.path = ""  # weights of the Inception network, for FID and KID
    config.inception.protocol = "clean"
    config.inception.subset_size = 50
    return config
