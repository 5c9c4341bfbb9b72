"""Whatever a server or a disk does: what was published stays, nothing is withdrawn, the message says what and where, recovery is whole."""

import pytest

from .hostile import CASES, DISKS, Case, Town, tried, without_disk


@pytest.mark.parametrize("case", CASES, ids=[case.trouble.__name__ for case in CASES])
def test_a_troubled_harvest_takes_nothing_from_what_is_published_and_the_next_one_is_whole(tmp_path, case: Case):
    size = Town().size

    told = tried(case, tmp_path)

    assert (told.withdrawn, told.kept, told.again) == (0, size, size)
    assert told.came == (0 if case.lost < 0 else size - case.lost)
    assert case.words in told.message


@pytest.mark.parametrize("blocks", DISKS)
def test_a_full_disk_is_said_in_a_sentence_and_the_same_command_goes_on(tmp_path, blocks):
    code, words, after, living = without_disk(tmp_path / "home", blocks)

    assert code == 2 and len(words.splitlines()) == 1 and "Traceback" not in words
    assert str(tmp_path / "home") in words
    assert (after, living) == (0, Town(papers=300).size)
