from blender_ui.ranking.joint.progress import SAVE_SECONDS, SaveClock


def test_the_state_is_saved_every_so_many_steps_and_once_a_minute_on_a_slow_machine() -> None:
    now = [0.0]
    clock = SaveClock(4, timer=lambda: now[0])
    assert [step for step in range(1, 9) if clock.is_due(step)] == [4, 8]
    slow = []
    for step in range(9, 13):
        now[0] += SAVE_SECONDS / 2
        slow += [step] * clock.is_due(step)
    assert slow == [10, 12]
    now[0] += SAVE_SECONDS
    assert clock.is_due(13)
