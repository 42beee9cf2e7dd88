"""The fork server's program: what workers, readers and the children that import components have in common is imported once."""

from __future__ import annotations

import ctypes
import os
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.processes.fork_server import ForkServer
from harness.registry.file_ownership import forget_installed, is_versioned
from harness.registry.import_tracing import file_of_module
from harness.registry.native_readers import audit_native_readers


class WorkerImports:
    """Implements `harness.processes.fork_server.Imports`.

    Libraries that run threads read their number when they are loaded, here 1; generators of random numbers are seeded then. Both are set
    in every child, as the libraries themselves would have done.
    """

    modules = (
        "torch",
        "harness.worker.component_cache",
        "harness.worker.inspection",
        "harness.worker.prefetching",
    )
    """Not pyarrow, which starts a thread, and nothing that reads files of the user's when it is imported, as matplotlib does."""

    later = ("torchvision", "scipy.ndimage")
    """The first takes as long as torch itself: it imports torch's compiler."""

    @staticmethod
    def are_sound() -> bool:
        """Whether all modules are known by versions."""
        named = [module for module in list(sys.modules.values()) if Path(getattr(module, "__file__", None) or "").is_absolute()]
        sound = all(is_versioned(file) for file in map(file_of_module, named) if file is not None)
        forget_installed()
        return sound

    @staticmethod
    def why_not(environment: Mapping[str, str]) -> str:
        """Threads are not set if one library's number cannot be."""
        try:
            wanted = wanted_threads(environment)
        except ValueError as error:
            return str(error)
        return "" if wanted == (1, 1, 1) or hasattr(_torch_library(), "mkl_serv_set_num_threads") else f"threads: {wanted}"

    @staticmethod
    def prepare_child(environment: Mapping[str, str]) -> None:
        """Set threads and seeds."""
        import numpy as np
        import torch

        set_threads(*wanted_threads(environment))
        np.random.seed()
        torch.default_generator.seed()


def wanted_threads(environment: Mapping[str, str]) -> tuple[int, int, int]:
    """Threads that OpenMP, MKL and OpenBLAS read from an environment; raises ``ValueError`` for what they would read otherwise."""
    cores = len(os.sched_getaffinity(0))
    openmp = environment.get("OMP_NUM_THREADS") or cores
    mkl = environment.get("MKL_NUM_THREADS") or openmp
    blas = environment.get("OPENBLAS_NUM_THREADS") or environment.get("GOTO_NUM_THREADS") or openmp
    found = int(openmp), int(mkl), min(int(blas), cores)
    if min(found) < 1:
        raise ValueError("a number of threads is not positive")
    return found


def set_threads(openmp: int, mkl: int, blas: int) -> None:
    """Have the libraries that are loaded run so many; MKL at most one per core, as it does by itself, and torch as many as MKL."""
    there = "KMP_DUPLICATE_LIB_OK" in os.environ
    from threadpoolctl import ThreadpoolController

    if not there:
        os.environ.pop("KMP_DUPLICATE_LIB_OK", None)  # which importing that has set
    library = _torch_library()
    if hasattr(library, "mkl_serv_set_num_threads"):
        library.mkl_serv_set_num_threads(mkl)  # not by torch, which would have MKL use so many for the smallest matrix, too
        openmp = library.mkl_get_max_threads()
    for pool in ThreadpoolController().lib_controllers:
        if pool.internal_api in ("openmp", "openblas"):
            pool.set_num_threads(openmp if pool.internal_api == "openmp" else blas)


def _torch_library() -> ctypes.CDLL:
    import torch

    return ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))


def main() -> None:
    """Serve; in a child, run its module as ``python -m`` does."""
    audit_native_readers()  # as in a process that imports them itself
    listener, idle, *free = sys.argv[1:]
    module = ForkServer(int(listener), float(idle), free, WorkerImports()).serve()
    if module is not None:
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
