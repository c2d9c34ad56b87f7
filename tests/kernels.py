"""`python tests/kernels.py [NAME ...]`: the numeric tests, computed as other processors compute.

With CASES=3 in the environment, of each test at most three cases.

The libraries choose their kernels by the processor, and each kernel has last bits of its own; what
is told here is which of them to take. A name is one of `SETTINGS`; without one all are run in
turn. Before each, a few products are computed natively and so: where no bit differs, the setting
does nothing on this processor, and is said to. The real index is the one that was built natively,
as an index that somebody else built is; the tiny ones are built as the setting has it.

Knows environment variables and pytest's marker `numeric`; which tests those are is in conftest.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

SETTINGS: dict[str, dict[str, str]] = {
    # What make test-kernels runs: every library without AVX-512, and every one at its least.
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "FAISS_OPT_LEVEL": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
    "least": {
        "ATEN_CPU_CAPABILITY": "default",
        "FAISS_OPT_LEVEL": "generic",
        "MKL_CBWR": "COMPATIBLE",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "OPENBLAS_CORETYPE": "Nehalem",
    },
    # One library at a time.
    "aten-default": {"ATEN_CPU_CAPABILITY": "default"},
    "aten-avx2": {"ATEN_CPU_CAPABILITY": "avx2"},
    "onednn-avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    "openblas-haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "openblas-skylakex": {"OPENBLAS_CORETYPE": "SkylakeX"},
    "numpy-baseline": {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"},
    "faiss-generic": {"FAISS_OPT_LEVEL": "generic"},
    "faiss-avx2": {"FAISS_OPT_LEVEL": "avx2"},
    "mkl-avx2": {"MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "mkl-avx512": {"MKL_ENABLE_INSTRUCTIONS": "AVX512"},
    "mkl-compatible": {"MKL_CBWR": "COMPATIBLE"},
    "one-thread": dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
    ),
    "two-threads": dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "2"
    ),
}
"""By name, the environment that has the libraries compute so."""

CHOSEN = sorted({name for setting in SETTINGS.values() for name in setting} | {"OPENBLAS_L2_SIZE"})
"""Variables that decide what is native; a person's own are put aside."""

BITS = """
import hashlib, json
import faiss, numpy as np, torch

rng = np.random.default_rng(0)
a, b = (rng.standard_normal((96, 576), np.float32) for _ in range(2))
one, other = torch.from_numpy(a), torch.from_numpy(b)
narrow = one.bfloat16(), other.bfloat16()
index = faiss.IndexFlatIP(576)
index.add(a)
found = {
    "NumPy's products": a @ b.T,
    "NumPy's functions": np.tanh(a) + np.exp(b) + a.sum(axis=1, keepdims=True),
    "torch's products": (one @ other.T).numpy(),
    "torch's products in bfloat16": (narrow[0] @ narrow[1].T).float().numpy(),
    "torch's functions": (torch.nn.functional.gelu(one) + other.softmax(1)).numpy(),
    "FAISS's scores": index.search(b[:5], 10)[0],
}
print(json.dumps({name: hashlib.sha256(x.tobytes()).hexdigest() for name, x in found.items()}))
"""


def environment(setting: dict[str, str]) -> dict[str, str]:
    """What a process is started with to compute so; without a setting, natively."""
    own = {key: value for key, value in os.environ.items() if key not in CHOSEN}
    return {**own, **setting}


def bits(setting: dict[str, str]) -> dict[str, str]:
    """By what is computed, a digest of its bits."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BITS],
        env=environment(setting), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout))


def main(names: list[str]) -> int:
    """Run the numeric tests under each setting; the exit code."""
    unknown = [name for name in names if name not in SETTINGS]
    if unknown:
        print(f"no setting {unknown[0]!r} (there are: {', '.join(SETTINGS)})", file=sys.stderr)
        return 2
    native, failed = bits({}), []
    for name in names or SETTINGS:
        setting = SETTINGS[name]
        here = bits(setting)
        other = [what for what in native if here[what] != native[what]]
        print(f"\n== {name}: {' '.join(f'{k}={v!r}' for k, v in setting.items())}")
        print(f"== other bits than natively in: {', '.join(other) or 'nothing'}", flush=True)
        began = time.monotonic()
        tests = [sys.executable, "-m", "pytest", "-q", "-m", "numeric", "-n", "auto"]
        tests += ["--dist", "loadfile", "--no-loadscope-reorder"]
        tests += [f"--cases={os.environ['CASES']}"] if os.environ.get("CASES") else []
        code = subprocess.run(tests, env=environment(setting), check=False).returncode
        print(f"== {name}: exit code {code} after {time.monotonic() - began:.0f} s", flush=True)
        failed += [name] if code else []
    if failed:
        print(f"failed under: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
