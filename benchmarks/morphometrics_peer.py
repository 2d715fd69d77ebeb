#!/usr/bin/env python3
"""Measures axons with AxonDeepSeg 5.5.0 and with axonzoo-morphometrics, compares every column and times both on one core.

    python3 -m venv peer
    peer/bin/pip install "numpy<2" scipy scikit-image pandas openpyxl imageio pillow matplotlib tqdm requests loguru
    peer/bin/pip install --no-deps axondeepseg==5.5.0
    peer/bin/python benchmarks/morphometrics_peer.py build/release/bin/axonzoo-morphometrics --data DIR [--time]

--no-deps leaves out what AxonDeepSeg's morphometrics do not import (its networks and its GUI). --data is a folder with masks
named *axonmyelin*.png below it. Each is measured as circles and as ellipses, with ties between fibres as scikit-image's heap has them
(all must agree to 1e-6) and from top left (at least 99.5 % of axons must). --time puts masks side by side until they hold 2,500 axons
and measures this mosaic with both. Exits with 1 unless all agree.

Two things are compared modulo what scikit-image leaves to rounding: orientations as lines (-90 and 90 degrees are one), and those of
regions whose second moments are a circle's not at all.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import pandas as pd
from loguru import logger
from PIL import Image

from AxonDeepSeg.morphometrics.compute_morphometrics import get_axon_morphometrics, rearrange_column_names_for_saving

PIXEL_SIZE = 0.1
WATERSHED = {"gratio", "myelin_area (um^2)", "myelin_thickness (um)", "axonmyelin_area (um^2)", "axonmyelin_perimeter (um)",
             "fiber_eccentricity", "fiber_orientation", "image_border_touching", "bbox_min_y", "bbox_min_x", "bbox_max_y", "bbox_max_x"}


def read(path):
    levels = np.array(Image.open(path))
    levels = levels[..., 0] if levels.ndim == 3 else levels
    return np.where(levels < 64, 0, np.where(levels < 192, 127, 255)).astype(np.uint8)


def measure_with_peer(levels, shape):
    started = time.perf_counter()
    found = get_axon_morphometrics(levels == 255, im_myelin=levels == 127, pixel_size=PIXEL_SIZE, axon_shape=shape)
    return rearrange_column_names_for_saving(found), time.perf_counter() - started


def measure_with_ours(program, folder, levels, *options):
    Image.fromarray(levels).save(folder / "mask.png")
    command = [program, "--masks", folder / "mask.png", "--pixel-size", str(PIXEL_SIZE), "--out", folder / "table.csv", *options]
    started = time.perf_counter()
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    whole = time.perf_counter() - started
    return pd.read_csv(folder / "table.csv"), float(re.search(r"measured in ([0-9.]+) s", ended.stdout)[1]), whole


def numbers(column):
    return column.map(lambda v: {"True": 1.0, "False": 0.0}.get(v, v)).astype(float).to_numpy()


def differences(ours, peer, column):
    a, b = numbers(ours[column]), numbers(peer[column])
    if "orientation" in column:
        turned = np.abs(a - b) % np.pi
        circle = numbers(peer["fiber_eccentricity" if column.startswith("fiber") else "eccentricity"]) < 1e-6
        return np.where((np.isnan(a) & np.isnan(b)) | circle, 0, np.minimum(turned, np.pi - turned))
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.abs(a - b) / np.maximum(np.abs(b), 1e-300)
    # 1e-7 px: what rounding leaves of the minor axis of a line
    return np.where((a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) < 1e-7 * PIXEL_SIZE), 0, np.where(np.isnan(relative), np.inf, relative))


def compare(ours, peer):
    """(largest difference of the columns without watershed, of all, and which axons differ by more than 1e-6)"""
    assert list(ours.columns) == list(peer.columns), (list(ours.columns), list(peer.columns))
    assert len(ours) == len(peer), f"{len(ours)} axons, the peer has {len(peer)}"
    of = {column: differences(ours, peer, column) for column in peer.columns}
    plain = max(d.max() for column, d in of.items() if column not in WATERSHED)
    return plain, max(d.max() for d in of.values()), np.any([d > 1e-6 for d in of.values()], axis=0)


def mosaic(masks, axons):
    tiles, found = [], 0
    for path in masks:
        levels = read(path)
        tiles.append(levels)
        found += len(measure_with_peer(levels, "circle")[0])
        if found >= axons:
            break
    height = max(tile.shape[0] for tile in tiles)
    return np.hstack([np.pad(tile, ((0, height - tile.shape[0]), (1, 0))) for tile in tiles])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--time", action="store_true", help="only the mosaic")
    options = parser.parse_args()
    logger.remove()
    warnings.filterwarnings("ignore")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    program = options.program.resolve()
    masks = sorted(options.data.rglob("*axonmyelin*.png"))
    right = bool(masks)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        if options.time:
            levels = mosaic(masks, 2500)
            peer, peer_seconds = measure_with_peer(levels, "circle")
            print(f"mosaic {levels.shape[1]} x {levels.shape[0]} px, {len(peer)} axons: AxonDeepSeg {peer_seconds:.2f} s", flush=True)
            for ties in ("raster", "scikit-image"):
                runs = [measure_with_ours(program, folder, levels, "--ties", ties) for _ in range(5)]
                table, seconds, whole = min(runs, key=lambda run: run[1])
                _, _, other = compare(table, peer)
                print(f"  --ties {ties}: {seconds * 1000:.1f} ms, {peer_seconds / seconds:.0f} times as fast; {whole * 1000:.0f} ms with "
                      f"reading and writing ({peer_seconds / whole:.0f} times); {other.sum()} axons differ")
            sys.exit(0)
        total, others, worst = 0, 0, 0.0
        for path in masks:
            levels = read(path)
            for shape in ("circle", "ellipse"):
                peer, seconds = measure_with_peer(levels, shape)
                exact, ours_seconds, _ = measure_with_ours(program, folder, levels, "--shape", shape, "--ties", "scikit-image")
                fast, fast_seconds, _ = measure_with_ours(program, folder, levels, "--shape", shape)
                plain, largest, _ = compare(exact, peer)
                fast_plain, _, other = compare(fast, peer)
                right &= largest <= 1e-6 and fast_plain <= 1e-6
                total, others, worst = total + len(peer), others + other.sum(), max(worst, largest)
                print(f"{path.stem[:38]:38} {shape:8} {len(peer):5} axons: within {largest:.1e} (columns without watershed {plain:.1e}); "
                      f"ties from top left: {other.sum()} other axons; {seconds:.2f} s, {ours_seconds * 1000:.1f} ms, {fast_seconds * 1000:.1f} ms", flush=True)
        right &= others <= 0.005 * total
        print(f"{total} axons: with scikit-image's ties all within {worst:.1e}; with ties from top left {others} differ "
              f"({100 * others / max(total, 1):.3f} %)")
    print("equal" if right else "DIFFERENT")
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
