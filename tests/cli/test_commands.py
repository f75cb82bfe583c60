"""The commands, on a real database: what they print, and their exit codes."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from counterfoil import __version__
from counterfoil.clock import SYSTEM_CLOCK
from counterfoil.record import Draft
from counterfoil.record.instant import to_micros
from counterfoil.record.spooled import encode
from counterfoil.spool import Loss, Spool

from .conftest import PRICE, Run

SENTENCE = "u-42 changed the price of product p-9: 12.50 → 13.00"


def test_an_event_is_written_and_told(run: Run, price_id: str) -> None:
    line = run("query", "--utc").out
    assert line.endswith(f"Z ! {SENTENCE}\n")
    assert run("query", "--ids").out.endswith(f"{SENTENCE}  {price_id}\n")
    assert run("query", "--only-ids").out == run("query", "--only-ids", "--all").out
    assert run("query", "--only-ids").out == f"{price_id}\n"


def test_an_event_is_shown_whole(run: Run, price_id: str) -> None:
    text = run("show", price_id).out
    assert text.startswith(SENTENCE)
    assert "supplier" in text
    event = run("show", price_id, "--json").json
    assert event["details"] == {"reason": "supplier"}
    assert event["before_state"] == {"price": "12.50"}
    assert event["recorded_at"].endswith("Z")


def test_json_lines_are_written_in_order(run: Run) -> None:
    lines = [
        {"event_type": "user_login", "user_id": f"u-{n}", "company_id": "c-1", "level": "error"}
        for n in range(300)
    ]
    ids = run("log", "-", stdin="\n".join(map(json.dumps, lines)) + "\n\n").out.split()
    events = run("query", "--all", "--oldest", "--json").out.splitlines()
    found = [json.loads(line) for line in events]
    assert [event["id"] for event in found] == ids
    assert [event["user_id"] for event in found] == [line["user_id"] for line in lines]
    assert {(event["company_id"], event["level"]) for event in found} == {("c-1", "error")}


@pytest.mark.parametrize(
    "line",
    ["no json", "[]", '{"user_id": "u-1"}', '{"event_type": "user_login", "colour": "s3cret"}',
     '{"event_type": "user_login", "level": "s3cret"}',
     '{"event_type": "user_login", "metadata": "s3cret"}'],
)  # fmt: skip
def test_a_line_that_cannot_be_used_is_named_and_not_echoed(run: Run, line: str) -> None:
    ran = run("log", "-", stdin=f'{{"event_type": "user_login"}}\n{line}\n', fails=2)
    assert "ine 2" in ran.err
    assert "s3cret" not in ran.err


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ((), 3),
        (("--type", "price_changed"), 1),
        (("--type", "price_changed", "--type", "user_login"), 2),
        (("--user", "u-7"), 1),
        (("--resource", "product/p-9"), 1),
        (("--resource", "product/"), 1),
        (("--resource", "p-9"), 1),
        (("--min-level", "warning"), 2),
        (("--level", "info"), 1),
        (("--outcome", "failure"), 1),
        (("--since", "1h"), 3),
        (("--until", "1h"), 0),
        (("--where", "details.reason=supplier"), 1),
        (("--where", 'after_state.price="13.00"'), 1),
        (("--where", "details.reason=campaign"), 0),
        (("--ip", "192.0.2.7"), 1),
        (("--session", "s-9"), 0),
    ],
)
def test_filters(run: Run, price_id: str, options: tuple[str, ...], count: int) -> None:
    run("log", "user_login", "--user", "u-7", "--ip", "192.0.2.7")
    run("log", "login_failed", "--user", "u-8")
    assert run("query", *options, "--count").out.strip() == str(count)
    assert run("query", *options, "--count", "--json").json == {"count": count}
    assert len(run("query", *options, "--json").json["events"]) == count


def test_a_session_is_found_though_only_its_token_is_kept(run: Run) -> None:
    run("log", "user_login", "--session", "s-0123456789ab", "--company", "c-1")
    run("log", "user_login", "--session", "s-0123456789ab")
    assert "s-0123456789ab" not in run("query", "--json").out
    assert run("query", "--session", "s-0123456789ab", "--count").out == "1\n"
    both = run("query", "--session", "s-0123456789ab", "--company", "c-1", "--json").json
    assert [event["company_id"] for event in both["events"]] == ["c-1"]


def test_pages_go_on_where_the_last_one_ended(run: Run) -> None:
    for n in range(3):
        run("log", "user_login", "--user", f"u-{n}")
    page = run("query", "-n", "2", "--json").json
    assert [event["user_id"] for event in page["events"]] == ["u-2", "u-1"]
    assert page["next_cursor"] in run("query", "-n", "2").out
    rest = run("query", "-n", "2", "--json", "--cursor", page["next_cursor"]).json
    assert [event["user_id"] for event in rest["events"]] == ["u-0"]
    assert rest["next_cursor"] is None


def test_nothing_found_is_said(run: Run, price_id: str) -> None:
    assert run("query", "--user", "nobody").out == "No event matches.\n"
    assert run("timeline", "--type", "user_login").out == "No event matches.\n"


@pytest.mark.parametrize("unit", ["hour", "day", "week", "month"])
def test_a_timeline_adds_up(run: Run, price_id: str, unit: str) -> None:
    run("log", "user_login", "--user", "u-7")
    rows = run("timeline", "--unit", unit, "--by", "type", "--json").json
    assert sum(row["events"] for row in rows) == 2
    assert rows[-1]["by"] == {"price_changed": 1, "user_login": 1}
    drawn = run("timeline", "--unit", unit, "--by", "type").out
    assert "█" in drawn
    assert "user_login" in drawn


def test_stats_say_what_is_covered(run: Run, price_id: str) -> None:
    (log,) = run("stats", "--json").json["logs"]
    assert (log["events"], log["checkpoint_size"], log["uncovered"]) == (1, 1, 0)
    assert "1 event," in run("stats").out


def test_stats_say_what_waits_in_the_spool(run: Run, price_id: str) -> None:
    empty = {"events": 0, "bytes": 0, "since": None, "lost": 0, "quarantined": 0}
    assert run("stats", "--json").json["spool"] == empty
    assert "spool" not in run("stats").out
    spool = Spool(Path("audit.db.spool"))
    draft = Draft(
        "user_login", SYSTEM_CLOCK.event_id(), to_micros(datetime(2026, 1, 2, tzinfo=UTC))
    )
    spool.append([encode(draft), b"not JSON"])
    spool.count_gap([Loss("default", "user_login", 1)])
    spool.close()
    found = run("stats", "--json").json["spool"]
    assert (found["events"], found["since"], found["lost"]) == (2, "2026-01-02T00:00:00Z", 1)
    out = run("stats", "--utc").out
    assert "Waiting in the spool: 2 events, the oldest of" in out
    assert "Kept nowhere, and not reported yet: 1 event." in out


def test_what_waits_is_said_while_the_database_is_away(run: Run, price_id: str) -> None:
    spool = Spool(Path("audit.db.spool"))
    spool.append([b"not JSON"])
    spool.close()
    holder = apsw.Connection("audit.db")
    holder.pragma("locking_mode", "exclusive")
    holder.execute("BEGIN IMMEDIATE")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COUNTERFOIL_LIMITS__WRITE_TIMEOUT", "0.05")
        found = run("stats", fails=2)
    holder.close()
    assert "Waiting in the spool: 1 event" in found.out
    assert "Another process" in found.err


def test_logs_are_apart(run: Run, price_id: str) -> None:
    run("log", "user_login", "--log", "other")
    assert run("query", "--count").out == "1\n"
    assert run("query", "--count", "--log", "other").out == "1\n"
    assert {log["log"] for log in run("stats", "--json").json["logs"]} == {"default", "other"}


def test_tail_ends_with_the_newest(run: Run) -> None:
    for n in range(3):
        run("log", "user_login", "--user", f"u-{n}")
    lines = run("tail", "-n", "2").out.splitlines()
    assert [line.split()[-3] for line in lines] == ["u-1", "u-2"]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_following_shows_what_comes_and_ends_cleanly(run: Run, price_id: str) -> None:
    command = [sys.executable, "-m", "counterfoil", "tail", "-f", "-n", "1", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["id"] == price_id
        later = run("log", "user_login", "--user", "u-7").out.strip()
        assert json.loads(process.stdout.readline())["id"] == later
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out, err) == (0, "", "")


def test_a_hostile_event_is_harmless(run: Run) -> None:
    evil = "\x1b[2J\x1b]0;owned\x07[bold red]x[/]\u202e\n"
    event_id = run(
        "log", "user_login", "--user", evil, "--detail", f"a={evil}", "--resource", f"user/{evil}"
    ).out.strip()
    for command in (["query"], ["query", "--json"], ["show", event_id], ["tail"],
                    ["show", event_id, "--json"]):  # fmt: skip
        out = run(*command).out
        assert not set("\x1b\x07\u202e") & set(out), command
        assert "[bold red]x[/]" in out
    assert len(run("query").out.splitlines()) == 1


def test_verify_is_content_with_what_is_untouched(run: Run, price_id: str) -> None:
    assert "all as recorded" in run("verify").out
    report = run("verify", "--json").json
    assert (report["ok"], report["events"], report["findings"]) == (True, 1, [])
    assert run("verify", "--since-last").code == 0


def test_verify_says_what_was_altered_and_exits_with_1(run: Run, price_id: str) -> None:
    _tamper("UPDATE event SET user_id = 'u-1'")
    ran = run("verify", fails=1)
    assert price_id in ran.out
    assert "NOT as recorded" in ran.out
    (finding,) = run("verify", "--json", fails=1).json["findings"]
    assert (finding["fault"], finding["event_id"]) == ("altered", price_id)


def test_verifying_a_log_that_is_not_there_is_usage(run: Run, price_id: str) -> None:
    assert "no such log" in run("verify", "--log", "nope", fails=2).err


def _tamper(sql: str) -> None:
    # Nobody has the file open by now, so that another SQLite may touch it.
    connection = sqlite3.connect("audit.db")
    with connection:
        connection.execute(sql)
    connection.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("query",), "no database"),
        (("verify",), "no database"),
        (("show", "x"), "no database"),
        (("frobnicate",), "No such command"),
        (("query", "--limit", "0"), "--limit"),
        (("query", "--since", "soon"), "time cannot be read"),
        (("query", "--where", "foo=1"), "--where"),
        (("log", "user_login", "--detail", "x"), "key=value"),
        (("log", "user_login", "--level", "loud"), "level"),
        (("log", "user_login", "--url", "mysql://u:s3cret@h/x"), "address"),
        (("log", "user_login", "--event-id", "x"), "UUIDv7"),
        (("verify-proof", "nothing", "--key", "x"), "cannot be read"),
        ((), "Usage"),
    ],
)
def test_bad_input_is_explained_and_exits_with_2(
    run: Run, own_place: Path, arguments: tuple[str, ...], said: str
) -> None:
    ran = run(*arguments, fails=2)
    assert said in ran.err + ran.out
    assert "s3cret" not in ran.err + ran.out
    assert "Traceback" not in ran.err


def test_an_event_that_is_not_there(run: Run, price_id: str) -> None:
    assert "no such event" in run("show", "01920000-0000-7000-8000-000000000000", fails=2).err
    assert "not a UUID" in run("show", "x", fails=2).err


def test_every_command_is_explained_and_takes_json(run: Run) -> None:
    commands = ["demo", "log", "query", "show", "tail", "timeline", "stats", "verify",
                "checkpoint", "prove", "verify-proof"]  # fmt: skip
    listed = run("--help").out
    for command in commands:
        assert command in listed
        assert "--json" in run(command, "--help").out
    assert "--json" in run("config", "show", "--help").out


def test_the_module_runs_and_nothing_is_imported_for_the_version() -> None:
    code = (
        "import sys; sys.argv = ['counterfoil', '--version']\n"
        "from counterfoil.__main__ import main; main()\n"
        "print([m for m in ('typer', 'rich', 'pydantic', 'apsw') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == f"counterfoil {__version__}\n[]\n"


def test_without_the_extra_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['typer'] = None; sys.argv = ['counterfoil', 'query']\n"
        "from counterfoil.__main__ import main; main()"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "pip install 'counterfoil[cli]'" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_reader_that_has_enough_is_no_error(run: Run) -> None:
    lines = "\n".join('{"event_type": "user_login"}' for _ in range(2000))
    run("log", "-", stdin=lines)
    command = f'"{sys.executable}" -m counterfoil query --all | head -n 1'
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert ran.stdout.count("\n") == 1
    assert ran.stderr == ""


def test_no_colours_are_sent_where_nobody_sees_them(run: Run, price_id: str) -> None:
    assert "\x1b" not in run("query").out
    assert PRICE[1] == "price_changed"


def test_a_closed_standard_output_is_no_error(run: Run) -> None:
    run(*PRICE)
    command = [sys.executable, "-m", "counterfoil", "query"]
    closed = f"{shlex.join(command)} >&-"
    done = subprocess.run(["/bin/sh", "-c", closed], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
