"""Threads that compute beside each other, each by itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor


@contextlib.contextmanager
def threads_apart(count: int | None = None) -> Iterator[ThreadPoolExecutor]:
    """Threads in each of which torch computes with that thread alone; as many as it takes cores.

    Threads that share one matrix product wait for each other at every step of it, longest where
    another program has one of the cores. What needs nothing of each other need not wait.

    Args:
        count: how many threads, where not one a core.
    """
    import torch

    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(
        count or threads, "apart", initializer=lambda: torch.set_num_threads(1)
    )
    try:
        with pool:
            yield pool
    finally:
        torch.set_num_threads(threads)  # parts of it are the whole process's
