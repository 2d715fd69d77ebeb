#!/usr/bin/env python3
"""Times SAM's encoder and its decoder with many boxes: the program benchmarks/sam and segment-anything, by turns in one run.

Both have the same fresh weights and the same images, and before the timing their embeddings are compared. segment-anything runs eagerly in
inference mode; for bf16 and fp16 under autocast. On a GPU cudnn.benchmark is on for segment-anything, and peaks of memory are those of a step's tensors there, weights included.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

import numpy as np
import torch
from peer_torch import autocast_of, clock
from segment_anything import sam_model_registry


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("program")
    options.add_argument("--model", choices=["vit_b", "vit_l", "vit_h"], default="vit_b")
    options.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    options.add_argument("--precision", choices=["fp32", "tf32", "bf16", "fp16"], default="fp32")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--batch", type=int, default=1, help="images to encode at once")
    options.add_argument("--boxes", type=int, default=64)
    options.add_argument("--only", choices=["encode", "decode"])
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(1)
    sam = sam_model_registry[given.model]().eval()
    images, embedding = torch.randn(given.batch, 3, 1024, 1024), torch.randn(1, 256, 64, 64)
    tasks = (given.only,) if given.only else ("encode", "decode")
    with tempfile.TemporaryDirectory() as folder:
        path = {name: os.path.join(folder, name) for name in ("weights.pth", "images.npy", "embedding.npy")}
        torch.save(sam.state_dict(), path["weights.pth"])
        np.save(path["images.npy"], images.numpy())
        words = [given.program, "--weights", path["weights.pth"], "--images", path["images.npy"], "--device", given.device,
                 "--precision", given.precision, "--threads", str(given.threads)]
        if "encode" in tasks:
            words += ["--embedding", path["embedding.npy"]]
        ours = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = ours.stdout.readline().strip()
        if not ready:
            sys.exit(ours.wait())
        print(ready)
        our_embedding = torch.from_numpy(np.load(path["embedding.npy"])) if "encode" in tasks else None
    sam, images, embedding = sam.to(given.device), images.to(given.device), embedding.to(given.device)
    autocast = autocast_of(given.device, given.precision)

    def encode():
        return sam.image_encoder(images)

    def decode(boxes):
        sparse, dense = sam.prompt_encoder(points=None, boxes=boxes, masks=None)
        return sam.mask_decoder(image_embeddings=embedding, image_pe=sam.prompt_encoder.get_dense_pe(), sparse_prompt_embeddings=sparse,
                                dense_prompt_embeddings=dense, multimask_output=False)

    def their_step(task):
        corner = torch.rand(given.boxes, 2) * 800
        boxes = torch.cat([corner, corner + 40], 1).to(given.device)
        if given.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        begin = clock()
        with torch.inference_mode(), autocast:
            encode() if task == "encode" else decode(boxes)
        return clock() - begin

    if our_embedding is not None:
        with torch.inference_mode(), autocast:
            their_embedding = encode().float().cpu()
        largest = (our_embedding - their_embedding).abs().max() / (their_embedding.max() - their_embedding.min())
        print(f"embeddings differ by at most {largest:.1e} of their range")

    for task in tasks:
        pairs = []
        for turn in range(-1, given.repeats):
            ours.stdin.write("encode\n" if task == "encode" else f"decode {given.boxes}\n")
            ours.stdin.flush()
            seconds, _, peak = map(float, ours.stdout.readline().split())
            theirs = their_step(task)
            if turn >= 0:
                pairs.append((seconds, theirs))
        ratios = [theirs / own for own, theirs in pairs]
        memory = f"peak of memory: axonzoo {peak:.0f} MB"
        if given.device == "cuda":
            memory += f", segment-anything {torch.cuda.max_memory_allocated() >> 20} MB"
        print(f"{task} {given.model} {given.precision} on {given.device}: axonzoo {statistics.median(p[0] for p in pairs):.4f} s, "
              f"segment-anything {statistics.median(p[1] for p in pairs):.4f} s, ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), {memory}")


if __name__ == "__main__":
    main()
