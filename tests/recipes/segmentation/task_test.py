import csv
import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_asym.models import Segmenter
from keras_asym.training import Distribution, read_state
from recipes import config as configs
from recipes import evaluate, preset, train
from recipes.compare import compare, tabulate
from recipes.data.values import normalize
from recipes.dry_run import dry_run
from recipes.evaluate import evaluate_run
from recipes.export import export_run, parse
from recipes.fusions import FUSIONS
from recipes.image_translation.task import ImageTranslation
from recipes.predict import predict_folder
from recipes.run_folder import RunFolder
from recipes.segmentation.configs import folder
from recipes.segmentation.evaluation import Protocol
from recipes.segmentation.task import Segmentation
from recipes.train import make_training, train_and_evaluate
from tests.recipes.segmentation.tiny import tiny_config

pytestmark = [
    pytest.mark.usefixtures("short_networks", "shared_checkpoints"),
    # Keras' data adapter leaves the iterator of an endless data set to the garbage collector.
    pytest.mark.filterwarnings("ignore:.*__array__ impl.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def fits():
    """First and last epoch of each call of `fit` that made `run`."""
    return []


@pytest.fixture(scope="module")
def run(tmp_path_factory, data_dir, fits):
    """A run that was interrupted after its first stage, and resumed on all devices."""
    workdir = tmp_path_factory.mktemp("runs") / "run"
    fit = keras.Model.fit

    def interrupted(self, *args, **kwargs):
        fits.append((kwargs["initial_epoch"], kwargs["epochs"]))
        if len(fits) == 2:
            raise KeyboardInterrupt
        return fit(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "fit", interrupted)
        tf.config.run_functions_eagerly(True)  # the second stage has graphs
        with pytest.raises(KeyboardInterrupt):
            train_and_evaluate(Segmentation(tiny_config(data_dir)), workdir)
        tf.config.run_functions_eagerly(False)
        assert read_state(workdir)["epoch"] == 1
        task = Segmentation(tiny_config(data_dir))
        results = train_and_evaluate(task, workdir, "mirrored", command_line="python -m here")
    return workdir, results


def test_a_run_leaves_everything_behind(run):
    workdir, results = run
    names = {path.name for path in workdir.iterdir()}
    assert {"best.keras", "last.keras", "config.json", "report.html", "results.json"} <= names
    assert any((workdir / "tensorboard").iterdir())
    with open(workdir / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert {"loss", "rgb_loss", "val_ensemble_mean_iou"} <= set(rows[0])
    assert float(rows[0]["depth_exchange_rate"]) == pytest.approx(0.25)  # half of its half
    assert set(results) == {"rgb", "depth", "ensemble"}
    assert json.loads((workdir / "results.json").read_text())["images"] == 3
    report = (workdir / "report.html").read_text()
    texts = ("<span>here</span>", "ingle scale", "stack0_block0_2_bn", "ottoman", "target rate")
    for text in (*texts, "Confusion of the ensemble", "truth", "Reliability diagram"):
        assert text in report
    facts = json.loads((workdir / "data.json").read_text())
    assert facts["dtypes"] == {"rgb": "uint8", "depth": "uint16", "label": "uint8"}
    assert len(facts["class_names"]) == 13


@pytest.fixture(scope="module")
def preset_folder(run, tmp_path_factory):
    output = tmp_path_factory.mktemp("presets") / "rooms"
    return preset.write_preset(Segmentation, run[0], output, licence="apache-2.0")


def test_a_preset_of_the_run_takes_raw_images_and_reaches_its_card(
    run, preset_folder, data_dir, capsys
):
    workdir, results = run
    folder = preset_folder
    text = (folder / "README.md").read_text()
    assert f"{100 * results['ensemble']['mean IoU']:.1f}" in text
    assert "license: apache-2.0" in text and "uint16" in text and "| ECE |" in text
    assert "Mean over the 3 subsets of the sensors (EMM): mean IoU" in text
    assert "An image of 48x64:" in text and " ms on CPU" in text
    stated = json.loads((folder / "metadata.json").read_text())["recipe"]
    assert list(stated["subsets"]) == ["rgb + depth", "rgb", "depth"]
    assert stated["subsets"]["rgb + depth"] == results["ensemble"]["mean IoU"]
    assert stated["cost"]["macs"] > 0 and stated["seeds"] == {}  # the run of no comparison
    loaded = configs.load(str(folder / "metadata.json"), Segmentation.configs())
    loaded.data.data_dir = str(data_dir)
    assert not list(configs.differences(loaded, Segmentation.of_run(RunFolder(workdir)).config))
    assert str(data_dir) not in (folder / "metadata.json").read_text()
    assert abs(preset.check(Segmentation, folder, str(data_dir))) < 1e-6
    assert "on the card" in capsys.readouterr().out
    model = Segmenter.from_preset(folder)
    raw = {"rgb": np.zeros((1, 48, 64, 3), "uint8"), "depth": np.ones((1, 48, 64, 1), "uint16")}
    task = Segmentation.of_run(RunFolder(workdir))
    inputs = {name: normalize(image, task.modalities[name]) for name, image in raw.items()}
    expected = RunFolder(workdir).load()(inputs)["ensemble"]
    np.testing.assert_allclose(model(raw)["ensemble"], expected, rtol=1e-5, atol=1e-6)


def test_a_preset_that_does_not_reach_its_card_is_told(preset_folder, data_dir, tmp_path):
    folder = shutil.copytree(preset_folder, tmp_path / "rooms")
    path = folder / "metadata.json"
    metadata = json.loads(path.read_text())
    metadata["recipe"]["results"]["ensemble"]["mean IoU"] += 0.002
    path.write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match="must reach what its card states"):
        preset.check(Segmentation, folder, str(data_dir))
    with pytest.raises(ValueError, match="of task 'segmentation'"):
        preset.check(ImageTranslation, folder)


def test_each_stage_begins_with_its_own_rates(tmp_path, data_dir):
    """The rates of both stages, without the decay that makes all of them small at the end."""
    config = tiny_config(data_dir)
    config.optimizer.decay = "none"
    task = Segmentation(config)
    task.open()
    model = task.build_model(1)
    found = []
    for stage in task.training_stages():
        stage.compile(model, 10)
        found.append({o.name: float(o.learning_rate) for o in model.optimizer.optimizers})
    factor = config.fusion.ensemble_rate
    expected = [
        {
            "encoder": stage["encoder_rate"],
            "decoder": stage["decoder_rate"],
            "ensemble": factor * stage["decoder_rate"],
        }
        for stage in config.stages
    ]
    assert found == [pytest.approx(rates) for rates in expected]
    assert len({rate for rates in found for rate in rates.values()}) == 6


@pytest.mark.parametrize("kind", ["global", "pixel"])
def test_the_weights_of_the_ensemble_have_their_own_rate(kind, data_dir):
    config = tiny_config(data_dir)
    config.optimizer.decay = "none"
    config.fusion.update(ensemble=kind, ensemble_rate=7.0)
    task = Segmentation(config)
    task.open()
    model = task.build_model(1)
    stage = task.training_stages()[0]
    stage.compile(model, 10)
    model.optimizer.build(model.trainable_variables)
    (alpha,) = [v for v in model.trainable_variables if v.path.endswith("ensemble/alpha")]
    rate = config.stages[0]["decoder_rate"]
    found = {o.name: o for o in model.optimizer.optimizers}
    assert float(found["ensemble"].learning_rate) == pytest.approx(7 * rate)
    assert float(found["decoder"].learning_rate) == pytest.approx(rate)
    assert [v.path for v in found["ensemble"]._trainable_variables] == [alpha.path]


def test_the_ensemble_and_the_loss_are_the_configs(data_dir):
    for kind, gamma, weight, classes in (
        ("pixel", 2.0, 0.5, ()),
        ("global", 0.0, 0.0, (1.0,) * 13),
    ):
        config = tiny_config(data_dir)
        config.fusion.ensemble = kind
        config.loss.update(focal_gamma=gamma, dice_weight=weight)
        config.class_weights = classes
        task = Segmentation(config)
        task.open()
        model = task.build_model(1)
        task.training_stages()[0].compile(model, 10)
        assert model.network.get_layer("ensemble").kind == kind
        assert set(model.loss) == {"rgb", "depth", "ensemble"}
        for loss in model.loss.values():
            assert (loss.focal_gamma, loss.dice_weight) == (gamma, weight)
            assert loss.class_weights == (list(classes) or None)


def test_a_branch_that_is_better_than_the_ensemble_is_told(run, capsys, monkeypatch):
    found = Segmentation.evaluate

    def worse(self, *args, **kwargs):
        evaluation = found(self, *args, **kwargs)
        evaluation.results["ensemble"]["mean IoU"] = 0.0
        evaluation.results["rgb"]["mean IoU"] = 0.5
        return evaluation

    monkeypatch.setattr(Segmentation, "evaluate", worse)
    evaluate_run(Segmentation, run[0])
    text = capsys.readouterr().out
    assert "worse than its branch 'rgb' on this split: mean IoU 0.0, and 50.0" in text


def test_another_network_by_two_settings(data_dir, capsys):
    config = tiny_config(data_dir)
    config.network.update(name="deeplabv3plus", backbone="MobileNetV3Small")
    config.fusion.name = "private_normalization"
    task = Segmentation(config)
    task.check()
    task.open()
    assert task.build_model(1).network.name.startswith("deeplab_v3_plus_")
    words = "Not read by deeplabv3plus: backbone_width, decoder, decoder_widths of config.network."
    assert words in capsys.readouterr().out


def test_running_the_same_command_again_resumes(run, data_dir, capsys):
    workdir, results = run
    (workdir / "results.json").unlink()
    assert train_and_evaluate(Segmentation(tiny_config(data_dir)), workdir) == results
    assert "Resuming after epoch 2" in capsys.readouterr().out


def test_resuming_after_the_first_stage_trains_the_second(run, fits):
    assert fits == [(0, 1), (1, 2), (1, 2)]
    assert read_state(run[0])["epoch"] == 2


def test_another_config_is_refused(run, data_dir):
    config = tiny_config(data_dir)
    config.batch_size = 4
    with pytest.raises(ValueError, match=r"config.batch_size: 2 there, 4 asked for"):
        train_and_evaluate(Segmentation(config), run[0])


def test_a_changed_data_set_is_refused_and_the_run_kept(run, data_dir):
    config = tiny_config(data_dir)
    config.data.num_examples.train = 6
    before = (run[0] / "config.json").read_text()
    with pytest.raises(ValueError, match=r"config.data.num_examples.train: 4 there, 6 asked for"):
        train_and_evaluate(Segmentation(config), run[0])
    assert (run[0] / "config.json").read_text() == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": ("rgb", "thermal")}, r"`config.inputs` must name some of .*thermal"),
        ({"inputs": ("rgb", "rgb")}, r"`config.inputs` must be distinct names"),
        ({"freeze_statistics": True}, r"must be False without `config.pretrained`"),
        ({"class_weights": (1.0, 2.0)}, "a number for each of the 13 classes. Received: 2"),
        ({"batch_size": 0}, "`config.batch_size` must be"),
        ({"augmentation": {"size": (-1, 4)}}, "`config.augmentation.size` must be"),
        ({"augmentation": {"scale": (2.0, 1.0)}}, "low <= high"),
        ({"modalities": {"depth": {"invalid": -1}}}, "'invalid'.*a value that uint16 images"),
        ({"modalities": {"depth": {"std": -1.0}}}, "'std'.*must be positive"),
        ({"callbacks": ("nowhere:f",)}, r"`config.callbacks` must name functions"),
        ({"optimizer": {"clipnorm": 1.0, "clipvalue": 1.0}}, "at most one of clipnorm"),
        ({"fusion": {"name": "cen"}}, r"`config.fusion.name` must be one of"),
        (
            {"modalities": {"depth": {"unit": "metres", "scale": None}}},
            r"'unit'\]` must be None for a data set that does not say",
        ),
    ],
)
def test_a_wrong_setting_ends_before_any_work(changes, message, tmp_path, data_dir):
    config = tiny_config(data_dir)
    config.update(changes)
    with pytest.raises(ValueError, match=message):
        train_and_evaluate(Segmentation(config), tmp_path / "run")
    assert not (tmp_path / "run" / "config.json").exists()


def test_evaluation_is_repeatable_says_how_and_is_kept(run, capsys):
    workdir, results = run
    assert evaluate_run(Segmentation, workdir) == results
    text = capsys.readouterr().out
    assert "single scale, no mirroring, test split" in text and "precision" in text
    record = json.loads((workdir / "evaluation_test.json").read_text())
    assert record["results"] == results
    matrix = np.array(record["confusion"]["ensemble"])
    assert matrix.sum() == 3 * 48 * 64
    accuracy = np.trace(matrix) / matrix.sum()
    assert accuracy == pytest.approx(results["ensemble"]["pixel accuracy"])
    with open(workdir / "evaluation_test_classes.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["output"] == "ensemble"]
    assert [int(row["pixels"]) for row in rows] == matrix.sum(1).tolist()


def test_the_protocol_says_on_what_the_best_was_chosen(run, capsys):
    protocol, chosen = Protocol((0.5, 1.0), flip=True), "on which the best checkpoint was chosen"
    evaluate_run(Segmentation, run[0], "validation", "last", protocol)
    text = capsys.readouterr().out
    assert "multi-scale (0.5, 1), with mirroring, validation split, last checkpoint" in text
    assert chosen not in text
    evaluate_run(Segmentation, run[0], "validation", "best")
    assert chosen in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"`split` must be one of.*'tset'"):
        evaluate_run(Segmentation, run[0], "tset")


def test_the_protocol_of_the_config_holds_where_no_flag_says_otherwise(
    run, data_dir, tmp_path, capsys
):
    workdir = tmp_path / "run"
    shutil.copytree(run[0], workdir)
    config = tiny_config(data_dir)
    config.evaluation.update(scales=(0.5, 1.0), flip=True, window=(32, 40), overlap=0.25)
    results = train_and_evaluate(Segmentation(config), workdir)  # may be set for a finished run
    assert results != run[1]
    words = "multi-scale (0.5, 1), with mirroring, windows of 32x40 overlapping by 25 %, test split"
    assert json.loads((workdir / "results.json").read_text())["protocol"] == words
    protocol = Protocol((0.5, 1.0), True, (32, 40), 0.25)
    assert evaluate_run(Segmentation, workdir) == results
    assert evaluate_run(Segmentation, run[0], protocol=protocol) == results
    capsys.readouterr()
    flags = [f"--workdir={workdir}", "--scales=1", "--noflip", "--window=0"]
    evaluate.main(Segmentation, flags)
    assert "single scale, no mirroring, test split" in capsys.readouterr().out
    record = json.loads((workdir / "evaluation_test.json").read_text())
    assert record["results"] == run[1]


def test_evaluation_with_one_sensor(run, capsys):
    found = evaluate_run(Segmentation, run[0], protocol=Protocol(modalities=("rgb",)))
    assert set(found) == {"rgb", "ensemble"}
    assert "rgb alone" in capsys.readouterr().out


def test_evaluation_of_every_subset(run, capsys):
    evaluate.main(Segmentation, [f"--workdir={run[0]}", "--subsets"])
    text = (run[0] / "subsets_test.md").read_text()
    assert text in capsys.readouterr().out
    found = json.loads((run[0] / "subsets_test.json").read_text())["results"]
    assert list(found) == ["rgb + depth", "rgb", "depth"]
    assert found["rgb + depth"] == run[1]["ensemble"]
    alone = evaluate_run(Segmentation, run[0], protocol=Protocol(modalities=("depth",)))
    assert found["depth"] == alone["ensemble"] != found["rgb"]


def write_images(folder, count=2):
    generator = np.random.default_rng(0)
    for name, shape, dtype in (("rgb", (40, 56, 3), "uint8"), ("depth", (40, 56), "uint16")):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            image = generator.integers(0, 250, shape).astype(dtype)
            Image.fromarray(image).save(folder / name / f"view{index}.png")


def test_prediction_of_a_folder(run, tmp_path):
    write_images(tmp_path / "images")
    (tmp_path / "images" / "rgb" / ".DS_Store").write_text("")
    assert predict_folder(Segmentation, run[0], tmp_path / "images", tmp_path / "out") == 2
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    endings = ("classes", "colors", "confidence", "overlay")
    assert names[:4] == [f"view0_{ending}.png" for ending in endings]
    classes = np.array(Image.open(tmp_path / "out" / "view0_classes.png"))
    assert classes.shape == (40, 56) and classes.max() < 13
    protocol = Protocol((0.5, 1.0), flip=True, window=(32, 32), modalities=("rgb",))
    predict_folder(Segmentation, run[0], tmp_path / "images", tmp_path / "rgb", protocol=protocol)
    assert len(list((tmp_path / "rgb").iterdir())) == 8


def test_prediction_names_what_is_missing(run, tmp_path):
    write_images(tmp_path / "images")
    (tmp_path / "images" / "depth" / "view1.png").unlink()
    with pytest.raises(ValueError, match=r"view1 .*not in both 'rgb' and 'depth'"):
        predict_folder(Segmentation, run[0], tmp_path / "images", tmp_path / "out")
    with pytest.raises(ValueError, match="must hold a folder 'rgb'"):
        predict_folder(Segmentation, run[0], tmp_path / "out", tmp_path / "out")


def test_prediction_refuses_a_depth_of_another_type(run, tmp_path):
    write_images(tmp_path / "images", 1)
    depth = np.zeros((40, 56), "uint8")
    Image.fromarray(depth).save(tmp_path / "images" / "depth" / "view0.png")
    with pytest.raises(ValueError, match=r"must be uint16, as the images of the training were"):
        predict_folder(Segmentation, run[0], tmp_path / "images", tmp_path / "out")


def test_export_takes_raw_images_and_needs_no_data(run, tmp_path, monkeypatch):
    def no_data(*_):
        raise AssertionError("the data set must not be opened")

    monkeypatch.setattr("recipes.task.open_dataset", no_data)
    arguments = parse(Segmentation, "--subsets=rgb")
    path = export_run(Segmentation, run[0], tmp_path / "rooms", arguments)
    signatures = tf.saved_model.load(path).signatures
    assert set(signatures) == {"serving_default", "serving_encoded", "serving_rgb"}
    rgb, depth = tf.zeros((2, 40, 56, 3), "uint8"), tf.ones((2, 40, 56, 1), "uint16")
    outputs = signatures["serving_default"](rgb=rgb, depth=depth)
    assert outputs["classes"].shape == outputs["confidence"].shape == (2, 40, 56)
    assert len((path / "assets" / "class_names.txt").read_text().splitlines()) == 13
    contract = json.loads((path / "assets" / "preprocessing.json").read_text())
    assert contract["inputs"]["depth"]["scale"] == 1e-3
    assert (path / "assets.extra" / "tf_serving_warmup_requests").is_file()


@pytest.mark.usefixtures("without_graphs")
def test_a_dry_run_says_what_a_training_would_be(data_dir, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = tiny_config(data_dir)
    config.class_weights = ("frequency",)
    config.inputs = ("rgb",)
    dry_run(Segmentation(config), make_training)
    text = capsys.readouterr().out
    for part in ("wall", "void:", "(2, 32, 48, 3)", "Parameters:", "Loss", "MiB", "ms a step"):
        assert part in text
    assert not list(tmp_path.iterdir())


def test_a_run_begins_with_what_fits_of_another(run, data_dir, capsys):
    """Fine-tuning with one modality less."""
    config = tiny_config(data_dir)
    config.init = str(run[0])
    config.inputs = ("rgb",)
    task = Segmentation(config)
    task.check()
    model = make_training(task, task.open(), Distribution()).build()
    text = capsys.readouterr().out
    assert f"From {run[0]}:" in text and "weights loaded" in text
    old = keras.models.load_model(run[0] / "best.keras", compile=False).network
    kernel = [x.get_layer("stack1_block0_1_conv").kernel.numpy() for x in (old, model.network)]
    np.testing.assert_array_equal(*kernel)
    gamma = [x.get_layer("conv1_bn").gamma.numpy()[0] for x in (old, model.network)]
    np.testing.assert_array_equal(*gamma)


def write_folder(root, masks=(0, 1), mask_size=(40, 56)):
    write_images(root)
    (root / "masks").mkdir()
    lines = []
    for index in range(2):
        mask = np.full(mask_size, masks[index], "uint8")
        mask[:20, :20] = masks[1 - index]
        Image.fromarray(mask).save(root / "masks" / f"view{index}.png")
        lines.append(f"rgb/view{index}.png\tmasks/view{index}.png\tdepth/view{index}.png")
    (root / "train.txt").write_text("\n".join(lines))


def folder_config(tmp_path):
    config = folder.get_config()
    small = tiny_config(tmp_path / "data")
    for key in ("network", "augmentation", "batch_size", "checkpoint_every"):
        config[key] = small[key]
    config.stages = small.stages[:1]
    config.data.update(root=str(tmp_path / "mine"), data_dir=small.data.data_dir, num_classes=2)
    config.data.lists.validation = ""
    return config


@pytest.mark.usefixtures("without_graphs")
def test_a_folder_of_ones_own(tmp_path, capsys):
    write_folder(tmp_path / "mine")
    config = folder_config(tmp_path)
    results = train_and_evaluate(Segmentation(config), tmp_path / "run")
    record = json.loads((tmp_path / "run" / "results.json").read_text())
    assert record["protocol"].endswith("train split") and record["images"] == 2
    capsys.readouterr()
    # The images go: what the run has kept is enough to use and to evaluate it.
    (tmp_path / "mine").rename(tmp_path / "elsewhere")
    again = evaluate_run(Segmentation, tmp_path / "run", "train")
    assert again["ensemble"] == pytest.approx(results["ensemble"])
    tf.config.run_functions_eagerly(False)
    export_run(Segmentation, tmp_path / "run", tmp_path / "served", parse(Segmentation))


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ((0, 255), r"at least two classes. Received: class 0 and void alone. 255 is void: write"),
        ((1, 1), r"at least two classes. Received: class 1 alone"),
        ((255, 255), r"must have a class. Received: void \(255\) in every pixel"),
    ],
)
def test_masks_that_cannot_be_learned_from(masks, message, tmp_path):
    write_folder(tmp_path / "mine", masks)
    with pytest.raises(ValueError, match=message):
        train_and_evaluate(Segmentation(folder_config(tmp_path)), tmp_path / "run")


def test_a_split_without_labels_is_not_reported_on(tmp_path):
    write_folder(tmp_path / "mine")
    root = tmp_path / "mine"
    void = np.full((40, 56), 255, "uint8")
    Image.fromarray(void).save(root / "masks" / "void.png")
    (root / "test.txt").write_text("rgb/view0.png\tmasks/void.png\tdepth/view0.png")
    config = folder_config(tmp_path)
    config.data.lists.test = "test.txt"
    task = Segmentation(config)
    with pytest.raises(
        ValueError, match=r"split 'test' must have a class.*--config.data.report_on"
    ):
        task.survey(task.open())
    config.data.report_on = "train"
    task = Segmentation(config)
    dataset = task.open()
    assert list(task.survey(dataset)) == ["train"] and dataset.evaluated_split == "train"


def test_a_held_out_part_of_train_chooses_the_best(tmp_path, data_dir):
    config = tiny_config(data_dir)
    config.data.num_examples = {"train": 4, "validation": 2}
    config.data.hold_out = 0.25
    task = Segmentation(config)
    dataset = task.open()
    assert dataset.splits == ["test", "train", "validation"]
    assert dataset.evaluated_split == "test"
    assert [len(dataset.source(split)) for split in dataset.splits] == [2, 3, 1]


def test_comparison_measures_finished_runs_once_and_refuses_another_config(run, data_dir, tmp_path):
    shutil.copytree(run[0], tmp_path / "channel_exchanging_0")
    results = tmp_path / "channel_exchanging_0" / "results.json"
    before = json.loads(results.read_text())
    task = Segmentation(tiny_config(data_dir))
    table = compare(task, tmp_path, ["channel_exchanging"], [0])
    assert "| channel_exchanging: ensemble |" in table
    measured = results.read_text()
    cost = json.loads(measured)["cost"]
    assert json.loads(measured) == {**before, "cost": cost}
    assert cost["size"] == [48, 64] and cost["macs"] > 0 and cost["milliseconds"] > 0
    assert compare(task, tmp_path, ["channel_exchanging"], [0]) == table == tabulate(task, tmp_path)
    assert results.read_text() == measured
    config = tiny_config(data_dir)
    config.fusion.threshold = 0.5
    for program in (compare, tabulate):
        with pytest.raises(ValueError, match=r"fusion.threshold: 0.02 there, 0.5 asked for"):
            program(Segmentation(config), tmp_path, ["channel_exchanging"], [0])


def test_a_variant_that_cannot_be_built_does_not_stop_the_others(run, data_dir, tmp_path):
    folder = tmp_path / "channel_exchanging_0"
    shutil.copytree(run[0], folder)
    config = tiny_config(data_dir)
    config.fusion.shuffle_sites = "nowhere"
    (folder / "config.json").write_text(configs.to_json(config))
    variants = ["asymmetric_fusion", "channel_exchanging"]
    with pytest.raises(ValueError, match=r"These could not be:\n  asymmetric_fusion_0: .*nowhere"):
        compare(Segmentation(config), tmp_path, variants, [0])
    text = (tmp_path / "comparison.md").read_text()
    assert "| channel_exchanging: ensemble |" in text and "| asymmetric_fusion |" in text


def test_all_variants_are_tried(tmp_path, capsys):
    config = folder.get_config()
    config.freeze_statistics = False
    with pytest.raises(ValueError, match=r"`config.data.root` must be the folder"):
        compare(Segmentation(config), tmp_path, ["all"], [0])
    text = capsys.readouterr().out
    assert all(f"{name}_0 could not be trained" in text for name in ("rgb", "depth", *FUSIONS))


MISTAKES = [
    (["--config.betch_size=4"], "did you mean `batch_size`?"),
    (["--config.data.root=nowhere"], "`root` must be a folder"),
    (["--stratgy=none"], "did you mean --strategy?"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_mistakes_in_arguments(arguments, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        train.main(Segmentation, ["--config=folder", f"--workdir={tmp_path / 'run'}", *arguments])
    assert message in f"{caught.value} {capsys.readouterr().err}"


def test_a_mistake_on_the_command_line(tmp_path):
    arguments, message = MISTAKES[0]
    command = [sys.executable, "-m", "recipes.segmentation.train"]
    command += ["--config=folder", f"--workdir={tmp_path / 'run'}"]
    done = subprocess.run(command + arguments, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
