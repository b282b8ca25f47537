"""The OSC process, as controllers and the engine meet it: real sockets, the real process."""

from __future__ import annotations

import contextlib
import math
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket, ParseError

from latentlive.engine.inputs.osc import parse, values
from latentlive.engine.inputs.sending import encode
from latentlive.protocol.wire import Wire

MODULE = "latentlive.engine.inputs.osc"
LOOPBACK = "127.0.0.1"
MS = 1_000_000
PATIENCE = 5.0
EPOCHS = 2_208_988_800


class Osc:
    """The process, its messages, and a controller that sends to it."""

    def __init__(self, listen=f"{LOOPBACK}:0"):
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", MODULE, "--fd", "0", "--listen", listen],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.wire = Wire(self.process.stdout, self.process.stdin)
        self.messages, self.changed = [], threading.Condition()
        self.thread = threading.Thread(target=self.read)
        self.thread.start()
        self.first = self.wait(lambda: self.messages[:1])[0]
        self.controller = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.controller.bind((LOOPBACK, 0))
        self.marks = 0

    def read(self):
        while (message := self.wire.receive()) is not None:
            with self.changed:
                self.messages.append(message)
                self.changed.notify()

    def wait(self, what):
        with self.changed:
            assert self.changed.wait_for(what, PATIENCE), self.messages[-3:]
            return what()

    def send(self, data):
        self.controller.sendto(data, (LOOPBACK, self.first["port"]))

    def mark(self):
        """Send a value and wait for it: whatever was sent before has been read by then."""
        self.marks += 1
        self.send(message("/mark", self.marks))
        self.wait(lambda: self.marks in [row[1] for row in self.rows("osc:/mark:0")])

    def rows(self, *sources):
        held = [row for m in self.messages if m["op"] == "values" for row in m["rows"]]
        return [row for row in held if row[0].startswith(sources)]

    def told(self, op):
        return [message for message in self.messages if message["op"] == op]

    def malformed(self):
        return max([message["malformed"] for message in self.told("counted")], default=0)

    def memory(self):
        """Return the most memory that it ever held [bytes]."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])

    def close(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            assert self.process.wait(PATIENCE) == 0
            assert self.process.stderr.read() == b""
        finally:
            self.process.kill()
            self.process.wait()
            self.thread.join()
            self.controller.close()
            self.process.stdout.close()
            self.process.stderr.close()


@pytest.fixture(scope="module")
def osc():
    """One process for what does not end it: what hostile packets leave behind would show later."""
    with contextlib.closing(Osc()) as process:
        yield process


@pytest.fixture
def own():
    with contextlib.closing(Osc()) as process:
        yield process


def message(address, *arguments, types=None):
    builder = OscMessageBuilder(address)
    for index, argument in enumerate(arguments):
        builder.add_arg(argument, types and types[index])
    return builder.build().dgram


def bundle(tag, *parts):
    """Return a bundle with a raw time tag."""
    sized = [struct.pack(">i", len(part)) + part for part in parts]
    return b"#bundle\0" + struct.pack(">Q", tag) + b"".join(sized)


def tag_in(seconds):
    return int((time.time() + EPOCHS + seconds) * 2**32)


VALID = message("/all/of/it", "text", 1, 0.5, b"blob", 2.5, types="sifbd")


# What arrives.


def test_it_tells_where_it_listens(osc):
    assert osc.first == {
        "op": "listening",
        "what": "osc",
        "host": LOOPBACK,
        "port": osc.first["port"],
    }
    assert osc.first["port"] > 0


def test_every_number_of_a_message_is_a_source_and_other_arguments_keep_their_index(osc):
    arguments = ["text", 7, 0.1, 0.1, 2**40, True, False, None, b"blob", (1, 2, 3, 4), [5, 6.0], -1]
    types = ["s", "i", "f", "d", "h", "T", "F", "N", "b", "m", ["i", "f"], "i"]
    osc.send(message("/types", *arguments, types=types))
    osc.mark()
    rows = osc.rows("osc:/types:")
    single = struct.unpack(">f", struct.pack(">f", 0.1))[0]
    assert [(row[0].rpartition(":")[2], row[1]) for row in rows] == [
        ("1", 7.0),
        ("2", single),
        ("3", 0.1),
        ("4", 2.0**40),
        ("5", 1.0),
        ("6", 0.0),
        ("11", -1.0),
    ]
    port = osc.controller.getsockname()[1]
    assert {row[3] for row in rows} == {f"osc {LOOPBACK}:{port}"}


def test_a_message_without_arguments_is_well_formed_and_no_value(osc):
    before = osc.malformed()
    osc.send(message("/bang"))
    osc.send(b"/bang\0\0\0")  # as old senders write it
    osc.mark()
    assert osc.rows("osc:/bang") == []
    assert osc.malformed() == before


@pytest.mark.parametrize(
    ("sent", "held"), [(0.25, 0.25), (-3.0, 0.0), (127, 1.0), (True, 1.0), (1e30, 1.0)]
)
def test_a_knob_is_clipped(osc, sent, held):
    osc.send(message(f"/knob/clip{sent}", sent))
    osc.mark()
    assert osc.rows(f"knob:clip{sent}")[0][1] == held


def test_names_count_in_one_form(osc):
    osc.send(message("/knob/Glo\u0308ckchen", 0.5))
    osc.send(message("/fader/Glo\u0308ckchen", 0.5))
    osc.mark()
    assert osc.rows("knob:Gl\u00f6ckchen")
    assert osc.rows("osc:/fader/Gl\u00f6ckchen:0")


def test_a_knob_takes_the_first_argument_only():
    def of(*arguments):
        return values(OscPacket(message(*arguments)).messages[0].message)

    assert of("/knob/a", 0.5, 0.75) == [("knob:a", 0.5)]
    assert of("/knob/a", "text", 0.75) == []
    assert of("/knob/", 0.5) == [("osc:/knob/:0", 0.5)]
    assert of("/knob", 0.5) == [("osc:/knob:0", 0.5)]


@pytest.mark.parametrize(
    ("name", "source"), [("sea", "sea"), (74, "74"), (74.0, "74"), ("/sea", "/sea"), (0.5, "0.5")]
)
def test_a_controller_of_tidal_is_known_by_its_name(osc, name, source):
    osc.send(message("/ctrl", name, 0.75))
    osc.mark()
    assert osc.rows(f"osc:{source}:0")[-1][1] == 0.75


def test_another_message_to_ctrl_is_a_plain_one():
    packet = OscPacket(message("/ctrl", 0.5, 0.25, 0.125)).messages[0].message
    assert values(packet) == [(f"osc:/ctrl:{n}", 0.5 / 2**n) for n in range(3)]


@pytest.mark.parametrize("seconds", [0.0, 0.3, -0.3])
def test_a_time_tag_near_now_is_the_moment_of_its_values(osc, seconds):
    source = f"/tag{seconds}"
    before = time.monotonic_ns()
    tag = tag_in(seconds)
    after = time.monotonic_ns()
    osc.send(bundle(tag, message(source, 1)))
    osc.mark()
    (row,) = osc.rows(f"osc:{source}:")
    assert before - MS <= row[2] - seconds * 1e9 <= after + MS


@pytest.mark.parametrize(
    "tag",
    [1, 0, 2**64 - 1, tag_in(10.0), tag_in(-10.0)],
    ids=["at once", "0", "the last", "in 10 s", "10 s ago"],
)
def test_immediate_and_far_time_tags_count_as_on_arrival(osc, tag):
    source = f"/far{tag}"
    before = time.monotonic_ns()
    osc.send(bundle(tag, message(source, 1)))
    osc.mark()
    (row,) = osc.rows(f"osc:{source}:")
    assert before < row[2] < time.monotonic_ns()


def test_a_bundle_of_the_library_with_a_bundle_inside_it(osc):
    before = time.monotonic_ns()
    outer, inner = OscBundleBuilder(time.time() + 0.2), OscBundleBuilder(time.time() + 0.4)
    inner.add_content(OscPacket(message("/inner", 2)).messages[0].message)
    outer.add_content(OscPacket(message("/outer", 1)).messages[0].message)
    outer.add_content(inner.build())
    after = time.monotonic_ns()
    osc.send(outer.build().dgram)
    osc.mark()
    for source, ahead in (("osc:/outer", 200 * MS), ("osc:/inner", 400 * MS)):
        assert before - MS <= osc.rows(source)[0][2] - ahead <= after + MS


# What is malformed.


def nested(depth):
    data = message("/deep", 1)
    for _ in range(depth):
        data = bundle(1, data)
    return data


def with_type(kind):
    return message("/type", 1, 2).replace(b",ii", b"," + kind + b"i")


MALFORMED = {
    "empty": b"",
    "no address": b"abc\0",
    "not UTF-8": b"/\xff\0\0,i\0\0\0\0\0\1",
    "unknown type": with_type(b"q"),
    "open bracket": with_type(b"["),
    "no comma": message("/a", 1).replace(b",", b"."),
    "float cut off": message("/a", 0.5)[:-4],
    "blob of negative size": b"/a\0\0,b\0\0" + struct.pack(">i", -4),
    "blob beyond its end": b"/a\0\0,b\0\0" + struct.pack(">i", 2**31 - 1),
    "escape": message("/\x1b[2J", 1),
    "negative size": bundle(1) + struct.pack(">i", -4),
    "size of zero": bundle(1) + bytes(4),
    "size beyond": bundle(1) + struct.pack(">i", 400) + message("/a", 1),
    "bundle without a tag": b"#bundle\0",
    "too deep": nested(5),
    "deep as can be": (b"#bundle\0" + struct.pack(">Q", 1) + bytes(2) + b"\x10\0") * 400,
    "too many": bundle(1, *[message("/a", 1)] * 201),
    "too long": message("/a", *[1] * 1700),
    "no number": message("/a", math.nan),
    "infinite": message("/knob/a", -math.inf),
    "one of a bundle": bundle(1, message("/bad", 1), b"/bad\0\0\0\0"[:8] + b",f\0\0"),
}


def test_malformed_packets_are_counted_and_nothing_else(own):
    for data in MALFORMED.values():
        own.send(data)
    own.mark()
    own.wait(lambda: own.malformed() == len(MALFORMED))
    assert {row[0] for row in own.rows("")} == {"osc:/mark:0"}


def test_as_deep_as_many_and_as_long_as_allowed():
    assert len(parse(nested(4))) == 1
    assert len(parse(bundle(1, *[message("/a", 1)] * 200))) == 200
    assert len(parse(message("/a", *[1] * 1636))[0][1].params) == 1636


def test_one_number_that_is_none_costs_itself_only(osc):
    osc.send(message("/sensor", 1.0, math.nan, 3.0))
    osc.mark()
    assert [row[:2] for row in osc.rows("osc:/sensor")] == [
        ["osc:/sensor:0", 1.0],
        ["osc:/sensor:2", 3.0],
    ]


def test_a_packet_that_is_cut_off_gives_no_value(own):
    cut = [VALID[:length] for length in range(len(VALID))]
    without = len("/all/of/it\0\0")  # an address alone is well-formed
    for data in cut:
        own.send(data)
    own.mark()
    own.wait(lambda: own.malformed() == len(cut) - 1)
    assert own.rows("osc:/all") == []
    assert values(parse(cut[without])[0][1]) == []
    own.send(VALID)
    own.wait(lambda: len(own.rows("osc:/all")) == 3)


ANYTHING = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda tail: b"#bundle\0" + tail, st.binary(max_size=100)),
    st.builds(lambda kinds, tail: b"/a\0\0," + kinds + tail, st.binary(max_size=9), st.binary()),
    st.builds(
        lambda where, byte: VALID[:where] + bytes([byte]) + VALID[where + 1 :],
        st.integers(0, len(VALID) - 1),
        st.integers(0, 255),
    ),
)


@given(ANYTHING)
def test_any_bytes_are_messages_or_malformed(data):
    with contextlib.suppress(ParseError):
        for _, found in parse(data):
            assert all(isinstance(value, float) for _, value in values(found))


def test_it_survives_any_bytes(own):
    chance = random.Random(7)
    for _ in range(20):
        for _ in range(100):  # its socket holds some three hundred
            own.send(chance.randbytes(chance.randrange(64)))
        own.mark()
    own.wait(own.malformed)


def test_a_flood_leaves_it_answering_and_small(own):
    own.mark()
    before = own.memory() if sys.platform == "linux" else 0
    port = (LOOPBACK, own.first["port"])
    for n in range(20_000):
        own.controller.sendto(encode(f"/flood/{n % 2000}", [n]), port)
    # What the socket could not hold is lost, as over any network: ask until it answers.
    asked, end = 0, time.monotonic() + PATIENCE
    with own.changed:
        while not [row for row in own.rows("osc:/mark:0") if row[1] < 0]:
            assert time.monotonic() < end
            asked += 1
            own.send(message("/mark", -asked))
            own.changed.wait(0.05)
    own.wait(lambda: [message for message in own.told("counted") if message["refused"]])
    if sys.platform == "linux":
        assert own.memory() - before < 16 * 2**20


# How much, and when.


def test_a_thousand_values_a_second_of_eight_sources_come_whole_and_on_time(own):
    sent = {}
    begin = time.monotonic_ns() + 20 * MS
    for n in range(1000):
        while time.monotonic_ns() < begin + n * MS:
            time.sleep(0.0002)
        sent[f"osc:/{n % 8}:0", n] = time.monotonic_ns()
        own.send(encode(f"/{n % 8}", [n]))
    own.wait(lambda: len(own.rows("osc:/")) == 1000)
    late = sorted(row[2] - sent[row[0], row[1]] for row in own.rows("osc:/"))
    assert late[0] >= 0
    assert late[500] < 3 * MS
    assert late[990] < 10 * MS  # a busy machine has other things to do too


def test_a_source_that_sends_too_often_is_thinned_out_and_ends_where_it_ended(own):
    begin = time.monotonic()
    n = 0
    while time.monotonic() < begin + 0.5:
        n += 1
        own.send(encode("/fast", [n]))
        time.sleep(0.0005)
    own.wait(lambda: own.rows("osc:/fast")[-1][1] == n)
    seconds = time.monotonic() - begin
    assert 50 < len(own.rows("osc:/fast")) <= 2 + 200 * seconds


def test_the_table_says_what_came_by(own):
    own.send(message("/first", 1))
    own.send(message("/second", 2))
    table = own.wait(lambda: own.told("table"))[0]
    assert table["what"] == "osc"
    assert [row[:2] for row in table["rows"]] == [["osc:/second:0", 2.0], ["osc:/first:0", 1.0]]
    port = own.controller.getsockname()[1]
    assert {row[3] for row in table["rows"]} == {f"osc {LOOPBACK}:{port}"}
    assert all(0.0 < row[2] <= 1.0 for row in table["rows"])


# Where it listens.


def test_a_port_that_is_taken_is_replaced_by_a_free_one(osc):
    taken = osc.first["port"]
    with contextlib.closing(Osc(f"{LOOPBACK}:{taken}")) as other:
        assert other.first["wanted"] == taken
        assert other.first["port"] != taken
        other.mark()


@pytest.mark.parametrize(
    ("listen", "why"),
    [
        ("192.0.2.1:9000", "address"),
        ("no.such.host.invalid:9000", ""),
        ("9000", "not HOST:PORT"),
        (":9000", "not HOST:PORT"),
        ("127.0.0.1:70000", "not HOST:PORT"),
        ("127.0.0.1:sea", "not HOST:PORT"),
    ],
)
def test_a_place_that_it_cannot_hear_ends_it_with_a_line_and_a_remedy(listen, why):
    with contextlib.closing(Osc(listen)) as process:
        assert process.first["op"] == "failed"
        assert process.first["what"] == "osc"
        assert process.first["error"].startswith(f"osc: cannot listen on {listen} (")
        assert why in process.first["error"]
        assert "0.0.0.0:9000" in process.first["error"]
        assert process.process.wait(PATIENCE) == 0


# What is sent.


def test_what_it_sends_arrives(osc):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as picture:
        picture.bind((LOOPBACK, 0))
        picture.settimeout(PATIENCE)
        arguments = [1, -(2**31), 2**40, 0.5, "sea", "", True, False, None, "Gl\u00f6ckchen"]
        order = {"op": "send", "host": LOOPBACK, "port": picture.getsockname()[1]}
        osc.wire.send({**order, "rows": [["/beat", arguments], ["/bang", []]]})
        first, second = (OscPacket(picture.recv(4096)).messages[0].message for _ in range(2))
    assert (first.address, first.params) == ("/beat", arguments)
    assert (second.address, second.params) == ("/bang", [])


def test_what_cannot_be_sent_is_left_out(osc):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as picture:
        picture.bind((LOOPBACK, 0))
        picture.settimeout(PATIENCE)
        order = {"op": "send", "host": LOOPBACK, "port": picture.getsockname()[1]}
        for place in (
            {"host": "no.such.host.invalid"},
            {"host": "x" * 70},
            {"port": 70000},
            {"port": "sea"},
            {"port": 1},
            {"host": "192.0.2.1"},
        ):
            osc.wire.send({**order, **place, "rows": [["/lost", [1]]] * 3})
        unsendable = [
            ["/a", [2**64]],
            ["/a", [1e300]],
            ["/a", [[1]]],
            ["/a", ["x" * 70000]],
            ["/a"],
        ]
        osc.wire.send({**order, "rows": [*unsendable, ["/last", [1]]]})
        assert OscPacket(picture.recv(4096)).messages[0].message.address == "/last"
    osc.mark()


# Its life.


def test_it_ends_when_its_input_ends(own):
    own.process.stdin.close()
    assert own.process.wait(PATIENCE) == 0


def test_it_ends_when_its_input_ends_also_in_a_flood(own):
    own.process.stdin.close()
    end = time.monotonic() + PATIENCE
    while own.process.poll() is None and time.monotonic() < end:
        own.send(VALID)
    assert own.process.poll() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_signals_do_not_end_it(own):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(own.process.pid, number)
    own.mark()


def test_it_loads_none_of_the_large_libraries():
    large = {"numpy", "torch", "onnx", "onnxruntime", "librosa", "matplotlib", "sounddevice"}
    code = f"import sys, {MODULE}; print(*({large} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
