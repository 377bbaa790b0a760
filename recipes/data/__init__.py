"""The input pipeline of all recipes: from stored examples to batches.

| module | what it does |
|---|---|
| `datasets` | opens the data set that a config names |
| `dataset` | its splits as a run uses them, and what a model must know of it |
| `sources` | examples by number, from memory or from the files of a data set |
| `batches` | order, shares and batching, with `tf.data` on every Keras backend |
| `survey` | a look at classes and values before the first step |
| `specs` | what the raw values of an image mean |
| `values` | raw values to network values and back, holes, validity channel |
| `geometry` | one resizing, crop and mirror for all images of an example |
| `checks` | broken sources and examples end in an error that names them |
| `image_folders` | folders of images to predict from |

What is done to one example stands in `examples` of each task.
"""
