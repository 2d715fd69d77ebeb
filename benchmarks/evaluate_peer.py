#!/usr/bin/env python3
"""Compares axons, fibres and scores with scikit-image and SciPy, on fresh random tissue and on real masks.

    pip install scikit-image scipy pillow
    python benchmarks/evaluate_peer.py build/release/bin/evaluate [--data DIR] [--seed N]

The peer labels axons with skimage.measure.label, splits fibres as AxonDeepSeg 5.5.0 does (regionprops' centroids, watershed on
minus scipy.ndimage.distance_transform_edt) and matches instances with scipy.optimize.linear_sum_assignment on the dense matrix.
--data is a folder with masks named *axonmyelin*.png; each is scored against itself shifted, eroded and speckled.
Exits with 1 unless all labels are equal and all scores agree to 1e-9.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from skimage.measure import label, regionprops
from skimage.segmentation import watershed

MYELIN, AXON = 1, 2


def split(labels):
    axon = labels == AXON
    axons = label(axon, connectivity=2)
    seeds = np.zeros(labels.shape, np.int32)
    for region in regionprops(axons):
        seeds[int(region.centroid[0]), int(region.centroid[1])] = region.label
    return axons, watershed(-ndimage.distance_transform_edt(axon), seeds, mask=labels > 0)


def overlap(one, other):
    both, sizes = (one & other).sum(), one.sum() + other.sum()
    return {"iou": both / (sizes - both), "dice": 2 * both / sizes} if sizes else {"iou": 1.0, "dice": 1.0}


def iou_matrix(predicted, manual):
    _, predicted = np.unique(predicted, return_inverse=True)
    _, manual = np.unique(manual, return_inverse=True)
    shared = np.zeros((manual.max() + 1, predicted.max() + 1), np.int64)
    np.add.at(shared, (manual.ravel(), predicted.ravel()), 1)
    union = shared.sum(1, keepdims=True) + shared.sum(0, keepdims=True) - shared
    return (shared / np.maximum(union, 1))[1:, 1:]


def with_background(instances):
    """A corner of background, so that np.unique puts 0 first."""
    return np.pad(instances, 1)


def score(predicted, manual):
    instances, classes = {}, {}
    for name, value in (("axon", AXON), ("myelin", MYELIN)):
        classes[name] = overlap(predicted == value, manual == value)
    classes["any"] = overlap(predicted > 0, manual > 0)
    predicted_axons, predicted_fibres = split(predicted)
    manual_axons, manual_fibres = split(manual)
    pooled, predictions = [], 0
    for name, one, other in (
        ("axon", predicted_axons, manual_axons),
        ("myelin", np.where(predicted == MYELIN, predicted_fibres, 0), np.where(manual == MYELIN, manual_fibres, 0)),
    ):
        matrix = iou_matrix(with_background(one), with_background(other))
        matched = np.zeros(matrix.shape[0])
        rows, columns = linear_sum_assignment(matrix, maximize=True)
        matched[rows] = matrix[rows, columns]
        pooled.append(matched)
        predictions += matrix.shape[1]
        instances[name] = matched.mean() if matrix.shape[0] else float(matrix.shape[1] == 0)
        if name == "axon":
            hits = matrix >= 0.3
            rows, columns = linear_sum_assignment(hits, maximize=True)
            detected = hits[rows, columns].sum()
            manual_count, predicted_count = matrix.shape
            none = manual_count + predicted_count == 0
            instances["precision"] = 1.0 if none else detected / predicted_count if predicted_count else 0.0
            instances["recall"] = 1.0 if none else detected / manual_count if manual_count else 0.0
            instances["f1"] = 1.0 if none else 2 * detected / (manual_count + predicted_count)
    pooled = np.concatenate(pooled)
    instances["all"] = pooled.mean() if pooled.size else float(predictions == 0)
    return {"classes": classes, "instances": instances}, (predicted_axons, predicted_fibres, manual_axons, manual_fibres)


def random_tissue(random, height, width):
    field = ndimage.gaussian_filter(random.standard_normal((height, width)), random.uniform(1, 4))
    field /= field.std()
    return np.where(field > 0.8, AXON, np.where(field > random.uniform(-0.6, 0.5), MYELIN, 0))


def worsen(random, labels):
    worse = np.roll(labels, random.integers(-3, 4, 2), (0, 1))
    if random.random() < 0.5:
        worse = ndimage.grey_erosion(worse, 3)
    speckle = random.random(labels.shape) < 0.002
    return np.where(speckle, random.integers(0, 3, labels.shape), worse)


def largest_difference(ours, peer):
    return max(abs(ours[kind][name][key] - value) if isinstance(found, dict) else abs(ours[kind][name] - found)
               for kind in peer for name, found in peer[kind].items()
               for key, value in (found.items() if isinstance(found, dict) else [(None, found)]))


def compare(program, folder, name, predicted, manual):
    levels = np.array([0, 127, 255], np.uint8)
    for side, labels in (("predicted", predicted), ("manual", manual)):
        Image.fromarray(levels[labels]).save(folder / f"{side}.png")
    started = time.perf_counter()
    subprocess.run([program, "--predicted", folder / "predicted.png", "--manual", folder / "manual.png", "--out", folder], check=True)
    ours_seconds, started = time.perf_counter() - started, time.perf_counter()
    peer, arrays = score(predicted, manual)
    peer_seconds = time.perf_counter() - started
    names = ("predicted_axons", "predicted_fibres", "manual_axons", "manual_fibres")
    other_pixels = sum(int((np.load(folder / f"{n}.npy") != a).sum()) for n, a in zip(names, arrays))
    difference = largest_difference(json.loads((folder / "scores.json").read_text()), peer)
    print(f"{name:42} {manual.shape[1]:5} x {manual.shape[0]:5} {arrays[2].max():6} axons  {other_pixels} other labels, "
          f"scores within {difference:.1e}; {ours_seconds:.2f} s with files, peer {peer_seconds:.2f} s", flush=True)
    return other_pixels == 0 and difference < 1e-9


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--random", type=int, default=12, help="random images")
    options = parser.parse_args()
    print("seed", options.seed)
    random = np.random.default_rng(options.seed)
    equal = True
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        program = options.program.resolve()
        for i in range(options.random):
            tissue = random_tissue(random, int(random.integers(1, 500)), int(random.integers(1, 500)))
            equal &= compare(program, folder, f"random {i}", worsen(random, tissue), tissue)
        for path in sorted(options.data.rglob("*axonmyelin*.png")) if options.data else []:
            levels = np.array(Image.open(path))
            levels = levels[..., 0] if levels.ndim == 3 else levels
            tissue = np.where(levels < 64, 0, np.where(levels < 192, MYELIN, AXON))
            equal &= compare(program, folder, path.stem[:42], worsen(random, tissue), tissue)
    print("all equal" if equal else "DIFFERENT")
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()
