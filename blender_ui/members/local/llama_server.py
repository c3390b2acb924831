"""A child process that serves one GGUF file by llama.cpp as an OpenAI-compatible endpoint.

    python -m blender_ui.members.local.llama_server MODEL.gguf --n-context 4096 --n-parallel 2

The first line of its standard input is the key that every request must show; it prints
``{"base_url": ...}`` when it is ready, and ends when its standard input ends, so that it never
outlives the process that started it, even one that was killed. It listens on loopback only and
allows no web page of another origin to read from it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading

N_HTTP_THREADS = 4
NICENESS = 5


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="path of the GGUF file")
    parser.add_argument("--n-context", type=int, default=4096, help="tokens of prompt and answer together")
    parser.add_argument("--n-parallel", type=int, default=2, help="answers written at the same time")
    parser.add_argument("--n-threads", type=int, default=1)
    options = parser.parse_args()
    key = sys.stdin.readline().strip()
    if not key:
        parser.error("expected the key on the first line of standard input")
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    os.nice(NICENESS)  # The pages answer a vote before an answer goes on.
    # llama.cpp writes its log to the standard output, which is kept for the one line that is read.
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    server = _serve(options, key)
    print(json.dumps({"base_url": f"{server.listening_address}/v1"}), file=output, flush=True)
    threading.Event().wait()


def _exit_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def _serve(options: argparse.Namespace, key: str):  # type: ignore[no-untyped-def]  # xllamacpp has no types
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.api_keys = [key]
    params.cors_origins, params.cors_origins_explicit, params.cors_credentials = "", True, False
    params.ui = False
    params.endpoint_slots = True
    # More threads than free cores make every one of them wait for the slowest; see docs/members.md.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.n_threads
    params.n_threads_http = N_HTTP_THREADS
    params.n_parallel = options.n_parallel
    params.n_ctx = options.n_context * options.n_parallel
    params.cache_ram_mib = 0
    params.verbosity = 1
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
