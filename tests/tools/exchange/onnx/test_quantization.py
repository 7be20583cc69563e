from pathlib import Path

import onnx
import pytest

from engine.export_description import MODEL
from tests.exported_encoder import ExportedRun
from tools.exchange.onnx.quantization import quantize

pytestmark = pytest.mark.xdist_group("exported_run")  # which takes long to make


def test_the_weights_of_matrix_products_become_int8(exported_run: ExportedRun, tmp_path: Path) -> None:
    quantize(exported_run.folder / MODEL, tmp_path / MODEL)
    kinds = [node.op_type for node in onnx.load(tmp_path / MODEL).graph.node]
    assert kinds.count("MatMulInteger") >= 20  # of two branches with three layers of six products each
    assert (tmp_path / MODEL).stat().st_size < (exported_run.folder / MODEL).stat().st_size
