import csv

from keras_asym.training import EpochLog


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_columns_may_come_later(tmp_path):
    log = EpochLog(tmp_path / "log.csv")
    log.on_epoch_end(0, {"loss": 0.5})
    log.on_epoch_end(1, {"loss": 0.25, "val_loss": 1})
    assert rows(tmp_path / "log.csv") == [
        {"epoch": "0", "loss": "0.5", "val_loss": "NA"},
        {"epoch": "1", "loss": "0.25", "val_loss": "1.0"},
    ]


def test_an_epoch_that_is_trained_again_stands_there_once(tmp_path):
    path = tmp_path / "log.csv"
    log = EpochLog(path)
    for epoch in range(3):
        log.on_epoch_end(epoch, {"loss": 0.1 + epoch})
    whole = path.read_text()
    log = EpochLog(path, start=1)
    log.on_epoch_end(1, {"loss": 1.1})
    assert [row["epoch"] for row in rows(path)] == ["0", "1"]
    log.on_epoch_end(2, {"loss": 2.1})
    assert path.read_text() == whole
