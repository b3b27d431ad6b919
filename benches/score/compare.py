"""Scoring a Parquet file offline: the program `score`, and the loop one writes in Python, in turn."""

import re
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS, WIDTH, ROUNDS = 4_000_000, 64, 5
NAMES = [f"f{i}" for i in range(WIDTH)]


def make(path):
    fields = [("id", pa.int64())] + [(name, pa.float32()) for name in NAMES]
    random = np.random.default_rng(0)
    with pq.ParquetWriter(path, pa.schema(fields), compression="zstd") as writer:
        for start in range(0, ROWS, 250_000):
            rows = range(start, min(start + 250_000, ROWS))
            columns = [pa.array(rows)] + [pa.array(random.random(len(rows), np.float32)) for _ in NAMES]
            writer.write_table(pa.table(columns, schema=pa.schema(fields)))


def by_hand(model, source, target, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options)
    writer = None
    for batch in pq.ParquetFile(source).iter_batches(batch_size=16384):
        rows = np.stack([batch.column(name).to_numpy() for name in NAMES], axis=1)
        (answers,) = session.run(None, {"input": rows})
        lists = pa.FixedSizeListArray.from_arrays(pa.array(answers.reshape(-1)), answers.shape[1])
        table = pa.table({"id": batch.column("id"), "output": lists})
        writer = writer or pq.ParquetWriter(target, table.schema, compression="zstd")
        writer.write_table(table)
    writer.close()


def measured(command):
    """Seconds, and the most memory that was not the file's, in MB."""
    started, most = time.monotonic(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def watch():
        nonlocal most
        while process.poll() is None:
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
                most = max(most, int(re.search(r"RssAnon:\s+(\d+)", status)[1]) // 1024)
            except (FileNotFoundError, TypeError):
                pass
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    elapsed = time.monotonic() - started
    watcher.join()
    assert code == 0, command
    return elapsed, most


def same(ours, theirs):
    ours, theirs = pq.read_table(ours), pq.read_table(theirs)
    assert ours["id"].equals(theirs["id"])
    ours, theirs = (np.stack(table["output"].to_numpy()) for table in (ours, theirs))
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def main():
    score, library, model, folder = sys.argv[1:]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "rows.parquet"
    if not source.exists():
        make(source)
    runs = {}
    for turn in range(ROUNDS):
        out = folder / f"scores{turn}"
        subprocess.run(["rm", "-rf", out], check=True)
        contestants = {
            "score": [score, "--onnxruntime", library, "--out", out, "--keep", "id", "--features",
                      "input=" + ",".join(NAMES), model, source],
            "by hand, 1 thread": [sys.executable, __file__, "by-hand", model, source, folder / "1.parquet", "1"],
            "by hand, 2 threads": [sys.executable, __file__, "by-hand", model, source, folder / "2.parquet", "2"],
        }
        for name, command in contestants.items():
            runs.setdefault(name, []).append(measured([str(part) for part in command]))
        if turn == 0:
            same(sorted(out.glob("*.parquet")), folder / "1.parquet")
        subprocess.run(["rm", "-rf", out], check=True)
    print(f"\n| offline scoring, {ROWS} rows of {WIDTH} columns | rows/s | ours is | memory, MB |")
    print("| --- | --- | --- | --- |")
    for name, rounds in runs.items():
        rate = ROWS / statistics.median(seconds for seconds, _ in rounds)
        ratio = statistics.median(theirs / ours for (ours, _), (theirs, _) in zip(runs["score"], rounds))
        memory = max(memory for _, memory in rounds)
        print(f"| {name} | {rate:.0f} | {ratio:.2f}× | {memory} |")


if __name__ == "__main__":
    if sys.argv[1] == "by-hand":
        by_hand(*sys.argv[2:5], int(sys.argv[5]))
    else:
        main()
