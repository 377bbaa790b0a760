"""The input pipelines of all recipes: from stored examples to batches.

| module | what it does |
|---|---|
| `datasets` | opens the data set that a config names |
| `specs` | what the raw values of an image mean |
| `values` | raw values to network values, holes, validity channel |
| `geometry` | one resizing, crop and mirror for all images of an example |
| `checks` | broken sources and examples end in an error that names them |
| `streams` | `tf.data`: order, sharding, batching, prefetching |
| `training_batches`, `evaluation_batches` | the same without TensorFlow, for any Keras backend |
| `array_source` | arrays as a source of examples |
| `numpy_ops`, `tensorflow_ops` | the array functions that all of it is written with |

A recipe says what happens to one example, once, as a function of the array functions `ops`; both
kinds of batches call it.
"""
