"""What a script prints where arrays are computed otherwise: on other numbers of threads, and by other kernels."""

from __future__ import annotations

import os
import subprocess
import sys

ELSEWHERE = {
    "one thread": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    "two threads": {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"},
    "other kernels": {
        "OPENBLAS_CORETYPE": "Prescott",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "ATEN_CPU_CAPABILITY": "default",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX2_Usable,-FMA_Usable",
        "NPY_DISABLE_CPU_FEATURES": "{found}",
    },
}


def printed_elsewhere(script: str) -> dict[str, str]:
    """The output of a Python script in each of these surroundings, by their names."""
    return {name: printed(script, {key: value.format(found=features()) for key, value in said.items()}) for name, said in ELSEWHERE.items()}


def printed(script: str, surroundings: dict[str, str]) -> str:
    """The output of a Python script with more in its environment."""
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, **surroundings}, capture_output=True, text=True, check=True)
    return done.stdout


def features() -> str:
    """The optional instruction sets that NumPy has found here, which it can be told to do without."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    return " ".join(name for name in __cpu_dispatch__ if __cpu_features__.get(name))
