"""Files of Python's torch.save, fresh and random, through the program parity_pth and back: the same tensors, bit by bit.

pth.py PROGRAM [FILE...]; files named are read and compared too. Exits with 77 where there is no Python torch.
"""

import collections
import json
import os
import random
import subprocess
import sys
import tempfile

try:
    import torch
except Exception as missing:  # a torch without its packages raises more than ImportError
    print(f"skipped: no Python torch here ({missing})")
    sys.exit(77)

COMMON = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
OTHER = [torch.complex64, torch.complex128]
V3 = [torch.uint16, torch.uint32, torch.uint64, torch.float8_e4m3fn, torch.float8_e5m2]
SAFETENSORS = {"F32": torch.float32, "F64": torch.float64, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
               "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool}


def size(dtype):
    return torch.empty(0, dtype=dtype).element_size()


def values(dtype, shape):
    count = torch.Size(shape).numel()
    if dtype == torch.bool:
        return torch.rand(shape) < 0.5
    return torch.randint(0, 256, (count * size(dtype),), dtype=torch.uint8).view(dtype).reshape(shape)


def raw(tensor):
    return bytes(tensor.detach().contiguous().clone().reshape(-1).view(torch.uint8).tolist())


def state_dict(dtypes):
    state = collections.OrderedDict()
    state._metadata = collections.OrderedDict({"": {"version": 2}})
    for number, dtype in enumerate(dtypes):
        shape = [random.randrange(1, 6) for _ in range(random.randrange(5))]
        name = f"block.{number}.é"
        whole = values(dtype, shape)
        state[name + ".whole"] = whole
        state[name + ".same"] = whole
        state[name + ".empty"] = values(dtype, [0, 3])
        state[name + ".number"] = values(dtype, [])
        if shape:
            state[name + ".turned"] = whole.transpose(0, len(shape) - 1)
            state[name + ".part"] = whole[-1:]
            state[name + ".repeated"] = whole[:1].expand([3] + shape[1:])
        image = values(dtype, [2, 3, 4, 5])
        state[name + ".last"] = image.contiguous(memory_format=torch.channels_last) if size(dtype) < 16 else image
        state[name + ".step"] = image[:, ::2, 1:3]
    parameter = torch.nn.Parameter(torch.rand(3, 4))
    parameter.note = "kept by _rebuild_parameter_with_state"
    state["parameter"] = torch.nn.Parameter(torch.rand(2, 5))
    state["noted"] = parameter
    return state


def same(ours, theirs, what):
    assert set(ours) == set(theirs), (what, set(ours) ^ set(theirs))
    for name, tensor in theirs.items():
        assert ours[name].dtype == tensor.dtype, (what, name, ours[name].dtype, tensor.dtype)
        assert ours[name].shape == tensor.shape, (what, name, ours[name].shape, tensor.shape)
        assert raw(ours[name]) == raw(tensor), (what, name)


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = torch.tensor(list(data[begin:end]), dtype=torch.uint8)
        tensors[name] = flat.view(SAFETENSORS[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def through(program, folder, path, theirs, safetensors):
    """Reads a file with our program and holds what it wrote against the truth; returns what it said."""
    ours = [os.path.join(folder, "ours.bin"), os.path.join(folder, "ours.other")][: 2 if safetensors else 1]
    done = subprocess.run([program, path, *ours], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    same(torch.load(ours[0], weights_only=True), theirs, path)
    same(torch.load(ours[0], weights_only=True, mmap=True), theirs, path)
    if safetensors:
        same(read_safetensors(ours[1]), theirs, path)
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def main():
    program, files = sys.argv[1], sys.argv[2:]
    seed = int.from_bytes(os.urandom(4), "little")
    print("seed", seed)
    random.seed(seed)
    torch.manual_seed(seed)
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "theirs")
        for dtypes, zips_only in ((COMMON, False), (COMMON + OTHER, False), (COMMON + OTHER + V3, False)):
            for wrapper in ("", "model", "model_state", "state_dict"):
                state = state_dict(dtypes)
                saved = {"epoch": 3, "best": 0.5, "args": [1, "two", None, (True, {3})], wrapper: state, "optimizer": {"state": {0: torch.ones(2)}}}
                for options in ({}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": random.choice([1, 3, 4, 5])}):
                    torch.save(saved if wrapper else state, path, **options)
                    said = through(program, folder, path, state, dtypes == COMMON)
                    assert said.get("pth.wrapper", "") == wrapper, said
                    assert said["pth.container"] == ("legacy" if options.get("_use_new_zipfile_serialization") is False else "zip"), said
                    assert said.get("pth.parts", "") == ("optimizer" if wrapper else ""), said
                    count += 1
        # layers of PyTorch itself, loaded back with strict keys
        module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.MultiheadAttention(8, 2))
        torch.save(module.state_dict(), path)
        through(program, folder, path, module.state_dict(), True)
        module.load_state_dict(torch.load(os.path.join(folder, "ours.bin"), weights_only=True), strict=True)
        # a pickle that would run something
        class Runs:
            def __reduce__(self):
                return os.system, ("touch " + os.path.join(folder, "ran"),)
        torch.save({"model": module.state_dict(), "x": Runs()}, path)
        done = subprocess.run([program, path, os.path.join(folder, "ours.bin")], capture_output=True, text=True)
        assert done.returncode == 1 and "system', which is not a tensor" in done.stderr and not os.path.exists(os.path.join(folder, "ran")), done.stderr
        for name in files:
            theirs = torch.load(name, weights_only=True)
            print(name, len(theirs), "tensors", sum(each.numel() for each in theirs.values()), through(program, folder, name, theirs, True))
            count += 1
    print(count, "files equal")


if __name__ == "__main__":
    main()
