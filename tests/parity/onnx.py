"""Exported models, narrowed and of random weights, in ONNX Runtime against the networks themselves on fresh input.

onnx.py PROGRAM. Exits with 77 where there is no ONNX Runtime.
"""

import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy
    import onnxruntime
except Exception as missing:
    print(f"skipped: no ONNX Runtime here ({missing})")
    sys.exit(77)

BAR = 1e-5  # of a tensor's range; or four times what rounding does to the network itself, where that is more
MODELS = ["unet", "segnet", "neuro_sam_unet", "neuro_sam_unet_tiny", "sam_vit", "sam_lite_tiny", "sam_mobile_tiny"]


def compare(model, folder):
    cases = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    assert {case.name.split(".")[0] for case in cases} == {path.stem for path in folder.glob("*.onnx")}
    for case in cases:
        session = onnxruntime.InferenceSession(folder / (case.name.split(".")[0] + ".onnx"), providers=["CPUExecutionProvider"])
        metadata = session.get_modelmeta().custom_metadata_map
        assert "image" in metadata if model.startswith("sam") else metadata["classes"] == '["background","myelin","axon"]'
        names = [output.name for output in session.get_outputs()]
        given = {one.name: numpy.load(case / (one.name + ".npy")) for one in session.get_inputs()}
        for name, found in zip(names, session.run(names, given)):
            expected = numpy.load(case / (name + ".npy"))
            assert found.shape == expected.shape, (model, case.name, name, found.shape, expected.shape)
            extent = max(numpy.ptp(expected), numpy.abs(expected).max())
            apart = numpy.abs(found - expected) / extent
            exact = case / (name + "_exact.npy")
            rounding = numpy.abs(numpy.load(exact) - expected).max() / extent if exact.exists() else 0
            assert rounding < 1e-3, f"rounding moves the network's own result by {rounding:.1e}"
            share = (apart > max(BAR, 4 * rounding)).mean()
            print(f"{model}, {case.name}: {name} at most {apart.max():.1e} of its extent {extent:.2g} apart" + (f", {rounding:.1e} from exact" if rounding else ""))
            # SegNet's argmax is decided by rounding where two levels tie, which moves a pixel here and there.
            assert share <= (0.01 if model == "segnet" else 0), f"{share:.2%} are apart"
            assert expected.std() > 1e-3 * extent, "the test sees nothing"


for model in sys.argv[2:] or MODELS:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], model, folder], check=True)
        compare(model, pathlib.Path(folder))
