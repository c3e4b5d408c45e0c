"""The bench's own rules: what counts as held, whose turn it is in a round, what the plots show."""
import json
import sys
from xml.etree import ElementTree

import pytest

import tree

sys.path.insert(0, str(tree.ROOT / "bench"))
import held  # noqa: E402
import liblib  # noqa: E402
import plot  # noqa: E402
import shm_rows  # noqa: E402


def line(peer, value, **params):
    return json.dumps({"bench": "lib.queue", "peer": peer, "metric": "ns", "value": value, "params": params})


def records(**figures):
    return held.Records([line(peer.replace("_", "-"), value, shape="1x1", size=64, how="tput") for peer, value in figures.items()])


@pytest.mark.parametrize("ours, verdict", [(149, True), (150, True), (151, False), (None, None)])
def test_at_most(ours, verdict):
    assert held.at_most("it", ours, 100, 1.5, "ns", "peer").held is verdict


@pytest.mark.parametrize("ours, verdict", [(81, True), (80, True), (79, False), (None, None)])
def test_at_least(ours, verdict):
    assert held.at_least("it", ours, 100, 0.8, "GB/s", "peer").held is verdict


def test_the_best_peer_is_the_one_to_beat():
    result = held.no_slower_than_best("it", 90, {"slow": 200, "absent": None, "fast": 80}, "ns")
    assert result.held is False and "fast" in result.theirs


def test_what_was_not_measured_is_not_held():
    rows = [row for part in shm_rows.ROWS.values() for row in part[0](held.Records([]))]
    assert rows and all(row.held is None for row in rows)


def test_floors_and_ourselves_are_nobody_s_peers():
    found = records(reeve_strict=100, shm_spsc_spin=10, pipe=300)
    assert shm_rows.peers(found, 64) == {"pipe": 300}


def test_what_is_for_reference_is_held_to_nothing():
    row = held.for_reference(held.at_most("it", 200, 100, 1, "ns", "peer"))
    assert row.cells()[-2:] == ["-", "for reference"]


def test_rounds_go_to_and_fro():
    order = []
    cases = {name: lambda name=name: order.append(name) or (name != "broken" and {"of": name}) for name in ("a", "b", "broken")}
    assert liblib.rounds(cases, 3) == {"a": [{"of": "a"}] * 3, "b": [{"of": "b"}] * 3}
    assert order == ["a", "b", "broken", "broken", "b", "a", "a", "b", "broken"]


def test_a_plot_has_a_bar_for_everyone(tmp_path):
    plot.draw(records(reeve_strict=100, shm_spsc_spin=10, pipe=3000), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["queue.svg"]
    bars = [bar for bar in ElementTree.parse(tmp_path / "queue.svg").iter("{http://www.w3.org/2000/svg}rect")
            if bar.get("class") in ("reeve", "floor", "peer")]
    lengths = {bar.get("class"): float(bar.get("width")) for bar in bars}
    assert len(bars) == 3 and 0 < lengths["floor"] < lengths["reeve"] < lengths["peer"]


def test_without_a_figure_of_reeve_s_an_earlier_plot_stays(tmp_path):
    plot.draw(records(pipe=3000), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("errors, failed, verdict", [(0, 0, True), (1, 0, False), (0, 1, False)])
def test_a_torn_message_and_a_failed_run_are_seen(errors, failed, verdict):
    found = held.Records([line("reeve-lanes", 100, errors=errors, failed_runs=failed)])
    assert shm_rows.all_whole(found).held is verdict
