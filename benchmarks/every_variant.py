#!/usr/bin/env python3
"""Runs every variant program of a folder for some steps, on a GPU or the CPU, and writes what became of each as a table with the card's name.

every_variant.py BIN --out DIR [--device cuda] [--steps 50] [--tiny lite_medsam.pth] [--vit vit_b.pth] [--ranks 1,2] [--together 1] [--resume]

Programs of models that start from a SAM run where its weights are given. Those of many ranks run once for each number of --ranks: on GPUs ranks that have one each use
NCCL, ranks that share one use Gloo. Milliseconds are of the median step, worth something with --together 1 alone. Ends with status 1 where a program failed.
Writes DIR/variants.md and DIR/variants.json, and each program's files and log beside them; --resume takes what ran from there and runs the rest. Needs no package
but Python.
"""

import argparse
import concurrent.futures
import fnmatch
import json
import os
import pathlib
import subprocess
import sys
import time


def variants(folder, only):
    """Programs named model-precision-pruning-parallel."""
    for path in sorted(folder.iterdir()):
        parts = path.name.split("-")
        if len(parts) == 4 and os.access(path, os.X_OK) and any(fnmatch.fnmatch(path.name, pattern) for pattern in only):
            yield path, parts


def plan(given, data):
    """Name and command of each run, or None and the reason why there is none."""
    for path, (model, precision, _, parallel) in variants(given.bin, given.only):
        command = [str(path), "--data", str(data), "--device", given.device, "--seed", "1", "--patch", "256",
                   "--threads", str(max(1, (os.cpu_count() or 1) // given.together))]
        of_sam = "sam" in model
        prompted = of_sam and "unet" not in model
        if of_sam:
            kind = "tiny" if model.endswith("_tiny") else "vit"
            weights = getattr(given, kind)
            if weights is None:
                yield path.name, None, f"no weights are given (--{kind})"
                continue
            command += ["--weights", str(weights)]
        if not prompted:
            command += ["--batch", str(given.batch), "--turns", "1", "--tile-overlap", "0.1"]
        elif not model.startswith("sam"):
            command += ["--batch", "2", "--boxes", "4", "--validation-boxes", "16"]
        if not model.startswith("sam"):  # which does not train
            command += ["--steps", str(given.steps), "--epoch-steps", str(given.steps)]
        if precision == "tf32" and given.device != "cuda":
            yield path.name, None, "tf32 needs a GPU"
        elif parallel == "single":
            yield path.name, command, ""
        else:
            for ranks in given.ranks:
                yield f"{path.name} of {ranks}", command + ["--ranks", str(ranks)], ""


def run(name, command, given):
    out = given.out / name.replace(" ", "-")
    out.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    with open(out / "log.txt", "w") as log:
        try:
            status = subprocess.run(command + ["--out", str(out)], stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=given.patience).returncode
        except subprocess.TimeoutExpired:
            status = f"stopped after {given.patience} s"
    row = {"variant": name, "status": status, "seconds": round(time.monotonic() - begin, 1)}
    if status == 0:
        record = json.loads((out / "results.json").read_text())
        losses = record.get("losses") or []
        row |= {"gpu": record["hardware"]["gpu"], "cpu": record["hardware"]["cpu"], "steps": record.get("steps", 0), "first_loss": losses[0] if losses else None,
                "last_loss": sum(losses[-5:]) / len(losses[-5:]) if losses else None, "step_ms": 1000 * record["median_step_seconds"] if losses else None,
                "gpu_mib": record.get("peak_gpu_memory_bytes", 0) / 2**20, "parameters": record.get("parameters"), "train_seconds": record["seconds"].get("train")}
    else:
        row["said"] = next(iter(reversed((out / "log.txt").read_text().strip().splitlines())), "")[:300]
    return row


def ran_before(given, wanted):
    """Rows of an earlier call that ended well and that this one would make again."""
    path = given.out / "variants.json"
    rows = json.loads(path.read_text()) if path.exists() else []
    return [row for row in rows if row["status"] == 0 and row["variant"] in wanted and row["steps"] in (0, given.steps) and (row["gpu"] is not None) == (given.device == "cuda")]


def write_table(rows, given):
    """Writes both files and returns the table's lines."""
    rows = sorted(rows, key=lambda row: row["variant"])
    beside = given.out / "variants.json.new"
    beside.write_text(json.dumps(rows, indent=1) + "\n")
    beside.replace(given.out / "variants.json")
    cards = {row["gpu"] or row["cpu"] for row in rows if row["status"] == 0}
    good = sum(row["status"] == 0 for row in rows)
    lines = [f"{good} of {len(rows)} programs ran on {', '.join(sorted(cards)) or 'nothing'}; {given.steps} steps, {given.together} at once.", "",
             "| variant | first loss | last loss | ms a step | GPU memory, MiB | parameters | s in all |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        number = lambda key, how: format(row[key], how) if row.get(key) is not None else "-"
        if row["status"] == 0:
            lines.append(f"| {row['variant']} | {number('first_loss', '.4f')} | {number('last_loss', '.4f')} | {number('step_ms', '.0f')} | {number('gpu_mib', '.0f')} | {number('parameters', ',')} | {row['seconds']} |")
        else:
            lines.append(f"| {row['variant']} | {row['status']}: {row['said']} | | | | | |")
    (given.out / "variants.md").write_text("\n".join(lines) + "\n")
    return lines


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("bin", type=pathlib.Path, help="folder of the programs, as build/cuda/bin")
    options.add_argument("--out", type=pathlib.Path, required=True)
    options.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    options.add_argument("--steps", type=int, default=50)
    options.add_argument("--batch", type=int, default=4)
    options.add_argument("--tiny", type=pathlib.Path, help="weights of a SAM with a TinyViT")
    options.add_argument("--vit", type=pathlib.Path, help="weights of a SAM with a ViT")
    options.add_argument("--data", type=pathlib.Path, help="micrographs with manual masks (phantoms otherwise)")
    options.add_argument("--ranks", type=lambda text: [int(one) for one in text.split(",")], default=[1], help="of the programs of many ranks")
    options.add_argument("--only", nargs="+", default=["*"], help="patterns of program names")
    options.add_argument("--together", type=int, default=1, help="programs at once")
    options.add_argument("--resume", action="store_true", help="keep the rows of programs that ran before with the same --device and --steps")
    options.add_argument("--patience", type=float, default=600, help="seconds after which a program is stopped")
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    data = given.data
    if data is None:
        data = given.out / "phantoms"
        if not (data / "dataset_description.json").exists():
            subprocess.run([str(given.bin / "axonzoo-phantom"), "--out", str(data), "--images", "4", "--seed", "1"], check=True, stdout=subprocess.DEVNULL)
    wanted = list(plan(given, data))
    rows = [{"variant": name, "status": "not run", "said": reason} for name, command, reason in wanted if command is None]
    if given.resume:
        rows += ran_before(given, {name for name, command, _ in wanted if command is not None})
        wanted = [one for one in wanted if one[0] not in {row["variant"] for row in rows}]
    with concurrent.futures.ThreadPoolExecutor(given.together) as pool:
        started = [pool.submit(run, name, command, given) for name, command, _ in wanted if command is not None]
        for done, future in enumerate(concurrent.futures.as_completed(started), 1):
            row = future.result()
            rows.append(row)
            write_table(rows, given)  # who stops this script keeps what ran
            print(f"[{done} of {len(started)}] {row['variant']}: {'trained' if row['status'] == 0 else row['status']} {row.get('said', '')}", flush=True)
    print("\n".join(write_table(rows, given)))
    return 1 if any(row["status"] not in (0, "not run") for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
