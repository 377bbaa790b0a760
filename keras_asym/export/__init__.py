"""From a trained model to what a server loads."""

from keras_asym.export.inference_form import InferenceForm
from keras_asym.export.litert import export_litert
from keras_asym.export.onnx import export_onnx
from keras_asym.export.saved_model import export_saved_model
