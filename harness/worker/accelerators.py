"""Requests to a device that works beside the CPU: to finish, to give back memory, and whether it has float64."""

from __future__ import annotations

import torch

from harness.api.precision import to_float64


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all that it was given; only this machine's accelerator does things later."""
    if device.type != "cpu" and torch.accelerator.current_accelerator() == torch.device(device.type):
        torch.accelerator.synchronize(device)


def release_unused_memory(device: torch.device) -> None:
    """Have torch give the device's memory back that no tensor is in."""
    if device.type != "cpu":
        torch.get_device_module(device).empty_cache()


def scoring_device(device: torch.device) -> torch.device:
    """The place of what a metric computes with: the models' device, or the CPU if that has no float64 (Apple's GPU)."""
    return to_float64(torch.zeros((), device=device)).device
