"""The Python peers of partage-bench: CPython's Manager and multiprocessing, measured by their own loops.

Reads requests as lines of JSON and answers each with one; peers/python.cpp has the words. Ends when its input does, and
ends what it started.
"""
import json
import multiprocessing
import random
import signal
import sys
import time

mp = multiprocessing.get_context("fork")
now = time.perf_counter
the_manager = None


def manager():
    """One Manager for all, as a program would have."""
    global the_manager
    if the_manager is None:
        the_manager = mp.Manager()
    return the_manager


def key_text(number, size):
    prefix = "key-" if size >= 16 else ""
    return prefix + str(number).zfill(size - len(prefix))


def value_of(number, size):
    return number if size == 8 else chr(ord("a") + number % 26) * size


def random_keys(entries, size, count=20_000):
    picks = random.Random(entries)
    return [key_text(picks.randrange(entries), size) for _ in range(count)]


def random_indexes(entries, count=20_000):
    picks = random.Random(entries)
    return [picks.randrange(entries) for _ in range(count)]


def endless(items, worker, workers):
    start = len(items) * worker // workers
    while True:
        yield from items[start:]
        yield from items[:start]


# ---- windows --------------------------------------------------------------------------------------------------------


def start_together(workers, work):
    """Forks workers, each `work(i, barrier, answer)`; returns their answers."""
    barrier = mp.Barrier(workers)
    pipes = [mp.Pipe(False) for _ in range(workers)]

    def run(i):
        try:
            pipes[i][1].send(work(i, barrier))
        except Exception as error:
            barrier.abort()
            pipes[i][1].send(error)

    processes = [mp.Process(target=run, args=(i,)) for i in range(workers)]
    for process in processes:
        process.start()
    answers = []
    for receive, send in pipes:
        send.close()
        answers.append(receive.recv())
        receive.close()
    for process in processes:
        process.join()
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


class Loop:
    """Workers that repeat an operation: prepare(worker, workers) gives run(times)."""

    batch = 16
    units = 1

    def prepare(self, worker, workers):
        raise NotImplementedError

    def reset(self):
        pass

    def measure(self, workers, window):
        self.reset()

        def work(i, barrier):
            run = self.prepare(i, workers)
            barrier.wait()
            begin = now()
            done = 0
            while now() - begin < window:
                run(self.batch)
                done += self.batch
            return done / (now() - begin)

        return 1e9 / sum(start_together(workers, work)) / self.units

    def latency(self, workers, window):
        self.reset()

        def work(i, barrier):
            run = self.prepare(i, workers)
            times = []
            barrier.wait()
            begin = now()
            while now() - begin < window:
                before = time.perf_counter_ns()
                run(1)
                times.append(time.perf_counter_ns() - before)
            return times

        return quantiles([t for times in start_together(workers, work) for t in times])


def quantiles(times):
    times.sort()

    def at(share):
        return times[min(len(times) - 1, int(share * len(times)))]

    return {"p50": at(0.5), "p99": at(0.99), "p999": at(0.999)} if times else {}


class Repeat:
    """Operations that time themselves, one after the other in this process."""

    def __init__(self, once, units=1, end=lambda: None):
        self.once, self.units, self.close = once, units, end

    def measure(self, workers, window):
        total, times, end = 0, 0, now() + window
        while times < 3 or now() < end:
            total += self.once()
            times += 1
        return total * 1e9 / times / self.units


# ---- dicts, lists, values -------------------------------------------------------------------------------------------


class ManagerDict(Loop):
    def __init__(self, request):
        self.operation = request["operation"].removeprefix("dict ")
        self.entries, self.key_size, self.value_size = (request[k] for k in ("entries", "key_size", "value_size"))
        self.batch = 16 if self.value_size <= 4096 else 1
        self.dict = manager().dict()
        self.lock = manager().Lock()
        if self.operation != "insert":
            chunk = max(1, min(10_000, (16 << 20) // self.value_size))
            for first in range(0, self.entries, chunk):
                self.dict.update({key_text(i, self.key_size): value_of(i, self.value_size)
                                  for i in range(first, min(first + chunk, self.entries))})

    def reset(self):
        if self.operation == "insert":
            self.dict.clear()

    def prepare(self, worker, workers):
        d, lock = self.dict, self.lock
        keys = endless(random_keys(self.entries, self.key_size), worker, workers)
        value = value_of(1, self.value_size)
        hot = key_text(0, self.key_size)
        d.get(hot)  # connects
        inserted = 0

        def get(times):
            for _ in range(times):
                d[next(keys)]

        def set(times):
            for _ in range(times):
                d[next(keys)] = value

        def mixed(times):
            nonlocal inserted
            for _ in range(times):
                inserted += 1
                if inserted % 10 == 0:
                    d[next(keys)] = value
                else:
                    d[next(keys)]

        def insert(times):
            nonlocal inserted
            for _ in range(times):
                inserted += 1
                d["%c%0*d" % (65 + worker, self.key_size - 1, inserted)] = value

        def add(times):
            for _ in range(times):
                with lock:
                    d[hot] += 1

        return {"get": get, "set": set, "90/10": mixed, "insert": insert, "+=": add}[self.operation]


class ManagerValue(Loop):
    batch = 4

    def __init__(self, request):
        self.value = manager().Value("q", 0)
        self.lock = manager().Lock()

    def prepare(self, worker, workers):
        value, lock = self.value, self.lock
        with lock:
            value.value  # connects

        def run(times):
            for _ in range(times):
                with lock:
                    value.value += 1

        return run


class MpValue(Loop):
    batch = 64

    def __init__(self, request):
        self.value = mp.Value("q", 0)

    def prepare(self, worker, workers):
        value = self.value

        def run(times):
            for _ in range(times):
                with value.get_lock():
                    value.value += 1

        return run


class List(Loop):
    """A Manager's list or an mp.Array, which have the same spelling."""

    def __init__(self, request, make):
        self.operation = request["operation"].removeprefix("list ")
        self.entries = request["entries"]
        if self.operation == "snapshot":
            self.batch, self.units = 1, self.entries
        self.list = make([] if self.operation == "append" else range(self.entries))

    def reset(self):
        if self.operation == "append":
            self.list[:] = []

    def prepare(self, worker, workers):
        l = self.list
        indexes = endless(random_indexes(self.entries), worker, workers)
        len(l)  # connects

        def get(times):
            for _ in range(times):
                l[next(indexes)]

        def set(times):
            for _ in range(times):
                l[next(indexes)] = 1

        def append(times):
            for _ in range(times):
                l.append(1)

        def fifo(times):
            for _ in range(times):
                l.append(1)
                l.pop(0)

        def snapshot(times):
            for _ in range(times):
                l[:]

        return {"get": get, "set": set, "append": append, "append + pop(0)": fifo, "snapshot": snapshot}[self.operation]


class CreateDict(Loop):
    batch = 1

    def __init__(self, request):
        manager()

    def prepare(self, worker, workers):
        m = manager()

        def run(times):
            for _ in range(times):
                d = m.dict()
                del d

        return run


# ---- queues ---------------------------------------------------------------------------------------------------------


class PipeQueue:
    """An mp.Pipe with the words of a queue."""

    def __init__(self):
        receive, send = mp.Pipe(False)
        self.get, self.put = receive.recv, send.send
        self.ends = receive, send


class OneWay:
    def __init__(self, request, make, messages):
        self.queue, self.messages = make(), messages
        self.message = value_of(1, request["value_size"])

    def measure(self, workers, window):
        messages = max(1, int(self.messages * window / 0.1))

        def work(i, barrier):
            queue, message = self.queue, self.message
            if i == 1:
                queue.empty() if hasattr(queue, "empty") else None  # connects
            barrier.wait()
            begin = now()
            if i == 0:
                for _ in range(messages):
                    queue.put(message)
                return 0
            for _ in range(messages):
                queue.get()
            return messages / (now() - begin)

        return 1e9 / sum(start_together(2, work))


class PingPong:
    def __init__(self, request, make):
        self.there, self.back = make(), make()

    def play(self, window):
        def work(i, barrier):
            there, back, times = self.there, self.back, []
            barrier.wait()
            if i == 1:
                while there.get():
                    back.put(1)
                return 0, []
            begin = now()
            while now() - begin < window:
                before = time.perf_counter_ns()
                there.put(1)
                back.get()
                times.append(time.perf_counter_ns() - before)
            taken = now() - begin
            there.put(0)
            return taken, times

        return start_together(2, work)[0]

    def measure(self, workers, window):
        taken, times = self.play(window)
        return 1e9 * taken / len(times)

    def latency(self, workers, window):
        return quantiles(self.play(window)[1])


# ---- processes ------------------------------------------------------------------------------------------------------


def nothing():
    pass


def plus_one(n):
    return n + 1


def default_termination():
    """Pool.terminate() hangs for ever if a worker's own handler of SIGTERM is lost in a finalizer."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def start_process():
    begin = now()
    process = mp.Process(target=nothing)
    process.start()
    process.join()
    return now() - begin


def start_manager():
    begin = now()
    m = mp.Manager()
    m.dict()["a"] = 1
    taken = now() - begin
    m.shutdown()
    return taken


def open_pool(request):
    alone = request["operation"].endswith("chunk 1")
    tasks = 2_000 if alone else 100_000
    pool = mp.Pool(2, default_termination)

    def once():
        begin = now()
        pool.map(plus_one, range(tasks), 1 if alone else None)
        return now() - begin

    def end():
        pool.terminate()
        pool.join()

    return Repeat(once, tasks, end)


class DictMemory:
    """The dict, its keys and its numbers, by sys.getsizeof."""

    def __init__(self, request):
        self.dict = {key_text(i, request["key_size"]): i for i in range(request["entries"])}

    def measure(self, workers, window):
        d = self.dict
        return (sys.getsizeof(d) + sum(map(sys.getsizeof, d)) + sum(map(sys.getsizeof, d.values()))) / len(d)


# ---- requests -------------------------------------------------------------------------------------------------------


def open_case(request):
    peer, operation = request["peer"], request["operation"]
    if peer == "CPython dict":
        return DictMemory(request)
    if peer == "mp.Process":
        return Repeat(start_process)
    if peer == "mp.Pool":
        return open_pool(request)
    if peer == "mp.Value":
        return MpValue(request)
    if peer == "mp.Array":
        return List(request, lambda items: mp.Array("q", items))
    if operation.startswith("queue"):
        make, messages = {"mp.Queue": (mp.Queue, 20_000), "mp.Pipe": (PipeQueue, 20_000),
                          "Python Manager": (lambda: manager().Queue(), 1_200)}[peer]
        return PingPong(request, make) if operation == "queue ping-pong" else OneWay(request, make, messages)
    if operation == "manager start":
        return Repeat(start_manager)
    if operation == "object create":
        return CreateDict(request)
    if operation == "value +=":
        return ManagerValue(request)
    if operation.startswith("list"):
        return List(request, lambda items: manager().list(items))
    return ManagerDict(request)


def answer(request, cases):
    what, case = request["do"], cases.get(request["id"])
    if what == "open":
        cases[request["id"]] = open_case(request)
        return {}
    if what == "measure":
        return {"value": case.measure(request["processes"], request["window"])}
    if what == "latency":
        return case.latency(request["processes"], request["window"]) if hasattr(case, "latency") else {}
    del cases[request["id"]]
    getattr(case, "close", nothing)()
    return {}


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # partage-bench ends, and our input with it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    cases = {}
    try:
        while line := sys.stdin.readline():
            try:
                reply = answer(json.loads(line), cases)
            except Exception as error:
                reply = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(reply), flush=True)
    except BrokenPipeError:
        pass
    finally:
        cases.clear()
        if the_manager is not None:
            the_manager.shutdown()


if __name__ == "__main__":
    main()
