#!/usr/bin/env python3
"""The same tasks that do nothing on Tessera, Dask distributed and Parsl HTEX, in turns on this machine.

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install dask distributed parsl
    swift build -c release --build-tests
    /tmp/peers/bin/python ops/bench/farm_peers.py --tasks 5000 --workers 2

Each gets the tasks from a client, runs them on as many workers, and is timed from the first submission until the last
result is known. Tessera makes every step durable on the way (SQLite, fsync); the other two keep all in memory. Workers
are processes that return a number for Dask and Parsl, connections of `tessera bench dispatch` for Tessera. Ends with
1 when one of the others was as fast.
"""
import argparse
import concurrent.futures
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time

FARMS = ("tessera", "dask", "parsl")


def nothing(number):
    return number


def dask_rate(tasks, workers, folder, program):
    from distributed import Client, LocalCluster
    cluster = LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None,
                           silence_logs=logging.CRITICAL, local_directory=folder)
    with cluster, Client(cluster) as client:
        client.gather(client.map(nothing, range(1000), pure=False))
        start = time.perf_counter()
        results = client.gather(client.map(nothing, range(tasks), pure=False))
        seconds = time.perf_counter() - start
    return checked(results, tasks) / seconds


def parsl_rate(tasks, workers, folder, program):
    import parsl
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.providers import LocalProvider
    # Parsl starts programs that pip put beside Python, and finds them by the path only.
    os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
    executor = HighThroughputExecutor(
        label="htex", address="127.0.0.1", max_workers_per_node=workers, cores_per_worker=1e-6, encrypted=False,
        provider=LocalProvider(init_blocks=1, max_blocks=1))
    with parsl.load(Config(executors=[executor], run_dir=folder, strategy="none", usage_tracking=0)):
        app = parsl.python_app(nothing)
        concurrent.futures.wait([app(number) for number in range(1000)])
        start = time.perf_counter()
        results = [future.result() for future in [app(number) for number in range(tasks)]]
        seconds = time.perf_counter() - start
    return checked(results, tasks) / seconds


def tessera_rate(tasks, workers, folder, program):
    output = subprocess.run(
        [program, "bench", "dispatch", "--workers", str(workers), "--images", str(tasks), "--data", folder, "--json"],
        check=True, capture_output=True, text=True).stdout
    row = json.loads(output)[0]
    return tasks / (row["acceptSeconds"] + tasks / row["tasksPerSecond"])


def checked(results, tasks):
    if list(results) != list(range(tasks)):
        raise SystemExit("Not all tasks were finished.")
    return tasks


def measure(farm, arguments):
    """Tasks a second of one farm, in a process of its own so that nothing of it stays."""
    command = [sys.executable, os.path.abspath(__file__), "--farm", farm, "--tasks", str(arguments.tasks),
               "--workers", str(arguments.workers), "--tessera", os.path.abspath(arguments.tessera)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise SystemExit(f"{farm} ended with {done.returncode}:\n{done.stderr}")
    return float(done.stdout.split()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each; the middle one counts")
    parser.add_argument("--tessera", default=".build/release/tessera", help="the program to measure")
    parser.add_argument("--farm", choices=FARMS, help="measure this one only, once, and print its tasks a second")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.farm:
        rate = {"tessera": tessera_rate, "dask": dask_rate, "parsl": parsl_rate}[arguments.farm]
        with tempfile.TemporaryDirectory() as folder:
            print(rate(arguments.tasks, arguments.workers, folder, arguments.tessera))
        return
    rates = {farm: [] for farm in FARMS}
    for _ in range(arguments.rounds):
        for farm in FARMS:
            rates[farm].append(measure(farm, arguments))
    ours = statistics.median(rates["tessera"])
    rows = [{"farm": farm, "tasksPerSecond": round(statistics.median(turns), 1),
             "turns": [round(turn, 1) for turn in turns],
             "tesseraIsFaster": round(ours / statistics.median(turns), 2)} for farm, turns in rates.items()]
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        print(f"{arguments.tasks} tasks on {arguments.workers} workers, {arguments.rounds} turns of each")
        print(f"{'FARM':10}{'TASKS/S':>10}{'SLOWEST':>10}{'FASTEST':>10}{'TESSERA IS':>14}")
        for row in rows:
            print(f"{row['farm']:10}{row['tasksPerSecond']:10.0f}{min(row['turns']):10.0f}{max(row['turns']):10.0f}"
                  f"{row['tesseraIsFaster']:12.1f} ×")
    if any(min(rates["tessera"]) <= max(turns) for farm, turns in rates.items() if farm != "tessera"):
        sys.exit(1)


if __name__ == "__main__":
    main()
