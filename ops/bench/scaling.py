#!/usr/bin/env python3
"""What a second worker adds: the same pictures on one worker and on two, in turn, each worker pinned to one core.

    swift build -c release --build-tests
    python3 ops/bench/scaling.py                       # 40 pictures at 256 pixels, three rounds: a quarter of an hour
    python3 ops/bench/scaling.py --images 12 --rounds 1

A job is submitted once the workers have drawn their first pictures, so loading does not count; its time is the
coordinator's, from submission to the last picture. SCALING is two workers' throughput over twice one's. What it
lacks is lost in two ways: the same stages take longer when both cores compute (SLOWER, the machine's share), and
workers wait (IDLE, the farm's share, with the last pictures where one worker has nothing left to do). MACHINE is what
the cores themselves allow, measured in each round: a loop that only multiplies and adds in registers, on both cores at
once over twice on one.
"""
import argparse
import datetime
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROMPTS = ["a strawberry on a blue background", "a frog above a star, purple background"]


def peaks(options, cores):
    """The multiply-add peak of each of `cores`, all measured at once, in GFLOP/s."""
    measure = [options.tessera, "bench", "stages", "--model", str(ROOT / "weights/emoji"), "--stage", "prior",
               "--steps", "1", "--threads", "1", "--json"]
    running = [subprocess.Popen(["taskset", "-c", str(core), *measure], stdout=subprocess.PIPE, text=True)
               for core in cores]
    return [json.loads(process.communicate()[0])["peaks"]["f32Gflops"] for process in running]


class Farm:
    """A coordinator and workers of one thread, worker k pinned to core k."""

    def __init__(self, options, folder, workers):
        self.tessera, self.folder, self.workers = options.tessera, folder, workers
        address = f"tcp://127.0.0.1:{options.port}"
        self.access = ["--connect", address]
        self.coordinator = self.start([], "coordinator", "--data", f"{folder}/data", "--listen", address)
        self.processes = [self.coordinator]
        for core in range(workers):
            self.processes.append(self.start(
                ["taskset", "-c", str(core)], "worker", "--name", f"worker-{core}", "--threads", "1",
                "--model", str(ROOT / "weights/emoji"), "--cache", f"{folder}/worker-{core}", *self.access))

    def start(self, launcher, *arguments):
        return subprocess.Popen([*launcher, self.tessera, *arguments, "--quiet"])

    def client(self, *arguments, lines=None):
        return subprocess.run([self.tessera, *map(str, arguments), *self.access, "--connect-timeout", "30"],
                              input=lines, check=True, capture_output=True, text=True).stdout

    def wait_for_workers(self):
        while sum(worker["connected"] for worker in json.loads(self.client("workers", "--json"))) < self.workers:
            time.sleep(0.2)

    def render(self, options, images, seed):
        """Seconds of a job, seconds of its stages, and the coordinator's seconds of CPU meanwhile."""
        before = processor_seconds(self.coordinator.pid)
        lines = "".join(
            json.dumps({"prompt": PROMPTS[number % len(PROMPTS)], "seed": seed + number}) + "\n"
            for number in range(images))
        out = f"{self.folder}/pictures-{seed}"
        job = self.client("submit", "-", "--format", "jsonl", "--model", "emoji", "--size", options.size, lines=lines)
        job = job.strip()
        self.client("fetch", job, "--wait", "--out", out)
        used = processor_seconds(self.coordinator.pid) - before
        status = json.loads(self.client("status", job, "--json"))
        begin, end = (datetime.datetime.fromisoformat(status[name]) for name in ("submitted", "finished"))
        manifest = pathlib.Path(out, "manifest.jsonl").read_text().splitlines()
        stages = [stage["seconds"] for line in manifest for stage in json.loads(line)["stages"]]
        return (end - begin).total_seconds(), sum(stages), used

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait()


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(options, workers):
    """Pictures a second, the workers' busy share, stage seconds a picture, the coordinator's share of a core."""
    with tempfile.TemporaryDirectory(prefix="tessera-scaling-") as folder:
        farm = Farm(options, folder, workers)
        try:
            farm.wait_for_workers()
            farm.render(options, 2 * workers, seed=1_000_000)
            seconds, stages, used = farm.render(options, options.images, seed=1)
        finally:
            farm.stop()
    return {"workers": workers, "imagesPerSecond": options.images / seconds,
            "idleShare": 1 - stages / (seconds * workers), "stageSecondsPerImage": stages / options.images,
            "coordinatorShare": used / seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--port", type=int, default=7620)
    parser.add_argument("--tessera", default=ROOT / ".build/release/tessera", help="the program to measure")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.tessera = os.path.abspath(options.tessera)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rounds, machine = [], []
    for number in range(options.rounds):
        for workers in (1, 2) if number % 2 == 0 else (2, 1):
            rounds.append(measure(options, workers))
            alone = sum(peaks(options, [core])[0] for core in (0, 1))
            machine.append(sum(peaks(options, [0, 1])) / alone)
    rows = [middle([row for row in rounds if row["workers"] == workers]) for workers in (1, 2)]
    one, two = rows
    pairs = [sorted(rounds[first:first + 2], key=lambda row: row["workers"]) for first in range(0, len(rounds), 2)]
    result = {"images": options.images, "size": options.size, "rounds": rounds, "medians": rows,
              "scaling": two["imagesPerSecond"] / (2 * one["imagesPerSecond"]),
              "scalingOfRounds": [two["imagesPerSecond"] / (2 * one["imagesPerSecond"]) for one, two in pairs],
              "machine": statistics.median(machine),
              "slower": two["stageSecondsPerImage"] / one["stageSecondsPerImage"]}
    print(json.dumps(result, indent=2)) if options.json else report(result)


def middle(rows):
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def report(result):
    print(f"{result['images']} pictures at {result['size']} pixels, medians of {len(result['rounds']) // 2} rounds")
    print(f"{'WORKERS':8}{'PICTURES/S':>12}{'STAGES S':>10}{'IDLE':>8}{'COORDINATOR':>13}")
    for row in result["medians"]:
        print(f"{row['workers']:<8}{row['imagesPerSecond']:12.3f}{row['stageSecondsPerImage']:10.2f}"
              f"{row['idleShare']:8.1%}{row['coordinatorShare']:13.2%}")
    each = ", ".join(f"{scaling:.3f}" for scaling in result["scalingOfRounds"])
    print(f"SCALING {result['scaling']:.3f} (rounds {each}); stages SLOWER by {result['slower'] - 1:.1%}; "
          f"MACHINE {result['machine']:.3f}")


if __name__ == "__main__":
    main()
