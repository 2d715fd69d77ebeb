"""Exported networks, pruned and of random weights, in ONNX Runtime against the network itself on a fresh image.

onnx.py PROGRAM. Exits with 77 where there is no ONNX Runtime.
"""

import subprocess
import sys
import tempfile

try:
    import numpy
    import onnxruntime
except Exception as missing:
    print(f"skipped: no ONNX Runtime here ({missing})")
    sys.exit(77)

for model in ["unet", "segnet"]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], model, folder], check=True)
        session = onnxruntime.InferenceSession(folder + "/model.onnx", providers=["CPUExecutionProvider"])
        image = numpy.fromfile(folder + "/image", numpy.float32).reshape(2, 1, 96, 64)
        expected = numpy.fromfile(folder + "/logits", numpy.float32).reshape(2, 3, 96, 64)
        logits = session.run(["logits"], {"image": image})[0]
        assert logits.shape == expected.shape, (model, logits.shape)
        error = numpy.abs(logits - expected)
        share = (error > 1e-3 * max(1.0, float(numpy.abs(expected).max()))).mean()
        print(f"{model}: largest difference {error.max():.2e} of logits up to {numpy.abs(expected).max():.2f}, {share:.2%} of them beyond 1e-3")
        # SegNet's argmax is decided by rounding where two levels tie, which moves a pixel here and there.
        assert share <= (0 if model == "unet" else 0.01), model
        assert session.get_modelmeta().custom_metadata_map["classes"] == '["background","myelin","axon"]'
        assert expected.std() > 0.01
