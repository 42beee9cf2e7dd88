#!/usr/bin/env bash
# All that is to be measured on a GPU, in at most ten minutes: tests, whole runs, metrics, explainers, the quickstart, a profile, start-up.
#
#     .venv/bin/python benchmarks/gpu_wheels.py .whl     # before, where there is an index, if that machine has none
#     OUT=results bash benchmarks/gpu.sh                 # there; --dry tries it out on a CPU, with next to nothing to do
#
# Every step has a limit of its own, and ends no other; the first tables of one that is cut off are there. What a step prints and the
# tables are in $OUT, in eight files; summary.txt says what became of each. Variables: PYTHON (python3), WHEELS (.whl, if there is one),
# LIMIT (580 s of all).
set -u
cd "$(dirname "$0")/.."
OUT=$(mkdir -p "${OUT:-gpu-results}" && cd "${OUT:-gpu-results}" && pwd)
WHEELS=${WHEELS:-.whl} LIMIT=${LIMIT:-580} PYTHON=${PYTHON:-python3} SUMMARY=$OUT/summary.txt
export PYTHONUNBUFFERED=1
SITE=$(mktemp -d)
trap 'rm -rf "$SITE"' EXIT
: >"$SUMMARY"

DEVICE=cuda:0 RESNET50="--arch resnet50 --size 224 --samples 48" RESNET18="--size 64 --samples 32" RUNS=local:1,local:auto MORE=1,4,16 SLOWER=1
METRICS="--size 64 --images 32 --explainers saliency,grad-cam" EXPLAINERS="--size 64 --images 32" LIMITED="" STARTUP="--repeats 1" PROFILE="--arch resnet50 --size 224 --samples 4"
if [ "${1:-}" = --dry ]; then
    SLOWER=20 LIMIT=$((LIMIT * 20))
    export OMP_NUM_THREADS=1  # a machine that does other work too has its threads wait for each other
    DEVICE=cpu RESNET50="--arch resnet18 --size 32 --samples 1 --enough 0.001" RESNET18="--size 32 --samples 1 --enough 0.001" RUNS=local:1 MORE=1,2
    METRICS="--size 32 --images 2 --explainers saliency --metrics complexity,random-logit" EXPLAINERS="--size 32 --images 2 --explainers gradient,grad-cam" LIMITED="--limit 2"
    STARTUP="--repeats 1 --samples 1" PROFILE="--arch resnet18 --size 32 --samples 1"
fi

# step NAME SECONDS COMMAND...: what it prints goes into $OUT/NAME.txt, unless it has a table of its own (NAME.md)
step() {
    local name=$1 limit=$(($2 * SLOWER)) left=$((LIMIT - SECONDS)) began=$SECONDS code
    shift 2
    if [ "$left" -lt 15 ]; then
        echo "$name: skipped, no time left" | tee -a "$SUMMARY"
        return
    fi
    timeout -k 5 "$((limit < left ? limit : left))" "$@" >"$SITE/log" 2>&1
    code=$?
    if [ -e "$OUT/$name.md" ]; then
        { echo; echo '```'; grep -vxFf "$OUT/$name.md" "$SITE/log" | tail -n 20 | cut -c1-400; echo '```'; } >>"$OUT/$name.md"
    else
        tail -c 4000000 "$SITE/log" >"$OUT/$name.txt"
    fi
    echo "$name: $([ $code = 0 ] && echo done || echo "ended with $code$([ $code = 124 ] && echo ', out of time')") after $((SECONDS - began)) s" |
        tee -a "$SUMMARY"
}

install() {
    compgen -G "$WHEELS/*.whl" >/dev/null || return 0
    "$PYTHON" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade --target "$SITE/packages" "$WHEELS"/*.whl
}

if install >>"$SUMMARY" 2>&1; then echo "install: done after $SECONDS s"; else echo "install: failed"; fi | tee -a "$SUMMARY"
[ -d "$SITE/packages" ] && export PYTHONPATH="$SITE/packages${PYTHONPATH:+:$PYTHONPATH}"
export HARNESS_STORE=$SITE/store
{
    nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader 2>/dev/null || echo "no GPU"
    echo "$(nproc --all) cores"
    "$PYTHON" -VV
} >>"$SUMMARY" 2>&1

mapfile -t MARKED < <(grep -rl 'mark\.gpu' tests plugins --include='test_*.py')
step tests 100 "$PYTHON" -m pytest -q -m gpu -p no:cacheprovider "${MARKED[@]}"
step run-resnet50-224 150 "$PYTHON" benchmarks/run.py $RESNET50 --device $DEVICE --runs $RUNS --out "$OUT/run-resnet50-224.md"
step run-resnet18-64 120 "$PYTHON" benchmarks/run.py $RESNET18 --device $DEVICE --runs $RUNS --more $MORE --out "$OUT/run-resnet18-64.md"
step quickstart 40 "$PYTHON" -m harness run specs/quickstart.yaml $LIMITED --progress plain --out "$SITE/quickstart"
step profile 45 "$PYTHON" benchmarks/run_profile.py $PROFILE --device $DEVICE
step metrics-64 100 "$PYTHON" benchmarks/metrics.py $METRICS --repeats 1 --device $DEVICE --out "$OUT/metrics-64.md"
step metrics-64 90 "$PYTHON" benchmarks/explainers.py $EXPLAINERS --repeats 2 --device $DEVICE --out "$SITE/explainers.md"  # beside the metrics
[ -e "$SITE/explainers.md" ] && { echo; cat "$SITE/explainers.md"; } >>"$OUT/metrics-64.md"
step startup 60 "$PYTHON" benchmarks/startup.py $STARTUP --out "$OUT/startup.md"
cat "$SUMMARY"
