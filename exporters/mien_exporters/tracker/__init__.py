"""The tracker's nets: from MediaPipe's TFLite files to the ONNX files that mien ships."""

from mien_exporters.tracker.command import ExportTracker, run
from mien_exporters.tracker.convert import convert_net
from mien_exporters.tracker.tflite_graph import SourceGraph, read_tflite

__all__ = ["ExportTracker", "SourceGraph", "convert_net", "read_tflite", "run"]
