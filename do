#!/usr/bin/env bash
# Bitwright's commands, from a bare Debian 12 machine on.
#   ./do demo           install what is missing, build, run the main job on the embedded default
#   ./do test           the same, then all tests        --asan: with sanitizers   --fast: no training, no emulator
#   ./do build          build only: build/release/bitwright
#   ./do bench          build and run the benchmarks    --training: training speed against libtorch and PyTorch
#                       --kernels: instructions and cycles of the C kernels on every core (docs/kernels.md)
#                       --search: the search against Optuna's on problems with known answers (docs/search_bench.md)
#   ./do networks       check 500 random networks bit for bit, on the host and on emulated cores (docs/verification.md)
#   ./do estimates      hold estimates of 300 random networks against emulated packages (docs/estimates.md)
#   ./do chaos          searches that are killed, on disks that are full and clocks that jump, here and on a private Slurm
#                       cluster (docs/executors.md); or some of: kills workers disk slurm rungs
#   ./do mutate         make mistakes in kernels and lowering: the tests must notice each (docs/verification.md)
#   ./do format         clang-format every C and C++ file
# --no-install: never call apt; say what is missing and stop.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

say() { printf '%s\n' "$*" >&2; }
die() { say "do: $*"; exit 2; }

install=yes
preset=release
fast=no
training=no
kernels=no
search=no
command=""
arguments=()
for argument in "$@"; do
  case $argument in
    --no-install) install=no ;;
    --asan) preset=asan ;;
    --fast) fast=yes ;;
    --training) training=yes ;;
    --kernels) kernels=yes ;;
    --search) search=yes ;;
    -h | --help) sed -n '2,17s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) if [ -z "$command" ]; then command=$argument; else arguments+=("$argument"); fi ;;
  esac
done

missing_packages() {
  local package
  sed 's/#.*//' packages.debian | while read -r package; do
    [ -n "$package" ] || continue
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
  done
}

install_packages() {
  command -v dpkg-query >/dev/null || die "needs Debian 12 or a derivative; elsewhere install what packages.debian lists and build with cmake --preset release"
  local missing as_root=()
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0
  [ "$install" = yes ] || die "missing packages (packages.debian): $missing"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "not root and no sudo; install as root: apt-get install $missing"
    as_root=(sudo)
    say "do: will run as root: apt-get update; apt-get install --no-install-recommends $missing"
  fi
  say "do: installing $missing"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  # shellcheck disable=SC2086  # one word per package
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

build() {
  install_packages
  local folder=build/$preset trainer=ON
  if [ "$fast" = yes ]; then folder=build/$preset-fast trainer=OFF; fi
  [ -f "$folder/build.ninja" ] || cmake --preset "$preset" -B "$folder" -DBITWRIGHT_TRAINER=$trainer >"/dev/stderr"
  cmake --build "$folder" >&2
  built=$folder
}

run_tests() {
  build
  local only=()
  if [ "$fast" = yes ]; then only=(-L fast); fi
  # libtorch and its 280 libraries keep memory until exit on purpose, so leaks are looked for without it only.
  [ "$fast" = yes ] || export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:detect_odr_violation=0}
  export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
  export BITWRIGHT_SHARED=${BITWRIGHT_SHARED:-$PWD/../shared}
  ctest --test-dir "$built" --output-on-failure -j "$(nproc)" "${only[@]}" "${arguments[@]}"
}

run_benchmarks() {
  build
  [ "$kernels" = no ] || exec "$built/bitwright-kernel-bench" "${arguments[@]}"
  [ "$search" = no ] || exec experiments/search_bench/compare.py --programs "$built" "${arguments[@]}"
  [ "$training" = yes ] || exec "$built/bitwright-bench" "${arguments[@]}"
  [ "$fast" = no ] || die "--training trains, so --fast does not go with it"
  exec experiments/bench/compare_training.py --program "$built/bitwright-train-bench" "${arguments[@]}"
}

check_networks() {
  build
  exec "$built/bitwright-random-networks" "${arguments[@]}"
}

check_estimates() {
  build
  exec "$built/bitwright-check-estimates" "${arguments[@]}"
}

# All of them, or those that are named. 77: it cannot be done on this machine, which it says.
chaos() {
  build
  [ ${#arguments[@]} -gt 0 ] || arguments=(kills workers disk slurm rungs)
  local failed=0 what code
  for what in "${arguments[@]}"; do
    say "do: chaos: $what"
    code=0
    case $what in
      kills) experiments/chaos/kill_chaos.py --programs "$built" --kills 200 || code=$? ;;
      workers) experiments/chaos/kill_chaos.py --programs "$built" --kills 100 --who worker --jobs 2 || code=$? ;;
      disk) experiments/chaos/full_disk.py --programs "$built" || code=$? ;;
      slurm) experiments/chaos/slurm_chaos.py --programs "$built" || code=$? ;;
      rungs) experiments/chaos/slurm_chaos.py --programs "$built" --rungs || code=$? ;;
      *) die "chaos has kills, workers, disk, slurm and rungs, not \"$what\"" ;;
    esac
    [ $code = 0 ] || [ $code = 77 ] || failed=1
  done
  return $failed
}

case $command in
  demo) [ "$fast" = no ] || die "demo trains, so --fast does not go with it"; build; exec "$built/bitwright" demo --out build/demo "${arguments[@]}" ;;
  test) run_tests ;;
  build) build; say "do: $built/bitwright" ;;
  bench) run_benchmarks ;;
  networks) check_networks ;;
  estimates) check_estimates ;;
  chaos) chaos ;;
  mutate) install_packages; exec experiments/mutate/mutate.py "${arguments[@]}" ;;
  format) install_packages; git ls-files '*.h' '*.cc' '*.c' | xargs clang-format -i ;;
  "") sed -n '2,17s/^# \{0,1\}//p' "$0"; exit 2 ;;
  *) die "unknown command \"$command\": demo, test, build, bench, networks, estimates, chaos, mutate, format" ;;
esac
