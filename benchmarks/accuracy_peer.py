#!/usr/bin/env python3
"""The U-Net of peer_torch.py trained by a plain PyTorch loop: the accuracy that a user would reach without axonzoo.

    accuracy_peer.py --data sem --test-subjects rat5,rat8 --pixel-size 0.13 --steps 1100

Reads BIDS microscopy with -axonmyelin- masks. The recipe is common practice: micrographs at one pixel size, z-scored; batches of 4 patches of 256 px,
a third of them centred on foreground, at scales 0.8, 1 and 1.25; flips and turns, gain, offset, gamma, noise; cross entropy and soft Dice; AdamW with warm-up and
cosine; bf16. The test averages eight flips and turns over half overlapping tiles. Prints the Dice of each image of the tested subjects, at its own size.
"""

import argparse
import json
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from peer_torch import UNet, loss_of

SIDE = 256


def pixel_size_of(path, root):
    """Of the sidecar with the same stem, or of one that the folder or one above gives to all."""
    folder = path.parent
    while True:
        for sidecar in sorted(folder.glob("*.json")):
            if set(sidecar.stem.split("_")) <= set(path.stem.split("_")):  # BIDS inheritance: each of its entities is the image's
                size = json.loads(sidecar.read_text()).get("PixelSize")
                if size:
                    return size[0]
        if folder == root:
            raise SystemExit(f"accuracy_peer.py: no sidecar says the pixel size of '{path}'")
        folder = folder.parent


def grey(path):
    return np.asarray(Image.open(path).convert("L") if Image.open(path).mode != "LA" else Image.open(path).getchannel(0), np.float32)


def resized(array, factor, mode):
    tensor = torch.from_numpy(np.ascontiguousarray(array))[None, None]
    shape = [max(1, round(side * factor)) for side in array.shape]
    how = {"antialias": True, "align_corners": False} if mode == "bilinear" else {}
    return F.interpolate(tensor.float(), size=shape, mode=mode, **how)[0, 0].numpy()


def read(root, target):
    found = []
    for path in sorted(root.glob("sub-*/micr/*.png")):
        subject = path.parts[-3].removeprefix("sub-")
        mask = grey(root / "derivatives/labels" / path.relative_to(root).with_name(path.stem + "_seg-axonmyelin-manual.png"))
        labels = np.where(mask > 191, 2, np.where(mask >= 64, 1, 0)).astype(np.uint8)
        factor = pixel_size_of(path, root) / target
        pixels = resized(grey(path), factor, "bilinear")
        pixels = (pixels - pixels.mean()) / pixels.std()
        small = resized(labels, factor, "nearest-exact").astype(np.uint8)
        found.append({"name": path.stem, "subject": subject, "pixels": pixels, "labels": small, "truth": labels, "foreground": np.argwhere(small > 0)})
    return found


def patch_of(image, rng):
    height, width = image["labels"].shape
    side = min(round(SIDE / rng.choice((0.8, 1.0, 1.25))), height, width)
    if rng.random() < 1 / 3:
        y, x = image["foreground"][rng.randrange(len(image["foreground"]))] - side // 2
        y, x = min(max(int(y), 0), height - side), min(max(int(x), 0), width - side)
    else:
        y, x = rng.randint(0, height - side), rng.randint(0, width - side)
    pixels, labels = image["pixels"][y : y + side, x : x + side], image["labels"][y : y + side, x : x + side]
    if side != SIDE:
        pixels, labels = resized(pixels, SIDE / side, "bilinear"), resized(labels, SIDE / side, "nearest-exact").astype(np.uint8)
        pixels, labels = pixels[:SIDE, :SIDE], labels[:SIDE, :SIDE]
    turn = rng.randrange(8)
    pixels, labels = np.rot90(pixels, turn % 4), np.rot90(labels, turn % 4)
    if turn >= 4:
        pixels, labels = pixels[:, ::-1], labels[:, ::-1]
    pixels = pixels.copy()
    if rng.random() < 0.3:
        low, high = pixels.min(), pixels.max()
        pixels = low + (high - low) * ((pixels - low) / max(high - low, 1e-6)) ** rng.uniform(0.6, 1.6)
    if rng.random() < 0.3:
        pixels = pixels * rng.uniform(0.75, 1.3) + rng.uniform(-0.4, 0.4)
    if rng.random() < 0.3:
        pixels = pixels + np.random.default_rng(rng.randrange(2**32)).normal(0, rng.uniform(0, 0.25), pixels.shape)
    return pixels.astype(np.float32), labels.astype(np.int64)


def probabilities(net, pixels):
    """Mean of the eight flips and turns over tiles of SIDE that overlap by half."""
    height, width = pixels.shape
    total = torch.zeros(3, height, width)
    for turn in range(8):
        view = torch.from_numpy(np.rot90(pixels if turn < 4 else pixels[:, ::-1], turn % 4).copy())
        rows, columns = view.shape
        below, right = max(0, SIDE - rows), max(0, SIDE - columns)
        view = F.pad(view[None, None], (0, right, 0, below), mode="reflect")
        sums, counts = torch.zeros(3, *view.shape[2:]), torch.zeros(view.shape[2:])
        starts = [sorted({*range(0, length - SIDE, SIDE // 2), length - SIDE}) for length in view.shape[2:]]
        for y in starts[0]:
            for x in starts[1]:
                tile = view[:, :, y : y + SIDE, x : x + SIDE].contiguous(memory_format=torch.channels_last)
                with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
                    p = net(tile)[0].float().softmax(1)[0]
                sums[:, y : y + SIDE, x : x + SIDE] += p
                counts[y : y + SIDE, x : x + SIDE] += 1
        p = (sums / counts)[:, :rows, :columns].numpy()
        p = np.rot90(p, -(turn % 4), (1, 2))
        total += torch.from_numpy((p if turn < 4 else p[:, :, ::-1]).copy())
    return total / 8


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--test-subjects", required=True)
    options.add_argument("--pixel-size", type=float, required=True, help="um")
    options.add_argument("--steps", type=int, default=1100)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--json", type=Path)
    options = options.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    rng = random.Random(options.seed)

    images = read(options.data, options.pixel_size)
    tested = options.test_subjects.split(",")
    train = [image for image in images if image["subject"] not in tested]
    net = UNet(1, 3, [24, 48, 96, 192, 256, 256]).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
    begin = time.time()
    for step in range(options.steps):
        done = step / options.steps
        rate = 2e-3 * (done / 0.03 if done < 0.03 else 0.5 * (1 + math.cos(math.pi * (done - 0.03) / 0.97)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        patches = [patch_of(rng.choice(train), rng) for _ in range(4)]
        pixels = torch.from_numpy(np.stack([p for p, _ in patches]))[:, None].contiguous(memory_format=torch.channels_last)
        labels = torch.from_numpy(np.stack([l for _, l in patches]))
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(net(pixels), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        if step % 50 == 49:
            print(f"step {step + 1} of {options.steps}, loss {loss.item():.3f}, {time.time() - begin:.0f} s", flush=True)

    net.eval()
    scores = []
    for image in images:
        if image["subject"] not in tested:
            continue
        p = probabilities(net, image["pixels"])
        labels = F.interpolate(p[None], size=image["truth"].shape, mode="bilinear", align_corners=False)[0].argmax(0).numpy()
        dice = {}
        for k, name in ((1, "myelin"), (2, "axon")):
            a, b = labels == k, image["truth"] == k
            dice[name] = float(2 * (a & b).sum() / max(1, a.sum() + b.sum()))
        scores.append({"image": image["name"], **dice})
        print(f"{image['name']}: axon {dice['axon']:.3f}, myelin {dice['myelin']:.3f}", flush=True)
    mean = {name: sum(score[name] for score in scores) / len(scores) for name in ("axon", "myelin")}
    print(f"mean: axon {mean['axon']:.3f}, myelin {mean['myelin']:.3f} after {options.steps} steps in {time.time() - begin:.0f} s")
    if options.json:
        options.json.write_text(json.dumps({"steps": options.steps, "test": scores, "mean": mean, "torch": torch.__version__}, indent=1))


if __name__ == "__main__":
    main()
