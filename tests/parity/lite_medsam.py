"""LiteMedSAM with its own weights against its own code, on real micrographs: the masks of boxes around manual axons.

lite_medsam.py PROGRAM WEIGHTS DIR [CROPS]: PROGRAM is parity_sam, WEIGHTS lite_medsam.pth, DIR a folder with *.png and masks named *_seg-axon-manual.png below it. Images go
whole to 256 px, as LiteMedSAM sees them, or with CROPS each gives so many squares of 256 px, spread over it; axons have 50 px and more there. Not part of the test command, which has neither weights nor micrographs.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch
from PIL import Image
from scipy import ndimage

from sam import lite_medsam

SIDE = 256


def grey(path):
    image = Image.open(path)
    image = image.getchannel(0) if image.mode in ("LA", "RGB", "RGBA") else image
    return image.convert("L")


def squares(image, mask, crops):
    """Pairs of levels and mask, [SIDE, SIDE]."""
    image, mask = grey(image), grey(mask)
    if crops == 0:
        yield [numpy.asarray(one.resize((SIDE, SIDE), how), numpy.float32) for one, how in ((image, Image.BILINEAR), (mask, Image.NEAREST))]
        return
    corners = [(x, y) for y in range(0, image.height - SIDE + 1, SIDE) for x in range(0, image.width - SIDE + 1, SIDE)]
    for x, y in corners[:: max(len(corners) // crops, 1)][:crops]:
        yield [numpy.asarray(one.crop((x, y, x + SIDE, y + SIDE)), numpy.float32) for one in (image, mask)]


def main():
    program, weights, root, crops = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), int((sys.argv[4:] or ["0"])[0])
    net = lite_medsam()
    net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    net.eval()
    overlaps, dice = [], {"ours": [], "theirs": []}
    pairs = [(next(root.glob(f"sub-*/micr/{mask.name.replace('_seg-axon-manual', '')}")), mask) for mask in sorted(root.rglob("*_seg-axon-manual.png"))]
    for levels, axons in (square for pair in pairs for square in squares(*pair, crops)):
        tensor = torch.from_numpy((levels - levels.min()) / max(levels.max() - levels.min(), 1e-8))[None, None].repeat(1, 3, 1, 1)
        labels, _ = ndimage.label(axons > 127, numpy.ones((3, 3)))
        manual = [labels == i + 1 for i in range(labels.max())]
        manual = [one for one in manual if one.sum() >= 50]
        boxes = torch.tensor([[c.start, r.start, c.stop, r.stop] for r, c in (ndimage.find_objects(one.astype(numpy.uint8))[0] for one in manual)], dtype=torch.float32)
        if not len(boxes):
            continue
        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            inputs, outputs = os.path.join(folder, "inputs.pth"), os.path.join(folder, "outputs.pth")
            torch.save({"image": tensor, "boxes": boxes}, inputs)
            subprocess.run([program, weights, inputs, outputs], check=True, capture_output=True)
            ours = torch.load(outputs, weights_only=True)["logits"]
            sparse, dense = net.prompt_encoder(points=None, boxes=boxes[:, None, :], masks=None)
            theirs, _ = net.mask_decoder(image_embeddings=net.image_encoder(tensor), image_pe=net.prompt_encoder.get_dense_pe(), sparse_prompt_embeddings=sparse,
                                         dense_prompt_embeddings=dense, multimask_output=False)
        assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
        for a, b, truth in zip(ours[:, 0] > 0, theirs[:, 0] > 0, manual):
            overlaps.append((a & b).sum().item() / max((a | b).sum().item(), 1))
            for name, found in (("ours", a.numpy()), ("theirs", b.numpy())):
                dice[name].append(2 * (found & truth).sum() / (found.sum() + truth.sum()))
    print(f"{len(overlaps)} axons: IoU of our mask and theirs {numpy.mean(overlaps):.6f} on average, {min(overlaps):.6f} at least; "
          f"Dice with the manual ones {numpy.mean(dice['ours']):.4f} ours, {numpy.mean(dice['theirs']):.4f} theirs")
    assert numpy.mean(overlaps) >= 0.999


if __name__ == "__main__":
    main()
