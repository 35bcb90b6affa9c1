# SPDX-License-Identifier: BSD-2-Clause
"""The pairs of doc/ORDERING.md as litmus shapes: who accesses what in which order, and what must not come out.

A shape is two threads, each a row of accesses (kind, location, role, value). An access with a role is one of the named
ones of the code, with the order that the pair gives to that role; one without is data, relaxed here so that a weaker
twin has an outcome instead of a data race. `cycles` are the steps in program order that each forbidden outcome has to
break: (thread, first access, its event, second access, its event)."""
import dataclasses

SHAPES = {
    # What was written before the flag is seen by who sees the flag.
    "message": dict(
        threads=[[("store", "data", None, 1), ("store", "flag", "store", 1)],
                 [("load", "flag", "load"), ("load", "data", None)]],
        exists=[{(1, 0): 1, (1, 1): 0}],
        cycles=[[(0, 0, "W", 1, "W"), (1, 0, "R", 1, "R")]]),
    # Who has read is done with it before who sees the flag writes there again.
    "handback": dict(
        threads=[[("load", "data", None), ("store", "flag", "store", 1)],
                 [("load", "flag", "load"), ("store", "data", None, 1)]],
        exists=[{(0, 0): 1, (1, 0): 1}],
        cycles=[[(0, 0, "R", 1, "W"), (1, 0, "R", 1, "W")]]),
    # Each stores, then loads what the other has stored: one of them sees it.
    "crossing": dict(
        threads=[[("store", "echo", "announce", 1), ("load", "wire", "wake")],
                 [("store", "wire", "publish", 1), ("load", "echo", "look")]],
        exists=[{(0, 0): 0, (1, 0): 0}],
        cycles=[[(0, 0, "W", 1, "R"), (1, 0, "W", 1, "R")]]),
    # A word that is busy (9) while the payload is written: the same word before and behind belongs to the payload.
    "seqlock": dict(
        threads=[[("store", "word", None, 9), ("store", "payload", "payload", 2), ("store", "word", "word", 2)],
                 [("load", "word", "look"), ("load", "payload", "look_payload"), ("load", "word", None)]],
        exists=[{(1, 0): 0, (1, 1): 2, (1, 2): 0}, {(1, 0): 2, (1, 1): 0, (1, 2): 2}],
        cycles=[[(0, 0, "W", 1, "W"), (1, 1, "R", 2, "R")], [(0, 1, "W", 2, "W"), (1, 0, "R", 1, "R")]]),
    # Both trade the same word (0: open, 1: shut): the second sees what the first did before. Never: no wake, and
    # nothing seen.
    "door": dict(
        threads=[[("store", "data", None, 1), ("trade", "door", "open", 0)],
                 [("trade", "door", "shut", 1), ("load", "data", None)]],
        exists=[{(0, 0): 0, (1, 1): 0}],
        cycles=[[(0, 0, "W", 1, "W"), (1, 0, "R", 1, "R")]]),
}

WEAKER = {"release": "relaxed", "acquire": "relaxed"}


@dataclasses.dataclass
class Pair:
    name: str
    shape: str
    what: str                 # must not happen
    ends: dict                # role: (order, the names of the accesses in the code)
    places: dict = dataclasses.field(default_factory=dict)    # location of the shape: what it is here
    weaker: dict = dataclasses.field(default_factory=dict)    # role: the order of its twin, where it is not WEAKER
    same: tuple = ()          # other pairs of the same shape and orders


def usual(shape, name, what, store, load, data, flag, same=()):
    """A release store and an acquire load of `flag`, by the accesses of these names (a space between two)."""
    return Pair(name, shape, what, {"store": ("release", store.split()), "load": ("acquire", load.split())},
                {"data": data, "flag": flag}, same=same)


def message(*rest, **same):
    return usual("message", *rest, **same)


def handback(*rest):
    return usual("handback", *rest)


SEQ = {"weaker": {"announce": "release", "wake": "acquire", "publish": "release", "look": "acquire"}}

PAIRS = [
    message("wire", "the new function is got, but its context is not written yet",
            "wire.set", "wire.get", "context", "wire"),
    Pair("room.publish", "message", "the lane has the new panel, but an entry of it is not written yet",
         {"store": ("seq_cst", ["lane.unpark.publish"]), "load": ("acquire", ["room.publish.move"])},
         {"data": "entry", "flag": "wire"}, {"store": "relaxed"}),
    Pair("lane.observed", "handback", "the last call in the old context sees what the room wrote when it closed it",
         {"store": ("release", ["lane.observed.take", "lane.observed.park"]),
          "load": ("seq_cst", ["lane.unpark.look"])},
         {"data": "context", "flag": "echo"}, {"load": "relaxed"}),
    Pair("lane.unpark", "crossing", "the lane wakes to the old panel, and the room does not see that it is awake",
         {"announce": ("seq_cst", ["lane.unpark.announce"]), "wake": ("seq_cst", ["lane.unpark.wake"]),
          "publish": ("seq_cst", ["lane.unpark.publish"]), "look": ("seq_cst", ["lane.unpark.look"])}, **SEQ),
    Pair("lane.mark", "seqlock", "a first record is read with the revision of another one",
         {"payload": ("release", ["lane.mark.first"]), "word": ("release", ["lane.mark.revision"]),
          "look": ("acquire", ["lane.mark.look"]), "look_payload": ("acquire", ["lane.mark.look_first"])},
         {"word": "revision", "payload": "first"}),
    message("trial.breach", "the room sees the breach, but not the count that broke the rule",
            "trial.breach.lane", "trial.breach.control", "count", "breach"),
    message("ring.publish", "the consumer sees the index, but not the record",
            "ring.publish.publish", "ring.publish.fetch", "record", "published"),
    handback("ring.release", "the consumer reads what the producer wrote after the room was given back",
             "ring.release.release", "ring.release.reserve", "record", "released"),
    message("items.fill", "the consumer sees the cell's word, but not the item",
            "items.fill.put items.fill.put_many", "items.fill.ready", "item", "word"),
    handback("items.release", "the consumer reads what the producer wrote after the cell was given back",
             "items.release.release", "items.release.enter", "item", "released"),
    message("strings.count", "the id is valid, but the string is not there",
            "strings.count.intern", "strings.count.get", "bytes", "count"),
    message("strings.place", "the id is found, but the string is not there",
            "strings.place.intern", "strings.place.look", "bytes", "place"),
    Pair("box.sequence", "seqlock", "handlers and revision of two rounds are read as one",
         {"payload": ("release", ["box.words.update"]), "word": ("release", ["box.sequence.update"]),
          "look": ("acquire", ["box.sequence.read"]), "look_payload": ("acquire", ["box.words.read"])},
         {"word": "sequence", "payload": "words"}, same=("box.words",)),
    message("box.decision", "a word of the next lap is read, but not the count before it",
            "box.decision.decide", "box.decision.read", "count", "decision"),
    message("box.decided", "the count is read, but not the word that it counts",
            "box.decided.decide", "box.decided.read", "decision", "count"),
    Pair("tap.door", "door", "who knocks wakes nobody, and who shuts the door does not see what came before the knock",
         {"open": ("release", ["tap.door.open"]), "shut": ("acquire", ["tap.door.shut"])}),
    message("tap.source_over", "the source is over, but its last packets or counts are not there",
            "tap.source_over.capture",
            "tap.source_over.run", "ring", "over", same=("tap.lane_over", "sink.closing", "controlroom.over")),
    Pair("metrics.sequence", "seqlock", "figures of two rounds are read as one",
         {"payload": ("release", ["metrics.latest.run"]), "word": ("release", ["metrics.sequence.run"]),
          "look": ("acquire", ["metrics.sequence.take"]), "look_payload": ("acquire", ["metrics.latest.take"])},
         {"word": "sequence", "payload": "latest"}, same=("metrics.latest",)),
]
