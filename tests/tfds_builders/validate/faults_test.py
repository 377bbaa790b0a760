"""The faults of `faulty_folders` are found by their names, and nothing is in sound folders."""

import collections
import json

import pytest

from tests.tfds_builders.validate.faulty_folders import FAULTS, KINDS, make_folder
from tfds_builders.validate.__main__ import main

# Of each kind one that does not need many frames, so that the normal suite stays short.
SAMPLE = (
    "depth_in_5000ths_of_a_metre",
    "depth_is_disparity",
    "depth_is_inverted",
    "depth_is_hha",
    "wrong_pairing",
    "misregistered",
    "mirrored",
    "labels_start_at_1",
    "void_is_0",
    "jpeg_mask",
    "palette_mask",
    "constant_sensor",
    "clipped_sensor",
    "split_leak",
    "class_missing",
)


def judge(folder, seed, fault=None, kind=None, count=None):
    """Names of the errors and warnings about a folder."""
    arguments, kind = make_folder(folder / "data", seed, fault, kind, count)
    found = folder / "findings.json"
    main([str(folder / "data"), f"--json={found}", f"--sheet={folder / 'sheet.png'}", *arguments])
    return {f["name"] for f in json.loads(found.read_text()) if f["level"] != "note"}, kind


@pytest.mark.parametrize("name", SAMPLE)
def test_a_fault_is_found_by_its_name(tmp_path, name):
    fault = next(fault for fault in FAULTS if fault.name == name)
    kind = fault.kinds[len(name) % len(fault.kinds)]
    found, _ = judge(tmp_path, 1, fault, kind, 20)
    assert name in found
    assert found <= {name, ""}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_found_in_a_sound_folder(tmp_path, kind):
    found, _ = judge(tmp_path, 2, kind=kind, count=20)
    assert not found


@pytest.mark.slow
def test_faults_and_false_alarms_of_300_folders(tmp_path):
    """99 % of 200 faulty folders by name, at most 1 of 100 sound ones."""
    missed, false = collections.Counter(), []
    for seed in range(200):
        fault = FAULTS[seed % len(FAULTS)]
        found, kind = judge(tmp_path / f"faulty{seed}", seed, fault)
        if fault.name not in found:
            missed[fault.name, kind] += 1
    for seed in range(100):
        found, kind = judge(tmp_path / f"sound{seed}", 10_000 + seed)
        if found:
            false.append((seed, kind, found))
    assert missed.total() <= 2, missed
    assert len(false) <= 1, false
