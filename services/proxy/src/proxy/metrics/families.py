"""The families of metrics about the queue, its workers and its room: what its database says, whichever process asks."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString
from promptqueue.condition import Counts, Histogram, Measures, Model, ModelState, Room, Server, Workers
from promptqueue.owners.turn import Turn

from proxy.config import Config


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was read of the queue for one scrape."""

    counts: Counts
    workers: Workers
    model: Model
    servers: list[Server]
    room: Room
    measures: Measures
    turns: Sequence[Turn] | None  # None where owners are not named


def families(seen: Seen | None, config: Config) -> Iterator[Metric]:
    """Give all of them; where nothing could be read, `seen` is None, only what needs no database."""
    yield gauges("build_info", "The version of the proxy, as a label; always 1.", ["version"], [([_version()], 1)])
    yield gauge("storage_available", "Whether the queue's database can be read: 1 or 0.", int(seen is not None))
    yield gauge("prompts_waiting_limit", "Prompts that may wait, MAX_QUEUE_DEPTH.", config.max_queue_depth)
    yield gauge("stored_limit_bytes", "Bytes that may be stored, MAX_STORED_BYTES.", config.max_stored_bytes)
    yield gauge("disk_reserve_bytes", "Bytes that stay free on the disk, MIN_FREE_BYTES.", config.min_free_bytes)
    if seen:
        yield from _of_prompts(seen.counts)
        yield from _of_workers(seen)
        yield from _of_room(seen.room)
        yield from _of_ends(seen.measures)
    if seen and seen.turns is not None:
        yield _of_owners(seen.turns)


def _of_prompts(counts: Counts) -> Iterator[Metric]:
    lanes = [([lane], prompts) for lane, prompts in counts.lanes.items()]
    yield gauges("prompts_waiting", "Prompts that wait in line.", ["lane"], lanes)
    yield gauge("prompts_running", "Prompts that are being answered.", counts.processing)
    yield gauge("prompts_stored", "Completed prompts that are still stored.", counts.completed)
    oldest = counts.oldest_wait_seconds or 0
    yield gauge("prompts_oldest_wait_seconds", "Seconds that the oldest prompt in line has waited; 0 for none.", oldest)
    yield gauge("paused", "Whether an operator holds the line: 1 or 0.", int(counts.paused))


def _of_workers(seen: Seen) -> Iterator[Metric]:
    yield gauge("workers", "Workers that are alive.", seen.workers.count)
    yield gauge("slots", "Prompts that they can answer at a time.", seen.workers.slots)
    model, is_ready = [seen.model.name], seen.model.state is ModelState.READY
    yield gauges("model_ready", "Whether the model can answer: 1 or 0.", ["model"], [(model, int(is_ready))])
    there = 1 if is_ready else (seen.model.percent or 0) / 100
    yield gauges("model_download_ratio", "How much of the model is there, 0 to 1.", ["model"], [(model, there)])
    states = [
        ([server.address, state.value], int(server.model.state is state))
        for server in seen.servers
        for state in ModelState
    ]
    yield gauges("server_state", "1 for the state that a model server is in.", ["server", "state"], states)
    slots = [([server.address], server.slots) for server in seen.servers]
    yield gauges("server_slots", "Prompts that a model server is asked at a time.", ["server"], slots)
    busy = [([server.address], server.busy) for server in seen.servers]
    yield gauges("server_busy", "Prompts that a model server answers.", ["server"], busy)
    seconds = [
        ([server.address], server.seconds_per_prompt)
        for server in seen.servers
        if server.seconds_per_prompt is not None
    ]
    what = "Mean seconds of a model server's last twenty answers; absent while none is known."
    yield gauges("server_seconds_per_prompt", what, ["server"], seconds)


def _of_room(room: Room) -> Iterator[Metric]:
    yield gauge("stored_bytes", "Bytes that prompts, answers and their indexes take.", room.stored_bytes)
    yield gauge("spare_bytes", "Bytes of erased prompts in the file, used again for new ones.", room.spare_bytes)
    yield gauge("journal_bytes", "Bytes of the database's journal.", room.journal_bytes)
    if room.disk_free_bytes is not None:
        what = "Bytes that are free on the queue's disk; absent where nobody can tell."
        yield gauge("disk_free_bytes", what, room.disk_free_bytes)


def _of_ends(measures: Measures) -> Iterator[Metric]:
    ended = CounterMetricFamily(
        "ollama_proxy_prompts_completed", "Prompts that ended, by how they did.", labels=["outcome"]
    )
    for outcome, prompts in measures.ended.items():
        ended.add_metric([outcome], prompts)
    yield ended
    yield CounterMetricFamily(
        "ollama_proxy_tokens_read", "Tokens of prompts, read by the model.", measures.prompt_tokens
    )
    yield CounterMetricFamily(
        "ollama_proxy_tokens_written", "Tokens of answers, written by the model.", measures.tokens
    )
    yield _histogram("prompt_wait_seconds", "Seconds from a prompt's coming to its last start.", measures.waiting)
    yield _histogram("prompt_run_seconds", "Seconds from a prompt's last start to its end.", measures.running)


def _of_owners(turns: Iterable[Turn]) -> Metric:
    waiting: Counter[str] = Counter()
    for turn in turns:
        waiting[turn.owner] += turn.waiting
    values = [([owner], prompts) for owner, prompts in waiting.items()]
    return gauges("owner_prompts_waiting", "Prompts of each owner that wait; METRICS_OWNERS=yes.", ["owner"], values)


def _histogram(name: str, what: str, found: Histogram) -> Metric:
    buckets = [(floatToGoString(bound), float(times)) for bound, times in found.buckets.items()]  # type: ignore[no-untyped-call]
    return HistogramMetricFamily(f"ollama_proxy_{name}", what, buckets, found.seconds)


def gauge(name: str, what: str, value: float) -> Metric:
    """Make a gauge of one value."""
    return GaugeMetricFamily(f"ollama_proxy_{name}", what, value)


def gauges(name: str, what: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    """Make a gauge of a value for each set of values that the labels have."""
    family = GaugeMetricFamily(f"ollama_proxy_{name}", what, labels=labels)
    for of_labels, value in values:
        family.add_metric(of_labels, value)
    return family


def _version() -> str:
    try:
        return version("proxy")
    except PackageNotFoundError:
        return "unknown"
