#!/usr/bin/env python3
"""Segments one image with axonzoo-segment and with nnU-Net's plain U-Net in PyTorch, by turns.

    python3 -m venv peer
    peer/bin/pip install torch==2.11.0 numpy pillow
    peer/bin/pip install --no-deps dynamic-network-architectures==0.4.4
    peer/bin/python benchmarks/segment_peer.py build/release/bin/axonzoo-segment --model checkpoint.safetensors --side 4096

The peer is the network that nnU-Net plans for a large grey 2D image (PlainConvUNet: 32 to 512 channels, 8 levels, patches of 512 px) with
random weights, since its time does not depend on them, over half overlapping patches under a Gaussian window as its predictor lays them,
without mirroring, fp32, in memory: its start, reading and writing are not counted, and its image has the pixels that axonzoo's network
sees. Of axonzoo the whole process counts: start, reading, network, three masks and the overlay. The image is noise smoothed to look like tissue,
of the network's own pixel size, so that neither resamples. Prints medians and the ratio with its quartiles.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from PIL import Image
from torch import nn

from dynamic_network_architectures.architectures.unet import PlainConvUNet

PATCH = 512


def plain_unet(classes):
    widths = [32, 64, 128, 256, 512, 512, 512, 512]
    return PlainConvUNet(1, len(widths), widths, nn.Conv2d, 3, [1] + [2] * (len(widths) - 1), 2, classes, 2, conv_bias=True,
                         norm_op=nn.InstanceNorm2d, norm_op_kwargs={"eps": 1e-5, "affine": True}, nonlin=nn.LeakyReLU,
                         nonlin_kwargs={"inplace": True}, deep_supervision=False).eval()


def steps(length):
    """First pixels of patches that overlap by half at least."""
    count = max(1, -(-(length - PATCH) // (PATCH // 2)) + 1)
    return [round(i * (length - PATCH) / max(1, count - 1)) for i in range(count)]


def segment(net, image, classes):
    line = torch.exp(-0.5 * ((torch.arange(PATCH) - (PATCH - 1) / 2) / (PATCH / 8)) ** 2)
    window = (line[:, None] * line[None, :]).clamp_min(1e-4)
    sums, weights = torch.zeros(classes, *image.shape), torch.zeros(image.shape)
    with torch.inference_mode():
        for row in steps(image.shape[0]):
            for column in steps(image.shape[1]):
                at = (slice(row, row + PATCH), slice(column, column + PATCH))
                sums[(slice(None), *at)] += net(image[at][None, None])[0] * window
                weights[at] += window
    return (sums / weights).argmax(0)


def noise(side, seed):
    random = np.random.default_rng(seed)
    coarse = Image.fromarray((random.random((side // 8, side // 8)) * 255).astype(np.uint8)).resize((side, side), Image.BICUBIC)
    return np.clip(np.asarray(coarse, np.float32) + random.normal(0, 8, (side, side)), 0, 255).astype(np.uint8)


def pixel_size_of(model):
    """um that the checkpoint's network sees."""
    with open(model, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    size = json.loads(header["__metadata__"]["pixel_size"])
    return max(size.values()) if isinstance(size, dict) else size


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--model", required=True)
    parser.add_argument("--side", type=int, default=4096, help="of the image, px; %(default)s")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=3)
    parser.epilog = "What follows -- is handed to axonzoo-segment."
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options, handed_on = parser.parse_args(sys.argv[1:split]), sys.argv[split + 1:]
    torch.set_num_threads(options.threads)
    net, levels = plain_unet(3).to(memory_format=torch.channels_last), noise(options.side, 1)
    standard = torch.from_numpy((levels - levels.mean()) / levels.std()).float()
    ours, peer = [], []
    with tempfile.TemporaryDirectory() as folder:
        image = pathlib.Path(folder) / "image_SEM.png"
        Image.fromarray(levels).save(image)
        command = [options.program, "--model", options.model, "--pixel-size", str(pixel_size_of(options.model)), "--out", folder + "/masks", str(image), *handed_on]
        environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
        for _ in range(options.repeats):
            started = time.perf_counter()
            subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            ours.append(time.perf_counter() - started)
            started = time.perf_counter()
            segment(net, standard, 3)
            peer.append(time.perf_counter() - started)
            print(f"axonzoo {ours[-1]:.2f} s, nnU-Net's network {peer[-1]:.2f} s, {peer[-1] / ours[-1]:.2f} times", flush=True)
    ratios = sorted(b / a for a, b in zip(ours, peer))
    spread = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else [ratios[0]] * 3
    print(f"{options.side} x {options.side} px, {options.threads} threads: axonzoo {statistics.median(ours):.2f} s, nnU-Net's network "
          f"{statistics.median(peer):.2f} s, ratio {spread[1]:.2f} ({spread[0]:.2f} to {spread[2]:.2f})")


if __name__ == "__main__":
    main()
