#!/usr/bin/env python3
"""The peer of benchmarks/training_step.cpp and benchmarks/inference.cpp: the same networks in plain PyTorch, eager.

Started by those programs (--python), never by hand. It loads the weights and the batch that the program wrote, says "ready" with
its facts as JSON, and then takes one step for each line it reads, answering with seconds and loss (or the mean of the logits).

As good as eager gets without writing kernels: channels_last throughout, autocast for bf16 and fp16, no copy of the batch in the timed part,
the faster of AdamW's two implementations on this machine, gradients dropped instead of zeroed, on a GPU cuDNN's fastest algorithms.
"""

import argparse
import json
import struct
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class ConvBlock(nn.Module):
    def __init__(self, inputs, outputs, norm, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        if norm == "instance":
            self.norm = nn.InstanceNorm2d(outputs, affine=True)
            self.activation = nn.LeakyReLU(0.01, inplace=True)
        else:
            self.norm = nn.BatchNorm2d(outputs)
            self.activation = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.activation(self.norm(self.conv(x)))


class UNet(nn.Module):
    def __init__(self, channels, classes, widths):
        super().__init__()
        self.levels = len(widths)
        before = channels
        for level, width in enumerate(widths):
            self.add_module(f"down{level}a", ConvBlock(before, width, "instance", 1 if level == 0 else 2))
            self.add_module(f"down{level}b", ConvBlock(width, width, "instance"))
            before = width
        for level, width in enumerate(widths[:-1]):
            self.add_module(f"lift{level}", nn.ConvTranspose2d(widths[level + 1], width, 2, 2))
            self.add_module(f"up{level}a", ConvBlock(2 * width, width, "instance"))
            self.add_module(f"up{level}b", ConvBlock(width, width, "instance"))
            if level < 3:
                self.add_module(f"head{level}", nn.Conv2d(width, classes, 1))

    def forward(self, x):
        part = self.get_submodule
        skips = []
        for level in range(self.levels):
            x = part(f"down{level}b")(part(f"down{level}a")(x))
            skips.append(x)
        logits = []
        for level in reversed(range(self.levels - 1)):
            x = torch.cat([part(f"lift{level}")(x), skips[level]], 1)
            x = part(f"up{level}b")(part(f"up{level}a")(x))
            if level < (3 if self.training else 1):
                logits.insert(0, part(f"head{level}")(x))
        return logits


class SegNet(nn.Module):
    DEPTHS = (2, 2, 3, 3, 3)

    def __init__(self, channels, classes, widths):
        super().__init__()
        self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
        before = channels
        for stage, width in enumerate(widths):
            for i in range(self.DEPTHS[stage]):
                self.add_module(f"down{stage}{'abc'[i]}", ConvBlock(before, width, "batch"))
                before = width
        for stage in reversed(range(len(widths))):
            for i in range(self.DEPTHS[stage] - (stage == 0)):
                last = i + 1 == self.DEPTHS[stage]
                self.add_module(f"up{stage}{'abc'[i]}", ConvBlock(widths[stage], widths[stage - 1] if last else widths[stage], "batch"))
        self.head = nn.Conv2d(widths[0], classes, 3, padding=1)
        self.stages = len(widths)

    def blocks(self, side, stage):
        return [self.get_submodule(f"{side}{stage}{'abc'[i]}") for i in range(self.DEPTHS[stage] - (side == "up" and stage == 0))]

    def forward(self, x):
        indices = []
        for stage in range(self.stages):
            for block in self.blocks("down", stage):
                x = block(x)
            x, where = self.pool(x)
            indices.append(where)
        for stage in reversed(range(self.stages)):
            x = self.unpool(x, indices.pop())
            for block in self.blocks("up", stage):
                x = block(x)
        return [self.head(x)]


def loss_of(logits, labels):
    """Cross entropy and soft Dice per image, coarser heads at half the weight each (axonzoo/nn/soft_loss.hpp)."""
    total, weight, weights = 0.0, 1.0, 0.0
    for level in logits:
        factor = labels.shape[1] // level.shape[2]
        truth = labels[:, ::factor, ::factor]
        level = level.float()
        p = level.softmax(1)
        hot = F.one_hot(truth, level.shape[1]).permute(0, 3, 1, 2).to(p.dtype)
        dice = (2 * (p * hot).sum((2, 3)) + 1) / (p.sum((2, 3)) + hot.sum((2, 3)) + 1)
        total = total + weight * (F.cross_entropy(level, truth) + 1 - dice[:, 1:].mean())
        weights += weight
        weight /= 2
    return total / weights


def read_safetensors(path):
    types = {"F32": np.float32, "U8": np.uint8, "I64": np.int64}
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    return {
        name: torch.from_numpy(np.frombuffer(data[entry["data_offsets"][0] : entry["data_offsets"][1]], types[entry["dtype"]]).reshape(entry["shape"]).copy())
        for name, entry in header.items()
        if name != "__metadata__"
    }


def autocast_of(device, precision):
    """The autocast of a precision, after what PyTorch sets for the whole process: cuDNN takes TF32 unless told otherwise, and on a GPU
    it is let find the fastest algorithm for each shape."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = device == "cuda"
    narrow = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
    return torch.autocast(device, narrow, enabled=narrow is not None)


def clock():
    """In seconds, when a GPU has done what it was given."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()


def fastest_adamw(parameters, rate):
    """The faster of foreach and fused, timed on gradients of zeros that leave the weights alone at a rate of 0."""
    seconds = {}
    for how in ("foreach", "fused"):
        for parameter in parameters:
            parameter.grad = torch.zeros_like(parameter)
        trial = torch.optim.AdamW(parameters, lr=0.0, weight_decay=0.01, **{how: True})
        trial.step()
        times = []
        for _ in range(5):
            begin = clock()
            trial.step()
            times.append(clock() - begin)
        seconds[how] = min(times)
    best = min(seconds, key=seconds.get)
    for parameter in parameters:
        parameter.grad = None
    return best, torch.optim.AdamW(parameters, lr=rate, weight_decay=0.01, **{best: True})


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--task", choices=("train", "infer"), required=True)
    options.add_argument("--model", choices=("unet", "segnet"), required=True)
    options.add_argument("--device", choices=("cpu", "cuda"), required=True)
    options.add_argument("--precision", choices=("fp32", "tf32", "bf16", "fp16"), required=True)
    options.add_argument("--threads", type=int, required=True)
    options.add_argument("--tensors", required=True)
    options = options.parse_args()
    torch.set_num_threads(options.threads)

    given = read_safetensors(options.tensors)
    images = given.pop("batch.images").to(options.device).contiguous(memory_format=torch.channels_last)
    labels = given.pop("batch.labels").to(options.device).long()
    channels, classes = images.shape[1], int(given["head0.weight" if options.model == "unet" else "head.weight"].shape[0])
    widths = [int(given[f"down{level}a.conv.weight"].shape[0]) for level in range(8) if f"down{level}a.conv.weight" in given]
    net = (UNet if options.model == "unet" else SegNet)(channels, classes, widths)
    missing, surplus = net.load_state_dict(given, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or surplus:
        sys.exit(f"peer_torch.py: the networks differ: missing {missing}, surplus {surplus}")
    net = net.to(options.device, memory_format=torch.channels_last)
    autocast = autocast_of(options.device, options.precision)
    parameters = list(net.parameters())
    facts = {"parameters": sum(p.numel() for p in parameters), "torch": torch.__version__, "threads": torch.get_num_threads()}

    if options.task == "train":
        net.train()
        facts["adamw"], optimizer = fastest_adamw(parameters, 1e-4)
        scaler = torch.amp.GradScaler(options.device, enabled=options.precision == "fp16")

        def step():
            with autocast:
                loss = loss_of(net(images), labels)
            value = loss.item()
            optimizer.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(parameters, 5.0, foreach=True)
            scaler.step(optimizer)
            scaler.update()
            return value

    else:
        net.eval()

        def step():
            with torch.inference_mode(), autocast:
                return net(images)[0]

    print("ready", json.dumps(facts), flush=True)
    for _ in sys.stdin:
        begin = clock()
        result = step()
        seconds = clock() - begin
        print(seconds, result if options.task == "train" else result.float().abs().mean().item(), flush=True)


if __name__ == "__main__":
    main()
