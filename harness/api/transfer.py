"""Small tensors that go from main memory to a device."""

from __future__ import annotations

import torch
from torch import Tensor


def sent(tensor: Tensor, device: torch.device | str, dtype: torch.dtype | None = None) -> Tensor:
    """A tensor on a device, in another type if one is given. The host goes on at once; the tensor itself if it is there already.

    CUDA has read ordinary memory when such a copy returns, whatever it still has to do; of Metal that is not told, so there the host waits.
    """
    return tensor.to(device, dtype or tensor.dtype, non_blocking=torch.device(device).type != "mps")
