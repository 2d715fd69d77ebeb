#!/usr/bin/env python3
"""Times SAM's ViT-B encoder and its decoder with many boxes: the program benchmarks/sam and segment-anything, by turns in one run.

Both have the same fresh weights. segment-anything runs eagerly in inference mode; for bf16 under autocast.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import tempfile
import time

import torch
from segment_anything import sam_model_registry


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("program")
    options.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--boxes", type=int, default=64)
    options.add_argument("--only", choices=["encode", "decode"])
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(1)
    sam = sam_model_registry["vit_b"]().eval()
    with tempfile.TemporaryDirectory() as folder:
        weights = os.path.join(folder, "weights.pth")
        torch.save(sam.state_dict(), weights)
        ours = subprocess.Popen([given.program, "--weights", weights, "--precision", given.precision, "--threads", str(given.threads)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        print(ours.stdout.readline().strip())
    image, embedding = torch.randn(1, 3, 1024, 1024), torch.randn(1, 256, 64, 64)
    scope = (lambda: torch.autocast("cpu", torch.bfloat16)) if given.precision == "bf16" else contextlib.nullcontext

    def their_step(task):
        corner = torch.rand(given.boxes, 2) * 800
        begin = time.perf_counter()
        with torch.inference_mode(), scope():
            if task == "encode":
                sam.image_encoder(image)
            else:
                sparse, dense = sam.prompt_encoder(points=None, boxes=torch.cat([corner, corner + 40], 1), masks=None)
                sam.mask_decoder(image_embeddings=embedding, image_pe=sam.prompt_encoder.get_dense_pe(), sparse_prompt_embeddings=sparse,
                                 dense_prompt_embeddings=dense, multimask_output=False)
        return time.perf_counter() - begin

    for task in (given.only,) if given.only else ("encode", "decode"):
        pairs = []
        for turn in range(-1, given.repeats):
            ours.stdin.write("encode\n" if task == "encode" else f"decode {given.boxes}\n")
            ours.stdin.flush()
            seconds, _, peak = map(float, ours.stdout.readline().split())
            theirs = their_step(task)
            if turn >= 0:
                pairs.append((seconds, theirs))
        ratios = [theirs / own for own, theirs in pairs]
        print(f"{task} {given.precision}: axonzoo {statistics.median(p[0] for p in pairs):.3f} s, segment-anything {statistics.median(p[1] for p in pairs):.3f} s, "
              f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), axonzoo's peak of memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
