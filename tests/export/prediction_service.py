"""A double of TF Serving for tests, on loopback: its protocol and its loader, not its code.

It loads the newest version into a TensorFlow 1 session (tag `serve`) and feeds the session what the
request holds, as TF Serving does; the answers to wrong requests are TF Serving's status codes.
Where a `tensorflow_model_server` is on the PATH, `serve` starts that one instead.
"""

import base64
import concurrent.futures
import contextlib
import http.server
import json
import shutil
import socket
import subprocess
import threading
import time

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

_SERVER = shutil.which("tensorflow_model_server")
_LIMITS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class Session:
    """A SavedModel in a TensorFlow 1 session."""

    def __init__(self, path):
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        meta = tf.compat.v1.saved_model.load(self._session, ["serve"], str(path))
        self.signatures = meta.signature_def

    def run(self, signature, inputs):
        """Outputs by name; the runtime itself sees whether the arrays fit."""
        definition = self.signatures[signature]
        tensor = self._session.graph.get_tensor_by_name
        feeds = {tensor(definition.inputs[k].name)._as_tf_output(): v for k, v in inputs.items()}
        names = list(definition.outputs)
        fetches = [tensor(definition.outputs[k].name)._as_tf_output() for k in names]
        # `run` would convert what is fed to the dtypes of the graph; TF Serving does not.
        self._session._extend_graph()
        values = self._session._call_tf_sessionrun(None, feeds, fetches, [], None)
        return dict(zip(names, values, strict=True))


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """TF Serving's `Predict` and `GetModelMetadata` of one model."""

    def __init__(self, base_path):
        versions = [path for path in base_path.iterdir() if path.name.isdigit()]
        self._name = base_path.name
        self._session = Session(max(versions, key=lambda path: int(path.name)))

    def Predict(self, request, context):
        try:
            inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
            outputs = self.answer(
                request.model_spec.name, request.model_spec.signature_name, inputs
            )
        except Refusal as error:
            context.abort(error.code, str(error))
        response = predict_pb2.PredictResponse()
        response.model_spec.CopyFrom(request.model_spec)
        for name, value in outputs.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return response

    def GetModelMetadata(self, request, context):
        known = get_model_metadata_pb2.SignatureDefMap()
        for name, definition in self._session.signatures.items():
            known.signature_def[name].CopyFrom(definition)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.metadata["signature_def"].Pack(known)
        return response

    def answer(self, model, signature, inputs):
        """Outputs by name; raises `Refusal` as TF Serving refuses."""
        if model != self._name:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {model}")
        signature = signature or "serving_default"
        if signature not in self._session.signatures:
            message = f'Serving signature key "{signature}" not found.'
            raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, message)
        definition = self._session.signatures[signature]
        inputs, wanted = {**_defaults(definition), **inputs}, set(definition.inputs)
        if set(inputs) != wanted:
            raise Refusal(
                grpc.StatusCode.INVALID_ARGUMENT,
                "input size does not match signature. Sent extra: "
                f"{{{','.join(sorted(set(inputs) - wanted))}}}. Missing but required: "
                f"{{{','.join(sorted(wanted - set(inputs)))}}}.",
            )
        try:
            return self._session.run(signature, inputs)
        except tf.errors.InvalidArgumentError as error:
            raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, error.message) from error


def _defaults(definition):
    """What newer servers take for the inputs of a signature that a request leaves out."""
    return {name: tf.make_ndarray(value) for name, value in definition.defaults.items()}


class Refusal(Exception):
    """What a client gets instead of an answer."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


@contextlib.contextmanager
def serve(base_path):
    """Serves the newest version under a base path; gives the addresses for gRPC and REST."""
    with _real(base_path) if _SERVER else _double(base_path) as addresses:
        yield addresses


@contextlib.contextmanager
def _double(base_path):
    service = PredictionService(base_path)
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8), options=_LIMITS)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    rest = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _rest_handler(service))
    thread = threading.Thread(target=rest.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{port}", f"127.0.0.1:{rest.server_port}"
    finally:
        rest.shutdown()
        rest.server_close()
        thread.join()
        server.stop(None).wait()


def _rest_handler(service):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            model = self.path.removeprefix("/v1/models/").removesuffix(":predict")
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            signature = body["signature_name"]
            dtypes = service._session.signatures[signature].inputs
            inputs = {
                name: np.array(_decoded(value), tf.as_dtype(dtypes[name].dtype).as_numpy_dtype)
                for name, value in body["inputs"].items()
            }
            try:
                outputs = service.answer(model, signature, inputs)
                code, answer = 200, {"outputs": {k: v.tolist() for k, v in outputs.items()}}
            except Refusal as error:
                code, answer = 400, {"error": str(error)}
            data = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments):
            pass

    return Handler


def _decoded(value):
    if isinstance(value, list):
        return [_decoded(x) for x in value]
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value


@contextlib.contextmanager
def _real(base_path):
    ports = [_free_port() for _ in range(2)]
    process = subprocess.Popen(
        [
            _SERVER,
            f"--port={ports[0]}",
            f"--rest_api_port={ports[1]}",
            f"--model_name={base_path.name}",
            f"--model_base_path={base_path}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for port in ports:
            _wait_for(port)
        yield tuple(f"127.0.0.1:{port}" for port in ports)
    finally:
        process.terminate()
        process.wait()


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait_for(port):
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise RuntimeError(f"tensorflow_model_server does not listen on port {port}")
