#!/usr/bin/env python3
"""The same tasks that do nothing on Tessera, Dask distributed and Parsl HTEX, one after the other on this machine.

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install dask distributed parsl
    swift build -c release
    /tmp/peers/bin/python ops/bench/farm_peers.py --tasks 20000 --workers 2

Each gets the tasks from a client, runs them on as many workers, and is timed from the first submission until the last
result is known. Tessera makes every step durable on the way (SQLite, fsync); the other two keep all in memory.
"""
import argparse
import json
import os
import subprocess
import tempfile
import time


def nothing(number):
    return number


def dask_rate(tasks, workers):
    import logging
    from distributed import Client, LocalCluster, wait
    cluster = LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None,
                           silence_logs=logging.ERROR)
    with cluster, Client(cluster) as client:
        wait(client.map(nothing, range(1000), pure=False))
        start = time.perf_counter()
        futures = client.map(nothing, range(tasks), pure=False)
        wait(futures)
        seconds = time.perf_counter() - start
        if any(future.status != "finished" for future in futures):
            raise SystemExit("Dask did not finish all tasks.")
    return tasks / seconds


def parsl_rate(tasks, workers, folder):
    import concurrent.futures
    import parsl
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.providers import LocalProvider
    executor = HighThroughputExecutor(
        label="htex", address="127.0.0.1", max_workers_per_node=workers, cores_per_worker=1e-6,
        provider=LocalProvider(init_blocks=1, max_blocks=1))
    parsl.load(Config(executors=[executor], run_dir=folder, strategy="none"))
    try:
        app = parsl.python_app(nothing)
        concurrent.futures.wait([app(number) for number in range(1000)])
        start = time.perf_counter()
        futures = [app(number) for number in range(tasks)]
        results = [future.result() for future in futures]
        seconds = time.perf_counter() - start
        if results != list(range(tasks)):
            raise SystemExit("Parsl did not finish all tasks.")
    finally:
        parsl.dfk().cleanup()
        parsl.clear()
    return tasks / seconds


def tessera_rate(tasks, workers, program, folder):
    output = subprocess.run(
        [program, "bench", "dispatch", "--workers", str(workers), "--images", str(tasks), "--data", folder, "--json"],
        check=True, capture_output=True, text=True).stdout
    row = json.loads(output)[0]
    return tasks / (row["acceptSeconds"] + tasks / row["tasksPerSecond"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=20000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tessera", default=".build/release/tessera", help="the program to measure")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rates = {
            "tessera": tessera_rate(arguments.tasks, arguments.workers, os.path.abspath(arguments.tessera), folder),
            "dask": dask_rate(arguments.tasks, arguments.workers),
            "parsl": parsl_rate(arguments.tasks, arguments.workers, folder),
        }
    rows = [{"farm": farm, "tasksPerSecond": round(rate, 1), "tesseraIsFaster": round(rates["tessera"] / rate, 2)}
            for farm, rate in rates.items()]
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{arguments.tasks} tasks on {arguments.workers} workers")
    print(f"{'FARM':10}{'TASKS/S':>10}{'TESSERA IS':>14}")
    for row in rows:
        print(f"{row['farm']:10}{row['tasksPerSecond']:10.0f}{row['tesseraIsFaster']:12.1f} ×")


if __name__ == "__main__":
    main()
