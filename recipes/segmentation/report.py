"""An evaluation as lines of text, as files, and as sections of the report of a run.

Each function takes the task's `recipes.task.Evaluation`, the names of the classes, and where the
temperatures come from, `{"split", "images"}` or `None`.
"""

import csv
import io

from recipes.report.certainty import certainty_plots
from recipes.report.tables import class_table, confusion_table, escape, results_table
from recipes.segmentation import evaluation
from recipes.segmentation.certainty import NOTE, calibration_words, certainty_text, known_figures
from recipes.segmentation.colors import class_legend


def text(found, class_names, calibration_source):
    """The figures of each output, their confidence, and the classes of the ensemble."""
    lines = [evaluation.text_table(found.results, found.protocol, found.images)]
    lines += [*certainty_text(found.results, calibration_source), ""]
    matrix = _ensemble(found)
    lines += evaluation.class_text(matrix, class_names)
    missing = evaluation.never_predicted(matrix, class_names)
    return "\n".join([*lines, missing] if missing else lines)


def files(found, class_names, calibration_source):
    """Tables by class as CSV, `{name: text}`, and confusion matrices, for the JSON file."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(("output", "class", "IoU", "accuracy", "precision", "pixels"))
    for key, matrix in found.details.items():
        figures = evaluation.class_figures(matrix)
        for index, name in enumerate(class_names):
            writer.writerow((key, name, *(figures[column][index] for column in figures)))
    matrices = {key: matrix.tolist() for key, matrix in found.details.items()}
    return {"classes.csv": table.getvalue()}, {
        "class_names": class_names,
        "confusion": matrices,
        "calibration": calibration_source,
    }


def sections(found, class_names, calibration_source):
    """Pairs of a heading and HTML: classes, the ensemble's confusion, confidence."""
    iou = {key: evaluation.class_figures(x)["IoU"] for key, x in found.details.items()}
    missing = evaluation.never_predicted(_ensemble(found), class_names)
    note = f'<p class="note">In percent; &ndash; without pixels. {escape(missing)}</p>'
    rows = "Rows are true classes, columns predicted ones, in percent of the row."
    return [
        ("IoU by class", note + class_table(iou, class_names, class_legend(class_names))),
        (
            "Confusion of the ensemble",
            f'<p class="note">{rows}</p>{confusion_table(_ensemble(found), class_names)}',
        ),
        ("Confidence", _confidence(found, calibration_source)),
    ]


def _confidence(found, calibration_source):
    columns = known_figures(found.results)
    figures = {
        key: {name: values[name] for name in columns} for key, values in found.results.items()
    }
    note = f"{NOTE}; {calibration_words(calibration_source)}. Plots: the ensemble."
    note = note.replace("ECE (15 bins) and AURC in percent", "ECE (15 bins) and AURC in 0..1")
    return (
        f'<p class="note">{escape(note)}</p>'
        f"{results_table(figures, percent=False, lower_is_better=tuple(columns))}"
        f"{certainty_plots(found.curves)}"
    )


def _ensemble(found):
    """The confusion matrix of the ensemble, or of the only output."""
    return found.details.get("ensemble", next(iter(found.details.values())))
