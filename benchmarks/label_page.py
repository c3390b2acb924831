"""Key presses on the real label page in Chromium, timed inside the page, for ``benchmarks.label_loop``."""

from __future__ import annotations

from benchmarks.browsing import chromium

READ_MS = 350
"""A person's look at the pair; presses sooner than a quarter of a second are refused."""
# The page says "pair-drawn" after the frame that shows the pair was painted.
_TIME_ONE = """(key) => new Promise((resolve) => {
    const start = performance.now();
    const frame = document.querySelector('.label-frame');
    frame.addEventListener('pair-drawn', () => resolve(performance.now() - start), { once: true });
    document.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
})"""
_IS_READY = "() => document.querySelector('.label-frame')?.dataset.phase === 'ready'"


def press_keys(url: str, *, key: str, n_presses: int) -> list[float]:
    """Label by keys as somebody who is signed in; give the seconds from each press to the next pair.

    Args:
        url: Of the label page.
        key: The sign-in's token.
        n_presses: How many labels.
    """
    seconds = []
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_init_script(f"localStorage.setItem('blender-ui-key', {key!r})")
        page = context.new_page()
        page.goto(url)
        page.wait_for_function(_IS_READY, timeout=60_000)
        for number in range(n_presses):
            page.wait_for_timeout(READ_MS)
            seconds.append(page.evaluate(_TIME_ONE, "abtn"[number % 4]) / 1000)
            page.wait_for_function(_IS_READY)
    return seconds
