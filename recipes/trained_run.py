"""A run that was trained, opened to be used: its task, its model, and a split of its data."""

import functools

from recipes.data.datasets import open_evaluated
from recipes.run_folder import RunFolder
from recipes.task import split_words


class TrainedRun:
    """A checkpoint of a run, as all programs that use one open it.

    The model is loaded when it is first asked for, so that wrong arguments are told before.

    Args:
        task_class: The run's task.
        workdir: Folder of the run.
        checkpoint: `"best"` or `"last"`.
        beside: Whether the task reads what the folder holds beside the model, such as temperatures.

    Attributes:
        folder: `RunFolder`.
        task: The run's task.
    """

    def __init__(self, task_class, workdir, checkpoint="best", beside=True):
        self.folder = RunFolder(workdir)
        self.task = task_class.of_run(self.folder)
        self.checkpoint = checkpoint
        if beside:
            self.task.use_checkpoint(self.folder, checkpoint)

    @functools.cached_property
    def model(self):
        """The model of the checkpoint."""
        return self.folder.load(self.checkpoint)

    def select(self, modalities):
        """The model on some of its modalities, by their names; on all of them where none is given.

        It shares the variables of `model`, which is loaded once.
        """
        if tuple(modalities) in ((), tuple(self.model.modality_names)):
            return self.model
        part = self.model.select(list(modalities))
        part.jit_compile = False  # images come in many sizes
        return part

    def data(self, split):
        """The data set, and the examples of one of its splits by number."""
        dataset = open_evaluated(self.task.config.data, self.task.facts, split)
        return dataset, dataset.source(split, self.task.image_names)

    def words(self, split):
        """What a protocol calls a split; see `recipes.task.split_words`."""
        return split_words(split, self.checkpoint)
