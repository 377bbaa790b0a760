"""Writes small volumes in the layout of `open_ms_data`."""

import nibabel
import numpy as np

SHAPE = (96, 110, 4)  # right, front, up
SEQUENCES = ("FLAIR", "T1", "T2", "T1POST")
PATIENTS = ("patient07", "patient19", "patient20", "patient26")
FOLDER = "cross_sectional/MNI"
SLICES = (1, 2, 3)  # of the first the brain is too small


def sequence_file(patient, sequence):
    end = "N4_noneck_reduced_winsor_regtoFLAIR_brain_N4_regtoMNI.nii.gz"
    return f"{FOLDER}/{patient}/{sequence}_{end}"


def lesion_file(patient):
    return f"{FOLDER}/{patient}/GOLD_STANDARD_N4_noneck_reduced_winsor_regtoFLAIR_regtoMNI.nii.gz"


def volumes(patient):
    """Dictionary from file to array: a box of brain whose right front corner is brighter."""
    rng = np.random.default_rng(list(patient.encode()))
    found = {}
    for sequence in SEQUENCES:
        volume = np.zeros(SHAPE, np.float32)
        volume[8:88, 10:100, 1:] = rng.uniform(50, 100, (80, 90, 3))
        volume[8:50, 10:100, 0] = 70  # 42 x 90 pixels: less than a tenth of 224 x 224
        volume[80:88, 90:100, 1:] = 400
        found[sequence_file(patient, sequence)] = volume
    # A voxel that is 0 in one sequence alone is brain.
    found[sequence_file(patient, "T2")][30, 40, 2] = 0
    lesions = np.zeros(SHAPE, np.uint8)
    lesions[20:24, 30:33, 2] = 1
    found[lesion_file(patient)] = lesions
    return found


def write(folder, patients=PATIENTS, without=()):
    """Writes a clone. The axes of T2 and the lesions are in another order, as files may have it."""
    orders = nibabel.orientations
    turned = orders.ornt_transform(orders.axcodes2ornt("RAS"), orders.axcodes2ornt("LPS"))
    for patient in patients:
        for name, volume in volumes(patient).items():
            if name in without:
                continue
            image = nibabel.Nifti1Image(volume, np.eye(4))
            if "T2" in name or "GOLD" in name:
                image = image.as_reoriented(turned)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            nibabel.save(image, folder / name)
    return folder
