"""Libraries under the names of the CUDA packages that PyTorch's wheel asks for, so that its Python can be imported without their 2.5 GB.

cuda_stand_ins.py TORCH OUT: makes in OUT those that are not beside TORCH, the folder of the package. Every function ends the program: nothing may run on a GPU.
To be used as LD_LIBRARY_PATH=OUT.
"""

import pathlib
import re
import subprocess
import sys


def read(library, *what):
    return subprocess.run(["readelf", "-W", *what, library], capture_output=True, text=True, check=True).stdout


def main():
    torch, out = map(pathlib.Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    present = {path.name for path in torch.parent.glob("nvidia/**/lib*.so*")} | {path.name for path in (torch / "lib").iterdir()}
    needed, functions = set(), {}
    for library in (torch / "lib").glob("libtorch*.so"):
        needed |= set(re.findall(r"NEEDED.*\[(lib(?:cu|nccl|nvshmem).*)\]", read(library, "--dynamic")))
        for name, version in re.findall(r"UND ((?:cu|nccl|nvshmem)\w+)(?:@([\w.]+))?", read(library, "--dyn-syms")):
            functions[name] = version
    source, script = out / "source.c", out / "versions"
    for library in sorted(needed - present):
        family = re.match(r"lib(\w+?)(_host)?\.so", library)[1].lower()
        own = sorted(name for name, version in functions.items()
                     if version == library or (version in ("", "NVSHMEM") and name.lower().startswith(family)))
        versions = sorted({functions[name] for name in own} - {""})
        source.write_text("".join(f"void {name}(void) {{ __builtin_trap(); }}\n" for name in own) or "typedef int none;\n")
        script.write_text("".join(f"{version} {{ global: *; }};\n" for version in versions) or "{ global: *; };\n")
        subprocess.run(["cc", "-w", "-shared", "-o", out / library, f"-Wl,-soname,{library}", f"-Wl,--version-script={script}", source], check=True)
        source.unlink()
        script.unlink()


main()
