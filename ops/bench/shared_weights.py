"""Shows what several processes that run the same stage of a model have in memory, and that they share its weights.

Usage: python ops/bench/shared_weights.py MODEL STAGE [--processes 2] [--tessera .build/release/tessera]
Runs `tessera bench stages` so many times at once and prints, for the weights and for everything, the resident, the
proportional (shared pages divided by their users) and the shared size in MB, from /proc/PID/smaps near the end.
"""

import argparse
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def sizes(pid):
    """MB by kind of mapping: (resident, proportional, shared)."""
    totals = {"weights": [0.0] * 3, "everything": [0.0] * 3}
    kinds = []
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            kinds = ["everything"] + (["weights"] if line.endswith(".safetensors") else [])
        for column, names in enumerate((["Rss:"], ["Pss:"], ["Shared_Clean:", "Shared_Dirty:"])):
            if words[0] in names:
                for kind in kinds:
                    totals[kind][column] += int(words[1]) / 1024
    return totals


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("stage")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--tessera", default=str(ROOT / ".build/release/tessera"))
    arguments = parser.parse_args()

    command = [arguments.tessera, "bench", "stages", "--model", arguments.model, "--stage", arguments.stage]
    command += ["--steps", "1", "--threads", "1"]
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(arguments.processes)]
    last = {}
    while all(process.poll() is None for process in processes):
        try:
            sample = {process.pid: sizes(process.pid) for process in processes}
        except (FileNotFoundError, ProcessLookupError):
            break
        # A process that has not opened its weights, or is ending, has none.
        if all(totals["weights"][0] for totals in sample.values()):
            last = sample
        time.sleep(0.2)
    for process in processes:
        process.wait()
    print(f"{'PROCESS':10}{'':12}{'RESIDENT':>12}{'PROPORTIONAL':>14}{'SHARED':>10}")
    for pid, totals in last.items():
        for kind, (resident, proportional, shared) in totals.items():
            print(f"{pid:<10}{kind:12}{resident:9.0f} MB{proportional:11.0f} MB{shared:7.0f} MB")


if __name__ == "__main__":
    main()
