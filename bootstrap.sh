#!/usr/bin/env bash
# From a bare Debian 12 to a built, tested or demonstrated axonzoo. Each step is skipped where it stands already, so that a second
# run is quick and needs no network, and an interrupted run goes on where it stopped.
#
#   ./bootstrap.sh build               packages, LibTorch, all programs in build/release/bin/
#   ./bootstrap.sh test                the same, then every test, under sanitizers too
#   ./bootstrap.sh demo [--data DIR]   U-Net and SegNet trained and compared, a report in demo/
#
# AXONZOO_TORCH            a LibTorch folder to use (holds include/ and lib/); nothing is downloaded then
# AXONZOO_TORCH_VERSION    the PyPI wheel's version otherwise (2.11.0)
# AXONZOO_TORCH_COMPLETE=1 installs all of the wheel's CUDA packages, as is done where there is an NVIDIA GPU
# AXONZOO_JOBS             compilers at once (as many as cores and memory allow)
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

readonly torch_version="${AXONZOO_TORCH_VERSION:-2.11.0}"
readonly venv="$PWD/.venv"
readonly logs="$PWD/build/logs"
readonly packages=(g++ cmake ninja-build ccache ca-certificates python3 python3-venv
  libxtensor-dev nlohmann-json3-dev libcli11-dev libtiff-dev libpng-dev libjpeg-dev zlib1g-dev
  libboost-test-dev libgloo-dev gnuplot-nox)

say() { printf '[axonzoo %3d s] %s\n' "$SECONDS" "$*"; }

fail() {
  printf 'bootstrap.sh: %s\n' "$*" >&2
  exit 1
}

# quietly LOG WHAT COMMAND...: output goes to a log, a line every 20 s tells that it is still running.
quietly() {
  local log="$logs/$1.log" what="$2" status=0 waited=0 job
  shift 2
  mkdir -p "$logs"
  say "$what"
  "$@" >"$log" 2>&1 </dev/null &
  job=$!
  while kill -0 "$job" 2>/dev/null; do
    sleep 1
    waited=$((waited + 1))
    ((waited % 20)) || say "  still at it: $what ($waited s)"
  done
  wait "$job" || status=$?
  if ((status)); then
    tail -n 15 "$log" >&2
    fail "$what failed with status $status; the whole output is in $log."
  fi
}

install_packages() {
  local missing=() package as_root=()
  command -v dpkg-query >/dev/null || fail "this set-up is for Debian 12; elsewhere install the packages of docs/dependencies.md and run cmake --preset release."
  for package in "${packages[@]}"; do
    [[ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" == "install ok installed" ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "these packages are missing and need root or sudo: ${missing[*]}."
    as_root=(sudo)
    sudo -v || fail "sudo was refused; as root run: apt-get install ${missing[*]}."
  fi
  quietly apt-update "Reading Debian's package lists" "${as_root[@]}" apt-get update -q
  quietly apt-install "Installing ${#missing[@]} Debian packages" "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# Where a Python's torch lies, if it is of the version wanted; importing it would take seconds.
torch_of_python() {
  "$1" - "$torch_version" 2>/dev/null <<'PYTHON' || true
import importlib.metadata, importlib.util, os, sys
if importlib.metadata.version("torch").split("+")[0] == sys.argv[1]:
    print(os.path.dirname(importlib.util.find_spec("torch").origin))
PYTHON
}

# LibTorch's CPU libraries need only two of the wheel's CUDA packages, a quarter of the download; a GPU needs them all.
install_torch() {
  local pip=("$venv/bin/python" -m pip --disable-pip-version-check install --no-compile --progress-bar off) toolkit
  [[ -x "$venv/bin/python" ]] || quietly venv "Making a private Python environment in .venv" python3 -m venv "$venv"
  if [[ -e /dev/nvidiactl || "${AXONZOO_TORCH_COMPLETE:-0}" == 1 ]]; then
    quietly torch "Installing LibTorch $torch_version with CUDA (some minutes)" "${pip[@]}" "torch==$torch_version"
    return
  fi
  quietly torch "Installing LibTorch $torch_version (a minute or two)" "${pip[@]}" --no-deps "torch==$torch_version"
  toolkit="$(sed -n 's/^Requires-Dist: cuda-toolkit\[.*\]==\([0-9.]*\).*/\1/p' \
    "$venv"/lib/python3*/site-packages/torch-"$torch_version"*.dist-info/METADATA | head -n 1)"
  if [[ -n "$toolkit" ]]; then
    quietly torch-cuda "Installing the two CUDA libraries it loads" "${pip[@]}" "cuda-toolkit[cudart,cupti]==$toolkit"
  fi
  if ldd "$(torch_of_python "$venv/bin/python")/lib/libtorch_cpu.so" | grep -q 'not found'; then
    quietly torch "Installing the rest of LibTorch $torch_version (some minutes)" "${pip[@]}" "torch==$torch_version"
  fi
}

find_torch() {
  local python
  if [[ -n "${AXONZOO_TORCH:-}" ]]; then
    [[ -e "$AXONZOO_TORCH/lib/libtorch_cpu.so" ]] || fail "AXONZOO_TORCH is '$AXONZOO_TORCH', which holds no lib/libtorch_cpu.so; name a LibTorch folder or unset it."
    torch="$AXONZOO_TORCH"
    return
  fi
  python="${VIRTUAL_ENV:+$VIRTUAL_ENV/bin/python}"
  torch="$(torch_of_python "${python:-python3}")"
  # The mark is written last: an interrupted installation is taken up again.
  if [[ -z "$torch" ]]; then
    if [[ "$(cat "$venv/axonzoo-torch" 2>/dev/null)" != "$torch_version" ]]; then
      rm -f "$venv/axonzoo-torch"
      install_torch
      echo "$torch_version" >"$venv/axonzoo-torch"
    fi
    torch="$(torch_of_python "$venv/bin/python")"
  fi
  [[ -n "$torch" ]] || fail "LibTorch $torch_version is not in .venv; remove that folder and run this again."
}

# The Python packages that tests/parity/ holds the library against, where LibTorch is this script's own: beside it they can be imported.
install_peers() {
  local wanted=tests/parity/requirements.txt
  [[ "$torch" == "$venv"/* ]] || return 0
  cmp -s "$wanted" "$venv/axonzoo-peers" && return
  quietly peers "Installing segment-anything and the other peers of the parity tests" \
    "$venv/bin/python" -m pip --disable-pip-version-check install --no-compile --progress-bar off --no-deps -r "$wanted"
  quietly stand-ins "Making stand-ins for the CUDA libraries that PyTorch's Python asks for" \
    "$venv/bin/python" tests/parity/cuda_stand_ins.py "$torch" "$venv/cuda-stand-ins"
  cp "$wanted" "$venv/axonzoo-peers"
}

# A compiler that reads LibTorch's headers takes up to 3 GB.
choose_jobs() {
  local memory limit
  memory="$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)"
  if limit="$(cat /sys/fs/cgroup/memory.max 2>/dev/null)" && [[ "$limit" =~ ^[0-9]+$ ]] && ((limit / 1048576 < memory)); then
    memory=$((limit / 1048576))
  fi
  jobs=$((memory / 3000))
  ((jobs <= $(nproc))) || jobs="$(nproc)"
  ((jobs >= 1)) || jobs=1
  jobs="${AXONZOO_JOBS:-$jobs}"
}

configure() {
  local preset="$1"
  shift
  quietly "configure-$preset" "Configuring $preset with LibTorch $torch_version in $torch" \
    cmake --preset "$preset" -DAXONZOO_TORCH="$torch" "$@"
}

build() {
  local preset="$1" status=0
  shift
  say "Building $preset with $jobs compilers at once"
  cmake --build --preset "$preset" -j "$jobs" "$@" || status=$?
  ((status == 0)) || fail "the $preset build failed; the first error above tells where."
}

run_tests() {
  say "Testing $1"
  ctest --preset "$1" -j "$jobs" --no-tests=error
}

prepare() {
  install_packages
  find_torch
  choose_jobs
}

demo() {
  local data=(--phantom 12) models=(unet segnet) precisions=(fp32 bf16) prunings=(none magnitude)
  local programs=() patterns="" model precision pruning
  if (($#)); then
    [[ "$1" == --data && $# -eq 2 ]] || fail "demo takes --data DIR or nothing, not '$*'."
    [[ -d "$2" ]] || fail "--data '$2' is not a folder."
    data=(--data "$2")
  fi
  for model in "${models[@]}"; do
    for precision in "${precisions[@]}"; do
      for pruning in "${prunings[@]}"; do
        programs+=("$model-$precision-$pruning-single")
        patterns+="${patterns:+,}$model/$precision/$pruning/single"
      done
    done
  done
  prepare
  configure release
  build release --target axonzoo-compare axonzoo-phantom "${programs[@]}"
  say "Training ${#programs[@]} programs for 45 s each, and testing each on a subject it never saw"
  build/release/bin/axonzoo-compare "${data[@]}" --variants "$patterns" --minutes 0.75 --out demo -- --patch 128 --turns 1 --tile-overlap 0.25 ||
    fail "the comparison did not finish; what it has so far is in demo/, and the same command goes on from there."
  say "The report: $PWD/demo/report.html (the table as demo/results.csv and demo/results.json)"
}

case "${1:-}" in
  build)
    prepare
    configure release
    build release
    say "The programs: $PWD/build/release/bin/"
    ;;
  test)
    prepare
    install_peers
    configure asan
    build asan
    run_tests asan
    configure release -DAXONZOO_TESTS_OF_LIBTORCH_ONLY=ON
    build release
    run_tests release
    ;;
  demo)
    shift
    demo "$@"
    ;;
  *)
    fail "usage: ./bootstrap.sh build | test | demo [--data DIR]"
    ;;
esac
